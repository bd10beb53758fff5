"""Small data sets that ship inside the package: no download, no cache folder."""

from graphc.keras.datasets import digits

__all__ = ["digits"]
