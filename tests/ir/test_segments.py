"""Sums, extrema and products of segments, counting: against plain loops, eagerly, in graphs and their gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from graphc_ir.autodiff import transform
from graphc_ir.builder import GraphBuilder
from graphc_ir.evaluate import evaluate
from graphc_ir.graph import Graph
from graphc_ir.ops import segment
from graphc_ir.ops.base import using
from graphc_ir.types import parse_type
from graphc_ir.verify import verify

Array = npt.NDArray[Any]

DATA = np.array([[1.0, -2.0], [0.5, 4.0], [3.0, 1.0], [-1.0, 2.0], [2.0, 2.0]])
IDS = np.array([2, 0, 2, -1, 0])
ASCENDING = np.array([0, 0, 2, 2, 3])

REDUCERS: dict[str, Callable[[Array], Array]] = {
    "sum": lambda rows: rows.sum(0),
    "mean": lambda rows: rows.mean(0),
    "sqrt_n": lambda rows: rows.sum(0) / np.sqrt(len(rows)),
    "max": lambda rows: rows.max(0),
    "min": lambda rows: rows.min(0),
    "prod": lambda rows: rows.prod(0),
}
LIMITS = np.finfo(np.float64)
OF_NOTHING = {"sum": 0, "mean": 0, "sqrt_n": 0, "max": LIMITS.min, "min": LIMITS.max, "prod": 1}


def by_loop(name: str, ids: Array, count: int, of_nothing: float) -> Array:
    rows = [DATA[ids == i] for i in range(count)]
    return np.array([REDUCERS[name](r) if len(r) else np.full(2, of_nothing) for r in rows])


@pytest.mark.parametrize("name", REDUCERS)
def test_unsorted_segments(name: str) -> None:
    function = getattr(segment, f"unsorted_segment_{name}")
    np.testing.assert_allclose(function(DATA, IDS, 4), by_loop(name, IDS, 4, OF_NOTHING[name]))


@pytest.mark.parametrize("name", [n for n in REDUCERS if n != "sqrt_n"])
def test_sorted_segments_count_themselves(name: str) -> None:
    function = getattr(segment, f"segment_{name}")
    of_nothing = 1 if name == "prod" else 0
    np.testing.assert_allclose(function(DATA, ASCENDING), by_loop(name, ASCENDING, 4, of_nothing))


@pytest.mark.parametrize("name", [n for n in REDUCERS if n != "sqrt_n"])
def test_sorted_segments_in_a_graph(name: str) -> None:
    function = getattr(segment, f"segment_{name}")
    graph = Graph("segments")
    x, ids = graph.add_input(parse_type("f64[n, 2]")), graph.add_input(parse_type("i64[n]"))
    with using(GraphBuilder(graph)):
        graph.set_outputs([function(x, ids)])
    verify(graph)
    np.testing.assert_allclose(evaluate(graph, [DATA, ASCENDING])[0], function(DATA, ASCENDING))
    derived = transform.vjp(graph)
    verify(derived)
    g = np.arange(8.0).reshape(4, 2)
    gradient = evaluate(derived, [DATA, ASCENDING, g])[1]
    for place in np.ndindex(DATA.shape):
        step = np.zeros_like(DATA)
        step[place] = 1e-6
        slope = (function(DATA + step, ASCENDING) - function(DATA - step, ASCENDING)) / 2e-6
        assert gradient[place] == pytest.approx(float((g * slope).sum()), abs=1e-6)


def test_ids_may_have_several_axes() -> None:
    data, ids = np.arange(12.0).reshape(2, 3, 2), np.array([[0, 1, 0], [1, 1, -5]])
    expected = [data[ids == i].sum(0) for i in range(2)]
    np.testing.assert_array_equal(segment.unsorted_segment_sum(data, ids, 2), expected)


def test_no_rows_give_no_segments() -> None:
    assert segment.segment_sum(np.zeros((0, 3)), np.zeros(0, np.int32)).shape == (0, 3)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [1, 2, 0, 1]),
        ({"minlength": 6}, [1, 2, 0, 1, 0, 0]),
        ({"maxlength": 2}, [1, 2]),
        ({"minlength": 3, "maxlength": 3}, [1, 2, 0]),
        ({"weights": np.array([0.5, 1.0, 2.0, 4.0])}, [2.0, 1.5, 0.0, 4.0]),
    ],
)
def test_bincount(options: dict[str, Any], expected: list[float]) -> None:
    values = np.array([1, 1, 0, 3])
    np.testing.assert_array_equal(segment.bincount(values, **options), expected)
    graph = Graph("bincount")
    x = graph.add_input(parse_type("i64[4]"))
    with using(GraphBuilder(graph)):
        graph.set_outputs([segment.bincount(x, **options)])
    verify(graph)
    np.testing.assert_array_equal(evaluate(graph, [values])[0], expected)


def test_confusion_matrix_sums_weights() -> None:
    matrix = segment.confusion_matrix([0, 1, 1], [0, 2, 2], 3, weights=[1.0, 0.5, 2.0], dtype="float64")
    np.testing.assert_array_equal(matrix, [[1, 0, 0], [0, 0, 2.5], [0, 0, 0]])
