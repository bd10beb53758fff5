"""Every line of the table gives what Keras gives: values, dtypes, recorded operations, symbolic shapes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import keras
from graphc.keras import ops
from graphc_ir.dtypes import as_dtype
from tests.graphc.keras.ops.cases import cases, evaluate, inputs, names_of

GOLDENS: dict[str, Any] = json.loads((Path(__file__).with_name("goldens") / "ops.json").read_text(encoding="utf-8"))
RECORDED = [line for line in GOLDENS if "operations" in GOLDENS[line]]


def test_every_line_has_a_golden() -> None:
    assert sorted(GOLDENS) == sorted(cases())


@pytest.mark.parametrize("line", cases())
def test_values(line: str) -> None:
    tensors = {name: tf.constant(array) for name, array in inputs().items()}
    _compare(evaluate(line, ops, tensors), GOLDENS[line]["results"])


@pytest.mark.parametrize("line", RECORDED)
def test_a_model_of_it(line: str) -> None:
    """Recorded on inputs of open batch size, saved, loaded and run."""
    arrays = inputs()
    tensors = {n: keras.Input(arrays[n].shape[1:], dtype=arrays[n].dtype.name, name=n) for n in names_of(line)}
    results = [t for t in evaluate(line, ops, tensors) if isinstance(t, keras.KerasTensor)]
    types = [[list(t.shape), t.dtype.name] for t in results]
    model = keras.Model(list(tensors.values()), results)
    layers = [layer for layer in model.get_config()["layers"] if layer["class_name"] != "InputLayer"]
    assert [_described(layer) for layer in layers] == GOLDENS[line]["operations"]
    assert all(map(_fits, types, GOLDENS[line].get("types", ()))), types
    loaded = keras.Model.from_config(json.loads(json.dumps(model.get_config())))
    values = loaded([tf.constant(arrays[n]) for n in tensors])
    _compare(values if isinstance(values, list) else [values], GOLDENS[line]["results"][: len(results)])


def _described(layer: dict[str, Any]) -> list[Any]:
    config = {key: value for key, value in layer["config"].items() if key != "name"}
    return [layer["module"], layer["class_name"], json.loads(json.dumps(config))]


def _fits(have: list[Any], want: list[Any]) -> bool:
    """The dtype and the sizes are those of Keras, or known where Keras knows none."""
    shapes = have[0], want[0]
    known = all(w is None or h == w for h, w in zip(*shapes, strict=True))
    return bool(known and have[1] == want[1])


def _compare(found: list[Any], goldens: list[dict[str, Any]]) -> None:
    assert len(found) == len(goldens)
    for result, golden in zip(found, goldens, strict=True):
        if "python" in golden:
            assert result == golden["python"]
            continue
        assert result.dtype == golden["dtype"]
        assert list(result.shape) == golden["shape"]
        precision = 1e-5 if as_dtype(golden["dtype"]).size > 2 else 4e-3
        np.testing.assert_allclose(_as_doubles(result), golden["values"], precision, precision)


def _as_doubles(result: Any) -> Any:
    """The values, flattened; of complex numbers both parts."""
    array = np.asarray(result).reshape(-1)
    return array.view(array.real.dtype) if np.iscomplexobj(array) else array.astype(np.float64)
