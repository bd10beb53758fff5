"""The node cases that the onnx package ships, run through import and the reference interpreter."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import ModelProto, TensorProto, numpy_helper
from packaging.version import Version

from graphc_backends.onnx.export import MAX_OPSET, to_model
from graphc_backends.onnx.importer import read_model
from graphc_ir.errors import GraphcError
from graphc_ir.evaluate import evaluate
from graphc_ir.graph import Graph
from graphc_ir.ops.opaque import OnnxOp
from graphc_ir.verify import verify

if Version(onnx.__version__) < Version("1.23"):
    pytest.skip("the onnx package makes its node cases in memory from version 1.23 on", allow_module_level=True)
from onnx.backend.test.loader import load_node_model_tests

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Case:
    """One model with its inputs and expected outputs. ``operator`` is the one under test."""

    name: str
    operator: str
    model: ModelProto
    data_sets: Sequence[tuple[list[Any], list[Any]]]
    rtol: float
    atol: float


@dataclass(frozen=True)
class Outcome:
    """``status`` is ``"pass"``, ``"refused"`` (an error of ours says why) or ``"wrong"``; ``native`` tells
    whether the graph has ops of its own only."""

    status: str
    native: bool
    message: str = ""


@lru_cache(1)
def plain_cases() -> tuple[Case, ...]:
    """All node cases but those of function bodies. Takes about ten seconds."""
    with warnings.catch_warnings(), np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        loaded = load_node_model_tests()
    return tuple(_case(test) for test in loaded if "_expanded" not in test.name)


def _case(test: Any) -> Case:
    nodes = test.model.graph.node
    operator = nodes[0].op_type if len(nodes) == 1 else ""
    data_sets = [(list(map(_plain, inputs)), list(map(_plain, outputs))) for inputs, outputs in test.data_sets]
    return Case(test.name, operator, test.model, data_sets, test.rtol, test.atol)


def _plain(value: Any) -> Any:
    if isinstance(value, TensorProto):
        return numpy_helper.to_array(value)
    # Some cases hold NumPy scalars where the file form is a tensor of rank 0.
    return np.asarray(value) if isinstance(value, np.generic) else value


def run_case(case: Case) -> Outcome:
    """Imports the model and compares every data set."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            graph = read_model(case.model).graph
            verify(graph)
            for inputs, expected in case.data_sets:
                difference = compare(evaluate(graph, _feed(inputs)), expected, case.rtol, case.atol)
                if difference:
                    return Outcome("wrong", is_native(graph), difference)
    except GraphcError as error:
        return Outcome("refused", False, f"{type(error).__name__}: {' '.join(str(error).split())}")
    return Outcome("pass", is_native(graph))


def reimport_problem(case: Case) -> str:
    """What an export of the imported model, read again, computes differently from the first import; empty if nothing
    or if the graph keeps operators as they are."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        graph = read_model(case.model).graph
        if not is_native(graph):
            return ""
        again = read_model(to_model(graph, opset=MAX_OPSET)).graph
        for inputs, _ in case.data_sets:
            first, second = (evaluate(g, _feed(inputs)) for g in (graph, again))
            difference = compare(second, first, case.rtol, case.atol)
            if difference:
                return f"{case.name}: {difference}"
    return ""


def _feed(inputs: Sequence[Any]) -> list[Array]:
    return [np.asarray(value) for value in inputs]


def is_native(graph: Graph) -> bool:
    """Whether nothing in the graph is an operator kept as it is."""
    graphs = [graph]
    while graphs:
        for node in graphs.pop().nodes():
            if isinstance(node.op, OnnxOp):
                return False
            graphs.extend(node.regions)
    return True


def compare(results: Sequence[Array], expected: Sequence[Any], rtol: float, atol: float) -> str:
    """What differs, in words; empty if nothing does."""
    if len(results) != len(expected):
        return f"{len(results)} outputs, expected {len(expected)}"
    for i, (have, want) in enumerate(zip(results, expected, strict=True)):
        if have.shape != want.shape or (have.dtype != want.dtype and have.dtype != object):
            return f"output {i} is {have.dtype}{list(have.shape)}, expected {want.dtype}{list(want.shape)}"
        if not _close(have, want, rtol, atol):
            return f"output {i} is {_head(have)}, expected {_head(want)}"
    return ""


def _close(have: Array, want: Array, rtol: float, atol: float) -> bool:
    if have.dtype.kind in "OUSb":
        return bool((have == want).all())
    if have.dtype.itemsize == 2 and have.dtype.kind not in "iu":
        # Two units in the last place: the order of sums is not part of the standard.
        rtol = max(rtol, 2 * (2**-7 if have.dtype == ml_dtypes.bfloat16 else 2**-10))
        atol = max(atol, 1e-3)
        have, want = have.astype(np.float32), want.astype(np.float32)
    return np.allclose(have, want, rtol, atol, equal_nan=True)


def _head(array: Array) -> str:
    return re.sub(r"\s+", " ", str(array.reshape(-1)[:8]))
