"""Nodes of imported models that have no op of their own: kept whole, run by a registered runtime, exported
as they were."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc_ir.dims import Dim
from graphc_ir.errors import BackendError, GradientError, ShapeError
from graphc_ir.ops.base import Array, Op, Operand
from graphc_ir.types import TensorType

Setting = tuple[str, str, Any]
"""An ONNX attribute: name, ONNX type name (``"INT"``, ``"FLOATS"``, ``"GRAPH"``...) and a hashable value."""

OpaqueRuntime = Callable[["OnnxOp", Sequence[Array]], Sequence[Array]]


class OnnxOp(Op, name="onnx"):
    """An ONNX operator as it stands in a model. Printed as ``onnx.<operator>``.

    ``opset`` is the version of ``domain`` that gives the operator its meaning. ``types`` are the result types
    as found when the node was read; sizes that depend on data are symbols of their own. ``given`` and
    ``wanted`` tell which of the operator's inputs and outputs are used (empty: all of them). ``captures`` are
    the names under which the node's sub-graphs refer to the last operands. Without ``deterministic``, equal
    operands may give different results.
    """

    op_type: str
    opset: int
    types: tuple[TensorType, ...]
    settings: tuple[Setting, ...] = ()
    domain: str = ""
    given: tuple[bool, ...] = ()
    wanted: tuple[bool, ...] = ()
    captures: tuple[str, ...] = ()
    deterministic: bool = True
    makes_sizes = True

    def __post_init__(self) -> None:
        # Name and purity are those of the operator, not of this class.
        prefix = "onnx" if not self.domain else f"onnx.{self.domain}"
        object.__setattr__(self, "name", f"{prefix}.{self.op_type}")
        object.__setattr__(self, "is_pure", self.deterministic)

    @property
    def num_results(self) -> int:
        return len(self.types)

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        expected = sum(self.given) + len(self.captures)
        if self.given and len(types) != expected:
            raise ShapeError(f"{self.name} takes {expected} operands, got {len(types)}")
        return self.types

    def kernel(self, *arrays: Any) -> Any:
        if _runtime is None:
            raise BackendError(
                f"{self.name} needs the ONNX reference implementation; import "
                "graphc_backends.onnx.opaque, "
                "which provides it"
            )
        results = tuple(_runtime(self, arrays))
        return results if self.num_results != 1 else results[0]

    def vjp(self, g: Operand, y: Operand, *operands: Operand) -> Any:
        raise GradientError(
            f"{self.name} has no gradient: the operator was imported as it is and has no op "
            "of its own; "
            "stop the gradient before it, or replace it in the graph"
        )

    def substitute_dims(self, bindings: dict[str, Dim]) -> Op:
        types = tuple(t.substitute(bindings) for t in self.types)
        if types == self.types:
            return self
        return OnnxOp(**{**self.attributes(), "types": types})


_runtime: OpaqueRuntime | None = None


def set_opaque_runtime(runtime: OpaqueRuntime) -> None:
    """Installs what runs opaque nodes: it gets the op and its operands' arrays and returns the results in
    order.
    """
    global _runtime
    _runtime = runtime
