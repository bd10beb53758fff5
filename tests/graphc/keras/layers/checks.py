"""What every layer is asked: does it survive its config, an open batch, a gradient and ONNX Runtime?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

import graphc as tf
from graphc.export import export_onnx
from graphc.keras.engine.layer import Layer
from graphc.keras.serialization import deserialize_keras_object, serialize_keras_object

Array = npt.NDArray[Any]


def numbers(*shape: int, seed: int = 0) -> Array:
    """Random float32 numbers, the same for the same seed."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def counted(*shape: int) -> Array:
    """0, 1, 2, ... as float32."""
    return np.arange(int(np.prod(shape)), dtype=np.float32).reshape(shape)


def with_random_weights(layer: Any, inputs: Any) -> Any:
    """The layer, built for these inputs, with weights other than those it starts with."""
    layer(inputs)
    layer.set_weights([numbers(*weight.shape, seed=i) for i, weight in enumerate(layer.weights)])
    return layer


def config_of(layer: Layer) -> dict[str, Any]:
    """The config without name, trainable and dtype."""
    config = layer.get_config()
    return {key: value for key, value in config.items() if key not in ("name", "trainable", "dtype")}


def check_config(layer: Any) -> None:
    """The same config comes back through the class, and through the form that files have."""
    config = layer.get_config()
    assert list(config)[:3] == ["name", "trainable", "dtype"]
    assert type(layer).from_config(config).get_config() == config
    record = serialize_keras_object(layer)
    assert record["module"] == "keras.layers"
    assert record["class_name"] == type(layer).__name__
    read = deserialize_keras_object(record)
    assert type(read) is type(layer)
    assert serialize_keras_object(read.get_config()) == serialize_keras_object(config)


def open_function(layer: Any, inputs: Any, open_axes: Sequence[int] = (0,)) -> Any:
    """The layer as a traced function whose inputs have open sizes on these axes."""
    tensors = inputs if isinstance(inputs, list) else [inputs]
    specs = [
        tf.TensorSpec([None if axis in open_axes else size for axis, size in enumerate(x.shape)], x.dtype)
        for x in tensors
    ]

    @tf.function(input_signature=specs)
    def call(*args: Any) -> Any:
        return layer(list(args) if isinstance(inputs, list) else args[0])

    return call


def check_open(layer: Any, inputs: Any, open_axes: Sequence[int] = (0,)) -> None:
    """Traced with open sizes, the layer gives what it gives at once."""
    expected = layer(inputs).numpy()
    tensors = inputs if isinstance(inputs, list) else [inputs]
    np.testing.assert_allclose(open_function(layer, inputs, open_axes)(*tensors).numpy(), expected, 1e-5, 1e-5)


def check_export(layer: Any, inputs: Any, open_axes: Sequence[int] = (0,)) -> list[str]:
    """ONNX Runtime gives the same; returns the ONNX operators of the optimized model in order."""
    tensors = inputs if isinstance(inputs, list) else [inputs]
    model = export_onnx(open_function(layer, inputs, open_axes), level="O3")
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    feed = {given.name: x for given, x in zip(session.get_inputs(), tensors, strict=True)}
    (result,) = session.run(None, feed)
    np.testing.assert_allclose(result, layer(inputs).numpy(), 1e-4, 1e-5)
    return [node.op_type for node in model.graph.node]


def check_gradients(layer: Any, inputs: Array, step: float = 1e-2) -> None:
    """The gradients of a weighted sum of the outputs by inputs and weights against central differences."""
    x = tf.Variable(inputs)
    sources = [x, *layer.trainable_weights]
    direction = numbers(*layer(x).shape, seed=9)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(x) * direction)
    for source, gradient in zip(sources, tape.gradient(total, sources), strict=True):
        assert gradient is not None
        along = numbers(*source.shape, seed=7)
        value = source.numpy()
        ends = []
        for sign in (1, -1):
            source.assign(value + sign * step * along)
            ends.append(float(np.sum(layer(x).numpy().astype(np.float64) * direction)))
        source.assign(value)
        expected = (ends[0] - ends[1]) / (2 * step)
        np.testing.assert_allclose(np.sum(tf.convert_to_tensor(gradient).numpy() * along), expected, 2e-2, 2e-2)


def channels_first(x: Array) -> Array:
    return np.moveaxis(x, -1, 1)
