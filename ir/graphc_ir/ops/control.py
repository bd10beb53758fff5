"""Control flow: ops whose regions run conditionally or repeatedly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc_ir import dims
from graphc_ir.dims import Dim
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError
from graphc_ir.graph import Graph
from graphc_ir.ops.base import Array
from graphc_ir.ops.regions import (
    Kernel,
    RegionOp,
    RegionRunner,
    match_inputs,
    one_or_all,
    require_same_type,
    result_types,
)
from graphc_ir.types import TensorType


class Cond(RegionOp):
    """Runs one of two regions. Operands: a bool scalar, then the inputs of both regions (``then``, ``else``)."""

    results: int

    @property
    def num_results(self) -> int:
        return self.results

    def infer_node(self, types: Sequence[TensorType], regions: Sequence[Graph]) -> tuple[TensorType, ...]:
        _check_predicate("cond", types[0])
        chosen, other = (result_types(self, region, types[1:]) for region in regions)
        if not len(chosen) == len(other) == self.results:
            raise ArgumentError(f"cond: the true branch gives {len(chosen)} results, the false branch {len(other)}, "
                                f"expected {self.results} of both")  # fmt: skip
        for i, (a, b) in enumerate(zip(chosen, other, strict=True)):
            require_same_type(a, b, f"cond: result {i} is {a} in the true branch and {b} in the false branch; both "
                                    "branches must give the same dtype and shape: cast or reshape one")  # fmt: skip
        return chosen

    def bound_kernel(self, regions: Sequence[Graph]) -> Kernel:
        chosen, other = map(RegionRunner, regions)
        return lambda predicate, *arrays: one_or_all((chosen if predicate else other)(arrays))


class While(RegionOp):
    """Runs ``body`` as long as ``cond`` holds. Operands: ``carries`` loop variables, then constants; both regions take
    all of them. ``cond`` gives a bool scalar, ``body`` the next loop variables; the last ones are the results.

    ``max_trips`` ends the loop after so many rounds; without it, the gradient first runs the loop to count them. Loop
    variables may change sizes that are symbols of the body's inputs alone; then there is no gradient.
    """

    carries: int
    max_trips: int | None

    @property
    def num_results(self) -> int:
        return self.carries

    def infer_node(self, types: Sequence[TensorType], regions: Sequence[Graph]) -> tuple[TensorType, ...]:
        cond, body = regions
        given = result_types(self, cond, types)
        if len(given) != 1:
            raise ArgumentError(f"while: the condition gives {len(given)} results, expected one bool scalar")
        _check_predicate("while", given[0])
        bindings = match_inputs(self, body, types)
        if len(body.outputs) != self.carries:
            raise ArgumentError(f"while: the body gives {len(body.outputs)} loop variables, expected {self.carries}")
        inside = [value.type for value in body.inputs]
        following = [output.type for output in body.outputs]
        local = {name for name, dim in bindings.items() if str(dim) != name}
        varying = set().union(
            *(_varying(i, a, b, local) for i, (a, b) in enumerate(zip(inside, following, strict=False)))
        )
        match_inputs(self, body, [*following, *inside[self.carries :]])
        fixed = {name: dim for name, dim in bindings.items() if name not in varying}
        return tuple(t.substitute(fixed) for t in inside[: self.carries])

    def bound_kernel(self, regions: Sequence[Graph]) -> Kernel:
        cond, body = map(RegionRunner, regions)
        count, limit = self.carries, self.max_trips

        def run(*arrays: Array) -> Any:
            carries: Sequence[Any] = arrays[:count]
            constants = arrays[count:]
            trips = 0
            while trips != limit and cond((*carries, *constants))[0]:
                carries = body((*carries, *constants))
                trips += 1
            return one_or_all(carries)

        return run


def _varying(i: int, before: TensorType, after: TensorType, local: set[str]) -> set[str]:
    """The symbols among a loop variable's sizes that a round changes. Only symbols of the body alone may."""
    found = set()
    if before.rank == after.rank and before.dtype is after.dtype:
        changed = [a for a, b in zip(before.shape, after.shape, strict=True) if dims.known_equal(a, b) is not True]
        found = {str(a) for a in changed} & local
        kept = tuple(b if str(a) in found else a for a, b in zip(before.shape, after.shape, strict=True))
        require_same_type(before.with_shape(kept), after, _carry_message("while", i, before, after))
        return found
    require_same_type(before, after, _carry_message("while", i, before, after))
    return found


class Scan(RegionOp):
    """Runs ``body`` for every element along the first axis of the scanned operands.

    Operands: ``carries`` loop variables, ``scanned`` arrays, constants. The body takes the loop variables, one element
    of each scanned array, and the constants; it gives the next loop variables, then the elements to stack. Results
    (``results`` in all): the last loop variables, then the stacked arrays. ``reverse`` goes from the last element to
    the first; element ``i`` of a stacked array still belongs to element ``i`` of the scanned ones.
    """

    carries: int
    scanned: int
    results: int
    reverse: bool = False

    @property
    def num_results(self) -> int:
        return self.results

    def infer_node(self, types: Sequence[TensorType], regions: Sequence[Graph]) -> tuple[TensorType, ...]:
        body, first = regions[0], self.carries
        start, scanned = types[:first], types[first : first + self.scanned]
        length = _common_length(scanned)
        elements = [t.with_shape(t.shape[1:]) for t in scanned]
        found = result_types(self, body, [*start, *elements, *types[first + self.scanned :]])
        if len(found) != self.results or self.results < first:
            raise ArgumentError(f"scan: the body gives {len(found)} results, expected {self.results}, of which {first} "
                                "are loop variables")  # fmt: skip
        for i, (a, b) in enumerate(zip(start, found, strict=False)):
            require_same_type(a, b, _carry_message("scan", i, a, b))
        return (*start, *(t.with_shape((length, *t.shape)) for t in found[first:]))

    def bound_kernel(self, regions: Sequence[Graph]) -> Kernel:
        body, first, last = RegionRunner(regions[0]), self.carries, self.carries + self.scanned

        def run(*arrays: Array) -> Any:
            scanned, constants = arrays[first:last], arrays[last:]
            carries: Sequence[Any] = arrays[:first]
            length = len(scanned[0])
            stacked: list[Array] = []
            for i in reversed(range(length)) if self.reverse else range(length):
                found = body((*carries, *[x[i] for x in scanned], *constants))
                carries = found[:first]
                if not stacked:
                    stacked = [np.empty((length, *y.shape), y.dtype) for y in found[first:]]
                for into, y in zip(stacked, found[first:], strict=True):
                    into[i] = y
            return one_or_all([*carries, *(stacked if length else self._empty(body, arrays))])

        return run

    def _empty(self, body: RegionRunner, arrays: Sequence[Array]) -> list[Array]:
        """The stacked results of no round at all."""
        first, last = self.carries, self.carries + self.scanned
        elements = [np.zeros(x.shape[1:], x.dtype) for x in arrays[first:last]]
        inputs = [*arrays[:first], *elements, *arrays[last:]]
        types = [body.output_type(i, inputs) for i in range(first, self.results)]
        return [np.zeros((0, *t.shape), t.dtype.np) for t in types]


def _check_predicate(name: str, type: TensorType) -> None:
    if not type.dtype.is_bool or type.rank:
        raise DTypeError(f"{name} needs a bool scalar as condition, got {type}; compare or reduce it, e.g. "
                         "tf.reduce_any(x > 0)")  # fmt: skip


def _common_length(scanned: Sequence[TensorType]) -> Dim:
    if not scanned:
        raise ArgumentError("scan needs at least one array to go over")
    for type in scanned:
        if not type.rank:
            raise ShapeError(f"scan goes over the first axis of its arrays, got the scalar {type}")
    length = scanned[0].shape[0]
    for type in scanned[1:]:
        require_same_type(TensorType(type.dtype, (length,)), TensorType(type.dtype, type.shape[:1]),
                          f"scan: the arrays {', '.join(map(str, scanned))} differ in their first size")  # fmt: skip
    return length


def _carry_message(name: str, i: int, before: TensorType, after: TensorType) -> str:
    return (f"{name}: loop variable {i} is {before} before the body and {after} after it; the body must keep dtype and "
            "shape: cast or reshape its result")  # fmt: skip
