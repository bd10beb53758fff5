"""Reverse-mode automatic differentiation."""

from graphc_ir.autodiff import regions

__all__ = ["regions"]
