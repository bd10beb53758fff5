"""Models and functions for use elsewhere: ONNX files, one per endpoint."""

from graphc.keras.export.archive import ExportArchive

__all__ = ["ExportArchive"]
