"""The functions that stand for a model in an export: its inference, and its training step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.autograph import traced
from graphc.function import ConcreteFunction, trace_call
from graphc.keras.config import floatx
from graphc.keras.engine.input_spec import InputSpec
from graphc.keras.engine.keras_tensor import KerasTensor
from graphc.keras.losses import Loss
from graphc.mode import mode
from graphc.pytree import flatten, leaves_of, map_leaves, unflatten
from graphc.signature import Call, as_spec
from graphc.tensor import Tensor, wrap
from graphc_ir.dims import symbol
from graphc_ir.dtypes import as_dtype
from graphc_ir.errors import ExportError
from graphc_ir.types import TensorSpec

__all__ = ["inference_function", "open_spec_of", "spec_of", "training_function"]

Exported = tuple[ConcreteFunction, list[str], list[str]]
BATCH = "batch"


def inference_function(model: Any, specs: Any) -> Exported:
    """The model's outputs for its inputs, not training, with the names of both."""
    wanted = _argument_specs(model, specs)
    names = _input_names(model, wanted)
    keywords = list(model._call_specs)[1:]

    def infer(first: Any, *others: Any) -> Any:
        return model(first, **dict(zip(keywords, others, strict=True)), training=False)

    concrete = _traced(infer, wanted, names, model.name)
    return concrete, names, _output_names(model, concrete, names)


def training_function(model: Any, specs: Any) -> Exported:
    """One training step on a batch ``(x, y)``: the loss and the metrics of this batch, with new weights and slots.

    Raises ExportError for a model that is not compiled, or whose targets cannot be told from its losses.
    """
    if not model.compiled:
        raise ExportError(f"model {model.name!r} is not compiled, so it has no training step; call compile first, or "
                          "export it with train=False")  # fmt: skip
    x, y = specs if specs is not None else (None, None)
    wanted_x = _argument_specs(model, x)[0]
    wanted_y = _target_specs(model) if y is None else map_leaves(spec_of, y)

    def step(x: Any, y: Any) -> Any:
        _forget_metrics(model)
        return model.train_step((x, y))

    names = [*_input_names(model, (wanted_x,)), *_target_names(model, wanted_y)]
    if not model._compiled_metrics.built:
        # Metrics are made when they first see targets and outputs; only then can their state be left out.
        _traced(step, (wanted_x, wanted_y), names, model.name)
    concrete = _traced(step, (wanted_x, wanted_y), names, f"{model.name}_train_step")
    results = concrete.structured_outputs
    return concrete, names, sorted(results) if isinstance(results, dict) else []


def _forget_metrics(model: Any) -> None:
    """Metrics are those of the batch: their state is no state of the exported step."""
    for variable in model.metrics_variables:
        mode.tracer.make_local(variable, wrap(variable._cell.read()))
    model.reset_metrics()


def _traced(function: Any, specs: tuple[Any, ...], names: Sequence[str], name: str) -> ConcreteFunction:
    leaves, structure = flatten(specs)
    placeholders = unflatten(structure, [wrap(np.zeros((), spec.dtype.np)) for spec in leaves])
    types = [spec.to_type() for spec in leaves]
    return trace_call(traced(function, True), Call(tuple(placeholders), {}), types, names, _identifier(name))


def _identifier(name: str) -> str:
    return name.replace("/", "_")


# --- inputs ------------------------------------------------------------------------------------------------------


def _argument_specs(model: Any, given: Any) -> tuple[Any, ...]:
    """TensorSpecs in the structure of each argument of the model's call. Raises ExportError where these are unknown."""
    if given is not None:
        return _given_specs(model, given)
    if model._graph is not None:
        return (map_leaves(_described, model._inputs_structure),)
    if model._call_specs:
        return tuple(map_leaves(_with_open_batch, value) for value in model._call_specs.values())
    shapes = model._build_shapes.get("input_shape")
    if shapes is None:
        raise ExportError(f"the inputs of model {model.name!r} are not known; call it on data first, or pass specs, "
                          "e.g. specs=[tf.TensorSpec([None, 784])]")  # fmt: skip
    return (_of_shapes(shapes),)


def _given_specs(model: Any, given: Any) -> tuple[Any, ...]:
    if model._graph is not None:
        return (unflatten(flatten(model._inputs_structure)[1], [spec_of(leaf) for leaf in leaves_of(given)]),)
    listed = isinstance(given, (list, tuple))
    if listed and len(given) == max(1, len(model._call_specs)):
        return tuple(map_leaves(spec_of, argument) for argument in given)
    return (map_leaves(spec_of, given),)


def spec_of(leaf: Any) -> TensorSpec:
    """A TensorSpec for an InputSpec, a KerasTensor, a tensor or an array. Raises ExportError for anything else."""
    if isinstance(leaf, InputSpec) and leaf.shape is not None:
        return TensorSpec(leaf.shape, leaf.dtype or floatx(), leaf.name)
    if isinstance(leaf, KerasTensor):
        return TensorSpec(leaf.shape, leaf.dtype, leaf.name)
    found = as_spec(leaf)
    if not isinstance(found, TensorSpec):
        raise ExportError(f"a signature is made of tf.TensorSpec or keras.InputSpec with a shape, got {leaf!r}; write "
                          "e.g. tf.TensorSpec([None, 784])")  # fmt: skip
    return found


def open_spec_of(leaf: Any) -> TensorSpec:
    """The same with the first size, if it is open, named as the batch's; that of a tensor or an array is open."""
    spec = spec_of(leaf)
    shape = tuple(spec.shape)
    is_data = isinstance(leaf, (Tensor, np.ndarray)) and not isinstance(leaf, KerasTensor)
    return TensorSpec(_open_batch((None, *shape[1:]) if is_data and shape else shape), spec.dtype, spec.name)


def _described(tensor: KerasTensor) -> TensorSpec:
    return TensorSpec(_open_batch(tuple(tensor.shape)), tensor.dtype)


def _with_open_batch(spec: TensorSpec) -> TensorSpec:
    return TensorSpec(_open_batch((None, *spec.shape[1:])) if spec.shape else (), spec.dtype)


def _of_shapes(shapes: Any) -> Any:
    if isinstance(shapes, dict):
        return {key: _of_shapes(value) for key, value in shapes.items()}
    if shapes and isinstance(shapes[0], (list, tuple, dict)):
        return [_of_shapes(value) for value in shapes]
    return TensorSpec(_open_batch((None, *tuple(shapes)[1:])), floatx())


def _open_batch(shape: tuple[Any, ...]) -> tuple[Any, ...]:
    return (symbol(BATCH), *shape[1:]) if shape and shape[0] is None else shape


def _input_names(model: Any, specs: tuple[Any, ...]) -> list[str]:
    leaves = leaves_of(specs)
    if model._graph is not None and len(model.input_names) == len(leaves):
        own = list(model.input_names)
    elif len(specs) == 1:
        own = _numbered("x", len(leaves))
    else:
        counts = [len(leaves_of(argument)) for argument in specs]
        own = [n for name, count in zip(model._call_specs, counts, strict=True) for n in _numbered(name, count)]
    return [spec.name or name for spec, name in zip(leaves, own, strict=True)]


def _numbered(name: str, count: int) -> list[str]:
    return [name] if count == 1 else [f"{name}_{i}" for i in range(count)]


def _output_names(model: Any, concrete: ConcreteFunction, taken: Sequence[str]) -> list[str]:
    count = len(leaves_of(concrete.structured_outputs))
    if model._graph is not None and len(model.output_names) == count:
        return _distinct(model.output_names, set(taken))
    return ["output"] if count == 1 else [f"output_{i}" for i in range(count)]


def _distinct(names: Sequence[str], taken: set[str]) -> list[str]:
    found = []
    for name in names:
        unique, number = name, 0
        while unique in taken:
            number += 1
            unique = f"{name}_{number}"
        taken.add(unique)
        found.append(unique)
    return found


# --- targets -----------------------------------------------------------------------------------------------------


def _target_specs(model: Any) -> Any:
    """What the losses want to be compared with the outputs: class numbers for sparse losses, else the like of them."""
    if model._graph is None:
        raise ExportError(f"the targets of model {model.name!r} are not known; pass specs=(x, y), TensorSpecs in the "
                          "structure of the data")  # fmt: skip
    losses = model.loss
    outputs = model._outputs_structure
    if isinstance(outputs, dict):
        return {k: _target_spec(t, losses[k] if isinstance(losses, dict) else losses) for k, t in outputs.items()}
    if isinstance(outputs, (list, tuple)):
        listed = losses if isinstance(losses, (list, tuple)) else [losses] * len(outputs)
        return [_target_spec(t, loss) for t, loss in zip(outputs, listed, strict=True)]
    return _target_spec(outputs, losses)


def _target_spec(output: Tensor, loss: Any) -> TensorSpec:
    shape = _open_batch(tuple(output.shape))
    label = loss if isinstance(loss, str) else loss.name if isinstance(loss, Loss) else getattr(loss, "__name__", "")
    if label.lower().startswith("sparse"):
        return TensorSpec(shape[:-1], as_dtype("int64"))
    return TensorSpec(shape, output.dtype)


def _target_names(model: Any, specs: Any) -> list[str]:
    count = len(leaves_of(specs))
    if count == 1:
        return ["y"]
    names = model.output_names if model._graph is not None and len(model.output_names) == count else range(count)
    return [f"y_{name}" for name in names]
