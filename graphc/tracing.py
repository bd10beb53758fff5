"""Tracing: the interpreter that turns a running Python function into a graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from graphc.conversion import as_tensor
from graphc.location import user_location
from graphc.mode import mode
from graphc.number import adapted
from graphc.tensor import SymbolicTensor, Tensor, wrap
from graphc.variable import Variable
from graphc_ir.builder import GraphBuilder
from graphc_ir.dims import Shape, UndecidableDimError
from graphc_ir.errors import GraphcError, TracingError
from graphc_ir.evaluate import run_node
from graphc_ir.graph import Graph, Location, Node, State, Value
from graphc_ir.ops.base import Array, Interpreter, Op, Operand, using
from graphc_ir.symbolic import symbolic_value
from graphc_ir.types import TensorType


class VariableSlot:
    """A Variable within one trace: its value at the start and now. A local one is no state of the graph."""

    __slots__ = ("assigned", "current", "initial", "local", "variable")

    def __init__(self, variable: Variable, initial: Any) -> None:
        self.variable = variable
        self.initial = initial
        self.current = initial
        self.assigned = False
        self.local = False


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
        self.created: list[Variable] = [] if outer is None else outer.created

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
            self.builder.location = user_location()
            found = self._constants[id(tensor)] = (tensor, self.builder.constant(tensor._array))
        return found[1]

    def _capture(self, tensor: SymbolicTensor) -> SymbolicTensor:
        found = self.captures.get(id(tensor))
        if found is not None:
            return found[1]
        if self.outer is None or not self.outer.knows(tensor):
            raise TracingError(f"{user_location()}: a tensor {tensor.type} of another traced function, branch or loop "
                               "is used here; tensors live only inside of what makes them: return them, or keep state "
                               "in a tf.Variable")  # fmt: skip
        inner = SymbolicTensor(self.graph.add_input(tensor.type))
        self.captures[id(tensor)] = (tensor, inner)
        return inner

    def knows(self, tensor: SymbolicTensor) -> bool:
        """Whether a tensor belongs to this trace or one around it."""
        return tensor.value.graph is self.graph or (self.outer is not None and self.outer.knows(tensor))

    def static_value(self, tensor: Tensor) -> Array | None:
        """The value of a tensor that depends on no input; None if it depends on one."""
        if not isinstance(tensor, SymbolicTensor):
            return tensor._array
        return _evaluate_closed(tensor.value)

    def read_variable(self, variable: Variable) -> Any:
        """The Variable's value at this point of the trace."""
        return self._slot(variable).current

    def assign_variable(self, variable: Variable, tensor: Any) -> None:
        slot = self._slot(variable)
        slot.current = tensor
        slot.assigned = True

    def make_local(self, variable: Variable, tensor: Any) -> None:
        """The Variable begins every run of the graph with this value, and its last value is dropped."""
        slot = self.slots[id(variable)] = VariableSlot(variable, tensor)
        slot.local = True

    def _slot(self, variable: Variable) -> VariableSlot:
        slot = self.slots.get(id(variable))
        if slot is None:
            slot = self.slots[id(variable)] = VariableSlot(variable, self._initial(variable))
        return slot

    def _initial(self, variable: Variable) -> Any:
        if self.outer is None:
            return SymbolicTensor(self.graph.add_input(variable.type, variable.path))
        return self.outer.read_variable(variable)

    def type_of(self, operand: Operand) -> TensorType:
        return operand.type  # type: ignore[no-any-return]

    def constant(self, array: Array) -> Tensor:
        return wrap(array)

    def as_operand(self, value: Any) -> Operand | None:
        return as_tensor(value)

    def reconcile(self, x: Operand, y: Operand) -> tuple[Operand, Operand]:
        """A Number takes the dtype of the other operand."""
        if x.dtype is not y.dtype:
            x = adapted(x, y.dtype)
            y = adapted(y, x.dtype)
        return x, y

    def symbolic_dims(self, operand: Operand) -> Shape | None:
        if isinstance(operand, SymbolicTensor):
            return symbolic_value(operand.value)
        return tuple(int(d) for d in operand._array.reshape(-1))

    def finish(self, outputs: Sequence[Tensor]) -> list[Variable]:
        """Sets the graph's outputs and state; returns the Variables in the order of the states."""
        values = [self.value_of(t) for t in outputs]
        names: dict[str, int] = {}
        kept = [slot for slot in self.slots.values() if not slot.local]
        for slot in kept:
            position = None
            if slot.assigned:
                position = len(values)
                values.append(self.value_of(slot.current))
            name = unique_name(slot.variable.path, names)
            slot.initial.value.name = name
            self.graph.states.append(State(name, slot.initial.value.index, position))
        self.graph.set_outputs(values)
        return [slot.variable for slot in kept]


def is_undecidable(error: BaseException | None) -> bool:
    """Whether an error, or the one that caused it, is an UndecidableDimError."""
    while error is not None and not isinstance(error, UndecidableDimError):
        error = error.__cause__
    return error is not None


def _evaluate_closed(value: Value) -> Array | None:
    """Runs the ancestors of a value, if none of them is a graph input or random."""
    needed: dict[Node, None] = {}
    pending = [value]
    while pending:
        node = pending.pop().node
        if node is None or not node.op.is_pure:
            return None
        if node not in needed:
            needed[node] = None
            pending.extend(node.operands)
    arrays: dict[Value, Any] = {}
    for node in value.graph.nodes():
        if node in needed:
            arrays.update(zip(node.results, run_node(node, [arrays[o] for o in node.operands], {}), strict=True))
    return np.asarray(arrays[value])


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


def _located(error: GraphcError, location: Location) -> GraphcError:
    return type(error)(f"{error} [{location}]") if location.file else error
