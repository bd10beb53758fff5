"""``tf.autograph.experimental``: switching AutoGraph off for a function, options of loops."""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable
from typing import Any

from graphc.autograph.options import innermost
from graphc.mode import mode
from graphc_ir.errors import ArgumentError

__all__ = ["Feature", "do_not_convert", "set_loop_options"]

MARK = "_graphc_do_not_convert"


class Feature(enum.Enum):
    """TensorFlow's optional features, accepted where it takes them; here all of AutoGraph is always on."""

    ALL = "ALL"
    ASSERT_STATEMENTS = "ASSERT_STATEMENTS"
    AUTO_CONTROL_DEPS = "AUTO_CONTROL_DEPS"
    BUILTIN_FUNCTIONS = "BUILTIN_FUNCTIONS"
    EQUALITY_OPERATORS = "EQUALITY_OPERATORS"
    LISTS = "LISTS"
    NAME_SCOPES = "NAME_SCOPES"


def do_not_convert(func: Callable[..., Any] | None = None) -> Any:
    """A decorator: the function, and all that it calls, run as they are written while a function is traced."""
    if func is None:
        return do_not_convert
    if not callable(func):
        raise ArgumentError(f"do_not_convert takes a function, got {type(func).__name__}")

    @functools.wraps(func)
    def unconverted(*args: Any, **kwargs: Any) -> Any:
        outer, mode.autograph = mode.autograph, False
        try:
            return func(*args, **kwargs)
        finally:
            mode.autograph = outer

    setattr(unconverted, MARK, True)
    return unconverted


def set_loop_options(
    parallel_iterations: int | None = None,
    swap_memory: bool | None = None,
    maximum_iterations: int | None = None,
    shape_invariants: Any = None,
) -> None:
    """Options of the loop around the call, if it becomes a loop of the graph.

    ``maximum_iterations`` ends it after so many rounds. Shape invariants are found by graphc itself; the other options
    are accepted and change nothing. Raises ArgumentError for a number of rounds that is no number now.
    """
    loop = innermost()
    if loop is None or maximum_iterations is None:
        return
    if not hasattr(maximum_iterations, "__index__"):
        raise ArgumentError(f"maximum_iterations is an integer, got {type(maximum_iterations).__name__}")
    loop.maximum_iterations = int(maximum_iterations)
