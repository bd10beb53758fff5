"""Pooling over windows, over all positions, and to a given number of positions."""
