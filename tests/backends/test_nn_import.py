"""ONNX operators of neural networks, read and compared with ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from onnx import ModelProto, TensorProto, helper

from graphc_backends.onnx.importer import from_model
from graphc_ir.evaluate import evaluate
from graphc_ir.ops.opaque import OnnxOp

RNG = np.random.default_rng(3)


def one_node(operator: str, arrays: list[Any], opset: int, attributes: dict[str, Any]) -> ModelProto:
    """A model of one operator; inputs of its arrays' types, the sizes of the result left open."""
    names = [f"x{i}" for i in range(len(arrays))]
    node = helper.make_node(operator, names, ["y"], **attributes)
    inputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, a.shape) for n, a in zip(names, arrays, strict=True)]
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * arrays[0].ndim)
    graph = helper.make_graph([node], "one", inputs, [output])
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=helper.find_min_ir_version_for(opsets))


X = (2, 4, 7, 6)
W = (6, 4, 3, 2)
WT = (4, 3, 3, 2)
KERNEL = {"kernel_shape": [3, 2]}

CASES = [
    ("Conv", [X, W], 21, {}),
    ("Conv", [X, W, (6,)], 21, {"strides": [2, 1], "pads": [1, 0, 0, 1], "dilations": [1, 2]}),
    ("Conv", [X, W], 21, {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    ("Conv", [X, W], 21, {"auto_pad": "SAME_LOWER", "strides": [2, 2]}),
    ("Conv", [X, (6, 2, 3, 3)], 13, {"group": 2, "auto_pad": "VALID"}),
    ("Conv", [(2, 4, 7), (6, 4, 3)], 21, {}),
    ("ConvTranspose", [X, WT], 21, {}),
    ("ConvTranspose", [X, WT, (3,)], 21, {"strides": [2, 3], "pads": [1, 0, 1, 1], "output_padding": [1, 2]}),
    ("ConvTranspose", [X, WT], 21, {"strides": [2, 2], "output_shape": [14, 12]}),
    ("ConvTranspose", [X, WT], 21, {"strides": [2, 2], "auto_pad": "SAME_UPPER"}),
    ("ConvTranspose", [X, WT], 21, {"strides": [2, 2], "auto_pad": "SAME_LOWER"}),
    ("MaxPool", [X], 21, KERNEL),
    ("MaxPool", [X], 21, KERNEL | {"strides": [2, 2], "ceil_mode": 1}),
    ("MaxPool", [X], 21, KERNEL | {"strides": [2, 2], "pads": [1, 0, 1, 1], "dilations": [1, 2]}),
    ("AveragePool", [X], 21, KERNEL | {"strides": [2, 2], "ceil_mode": 1}),
    ("AveragePool", [X], 21, KERNEL | {"strides": [2, 2], "pads": [1, 0, 1, 1]}),
    ("AveragePool", [X], 21, KERNEL | {"pads": [1, 0, 1, 1], "count_include_pad": 1}),
    ("AveragePool", [X], 21, KERNEL | {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    ("GlobalAveragePool", [X], 21, {}),
    ("GlobalMaxPool", [X], 21, {}),
    ("Softmax", [X], 12, {"axis": 2}),
    ("Softmax", [X], 13, {"axis": 1}),
    ("LogSoftmax", [X], 12, {}),
    ("LogSoftmax", [X], 21, {}),
    ("Dropout", [X], 21, {}),
    ("LRN", [X], 21, {"size": 3, "alpha": 0.5, "beta": 0.6, "bias": 1.5}),
    ("BatchNormalization", [X, (4,), (4,), (4,), (4,)], 21, {"epsilon": 1e-3}),
    ("InstanceNormalization", [X, (4,), (4,)], 21, {"epsilon": 1e-3}),
    ("GroupNormalization", [X, (4,), (4,)], 21, {"epsilon": 1e-3, "num_groups": 2}),
    ("LayerNormalization", [X, (7, 6), (7, 6)], 21, {"axis": 2, "epsilon": 1e-3}),
    ("LayerNormalization", [X, (6,)], 17, {}),
    ("RMSNormalization", [X, (6,)], 23, {}),
    ("LpNormalization", [X], 21, {"axis": 1}),
    ("Attention", [(2, 3, 4, 5), (2, 3, 6, 5), (2, 3, 6, 2)], 23, {}),
    ("Attention", [(2, 3, 6, 5), (2, 3, 6, 5), (2, 3, 6, 5)], 23, {"is_causal": 1, "scale": 0.3}),
]


@pytest.mark.parametrize(("operator", "shapes", "opset", "attributes"), CASES)
def test_reads_what_the_runtime_runs(
    operator: str, shapes: list[tuple[int, ...]], opset: int, attributes: dict[str, Any]
) -> None:
    arrays = [RNG.uniform(0.1, 2.0, shape).astype(np.float32) for shape in shapes]
    model = one_node(operator, arrays, opset, attributes)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {f"x{i}": a for i, a in enumerate(arrays)})
    graph = from_model(model)
    assert not any(isinstance(node.op, OnnxOp) for node in graph.nodes())
    (received,) = evaluate(graph, arrays)
    assert received.shape == expected.shape
    np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-5)
