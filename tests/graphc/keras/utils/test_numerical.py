from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as gc
from graphc.keras.utils import normalize, to_categorical
from graphc_ir.errors import ArgumentError


def test_to_categorical_as_keras(keras_utils: dict[str, Any]) -> None:
    for case in keras_utils["to_categorical"]:
        result = to_categorical(case["x"], case["num_classes"])
        assert result.tolist() == case["result"]
        assert str(result.dtype) == case["dtype"]


@pytest.mark.parametrize("labels", [[1, 3], [[1], [3]]])
def test_a_tensor_of_labels_gives_a_tensor(labels: Any) -> None:
    result = to_categorical(gc.constant(labels), 4)
    assert isinstance(result, gc.Tensor)
    assert result.dtype is gc.float32
    assert result.numpy().tolist() == [[0, 1, 0, 0], [0, 0, 0, 1]]


def test_to_categorical_in_a_traced_function() -> None:
    traced = gc.function(lambda labels: to_categorical(labels, 3))
    assert traced(gc.constant([2, 0])).numpy().tolist() == [[0, 0, 1], [1, 0, 0]]


@pytest.mark.parametrize(
    ("labels", "num_classes", "message"),
    [
        ([-1, 2], None, r"labels range from -1 to 2, expected 0 to 2 for num_classes=3"),
        ([1, 3], 3, r"labels range from 1 to 3, expected 0 to 2 for num_classes=3"),
        ([], None, r"x is empty, so the number of classes is unknown; give num_classes"),
    ],
)
def test_labels_out_of_range(labels: list[int], num_classes: int | None, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        to_categorical(labels, num_classes)


def test_a_tensor_needs_the_number_of_classes() -> None:
    with pytest.raises(ArgumentError, match="a tensor of labels needs num_classes"):
        to_categorical(gc.constant([0, 1]))


@pytest.mark.parametrize("axis", [-1, 0, 1])
@pytest.mark.parametrize("order", [1, 2, 3, np.inf])
def test_normalized_vectors_have_norm_one(axis: int, order: float) -> None:
    x = np.random.RandomState(0).uniform(-1, 1, (3, 4)).astype(np.float32)
    for result in (normalize(x, axis, order), normalize(gc.constant(x), axis, order).numpy()):
        np.testing.assert_allclose(np.linalg.norm(result, order, axis), 1, rtol=1e-5)
        np.testing.assert_allclose(result / x, (result / x).mean(axis, keepdims=True).repeat(x.shape[axis], axis), 1e-5)


def test_arrays_stay_arrays_and_lists_become_tensors() -> None:
    assert isinstance(normalize(np.ones(3)), np.ndarray)
    assert normalize([[3.0, 4.0], [0.0, 0.0]]).numpy().tolist() == [[np.float32(0.6), np.float32(0.8)], [0, 0]]


def test_zero_vectors_stay_zero() -> None:
    assert normalize(np.zeros((2, 3))).tolist() == [[0, 0, 0], [0, 0, 0]]
    assert normalize(gc.zeros((1, 2))).numpy().tolist() == [[0, 0]]
