"""How a node is computed into given memory: the NumPy call of each op as one line of source.

An op that is not in the table is called through its ``numpy_function`` with ``out=`` where it accepts that;
all others allocate their results.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import numpy as np

from graphc_ir.dtypes import float32, float64, string
from graphc_ir.graph import Node, Value
from graphc_ir.ops.base import Op
from graphc_ir.ops.elementwise import Cast, Relu
from graphc_ir.ops.linalg import Gemm, MatMul
from graphc_ir.ops.movement import Concat
from graphc_ir.ops.optim import OptimizerUpdate
from graphc_ir.ops.reduction import ReduceMax, ReduceMean, ReduceSum


class Names(Protocol):
    """What a writer needs of the code generator."""

    def bound(self, value: Any, stem: str) -> str:
        """The name under which the generated code finds an object."""
        ...


Writer = Callable[[Names, Node, Sequence[str], str], str]
"""Source of the statement that computes a node into ``out``: (names, node, operand names, out name, or a
tuple of names for an op of several results).
"""


def writer_of(node: Node) -> Writer | None:
    """How the node writes its result into given memory; None if it must allocate."""
    if isinstance(node.op, OptimizerUpdate):
        return _update
    if node.regions or len(node.results) != 1 or node.result.type.dtype is string:
        return None
    special = _WRITERS.get(type(node.op))
    if special is not None:
        found = special(node)
        if found is not None:
            return found
    return _call_with_out if node.op.accepts_out() else None


def writes_in_place(node: Node) -> bool:
    """Whether the result may be written over an operand of the same type while it is computed."""
    if type(node.op) is Relu:
        return True
    function = node.op.numpy_function()
    return isinstance(function, np.ufunc) and function.signature is None and node.op.is_elementwise


def may_overwrite(node: Node, value: Value, old: Value) -> bool:
    """Whether the node's result ``value`` may be written over its operand ``old``, which has the same
    type.
    """
    if isinstance(node.op, OptimizerUpdate):
        return node.operands[value.index] is old and node.operands.count(old) == 1
    return writes_in_place(node)


def cannot_fail(node: Node) -> bool:
    """Whether the node's call raises nothing for operands of its types."""
    known = node.op.is_view or isinstance(node.op, OptimizerUpdate) or type(node.op) in _WRITERS
    return known or writes_in_place(node)


def _call_with_out(names: Names, node: Node, operands: Sequence[str], out: str) -> str:
    function = node.op.numpy_function()
    name = names.bound(function, getattr(function, "__name__", node.op.name))
    return f"{name}({', '.join(operands)}, out={out})"


def _update(names: Names, node: Node, operands: Sequence[str], out: str) -> str:
    targets = out if len(node.results) > 1 else f"({out},)"
    return f"{names.bound(node.op.kernel, node.op.name)}({', '.join(operands)}, out={targets})"


def _matmul(node: Node) -> Writer | None:
    plain = all(o.type.rank == 2 and o.type.dtype in (float32, float64) for o in node.operands)
    return _dot if plain else None


def _dot(names: Names, node: Node, operands: Sequence[str], out: str) -> str:
    return f"{names.bound(np.dot, 'dot')}({operands[0]}, {operands[1]}, {out})"


def _gemm(names: Names, node: Node, operands: Sequence[str], out: str) -> str:
    op: Any = node.op
    a, b = (
        f"{name}.T" if flag else name for name, flag in zip(operands, (op.transpose_a, op.transpose_b), strict=False)
    )
    dtype = node.result.type.dtype.np
    lines = [_dot(names, node, [a, b], out)]
    if op.alpha != 1:
        alpha = names.bound(np.asarray(op.alpha, dtype), "alpha")
        lines.append(f"{names.bound(np.multiply, 'multiply')}({out}, {alpha}, out={out})")
    for term in operands[2:]:
        scaled = term if op.beta == 1 else f"{term} * {names.bound(np.asarray(op.beta, dtype), 'beta')}"
        lines.append(f"{names.bound(np.add, 'add')}({out}, {scaled}, out={out})")
    return "; ".join(lines)


def _reduction(ufunc: np.ufunc) -> Callable[[Node], Writer | None]:
    def write(names: Names, node: Node, operands: Sequence[str], out: str) -> str:
        function = names.bound(ufunc.reduce, f"{ufunc.__name__}_reduce")
        dtype = names.bound(node.result.type.dtype.np, node.result.type.dtype.name)
        return f"{function}({operands[0]}, {_axes(node)}, {dtype}, {out}, {node.op.keepdims})"  # type: ignore[attr-defined]

    def fits(node: Node) -> Writer | None:
        shape = node.operands[0].type.shape
        # An extremum of nothing is the kernel's business.
        return write if ufunc is np.add or (shape and 0 not in shape) else None

    return fits


def _mean(node: Node) -> Writer | None:
    return _sum_and_divide if node.result.type.dtype in (float32, float64) else None


def _sum_and_divide(names: Names, node: Node, operands: Sequence[str], out: str) -> str:
    shape, dtype = node.operands[0].type.shape, node.result.type.dtype
    count = np.prod([shape[a] for a in node.op.axes], dtype=np.int64)  # type: ignore[attr-defined]
    divisor = names.bound(np.asarray(count, dtype.np), "count")
    total = _reduction(np.add)(node)
    assert total is not None
    divide = names.bound(np.divide, "divide")
    return f"{total(names, node, operands, out)}; {divide}({out}, {divisor}, out={out})"


def _axes(node: Node) -> str:
    axes = node.op.axes  # type: ignore[attr-defined]
    if len(axes) == node.operands[0].type.rank:
        return "None"
    return str(axes[0]) if len(axes) == 1 else repr(axes)


def _relu(names: Names, node: Node, operands: Sequence[str], out: str) -> str:
    zero = names.bound(np.zeros((), node.result.type.dtype.np), "zero")
    return f"{names.bound(np.maximum, 'maximum')}({operands[0]}, {zero}, out={out})"


def _cast(names: Names, node: Node, operands: Sequence[str], out: str) -> str:
    return f"{names.bound(np.copyto, 'copyto')}({out}, {operands[0]}, 'unsafe')"


def _concat(names: Names, node: Node, operands: Sequence[str], out: str) -> str:
    joined = f"({', '.join(operands)},)"
    return f"{names.bound(np.concatenate, 'concatenate')}({joined}, {node.op.axis}, {out})"  # type: ignore[attr-defined]


_WRITERS: Final[dict[type[Op], Callable[[Node], Writer | None]]] = {
    MatMul: _matmul,
    Gemm: lambda node: _gemm if node.result.type.dtype in (float32, float64) else None,
    ReduceSum: _reduction(np.add),
    ReduceMax: _reduction(np.maximum),
    ReduceMean: _mean,
    Relu: lambda node: _relu,
    Cast: lambda node: None if node.operands[0].type.dtype is string else _cast,
    Concat: lambda node: _concat,
}
