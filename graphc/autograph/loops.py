"""Traces a loop whose rounds a tensor decides about: as a Scan over tensors where nothing leaves it early, else as a
While that carries whether there is another round."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from graphc.autograph.carries import Carry, Leaf
from graphc.autograph.choices import Chooser, Label, left_by
from graphc.autograph.elements import Elements
from graphc.autograph.exits import Exit
from graphc.autograph.merge import Mismatch, describe, is_same
from graphc.autograph.options import LoopOptions, applying
from graphc.autograph.plan import Block, Loop
from graphc.autograph.slots import ABSENT, Attribute, Cell, Content, Slot, Snapshot
from graphc.autograph.truth import truth_of
from graphc.autograph.undefined import Undefined
from graphc.mode import mode
from graphc.pytree import flatten, unflatten
from graphc.regions import Region, bind_all, captured_by
from graphc.tensor import Tensor
from graphc.variable import Variable
from graphc_ir.analysis.trip_count import trip_count
from graphc_ir.dtypes import int32
from graphc_ir.errors import TracingError
from graphc_ir.graph import Graph, Value
from graphc_ir.ops.base import lift
from graphc_ir.ops.control import Scan, While
from graphc_ir.ops.creation import zeros
from graphc_ir.ops.elementwise import add, less
from graphc_ir.ops.gather import gather
from graphc_ir.ops.logical import logical_and, logical_not
from graphc_ir.ops.shape import size_operand
from graphc_ir.types import TensorType

_ATTEMPTS: Final = 12


class Host(Protocol):
    """The call of a function that a loop belongs to. ``item`` is the element that a for loop assigns next."""

    item: Any

    def run(self, block: Block) -> Any: ...

    def slots(self, blocks: Sequence[Block]) -> list[Slot]: ...


@dataclass
class Port:
    """A tensor that goes from round to round: before the loop, as argument of a round, after it."""

    entry: Tensor
    inside: Value | None
    after: Tensor


class LoopRun:
    """One loop. ``exit_`` says how earlier rounds, run before it became one of the graph, may have left it already;
    ``go`` whether there is a first round."""

    def __init__(self, host: Host, loop: Loop, elements: Elements | None, exit_: Exit, go: Any) -> None:
        self._host = host
        self._loop = loop
        self._elements = elements
        self._entry_exit = exit_
        self._entry_go = go
        self._options = LoopOptions()
        self._is_indexed = elements is not None and bool(loop.body.escapes & {"break", "return"})
        self._slots = host.slots(loop.parts)
        self._before = Snapshot(self._slots)
        self._written = frozenset[str]().union(*(part.stored for part in loop.parts))
        self._carries = [Carry(s, v) for s, v in self._before.values.items() if self._is_carried(s, v)]
        self._temporary = [slot for slot in self._slots if self._is_temporary(slot)]

    # --- which variables ------------------------------------------------------------------------------------------

    def _is_carried(self, slot: Slot, value: Any) -> bool:
        if value is ABSENT or isinstance(value, Undefined):
            return False
        if isinstance(slot, Content):
            return any(slot.label in part.mutated for part in self._loop.parts)
        if isinstance(slot, Cell):
            return slot.label in self._written & self._loop.head and not self._is_changed_in_place(value)
        return True

    def _is_changed_in_place(self, value: Any) -> bool:
        """Whether it is a container that is carried by what it holds, not by the variable that it stands in."""
        contents = [s for s in self._slots if isinstance(s, Content) and s.owner is value]
        return any(self._is_carried(slot, value) for slot in contents)

    def _is_temporary(self, slot: Slot) -> bool:
        """Whether each round makes the variable anew."""
        if isinstance(slot, Content) or any(carry.slot is slot for carry in self._carries):
            return False
        return not isinstance(slot, Cell) or (
            slot.label in self._written and not self._is_changed_in_place(self._before.values[slot])
        )

    @property
    def _leaves(self) -> list[Leaf]:
        return [leaf for carry in self._carries for leaf in carry.tensors]

    # --- tracing --------------------------------------------------------------------------------------------------

    def run(self) -> Exit:
        """Traces and applies the loop; the variables have their last values then. Says how it was left."""
        for _ in range(_ATTEMPTS):
            if self._trace():
                return self._apply()
        raise TracingError(f"{self._loop.place}: the dtypes or shapes of this loop's variables change again and again; "
                           "give them their final dtype and shape before the loop")  # fmt: skip

    def _trace(self) -> bool:
        """Traces a round. False if it has to be traced again: with other types, or more variables."""
        after = self._trace_round()
        if self._options.maximum_iterations is not None and self._elements is not None and not self._is_indexed:
            self._is_indexed = True
            return False
        return self._settle(after) and self._all_are_carried(after)

    def _trace_round(self) -> Snapshot:
        types = [leaf.type for leaf in self._leaves if leaf.type is not None]
        self._region = Region("body", [*types, *self._element_types()])
        arguments = iter(self._region.arguments)
        try:
            for carry in self._carries:
                carry.assign(arguments)
            self._forget(self._temporary, "is read before it has a value")
            self._rest_arguments = list(arguments)
            return self._region.run(self._round)  # type: ignore[no-any-return]
        finally:
            self._before.restore()

    def _element_types(self) -> list[TensorType]:
        if self._elements is None:
            return []
        if self._is_indexed:
            return [TensorType(int32, ())]
        return [t.type.with_shape(t.type.shape[1:]) for t in self._elements.tensors]

    def _round(self) -> Snapshot:
        if self._elements is not None:
            self._host.item = self._elements.build(self._element_slices(self._elements))
        with applying(self._options):
            exit_: Exit = self._host.run(self._loop.body)
        self._exit = Exit(exit_.returned, exit_.broken, False, exit_.value, exit_.line)
        self._go = self._again() if self._loop.test is not None else self._has_next()
        return Snapshot(self._slots)

    def _element_slices(self, elements: Elements) -> list[Any]:
        if not self._is_indexed:
            return self._rest_arguments
        return [gather(tensor, self._rest_arguments[0]) for tensor in elements.tensors]

    def _again(self) -> Any:
        """Whether the condition of a while loop holds after a round."""
        if not self._exit.leaves:
            return self._test().value
        if self._exit.is_static:
            return False
        label = Label("while", self._loop.place, self._loop.line)
        stop = Exit(returned=True, value=False)
        chooser = Chooser(label, self._slots)
        return chooser.choose(left_by(self._exit), (lambda: stop, self._test), lambda slot, exit_: True).value

    def _test(self) -> Exit:
        assert self._loop.test is not None
        return Exit(returned=True, value=truth_of(self._host.run(self._loop.test)))

    def _has_next(self) -> Any:
        """Whether there is another element and nothing left the loop."""
        if not self._is_indexed or self._elements is None or (self._exit.is_static and self._exit.leaves):
            return False
        there_is = less(add(self._rest_arguments[0], 1), size_operand(self._elements.length, int32))
        return logical_and(there_is, logical_not(left_by(self._exit))) if self._exit.leaves else there_is

    def _settle(self, after: Snapshot) -> bool:
        arguments = iter(self._region.arguments)
        settled = [self._settle_carry(carry, after.values[carry.slot], arguments) for carry in self._carries]
        if self._elements is not None and any(leaf.has_open_size for leaf in self._leaves) and not self._is_indexed:
            self._is_indexed = True
            return False
        return all(settled)

    def _settle_carry(self, carry: Carry, value: Any, arguments: Iterator[Any]) -> bool:
        own = [None if leaf.type is None else next(arguments) for leaf in carry.leaves]
        try:
            found = carry.after(value)
            settled = [leaf.settle(v, a, self._region) for leaf, v, a in zip(carry.leaves, found, own, strict=True)]
            return all(settled)
        except Mismatch as mismatch:
            raise TracingError(self._mismatch_message(carry, value, mismatch)) from mismatch

    def _all_are_carried(self, after: Snapshot) -> bool:
        """Whether a round changes nothing else, such as the variable of a nested function."""
        known = {carry.slot for carry in self._carries} | set(self._temporary)
        before = self._before.values
        missed = [s for s in self._slots if s not in known and not s.is_same(after.values[s], before[s])]
        for slot in missed:
            value = self._before.values[slot]
            if value is ABSENT or isinstance(value, Undefined):
                self._temporary.append(slot)
            else:
                self._carries.append(Carry(slot, value))
        return not missed

    # --- applying -------------------------------------------------------------------------------------------------

    def _apply(self) -> Exit:
        if self._elements is not None and not self._is_indexed:
            self._apply_scan(self._elements)
            return Exit()
        return self._apply_while()

    def _changed(self) -> list[Port]:
        """The variables that a round changes."""
        pairs = zip(self._leaves, self._region.arguments, strict=False)
        return [Port(leaf.operand(), arg.value, leaf.after) for leaf, arg in pairs if leaf.after is not None]

    def _constants(self) -> list[tuple[Tensor, Value]]:
        """Those that it leaves as they are."""
        pairs = zip(self._leaves, self._region.arguments, strict=False)
        return [(leaf.operand(), argument.value) for leaf, argument in pairs if leaf.after is None]

    def _apply_scan(self, elements: Elements) -> None:
        region, ports, constants = self._region, self._changed(), self._constants()
        variables, finals, carried, outside = self._variables()
        values = [argument.value for argument in self._rest_arguments]
        insides = [port.inside for port in ports if port.inside is not None]
        graph = region.close(region.values([*(port.after for port in ports), *finals]), insides,
                             region.inputs_for(carried), values, [inside for _, inside in constants],
                             region.inputs_for(outside))  # fmt: skip
        count = len(ports) + len(variables)
        operands = [*(port.entry for port in ports), *carried.values(), *elements.tensors,
                    *(entry for entry, _ in constants), *outside.values()]  # fmt: skip
        results = bind_all(Scan(count, len(elements.tensors), count), operands, (graph,))
        self._assign(variables, results[len(ports) :], results)

    def _apply_while(self) -> Exit:
        region, constants = self._region, self._constants()
        heads, changed, exits = self._heads(), self._changed(), _ExitPorts(self)
        ports = [*heads, *changed, *exits.ports]
        variables, finals, carried, outside = self._variables()
        insides = [region.graph.add_input(p.after.type) if p.inside is None else p.inside for p in ports]
        body = region.close(region.values([*(port.after for port in ports), *finals]), insides,
                            region.inputs_for(carried), [inside for _, inside in constants],
                            region.inputs_for(outside))  # fmt: skip
        operands = [*(port.entry for port in ports), *carried.values(), *(entry for entry, _ in constants),
                    *outside.values()]  # fmt: skip
        graphs = _going_on(body), body
        op = While(len(ports) + len(variables), self._limit(graphs, operands))
        results = bind_all(op, operands, graphs)
        self._assign(variables, results[len(ports) :], results[len(heads) :])
        return exits.exit(results[len(heads) + len(changed) :])

    def _heads(self) -> list[Port]:
        """Whether there is another round, and the number of the element."""
        run, go, elements = self._region.run, self._go, self._elements
        if elements is None:
            return [Port(lift(self._entry_go), None, run(lambda: lift(go)))]
        index = self._rest_arguments[0]
        length = elements.length
        first = length > 0 if isinstance(length, int) else less(0, size_operand(length, int32))
        return [Port(lift(first), None, run(lambda: lift(go))),
                Port(lift(0, int32), index.value, run(lambda: add(index, 1)))]  # fmt: skip

    def _limit(self, graphs: tuple[Graph, Graph], operands: Sequence[Tensor]) -> int | None:
        if self._options.maximum_iterations is not None:
            return self._options.maximum_iterations
        if self._elements is not None:
            return self._elements.length if isinstance(self._elements.length, int) else None
        if self._exit.leaves or self._entry_exit.leaves:
            return None
        return trip_count(*graphs, [mode.tracer.static_value(operand) for operand in operands])

    def _variables(self) -> tuple[list[Variable], list[Tensor], dict[int, Any], dict[int, Any]]:
        """The Variables that a round assigns, their last values, and by id what is outside: of those, of all else."""
        variables = self._region.assigned
        finals = [self._region.variable_value(variable) for variable in variables]
        outside = captured_by(self._region)
        return variables, finals, {id(v): outside.pop(id(v)) for v in variables}, outside

    def _assign(self, variables: Sequence[Variable], assigned: Sequence[Any], results: Sequence[Any]) -> None:
        for variable, tensor in zip(variables, assigned, strict=False):
            mode.tracer.assign_variable(variable, tensor)
        following = iter(results)
        finals = iter([leaf.result(following) for leaf in self._leaves])
        for carry in self._carries:
            carry.assign(finals)
        self._forget(self._temporary, "is assigned only in a round, of which there may be none")

    # --- messages -------------------------------------------------------------------------------------------------

    def _forget(self, slots: Sequence[Slot], why: str) -> None:
        for slot in slots:
            if not isinstance(slot, Attribute) or slot.get() is not ABSENT:
                slot.set(Undefined(f"{slot.label!r} {why} (the {self._loop.what!r} loop of line {self._loop.line}, "
                                   "whose rounds a tensor decides about); assign it before the loop"))  # fmt: skip

    def _mismatch_message(self, carry: Carry, value: Any, mismatch: Mismatch) -> str:
        where = f"{self._loop.place}: {carry.slot.label!r}"
        if isinstance(value, Undefined):
            return f"{self._loop.place}: in this loop, {mismatch}"
        if carry.has_grown(value):
            return (f"{where} has {len(carry.entry)} items before a round of this loop and {len(value)} after it, but "
                    "how many rounds there are is only known when the graph runs; collect tensors in a tf.TensorArray: "
                    "ta = tf.TensorArray(dtype, size=n), ta = ta.write(i, x), ta.stack()")  # fmt: skip
        return (f"{where} {mismatch}; how many rounds this loop has is only known when the graph runs, so a variable "
                "keeps its structure, dtype and rank: cast or reshape it, start it as a tensor of its final type, or "
                "use another name")  # fmt: skip


class _ExitPorts:
    """How a loop is left, as tensors that go from round to round."""

    def __init__(self, run: LoopRun) -> None:
        self.ports: list[Port] = []
        self._before, self._round, self._run = run._entry_exit, run._exit, run
        self._returned = self._flag(self._before.returned, self._round.returned)
        self._broken = self._flag(self._before.broken, self._round.broken)
        self._value = self._values()

    def _flag(self, before: Any, after: Any) -> int | None:
        return None if after is False else self._port(lift(before), after)

    def _port(self, entry: Tensor, after: Any) -> int:
        inside: Tensor = self._run._region.run(lambda: lift(after))
        self.ports.append(Port(entry, None, inside))
        return len(self.ports) - 1

    def _values(self) -> list[int | None]:
        if self._returned is None:
            return []
        leaves, structure = flatten(self._round.value)
        if self._before.returned is False:
            return [self._value_port(leaf, None) for leaf in leaves]
        before, other = flatten(self._before.value)
        if structure != other:
            raise TracingError(self._message())
        return [self._value_port(leaf, entry) for leaf, entry in zip(leaves, before, strict=True)]

    def _value_port(self, leaf: Any, entry: Any) -> int | None:
        if not isinstance(leaf, (Tensor, Variable)):
            if entry is not None and not is_same(leaf, entry):
                raise TracingError(self._message())
            return None
        start: Tensor = zeros(leaf.type.shape, leaf.type.dtype) if entry is None else lift(entry, leaf.type.dtype)
        if start.type != leaf.type:
            raise TracingError(self._message())
        return self._port(start, leaf)

    def _message(self) -> str:
        a, b = self._before, self._round
        return (f"{self._run._loop.place}: a tensor decides whether line {a.line} returns {describe(a.value)} or line "
                f"{b.line} returns {describe(b.value)}; all must return the same structure, dtype and shape: cast or "
                "reshape one")  # fmt: skip

    def exit(self, results: Sequence[Any]) -> Exit:
        """How the whole loop was left."""
        broken = self._before.broken if self._broken is None else results[self._broken]
        if self._returned is None:
            return Exit(self._before.returned, broken, False, self._before.value, self._before.line)
        leaves, structure = flatten(self._round.value)
        values = [leaf if i is None else results[i] for leaf, i in zip(leaves, self._value, strict=True)]
        return Exit(results[self._returned], broken, False, unflatten(structure, values), self._round.line)


def _going_on(body: Graph) -> Graph:
    """The condition: the first of the tensors that go from round to round."""
    graph = Graph("cond")
    for value in body.inputs:
        graph.add_input(value.type)
    graph.set_outputs([graph.inputs[0]])
    return graph
