"""Expressions over ``tf`` with the values, dtypes and gradients that TensorFlow 2.21 gives for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import optree
import pytest

import graphc

_FOLDER = Path(__file__).parent / "goldens"
_CASES = json.loads((_FOLDER / "tf_expressions.json").read_text())
_DATA = np.load(_FOLDER / "tf_expressions.npz")


def _run(case: dict[str, Any], traced: bool) -> dict[str, Any]:
    names = "abc"[: case["n_in"]]
    tensors = [graphc.constant(_DATA[f"{case['i']}_{name}"]) for name in names]
    function = eval(f"lambda {', '.join(names)}: {case['expr']}", {"tf": graphc})
    function = graphc.function(function) if traced else function
    sources = [t for t in tensors if t.dtype.is_floating]
    found: dict[str, Any] = {}
    with graphc.GradientTape() as tape:
        tape.watch(sources)
        outputs = [graphc.convert_to_tensor(y) for y in optree.tree_leaves(function(*tensors))]
        smooth = [(i, y) for i, y in enumerate(outputs) if y.dtype == "float32"]
        total = graphc.add_n([graphc.reduce_sum(y * _DATA[f"{case['i']}_c{i}"]) for i, y in smooth]) if smooth else None
    found |= {f"o{i}": y.numpy() for i, y in enumerate(outputs)}
    if total is not None and sources:
        for i, gradient in enumerate(tape.gradient(total, sources)):
            found[f"g{i}"] = np.zeros(0, np.float32) if gradient is None else gradient.numpy()
    return found


@pytest.mark.parametrize("traced", [False, True], ids=["eager", "function"])
@pytest.mark.parametrize("case", _CASES, ids=[f"{c['i']}-{c['expr']}" for c in _CASES])
def test_agrees_with_tensorflow(case: dict[str, Any], traced: bool) -> None:
    found = _run(case, traced)
    for key in case["results"]:
        expected = _DATA[f"{case['i']}_R_{key}"]
        assert np.shape(found[key]) == expected.shape, key
        if key.startswith("o"):
            assert found[key].dtype == expected.dtype, key
        np.testing.assert_allclose(found[key].astype("f8"), expected.astype("f8"), rtol=1e-4, atol=1e-5, err_msg=key)
