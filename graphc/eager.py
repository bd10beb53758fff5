"""Eager execution: the interpreter that runs ops at once on NumPy arrays, and records them on open tapes."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from graphc.conversion import as_tensor
from graphc.mode import mode
from graphc.tensor import DeferredTensor, NoArrayError, Tensor, wrap
from graphc_ir.dims import DimExpr, Shape
from graphc_ir.dtypes import DType
from graphc_ir.errors import GraphcError
from graphc_ir.graph import Graph
from graphc_ir.ops.base import Array, Interpreter, Op, Operand, explain, set_default_interpreter
from graphc_ir.types import TensorType

_CHECKED_LIMIT: Final = 16384


class EagerInterpreter(Interpreter):
    """Operands are eager tensors. An op's type rule is checked once per op and operand types."""

    operand_type = Tensor

    def __init__(self) -> None:
        self._checked: set[tuple[Any, ...]] = set()

    def bind(self, op: Op, operands: tuple[Operand, ...], regions: tuple[Graph, ...] = ()) -> Any:
        try:
            arrays = [operand._array for operand in operands]
        except NoArrayError:
            return _deferred_class().apply(op, operands, regions)
        kind = op if op.__dict__ else op.__class__
        key: tuple[Any, ...]
        # The two frequent cases spelled out: this runs for every eager op.
        if len(arrays) == 1:
            array = arrays[0]
            key = (kind, array.dtype, array.shape)
        elif len(arrays) == 2:
            array, other = arrays
            key = (kind, array.dtype, array.shape, other.dtype, other.shape)
        else:
            key = (kind, *[part for array in arrays for part in (array.dtype, array.shape)])
        if key not in self._checked or regions:
            self._check(op, arrays, regions, key)
        try:
            result = op.kernel(*arrays, regions=regions) if regions else op.kernel(*arrays)
        except GraphcError:
            raise
        except Exception as error:
            if _has_open_size(op):
                return _deferred_class().apply(op, operands, regions)
            raise explain(op, [TensorType.of(a) for a in arrays], error) from error
        if op.num_results != 1:
            results = tuple([wrap(r) for r in result])
            for tape in mode.tapes:
                tape.record(op, operands, results, regions, arrays, result)
            return results
        tensor = wrap(result)
        for tape in mode.tapes:
            tape.record(op, operands, (tensor,), regions, arrays, (result,))
        return tensor

    def _check(self, op: Op, arrays: list[Array], regions: tuple[Graph, ...], key: tuple[Any, ...]) -> None:
        op.infer_node([TensorType.of(a) for a in arrays], regions)
        if len(self._checked) >= _CHECKED_LIMIT:
            self._checked.clear()
        self._checked.add(key)

    def type_of(self, operand: Operand) -> TensorType:
        return operand.type  # type: ignore[no-any-return]

    def dtype_of(self, operand: Operand) -> DType:
        return operand.dtype  # type: ignore[no-any-return]

    def shape_of(self, operand: Operand) -> Shape:
        # A deferred tensor's type knows sizes that its public shape shows as None.
        return operand.type.shape if isinstance(operand, DeferredTensor) else operand._array.shape

    def constant(self, array: Array) -> Tensor:
        return wrap(array)

    def as_operand(self, value: Any) -> Operand | None:
        return as_tensor(value)

    def symbolic_dims(self, operand: Operand) -> Shape | None:
        if isinstance(operand, DeferredTensor):
            return operand.known_dims
        return tuple(int(d) for d in np.atleast_1d(operand._array))


def _deferred_class() -> type[DeferredTensor]:
    """The kind of deferred tensors that there is (the Keras-style front end makes it)."""
    (kind,) = DeferredTensor.__subclasses__()
    return kind


def _has_open_size(op: Op) -> bool:
    """Whether an attribute holds a size that only a deferred tensor can have brought in."""
    sizes = [d for value in op.__dict__.values() if isinstance(value, tuple) for d in value]
    return any(isinstance(d, DimExpr) for d in sizes)


EAGER: Final = EagerInterpreter()
set_default_interpreter(EAGER)
