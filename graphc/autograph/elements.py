"""What a for loop over tensors goes over: the slices of tensors along their first axis, in some structure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from graphc.location import user_location
from graphc.mode import mode
from graphc.number import Number
from graphc.tensor import SymbolicTensor, Tensor
from graphc.variable import Variable
from graphc_ir.dims import Dim
from graphc_ir.dtypes import int32
from graphc_ir.errors import TracingError
from graphc_ir.ops.base import lift
from graphc_ir.ops.creation import arange, iota
from graphc_ir.ops.elementwise import add


class Elements:
    """Tensors of one length. ``build`` makes an element of the structure from one slice of each.

    In a for statement it becomes a loop of the graph; elsewhere it is an iterator like what it stands for.
    """

    def __init__(self, tensors: Sequence[Tensor], build: Callable[[Sequence[Any]], Any]) -> None:
        self.tensors = list(tensors)
        self.build = build
        self._slices: Iterator[Any] | None = None

    @property
    def length(self) -> Dim:
        size: Dim = self.tensors[0].type.shape[0]
        return size

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self._slices is None:
            self._slices = map(self.build, zip(*self.tensors, strict=False))
        return next(self._slices)


def elements_of(iterable: Any) -> Elements | None:
    """What a loop of the graph goes over; None if Python iterates. Only while a function is traced."""
    if isinstance(iterable, Elements):
        return iterable
    if mode.tracer is None or not isinstance(iterable, (Tensor, Variable)):
        return None
    tensor = lift(iterable) if isinstance(iterable, Variable) else iterable
    if not tensor.type.rank:
        raise TracingError(f"{user_location()}: a for loop goes over the first axis of a tensor, got the scalar "
                           f"{tensor.type}; use tf.range(n) to count")  # fmt: skip
    return Elements([tensor], lambda slices: slices[0])


def enumerated(iterable: Any, start: Any = 0) -> Elements | None:
    """``enumerate`` of tensors; None if Python enumerates."""
    inner = elements_of(iterable)
    if inner is None:
        return None
    numbers = iota(inner.length, int32)
    positions = numbers if isinstance(start, int) and not start else add(numbers, start)
    return Elements([positions, *inner.tensors], lambda slices: (as_number(slices[0]), inner.build(slices[1:])))


def counted(*bounds: Any) -> Elements:
    """``range`` of bounds that only a run of the graph tells."""
    return Elements([arange(*bounds)], lambda slices: as_number(slices[0]))


def as_number(tensor: Any) -> Any:
    """A scalar of the trace as what it is in the user's code."""
    return Number(tensor.value) if isinstance(tensor, SymbolicTensor) else tensor


def zipped(iterables: Sequence[Any]) -> Elements | None:
    """``zip`` of tensors of one length; None if Python zips, since one of them is no tensor or is shorter."""
    found = [elements_of(iterable) for iterable in iterables]
    parts = [part for part in found if part is not None]
    if not parts or len(parts) != len(found) or any(part.length != parts[0].length for part in parts):
        return None
    return Elements([t for part in parts for t in part.tensors], lambda slices: _regrouped(parts, slices))


def _regrouped(parts: Sequence[Elements], slices: Sequence[Any]) -> tuple[Any, ...]:
    following = iter(slices)
    return tuple(part.build([next(following) for _ in part.tensors]) for part in parts)
