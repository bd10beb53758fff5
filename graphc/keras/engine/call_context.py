"""What a running call of a layer tells the layers inside it: training or not, and whose call it is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["CallContext", "collecting_losses", "current_call", "enter_call"]


class CallContext:
    """One outermost call. ``root`` is its layer, ``training`` what the innermost running layer was told.

    ``with_losses`` are the layers that added losses during this call. Inside :func:`collecting_losses`, ``collected``
    takes the losses with their layers, which do not get them.
    """

    __slots__ = ("collected", "root", "training", "with_losses")

    def __init__(self, root: Any) -> None:
        self.root = root
        self.training: Any = None
        self.with_losses: list[Any] = []
        self.collected: list[tuple[Any, Any]] | None = None


class _Running(threading.local):
    context: CallContext | None = None


_running = _Running()


def current_call() -> CallContext | None:
    """The outermost call that is running in this thread, if any."""
    return _running.context


@contextmanager
def enter_call(layer: Any, training: Any) -> Iterator[CallContext]:
    """Runs the block as a call of ``layer``. None for ``training`` keeps what the layer around it was told."""
    outer = _running.context
    context = outer or CallContext(layer)
    before = context.training
    if training is not None:
        context.training = training
    _running.context = context
    try:
        yield context
    finally:
        context.training = before
        _running.context = outer


@contextmanager
def collecting_losses() -> Iterator[list[tuple[Any, Any]]]:
    """Inside a call: gives the tensors added as losses in the block, each after its layer."""
    context = _running.context
    assert context is not None
    outer = context.collected
    found: list[tuple[Any, Any]] = []
    context.collected = found
    try:
        yield found
    finally:
        context.collected = outer
