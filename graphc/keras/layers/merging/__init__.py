"""Layers of several inputs: element-wise, concatenation, dot product; and each as a function."""
