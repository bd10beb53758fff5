"""``tf.autograph``: Python control flow that tensors decide about, inside ``tf.function``.

A traced function, and the user's functions that it calls, are converted at first use: ``if``, ``while``, ``for``,
``break``, ``continue``, ``return``, ``and``, ``or``, ``not`` and conditional expressions on tensors become regions of
the graph. With Python values they run as plain Python.
"""

from __future__ import annotations

import ast
import importlib
import logging
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any

from graphc.autograph import experimental
from graphc.mode import mode
from graphc_ir.errors import ArgumentError

__all__ = ["convert", "experimental", "set_verbosity", "to_code", "to_graph", "trace"]

_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)


def _conversion() -> Any:
    """The converter. Loaded when the first function is traced: ``import graphc`` does not need it."""
    return importlib.import_module(f"{__name__}.conversion")


def convert(function: Any) -> Any:
    """What to call in place of ``function``: converted while a function is traced with ``autograph=True``, else itself.

    For code that calls a user's function on behalf of a traced one, as a layer calls its ``call``.
    """
    return _conversion().to_call(function) if mode.autograph and mode.tracer is not None else function


def to_graph(entity: Any, recursive: bool = True, experimental_optional_features: Any = None) -> Any:
    """The converted form of a Python function, whichever file it stands in; for inspection.

    Raises ArgumentError with the reason if it cannot be converted.
    """
    function = entity.__func__ if isinstance(entity, MethodType) else entity
    if not isinstance(function, FunctionType):
        raise ArgumentError(f"tf.autograph converts Python functions and methods, got {type(entity).__name__}")
    converted = _conversion().convert_function(function)
    return MethodType(converted, entity.__self__) if isinstance(entity, MethodType) else converted


def to_code(entity: Any, recursive: bool = True, experimental_optional_features: Any = None) -> str:
    """The converted source of a Python function, as text."""
    function = getattr(entity, "python_function", entity)
    function = getattr(function, "__func__", function)
    if not isinstance(function, FunctionType):
        raise ArgumentError(f"tf.autograph converts Python functions and methods, got {type(entity).__name__}")
    return ast.unparse(_conversion().written_form(function))


def set_verbosity(level: int, alsologtostdout: bool = False) -> None:
    """0: silent. 1: one line per converted function and one, with the reason, per function left as it is.

    The lines go to the logger ``graphc.autograph``; with ``alsologtostdout``, to standard output as well.
    """
    logger = logging.getLogger(__name__)
    logger.setLevel(_LEVELS[min(max(int(level), 0), len(_LEVELS) - 1)])
    if alsologtostdout and not logger.handlers:
        logger.addHandler(logging.StreamHandler())


def trace(*args: Any) -> None:
    """Prints its arguments while a function is traced."""
    print(*args)


def traced(function: Callable[..., Any], is_on: bool) -> Callable[..., Any]:
    """What a trace runs: the converted function if AutoGraph is on. It is on or off for all that the trace calls."""

    def run(*args: Any, **kwargs: Any) -> Any:
        outer, mode.autograph = mode.autograph, is_on
        try:
            return (_conversion().to_call_directly(function) if is_on else function)(*args, **kwargs)
        finally:
            mode.autograph = outer

    return run
