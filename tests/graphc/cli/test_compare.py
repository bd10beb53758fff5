"""How far results are apart."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from graphc.cli.compare import difference, largest_difference

INF, NAN = float("inf"), float("nan")


def test_relative_to_the_largest_element_but_at_least_one() -> None:
    assert difference(np.array([0.1]), np.array([0.2])) == pytest.approx(0.1)
    assert difference(np.array([101.0, 0]), np.array([100.0, 0])) == pytest.approx(0.01)


def test_nan_and_infinity_must_be_the_same() -> None:
    same = np.array([NAN, INF, -INF, 1.0])
    assert difference(same, same.copy()) == 0
    assert difference(np.array([INF]), np.array([-INF])) == INF
    assert difference(np.array([1.0]), np.array([NAN])) == INF


def test_shapes_and_dtypes_must_be_the_same() -> None:
    assert difference(np.zeros((2, 1)), np.zeros(2)) == INF
    assert difference(np.zeros(2, np.float32), np.zeros(2)) == INF


def test_integers_are_equal_or_not() -> None:
    assert difference(np.array([1, 2]), np.array([1, 2])) == 0
    assert difference(np.array([1, 2]), np.array([1, 3])) == INF
    assert difference(np.array(["a"], object), np.array(["a"], object)) == 0


def test_bfloat16_and_complex() -> None:
    a = np.array([1, 2], ml_dtypes.bfloat16)
    assert difference(a, a + a.dtype.type(1)) == pytest.approx(1 / 3)
    assert difference(np.array([1j]), np.array([2j])) == pytest.approx(0.5)


def test_empty_and_several() -> None:
    assert difference(np.zeros((0, 2)), np.zeros((0, 2))) == 0
    assert largest_difference([np.array([0.5]), np.array([0.25])], [np.zeros(1), np.zeros(1)]) == 0.5
    assert largest_difference([], []) == 0
