"""Recurrent layers: over any cell, and the built-in ones, which run as one op where they can."""
