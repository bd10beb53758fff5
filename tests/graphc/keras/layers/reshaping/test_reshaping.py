"""Reshaping layers: values by hand, both layouts, open sizes, gradients, ONNX, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphc.keras import Model, layers
from graphc_ir.errors import ArgumentError, GraphcError, ShapeError
from tests.graphc.keras.layers.checks import (
    channels_first,
    check_config,
    check_export,
    check_gradients,
    check_open,
    config_of,
    counted,
    numbers,
)

SPATIAL: dict[str, tuple[Any, tuple[int, ...]]] = {
    "zero_padding1d": (lambda **o: layers.ZeroPadding1D((1, 2), **o), (2, 4, 3)),
    "zero_padding2d": (lambda **o: layers.ZeroPadding2D(((1, 0), (2, 1)), **o), (2, 4, 5, 3)),
    "zero_padding3d": (lambda **o: layers.ZeroPadding3D(1, **o), (1, 2, 3, 2, 2)),
    "cropping2d": (lambda **o: layers.Cropping2D(((1, 0), (2, 1)), **o), (2, 4, 5, 3)),
    "cropping3d": (lambda **o: layers.Cropping3D((0, 1, 1), **o), (1, 2, 4, 3, 2)),
    "up_sampling2d": (lambda **o: layers.UpSampling2D((2, 3), **o), (2, 3, 2, 3)),
    "up_sampling2d_bilinear": (lambda **o: layers.UpSampling2D(2, interpolation="bilinear", **o), (2, 3, 4, 3)),
    "up_sampling2d_bicubic": (lambda **o: layers.UpSampling2D(2, interpolation="bicubic", **o), (1, 5, 6, 2)),
    "up_sampling2d_lanczos": (lambda **o: layers.UpSampling2D(2, interpolation="lanczos3", **o), (1, 5, 6, 2)),
    "up_sampling3d": (lambda **o: layers.UpSampling3D((1, 2, 2), **o), (1, 2, 2, 3, 2)),
}
OTHERS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "flatten": (lambda: layers.Flatten(), (2, 3, 4)),
    "reshape": (lambda: layers.Reshape((2, -1)), (2, 3, 4)),
    "permute": (lambda: layers.Permute((3, 1, 2)), (2, 3, 4, 5)),
    "repeat_vector": (lambda: layers.RepeatVector(3), (2, 4)),
    "cropping1d": (lambda: layers.Cropping1D((1, 2)), (2, 5, 3)),
    "up_sampling1d": (lambda: layers.UpSampling1D(3), (2, 3, 2)),
}
ALL = {**SPATIAL, **OTHERS}

WRONG: Any = 1.5

every_layer = pytest.mark.parametrize("name", ALL)


def made(name: str, **options: Any) -> tuple[Any, Any]:
    factory, shape = ALL[name]
    return factory(**options), numbers(*shape)


# --- values ------------------------------------------------------------------------------------------------------


def test_flatten_by_hand() -> None:
    assert layers.Flatten()(counted(2, 2, 2)).numpy().tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert layers.Flatten()(counted(3)).numpy().tolist() == [[0], [1], [2]]


def test_flatten_gives_the_same_for_both_layouts() -> None:
    x = numbers(2, 3, 4, 5)
    first = layers.Flatten(data_format="channels_first")(channels_first(x))
    np.testing.assert_array_equal(first.numpy(), layers.Flatten()(x).numpy())


def test_reshape_and_permute_by_hand() -> None:
    x = counted(1, 2, 3)
    assert layers.Reshape((3, 2))(x).numpy().tolist() == [[[0, 1], [2, 3], [4, 5]]]
    assert layers.Reshape((-1,))(x).shape == (1, 6)
    assert layers.Permute((2, 1))(x).numpy().tolist() == [[[0, 3], [1, 4], [2, 5]]]


def test_repeat_by_hand() -> None:
    assert layers.RepeatVector(2)(counted(1, 2)).numpy().tolist() == [[[0, 1], [0, 1]]]
    assert layers.UpSampling1D(2)(counted(1, 2, 1)).numpy().ravel().tolist() == [0, 0, 1, 1]
    rows = layers.UpSampling2D((1, 2))(counted(1, 2, 2, 1)).numpy()[0, :, :, 0]
    assert rows.tolist() == [[0, 0, 1, 1], [2, 2, 3, 3]]


def test_bilinear_by_hand() -> None:
    enlarged = layers.UpSampling2D((1, 2), interpolation="bilinear")(np.array([[[[0], [4]]]], np.float32))
    assert enlarged.numpy().ravel().tolist() == [0, 1, 3, 4]


def test_borders_by_hand() -> None:
    x = counted(1, 3, 1) + 1
    assert layers.ZeroPadding1D((0, 2))(x).numpy().ravel().tolist() == [1, 2, 3, 0, 0]
    assert layers.Cropping1D((1, 0))(x).numpy().ravel().tolist() == [2, 3]


@pytest.mark.parametrize(
    ("given", "pairs"),
    [(1, ((1, 1), (1, 1))), ((1, 2), ((1, 1), (2, 2))), (((1, 2), (3, 4)), ((1, 2), (3, 4)))],
)
def test_forms_of_borders(given: Any, pairs: Any) -> None:
    assert layers.ZeroPadding2D(given).padding == pairs
    assert layers.Cropping2D(given).cropping == pairs


# --- what holds for all ------------------------------------------------------------------------------------------


@every_layer
def test_config(name: str) -> None:
    check_config(ALL[name][0]())


@every_layer
def test_open_batch(name: str) -> None:
    check_open(*made(name))


@pytest.mark.parametrize("name", [*SPATIAL, "flatten", "permute", "cropping1d", "up_sampling1d"])
def test_open_sizes(name: str) -> None:
    layer, x = made(name)
    check_open(layer, x, range(x.ndim - 1))


@every_layer
def test_gradients(name: str) -> None:
    check_gradients(*made(name))


@every_layer
def test_shapes_are_inferred(name: str) -> None:
    layer, x = made(name)
    assert layer.compute_output_shape((None, *x.shape[1:])) == (None, *layer(x).shape[1:])


@pytest.mark.parametrize("name", SPATIAL)
def test_channels_first_is_channels_last_moved(name: str) -> None:
    layer, x = made(name)
    first, _ = made(name, data_format="channels_first")
    np.testing.assert_allclose(np.moveaxis(first(channels_first(x)).numpy(), 1, -1), layer(x).numpy(), 1e-5, 1e-6)


OPERATORS = {
    "flatten": ["Reshape"],
    "reshape": ["Reshape"],
    "permute": ["Transpose"],
    "repeat_vector": ["Reshape", "Tile"],
    "zero_padding2d": ["Pad"],
    "up_sampling1d": ["Resize"],
    "up_sampling2d": ["Resize"],
    "up_sampling3d": ["Resize"],
    "up_sampling2d_bilinear": ["Transpose", "Resize", "Transpose"],
}


@every_layer
def test_onnx(name: str) -> None:
    operators = check_export(*made(name))
    assert operators == OPERATORS.get(name, operators)


def test_config_as_keras_writes_it() -> None:
    assert config_of(layers.ZeroPadding1D()) == {"padding": (1, 1), "data_format": "channels_last"}
    assert config_of(layers.Cropping1D(2)) == {"cropping": (2, 2)}
    assert config_of(layers.Cropping2D()) == {"cropping": ((0, 0), (0, 0)), "data_format": "channels_last"}
    assert config_of(layers.Cropping3D()) == {"cropping": ((1, 1),) * 3, "data_format": "channels_last"}
    assert config_of(layers.UpSampling1D()) == {"size": 2}
    assert list(config_of(layers.UpSampling2D())) == ["size", "data_format", "interpolation"]
    assert config_of(layers.Reshape((2, -1))) == {"target_shape": (2, -1)}


# --- errors ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.Reshape(WRONG), "target_shape must be a tuple of sizes, got 1.5"),
        (lambda: layers.Reshape((-1, -1)), "leaves more than one size open"),
        (lambda: layers.Permute((0, 1)), r"dims must hold each of 1..2 once, got \(0, 1\)"),
        (lambda: layers.RepeatVector(WRONG), "n must be an integer, got 1.5"),
        (lambda: layers.RepeatVector(0), "n must be at least 1"),
        (lambda: layers.UpSampling2D((1, 2, 3)), "size must be an integer or 2 of them"),
        (lambda: layers.UpSampling2D(interpolation="area"), "interpolation must be one of 'nearest', 'bilinear'"),
        (lambda: layers.Cropping2D(-1), "cropping must be at least 0, got -1"),
        (lambda: layers.Cropping1D((1, 2, 3)), r"cropping must be an integer or a pair \(before, after\) for an axis"),
        (lambda: layers.Cropping1D((1,)), r"for an axis, got \(1,\)"),
        (lambda: layers.Cropping2D((1, 2, 3)), "cropping must be an integer, or 2 integers or pairs"),
        (lambda: layers.ZeroPadding2D(((1, 2, 3), 1)), "padding must be an integer or a pair"),
    ],
)
def test_wrong_arguments(make: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (layers.Permute((2, 1)), (1, 2, 3, 4), "expected ndim=3, found ndim=4"),
        (layers.RepeatVector(2), (1, 2, 3), "expected ndim=2, found ndim=3"),
        (layers.Cropping1D(3), (1, 6, 1), r"cropping 3 \+ 3 elements leaves nothing of axis 1 of size 6"),
        (layers.Reshape((4,)), (2, 5), "cannot reshape"),
        (layers.UpSampling2D(), (2, 5, 3), "expected ndim=4, found ndim=3"),
    ],
)
def test_inputs_that_do_not_fit(layer: Any, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(GraphcError, match=message) as error:
        layer(counted(*shape))
    assert isinstance(error.value, ShapeError)


@pytest.mark.parametrize(
    ("shape", "target", "expected"),
    [
        ((None, None), (3, 5), (None, 3, 5)),
        ((2, None), (3, 5), (2, 3, 5)),
        ((None, None, 4), (8,), (None, 8)),
        ((None, None, None, 3), (-1, 6), (None, None, 6)),
        ((None, None), (5, -1), (None, 5, None)),
    ],
)
def test_open_sizes_are_taken_to_fit_another_shape(shape: Any, target: Any, expected: Any) -> None:
    inputs = layers.Input(batch_shape=shape)
    assert layers.Reshape(target)(inputs).shape == expected


def test_a_reshape_of_open_sizes_is_checked_when_it_runs() -> None:
    x = numbers(2, 15)
    layer = layers.Reshape((3, 5))
    check_open(layer, x, (0, 1))
    inputs = layers.Input((None,))
    model = Model(inputs, layer(inputs))
    np.testing.assert_array_equal(model.predict(x, verbose=0), x.reshape(2, 3, 5))
    with pytest.raises(ShapeError, match=r"got shape \[32\], expected \[30\]"):
        model.predict(numbers(2, 16), verbose=0)


@pytest.mark.parametrize("method", ["bilinear", "bicubic", "lanczos3", "lanczos5"])
def test_interpolated_integers_are_floats(method: str) -> None:
    x = np.arange(12).reshape(2, 2, 1, 3)
    assert layers.UpSampling2D((1, 2), interpolation=method)(x).dtype == "float32"
    assert layers.UpSampling2D((1, 2))(x).dtype == "int64"
