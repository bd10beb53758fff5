"""Tracing: the interpreter that turns a running Python function into a graph."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import graphc_backends
import graphc_ir
from graphc.mode import mode
from graphc.tensor import SymbolicTensor, Tensor, wrap
from graphc.variable import Variable
from graphc_ir.builder import GraphBuilder
from graphc_ir.dims import Shape
from graphc_ir.errors import GraphcError, TracingError
from graphc_ir.graph import Graph, Location, State, Value
from graphc_ir.ops.base import Array, Interpreter, Op, Operand, using
from graphc_ir.symbolic import symbolic_value
from graphc_ir.types import TensorType


class VariableSlot:
    """A Variable within one trace: its value at the start and now."""

    __slots__ = ("assigned", "current", "initial", "variable")

    def __init__(self, variable: Variable, initial: Any) -> None:
        self.variable = variable
        self.initial = initial
        self.current = initial
        self.assigned = False


class Tracer(Interpreter):
    """Builds a graph from ops on symbolic tensors.

    Eager tensors become constants, Variables state inputs. Within a region (a branch or a loop body), tensors of the
    enclosing trace become extra region inputs, listed in ``captures``.
    """

    operand_type = SymbolicTensor

    def __init__(self, graph: Graph, outer: Tracer | None = None) -> None:
        self.graph = graph
        self.outer = outer
        self.builder = GraphBuilder(graph)
        self.slots: dict[int, VariableSlot] = {}
        self.captures: dict[int, tuple[Any, SymbolicTensor]] = {}
        self._constants: dict[int, tuple[Tensor, Value]] = {}

    def bind(self, op: Op, operands: tuple[Operand, ...], regions: tuple[Graph, ...] = ()) -> Any:
        values = tuple([o.value if o.__class__ is SymbolicTensor and o.value.graph is self.graph else self.value_of(o)
                        for o in operands])  # fmt: skip
        self.builder.location = user_location()
        try:
            result = self.builder.bind(op, values, regions)
        except GraphcError as error:
            raise _located(error, self.builder.location) from error
        if op.num_results != 1:
            results = tuple(map(SymbolicTensor, result))
            for tape in mode.tapes:
                tape.record(op, operands, results, regions)
            return results
        tensor = SymbolicTensor(result)
        for tape in mode.tapes:
            tape.record(op, operands, (tensor,), regions)
        return tensor

    def value_of(self, tensor: Tensor) -> Value:
        """The graph value that a tensor stands for in this trace."""
        if not isinstance(tensor, SymbolicTensor):
            return self._constant_value(tensor)
        if tensor.value.graph is self.graph:
            return tensor.value
        return self._capture(tensor).value

    def _constant_value(self, tensor: Tensor) -> Value:
        found = self._constants.get(id(tensor))
        if found is None:
            found = self._constants[id(tensor)] = (tensor, self.builder.constant(tensor._array))
        return found[1]

    def _capture(self, tensor: SymbolicTensor) -> SymbolicTensor:
        found = self.captures.get(id(tensor))
        if found is not None:
            return found[1]
        if self.outer is None or not self.outer.knows(tensor):
            raise TracingError(f"a tensor {tensor.type} of another traced function is used here; a function's tensors "
                               "live only inside it: return them, or keep state in a tf.Variable")  # fmt: skip
        inner = SymbolicTensor(self.graph.add_input(tensor.type))
        self.captures[id(tensor)] = (tensor, inner)
        return inner

    def knows(self, tensor: SymbolicTensor) -> bool:
        """Whether a tensor belongs to this trace or one around it."""
        return tensor.value.graph is self.graph or (self.outer is not None and self.outer.knows(tensor))

    def is_symbolic(self, value: Any) -> bool:
        return isinstance(value, SymbolicTensor)

    def read_variable(self, variable: Variable) -> Any:
        """The Variable's value at this point of the trace."""
        return self._slot(variable).current

    def assign_variable(self, variable: Variable, tensor: Any) -> None:
        slot = self._slot(variable)
        slot.current = tensor
        slot.assigned = True

    def _slot(self, variable: Variable) -> VariableSlot:
        slot = self.slots.get(id(variable))
        if slot is None:
            slot = self.slots[id(variable)] = VariableSlot(variable, self._initial(variable))
        return slot

    def _initial(self, variable: Variable) -> Any:
        if self.outer is None:
            return SymbolicTensor(self.graph.add_input(variable.type, variable.name.removesuffix(":0")))
        return self.outer.read_variable(variable)

    def type_of(self, operand: Operand) -> TensorType:
        return operand.type  # type: ignore[no-any-return]

    def constant(self, array: Array) -> Tensor:
        return wrap(array)

    def as_operand(self, value: Any) -> Operand | None:
        if isinstance(value, Tensor):
            return value
        return value.value() if isinstance(value, Variable) else None

    def symbolic_dims(self, operand: Operand) -> Shape | None:
        if isinstance(operand, SymbolicTensor):
            return symbolic_value(operand.value)
        return tuple(int(d) for d in operand._array.reshape(-1))

    def finish(self, outputs: Sequence[Tensor]) -> list[Variable]:
        """Sets the graph's outputs and state; returns the Variables in the order of the states."""
        values = [self.value_of(t) for t in outputs]
        names: dict[str, int] = {}
        for slot in self.slots.values():
            position = None
            if slot.assigned:
                position = len(values)
                values.append(self.value_of(slot.current))
            name = unique_name(slot.variable.name.removesuffix(":0"), names)
            slot.initial.value.name = name
            self.graph.states.append(State(name, slot.initial.value.index, position))
        self.graph.set_outputs(values)
        return [slot.variable for slot in self.slots.values()]


def unique_name(name: str, taken: dict[str, int]) -> str:
    """``name``, or ``name_1``, ``name_2``... if it is taken."""
    count = taken.get(name, 0)
    taken[name] = count + 1
    return unique_name(f"{name}_{count}", taken) if count else name


@contextmanager
def tracing(tracer: Tracer) -> Iterator[Tracer]:
    """Runs the block under the tracer."""
    outer, mode.tracer = mode.tracer, tracer
    mode.refresh()
    try:
        with using(tracer):
            yield tracer
    finally:
        mode.tracer = outer
        mode.refresh()


class Region:
    """A traced region: its closed graph, the outer tensors behind its last inputs, and its result structure."""

    def __init__(self, tracer: Tracer, result: Any) -> None:
        self.tracer = tracer
        self.graph = tracer.graph
        self.result = result


def trace_region(function: Callable[..., Any], types: Sequence[TensorType], name: str) -> Region:
    """Traces a branch or loop body on symbolic arguments. Captured tensors become inputs after the arguments."""
    tracer = Tracer(Graph(name), outer=mode.tracer)
    arguments = [SymbolicTensor(tracer.graph.add_input(t)) for t in types]
    with tracing(tracer):
        result = function(*arguments)
    return Region(tracer, result)


_PACKAGES = tuple(os.path.dirname(os.path.abspath(str(p.__file__))) + os.sep for p in (graphc_ir, graphc_backends)) + (
    os.path.dirname(os.path.abspath(__file__)) + os.sep,
)
_internal_files: dict[str, bool] = {}
_locations: dict[tuple[str, int, str], Location] = {}


def user_location() -> Location:
    """Where the innermost frame outside of graphc stands, with the current name scope."""
    frame = sys._getframe(2)
    while frame is not None:
        filename = frame.f_code.co_filename
        internal = _internal_files.get(filename)
        if internal is None:
            internal = _internal_files[filename] = filename.startswith(_PACKAGES) or "optree" in filename
        if not internal:
            break
        frame = frame.f_back  # type: ignore[assignment]
    key = (filename, frame.f_lineno, mode.scope) if frame is not None else ("", 0, mode.scope)
    found = _locations.get(key)
    if found is None:
        found = _locations[key] = Location(*key)
    return found


def _located(error: GraphcError, location: Location) -> GraphcError:
    return type(error)(f"{error} [{location}]") if location.file else error
