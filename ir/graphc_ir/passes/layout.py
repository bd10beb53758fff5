"""Layout: convolution and pooling of channels-last data on channels-first data, the only one that ONNX has.

One walk in execution order. Every value between such ops gets a twin, which holds the same elements with the channels
first; ops that treat all axes alike (element-wise ones, padding, reductions, concatenation...) are computed on twins
too. Data is moved where it enters and where something needs it as it was, and nowhere else.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import singledispatch
from typing import Any

from graphc_ir.builder import GraphBuilder
from graphc_ir.dims import Shape, element_count
from graphc_ir.graph import Graph, Node, Value
from graphc_ir.ops.base import Op, bind, using
from graphc_ir.ops.constant import Constant
from graphc_ir.ops.conv import (
    ConvFilterGrad,
    Convolution,
    Windowed,
    filters_to_first,
    filters_to_last,
    move_channels_first,
    move_channels_last,
)
from graphc_ir.ops.linalg import Gemm, MatMul
from graphc_ir.ops.movement import (
    BroadcastTo,
    Concat,
    Pad,
    Reshape,
    Slice,
    SliceGrad,
    Split,
    Tile,
    Transpose,
    reshape,
    transpose,
)
from graphc_ir.ops.nn import AlongAxis
from graphc_ir.ops.normalization import BatchNorm, Standardize
from graphc_ir.ops.padding import PadBorder
from graphc_ir.ops.reduction import Reduction
from graphc_ir.ops.resize import Resampling
from graphc_ir.ops.shape import EnsureShape
from graphc_ir.passes.base import Pass, register_pass


@register_pass
class ChannelsFirst(Pass):
    """Puts the channels first in convolutions, pooling and all that stands between them.

    Transposes remain at the borders; constants that are moved are left to constant folding.
    """

    def run(self, graph: Graph) -> bool:
        return _Walk(graph).run()


class _Walk:
    """``twins``: channels-first forms by value. ``computed``: the values whose twin an op gave (the others' twins are
    transposes of the value itself)."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.twins: dict[Value, Value] = {}
        self.computed: set[Value] = set()
        self.replaced: list[Node] = []

    def run(self) -> bool:
        for node in list(self.graph.nodes()):
            builder = GraphBuilder(self.graph, before=node)
            builder.location = node.location
            with using(builder):
                if _convert(node.op, self, node):
                    self.replaced.append(node)
        for node in reversed(self.replaced):
            self._retire(node)
        return bool(self.replaced)

    def _retire(self, node: Node) -> None:
        """Erases a node that has been replaced, after giving its results as they were to whoever still reads them."""
        builder = GraphBuilder(self.graph, before=node)
        builder.location = node.location
        for result in node.results:
            if not result.users:
                continue
            with using(builder):
                restored = move_channels_last(self.twins[result])
            restored.name = result.name
            result.replace_all_uses_with(restored)
        self.graph.erase(node)

    def has_twin(self, value: Value) -> bool:
        return value in self.computed

    def first(self, value: Value) -> Value:
        """The twin of a value."""
        found = self.twins.get(value)
        if found is None:
            found = self.twins[value] = move_channels_first(value)
        return found

    def aligned(self, value: Value, rank: int) -> Value:
        """A twin that broadcasts against twins of this rank as the value does against the values."""
        if not value.type.rank:
            return value
        if value.type.rank == rank:
            return self.first(value)
        widened: Value = reshape(value, (1,) * (rank - value.type.rank) + value.type.shape)
        moved: Value = move_channels_first(widened)
        return moved

    def moved(self, node: Node, op: Op, operands: Sequence[Value]) -> bool:
        """The op on twins gives twins of the node's results."""
        found = bind(op, *operands)
        for old, new in zip(node.results, found if isinstance(found, tuple) else (found,), strict=True):
            self.twins[old] = new
            self.computed.add(old)
        return True

    def settled(self, node: Node, value: Value) -> bool:
        """The node's result, made of twins, stands as it was."""
        value.name = value.name or node.result.name
        node.result.replace_all_uses_with(value)
        return True


def _order(rank: int) -> tuple[int, ...]:
    """Which axis of channels-last data stands at each place of channels-first data."""
    return (0, rank - 1, *range(1, rank - 1))


def _place(axis: int, rank: int) -> int:
    return _order(rank).index(axis)


def _reordered(per_axis: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(per_axis[axis] for axis in _order(len(per_axis)))


# --- one rule for each kind of op -----------------------------------------------------------------------------------


@singledispatch
def _convert(op: Op, walk: _Walk, node: Node) -> bool:
    """Computes the node on channels-first data if that is possible and saves moving data; says whether it did."""
    return _elementwise(op, walk, node) if op.is_elementwise and len(node.results) == 1 else False


def _elementwise(op: Op, walk: _Walk, node: Node) -> bool:
    rank = node.result.type.rank
    if not any(o.type.rank == rank and walk.has_twin(o) for o in node.operands):
        return False
    return walk.moved(node, op, [walk.aligned(operand, rank) for operand in node.operands])


@_convert.register
def _windowed(op: Windowed, walk: _Walk, node: Node) -> bool:
    if op.layout != "NHWC":
        return False
    moved = dataclasses.replace(op, layout="NCHW")
    if isinstance(op, ConvFilterGrad):
        gradient = bind(moved, *map(walk.first, node.operands))
        return walk.settled(node, filters_to_last(gradient))
    if isinstance(op, Convolution):
        data, filters, *bias = node.operands
        return walk.moved(node, moved, [walk.first(data), filters_to_first(filters), *bias])
    return walk.moved(node, moved, [walk.first(operand) for operand in node.operands])


@_convert.register
def _resampling(op: Resampling, walk: _Walk, node: Node) -> bool:
    (x,) = node.operands
    rank = x.type.rank
    if not walk.has_twin(x):
        return False
    places = sorted((_place(axis, rank), size) for axis, size in zip(op.axes, op.sizes, strict=True))
    moved = dataclasses.replace(op, axes=tuple(p for p, _ in places), sizes=tuple(s for _, s in places))
    return walk.moved(node, moved, [walk.first(x)])


@_convert.register
def _reduction(op: Reduction, walk: _Walk, node: Node) -> bool:
    (x,) = node.operands
    rank = x.type.rank
    if not walk.has_twin(x):
        return False
    moved = dataclasses.replace(op, axes=tuple(sorted(_place(axis, rank) for axis in op.axes)))
    if op.keepdims:
        return walk.moved(node, moved, [walk.first(x)])
    kept = [axis for axis in _order(rank) if axis not in op.axes]
    return kept == sorted(kept) and walk.settled(node, bind(moved, walk.first(x)))


@_convert.register
def _transpose(op: Transpose, walk: _Walk, node: Node) -> bool:
    (x,) = node.operands
    if not walk.has_twin(x):
        return False
    permutation = tuple(_place(axis, x.type.rank) for axis in op.permutation)
    unmoved = permutation == tuple(range(len(permutation)))
    return walk.settled(node, walk.first(x) if unmoved else transpose(walk.first(x), permutation))


@_convert.register
def _flatten(op: Reshape, walk: _Walk, node: Node) -> bool:
    """Flattened examples that only constant matrices multiply: the rows of these are moved instead of the data."""
    (x,) = node.operands
    users = list(node.result.users)
    if not walk.has_twin(x) or op.shape != (x.type.shape[0], element_count(x.type.shape[1:])):
        return False
    if not all(_multiplies_by_constant(user, node.result) for user in users):
        return False
    for user in users:
        _move_rows(walk.graph, user, x.type.shape[1:])
    return walk.settled(node, reshape(walk.first(x), op.shape))


def _multiplies_by_constant(user: Node, data: Value) -> bool:
    if not isinstance(user.op, (MatMul, Gemm)) or user.operands[0] is not data or user.operands[1].type.rank != 2:
        return False
    plain = not (isinstance(user.op, Gemm) and (user.op.transpose_a or user.op.transpose_b))
    return plain and isinstance(user.operands[1].op, Constant)


def _move_rows(graph: Graph, product: Node, features: Shape) -> None:
    data, weights, *others = product.operands
    with using(GraphBuilder(graph, before=product)):
        rows = reshape(weights, (1, *features, weights.type.shape[1]))
        last = rows.type.rank - 1
        moved = reshape(transpose(rows, (0, last - 1, *range(1, last - 1), last)), weights.type.shape)
    product.set_operands((data, moved, *others))


def _with_axis(op: Any, walk: _Walk, node: Node) -> bool:
    """Ops along one ``axis`` of all operands of full rank."""
    rank = node.results[0].type.rank
    if not any(walk.has_twin(operand) for operand in node.operands):
        return False
    moved = dataclasses.replace(op, axis=_place(op.axis, rank))
    return walk.moved(node, moved, [walk.first(o) if o.type.rank == rank else o for o in node.operands])


def _per_axis(*fields: str) -> Callable[[Any, _Walk, Node], bool]:
    """Ops whose attributes have an item per axis; operands of lower rank are scalars."""

    def convert(op: Any, walk: _Walk, node: Node) -> bool:
        x, *others = node.operands
        if not walk.has_twin(x) or x.type.rank != node.result.type.rank:
            return False
        moved = dataclasses.replace(op, **{name: _reordered(getattr(op, name)) for name in fields})
        return walk.moved(node, moved, [walk.first(x), *others])

    return convert


@_convert.register
def _standardize(op: Standardize, walk: _Walk, node: Node) -> bool:
    (x,) = node.operands
    if not walk.has_twin(x):
        return False
    axes = tuple(sorted(_place(axis, x.type.rank) for axis in op.axes))
    return walk.moved(node, dataclasses.replace(op, axes=axes), [walk.first(x)])


for _along in (Concat, Split, BatchNorm, AlongAxis):
    _convert.register(_along, _with_axis)
for _op, _fields in {
    Pad: ("before", "after"),
    PadBorder: ("before", "after"),
    Slice: ("starts", "stops", "steps"),
    SliceGrad: ("shape", "starts", "stops", "steps"),
    Tile: ("multiples",),
    BroadcastTo: ("shape",),
    EnsureShape: ("shape",),
}.items():
    _convert.register(_op, _per_axis(*_fields))
