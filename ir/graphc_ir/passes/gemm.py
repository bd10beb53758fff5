"""Matrix products with what is done to their result: scaled, and a bias added."""

from __future__ import annotations

from graphc_ir.builder import GraphBuilder
from graphc_ir.graph import Graph, Node, Value
from graphc_ir.ops.base import bind, using
from graphc_ir.ops.constant import Constant
from graphc_ir.ops.elementwise import Add, Mul
from graphc_ir.ops.linalg import Gemm, MatMul
from graphc_ir.ops.movement import Transpose
from graphc_ir.passes.base import Pass, register_pass


@register_pass
class FuseGemm(Pass):
    """``matmul(a, b) * constant + c`` of matrices becomes one ``gemm``, which takes in transposes of its operands."""

    def run(self, graph: Graph) -> bool:
        changed = False
        for node in list(graph.nodes()):
            if not node.erased and isinstance(node.op, MatMul) and _is_matrix_product(node):
                changed = _fuse(graph, node) or changed
        return changed


def _is_matrix_product(node: Node) -> bool:
    return node.result.type.dtype.is_floating and all(operand.type.rank == 2 for operand in node.operands)


def _fuse(graph: Graph, product: Node) -> bool:
    chain, alpha, added = [product], 1.0, None
    scale = _only_user(chain[-1], Mul)
    if scale is not None and (factor := _number(_other(scale, chain[-1]))) is not None:
        chain.append(scale)
        alpha = factor
    addition = _only_user(chain[-1], Add)
    if addition is not None and addition.result.type == product.result.type:
        added = _other(addition, chain[-1])
        chain.append(addition)
    if len(chain) == 1:
        return False
    (a, transpose_a), (b, transpose_b) = (_untransposed(operand) for operand in product.operands)
    last = chain[-1]
    builder = GraphBuilder(graph, before=last)
    builder.location = last.location
    with using(builder):
        fused: Value = bind(Gemm(alpha, 1.0, transpose_a, transpose_b), a, b, *(() if added is None else (added,)))
    fused.name = last.result.name
    last.result.replace_all_uses_with(fused)
    for node in reversed(chain):
        graph.erase(node)
    return True


def _only_user(node: Node, op: type[Add | Mul]) -> Node | None:
    """The op that alone, and once, reads the node's result."""
    users = node.result.users
    user = next(iter(users), None)
    return user if user is not None and len(users) == 1 and users[user] == 1 and isinstance(user.op, op) else None


def _other(user: Node, node: Node) -> Value:
    left, right = user.operands
    return right if left is node.result else left


def _number(value: Value) -> float | None:
    op = value.op
    # The shortest decimal that is this number in its own dtype.
    return float(str(op.value.array)) if isinstance(op, Constant) and not op.value.array.shape else None


def _untransposed(value: Value) -> tuple[Value, bool]:
    """What a matrix is the transpose of, and True; or the matrix itself, and False."""
    if value.node is not None and isinstance(value.op, Transpose):
        return value.node.operands[0], True
    return value, False
