"""Values for a model's inputs: from files, random or zeros; and sizes for its open axes."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from graphc_ir import dims
from graphc_ir.dtypes import bfloat16
from graphc_ir.errors import ArgumentError
from graphc_ir.graph import Graph, Value
from graphc_ir.ops.base import Array
from graphc_ir.types import TensorType

GENERATED: Final = ("random", "zeros")
_DEFAULT_SIZE: Final = 1
_STATE_SCALE: Final = 0.1
_MAX_BYTES: Final = 2**60


def input_names(graph: Graph) -> list[str]:
    """One name per input, as users write it."""
    return [value.name or f"input_{i}" for i, value in enumerate(graph.inputs)]


def output_names(graph: Graph) -> list[str]:
    """One name per output: its own, for new state values ``NAME.new``, else ``output_0`` and so on."""
    if len(graph.output_names) == len(graph.outputs):
        return list(graph.output_names)
    names = [f"output_{i}" for i in range(len(graph.outputs))]
    for state in graph.states:
        if state.output is not None:
            names[state.output] = f"{state.name}.new"
    return names


def open_sizes(graph: Graph) -> list[str]:
    """The names of sizes that the inputs leave open."""
    found: dict[str, None] = {}
    for value in graph.inputs:
        for dim in value.type.shape:
            found.update(dict.fromkeys(sorted(dims.free_symbols(dim))))
    return list(found)


def parse_sizes(graph: Graph, texts: Sequence[str]) -> dict[str, int]:
    """Sizes from ``name=4`` or, for all open ones, ``4``. Raises ArgumentError for an unknown name or no size."""
    known = open_sizes(graph)
    sizes: dict[str, int] = {}
    for text in texts:
        name, equals, number = text.rpartition("=")
        if not (number.isascii() and number.isdecimal()):
            raise ArgumentError(f"--size {text!r} is no size; write it like --size n=4, or --size 4 for all open sizes")
        if equals and name not in known:
            raise ArgumentError(f"--size {text!r}: the model has no open size {name!r}; it has {_listed(known)}")
        sizes.update({each: int(number) for each in ([name] if equals else known)})
    return sizes


def parse_inputs(graph: Graph, texts: Sequence[str], default: str | None = None) -> dict[str, str]:
    """What each input is made from, by input name: ``random``, ``zeros`` or a file.

    ``texts`` are ``NAME=SOURCE``, or ``random`` or ``zeros`` for all inputs that are not named. Raises ArgumentError
    for an unknown name, and for an input without a source.
    """
    names = input_names(graph)
    sources: dict[str, str] = {}
    for text in texts:
        if text in GENERATED:
            default = text
            continue
        # Names in ONNX may hold '=' themselves.
        name = max((n for n in names if text.startswith(f"{n}=")), key=len, default=None)
        if name is None:
            raise ArgumentError(f"--input {text!r} names no input of the model, which has {_listed(names)}; write it "
                                "like --input x=FILE.npy, x=random or x=zeros")  # fmt: skip
        sources[name] = text[len(name) + 1 :]
    missing = [name for name in names if name not in sources]
    if missing and default is None:
        raise ArgumentError(f"no value for input {missing[0]!r}; add --input {missing[0]}=FILE.npy, "
                            f"{missing[0]}=random or {missing[0]}=zeros, or --input random for all inputs")  # fmt: skip
    return sources | {name: default for name in missing if default is not None}


def make_inputs(
    graph: Graph, sources: Mapping[str, str], sizes: Mapping[str, int], seed: int
) -> tuple[list[Array], dict[str, int]]:
    """The input arrays in order, and the sizes of all open axes: as given, as in the files, else 1.

    Random floats are normal, except for state, which may hold variances: it is small and positive. Random integers and
    bools are 0 or 1, which are valid indices too. Raises ArgumentError for a file that is unreadable or does not fit.
    """
    bindings = dict(sizes)
    arrays: dict[str, Array] = {}
    named = list(zip(input_names(graph), graph.inputs, strict=True))
    for name, value in named:
        if sources[name] not in GENERATED:
            arrays[name] = _from_file(name, value, Path(sources[name]), bindings)
    for name in open_sizes(graph):
        bindings.setdefault(name, _DEFAULT_SIZE)
    rng = np.random.default_rng(seed)
    states = {state.input for state in graph.states}
    for name, value in named:
        if name not in arrays:
            arrays[name] = _generated(name, value.type, sources[name], bindings, rng, value.index in states)
    return [arrays[name] for name, _ in named], bindings


def random_inputs(graph: Graph, sizes: Mapping[str, int], seed: int) -> list[Array]:
    """Random arrays for all inputs, as :func:`make_inputs` makes them."""
    sources = dict.fromkeys(input_names(graph), "random")
    return make_inputs(graph, sources, sizes, seed)[0]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _from_file(name: str, value: Value, path: Path, bindings: dict[str, int]) -> Array:
    array = _fitting_dtype(name, value.type, path, _load(name, path))
    try:
        dims.solve(value.type.shape, array.shape, bindings)
    except ValueError as error:
        raise ArgumentError(f"input {name!r}: {path} does not fit {value.type}: {error}") from error
    return array


def _load(name: str, path: Path) -> Array:
    if not path.is_file():
        raise ArgumentError(f"input {name!r}: {path} is no file; give a .npy file, or random or zeros")
    try:
        loaded = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ArgumentError(f"input {name!r}: {path} is no readable .npy file: {error}") from error
    if not isinstance(loaded, np.ndarray):
        raise ArgumentError(f"input {name!r}: {path} is an archive of arrays; give a .npy file with one array")
    return loaded


def _fitting_dtype(name: str, type: TensorType, path: Path, array: Array) -> Array:
    wanted = type.dtype.np
    if type.dtype is bfloat16 and array.dtype == np.dtype("V2"):
        return array.view(wanted)  # NumPy's file format has no name for bfloat16
    if array.dtype.newbyteorder("=") != wanted:
        raise ArgumentError(f"input {name!r}: {path} holds {array.dtype}, the model takes {wanted}; convert it with "
                            f"np.save(path, array.astype('{wanted}'))")  # fmt: skip
    return array.astype(wanted, copy=False)


def _generated(
    name: str, type: TensorType, source: str, bindings: Mapping[str, int], rng: np.random.Generator, is_state: bool
) -> Array:
    shape: Any = tuple(dims.evaluate(dim, bindings) for dim in type.shape)
    if any(size < 0 for size in shape):
        raise ArgumentError(f"input {name!r} of type {type} would have the shape {shape} with sizes {dict(bindings)}; "
                            "choose larger ones with --size")  # fmt: skip
    dtype: np.dtype[Any] = type.dtype.np
    if math.prod(shape) * dtype.itemsize > _MAX_BYTES:
        raise ArgumentError(f"input {name!r} of type {type} would have the shape {shape}, more than any memory holds; "
                            "choose smaller sizes")  # fmt: skip
    kind = type.dtype.kind
    if kind == "s":
        return np.full(shape, "" if source == "zeros" else "text", object)
    if source == "zeros":
        return np.zeros(shape, dtype)
    if kind == "f" and is_state:
        return np.asarray(rng.random(shape) * _STATE_SCALE).astype(dtype)
    if kind == "f":
        return np.asarray(rng.standard_normal(shape)).astype(dtype)
    if kind == "c":
        return np.asarray(rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(dtype)
    return np.asarray(rng.integers(0, 2, shape)).astype(dtype)
