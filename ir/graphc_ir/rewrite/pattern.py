"""Patterns over the producers of a value.

    x = Var("x")
    P(Neg, P(Neg, x))                 # -(-x)
    P(Mul, x, Const(1))               # x * 1 and 1 * x: operands of commutative ops match in any order
    P(Reshape, P(Reshape, x), name="outer")

Matching tries all orders of commutative operands, also across nested patterns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import EllipsisType
from typing import Any, Final

import numpy as np

from graphc_ir.errors import ArgumentError
from graphc_ir.graph import Node, Value
from graphc_ir.ops.base import OPS, Array, Op
from graphc_ir.ops.constant import Constant
from graphc_ir.ops.movement import BroadcastTo, Reshape

Then = Callable[[], bool]

COMMUTATIVE: Final[set[str]] = {
    "add", "mul", "maximum", "minimum", "equal", "not_equal", "logical_and", "logical_or", "logical_xor",
    "bitwise_and", "bitwise_or", "bitwise_xor", "squared_difference",
}  # fmt: skip
"""Names of the ops whose two operands may change places."""


class Match:
    """What a pattern found: ``root``, the captured values by name (``m.x``), the named nodes (``m.node("outer")``)."""

    def __init__(self, root: Node, explaining: bool = False) -> None:
        self.root = root
        self.values: dict[str, Value] = {}
        self.nodes: dict[str, Node] = {}
        self.matched = 0
        self.closest: tuple[int, str] | None = (-1, "") if explaining else None

    def __getattr__(self, name: str) -> Value:
        if name not in self.values:
            raise AttributeError(f"the pattern captured no {name!r}; it captured {', '.join(self.values) or 'nothing'}")
        return self.values[name]

    def node(self, name: str) -> Node:
        return self.nodes[name]

    def op(self, name: str) -> Any:
        """The op of a named node; typed Any, since the pattern says of which class it is."""
        return self.nodes[name].op

    def miss(self, reason: Callable[[], str]) -> bool:
        """Notes why a value does not match, if it is asked for and no other attempt came further."""
        if self.closest is not None and self.matched > self.closest[0]:
            self.closest = (self.matched, reason())
        return False


class Pattern:
    """Matches a value."""

    def match(self, value: Value, m: Match, then: Then) -> bool:
        """Whether the value matches and ``then`` (the rest of the pattern) does too. Captures stay only on success."""
        raise NotImplementedError

    def producers(self) -> frozenset[type[Op]] | None:
        """The op classes that can make a matching value; None if any value might match."""
        return None

    @property
    def depth(self) -> int:
        """How many nodes deep the pattern looks."""
        return 0


class Var(Pattern):
    """Any value, captured under a name. A name that occurs twice stands for one and the same value."""

    def __init__(self, name: str, where: Callable[[Value], bool] | None = None, wanted: str = "the condition") -> None:
        self.name = name
        self.where = where
        self.wanted = wanted

    def match(self, value: Value, m: Match, then: Then) -> bool:
        bound = m.values.get(self.name)
        if bound is not None:
            return then() if bound is value else m.miss(lambda: f"{self.name} stands for two different values")
        if self.where is not None and not self.where(value):
            return m.miss(lambda: f"{self.name} ({value.type}) does not meet {self.wanted}")
        m.values[self.name] = value
        if then():
            return True
        del m.values[self.name]
        return False


class Const(Pattern):
    """A constant (also one that is broadcast or reshaped), of which all elements equal ``value`` if that is given."""

    def __init__(
        self, value: float | None = None, name: str = "", where: Callable[[Array], bool] | None = None
    ) -> None:
        self.value = value
        self.name = name
        self.where = where

    def match(self, value: Value, m: Match, then: Then) -> bool:
        array = constant_array(value)
        if array is None:
            return m.miss(lambda: f"{_shown(value)} is no constant")
        if self.value is not None and not is_uniform(array, self.value):
            return m.miss(lambda: f"{_shown(value)} is not {self.value} everywhere")
        if self.where is not None and not self.where(array):
            return m.miss(lambda: f"{_shown(value)} does not meet the condition on the constant")
        if not self.name:
            return then()
        m.values[self.name] = value
        if then():
            return True
        del m.values[self.name]
        return False

    @property
    def depth(self) -> int:
        return 2  # a constant, or a broadcast of one

    def producers(self) -> frozenset[type[Op]]:
        return frozenset((Constant, BroadcastTo, Reshape))


def constant_array(value: Value) -> Array | None:
    """The elements of a constant, seen through broadcasts and reshapes (so of another shape); None if it is none."""
    node = value.node
    while node is not None and type(node.op) in (BroadcastTo, Reshape):
        node = node.operands[0].node
    return node.op.value.array if node is not None and isinstance(node.op, Constant) else None


def is_uniform(array: Array, value: float) -> bool:
    """Whether there are elements and all equal ``value`` (no NaN does)."""
    if not array.size or array.dtype == object or array.reshape(-1)[0] != value:
        return False
    return array.size == 1 or bool(np.all(array == value))


class P(Pattern):
    """A result of an op: ``P(Mul, x, y)``. ``...`` as only operand leaves the operands open.

    ``name`` makes the node available as ``m.node(name)``; ``where`` is a condition on the op; ``single_use`` demands
    that nobody else reads the result (so that it goes away with the rewrite).
    """

    def __init__(
        self,
        op: type[Op] | tuple[type[Op], ...],
        *operands: Pattern | EllipsisType,
        name: str = "",
        where: Callable[[Any], bool] | None = None,
        single_use: bool = False,
        result: int = 0,
    ) -> None:
        self.ops = op if isinstance(op, tuple) else (op,)
        self.open = operands == (...,)
        self.operands = () if self.open else _patterns(operands)
        self.name = name
        self.where = where
        self.single_use = single_use
        self.result = result
        self._depth = 1 + max((operand.depth for operand in self.operands), default=0)
        self.title = "/".join(o.name or o.__name__ for o in self.ops)

    def match(self, value: Value, m: Match, then: Then) -> bool:
        node = value.node
        if node is None or not isinstance(node.op, self.ops):
            return m.miss(lambda: f"{_shown(value)} is no {self.title}")
        if value.index != self.result:
            return m.miss(lambda: f"it is result {value.index} of {self.title}, not {self.result}")
        if self.single_use and sum(value.users.values()) != 1:
            return m.miss(lambda: f"{self.title} has {sum(value.users.values())} uses, not one")
        return self.match_node(node, m, then)

    def match_node(self, node: Node, m: Match, then: Then) -> bool:
        """Like :meth:`match` for a node of which the class is known to fit."""
        if self.where is not None and not self.where(node.op):
            return m.miss(lambda: f"the attributes of {node.op} do not meet the condition")
        m.matched += 1
        if self.name:
            m.nodes[self.name] = node
        found = then() if self.open else self._match_operands(node, m, then)
        m.matched -= not found
        return found

    def _match_operands(self, node: Node, m: Match, then: Then) -> bool:
        operands = node.operands
        if len(operands) != len(self.operands):
            return m.miss(lambda: f"{self.title} has {len(operands)} operands, not {len(self.operands)}")
        if _sequence(self.operands, operands, 0, m, then):
            return True
        if len(operands) != 2 or node.op.name not in COMMUTATIVE:
            return False
        return _sequence(self.operands, operands[::-1], 0, m, then)

    def producers(self) -> frozenset[type[Op]]:
        return frozenset(op for op in OPS.values() if issubclass(op, self.ops))

    @property
    def depth(self) -> int:
        return self._depth

    def needs(self) -> tuple[frozenset[type[Op]], ...]:
        """For each operand that cannot be just anything: the op classes that can make it."""
        known = (operand.producers() for operand in self.operands)
        return tuple(found for found in known if found is not None)


def _patterns(operands: Sequence[Pattern | EllipsisType]) -> tuple[Pattern, ...]:
    found = tuple(operand for operand in operands if isinstance(operand, Pattern))
    if len(found) != len(operands):
        raise ArgumentError("operands of a pattern are patterns, or one ... that leaves all of them open")
    return found


def _sequence(patterns: Sequence[Pattern], values: Sequence[Value], i: int, m: Match, then: Then) -> bool:
    if i == len(patterns):
        return then()
    return patterns[i].match(values[i], m, lambda: _sequence(patterns, values, i + 1, m, then))


def _shown(value: Value) -> str:
    label = f"%{value.name}" if value.name else f"operand {value.type}"
    return f"{label} (made by {value.node.op.name})" if value.node is not None else f"{label} (an input)"
