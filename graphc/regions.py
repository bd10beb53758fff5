"""Tracing the regions of control flow: branches, loop bodies, functions with a derivative of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from graphc.mode import mode
from graphc.pytree import flatten, unflatten
from graphc.tensor import SymbolicTensor, Tensor
from graphc.tracing import Tracer, tracing
from graphc.variable import Variable
from graphc_ir.errors import ArgumentError, TracingError
from graphc_ir.graph import Graph, Value
from graphc_ir.ops.base import bind, lift
from graphc_ir.ops.regions import RegionOp, set_inputs
from graphc_ir.types import TensorType


class RegionTracer(Tracer):
    """Traces a region. A Variable that it reads is an input of its own, so that a loop can carry it."""

    def _initial(self, variable: Variable) -> Any:
        outside = variable.snapshot() if self.outer is None else self.outer.read_variable(variable)
        inside = SymbolicTensor(self.graph.add_input(variable.type))
        self.captures[id(variable)] = (outside, inside)
        return inside


class Region:
    """A traced region: its graph, what it captured, the Variables it used and its result.

    ``tensors`` are the result's leaves (None where the function returned None), ``structure`` how they are nested.
    Tapes around it see only the op that the region will belong to.
    """

    def __init__(self, name: str, types: Sequence[TensorType]) -> None:
        self.graph = Graph(name)
        self.tracer = RegionTracer(self.graph, outer=mode.tracer)
        self.arguments = [SymbolicTensor(self.graph.add_input(t)) for t in types]
        self.tensors: list[Tensor | None] = []
        self.structure: Any = None

    def trace(self, function: Callable[..., Any], hints: Sequence[TensorType] = ()) -> Region:
        """Runs the function on the arguments. Plain numbers in its result take the dtypes of ``hints``."""

        def run() -> None:
            result = function(*self.arguments)
            leaves, self.structure = flatten(result)
            dtypes = [t.dtype for t in hints] if len(hints) == len(leaves) else [None] * len(leaves)
            self.tensors = [None if leaf is None else lift(leaf, d) for leaf, d in zip(leaves, dtypes, strict=True)]

        self.run(run)
        return self

    def run(self, function: Callable[[], Any]) -> Any:
        """Runs a function inside this region."""
        tapes, mode.tapes = mode.tapes, []
        try:
            with tracing(self.tracer):
                result = function()
        finally:
            mode.tapes = tapes
            mode.refresh()
        for slot in self.tracer.slots.values():
            for tape in mode.tapes:
                tape.note_read(slot.variable, self.captures[id(slot.variable)][0])
        return result

    @property
    def captures(self) -> dict[int, tuple[Any, SymbolicTensor]]:
        """By id of a tensor or Variable: the tensor outside and the one inside."""
        return self.tracer.captures

    @property
    def assigned(self) -> list[Variable]:
        return [slot.variable for slot in self.tracer.slots.values() if slot.assigned]

    def values(self, tensors: Iterable[Tensor | None]) -> list[Value]:
        """The graph values of tensors; None is left out."""
        return [self.tracer.value_of(tensor) for tensor in tensors if tensor is not None]

    def variable_value(self, variable: Variable) -> Tensor:
        """What the Variable is at the end of the region."""
        tensor: Tensor = self.run(lambda: self.tracer.read_variable(variable))
        return tensor

    def inputs_for(self, outside: dict[int, Any]) -> list[Value]:
        """The inputs that stand for outer tensors, made where this region has none."""
        return [self.captures[key][1].value if key in self.captures else self.graph.add_input(tensor.type)
                for key, tensor in outside.items()]  # fmt: skip

    def close(self, outputs: Sequence[Value], *inputs: Sequence[Value]) -> Graph:
        """The finished graph with its inputs in this order."""
        self.graph.set_outputs(outputs)
        set_inputs(self.graph, [value for group in inputs for value in group])
        return self.graph

    def refuse_assignments(self, what: str) -> None:
        """Raises TracingError if the region assigned a Variable."""
        if self.assigned:
            names = ", ".join(v.name for v in self.assigned)
            raise TracingError(f"{what} assigns {names}; assign Variables outside of it")

    @property
    def argument_values(self) -> list[Value]:
        return [argument.value for argument in self.arguments]


def captured_by(*regions: Region) -> dict[int, Any]:
    """What regions capture, each outer tensor or Variable once: id to the tensor outside."""
    return {key: outside for region in regions for key, (outside, _) in region.captures.items()}


def rebuild(region: Region, results: Iterable[Any]) -> Any:
    """The region's result structure with the op's results in place of the region's tensors."""
    following = iter(results)
    return unflatten(region.structure, [None if t is None else next(following) for t in region.tensors])


def bind_all(op: RegionOp, operands: Iterable[Any], regions: tuple[Graph, ...]) -> list[Any]:
    """Applies an op with regions; its results always as a list. An op without results is not needed at all."""
    if not op.num_results:
        return []
    found = bind(op, *operands, regions=regions)
    return list(found) if op.num_results != 1 else [found]


def check_callable(function: Any, what: str) -> None:
    if not callable(function):
        raise ArgumentError(f"{what} must be a function, got {type(function).__name__}; wrap it, e.g. lambda: value")
