"""ExportArchive: several functions that share weights, as ONNX files in one folder."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from graphc.export import export_onnx, initial_state
from graphc.function import ConcreteFunction, Function, function
from graphc.keras.engine.layer import Layer
from graphc.keras.engine.tracking import unique
from graphc.keras.models.exporting import open_spec_of
from graphc.keras.utils.messages import print_message
from graphc.pytree import map_leaves
from graphc.tracing import unique_name
from graphc.variable import Variable
from graphc_ir.errors import ArgumentError, ExportError
from graphc_ir.ops.base import Array

__all__ = ["ExportArchive"]

_NAME: Final = re.compile(r"[A-Za-z_][\w.-]*")


class ExportArchive:
    """Functions to export together, by the names of their endpoints.

    :meth:`write_out` makes a folder: ``NAME.onnx`` for each endpoint, checked and with its weights inside;
    ``NAME.state.npz`` for an endpoint that assigns Variables (moving averages, random state), with the values that its
    ``VARIABLE`` inputs start from, whose new values are its ``VARIABLE.new`` outputs; ``NAME.npz`` for each variable
    collection, by the Variables' paths. Open sizes stay open. Raises ArgumentError for another ``format`` than
    ``"onnx"``.
    """

    def __init__(self, format: str = "onnx") -> None:
        if format != "onnx":
            raise ArgumentError(f"ExportArchive: got format={format!r}, but graphc writes ONNX files; leave the format "
                                "out, and run NAME.onnx of the folder with ONNX Runtime where a SavedModel was "
                                "loaded")  # fmt: skip
        self._tracked: list[Variable] = []
        self._endpoints: dict[str, ConcreteFunction] = {}
        self._collections: dict[str, list[Variable]] = {}

    @property
    def variables(self) -> list[Variable]:
        """The Variables of what :meth:`track` was given."""
        return list(self._tracked)

    @property
    def trainable_variables(self) -> list[Variable]:
        return [variable for variable in self._tracked if variable.trainable]

    @property
    def non_trainable_variables(self) -> list[Variable]:
        return [variable for variable in self._tracked if not variable.trainable]

    def track(self, resource: Any) -> None:
        """Lists the Variables of a layer or model, or a Variable, in :attr:`variables`. Endpoints find those that they
        use by themselves. Raises ArgumentError for anything else, and for a layer that is not built."""
        if isinstance(resource, Layer):
            if not resource.built:
                raise ArgumentError(f"track: layer {resource.name!r} has not yet been built, so its weights do not "
                                    "exist; call it on data or build(input_shape) first")  # fmt: skip
            found = resource.variables
        elif isinstance(resource, Variable):
            found = [resource]
        else:
            raise ArgumentError(f"track: Invalid resource type: got {resource!r} of type {type(resource).__name__}, "
                                "expected a Layer, a Model or a Variable")  # fmt: skip
        self._tracked = unique([*self._tracked, *found])

    def add_endpoint(self, name: str, fn: Callable[..., Any], input_signature: Any = None) -> Any:
        """Adds a function: ``input_signature`` has for each argument an InputSpec, a TensorSpec, a KerasTensor or a
        tensor, or a structure of them; None for sizes that stay open. The first sizes, if open, are the batch's: equal
        for all arguments. Without it, ``fn`` must be a ``tf.function`` that has one, or that was called; its first
        trace then counts.

        Returns the ``tf.function``. Raises ArgumentError for a name that is taken or no file name, and for a function
        whose arguments are not known.
        """
        self._check_name(name, "endpoint")
        if input_signature is not None:
            plain = fn.python_function if isinstance(fn, Function) else fn
            signature = map_leaves(open_spec_of, tuple(input_signature))
            traced = function(plain, input_signature=signature)
            self._endpoints[name] = traced.get_concrete_function()
            return traced
        self._endpoints[name] = _first_trace(name, fn)
        return fn

    def track_and_add_endpoint(self, name: str, resource: Any, input_signature: Any = None) -> Any:
        """:meth:`track` of a layer or model, and :meth:`add_endpoint` of calling it."""
        self.track(resource)
        return self.add_endpoint(name, resource.__call__, input_signature)

    def add_variable_collection(self, name: str, variables: Iterable[Variable]) -> None:
        """Adds Variables (a list, tuple or set) whose values are written too, e.g. an optimizer's.

        Raises ArgumentError for anything else, and for a name that is taken or no file name.
        """
        self._check_name(name, "collection")
        if not isinstance(variables, (list, tuple, set)):
            raise ArgumentError("add_variable_collection: Expected `variables` to be a list/tuple/set, got "
                                f"{type(variables).__name__}")  # fmt: skip
        others = sorted({type(v).__name__ for v in variables if not isinstance(v, Variable)})
        if others:
            raise ArgumentError("add_variable_collection: Expected all elements in `variables` to be Variables, got "
                                f"also {', '.join(others)}")  # fmt: skip
        self._collections[name] = list(variables)

    def write_out(self, filepath: str | os.PathLike[str], options: Any = None, verbose: bool = True) -> None:
        """Writes the folder ``filepath``; a path that ends in ``.onnx`` is the file of the only endpoint.

        Every file is complete and checked before the first one takes its place; other files of the folder stay.
        Raises ArgumentError without endpoints, for ``options`` (which are TensorFlow's), and for a single file that
        cannot hold all; ExportError for a function without an ONNX form.
        """
        if not self._endpoints:
            raise ArgumentError("write_out: No endpoints have been set yet. Call add_endpoint(name, fn, "
                                "input_signature) first")  # fmt: skip
        if options is not None:
            raise ArgumentError(f"write_out: got options={options!r}, which are for SavedModels; leave them out")
        path = Path(filepath)
        if path.suffix == ".onnx":
            self._write_single(path)
        else:
            self._write_folder(path)
        if verbose:
            print_message(f"Saved artifact at '{path}'. The following endpoints are available:\n\n"
                          + "\n\n".join(_described(*item) for item in self._endpoints.items()))  # fmt: skip

    # --- files ---------------------------------------------------------------------------------------------------

    def _write_single(self, path: Path) -> None:
        concrete, *others = self._endpoints.values()
        if others or self._collections or _assigns(concrete):
            raise ArgumentError(f"write_out: {path} is one file, which holds one endpoint that assigns nothing; got "
                                f"the endpoints {list(self._endpoints)} and the collections {list(self._collections)}; "
                                f"give a folder, e.g. {path.with_suffix('')}")  # fmt: skip
        _export(concrete, path)

    def _write_folder(self, path: Path) -> None:
        if path.exists() and not path.is_dir():
            raise ExportError(f"write_out: {path} is a file, expected a folder or a new name")
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".export.", dir=path if path.is_dir() else path.parent) as name:
            folder = Path(name)
            for endpoint, concrete in self._endpoints.items():
                _write_endpoint(folder, endpoint, concrete)
            for collection, variables in self._collections.items():
                _write_arrays(folder / f"{collection}.npz", _values_of(variables))
            path.mkdir(exist_ok=True)
            # Models last: a model that is there has its data and its state.
            for file in sorted(folder.iterdir(), key=lambda file: file.suffix == ".onnx"):
                os.replace(file, path / file.name)

    def _check_name(self, name: str, kind: str) -> None:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ArgumentError(f"the name of an {kind} becomes a file name: got {name!r}, expected letters, digits, "
                                "'_', '.' and '-', not a digit first")  # fmt: skip
        if name in self._endpoints or name in self._collections:
            raise ArgumentError(f"Endpoint name {name!r} is already taken; the archive has "
                                f"{[*self._endpoints, *self._collections]}")  # fmt: skip


def _first_trace(name: str, fn: Any) -> ConcreteFunction:
    if isinstance(fn, ConcreteFunction):
        return fn
    if not isinstance(fn, Function):
        raise ArgumentError(f"add_endpoint({name!r}): the `fn` argument provided is not a `tf.function`, so you must "
                            "provide an `input_signature`, e.g. [keras.InputSpec(shape=(None, 784), "
                            "dtype='float32')]")  # fmt: skip
    if fn.input_signature is not None:
        return fn.get_concrete_function()
    if not fn.concrete_functions:
        raise ArgumentError(f"add_endpoint({name!r}): the tf.function {fn.name} has never been called; call it, or "
                            "give an `input_signature`")  # fmt: skip
    return fn.concrete_functions[0]


def _assigns(concrete: ConcreteFunction) -> bool:
    return any(state.output is not None for state in concrete.graph.states)


def _export(concrete: ConcreteFunction, path: Path) -> None:
    assigns = _assigns(concrete)
    export_onnx(concrete, path, train=assigns, level="O0" if assigns else "O3")


def _write_endpoint(folder: Path, name: str, concrete: ConcreteFunction) -> None:
    _export(concrete, folder / f"{name}.onnx")
    if _assigns(concrete):
        _write_arrays(folder / f"{name}.state.npz", initial_state(concrete))


def _values_of(variables: Iterable[Variable]) -> dict[str, Array]:
    taken: dict[str, int] = {}
    return {unique_name(variable.path, taken): np.asarray(variable.numpy()) for variable in variables}


def _write_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    # NumPy files have no bfloat16; float32 holds its numbers exactly.
    plain: dict[str, Any] = {name: a.astype(np.float32) if a.dtype.kind == "V" else a for name, a in arrays.items()}
    with path.open("wb") as file:
        np.savez(file, **plain)
        file.flush()
        os.fsync(file.fileno())


def _described(name: str, concrete: ConcreteFunction) -> str:
    graph = concrete.graph
    inputs = [f"  {value.name}: {value.type}" for value in graph.inputs[: graph.num_arguments]]
    outputs = [f"  {value.type}" for value in graph.outputs[: graph.num_results]]
    return "\n".join([f"* Endpoint '{name}'", " inputs:", *inputs, " outputs:", *outputs])
