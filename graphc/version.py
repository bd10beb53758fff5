"""``tf.version``."""

from importlib.metadata import version

VERSION = version("graphc")
"""The installed version of graphc."""

__all__ = ["VERSION"]
