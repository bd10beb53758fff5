"""Models in and out: graphs and functions as ONNX files, ONNX files as graphs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from onnx import ModelProto

from graphc.function import ConcreteFunction, Function, function
from graphc.variable import Variable
from graphc_backends.onnx.check import Source
from graphc_backends.onnx.export import (
    DEFAULT_OPSET,
    MAX_INLINE_BYTES,
    ModelFile,
    check_model,
    initializer_bytes,
    to_model,
)
from graphc_backends.onnx.importer import read_model
from graphc_backends.onnx.verify import verify_model
from graphc_ir.errors import ArgumentError, ExportError
from graphc_ir.freeze import freeze
from graphc_ir.graph import Graph
from graphc_ir.ops.base import Array
from graphc_ir.passes.pipelines import optimize

__all__ = ["Exportable", "export_onnx", "import_onnx", "import_onnx_with_state", "initial_state"]


_MODEL_LEVEL = "O3"


@runtime_checkable
class Exportable(Protocol):
    """What knows the function to export for it, such as a Keras model."""

    def export_function(
        self,
        train: bool,
        specs: Sequence[Any] | None = None,
        input_names: Sequence[str] | None = None,
        output_names: Sequence[str] | None = None,
    ) -> tuple[ConcreteFunction, Sequence[str] | None, Sequence[str] | None]:
        """The traced function, and the names of its inputs and outputs where they are to be other than its own."""
        ...


def export_onnx(
    obj: Any,
    path: str | os.PathLike[str] | None = None,
    opset: int = DEFAULT_OPSET,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    verify: bool | Sequence[Any] = True,
    train: bool = False,
    *,
    specs: Sequence[Any] | None = None,
    external_data: bool | None = None,
    level: str | None = None,
) -> ModelProto:
    """Writes ``obj`` as an ONNX model, to ``path`` if there is one, and returns the model.

    ``obj``: a Graph, a ``tf.function`` (with an input_signature, or with ``specs``), one of its concrete
    functions, a Keras model, or a Python callable with ``specs``: one TensorSpec or tensor per argument. Sizes
    that are open in the specs stay open in the model. Variables become initializers of their name.

    ``train=True`` exports a function that assigns Variables (of a model, its training step): each assigned one
    is an input ``NAME`` and an output ``NAME.new``, after the function's own; :func:`initial_state` gives the
    values to start from. ``level`` names the pipeline of passes that the graph goes through first (for a
    model's inference ``"O3"``, else none); with one, weights that are not assigned take part as constants.
    ``external_data`` puts large weights into ``<path>.data`` (the default for models beyond 2 GB).

    The model passes the full ONNX check and is compared with the reference interpreter on random inputs, or
    on those given as ``verify=[array, ...]``; ``verify=False`` leaves that out. The file appears only when
    all is well. Raises ExportError when the graph has no ONNX form, an assignment would be lost, or the model
    gives other results.
    """
    if isinstance(obj, Exportable):
        obj, input_names, output_names = obj.export_function(train, specs, input_names, output_names)
        specs, level = None, level or ("O0" if train else _MODEL_LEVEL)
    graph, variables = _graph_of(obj, specs)
    _check_assignments(graph, train)
    values = _state_values(graph, variables)
    assigned = {s.input for s in graph.states if s.output is not None}
    bound = {i: array for i, array in values.items() if i not in assigned}
    model = _written(graph, level or "O0", opset, input_names, output_names, bound)
    state = {i: _unsettled(array, i) for i, array in values.items() if i in assigned}
    inputs = None if isinstance(verify, bool) else [np.asarray(a) for a in verify]
    wanted = verify is not False
    if path is None:
        if external_data:
            raise ExportError("external_data=True needs a path: the data goes into a file next to it")
        check_model(model)
        if wanted:
            verify_model(model, graph, bound=bound, state=state, inputs=inputs)
        return model
    external = initializer_bytes(model) > MAX_INLINE_BYTES if external_data is None else external_data
    with ModelFile(model, Path(path), external) as file:
        check_model(file.temporary if external else model)
        if wanted:
            verify_model(file.temporary if external else model, graph, bound=bound, state=state, inputs=inputs)
        file.commit()
    return model


def _unsettled(array: Array, seed: int) -> Array:
    """State to compare two runs of a training step from: as it is, but with positive numbers for all zeros.

    From averages of 0, updates such as Adam's divide a gradient by its own size, which makes rounding errors of
    gradients that should be 0 (of a bias before batch norm, say) as large as any other.
    """
    if array.dtype.kind == "f" and array.ndim and not array.any():
        return np.random.default_rng(seed).uniform(0.1, 1.0, array.shape).astype(array.dtype)
    return array


def _written(
    graph: Graph,
    level: str,
    opset: int,
    input_names: Sequence[str] | None,
    output_names: Sequence[str] | None,
    bound: Mapping[int, Array],
) -> ModelProto:
    if level == "O0":
        return to_model(graph, opset, input_names, output_names, bound)
    optimized, _ = optimize(freeze(graph, bound), level, differentiable=False, cost=False)
    return to_model(optimized, opset, input_names, output_names)


def initial_state(obj: Any, specs: Sequence[Any] | None = None) -> dict[str, Array]:
    """The current values of the Variables that a training export takes as inputs, by input name."""
    if isinstance(obj, Exportable):
        obj, specs = obj.export_function(True, specs)[0], None
    graph, variables = _graph_of(obj, specs)
    values = _state_values(graph, variables)
    return {s.name: np.array(values[s.input]) for s in graph.states if s.output is not None and s.input in values}


def import_onnx(source: Source, *, shapes: Mapping[str, Sequence[Any]] | None = None, opaque: bool = True) -> Graph:
    """The graph of an ONNX model: a path, the file's bytes, or a ModelProto.

    Weights become constants; names of inputs, outputs and values stay, open sizes become symbols. Operators
    without an op here stay as ``onnx.<Operator>`` nodes, which run and export but have no gradient; with
    ``opaque=False`` they are an error. ``shapes`` gives sizes to inputs by name (ints, names, or None for
    open ones). Raises ImportModelError for a file that is damaged, unsafe, not ONNX, or beyond what graphs
    can express.
    """
    return read_model(source, shapes=shapes, opaque=opaque).graph


def import_onnx_with_state(
    source: Source, *, shapes: Mapping[str, Sequence[Any]] | None = None, opaque: bool = True
) -> tuple[Graph, dict[str, Array]]:
    """Like :func:`import_onnx`, with the floating-point weights as state inputs, so that they can be trained.

    Returns the graph and the weights' values by state name.
    """
    imported = read_model(source, initializers="state", shapes=shapes, opaque=opaque)
    return imported.graph, imported.values


def _graph_of(obj: Any, specs: Sequence[Any] | None) -> tuple[Graph, list[Variable]]:
    if isinstance(obj, (Graph, ConcreteFunction)):
        if specs is not None:
            raise ArgumentError(
                f"specs are for functions that are still to be traced; a {type(obj).__name__} has its types already"
            )
        return (obj, []) if isinstance(obj, Graph) else (obj.graph, obj.variables)
    if not callable(obj):
        raise ArgumentError(
            f"cannot export a {type(obj).__name__}; expected a Graph, a tf.function, a "
            "concrete function "
            "or a Python function with specs"
        )
    traced = obj if isinstance(obj, Function) else function(obj)
    if specs is None and traced.input_signature is None:
        raise ArgumentError(
            f"the argument types of {traced.name} are not known; pass specs, e.g. "
            "specs=[tf.TensorSpec([None, 784])], or give the function an input_signature"
        )
    concrete = traced.get_concrete_function(*(specs or ()))
    return concrete.graph, concrete.variables


def _state_values(graph: Graph, variables: Sequence[Variable]) -> dict[int, Array]:
    """Values of state inputs by input number; a bare Graph has none."""
    cells = zip(graph.states, variables, strict=True) if variables else ()
    return {state.input: np.asarray(variable.snapshot().numpy()) for state, variable in cells}


def _check_assignments(graph: Graph, train: bool) -> None:
    assigned = [state.name for state in graph.states if state.output is not None]
    if assigned and not train:
        raise ExportError(
            f"{graph.name} assigns "
            f"{', '.join(assigned[:5])}{' ...' if len(assigned) > 5 else ''}, which an "
            "inference model would lose; export it with train=True (each is then an input and "
            "an output), "
            "or export a function that assigns nothing"
        )
    if train and not assigned:
        raise ExportError(
            f"{graph.name} assigns no Variable, so there is nothing to train; export it without train=True"
        )
