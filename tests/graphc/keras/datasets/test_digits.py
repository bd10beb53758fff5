import zlib

import numpy as np

from graphc.keras import datasets
from graphc.keras.datasets import digits


def test_shapes_and_dtypes() -> None:
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    assert (x_train.shape, y_train.shape) == ((1437, 8, 8), (1437,))
    assert (x_test.shape, y_test.shape) == ((360, 8, 8), (360,))
    assert {array.dtype for array in (x_train, y_train, x_test, y_test)} == {np.dtype(np.uint8)}


def test_every_pixel_and_label_is_that_of_the_source() -> None:
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    x, y = np.concatenate([x_train, x_test]), np.concatenate([y_train, y_test])
    assert (int(x.min()), int(x.max()), int(x.sum(dtype=np.int64))) == (0, 16, 561718)
    assert zlib.crc32(x.tobytes()) == 4087501628
    assert zlib.crc32(y.tobytes()) == 4168075561


def test_classes_are_balanced_on_both_sides() -> None:
    (_, y_train), (_, y_test) = digits.load_data()
    assert np.bincount(y_train).tolist() == [143, 146, 142, 146, 144, 145, 144, 143, 141, 143]
    assert np.bincount(y_test).tolist() == [35, 36, 35, 37, 37, 37, 37, 36, 33, 37]


def test_the_first_image_is_a_zero() -> None:
    (x_train, y_train), _ = digits.load_data()
    assert y_train[0] == 0
    assert x_train[0, 0].tolist() == [0, 0, 5, 13, 9, 1, 0, 0]


def test_each_call_returns_new_arrays() -> None:
    (first, _), _ = digits.load_data()
    first[:] = 99
    (second, _), _ = digits.load_data()
    assert int(second.max()) == 16


def test_it_is_reached_through_the_namespace() -> None:
    assert datasets.digits is digits
