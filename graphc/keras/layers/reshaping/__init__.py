"""Layers that move elements: other shapes, borders, repetition."""
