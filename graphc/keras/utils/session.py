"""Starting over inside one process."""

from __future__ import annotations

import gc

from graphc.keras.naming import clear_names

__all__ = ["clear_session"]


def clear_session(free_memory: bool = True) -> None:
    """Numbers the names of new layers from the start again: the next Dense layer is ``dense``.

    Args:
        free_memory: also collects what is no longer in use, e.g. the graphs of models that were dropped.
    """
    clear_names()
    if free_memory:
        gc.collect()
