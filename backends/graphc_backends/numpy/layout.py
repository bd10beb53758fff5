"""The memory plan of a graph with known sizes: which results live in reused buffers, which are made per call.

Values that are views share the memory of their first operand, so all questions of lifetime are asked of a
value's *root*. What a caller may keep (results, new state values) is never placed in reused buffers.
"""

from __future__ import annotations

import bisect
import enum
import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from graphc_backends.numpy.writers import cannot_fail, may_overwrite, writer_of, writes_in_place
from graphc_ir.graph import Graph, Node, Value
from graphc_ir.liveness import is_removable
from graphc_ir.ops.base import Array
from graphc_ir.ops.opaque import OnnxOp
from graphc_ir.types import TensorType

_ALIGNMENT: Final = 64
_FOLD_LIMIT: Final = 1 << 20  # bytes: larger results of constants are computed per call
_FOREVER: Final = 1 << 60


class Place(enum.Enum):
    """Where the array of a value comes from."""

    CONSTANT = enum.auto()  # known before the first call
    BUFFER = enum.auto()  # planned memory, or a view of it made once
    STATE = enum.auto()  # the memory of a new state value
    FRESH = enum.auto()  # allocated per call, written with out=
    CALL = enum.auto()  # an input, or whatever a kernel returns


@dataclass(frozen=True)
class StateMemory:
    """The memory of the new value of state number ``index``."""

    index: int
    in_place: bool
    """The old value has no reader once the memory is written."""


class Layout:
    """Places for all values of a graph whose shapes are static (others are left to their kernels)."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: Final = [n for n in graph.nodes() if not is_removable(n)]
        self.places: Final[dict[Value, Place]] = dict.fromkeys(graph.inputs, Place.CALL)
        self.slabs: Final[list[int]] = []
        """Sizes of the planned buffers in bytes."""
        self.slab_of: Final[dict[Value, int]] = {}
        self.views: Final[list[Node]] = []
        """Nodes whose result is a view of planned memory, made once, in order."""
        self.constants: Final[dict[Value, Array]] = {}
        self.state_of: Final[dict[Value, StateMemory]] = {}
        self._position = {node: i for i, node in enumerate(self.nodes)}
        self._roots = _find_roots(graph, self.nodes)
        self._escaping = {self._roots[o] for o in graph.outputs} | self._seen_by_regions()
        self._last_use = self._find_last_uses()
        self._first_safe = 1 + max(
            (i for i, n in enumerate(self.nodes) if n.operands and not cannot_fail(n)), default=-1
        )
        self._free: list[tuple[int, int]] = []
        self._live: dict[Value, int] = {}
        self._view_samples: dict[Value, Array] = {}
        self._place_states()
        self._place_all()

    # --- lifetimes ------------------------------------------------------------------------------------------

    def _seen_by_regions(self) -> set[Value]:
        """A region, or a foreign operator, may hand an operand on as its result."""
        opaque = (node for node in self.nodes if node.regions or isinstance(node.op, OnnxOp))
        return {self._roots[o] for node in opaque for o in node.operands}

    def _find_last_uses(self) -> dict[Value, int]:
        last: dict[Value, int] = {}
        for i, node in enumerate(self.nodes):
            for value in (*node.operands, *node.results):
                last[self._roots[value]] = i
        last.update(dict.fromkeys(self._escaping, _FOREVER))
        return last

    def dying(self, i: int) -> list[Value]:
        """The roots that nobody reads after node ``i``."""
        node = self.nodes[i]
        touched = dict.fromkeys(self._roots[v] for v in (*node.operands, *node.results))
        return [root for root in touched if self._last_use[root] == i]

    def _read_only_before(self, old: Value, value: Value) -> bool:
        """Whether nobody reads ``old`` or a view of it once ``value`` is written over it."""
        node = value.node
        assert node is not None
        last = self._last_use.get(self._roots[old], -1)
        return last < self._position[node] or (last == self._position[node] and may_overwrite(node, value, old))

    # --- state ----------------------------------------------------------------------------------------------

    def _place_states(self) -> None:
        for index, state in enumerate(self.graph.states):
            value = None if state.output is None else self.graph.outputs[state.output]
            if value is not None and self._can_target(value):
                old = self.graph.inputs[state.input]
                in_place = old.type == value.type and self._may_overwrite(old, value)
                self._claim_chain(value, old, StateMemory(index, in_place))

    def _can_target(self, value: Value) -> bool:
        node = value.node
        return node is not None and value not in self.state_of and value.type.is_static and writer_of(node) is not None

    def _may_overwrite(self, old: Value, value: Value) -> bool:
        """Also asks that nothing after it can fail: a failed step must leave the old state."""
        node = value.node
        assert node is not None
        safe = self._position[node] >= self._first_safe
        return safe and self._roots[old] not in self._escaping and self._read_only_before(old, value)

    def _claim_chain(self, value: Value, old: Value, memory: StateMemory) -> None:
        """Gives the memory to the value, and to the operands it is computed from in place."""
        current: Value | None = value
        while current is not None:
            self.state_of[current] = memory
            current = self._predecessor(current, old, memory)

    def _predecessor(self, value: Value, old: Value, memory: StateMemory) -> Value | None:
        node = value.node
        assert node is not None
        if not writes_in_place(node):
            return None
        for operand in node.operands:
            own = self._roots[operand] is operand and operand.type == value.type and self._can_target(operand)
            dies = own and self._last_use[operand] == self._position[node]
            if dies and (not memory.in_place or self._may_overwrite(old, operand)):
                return operand
        return None

    # --- everything else ------------------------------------------------------------------------------------

    def _place_all(self) -> None:
        for i, node in enumerate(self.nodes):
            self._place(node)
            for root in self.dying(i):
                slab = self._live.pop(root, None)
                if slab is not None:
                    bisect.insort(self._free, (self.slabs[slab], slab))

    def _place(self, node: Node) -> None:
        if self._fold(node):
            return
        if node.op.is_view:
            self._place_view(node)
        elif writer_of(node) is None or not all(r.type.is_static for r in node.results):
            self.places.update(dict.fromkeys(node.results, Place.CALL))
        else:
            for value in node.results:
                self._place_written(node, value)

    def _place_written(self, node: Node, value: Value) -> None:
        if value in self.state_of:
            self.places[value] = Place.STATE
        elif value in self._escaping:
            self.places[value] = Place.FRESH
        else:
            self._place_in_buffer(node, value)

    def _fold(self, node: Node) -> bool:
        known = all(o in self.constants for o in node.operands) and not node.regions and node.op.is_pure
        if not known or not _may_fold(node):
            return False
        found = node.op.kernel(*(self.constants[o] for o in node.operands))
        for value, result in zip(node.results, found if len(node.results) != 1 else (found,), strict=True):
            array = np.asarray(result)
            array.flags.writeable = False
            self.constants[value] = array
            self.places[value] = Place.CONSTANT
        return True

    def _place_view(self, node: Node) -> None:
        made_once = len(node.operands) == len(node.results) == 1 and self.places[node.operands[0]] is Place.BUFFER
        if made_once and self._is_view_of_buffer(node):
            self.places[node.result] = Place.BUFFER
            self.views.append(node)
        else:
            self.places.update(dict.fromkeys(node.results, Place.CALL))

    def _is_view_of_buffer(self, node: Node) -> bool:
        """A reshape of a transposed buffer, for one, copies."""
        operand = node.operands[0]
        base = self._view_samples.get(operand)
        if base is None:
            base = np.empty(_sizes(operand), operand.type.dtype.np)
        found = np.asarray(node.op.kernel(base))
        self._view_samples[node.result] = found
        return np.may_share_memory(found, base)

    def _place_in_buffer(self, node: Node, value: Value) -> None:
        self.places[value] = Place.BUFFER
        donor = self._donor(node)
        slab = self._take_slab(nbytes(value)) if donor is None else self._live.pop(donor)
        self.slab_of[value] = self._live[value] = slab

    def _donor(self, node: Node) -> Value | None:
        """An operand that dies here and whose buffer the result is written over."""
        if not writes_in_place(node):
            return None
        i, wanted = self._position[node], node.result.type
        donors = (o for o in node.operands if o in self._live and o.type == wanted and self._last_use[o] == i)
        return next(donors, None)

    def _take_slab(self, size: int) -> int:
        position = bisect.bisect_left(self._free, (size, -1))
        if position < len(self._free) and self._free[position][0] <= max(4 * size, 4096):
            return self._free.pop(position)[1]
        self.slabs.append(size)
        return len(self.slabs) - 1

    def buffers(self) -> dict[Value, Array]:
        """New memory for one call at a time: an array for every value placed in a buffer."""
        memory = [_aligned(size) for size in self.slabs]
        # One array object per slab and type: NumPy recognises a result that is its operand at once.
        shared: dict[tuple[int, TensorType], Array] = {}
        arrays: dict[Value, Array] = {}
        for value, slab in self.slab_of.items():
            key = (slab, value.type)
            if key not in shared:
                shared[key] = _typed(memory[slab], value)
            arrays[value] = shared[key]
        for node in self.views:
            arrays[node.result] = np.asarray(node.op.kernel(arrays[node.operands[0]]))
        return arrays


def _find_roots(graph: Graph, nodes: list[Node]) -> dict[Value, Value]:
    roots = {value: value for value in graph.inputs}
    for node in nodes:
        for value in node.results:
            roots[value] = roots[node.operands[0]] if node.op.is_view and node.operands else value
    return roots


def _sizes(value: Value) -> tuple[int, ...]:
    return tuple(d for d in value.type.shape if isinstance(d, int))


def nbytes(value: Value) -> int:
    """The memory that a value of static shape needs, in bytes."""
    return math.prod(_sizes(value)) * int(value.type.dtype.size)


def _may_fold(node: Node) -> bool:
    if node.op.has_open_sizes:
        return False
    if node.op.is_view or not node.operands:
        return all(r.type.is_static for r in node.results)
    return all(r.type.is_static and nbytes(r) <= _FOLD_LIMIT for r in node.results)


def _aligned(size: int) -> Array:
    """Bytes that start on a cache line."""
    raw = np.empty(size + _ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % _ALIGNMENT
    return raw[start : start + size]


def _typed(memory: Array, value: Value) -> Array:
    return memory[: nbytes(value)].view(value.type.dtype.np).reshape(_sizes(value))
