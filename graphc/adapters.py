"""Gives op functions TensorFlow's signatures where those differ only by the ``name`` argument."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def unary(function: Callable[[Any], Any]) -> Callable[..., Any]:
    """``f(x, name=None)``. Names show in graphs through ``tf.name_scope``; ``name`` itself is accepted and unused."""

    @functools.wraps(function)
    def call(x: Any, name: str | None = None) -> Any:
        return function(x)

    return call


def binary(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """``f(x, y, name=None)``."""

    @functools.wraps(function)
    def call(x: Any, y: Any, name: str | None = None) -> Any:
        return function(x, y)

    return call


def reduction(function: Callable[..., Any]) -> Callable[..., Any]:
    """``f(input_tensor, axis=None, keepdims=False, name=None)``."""

    @functools.wraps(function)
    def call(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
        return function(input_tensor, axis, keepdims)

    return call


def segments(function: Callable[..., Any]) -> Callable[..., Any]:
    """``f(data, segment_ids, name=None)``."""

    @functools.wraps(function)
    def call(data: Any, segment_ids: Any, name: str | None = None) -> Any:
        return function(data, segment_ids)

    return call


def unsorted_segments(function: Callable[..., Any]) -> Callable[..., Any]:
    """``f(data, segment_ids, num_segments, name=None)``."""

    @functools.wraps(function)
    def call(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
        return function(data, segment_ids, num_segments)

    return call
