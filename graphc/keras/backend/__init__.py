"""``keras.backend``: settings, dtypes and names; and the functions of tensors that ``tf.keras.backend`` had.

New code writes ``keras.ops``.
"""

# ruff: noqa: F403

from __future__ import annotations

from typing import Any

from graphc.framework import name_scope
from graphc.keras.backend import legacy, legacy_layers
from graphc.keras.backend.legacy import *
from graphc.keras.backend.legacy_layers import *
from graphc.keras.config import (
    backend,
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
    standardize_dtype,
)
from graphc.keras.engine.keras_tensor import is_keras_tensor
from graphc.keras.naming import get_uid
from graphc.keras.ops.promotion import result_type
from graphc.keras.utils.session import clear_session
from graphc_ir.dtypes import as_dtype

__all__: list[str] = [
    "backend", "clear_session", "epsilon", "floatx", "get_uid", "image_data_format", "is_float_dtype", "is_int_dtype",
    "is_keras_tensor", "name_scope", "result_type", "set_epsilon", "set_floatx", "set_image_data_format",
    "standardize_dtype",
]  # fmt: skip
__all__ += legacy.__all__
__all__ += legacy_layers.__all__


def is_float_dtype(dtype: Any) -> bool:
    """Whether this is a dtype of floats."""
    return as_dtype(standardize_dtype(dtype)).is_floating


def is_int_dtype(dtype: Any) -> bool:
    """Whether this is a dtype of integers; bool is none."""
    return as_dtype(standardize_dtype(dtype)).is_integer
