"""Compares an exported model with the graph that it was made from, on random inputs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime as ort
from onnx import ModelProto, TensorProto
from onnx.reference import ReferenceEvaluator

from graphc_ir import dims
from graphc_ir.dims import free_symbols
from graphc_ir.errors import ExportError, GraphcError
from graphc_ir.evaluate import evaluate
from graphc_ir.graph import Graph, Value
from graphc_ir.ops.base import Array
from graphc_ir.types import TensorType

TOLERANCES: Final[dict[str, float]] = {
    "bfloat16": 4e-2,
    "float16": 1e-2,
    "float32": 1e-3,
    "float64": 1e-6,
    "complex64": 1e-3,
    "complex128": 1e-6,
}
"""Largest accepted difference by dtype, relative to the larger of 1 and the output's largest element.
Integers and booleans must be equal."""

_RUNS: Final = 2
# The plain choices first; larger equal sizes for graphs that need room for windows or divisible sizes.
_SIZES: Final[tuple[tuple[int, int], ...]] = (
    (2, 1),
    (5, 1),
    (4, 0),
    (8, 0),
    (16, 0),
    (32, 0),
    (64, 0),
    (1, 0),
    (256, 0),
)
_MAX_ELEMENTS: Final = 2**27

_NO_KERNEL: Final = re.compile(
    r"NOT_IMPLEMENTED|Could not find an implementation|not a registered "
    r"function/op|under development"
    r"|Unsupported model IR version|is not supported|No opset import"
)


@dataclass(frozen=True)
class Verification:
    """What was compared: the ``runtime`` that ran the model, the symbolic ``sizes`` of each run, and the
    largest difference per output, relative as in :data:`TOLERANCES`."""

    runtime: str
    sizes: tuple[dict[str, int], ...]
    differences: dict[str, float]


def verify_model(
    model: ModelProto | Path,
    graph: Graph,
    *,
    bound: Mapping[int, Array] | None = None,
    state: Mapping[int, Array] | None = None,
    inputs: Sequence[Array] | None = None,
    seed: int = 0,
) -> Verification:
    """Runs the model in ONNX Runtime (or the ONNX reference implementation where that has no kernel) and the
    graph in the reference interpreter.

    ``bound`` are graph inputs by number that the model holds as initializers, ``state`` values for state
    inputs, ``inputs`` the arguments to use instead of random ones. Symbolic dims get two sets of small sizes.
    Raises ExportError that names the output and the difference, or says why nothing could be compared.
    """
    runner = _runner(model)
    fixed = {**(state or {}), **(bound or {})}
    skipped = set(bound or {})
    sizes: list[dict[str, int]] = []
    differences = dict.fromkeys(runner.outputs, 0.0)
    for chosen, arrays, expected in _cases(graph, fixed, inputs, seed):
        results = runner.run([a for i, a in enumerate(arrays) if i not in skipped])
        for name, have, want in zip(runner.outputs, results, expected, strict=True):
            differences[name] = max(differences[name], _difference(name, have, want, chosen))
        sizes.append(chosen)
    return Verification(runner.name, tuple(sizes), differences)


# --- inputs -------------------------------------------------------------------------------------------------

_Case = tuple[dict[str, int], list[Array], list[Array]]


def _cases(graph: Graph, fixed: Mapping[int, Array], inputs: Sequence[Array] | None, seed: int) -> Iterator[_Case]:
    """Up to two sets of inputs that the graph accepts, with its results. Raises ExportError if there is
    none.
    """
    if inputs is not None:
        arrays = _in_order(graph, fixed, [np.asarray(a) for a in inputs])
        yield {}, arrays, evaluate(graph, arrays)
        return
    symbols = sorted(frozenset[str]().union(*(free_symbols(d) for v in graph.inputs for d in v.type.shape)))
    rng = np.random.default_rng(seed)
    found, refused = 0, ""
    for base, step in _SIZES if symbols else _SIZES[:_RUNS]:
        sizes = {symbol: base + i * step for i, symbol in enumerate(symbols)}
        try:
            _require_elements(graph, sizes)
            arrays = [fixed[i] if i in fixed else _random(v, sizes, rng) for i, v in enumerate(graph.inputs)]
            with np.errstate(all="ignore"):
                expected = evaluate(graph, arrays)
        except (GraphcError, ValueError) as error:
            refused = refused or str(error)
            continue
        yield sizes, arrays, expected
        found += 1
        if found == _RUNS:
            return
    if not found:
        raise ExportError(
            f"the exported model cannot be verified: the graph accepts none of the random "
            f"inputs: {refused}; "
            "give some with verify=[array, ...], or switch the check off with verify=False"
        )


def _require_elements(graph: Graph, sizes: Mapping[str, int]) -> None:
    """Raises ValueError for sizes that leave a tensor without elements: of a convolution whose window is larger than
    the image, ONNX Runtime says that the image is invalid."""
    for value in (v for node in graph.nodes() for v in node.results):
        for dim in value.type.shape:
            if free_symbols(dim) and free_symbols(dim) <= sizes.keys() and dims.evaluate(dim, sizes) <= 0:
                raise ValueError(f"sizes {dict(sizes)} leave {value} without elements")


def _in_order(graph: Graph, fixed: Mapping[int, Array], given: Sequence[Array]) -> list[Array]:
    free = [i for i in range(len(graph.inputs)) if i not in fixed]
    if len(given) != len(free):
        names = [graph.inputs[i].name or f"input {i}" for i in free]
        raise ExportError(f"verify got {len(given)} arrays, the graph takes {len(free)}: {', '.join(names)}")
    following = iter(given)
    return [fixed[i] if i in fixed else next(following) for i in range(len(graph.inputs))]


def _random(value: Value, sizes: Mapping[str, int], rng: np.random.Generator) -> Array:
    shape = tuple(dims.evaluate(d, sizes) for d in value.type.shape)
    if any(size < 0 for size in shape) or np.prod(shape, dtype=np.float64) > _MAX_ELEMENTS:
        raise ValueError(f"sizes {dict(sizes)} give input {value.name!r} the shape {shape}")
    return random_array(TensorType(value.type.dtype, shape), rng)


def random_array(type: TensorType, rng: np.random.Generator) -> Array:
    """Normally distributed floats; integers 0 or 1, which most uses of integers (indices, labels, masks)
    accept.
    """
    shape: Any = type.shape
    kind = type.dtype.kind
    if kind == "f":
        drawn: Any = rng.standard_normal(shape)
    elif kind == "c":
        drawn = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    elif kind == "s":
        drawn = rng.choice(["a", "b c", ""], shape)
    else:
        drawn = rng.integers(0, 2, shape)
    return np.asarray(drawn).astype(type.dtype.np)


# --- running ------------------------------------------------------------------------------------------------


class _Runner:
    """A loaded model: ``run`` takes its inputs in order."""

    name: str
    outputs: list[str]

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        raise NotImplementedError


class _RuntimeRunner(_Runner):
    name = "onnxruntime"

    def __init__(self, model: ModelProto | Path) -> None:
        options = ort.SessionOptions()
        options.log_severity_level = 4
        # What is compared is the file as written, not what the runtime makes of it.
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        data = model.SerializeToString() if isinstance(model, ModelProto) else str(model)
        self._session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        self._inputs = [i.name for i in self._session.get_inputs()]
        self.outputs = [o.name for o in self._session.get_outputs()]

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        try:
            return list(self._session.run(None, dict(zip(self._inputs, arrays, strict=True))))
        except Exception as error:  # the runtime's errors have no common base of their own
            raise ExportError(f"the exported model is wrong: ONNX Runtime fails while running it: {error}") from error


class _ReferenceRunner(_Runner):
    name = "onnx.reference"

    def __init__(self, model: ModelProto | Path) -> None:
        self._evaluator = ReferenceEvaluator(model if isinstance(model, ModelProto) else str(model))
        self.outputs = list(self._evaluator.output_names)

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        with np.errstate(all="ignore"):
            feed = dict(zip(self._evaluator.input_names, arrays, strict=True))
            return [np.asarray(a) for a in self._evaluator.run(None, feed)]


def _runner(model: ModelProto | Path) -> _Runner:
    refused = "its Python interface takes no bfloat16"
    if isinstance(model, Path) or not _has_foreign_dtypes(model):
        try:
            return _RuntimeRunner(model)
        except Exception as error:  # the runtime's errors have no common base of their own
            refused = str(error)
            if not _NO_KERNEL.search(refused):
                raise ExportError(f"the exported model is wrong: ONNX Runtime does not load it: {refused}") from error
    try:
        return _ReferenceRunner(model)
    except (RuntimeError, NotImplementedError, ValueError) as error:
        raise ExportError(
            f"the exported model cannot be verified: ONNX Runtime refuses it ({refused}), and "
            "so does the "
            f"reference implementation ({error}); export with another opset, or with "
            "verify=False "
            "if the target runtime is known to accept it"
        ) from error


def _has_foreign_dtypes(model: ModelProto) -> bool:
    """Whether inputs or outputs have a dtype that ONNX Runtime does not exchange with NumPy."""
    infos = [*model.graph.input, *model.graph.output]
    return any(info.type.tensor_type.elem_type == TensorProto.BFLOAT16 for info in infos)


# --- comparing ----------------------------------------------------------------------------------------------


def _difference(name: str, have: Array, want: Array, sizes: Mapping[str, int]) -> float:
    """The largest difference. Raises ExportError if it is too large."""
    where = f"output {name!r}" + (f" (with sizes {dict(sizes)})" if sizes else "")
    if have.shape != want.shape or (have.dtype != want.dtype and want.dtype != object):
        raise ExportError(
            f"the exported model is wrong: {where} is {have.dtype}{list(have.shape)}, expected "
            f"{want.dtype}{list(want.shape)}"
        )
    tolerance = TOLERANCES.get(want.dtype.name, 0.0)
    if not tolerance:
        return _exact(where, have, want)
    wide = np.complex128 if want.dtype.kind == "c" else np.float64
    a, b = have.astype(wide), want.astype(wide)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    finite = np.isfinite(b)
    scale = max(1.0, float(np.abs(b[finite]).max(initial=0.0)))
    gaps = np.where(same, 0.0, np.abs(np.where(same, 0, a) - np.where(same, 0, b))) / scale
    largest = float(np.max(np.where(np.isnan(gaps), np.inf, gaps), initial=0.0))
    if largest > tolerance:
        raise ExportError(
            f"the exported model is wrong: {where} differs from the graph by {largest:.3g} "
            "relative to its "
            f"scale {scale:.3g}, tolerance {tolerance:.0e} for {want.dtype}"
        )
    return largest


def _exact(where: str, have: Array, want: Array) -> float:
    wrong = int(np.count_nonzero(have != want))
    if wrong:
        raise ExportError(
            f"the exported model is wrong: {where} differs from the graph in {wrong} of {want.size} elements"
        )
    return 0.0
