"""The ONNX numbers of dtypes."""

from __future__ import annotations

from typing import Final

from onnx import TensorProto

from graphc_ir import dtypes
from graphc_ir.dtypes import DType
from graphc_ir.errors import ImportModelError

_TO_ONNX: Final[dict[DType, int]] = {
    dtypes.bool_: TensorProto.BOOL,
    dtypes.int8: TensorProto.INT8,
    dtypes.int16: TensorProto.INT16,
    dtypes.int32: TensorProto.INT32,
    dtypes.int64: TensorProto.INT64,
    dtypes.uint8: TensorProto.UINT8,
    dtypes.uint16: TensorProto.UINT16,
    dtypes.uint32: TensorProto.UINT32,
    dtypes.uint64: TensorProto.UINT64,
    dtypes.float16: TensorProto.FLOAT16,
    dtypes.bfloat16: TensorProto.BFLOAT16,
    dtypes.float32: TensorProto.FLOAT,
    dtypes.float64: TensorProto.DOUBLE,
    dtypes.complex64: TensorProto.COMPLEX64,
    dtypes.complex128: TensorProto.COMPLEX128,
    dtypes.string: TensorProto.STRING,
}
_FROM_ONNX: Final = {number: dtype for dtype, number in _TO_ONNX.items()}


def to_onnx(dtype: DType) -> int:
    """The TensorProto number of a dtype."""
    return _TO_ONNX[dtype]


def from_onnx(number: int) -> DType:
    """The dtype of a TensorProto number. Raises ImportModelError for one without counterpart (float8,
    int4...).
    """
    found = _FROM_ONNX.get(number)
    if found is None:
        name = TensorProto.DataType.Name(number) if number in TensorProto.DataType.values() else str(number)
        raise ImportModelError(
            f"the model uses tensors of ONNX type {name}, which graphc does not have; "
            "convert the "
            f"model to one of {', '.join(d.name for d in _TO_ONNX)}"
        )
    return found
