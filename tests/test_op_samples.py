"""Every row of the op samples table as tests: types, kernels, gradients, backends, ONNX, error texts."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import pytest
from onnx.reference import ReferenceEvaluator
from onnxruntime.capi.onnxruntime_pybind11_state import Fail

from graphc_backends.base import CompileOptions, get_backend
from graphc_backends.onnx.export import DEFAULT_OPSET, MAX_OPSET, to_model
from graphc_backends.onnx.importer import from_model
from graphc_ir import dims, dtypes
from graphc_ir.autodiff import transform
from graphc_ir.builder import GraphBuilder
from graphc_ir.dtypes import DType
from graphc_ir.evaluate import evaluate
from graphc_ir.graph import Graph
from graphc_ir.ops.base import ArrayInterpreter, NotDifferentiable, Op, Operand, using
from graphc_ir.ops.constant import ArrayAttribute
from graphc_ir.ops.opaque import OnnxOp
from graphc_ir.parser import parse_graph
from graphc_ir.printer import print_graph
from graphc_ir.types import TensorType, parse_type
from graphc_ir.verify import verify
from tests.samples.base import ErrorCase, Sample
from tests.samples.table import ERRORS, SAMPLES

Array = npt.NDArray[Any]

OPSETS = (13, 18, 21, MAX_OPSET)


def one_node_graph(sample: Sample, types: Sequence[TensorType]) -> Graph:
    graph = Graph(sample.op.name)
    operands = tuple(graph.add_input(type, f"x{i}") for i, type in enumerate(types))
    results = GraphBuilder(graph).bind(sample.op, operands)
    graph.set_outputs(results if isinstance(results, tuple) else (results,))
    return graph


def run_kernel(sample: Sample, arrays: Sequence[Array]) -> list[Array]:
    op = sample.op.substitute_dims(dict(sample.sizes))
    results = op.kernel(*arrays)
    return [np.asarray(r) for r in (results if op.num_results != 1 else (results,))]


def assert_fits(types: Sequence[TensorType], arrays: Sequence[Array], sizes: dict[str, int]) -> None:
    assert len(types) == len(arrays)
    for type, array in zip(types, arrays, strict=True):
        assert array.dtype == type.dtype.np
        dims.solve(type.shape, array.shape, sizes)


def assert_equal(actual: Sequence[Array], expected: Sequence[Array], rtol: float, atol: float) -> None:
    assert len(actual) == len(expected)
    for have, want in zip(actual, expected, strict=True):
        assert have.dtype == want.dtype
        assert have.shape == want.shape
        if have.dtype.kind in "biuO":
            np.testing.assert_array_equal(have, want)
        else:
            wide = np.complex128 if have.dtype.kind == "c" else np.float64
            np.testing.assert_allclose(have.astype(wide), want.astype(wide), rtol, atol)


def ids(samples: Sequence[Sample]) -> list[str]:
    return [sample.id for sample in samples]


every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=ids(SAMPLES))


# --- types and kernels -----------------------------------------------------------------------------------------------


@every_sample
def test_kernel_gives_the_inferred_types(sample: Sample) -> None:
    arrays = sample.arrays()
    results = run_kernel(sample, arrays)
    assert_fits(sample.op.infer_node(sample.types(), ()), results, dict(sample.sizes))
    static = sample.op.substitute_dims(dict(sample.sizes))
    assert_fits(static.infer_node([TensorType.of(a) for a in arrays], ()), results, dict(sample.sizes))


@every_sample
def test_numpy_function_is_the_kernel(sample: Sample) -> None:
    arrays, expected = sample.arrays(), run_kernel(sample, sample.arrays())
    op = sample.op.substitute_dims(dict(sample.sizes))
    before = [a.copy() for a in arrays]
    results = op.numpy_function()(*arrays)
    assert_equal([*map(np.asarray, results if op.num_results != 1 else (results,))], expected, 0, 0)
    if op.accepts_out():
        out = np.empty_like(expected[0])
        op.numpy_function()(*arrays, out=out)
        assert_equal([out], expected, 0, 0)
    for array, untouched in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, untouched)


DECOMPOSABLE = [sample for sample in SAMPLES if sample.op.decompose is not None]


@pytest.mark.parametrize("sample", DECOMPOSABLE, ids=ids(DECOMPOSABLE))
def test_decomposition_is_the_kernel(sample: Sample) -> None:
    graph = Graph("decomposition")
    operands = [graph.add_input(type) for type in sample.types()]
    with using(GraphBuilder(graph)):
        results = sample.op.decompose(*operands)  # type: ignore[misc]
    graph.set_outputs(results if isinstance(results, tuple) else (results,))
    verify(graph)
    arrays = sample.arrays()
    assert_equal(evaluate(graph, arrays), run_kernel(sample, arrays), sample.rtol, sample.atol)


@every_sample
def test_graph_verifies_and_runs_on_numpy(sample: Sample) -> None:
    graph, arrays = one_node_graph(sample, sample.types()), sample.arrays()
    verify(graph)
    executable = get_backend("numpy").compile(graph, CompileOptions())
    assert_equal(executable(*arrays), run_kernel(sample, arrays), sample.rtol, sample.atol)


# --- gradients -------------------------------------------------------------------------------------------------------


def is_precise(array: Array) -> bool:
    return array.dtype in (np.float64, np.complex128)


def has_gradient(sample: Sample) -> bool:
    """Whether finite differences can check the row: float64 or complex128."""
    floats = [t.dtype for t in sample.types() if t.dtype.is_differentiable]
    if not sample.gradient or not floats or any(d.size < dtypes.float64.size for d in floats):
        return False
    return not isinstance(sample.op.vjp, NotDifferentiable)


def inner(a: Array, b: Array) -> float:
    """The real inner product, under which the gradient of a complex operand is dL/dre + i dL/dim."""
    finite = np.isfinite(b)
    return float((np.conj(a[finite]) * b[finite]).sum().real)


def noise(rng: np.random.Generator, like: Array) -> Array:
    """Random numbers of the same type; zeros for what is not differentiated."""
    if not is_precise(like):
        return np.zeros_like(like)
    real = rng.uniform(-1, 1, like.shape)
    return real + 1j * rng.uniform(-1, 1, like.shape) if like.dtype.kind == "c" else real


def check_gradient(graph: Graph, inputs: list[Array], seed: int) -> Graph:
    """Compares the vjp of all float64 inputs with central differences along random directions."""
    rng = np.random.default_rng(seed)
    derived = transform.vjp(graph)
    verify(derived)
    outputs = evaluate(graph, inputs)
    cotangents = [noise(rng, y) for y in outputs]
    gradients = evaluate(derived, [*inputs, *cotangents])[len(outputs) :]
    places = [i for i, x in enumerate(inputs) if x.dtype.kind in "fc"]
    assert len(gradients) == len(places)
    for i, gradient in zip(places, gradients, strict=True):
        assert gradient.shape == inputs[i].shape
        assert gradient.dtype == inputs[i].dtype
        direction = noise(rng, inputs[i])
        expected = directional_derivative(graph, inputs, i, direction, cotangents)
        received = inner(gradient, direction)
        assert received == pytest.approx(expected, rel=1e-5, abs=1e-6), f"gradient of operand {i}"
    return derived


def directional_derivative(
    graph: Graph, inputs: list[Array], i: int, direction: Array, cotangents: list[Array], step: float = 1e-4
) -> float:
    """Of sum(cotangents * outputs), by the five-point stencil."""
    total = 0.0
    for factor, weight in ((-2, 1.0), (-1, -8.0), (1, 8.0), (2, -1.0)):
        moved = [*inputs[:i], inputs[i] + factor * step * direction, *inputs[i + 1 :]]
        outputs = evaluate(graph, moved)
        total += weight * sum(inner(c, y) for c, y in zip(cotangents, outputs, strict=True) if is_precise(y))
    return total / (12 * step)


DIFFERENTIABLE = [sample for sample in SAMPLES if has_gradient(sample)]
TWICE = [sample for sample in DIFFERENTIABLE if sample.second_order]


def differentiable_graph(sample: Sample) -> Graph:
    graph = one_node_graph(sample, sample.types())
    graph.set_outputs(graph.outputs[: sample.differentiable])
    return graph


@pytest.mark.parametrize("sample", DIFFERENTIABLE, ids=ids(DIFFERENTIABLE))
def test_vjp_matches_finite_differences(sample: Sample) -> None:
    check_gradient(differentiable_graph(sample), sample.arrays(), seed=1)


@pytest.mark.parametrize("sample", TWICE, ids=ids(TWICE))
def test_second_derivative_matches_finite_differences(sample: Sample) -> None:
    graph, arrays = differentiable_graph(sample), sample.arrays()
    first = transform.vjp(graph)
    first.set_outputs(first.outputs[len(graph.outputs) :])
    rng = np.random.default_rng(2)
    results = evaluate(graph, arrays)
    cotangents = [noise(rng, y) for y in results]
    check_gradient(first, [*arrays, *cotangents], seed=3)


# --- ONNX ------------------------------------------------------------------------------------------------------------


def single_precision(sample: Sample) -> Sample:
    """The row in float32, as runtimes have kernels for; the row itself if a dtype or an array is part of the op."""
    fixed = any(isinstance(v, (DType, ArrayAttribute)) for v in sample.op.attributes().values())
    floats = [t.dtype for t in sample.types() if t.dtype.is_floating]
    if fixed or any(d is not dtypes.float64 for d in floats):
        return sample
    operands = (str(t.with_dtype(dtypes.float32)) if t.dtype.is_floating else str(t) for t in sample.types())
    return dataclasses.replace(sample, operands=tuple(operands))


def opsets_of(sample: Sample) -> list[int]:
    if sample.min_opset is None:
        return []
    wanted = {sample.min_opset, *(o for o in OPSETS if o > sample.min_opset)}
    return sorted(o for o in wanted if not sample.reference_hole or runtime_has(o))


def session(model: onnx.ModelProto) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


@functools.cache
def runtime_has(opset: int) -> bool:
    """Whether the installed runtime takes models of this opset; newer ones run in ONNX's reference implementation."""
    graph = Graph("probe")
    graph.set_outputs([graph.add_input(parse_type("f32[]"))])
    try:
        session(to_model(graph, opset=opset))
    except Fail:
        return False
    return True


def run_model(model: onnx.ModelProto, sample: Sample, opset: int, arrays: Sequence[Array]) -> list[Array]:
    names = [i.name for i in model.graph.input]
    feed = dict(zip(names, arrays, strict=True))
    if sample.runtime_hole or not runtime_has(opset):
        return [np.asarray(a) for a in ReferenceEvaluator(model).run(None, feed)]
    return [np.asarray(a) for a in session(model).run(None, feed)]


EXPORTED = [(sample, opset) for sample in SAMPLES for opset in opsets_of(sample)]


@pytest.mark.parametrize(("sample", "opset"), EXPORTED, ids=[f"{s.id}-opset{o}" for s, o in EXPORTED])
def test_export_runs_like_the_kernel(sample: Sample, opset: int) -> None:
    sample = single_precision(sample)
    graph, arrays = one_node_graph(sample, sample.types()), sample.arrays()
    model = to_model(graph, opset=opset)
    onnx.checker.check_model(model, full_check=True)
    expected = run_kernel(sample, arrays)
    assert_equal(run_model(model, sample, opset, arrays), expected, max(sample.rtol, 1e-5), max(sample.atol, 1e-6))


IMPORTABLE = [sample for sample in SAMPLES if sample.min_opset is not None]


@pytest.mark.parametrize("sample", IMPORTABLE, ids=ids(IMPORTABLE))
def test_import_of_the_export_is_the_same(sample: Sample) -> None:
    sample, opset = single_precision(sample), max(sample.min_opset or 0, DEFAULT_OPSET)
    graph, arrays = one_node_graph(sample, sample.types()), sample.arrays()
    read = from_model(to_model(graph, opset=opset))
    verify(read)
    assert [v.type.dtype for v in read.inputs] == [v.type.dtype for v in graph.inputs]
    if any(isinstance(node.op, OnnxOp) for node in read.nodes()):
        results = run_model(to_model(read, opset=opset), sample, opset, arrays)
    else:
        results = evaluate(read, arrays)
    assert_equal(results, run_kernel(sample, arrays), max(sample.rtol, 1e-5), max(sample.atol, 1e-6))
    if sample.round_trip:
        assert [node.op for node in read.nodes()] == [sample.op]


# --- text ------------------------------------------------------------------------------------------------------------


@every_sample
def test_print_and_parse_are_inverse(sample: Sample) -> None:
    graph = one_node_graph(sample, sample.types())
    text = print_graph(graph)
    parsed = parse_graph(text)
    verify(parsed)
    assert [node.op for node in parsed.nodes()] == [sample.op]
    assert [v.type for v in (*parsed.inputs, *parsed.outputs)] == [v.type for v in (*graph.inputs, *graph.outputs)]
    assert print_graph(parsed) == text


# --- errors ----------------------------------------------------------------------------------------------------------


class CheckedArrays(ArrayInterpreter):
    """Arrays whose types are inferred before the kernel runs."""

    def bind(self, op: Op, operands: tuple[Operand, ...], regions: tuple[Graph, ...] = ()) -> Any:
        op.infer_node([TensorType.of(a) for a in operands], regions)
        return super().bind(op, operands, regions)


@pytest.mark.parametrize("case", ERRORS, ids=[case.label for case in ERRORS])
def test_wrong_calls_are_explained(case: ErrorCase) -> None:
    with using(CheckedArrays()), pytest.raises(case.error, match=case.match):
        case.call()
