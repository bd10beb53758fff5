"""Imports every family file, which fills the rule tables."""

from graphc_backends.onnx import constant, elementwise, linalg, movement, reduction

__all__ = ["constant", "elementwise", "linalg", "movement", "reduction"]
