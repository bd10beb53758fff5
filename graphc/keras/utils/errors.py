"""The errors of reading files."""

from __future__ import annotations

from graphc_ir.errors import GraphcError

__all__ = ["CorruptFileError", "DownloadError", "PillowMissingError", "UnsafeFileError"]


class DownloadError(GraphcError, OSError):
    """A file is not in the cache and cannot be downloaded.

    The message says where to put the file by hand when there is no network.
    """


class CorruptFileError(GraphcError, ValueError):
    """A file is not the one expected: its checksum differs, it is cut off, or it does not have its format.

    Delete it and download it again. A checksum that keeps differing means that the origin serves another file.
    """


class UnsafeFileError(GraphcError, ValueError):
    """A file asks for something that loading data never needs: to run code, or to write outside its folder.

    Nothing of it was executed. Do not open the file with other tools; get it from a source that you trust.
    """


class PillowMissingError(GraphcError, ImportError):
    """Reading and writing images needs Pillow, which is not installed: ``pip install 'graphc[images]'``."""
