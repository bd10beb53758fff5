"""The table of programs, and what their arguments are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Program = Callable[..., Any]


@dataclass(frozen=True)
class Case:
    """A program and the argument lists that it runs on. ``has_gradient``: float arguments get gradients."""

    program: Program
    inputs: tuple[tuple[Any, ...], ...]
    has_gradient: bool = True


CASES: list[Case] = []


def case(*inputs: Any, has_gradient: bool = True) -> Callable[[Program], Program]:
    """Adds a program. One input is one argument, or a tuple of them."""
    rows = tuple(row if isinstance(row, tuple) else (row,) for row in inputs)

    def add(program: Program) -> Program:
        CASES.append(Case(program, rows, has_gradient))
        return program

    return add


VECTOR = [0.5, -1.0, 2.0]
MATRIX = [[0.5, -1.0], [0.25, 2.0], [-0.75, 1.5]]


def arrays_of(row: tuple[Any, ...]) -> list[Any]:
    """The inputs as arrays: float32, int32, or Python bools as they are."""
    return [value if isinstance(value, bool) else _array(value) for value in row]


def _array(value: Any) -> Any:
    array = np.array(value)
    return array.astype(np.float32 if array.dtype.kind == "f" else np.int32)
