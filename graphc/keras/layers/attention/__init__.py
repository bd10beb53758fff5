"""Layers in which positions of a sequence attend to positions of another one."""
