"""Functions made of several movement ops: against NumPy, with sizes that are not known, in gradients and in
ONNX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import pytest

from graphc_backends.onnx.export import to_model
from graphc_ir import dims
from graphc_ir.autodiff import transform
from graphc_ir.builder import GraphBuilder
from graphc_ir.evaluate import evaluate
from graphc_ir.graph import Graph
from graphc_ir.ops import creation, diagonal, gather, rearrange, selection, shape
from graphc_ir.ops.base import ARRAYS, using
from graphc_ir.ops.indexing import getitem
from graphc_ir.types import parse_type
from graphc_ir.verify import verify

Array = npt.NDArray[Any]


class Case(NamedTuple):
    """A function on one f64 tensor of ``type``; ``expected`` computes the same with NumPy alone."""

    label: str
    type: str
    function: Callable[[Any], Any]
    expected: Callable[[Array], Any]


SIZES = {"n": 4, "m": 3}
MASK = np.array([True, False, True, True])
CUBE = "f64[n, m, 4]"


def _space_to_depth(x: Array) -> Array:
    n, h, w, c = x.shape
    return x.reshape(n, h // 2, 2, w // 2, 2, c).transpose(0, 1, 3, 2, 4, 5).reshape(n, h // 2, w // 2, 4 * c)


CASES = [
    Case("stack", CUBE, lambda x: rearrange.stack([x, x], 1), lambda x: np.stack([x, x], 1)),
    Case("unstack", CUBE, lambda x: rearrange.unstack(x, axis=-1)[2], lambda x: x[..., 2]),
    Case("repeat", CUBE, lambda x: rearrange.repeat(x, 2, 1), lambda x: np.repeat(x, 2, 1)),
    Case(
        "repeat-each",
        "f64[3, n]",
        lambda x: rearrange.repeat(x, [2, 0, 1], 0),
        lambda x: np.repeat(x, [2, 0, 1], 0),
    ),
    Case("roll", CUBE, lambda x: rearrange.roll(x, [5, -1], [0, 2]), lambda x: np.roll(x, [5, -1], [0, 2])),
    Case("roll-flat", "f64[n, 3]", lambda x: rearrange.roll(x, -2), lambda x: np.roll(x, -2)),
    Case("space-to-depth", "f64[n, 4, 6, m]", lambda x: rearrange.space_to_depth(x, 2), _space_to_depth),
    Case(
        "depth-to-space",
        "f64[n, 2, 2, 8]",
        lambda x: rearrange.depth_to_space(rearrange.space_to_depth(x, 2), 2),
        lambda x: x,
    ),
    Case(
        "space-to-batch",
        "f64[n, 4, 3, m]",
        lambda x: rearrange.batch_to_space(
            rearrange.space_to_batch(x, [2, 3], [[1, 1], [0, 0]]), [2, 3], [[1, 1], [0, 0]]
        ),
        lambda x: x,
    ),
    Case(
        "reverse-sequence",
        "f64[3, n]",
        lambda x: rearrange.reverse_sequence(x, [1, 2, 4]),
        lambda x: np.stack([np.r_[row[:k][::-1], row[k:]] for row, k in zip(x, (1, 2, 4), strict=True)]),
    ),
    Case(
        "slice-by-size",
        CUBE,
        lambda x: rearrange.slice_by_size(x, [1, 0, 2], [-1, 2, 1]),
        lambda x: x[1:, :2, 2:3],
    ),
    Case("moveaxis", CUBE, lambda x: rearrange.moveaxis(x, 0, -1), lambda x: np.moveaxis(x, 0, -1)),
    Case("swapaxes", CUBE, lambda x: rearrange.swapaxes(x, 0, 2), lambda x: np.swapaxes(x, 0, 2)),
    Case("diag", "f64[n]", lambda x: diagonal.diag(x, 1), lambda x: np.diag(x, 1)),
    Case("diag-part", "f64[m, 3, 5]", lambda x: diagonal.diag_part(x, 1), lambda x: np.diagonal(x, 1, 1, 2)),
    Case("diag-part-open", "f64[n, n]", diagonal.diag_part, np.diagonal),
    Case("trace", "f64[n, n]", diagonal.trace, np.trace),
    Case(
        "set-diag",
        "f64[n, n]",
        lambda x: diagonal.set_diag(x, x[0]) if isinstance(x, np.ndarray) else diagonal.set_diag(x, getitem(x, 0)),
        lambda x: x * (1 - np.eye(4)) + np.diag(x[0]),
    ),
    Case("band-part", "f64[n, n]", lambda x: diagonal.band_part(x, 1, 0), lambda x: np.triu(np.tril(x), -1)),
    Case(
        "gather-batch",
        "f64[2, n, m]",
        lambda x: gather.gather(x, [[0, 2], [1, 1]], axis=2, batch_dims=1),
        lambda x: np.stack([x[0][:, [0, 2]], x[1][:, [1, 1]]]),
    ),
    Case("boolean-mask", "f64[n, m]", lambda x: selection.boolean_mask(x, MASK), lambda x: x[MASK]),
    Case(
        "partition",
        "f64[n, m]",
        lambda x: selection.dynamic_partition(x, [1, 0, 1, 0], 2)[1],
        lambda x: x[[0, 2]],
    ),
    Case(
        "stitch",
        "f64[n, m]",
        lambda x: selection.dynamic_stitch([[5, 4, 0, 1], [3, 2, 1, 0]], [x, x]),
        lambda x: np.stack([x[3], x[2], x[1], x[0], x[1], x[0]]),
    ),
    Case("index-rows", CUBE, lambda x: getitem(x, [0, -1, 0]), lambda x: x[[0, -1, 0]]),
    Case(
        "index-pairs",
        CUBE,
        lambda x: getitem(x, ([0, 1], slice(None), [3, -1])),
        lambda x: x[[0, 1], :, [3, -1]],
    ),
    Case("index-mask", CUBE, lambda x: getitem(x, (MASK, slice(None, None, -1))), lambda x: x[MASK, ::-1]),
    Case("index-clamped", CUBE, lambda x: getitem(x, (slice(None, 9), slice(-5, None))), lambda x: x[:9, -5:]),
    Case(
        "index-windows",
        CUBE,
        lambda x: getitem(x, (slice(1, None), None, slice(None, -1), -1)),
        lambda x: x[1:, None, :-1, -1],
    ),
    Case(
        "index-steps",
        CUBE,
        lambda x: getitem(x, (slice(None, None, -2), Ellipsis, slice(1, 4, 2))),
        lambda x: x[::-2, ..., 1:4:2],
    ),
]

every_case = pytest.mark.parametrize("case", CASES, ids=[case.label for case in CASES])


def graph_of(case: Case, type_text: str) -> Graph:
    graph = Graph(case.label)
    operand = graph.add_input(parse_type(type_text), "x")
    with using(GraphBuilder(graph)):
        graph.set_outputs([case.function(operand)])
    verify(graph)
    return graph


def data(case: Case) -> Array:
    sizes = [dims.evaluate(d, SIZES) for d in parse_type(case.type).shape]
    return np.random.default_rng(0).uniform(-2, 2, sizes)


@every_case
def test_arrays_give_what_numpy_gives(case: Case) -> None:
    x = data(case)
    with using(ARRAYS):
        np.testing.assert_array_equal(case.function(x), case.expected(x))


@every_case
def test_graphs_of_unknown_and_known_sizes_agree(case: Case) -> None:
    x = data(case)
    for type_text in (case.type, f"f64[{', '.join(map(str, x.shape))}]"):
        (y,) = evaluate(graph_of(case, type_text), [x])
        np.testing.assert_array_equal(y, case.expected(x))


@every_case
def test_gradient_is_the_transpose_of_the_linear_map(case: Case) -> None:
    graph, x = graph_of(case, case.type), data(case)
    rng = np.random.default_rng(1)
    (y,) = evaluate(graph, [x])
    g, direction = rng.uniform(-1, 1, y.shape), rng.uniform(-1, 1, x.shape)
    derived = transform.vjp(graph)
    verify(derived)
    pulled = evaluate(derived, [x, g])[-1]
    assert pulled.shape == x.shape
    pushed = case.expected(direction)
    assert float((pulled * direction).sum()) == pytest.approx(float((g * pushed).sum()), abs=1e-9)


@every_case
@pytest.mark.parametrize("opset", [13, 21])
def test_onnx_runtime_agrees_on_result_and_gradient(case: Case, opset: int) -> None:
    x, graph = data(case).astype(np.float32), graph_of(case, case.type.replace("f64", "f32"))
    (y,) = evaluate(graph, [x])
    for derived, inputs in ((graph, [x]), (transform.vjp(graph), [x, np.ones_like(y)])):
        model = to_model(derived, opset=opset)
        session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        names = [i.name for i in session.get_inputs()]
        results = session.run(None, dict(zip(names, inputs, strict=True)))
        for have, want in zip(results, evaluate(derived, inputs), strict=True):
            np.testing.assert_allclose(have, want, rtol=1e-6)


def numpy_of(value: Any) -> Array:
    with using(ARRAYS):
        return np.asarray(value())


def test_makers_of_tensors() -> None:
    np.testing.assert_array_equal(numpy_of(lambda: creation.arange(3, 18, 3)), np.arange(3, 18, 3))
    np.testing.assert_array_equal(numpy_of(lambda: creation.arange(100)), np.arange(100))
    np.testing.assert_array_equal(
        numpy_of(lambda: creation.linspace(0.0, 3.0, 7)), np.linspace(0, 3, 7, dtype=np.float32)
    )
    np.testing.assert_array_equal(numpy_of(lambda: creation.one_hot([[0], [3], [-1]], 3, axis=0)).shape, (3, 3, 1))
    np.testing.assert_array_equal(numpy_of(lambda: creation.one_hot([1, 5], 3, 2, -1)), [[-1, 2, -1], [-1, -1, -1]])
    np.testing.assert_array_equal(numpy_of(lambda: creation.sequence_mask([1, 3])), [[1, 0, 0], [1, 1, 1]])
    np.testing.assert_array_equal(numpy_of(lambda: diagonal.eye(2, 3, k=1)), np.eye(2, 3, 1))
    with using(ARRAYS):
        for have, want in zip(creation.meshgrid([1, 2], [3, 4, 5]), np.meshgrid([1, 2], [3, 4, 5]), strict=True):
            np.testing.assert_array_equal(have, want)


def test_sizes_stay_dims_through_shape_arithmetic() -> None:
    graph = Graph()
    x = graph.add_input(parse_type("f32[n, 4]"))
    with using(GraphBuilder(graph)):
        sizes = shape.shape(x)
        picked = gather.gather(sizes, [1, 0])
        rows = rearrange.stack([getitem(sizes, 0), 2, getitem(picked, 0)])
        made = creation.zeros(rows)
        counted = creation.arange(getitem(sizes, 0))
    assert str(made.type) == "f32[n, 2, 4]"
    assert str(counted.type) == "i32[n]"


def test_slice_bounds_that_depend_on_data_read_along_a_range() -> None:
    graph = Graph()
    x, i = graph.add_input(parse_type("f32[8]")), graph.add_input(parse_type("i32[]"))
    with using(GraphBuilder(graph)):
        graph.set_outputs([getitem(x, slice(i, None))])
    assert [node.op.name for node in graph.nodes()][-2:] == ["range", "gather"]
    data = np.arange(8, dtype=np.float32)
    for start in (2, -3, 20, -20):
        np.testing.assert_array_equal(evaluate(graph, [data, np.array(start, np.int32)])[0], data[start:])


def test_an_index_that_depends_on_data_is_a_gather() -> None:
    graph = Graph()
    x, i = graph.add_input(parse_type("f32[n, 3]")), graph.add_input(parse_type("i32[]"))
    with using(GraphBuilder(graph)):
        graph.set_outputs([getitem(x, (i, slice(1, None)))])
    values = np.arange(12, dtype=np.float32).reshape(4, 3)
    (row,) = evaluate(graph, [values, np.array(-1, np.int32)])
    np.testing.assert_array_equal(row, [10, 11])
