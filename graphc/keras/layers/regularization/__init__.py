"""Layers that disturb their inputs in training only."""
