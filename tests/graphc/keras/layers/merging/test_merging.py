"""Merging layers: values by hand, broadcasting, masks, open sizes, ONNX, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import keras
from graphc.keras import layers
from graphc_ir.errors import ArgumentError, ShapeError
from tests.graphc.keras.layers.checks import check_config, check_export, check_open, config_of, counted, numbers

A, B = np.array([[1, 5]], np.float32), np.array([[3, 2]], np.float32)

ELEMENTWISE = {
    "add": [[4, 7]],
    "subtract": [[-2, 3]],
    "multiply": [[3, 10]],
    "average": [[2, 3.5]],
    "maximum": [[3, 5]],
    "minimum": [[1, 2]],
}
CLASSES = ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"]


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_by_hand(name: str) -> None:
    layer = getattr(layers, name.capitalize())()
    assert layer([A, B]).numpy().tolist() == ELEMENTWISE[name]
    assert getattr(layers, name)([A, B]).numpy().tolist() == ELEMENTWISE[name]


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_inputs_meet_in_their_common_dtype(name: str) -> None:
    layer = getattr(layers, name.capitalize())()
    result = layer([A.astype(np.int32), B])
    assert result.dtype == "float32"
    assert result.numpy().tolist() == ELEMENTWISE[name]
    whole = layer([A.astype(np.int32), B.astype(np.int32)])
    assert whole.dtype == ("float32" if name == "average" else "int32")
    assert whole.numpy().tolist() == ELEMENTWISE[name]


def test_more_than_two_and_one() -> None:
    assert layers.Add()([A, B, A]).numpy().tolist() == [[5, 12]]
    assert layers.Average()([A, B, A + B]).numpy() == pytest.approx(np.array([[8 / 3, 14 / 3]]))
    assert layers.Maximum()([A]).numpy().tolist() == A.tolist()


def test_missing_axes_stand_after_the_batch() -> None:
    x, y = numbers(2, 3, 4), numbers(2, 4)
    np.testing.assert_allclose(layers.Add()([x, y]).numpy(), x + y[:, None], 1e-6)
    np.testing.assert_allclose(layers.Multiply()([y, x]).numpy(), x * y[:, None], 1e-6)


def test_concatenate_by_hand() -> None:
    assert layers.Concatenate()([A, B]).numpy().tolist() == [[1, 5, 3, 2]]
    assert layers.concatenate([A, B], axis=0).numpy().tolist() == [[1, 5], [3, 2]]
    assert layers.Concatenate(axis=1)([numbers(2, 3, 4), numbers(2, 1, 4)]).shape == (2, 4, 4)


@pytest.mark.parametrize(
    ("axes", "first", "second", "equation"),
    [
        (1, (2, 3), (2, 3), "bi,bi->b"),
        ((1, 2), (2, 5, 3), (2, 4, 5), "bix,byi->bxy"),
        (2, (2, 5, 3), (2, 4, 3), "bxi,byi->bxy"),
        ((2, 1), (2, 5, 3), (2, 3), "bxi,bi->bx"),
        (-1, (2, 5, 6, 3), (2, 4, 3), "bxyi,bzi->bxyz"),
    ],
)
def test_dot(axes: Any, first: tuple[int, ...], second: tuple[int, ...], equation: str) -> None:
    x, y = numbers(*first, seed=1), numbers(*second, seed=2)
    expected = np.einsum(equation, x, y)
    expected = expected[:, None] if expected.ndim == 1 else expected
    np.testing.assert_allclose(layers.Dot(axes)([x, y]).numpy(), expected, 1e-4, 1e-5)
    np.testing.assert_allclose(layers.dot([x, y], axes=axes).numpy(), expected, 1e-4, 1e-5)
    check_open(layers.Dot(axes), [x, y])


def test_cosine() -> None:
    x, y = np.array([[3, 4]], np.float32), np.array([[4, 3]], np.float32)
    assert layers.Dot(axes=1, normalize=True)([x, y]).numpy() == pytest.approx(np.array([[0.96]]))
    assert layers.Dot(axes=1, normalize=True)([x, 0 * y]).numpy().tolist() == [[0]]


# --- masks -------------------------------------------------------------------------------------------------------


def masked(mask: list[list[int]] | None, *shape: int) -> Any:
    tensor = tf.constant(numbers(*shape))
    if mask is not None:
        tensor._keras_mask = tf.constant(np.array(mask, bool))
    return tensor


def mask_of(tensor: Any) -> Any:
    mask = getattr(tensor, "_keras_mask", None)
    return None if mask is None else mask.numpy().astype(int).tolist()


def test_masks_of_sums() -> None:
    a, b = [[1, 0, 0]], [[1, 1, 0]]
    assert mask_of(layers.Add()([masked(a, 1, 3, 2), masked(b, 1, 3, 2)])) == [[1, 1, 0]]
    assert mask_of(layers.Add()([masked(a, 1, 3, 2), masked(None, 1, 3, 2)])) is None
    assert mask_of(layers.Dot(2)([masked(a, 1, 3, 2), masked(b, 1, 3, 2)])) is None


@pytest.mark.parametrize("name", CLASSES)
def test_masks_and_inputs_are_lists_of_the_same_length(name: str) -> None:
    layer, mask = getattr(layers, name)(), np.ones((1, 3), bool)
    x = masked(None, 1, 3, 2)
    for inputs, masks in (([x, x], mask), (x, [None, None]), ([x, x], [mask])):
        with pytest.raises(ArgumentError, match="two lists of the same length"):
            layer.compute_mask(inputs, masks)
    numbers_as_mask = layer.compute_mask([x, x], [mask.astype(np.float32), mask.astype(np.float32)])
    assert numbers_as_mask.dtype == "bool"
    assert numbers_as_mask.numpy().all()


@pytest.mark.parametrize(
    ("name", "one", "both"),
    [
        ("Multiply", [[1, 2], [3, 4], [15, 24]], [[0, 0], [3, 4], [15, 24]]),
        ("Maximum", [[1, 2], [3, 4], [5, 6]], [[-7, -8], [3, 4], [5, 6]]),
        ("Minimum", [[1, 2], [3, 4], [3, 4]], [[-7, -8], [3, 4], [3, 4]]),
    ],
)
def test_masked_steps_leave_the_result_to_the_other_input(name: str, one: Any, both: Any) -> None:
    x = tf.constant(np.array([[[-7, -8], [-7, -8], [5, 6]]], np.float32))
    y = tf.constant(np.array([[[1, 2], [3, 4], [3, 4]]], np.float32))
    x._keras_mask = tf.constant([[False, False, True]])
    layer = getattr(layers, name)()
    result = layer([x, y])
    np.testing.assert_array_equal(result.numpy(), [one])
    assert mask_of(result) is None
    y._keras_mask = tf.constant([[False, True, True]])
    result = layer([x, y])
    np.testing.assert_array_equal(result.numpy(), [both])
    assert mask_of(result) == [[0, 1, 1]]


def test_masks_of_joined_tensors() -> None:
    a, b = [[1, 0]], [[0, 1, 1]]
    assert mask_of(layers.Concatenate(1)([masked(a, 1, 2, 2), masked(b, 1, 3, 2)])) == [[1, 0, 0, 1, 1]]
    assert mask_of(layers.Concatenate(1)([masked(a, 1, 2, 2), masked(None, 1, 1, 2)])) == [[1, 0, 1]]
    assert mask_of(layers.Concatenate()([masked(a, 1, 2, 2), masked([[0, 0]], 1, 2, 3)])) == [[1, 0]]
    assert mask_of(layers.Concatenate()([masked(a, 1, 2, 2), masked(None, 1, 2, 3)])) == [[1, 1]]
    assert mask_of(layers.Concatenate()([masked(None, 1, 2, 2), masked(None, 1, 2, 3)])) is None


# --- what holds for all ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CLASSES)
def test_config_open_batch_and_onnx(name: str) -> None:
    layer = getattr(layers, name)()
    check_config(layer)
    inputs = [numbers(2, 3, 4, seed=1), numbers(2, 3, 4, seed=2)]
    check_open(layer, inputs)
    check_open(layer, inputs, (0, 1))
    assert len(check_export(layer, inputs)) == (2 if name == "Average" else 1)


def test_config_as_keras_writes_it() -> None:
    assert config_of(layers.Concatenate(axis=1)) == {"axis": 1}
    assert config_of(layers.Dot(axes=(1, 2))) == {"axes": (1, 2), "normalize": False}
    assert config_of(layers.Add()) == {}
    check_config(layers.Dot(axes=2))


def test_in_a_functional_model() -> None:
    a, b = keras.Input((3, 4)), keras.Input((4,))
    merged = layers.add([a, b])
    assert merged.shape == (None, 3, 4)
    model = keras.Model([a, b], layers.Dot(axes=2)([merged, merged]))
    assert model.output_shape == (None, 3, 3)
    x, y = numbers(2, 3, 4), numbers(2, 4)
    total = x + y[:, None]
    np.testing.assert_allclose(model([x, y]).numpy(), total @ total.transpose(0, 2, 1), 1e-4, 1e-5)


def test_sizes_that_have_come_different_ways() -> None:
    """The halves of a U-Net: whether an open size is even shows when the model runs."""
    image = keras.Input((None, None, 3))
    halved = layers.MaxPooling2D()(image)
    enlarged = layers.UpSampling2D()(halved)
    model = keras.Model(image, layers.Concatenate()([layers.Add()([image, enlarged]), enlarged]))
    assert model.output_shape == (None, None, None, 6)
    assert model(numbers(1, 4, 6, 3)).shape == (1, 4, 6, 6)
    assert check_export(model, numbers(1, 4, 6, 3), (0, 1, 2))[:3] == ["Transpose", "MaxPool", "Resize"]
    with pytest.raises(ShapeError, match=r"5 .* 4"):
        model(numbers(1, 5, 6, 3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: layers.Add()(A), ArgumentError, r"Add .* is called on a list of tensors, got"),
        (lambda: layers.Subtract()([A, B, A]), ArgumentError, "exactly 2 tensors, got 3"),
        (lambda: layers.Dot(1)([A]), ArgumentError, "exactly 2 tensors, got 1"),
        (lambda: layers.Add()([counted(2, 3), counted(3, 3)]), ShapeError, r"shapes \[2, 3\], \[3, 3\] differ"),
        (lambda: layers.Add()([counted(2, 3), counted(2, 4)]), ShapeError, "3 .* 4"),
        (lambda: layers.Concatenate()([counted(2, 3, 1), counted(2, 4, 1)]), ShapeError, "3 .* 4"),
        (lambda: layers.Dot(1)([counted(2, 3), counted(2, 4)]), ShapeError, "differ in size"),
        (lambda: layers.Dot(axes=0), ArgumentError, "name axis 0, the batch"),
        (lambda: layers.Dot(axes="a"), ArgumentError, "axes must be an integer or two of them"),
    ],
)
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
