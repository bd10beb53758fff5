"""Activations that are layers: those with parameters of their own."""
