"""Python's cyclic garbage collector while large graphs are built."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collection_paused() -> Iterator[None]:
    """No cyclic collections inside the block.

    Building a graph makes many objects and drops few; the collector would walk all of them again and again, which makes
    long traces and pass pipelines slower the larger the graph is. Reference counting goes on.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
