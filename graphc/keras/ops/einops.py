"""``keras.ops.rearrange``: reshaping and transposing by a pattern of named axes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from graphc.keras.engine.keras_tensor import KerasTensor
from graphc.keras.ops.movement import reshape, transpose
from graphc.keras.ops.promotion import convert
from graphc_ir.dims import Dim, element_count
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.base import shape_of

__all__ = ["rearrange"]

_TOKEN: Final = re.compile(r"\(([^()]*)\)|(\w+)")

Axes = list[list[str]]
"""Per axis of a tensor the names of its parts, outermost first."""


def rearrange(tensor: Any, pattern: str, **axes_lengths: int) -> Any:
    """Reshapes and transposes by a pattern, e.g. ``rearrange(x, "b (h p) c -> b p (c h)", p=4)``.

    Names stand for axes; names in parentheses for parts of one axis, of which at most one has no length in
    ``axes_lengths``. Both sides have the same names. Raises ArgumentError for another pattern, ShapeError when it does
    not fit the tensor.
    """
    source, target = _parsed(pattern)
    x = tensor if isinstance(tensor, KerasTensor) else convert(tensor)
    lengths = _lengths(source, shape_of(x), axes_lengths, pattern)
    order = [name for group in source for name in group]
    names = [name for group in target for name in group]
    split = reshape(x, _sizes(lengths[name] for name in order))
    moved = transpose(split, [order.index(name) for name in names])
    return reshape(moved, _sizes(element_count(tuple(lengths[name] for name in group)) for group in target))


def _sizes(sizes: Iterable[Dim]) -> tuple[Dim, ...]:
    """Sizes for a reshape: a single open one follows from the others."""
    listed = tuple(sizes)
    is_open = [not isinstance(size, int) for size in listed]
    return tuple(-1 if o else d for d, o in zip(listed, is_open, strict=True)) if sum(is_open) == 1 else listed


def _parsed(pattern: str) -> tuple[Axes, Axes]:
    sides = pattern.split("->")
    if len(sides) != 2:
        raise ArgumentError(f"rearrange: got pattern={pattern!r}, expected two sides with '->' between them")
    source, target = (
        [match[1].split() if match[2] is None else [match[2]] for match in _TOKEN.finditer(side)] for side in sides
    )
    names = [sorted(name for group in side for name in group) for side in (source, target)]
    if names[0] != names[1] or len(set(names[0])) != len(names[0]):
        raise ArgumentError(f"rearrange: got pattern={pattern!r}, expected each name once on both sides")
    return source, target


def _lengths(source: Axes, shape: Any, given: dict[str, int], pattern: str) -> dict[str, Dim]:
    if len(source) != len(shape):
        raise ShapeError(f"rearrange: pattern {pattern!r} has {len(source)} axes, the tensor's shape is {tuple(shape)}")
    found: dict[str, Dim] = dict(given)
    for group, size in zip(source, shape, strict=True):
        _solve(group, size, found, pattern)
    return found


def _solve(group: list[str], size: Dim, found: dict[str, Dim], pattern: str) -> None:
    """Adds the length of the one part of an axis that is not known."""
    unknown = [name for name in group if name not in found]
    known = element_count(tuple(found[name] for name in group if name in found))
    if len(unknown) > 1:
        raise ArgumentError(f"rearrange: pattern {pattern!r} leaves the lengths of {', '.join(unknown)} open; pass "
                            f"all but one of them, e.g. {unknown[0]}=2")  # fmt: skip
    if isinstance(size, int) and isinstance(known, int) and (size % known if unknown else size != known):
        raise ShapeError(f"rearrange: an axis of size {size} does not divide into {' '.join(group)} of pattern "
                         f"{pattern!r} with the lengths {found}")  # fmt: skip
    if unknown:
        found[unknown[0]] = size // known
