"""Files that Keras 3.15.1 wrote (goldens/): loaded, compared, written again and compared with what Keras wrote."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import graphc as tf
from graphc.keras import layers, models
from graphc.keras.registry import register_keras_serializable
from graphc.keras.serialization import SafeModeError

GOLDENS = Path(__file__).parent / "goldens"
CASES = {case["name"]: case for case in json.loads((GOLDENS / "index.json").read_text("utf-8"))["cases"]}
LOADED = [name for name in CASES if not name.startswith("10_")]
REWRITTEN = [name for name in LOADED if name != "12_legacy_h5"]


@register_keras_serializable(package="Golden")
class Scale(layers.Layer):
    def __init__(self, factor: float = 2.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factor = factor

    def build(self, shape: Any) -> None:
        self.g = self.add_weight(shape=(shape[-1],), initializer="ones", name="g")

    def call(self, x: Any) -> Any:
        return x * self.g * self.factor

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor}


@register_keras_serializable(package="Golden")
def swishy(x: Any) -> Any:
    return x * tf.sigmoid(1.5 * x)


@register_keras_serializable(package="Golden")
class Sub(models.Model):
    def __init__(self, width: int = 4, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.width = width
        self.blocks = [layers.Dense(width, activation="relu") for _ in range(3)]
        self.heads = {"p": layers.Dense(2), "q": layers.Dense(1)}
        self.norm = layers.LayerNormalization()

    def call(self, x: Any, training: bool = False) -> Any:
        for block in self.blocks:
            x = block(x)
        x = self.norm(x)
        return tf.concat([self.heads["p"](x), self.heads["q"](x)], -1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "width": self.width}


def _path(name: str) -> Path:
    return GOLDENS / f"{name}{'.h5' if name == '12_legacy_h5' else '.keras'}"


def _flat(value: Any) -> list[Any]:
    return [leaf for item in value for leaf in _flat(item)] if isinstance(value, (list, tuple)) else [value]


def _outputs(model: Any, name: str, data: Any) -> list[tuple[Any, Any]]:
    """Pairs of computed and expected outputs."""
    if name == "02b_dict_ops":
        found = model({"x": tf.constant(data["in_x"]), "y": tf.constant(data["in_y"])})
        return [(found["q"], data["out_q"]), (found["m"], data["out_m"])]
    inputs = [tf.constant(data[key]) for key in sorted(data) if key.startswith("in_")]
    found = _flat(model(inputs if len(inputs) > 1 else inputs[0], training=False))
    return [(tensor, data[f"out_{i}"]) for i, tensor in enumerate(found)]


def _assert_like_keras(model: Any, name: str) -> None:
    data = dict(np.load(GOLDENS / f"{name}.npz"))
    tolerance = CASES[name].get("tol", 0)
    for tensor, expected in _outputs(model, name, data):
        got = tf.cast(tensor, "float32").numpy()
        np.testing.assert_allclose(got, expected, rtol=tolerance or 1e-4, atol=tolerance or 1e-5)
    weights = [data[key] for key in sorted(data) if key.startswith("w_")]
    assert len(model.weights) == len(weights) or not weights
    for variable, expected in zip(model.weights, weights, strict=False):
        assert np.array_equal(variable.numpy(), expected), variable.path


@pytest.mark.parametrize("name", LOADED)
def test_loads_with_equal_outputs_and_weights(name: str) -> None:
    _assert_like_keras(models.load_model(_path(name)), name)


@pytest.mark.parametrize("name", LOADED)
def test_a_model_written_again_loads_again(name: str, tmp_path: Path) -> None:
    path = tmp_path / _path(name).name
    models.load_model(_path(name)).save(path)
    _assert_like_keras(models.load_model(path), name)
    assert list(tmp_path.iterdir()) == [path]


def _tree(source: Any) -> dict[str, Any]:
    """The shape of every variable by its path."""
    found: dict[str, Any] = {}

    def note(path: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[path] = item.shape

    with h5py.File(source) as file:
        file.visititems(note)
    return found


def _weights_of(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        return _tree(io.BytesIO(archive.read("model.weights.h5")))


@pytest.mark.parametrize("name", REWRITTEN)
def test_weights_stand_where_keras_puts_them(name: str, tmp_path: Path) -> None:
    path = tmp_path / "again.keras"
    models.load_model(_path(name)).save(path)
    assert _weights_of(path) == _weights_of(_path(name))


def _without(config: Any, keys: set[str]) -> Any:
    if isinstance(config, dict):
        return {key: _without(value, keys) for key, value in config.items() if key not in keys}
    return [_without(value, keys) for value in config] if isinstance(config, list) else config


@pytest.mark.parametrize("name", [n for n in REWRITTEN if n not in ("09_custom_registered", "09b_subclassed")])
def test_configs_are_those_that_keras_writes(name: str, tmp_path: Path) -> None:
    path = tmp_path / "again.keras"
    models.load_model(_path(name)).save(path)
    configs = []
    for file in (path, _path(name)):
        with zipfile.ZipFile(file) as archive:
            configs.append(json.loads(archive.read("config.json")))
    if CASES[name].get("evaluate"):  # Keras leaves the axis out of a loss's config, and so loses it
        assert configs[0]["compile_config"]["loss"]["config"].pop("axis") == -1
    ignored = {"shared_object_id", "quantization_config", "jit_compile", "build_config", "sparse", "ragged"}
    assert _without(configs[0], ignored) == _without(configs[1], ignored)


def test_the_lambda_is_refused_whatever_safe_mode_says() -> None:
    for safe_mode in (True, False):
        with pytest.raises(SafeModeError, match="holds a lambda as Python bytecode, which graphc does not execute"):
            models.load_model(GOLDENS / "10_unsafe_lambda.keras", safe_mode=safe_mode)


def test_weights_file_loads_into_an_equal_model() -> None:
    model = models.load_model(_path("01_seq_mlp"))
    copy = models.clone_model(model)
    copy.load_weights(GOLDENS / "01_seq_mlp.weights.h5")
    for a, b in zip(model.weights, copy.weights, strict=True):
        assert np.array_equal(a.numpy(), b.numpy())


def test_training_goes_on_as_in_keras() -> None:
    name = "08_compiled_adamw"
    data, resumed = dict(np.load(GOLDENS / f"{name}.npz")), dict(np.load(GOLDENS / f"{name}.resumed.npz"))
    model = models.load_model(_path(name))
    found = model.evaluate(data["X"], data["Y"], verbose=0, return_dict=True)
    assert found == pytest.approx(CASES[name]["evaluate"], abs=1e-4)
    model.fit(data["X"], data["Y"], batch_size=16, epochs=1, shuffle=False, verbose=0)
    for i, variable in enumerate(model.weights):
        np.testing.assert_allclose(variable.numpy(), resumed[f"w_{i:03d}"], rtol=1e-3, atol=1e-4)
