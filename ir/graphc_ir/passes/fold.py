"""Constant folding."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc_ir.graph import Graph, Node
from graphc_ir.ops.constant import ArrayAttribute, Constant
from graphc_ir.passes.base import Pass, register_pass


@register_pass
class ConstantFolding(Pass, name="fold"):
    """Computes pure nodes whose operands are all constants, with the ops' own kernels.

    A result of more than ``max_elements`` elements is folded only if it does not grow beyond its operands, so that
    ``zeros([10000, 10000])`` does not end up in the model file. Kernels that fail (an index out of range) are left to
    fail when the graph runs. Impure ops are never
    folded; random draws by a constant key are (they are functions of the key), within the same limit.
    """

    max_elements: int = 4096

    def run(self, graph: Graph) -> bool:
        before = len(graph)
        changed = False
        for node in graph.nodes():
            if self._applies(node):
                changed = _fold(graph, node) or changed
        return changed or len(graph) != before

    def _applies(self, node: Node) -> bool:
        op = node.op
        if type(op) is Constant or not op.is_pure or node.regions:
            return False
        for operand in node.operands:
            if operand.node is None or type(operand.node.op) is not Constant:
                return False
        return all(r.type.is_static for r in node.results) and self._is_small(node)

    def _is_small(self, node: Node) -> bool:
        made = sum(_size(r.type.shape) for r in node.results)
        return made <= max(self.max_elements, sum(_size(o.type.shape) for o in node.operands))


def _size(shape: Any) -> int:
    return int(np.prod(shape, dtype=np.int64))


def _fold(graph: Graph, node: Node) -> bool:
    arrays = [operand.node.op.value.array for operand in node.operands]  # type: ignore[union-attr]
    try:
        with np.errstate(all="ignore"):
            made = node.op.kernel(*arrays)
    except (ArithmeticError, ValueError, IndexError, TypeError):
        return False  # the same error, with its source line, is the user's when the graph runs
    results = made if node.op.num_results != 1 else (made,)
    if any(np.shape(array) != r.type.shape for array, r in zip(results, node.results, strict=True)):
        return False
    for old, array in zip(node.results, results, strict=True):
        op = Constant(ArrayAttribute(np.asarray(array, old.type.dtype.np)))
        new = graph.append(op, (), (old.type,), (), node.location, before=node)
        new.result.name = old.name
        old.replace_all_uses_with(new.result)
    _erase_with_operands(graph, node)
    return True


def _erase_with_operands(graph: Graph, node: Node) -> None:
    operands = node.operands
    graph.erase(node)
    for operand in dict.fromkeys(operands):
        if operand.node is not None and operand.node.is_dead:
            graph.erase(operand.node)
