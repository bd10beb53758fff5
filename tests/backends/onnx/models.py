"""Small ONNX models for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

Array = npt.NDArray[Any]
Shape = Sequence[int | str | None]


def model(
    nodes: Sequence[NodeProto],
    inputs: Mapping[str, Shape],
    outputs: Mapping[str, Shape],
    weights: Mapping[str, Any] | None = None,
    opset: int = 17,
    ir_version: int = 8,
    dtypes: Mapping[str, int] | None = None,
    functions: Sequence[FunctionProto] = (),
    domains: Mapping[str, int] | None = None,
) -> ModelProto:
    """A model; values are float32 unless ``dtypes`` says else."""
    opsets = [helper.make_opsetid(d, v) for d, v in {"": opset, **(domains or {})}.items()]
    made = graph(nodes, inputs, outputs, weights, dtypes)
    return helper.make_model(made, opset_imports=opsets, ir_version=ir_version, functions=list(functions))


def graph(
    nodes: Sequence[NodeProto],
    inputs: Mapping[str, Shape],
    outputs: Mapping[str, Shape],
    weights: Mapping[str, Any] | None = None,
    dtypes: Mapping[str, int] | None = None,
) -> GraphProto:
    kinds = dtypes or {}
    declared = [
        [helper.make_tensor_value_info(n, kinds.get(n, TensorProto.FLOAT), s) for n, s in side.items()]
        for side in (inputs, outputs)
    ]
    constants = [numpy_helper.from_array(np.asarray(v), n) for n, v in (weights or {}).items()]
    return helper.make_graph(list(nodes), "net", declared[0], declared[1], constants)


node = helper.make_node


def floats(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
