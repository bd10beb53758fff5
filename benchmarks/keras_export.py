"""Exports of Keras-style models: how many nodes, and how far ONNX Runtime's results are from the model's own."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import Row
from benchmarks.keras_models import MODELS
from graphc import keras
from graphc.keras.layers import BatchNormalization


def run() -> list[Row]:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, (build, reference) in MODELS.items():
            nodes, difference = export(build, Path(folder) / "model.onnx")
            ratio = None if reference is None else nodes / reference
            rows.append(Row("nodes of the exported model; ratio to Keras's own export", name, nodes, nodes, "", ratio))
            rows.append(Row("largest difference of ONNX Runtime, batches of 1 and 3", name, difference, difference, ""))
    return rows


def export(build: Any, path: Path) -> tuple[int, float]:
    """The number of nodes (constants not counted, those of sub-graphs included) and the largest difference."""
    keras.utils.set_random_seed(0)
    model = build()
    rng = np.random.default_rng(0)
    for layer in model._flatten_layers():
        if isinstance(layer, BatchNormalization):
            size = layer.moving_mean.shape[0]
            layer.moving_mean.assign(0.1 * rng.standard_normal(size))
            layer.moving_variance.assign(0.5 + rng.random(size))
    model.export(path, verbose=False)
    return count_nodes(path), max(_difference(model, path, rng, batch, time) for batch, time in ((1, 7), (3, 11)))


def count_nodes(path: Path) -> int:
    import onnx

    def walk(graph: Any) -> int:
        inner = sum(walk(a.g) for n in graph.node for a in n.attribute if a.type == onnx.AttributeProto.GRAPH)
        return inner + sum(n.op_type != "Constant" for n in graph.node)

    return walk(onnx.load(path).graph)


def _difference(model: Any, path: Path, rng: Any, batch: int, time: int) -> float:
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    feeds = {}
    for tensor, described in zip(model.inputs, session.get_inputs(), strict=True):
        shape = [batch, *(time if d is None else d for d in tensor.shape[1:])]
        values = rng.integers(0, 40, shape) if tensor.dtype.is_integer else rng.random(shape)
        feeds[described.name] = values.astype(tensor.dtype.np)
    found = session.run(None, feeds)
    expected = model(list(feeds.values()) if len(feeds) > 1 else next(iter(feeds.values())), training=False)
    return max(float(np.abs(a - np.asarray(b)).max()) for a, b in zip(found, [expected], strict=True))
