"""The SSA graph: values, nodes in order, regions, state.

A graph is a function. Its nodes form a doubly linked list in execution order, so that inserting and erasing is O(1);
every value counts its users, so that replacing all uses costs only the uses. Outputs are the operands of one hidden
return node and need no special care.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from graphc_ir.errors import VerificationError
from graphc_ir.types import TensorType

if TYPE_CHECKING:
    from graphc_ir.ops.base import Op


@dataclass(frozen=True, slots=True)
class Location:
    """Where the user wrote a node: source file, line, and the layer path (``"model/dense_1"``)."""

    file: str = ""
    line: int = 0
    scope: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.file else ""
        return " ".join(part for part in (place, self.scope) if part)


UNKNOWN = Location()


class _Return:
    """The op of a graph's hidden last node, whose operands are the outputs. It is no tensor op."""

    name = "return"


_RETURN = cast("Op", _Return())


class Value:
    """One tensor in a graph: a graph input (``node is None``) or result ``index`` of ``node``."""

    __slots__ = ("graph", "index", "name", "node", "type", "users")

    def __init__(self, type: TensorType, node: Node | None, index: int, graph: Graph, name: str = "") -> None:
        self.type = type
        self.node = node
        self.index = index
        self.graph = graph
        self.name = name
        self.users: dict[Node, int] = {}

    @property
    def op(self) -> Op | None:
        """The op that makes this value; None for a graph input."""
        return None if self.node is None else self.node.op

    def replace_all_uses_with(self, other: Value) -> None:
        """Every user (outputs too) reads ``other`` from now on. Costs only the users."""
        if other is self:
            return
        for node in tuple(self.users):
            node.operands = tuple(other if operand is self else operand for operand in node.operands)
        for node, count in self.users.items():
            other.users[node] = other.users.get(node, 0) + count
        self.users = {}

    def __repr__(self) -> str:
        return f"<Value {self.name or self.index}: {self.type}>"


class Node:
    """An op applied to operands. ``regions`` are the closed sub-graphs of control-flow and fused ops."""

    __slots__ = ("erased", "graph", "location", "next", "op", "operands", "prev", "regions", "results")

    def __init__(
        self,
        op: Op,
        operands: tuple[Value, ...],
        types: Sequence[TensorType],
        graph: Graph,
        regions: tuple[Graph, ...] = (),
        location: Location = UNKNOWN,
    ) -> None:
        self.op = op
        self.operands = operands
        self.regions = regions
        self.graph = graph
        self.location = location
        self.erased = False
        self.prev: Node | None = None
        self.next: Node | None = None
        self.results: tuple[Value, ...] = tuple(Value(t, self, i, graph) for i, t in enumerate(types))
        for operand in operands:
            operand.users[self] = operand.users.get(self, 0) + 1

    @property
    def result(self) -> Value:
        """The only result."""
        return self.results[0]

    @property
    def is_dead(self) -> bool:
        return not any(result.users for result in self.results)

    @property
    def is_pure(self) -> bool:
        """Neither the op nor any node in its regions has an effect besides its results."""
        if not self.regions:
            return self.op.is_pure
        return self.op.is_pure and all(node.is_pure for region in self.regions for node in region.nodes())

    def set_operands(self, operands: Sequence[Value]) -> None:
        self.drop_operands()
        self.operands = tuple(operands)
        for operand in operands:
            operand.users[self] = operand.users.get(self, 0) + 1

    def drop_operands(self) -> None:
        for operand in self.operands:
            operand.users.pop(self, None)
        self.operands = ()

    def __repr__(self) -> str:
        return f"<Node {self.op!r}>"


@dataclass(frozen=True, slots=True)
class State:
    """A Variable that the function reads or assigns: input number, and the output number of its new value
    (None if the function only reads it). An executor may update the pair in place."""

    name: str
    input: int
    output: int | None = None


class Graph:
    """A function in SSA form.

    ``inputs`` are the arguments followed by the state inputs; ``outputs`` the results followed by new state values.
    ``output_names`` names the outputs in order where they have names of their own (imported models); else it is empty.
    """

    # The printer stands above this module and registers itself here, so that ``print(graph)`` works.
    printer: ClassVar[Callable[[Graph], str]] = repr

    def __init__(self, name: str = "main") -> None:
        self.name = name
        self.inputs: list[Value] = []
        self.states: list[State] = []
        self.output_names: list[str] = []
        self._first: Node | None = None
        self._last: Node | None = None
        self._size = 0
        self.terminator = Node(_RETURN, (), (), self)

    @property
    def outputs(self) -> tuple[Value, ...]:
        return self.terminator.operands

    @property
    def num_arguments(self) -> int:
        """Inputs that are not state."""
        return len(self.inputs) - len(self.states)

    @property
    def num_results(self) -> int:
        """Outputs that are not new state values."""
        return len(self.outputs) - sum(s.output is not None for s in self.states)

    def set_outputs(self, outputs: Sequence[Value]) -> None:
        self.terminator.set_operands(outputs)

    def add_input(self, type: TensorType, name: str = "") -> Value:
        value = Value(type, None, len(self.inputs), self, name)
        self.inputs.append(value)
        return value

    def append(
        self,
        op: Op,
        operands: tuple[Value, ...],
        types: Sequence[TensorType],
        regions: tuple[Graph, ...] = (),
        location: Location = UNKNOWN,
        before: Node | None = None,
    ) -> Node:
        """Adds a node at the end, or right before ``before``. Types are given: the caller inferred them."""
        node = Node(op, operands, types, self, regions, location)
        self._link(node, before)
        return node

    def _link(self, node: Node, before: Node | None) -> None:
        after = self._last if before is None else before.prev
        node.prev, node.next = after, before
        if after is None:
            self._first = node
        else:
            after.next = node
        if before is None:
            self._last = node
        else:
            before.prev = node
        self._size += 1

    def _unlink(self, node: Node) -> None:
        if node.prev is None:
            self._first = node.next
        else:
            node.prev.next = node.next
        if node.next is None:
            self._last = node.prev
        else:
            node.next.prev = node.prev
        node.prev = node.next = None
        self._size -= 1

    def move_before(self, node: Node, before: Node | None) -> None:
        """Moves a node right before another one (None: to the end)."""
        self._unlink(node)
        self._link(node, before)

    def erase(self, node: Node) -> None:
        """Removes a node whose results nobody uses."""
        if not node.is_dead:
            raise VerificationError(f"cannot erase {node.op.name}: its result is still used; replace the uses first")
        node.drop_operands()
        self._unlink(node)
        node.erased = True

    def nodes(self) -> Iterator[Node]:
        """In execution order. The current node may be erased meanwhile; nodes put right after it are not visited."""
        node = self._first
        while node is not None:
            following = node.next
            yield node
            node = following

    def nodes_reversed(self) -> Iterator[Node]:
        """Against execution order. The current node may be erased meanwhile."""
        node = self._last
        while node is not None:
            previous = node.prev
            yield node
            node = previous

    def __len__(self) -> int:
        return self._size

    def copy_into(
        self, target: Graph, arguments: Sequence[Value], before: Node | None = None, remap: OpMap | None = None
    ) -> list[Value]:
        """Copies the nodes into ``target`` with the inputs replaced by ``arguments``; returns the new outputs.

        ``remap`` may change op and result types on the way (used to substitute symbolic dims).
        """
        values: dict[Value, Value] = dict(zip(self.inputs, arguments, strict=True))
        for node in self.nodes():
            types = tuple(r.type for r in node.results)
            op, regions = node.op, node.regions
            if remap is not None:
                op, types, regions = remap(op, types, regions)
            operands = tuple(values[o] for o in node.operands)
            regions = tuple(region.copy() for region in regions)
            copied = target.append(op, operands, types, regions, node.location, before)
            for old, new in zip(node.results, copied.results, strict=True):
                new.name = old.name
                values[old] = new
        return [values[o] for o in self.outputs]

    def copy(self, remap: OpMap | None = None, remap_type: Callable[[TensorType], TensorType] | None = None) -> Graph:
        """A deep copy, optionally rewriting ops and types."""
        result = Graph(self.name)
        for value in self.inputs:
            result.add_input(remap_type(value.type) if remap_type else value.type, value.name)
        result.states = list(self.states)
        result.output_names = list(self.output_names)
        result.set_outputs(self.copy_into(result, result.inputs, remap=remap))
        return result

    def __str__(self) -> str:
        return Graph.printer(self)


OpMap = Callable[
    ["Op", tuple[TensorType, ...], tuple["Graph", ...]], tuple["Op", tuple[TensorType, ...], tuple["Graph", ...]]
]
