"""The dtype of results: the whole table of pairs, and what becomes of data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.keras import config, ops
from graphc.keras.ops.promotion import convert, promoted, result_type
from graphc_ir.errors import DTypeError

# As Keras 3.15 gives them. Left out: uint64 and complex128, which Keras narrows to 32 and 64 bits.
NAMES = ["bool", "uint8", "uint16", "uint32", "int8", "int16", "int32", "int64", "bfloat16", "float16", "float32",
         "float64", "complex64", int, float]  # fmt: skip
SHORT = {"b": "bool", "u8": "uint8", "u16": "uint16", "u32": "uint32", "i8": "int8", "i16": "int16", "i32": "int32",
         "i64": "int64", "bf": "bfloat16", "h": "float16", "f": "float32", "d": "float64", "c": "complex64",
         "z": "complex128"}  # fmt: skip
TABLE = """
b u8 u16 u32 i8 i16 i32 i64 bf h f d c i32 f
u8 u8 u16 u32 i16 i16 i32 i64 bf h f d c u8 f
u16 u16 u16 u32 i32 i32 i32 i64 bf h f d c u16 f
u32 u32 u32 u32 i64 i64 i64 i64 bf h f d c u32 f
i8 i16 i32 i64 i8 i16 i32 i64 bf h f d c i8 f
i16 i16 i32 i64 i16 i16 i32 i64 bf h f d c i16 f
i32 i32 i32 i64 i32 i32 i32 i64 bf h f d c i32 f
i64 i64 i64 i64 i64 i64 i64 i64 bf h f d c i64 f
bf bf bf bf bf bf bf bf bf f f d c bf bf
h h h h h h h h f h f d c h h
f f f f f f f f f f f d c f f
d d d d d d d d d d d d z d d
c c c c c c c c c c c z c c c
i32 u8 u16 u32 i8 i16 i32 i64 bf h f d c i32 f
f f f f f f f f bf h f d c f f
"""
PAIRS = [(a, b, SHORT[cell]) for a, row in zip(NAMES, TABLE.strip().splitlines(), strict=True)
         for b, cell in zip(NAMES, row.split(), strict=True)]  # fmt: skip


@pytest.mark.parametrize(("a", "b", "joined"), PAIRS)
def test_pairs(a: Any, b: Any, joined: str) -> None:
    assert result_type(a, b) == joined
    if isinstance(a, str) and isinstance(b, str):
        x, y = (tf.cast([1], name) for name in (a, b))
        assert [t.dtype.name for t in promoted(x, y)] == [joined, joined]


@pytest.mark.parametrize(
    ("dtypes", "joined"),
    [
        ((), "float32"),
        ((None,), "float32"),
        ((int,), "int32"),
        (("uint64", "int8"), "float32"),
        (("uint64", "int8", "bfloat16"), "bfloat16"),
        (("uint64", "uint8"), "uint64"),
        (("complex128", "float16"), "complex128"),
        (("int8", "uint8", "bool", int), "int16"),
        ((tf.int32, np.float16), "float16"),
    ],
)
def test_other_numbers_of_dtypes(dtypes: tuple[Any, ...], joined: str) -> None:
    assert result_type(*dtypes) == joined


def test_the_default_float_dtype_stands_for_floats_without_one() -> None:
    config.set_floatx("float16")
    try:
        assert result_type("int32", float) == "float16"
        assert ops.exp(tf.constant([1, 2])).dtype == "float16"
        assert ops.zeros((2,)).dtype == "float16"
        assert convert(np.ones(2)).dtype == "float16"
        assert convert([1.0]).dtype == "float16"
    finally:
        config.set_floatx("float32")


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (np.ones(2), "float32"),
        (np.ones(2, np.float32), "float32"),
        (np.ones(2, np.int64), "int64"),
        (np.float64(2.0), "float32"),
        ([1, 2], "int32"),
        ([1, 2.5], "float32"),
        ([True, False], "bool"),
        (tf.constant([1.0], "float64"), "float64"),
        ([tf.constant(1.0), 2.0], "float32"),
        (tf.Variable([1, 2]), "int32"),
    ],
)
def test_data_becomes_a_tensor(data: Any, dtype: str) -> None:
    assert convert(data).dtype == dtype
    assert convert(data, "float16").dtype == "float16"


def test_a_python_number_that_does_not_fit() -> None:
    with pytest.raises(DTypeError, match="300 does not fit uint8"):
        ops.add(tf.constant([1], "uint8"), 300)


def test_an_unknown_dtype() -> None:
    with pytest.raises(DTypeError, match="unknown dtype 'float31'"):
        result_type("float31")
