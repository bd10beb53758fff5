"""Runs graphs with NumPy."""
