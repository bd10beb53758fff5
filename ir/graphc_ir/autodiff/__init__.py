"""Reverse-mode automatic differentiation."""

from graphc_ir.autodiff import recurrence, regions

__all__ = ["recurrence", "regions"]
