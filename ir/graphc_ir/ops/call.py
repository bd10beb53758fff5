"""Calling a graph as one op, and functions that bring their own derivative."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc_ir.errors import ArgumentError
from graphc_ir.graph import Graph
from graphc_ir.ops.base import Operand, bind, lift, type_of
from graphc_ir.ops.regions import Kernel, RegionOp, RegionRunner, match_inputs, one_or_all, result_types, specialize
from graphc_ir.types import TensorType


class Call(RegionOp):
    """Runs its region, a closed graph without state, on the operands.

    ``keep``: the call is not to be inlined. Its derivative then computes the region again instead of keeping what the
    region computed (rematerialization). ``isolated``: such a derivative; it runs once all of its operands are there,
    and what it computes must not be taken from equal nodes outside, which would have to be kept for it.
    """

    results: int = 1
    keep: bool = False
    isolated: bool = False

    @property
    def num_results(self) -> int:
        return self.results

    @property
    def is_inlinable(self) -> bool:  # type: ignore[override]
        return not self.keep

    def infer_node(self, types: Sequence[TensorType], regions: Sequence[Graph]) -> tuple[TensorType, ...]:
        found = result_types(self, regions[0], types)
        if len(found) != self.results:
            raise ArgumentError(
                f"call of {regions[0].name} has results={self.results}, but the region has {len(found)}"
            )
        return found

    def bound_kernel(self, regions: Sequence[Graph]) -> Kernel:
        run = RegionRunner(regions[0])
        return lambda *arrays: one_or_all(run(arrays))


class CustomVjp(RegionOp):
    """A call whose derivative is given instead of derived.

    Regions: ``forward`` takes the operands; ``backward`` takes the operands and one cotangent per floating-point
    result, and gives one cotangent for each operand listed in ``wrt``. No gradient flows to the other operands.
    """

    results: int
    wrt: tuple[int, ...]
    is_inlinable = True

    @property
    def num_results(self) -> int:
        return self.results

    def infer_node(self, types: Sequence[TensorType], regions: Sequence[Graph]) -> tuple[TensorType, ...]:
        forward, backward = regions
        found = result_types(self, forward, types)
        if len(found) != self.results:
            raise ArgumentError(
                f"custom_vjp of {forward.name} has results={self.results}, but the region has {len(found)}"
            )
        given = result_types(self, backward, [*types, *(t for t in found if t.dtype.is_differentiable)])
        if len(given) != len(self.wrt):
            raise ArgumentError(f"custom_vjp of {forward.name}: its gradient gives {len(given)} cotangents, expected "
                                f"{len(self.wrt)} (for operands {list(self.wrt)})")  # fmt: skip
        return found

    def bound_kernel(self, regions: Sequence[Graph]) -> Kernel:
        run = RegionRunner(regions[0])
        return lambda *arrays: one_or_all(run(arrays))


def call(graph: Graph, *operands: Any, keep: bool = False) -> Operand:
    """Applies a graph without state. Returns its result, or a tuple of them if it has several.

    Raises ArgumentError for a graph with state or another number of operands, DTypeError or ShapeError for an operand
    that does not fit.
    """
    if graph.states:
        raise ArgumentError(f"{graph.name} has state ({', '.join(s.name for s in graph.states)}); only graphs without "
                            "state can be called")  # fmt: skip
    lifted = [lift(operand) for operand in operands]
    op = Call(len(graph.outputs), keep)
    bindings = match_inputs(op, graph, [type_of(operand) for operand in lifted])
    # The callee's symbols are its own; inside the node they must mean what they mean in the graph around it.
    foreign = {name: dim for name, dim in bindings.items() if str(dim) != name}
    return bind(op, *lifted, regions=(specialize(graph, foreign),))
