"""How much work a graph is: floating-point operations, bytes moved, nodes.

The counts are those of the arithmetic as written, not of a machine: an element-wise op is one operation per result
element, a matrix product 2 m n k, a node reads its operands and writes its results once, views are free.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from graphc_ir import dims
from graphc_ir.dims import Dim, Shape
from graphc_ir.graph import Graph, Node, Value
from graphc_ir.ops.attention import Attention
from graphc_ir.ops.base import Op
from graphc_ir.ops.control import Cond, Scan, While
from graphc_ir.ops.conv import Conv, ConvFilterGrad, Convolution
from graphc_ir.ops.cumulative import Cumulative
from graphc_ir.ops.elementwise import Cast, Elementwise, Select
from graphc_ir.ops.linalg import Gemm, MatMul
from graphc_ir.ops.nn import AlongAxis, SigmoidCrossEntropy, SoftmaxCrossEntropy, SparseSoftmaxCrossEntropy
from graphc_ir.ops.normalization import BatchNorm, LayerNorm, RmsNorm, Standardize
from graphc_ir.ops.optim import AdagradUpdate, AdamUpdate, MomentumUpdate, RmspropUpdate, SgdUpdate
from graphc_ir.ops.pooling import Pooling
from graphc_ir.ops.recurrence import OverTime, Recurrent, RecurrentGrad
from graphc_ir.ops.reduction import Reduction
from graphc_ir.ops.rnn import RnnGrad
from graphc_ir.types import TensorType

FlopRule = Callable[["CostModel", Node], Dim]
_FLOPS: Final[dict[type[Op], FlopRule]] = {}
_SOFTMAX_FLOPS: Final = 5  # per element: maximum, subtraction, exponential, sum, division
_GATE_FLOPS: Final = 6  # per gate of a recurrent layer: two sums, an activation, and its share of the new state

_PER_ELEMENT: Final[dict[type[Op], tuple[int, int]]] = {
    SoftmaxCrossEntropy: (1, 7), SparseSoftmaxCrossEntropy: (1, 5), SigmoidCrossEntropy: (1, 6),
    BatchNorm: (0, 2), Standardize: (0, 7), LayerNorm: (0, 9), RmsNorm: (0, 5), Cumulative: (0, 1),
    SgdUpdate: (0, 2), MomentumUpdate: (0, 4), AdamUpdate: (0, 12), RmspropUpdate: (0, 8), AdagradUpdate: (0, 6),
}  # fmt: skip
"""Composite ops that do a fixed number of operations per element of one operand: (operand, operations)."""


@dataclass(frozen=True)
class Cost:
    """``flops``, ``bytes`` (read and written) and ``nodes`` (those in regions included)."""

    flops: Dim = 0
    bytes: Dim = 0
    nodes: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.flops + other.flops, self.bytes + other.bytes, self.nodes + other.nodes)

    def times(self, count: Dim) -> Cost:
        """The cost of so many repetitions; the nodes stay."""
        return Cost(self.flops * count, self.bytes * count, self.nodes)


class CostModel:
    """Counts work. ``sizes`` gives values to symbolic dims; the others count as ``default``, or stay symbolic if that
    is None."""

    def __init__(self, sizes: Mapping[str, int] | None = None, default: int | None = None) -> None:
        self.sizes = dict(sizes or {})
        self.default = default
        self._elements: dict[Shape, Dim] = {}

    def elements(self, shape: Shape) -> Dim:
        """The number of elements."""
        found = self._elements.get(shape)
        if found is None:
            found = self._elements[shape] = dims.element_count(tuple(map(self.dim, shape)))
        return found

    def dim(self, dim: Dim) -> Dim:
        """The size of an axis."""
        if isinstance(dim, int):
            return dim
        default = self.default
        rest = {} if default is None else {name: default for name in dim.symbols if name not in self.sizes}
        return dims.substitute(dim, {**self.sizes, **rest})

    def bytes_of(self, type: TensorType) -> Dim:
        """The size of a tensor in memory."""
        size: int = type.dtype.size
        return self.elements(type.shape) * size

    def node(self, node: Node) -> Cost:
        """The cost of one node, with its regions as often as they run."""
        if node.regions:
            return self._with_regions(node)
        op = node.op
        if not node.operands or op.is_view:
            return Cost(0, 0, 1)
        return Cost(self._flops(node), _total_bytes(self, (*node.operands, *node.results)), 1)

    def graph(self, graph: Graph) -> Cost:
        """The cost of running the graph once."""
        flops: Dim = 0
        moved: Dim = 0
        nodes = 0
        for node in graph.nodes():
            cost = self.node(node)
            flops, moved, nodes = flops + cost.flops, moved + cost.bytes, nodes + cost.nodes
        return Cost(flops, moved, nodes)

    def _flops(self, node: Node) -> Dim:
        for cls in type(node.op).__mro__:
            rule = _FLOPS.get(cls)
            if rule is not None:
                return rule(self, node)
            if cls in _PER_ELEMENT:
                operand, count = _PER_ELEMENT[cls]
                return count * self.elements(node.operands[operand].type.shape)
        return 0

    def _with_regions(self, node: Node) -> Cost:
        op = node.op
        parts = [self.graph(region) for region in node.regions]
        here = Cost(0, 0, 1)
        if isinstance(op, Scan):
            return here + parts[0].times(self.dim(node.operands[op.carries].type.shape[0]))
        if isinstance(op, While):
            return here + (parts[0] + parts[1]).times(1 if op.max_trips is None else op.max_trips)
        return here + (parts[0] + parts[1] if isinstance(op, Cond) else parts[0])


def _total_bytes(model: CostModel, values: tuple[Value, ...]) -> Dim:
    total: Dim = 0
    for value in values:
        total = total + model.bytes_of(value.type)
    return total


def graph_cost(graph: Graph, sizes: Mapping[str, int] | None = None, default: int | None = None) -> Cost:
    """FLOPs, bytes and nodes of one run; of a loop without a bound: of one round. See :class:`CostModel`."""
    return CostModel(sizes, default).graph(graph)


def flop_rule(*ops: type[Op]) -> Callable[[FlopRule], FlopRule]:
    """Registers how many operations ops (and their subclasses) are; without a rule an op counts as data movement."""

    def register(rule: FlopRule) -> FlopRule:
        for op in ops:
            _FLOPS[op] = rule
        return rule

    return register


@flop_rule(Elementwise, Select)
def _per_result(model: CostModel, node: Node) -> Dim:
    return model.elements(node.results[0].type.shape)


@flop_rule(Cast)
def _free(model: CostModel, node: Node) -> Dim:
    return 0


@flop_rule(Reduction)
def _per_operand(model: CostModel, node: Node) -> Dim:
    return model.elements(node.operands[0].type.shape)


@flop_rule(AlongAxis)
def _softmax(model: CostModel, node: Node) -> Dim:
    return _SOFTMAX_FLOPS * model.elements(node.results[0].type.shape)


@flop_rule(MatMul)
def _matmul(model: CostModel, node: Node) -> Dim:
    inner = model.dim(node.operands[0].type.shape[-1])
    return 2 * inner * model.elements(node.results[0].type.shape)


@flop_rule(Gemm)
def _gemm(model: CostModel, node: Node) -> Dim:
    op = cast(Gemm, node.op)
    inner = model.dim(node.operands[0].type.shape[0 if op.transpose_a else 1])
    extra = (op.alpha != 1) + (len(node.operands) - 2) * (1 + (op.beta != 1))
    return (2 * inner + extra) * model.elements(node.results[0].type.shape)


@flop_rule(Convolution)
def _convolution(model: CostModel, node: Node) -> Dim:
    """Every element of Conv's result takes one product and sum per filter element that it meets."""
    op: Any = node.op
    images, filters = node.operands[0].type.shape, node.operands[1].type.shape
    if isinstance(op, Conv):
        images = node.results[0].type.shape
    if isinstance(op, ConvFilterGrad):
        images, filters = filters, node.results[0].type.shape
    per_element = model.elements(filters) // model.dim(op.filter_count(filters))
    return 2 * model.elements(images) * per_element


@flop_rule(Pooling)
def _pooling(model: CostModel, node: Node) -> Dim:
    op: Any = node.op
    return model.elements(node.results[0].type.shape) * dims.element_count(op.window)


@flop_rule(Attention)
def _attention(model: CostModel, node: Node) -> Dim:
    q, k, v = (operand.type.shape for operand in node.operands[:3])
    scores = model.elements((*node.results[0].type.shape[:-1], k[-2]))
    return scores * (2 * model.dim(q[-1]) + 2 * model.dim(v[-1]) + _SOFTMAX_FLOPS)


@flop_rule(Recurrent)
def _recurrent(model: CostModel, node: Node) -> Dim:
    return _over_time(model, node, node.operands[2], model.dim(node.operands[0].type.shape[2]))


@flop_rule(RecurrentGrad)
def _recurrent_grad(model: CostModel, node: Node) -> Dim:
    return _over_time(model, node, node.operands[2], 0)


@flop_rule(RnnGrad)
def _rnn_grad(model: CostModel, node: Node) -> Dim:
    return _over_time(model, node, node.operands[1], 0)


def _over_time(model: CostModel, node: Node, recurrent: Value, features: Dim) -> Dim:
    """The products with the state, and with so many features of the inputs."""
    units, width = recurrent.type.shape
    batch, time = cast(OverTime, node.op).sizes(node.operands[0].type)
    return (2 * (model.dim(units) + features) + _GATE_FLOPS) * model.elements((batch, time, width))
