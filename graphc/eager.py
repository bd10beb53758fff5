"""Eager execution: the interpreter that runs ops at once on NumPy arrays, and records them on open tapes."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from graphc.conversion import as_tensor
from graphc.mode import mode
from graphc.tensor import Tensor, wrap
from graphc_ir.dims import Shape
from graphc_ir.dtypes import DType, of_numpy
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
        arrays = [operand._array for operand in operands]
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
        return TensorType.of(operand._array)

    def dtype_of(self, operand: Operand) -> DType:
        return of_numpy(operand._array.dtype)

    def shape_of(self, operand: Operand) -> Shape:
        return operand._array.shape  # type: ignore[no-any-return]

    def constant(self, array: Array) -> Tensor:
        return wrap(array)

    def as_operand(self, value: Any) -> Operand | None:
        return as_tensor(value)

    def symbolic_dims(self, operand: Operand) -> Shape | None:
        return tuple(int(d) for d in np.atleast_1d(operand._array))


EAGER: Final = EagerInterpreter()
set_default_interpreter(EAGER)
