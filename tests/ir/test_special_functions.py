"""Accuracy of the special functions, against Python's own and known values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from graphc_ir.ops import arithmetic, special, transcendental
from graphc_ir.ops.activation import log_sigmoid, sigmoid, softplus
from graphc_ir.ops.sorting import argsort, sort, top_k

WIDE = np.concatenate([np.linspace(-6, 6, 2001), [1e-300, -1e-9, 0.0, 12.5, -27.0]])


def test_erf_has_double_accuracy() -> None:
    np.testing.assert_allclose(special.erf(WIDE), [math.erf(x) for x in WIDE], rtol=2e-15, atol=0)


def test_erf_in_single_precision() -> None:
    single = WIDE.astype(np.float32)
    result = special.erf(single)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, [math.erf(x) for x in single], rtol=5e-7, atol=1e-37)
    assert np.abs(result).max() <= 1


def test_erfc_is_accurate_in_its_tail() -> None:
    points = np.linspace(-6, 26, 3001)
    np.testing.assert_allclose(special.erfc(points), [math.erfc(x) for x in points], rtol=2e-13)


def test_erfinv_inverts_erf() -> None:
    points = np.concatenate([np.linspace(-0.999999, 0.999999, 1001), [1 - 1e-12, 1e-20]])
    assert np.allclose(special.erf(special.erfinv(points)), points, rtol=1e-14, atol=0)
    np.testing.assert_array_equal(special.erfinv(np.array([-1.0, 1.0])), [-np.inf, np.inf])


def test_lgamma_matches_python() -> None:
    points = np.concatenate([np.linspace(0.01, 30, 501), -np.linspace(0.05, 5.05, 37), [1e5]])
    np.testing.assert_allclose(special.lgamma(points), [math.lgamma(x) for x in points], rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(special.lgamma(np.array([0.0, -1.0, -2.0])), [np.inf] * 3)


def test_digamma_and_polygamma_at_known_places() -> None:
    euler = 0.5772156649015329
    np.testing.assert_allclose(
        special.digamma(np.array([1.0, 0.5, 2.0, -0.5])),
        [-euler, -euler - 2 * math.log(2), 1 - euler, 2 - euler - 2 * math.log(2)],
        rtol=1e-13,
    )
    assert np.isnan(special.digamma(np.array(-2.0)))
    zeta3 = 1.2020569031595942
    assert special.polygamma(1, np.array(1.0)) == pytest.approx(math.pi**2 / 6, rel=1e-13)
    assert special.polygamma(1, np.array(0.5)) == pytest.approx(math.pi**2 / 2, rel=1e-13)
    assert special.polygamma(2, np.array(1.0)) == pytest.approx(-2 * zeta3, rel=1e-13)
    assert special.polygamma(3, np.array(1.0)) == pytest.approx(math.pi**4 / 15, rel=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logistic_functions_keep_their_tails(dtype: Any) -> None:
    x = np.array([-80.0, -20.0, 0.0, 20.0, 80.0], dtype)
    exact = [math.exp(-80) / (1 + math.exp(-80)), 1 / (1 + math.exp(20)), 0.5, 1 / (1 + math.exp(-20)), 1.0]
    tolerance = 8 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(sigmoid(x), exact, rtol=tolerance)
    np.testing.assert_allclose(softplus(x), [math.log1p(math.exp(v)) for v in x.tolist()], rtol=tolerance)
    np.testing.assert_allclose(log_sigmoid(x), [-math.log1p(math.exp(-v)) for v in x.tolist()], rtol=tolerance)


def test_rounding_of_integers_is_the_identity() -> None:
    x = np.array([1, -2], np.int32)
    for function in (arithmetic.floor, arithmetic.ceil, arithmetic.round, arithmetic.rint, arithmetic.trunc):
        assert function(x) is x


def test_logarithms_to_other_bases() -> None:
    np.testing.assert_allclose(transcendental.log2(np.array([1.0, 8.0])), [0, 3])
    np.testing.assert_allclose(transcendental.log10(np.array([1.0, 1000.0])), [0, 3])


def test_descending_order_is_stable_and_works_for_unsigned() -> None:
    x = np.array([3, 0, 3, 255], np.uint8)
    np.testing.assert_array_equal(argsort(x, direction="DESCENDING"), [3, 0, 2, 1])
    np.testing.assert_array_equal(sort(x, direction="DESCENDING"), [255, 3, 3, 0])
    values, indices = top_k(x, 3)
    np.testing.assert_array_equal(values, [255, 3, 3])
    np.testing.assert_array_equal(indices, [3, 0, 2])
