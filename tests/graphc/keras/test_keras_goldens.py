"""Layers, losses, metrics, optimizers and the rest against results and gradients of Keras 3.15.1 (goldens/)."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import keras
from graphc.indexed_slices import IndexedSlices
from graphc.pytree import leaves_of

FOLDER = Path(__file__).parent / "goldens"
CASES = json.loads((FOLDER / "cases.json").read_text("utf-8"))["cases"]


@pytest.fixture(scope="module")
def arrays() -> dict[str, dict[str, Any]]:
    """The arrays of every case by its id."""
    by_case: dict[str, dict[str, Any]] = defaultdict(dict)
    with np.load(FOLDER / "cases.npz") as stored:
        for path in stored.files:
            case, _, name = path.partition("/")
            by_case[case][name] = stored[path]
    return by_case


class Replay:
    """One case: makes its objects, runs it and collects what Keras's results are compared with."""

    def __init__(self, case: dict[str, Any], data: dict[str, Any]) -> None:
        self.case = case
        self.data = data
        self.found: dict[str, Any] = {}

    def make(self, value: Any) -> Any:
        """The object that a JSON value describes."""
        if isinstance(value, list):
            return [self.make(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "__arr__" in value:
            return tf.constant(self.data[value["__arr__"]])
        if "__tuple__" in value:
            return tuple(self.make(item) for item in value["__tuple__"])
        named = value.get("__obj__") or value.get("__fn__")
        if named is None:
            return {key: self.make(item) for key, item in value.items()}
        found: Any = keras
        for part in named.split("."):
            found = getattr(found, part)
        if "__fn__" in value:
            return found
        return found(*self.make(value.get("args", [])), **self.make(value.get("kwargs", {})))

    def weighted(self, name: str, tensor: Any) -> Any:
        """The scalar whose gradient the case holds: the tensor times its cotangent, added up."""
        return tf.reduce_sum(tensor * tf.constant(self.data[name]))

    # --- kinds ---------------------------------------------------------------------------------------------------

    def layer(self) -> None:
        case, layer = self.case, self.make(self.case["layer"])
        tensors = [tf.constant(self.data[f"in_{i}"]) for i in range(case["n_in"])]
        inputs, options = (tensors if case.get("listin") else tensors[0]), self.make(case.get("call", {}))
        layer(inputs, **options)
        self._set_weights(layer)
        for _ in range(case.get("repeat", 1) - 1):
            layer(inputs, **options)
        sources = [x for x in tensors if x.dtype.is_floating]
        if case.get("grad_call"):
            sources += [x for x in leaves_of(options) if isinstance(x, tf.Tensor) and x.dtype.is_floating]
        with tf.GradientTape() as tape:
            tape.watch(sources)
            outputs = [x for x in leaves_of(layer(inputs, **options)) if x is not None]
            losses = list(layer.losses)
            total = sum((tf.reduce_sum(loss) for loss in losses), tf.constant(0.0))
            if case.get("grads", True):
                for i, x in enumerate(outputs):
                    total += self.weighted(f"cot_{i}", x) if x.dtype.is_floating else 0.0
        self.found |= {f"out_{i}": x for i, x in enumerate(outputs)} | {"losses": losses}
        self._layer_gradients(tape, total, sources, layer)
        self.found |= {f"ntw_{i}": w for i, w in enumerate(layer.non_trainable_weights)}
        if case.get("mask_out"):
            self.found["maskout"] = layer.compute_mask(inputs, options.get("mask"))

    def _set_weights(self, layer: Any) -> None:
        wanted = self.case.get("weights", [])
        assert [tuple(w.shape) for w in layer.weights] == [tuple(w["shape"]) for w in wanted]
        layer.set_weights([self.data[f"w_{i}"] for i in range(len(wanted))])
        if getattr(layer, "stateful", False):
            layer.reset_states()

    def _layer_gradients(self, tape: Any, total: Any, sources: list[Any], layer: Any) -> None:
        if not any(name.startswith(("gin_", "gw_")) for name in self.case["results"]):
            return
        found = tape.gradient(total, [*sources, *layer.trainable_weights], unconnected_gradients="zero")
        named = [f"gin_{i}" for i in range(len(sources))] + [f"gw_{i}" for i in range(len(layer.trainable_weights))]
        self.found |= dict(zip(named, found, strict=True))

    def loss(self) -> None:
        loss, data = self.make(self.case["loss"]), self.data
        y_true, y_pred = tf.constant(data["y_true"]), tf.constant(data["y_pred"])
        options = {"sample_weight": tf.constant(data["sw"])} if "sw" in data else {}
        with tf.GradientTape() as tape:
            tape.watch(y_pred)
            found = loss(y_true, y_pred, **options)
            total = self.weighted("cot", found)
        self.found = {"out": found, "grad": tape.gradient(total, y_pred, unconnected_gradients="zero")}

    def metric(self) -> None:
        metric = self.make(self.case["metric"])
        for i in range(self.case["n"]):
            self._update(metric, i)
            self._note(f"r{i}", metric.result())
        metric.reset_state()
        self._update(metric, 0)
        self._note("after_reset", metric.result())

    def _update(self, metric: Any, i: int) -> None:
        arguments = [tf.constant(self.data[f"u{i}_{x}"]) for x in "ab" if f"u{i}_{x}" in self.data]
        weight = {"sample_weight": tf.constant(self.data[f"u{i}_sw"])} if f"u{i}_sw" in self.data else {}
        metric.update_state(*arguments, **weight)

    def _note(self, name: str, result: Any) -> None:
        self.found |= {f"{name}_{k}": v for k, v in result.items()} if isinstance(result, dict) else {name: result}

    def optimizer(self) -> None:
        case, optimizer = self.case, self.make(self.case["optimizer"])
        starts = [self.data[f"v{i}"] for i in range(case["nv"])]
        variables: list[Any] = [tf.Variable(v) if case.get("rawvar") else keras.Variable(v) for v in starts]
        for step in range(case["steps"]):
            gradients = [tf.constant(self.data[f"g{step}_{i}"]) for i in range(case["nv"])]
            optimizer.apply_gradients(zip(gradients, variables, strict=True))
            if step in case["record"]:
                self.found |= {f"s{step}_v{i}": v.numpy() for i, v in enumerate(variables)}
        if case.get("finalize"):
            optimizer.finalize_variable_values(variables)
            self.found |= {f"final_v{i}": v for i, v in enumerate(variables)}
        self.found["iterations"] = np.int64(int(optimizer.iterations))

    def activation(self) -> None:
        x = tf.constant(self.data["x"])
        with tf.GradientTape() as tape:
            tape.watch(x)
            found = getattr(keras.activations, self.case["fn"])(x, **self.case.get("kwargs", {}))
            total = self.weighted("cot", found)
        self.found = {"out": found, "grad": tape.gradient(total, x)}

    def schedule(self) -> None:
        schedule = self.make(self.case["schedule"])
        self.found = {"out": np.array([float(schedule(int(step))) for step in self.data["steps"]], np.float32)}

    def regularizer(self) -> None:
        w = tf.constant(self.data["w"])
        with tf.GradientTape() as tape:
            tape.watch(w)
            found = self.make(self.case["regularizer"])(w)
        self.found = {"out": found, "grad": tape.gradient(found, w)}

    def constraint(self) -> None:
        self.found = {"out": self.make(self.case["constraint"])(tf.constant(self.data["w"]))}

    def initializer(self) -> None:
        self.found = {"out": self.make(self.case["initializer"])(tuple(self.case["shape"]))}


@pytest.mark.filterwarnings("ignore:mean_io_u got float weights")
@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["id"]))
def test_results_and_gradients_are_keras_s(case: dict[str, Any], arrays: dict[str, dict[str, Any]]) -> None:
    data = arrays[case["id"]]
    replay = Replay(case, data)
    getattr(replay, case["kind"])()
    for name in case["results"]:
        _compare(name, replay.found[name], data[f"R_{name}"], case)


def _compare(name: str, found: Any, expected: Any, case: dict[str, Any]) -> None:
    if isinstance(found, IndexedSlices):
        found = found.dense()
    got = np.asarray(found)
    assert got.shape == expected.shape, name
    if expected.dtype.kind in "biu":
        assert np.array_equal(got, expected), name
    else:
        np.testing.assert_allclose(got.astype(float), expected, rtol=case["rtol"], atol=case["atol"], err_msg=name)


LAYERS = [
    case
    for case in CASES
    if case["kind"] == "layer" and not case.get("repeat") and not case["layer"]["kwargs"].get("stateful")
]
"""Those whose results do not depend on the calls before."""


@pytest.mark.parametrize("case", LAYERS, ids=lambda case: str(case["id"]))
def test_traced_layers_give_what_eager_ones_do(case: dict[str, Any], arrays: dict[str, dict[str, Any]]) -> None:
    replay = Replay(case, arrays[case["id"]])
    layer, options = replay.make(case["layer"]), replay.make(case.get("call", {}))
    tensors = [tf.constant(replay.data[f"in_{i}"]) for i in range(case["n_in"])]
    inputs: Any = tensors if case.get("listin") else tensors[0]
    expected = leaves_of(layer(inputs, **options))
    traced = tf.function(lambda x: layer(x, **options))
    for a, b in zip(leaves_of(traced(inputs)), expected, strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-5, atol=1e-6)
