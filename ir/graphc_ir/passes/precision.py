"""Mixed precision."""

from __future__ import annotations

from graphc_ir.builder import GraphBuilder
from graphc_ir.dtypes import as_dtype, float32
from graphc_ir.errors import ArgumentError
from graphc_ir.graph import Graph, Node
from graphc_ir.ops.base import bind, using
from graphc_ir.ops.conv import Convolution
from graphc_ir.ops.elementwise import cast
from graphc_ir.ops.linalg import MatMul
from graphc_ir.passes.base import Pass, register_pass


@register_pass
class MixedPrecision(Pass):
    """Computes matrix products and convolutions of float32 in ``dtype`` ("bfloat16" or "float16"); everything else, and
    the state, stays float32. Results change accordingly: about 3 digits remain."""

    dtype: str = "bfloat16"

    def __post_init__(self) -> None:
        if self.dtype not in ("bfloat16", "float16"):
            raise ArgumentError(f"mixed precision in {self.dtype!r} is not supported; use 'bfloat16' or 'float16'")

    def run(self, graph: Graph) -> bool:
        chosen = [node for node in graph.nodes() if _applies(node)]
        for node in chosen:
            self._lower(graph, node)
        return bool(chosen)

    def _lower(self, graph: Graph, node: Node) -> None:
        dtype = as_dtype(self.dtype)
        builder = GraphBuilder(graph, before=node)
        builder.location = node.location
        with using(builder):
            product = bind(node.op, *(cast(operand, dtype) for operand in node.operands))
            result = cast(product, float32)
        result.name = node.result.name
        node.result.replace_all_uses_with(result)
        graph.erase(node)


def _applies(node: Node) -> bool:
    return isinstance(node.op, (MatMul, Convolution)) and node.result.type.dtype is float32
