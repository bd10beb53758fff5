"""Checks of what users pass to dataset methods."""

from __future__ import annotations

import operator
from typing import Any

from graphc_ir.errors import ArgumentError

AUTOTUNE = -1


def integer(where: str, value: Any) -> int:
    """An int from anything that is one (Python, NumPy, a scalar tensor). Raises ArgumentError otherwise."""
    try:
        number = operator.index(value)
    except TypeError as error:
        raise ArgumentError(f"{where}={value!r} is not an integer; pass an int, e.g. {where}=32") from error
    if isinstance(value, bool):
        raise ArgumentError(f"{where}={value!r} is a bool; pass an int")
    return number


def at_least(where: str, value: Any, minimum: int) -> int:
    """An int that is not below ``minimum``. Raises ArgumentError otherwise."""
    number = integer(where, value)
    if number < minimum:
        raise ArgumentError(f"{where}={number} is out of range; expected an integer >= {minimum}")
    return number


def parallelism(where: str, value: Any) -> None:
    """None, AUTOTUNE or a positive number of calls. Raises ArgumentError otherwise."""
    if value is not None and integer(where, value) != AUTOTUNE:
        at_least(where, value, 1)


def optional_seed(where: str, value: Any) -> int | None:
    return None if value is None else integer(where, value)


def is_callable(where: str, value: Any) -> None:
    if not callable(value):
        raise ArgumentError(f"{where}={value!r} is not callable; pass a function of an element")
