"""The weights of a layer: its own, those of the layers inside it, and what is trainable among them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from graphc.framework import name_scope
from graphc.keras import constraints, initializers, regularizers
from graphc.keras.config import standardize_dtype
from graphc.keras.engine.call_context import current_call
from graphc.keras.engine.tracking import MetricBase, Stateful, held, unique
from graphc.keras.random.seed_generator import SeedGenerator
from graphc.keras.variable import Variable
from graphc.variable import Variable as CoreVariable
from graphc_ir.dtypes import as_dtype
from graphc_ir.errors import ArgumentError, ShapeError

__all__ = ["WeightHolder"]

_TF2_ORDER = ("name", "shape", "dtype", "initializer", "regularizer", "trainable", "constraint")
_KERAS3_ORDER = ("shape", "initializer", "dtype", "trainable", "autocast", "regularizer", "constraint", "aggregation")
_IGNORED = {"use_resource", "synchronization", "aggregation", "overwrite_with_gradient", "partitioner"}


class WeightHolder(Stateful):
    """The part of a layer that holds weights.

    ``weights`` lists a layer's own Variables (trainable ones first), then those of its sublayers in the order of the
    attributes that hold them.
    """

    name: str
    built: bool
    _building: bool
    _own_trainable: list[CoreVariable]
    _own_non_trainable: list[CoreVariable]
    _trainable: bool

    @property
    def variable_dtype(self) -> str:
        """The dtype of weights that name none."""
        raise NotImplementedError(f"{type(self).__name__} must define variable_dtype")

    def add_weight(self, *args: Any, **kwargs: Any) -> Variable:
        """Makes a weight, in Keras's order ``(shape, initializer, dtype, trainable, ...)`` or TensorFlow 2.0's
        ``(name, shape, dtype, initializer, ...)``; all by keyword too.

        Without a shape it is a scalar. Raises ArgumentError for an unknown argument, and within a call of the layer.
        """
        order = _TF2_ORDER if args and (args[0] is None or isinstance(args[0], str)) else _KERAS3_ORDER
        given = {**dict(zip(order, args, strict=False)), **kwargs}
        unknown = set(given) - {*_TF2_ORDER, *_KERAS3_ORDER} - _IGNORED
        if unknown:
            raise ArgumentError(f"add_weight of layer {self.name!r} got unknown arguments {sorted(unknown)}; it takes "
                                f"{', '.join(sorted({*_TF2_ORDER, *_KERAS3_ORDER}))}")  # fmt: skip
        self._require_open()
        with self._scope_of_weights():
            variable = self._make_weight(given)
        own = self._own_trainable if variable.trainable else self._own_non_trainable
        own.append(variable)
        if not self._trainable:
            variable.trainable = False
        return variable

    add_variable = add_weight

    def _require_open(self) -> None:
        if self.built and not self._building and current_call() is not None:
            raise ArgumentError(f"layer {self.name!r} is built, so you cannot add new elements of state to it while it "
                                "is called: each call would add one. Make weights in __init__ or build")  # fmt: skip

    def _scope_of_weights(self) -> Any:
        """The scope of the layer's name; ``build`` opens it already."""
        return nullcontext() if self._building else name_scope(self.name)

    def _make_weight(self, given: dict[str, Any]) -> Variable:
        dtype = standardize_dtype(given.get("dtype") or self.variable_dtype)
        kind = as_dtype(dtype)
        default = "glorot_uniform" if kind.is_floating else "zeros"
        shape = given.get("shape")
        trainable = given.get("trainable")
        return Variable(
            initializers.get(given.get("initializer") or default),
            shape=() if shape is None else shape if isinstance(shape, Sequence) else (shape,),
            dtype=dtype,
            trainable=kind.is_floating if trainable is None else bool(trainable),
            autocast=given.get("autocast", True),
            name=given.get("name"),
            regularizer=regularizers.get(given.get("regularizer")),
            constraint=constraints.get(given.get("constraint")),
        )

    # --- finding -------------------------------------------------------------------------------------------------

    def _sublayers(self) -> list[WeightHolder]:
        """The layers directly held by attributes."""
        return unique(held(self, WeightHolder))

    def _flatten_layers(self, include_self: bool = True, recursive: bool = True) -> list[Any]:
        """This layer and those inside it, each once, in order."""
        found: dict[int, WeightHolder] = {id(self): self} if include_self else {}
        pending = list(reversed(self._sublayers()))
        while pending:
            layer = pending.pop()
            if id(layer) in found or layer is self:
                continue
            found[id(layer)] = layer
            if recursive:
                pending.extend(reversed(layer._sublayers()))
        return list(found.values())

    def _own_weights(self) -> list[CoreVariable]:
        """The layer's own Variables: those of ``add_weight``, and Variables in attributes."""
        listed = [*self._own_trainable, *self._own_non_trainable]
        known = {id(v) for v in listed}
        loose = [v for v in unique(held(self, CoreVariable)) if id(v) not in known]
        trainable = [*self._own_trainable, *(v for v in loose if v.trainable)]
        return [*trainable, *self._own_non_trainable, *(v for v in loose if not v.trainable)]

    @property
    def weights(self) -> list[CoreVariable]:
        """All weights, each once."""
        return unique(v for layer in self._flatten_layers() for v in layer._own_weights())

    @property
    def trainable_weights(self) -> list[CoreVariable]:
        """The weights that training changes: none if ``trainable`` is False."""
        return [v for v in self.weights if v.trainable] if self._trainable else []

    @property
    def non_trainable_weights(self) -> list[CoreVariable]:
        """All other weights."""
        return [v for v in self.weights if not v.trainable] if self._trainable else self.weights

    @property
    def trainable_variables(self) -> list[CoreVariable]:
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[CoreVariable]:
        trainable = {id(v) for v in self.trainable_weights}
        return [v for v in self.variables if id(v) not in trainable]

    @property
    def variables(self) -> list[CoreVariable]:
        """The weights, and the state of seed generators; for that of metrics see :attr:`metrics_variables`."""
        return unique([*self.weights, *self._random_state()])

    def _random_state(self) -> Iterator[CoreVariable]:
        for layer in self._flatten_layers():
            for generator in held(layer, SeedGenerator):
                yield from generator.variables

    @property
    def metrics_variables(self) -> list[CoreVariable]:
        return unique(v for layer in self._flatten_layers() for m in held(layer, MetricBase) for v in m.variables)

    @property
    def trainable(self) -> bool:
        """Whether training may change the weights. Setting it sets that of all layers inside."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        non_trainable = {id(v) for v in self._own_non_trainable}
        for variable in self._own_weights():
            if id(variable) not in non_trainable:
                variable.trainable = bool(value)
        for layer in self._sublayers():
            if layer is not self:
                layer.trainable = value

    # --- values --------------------------------------------------------------------------------------------------

    def get_weights(self) -> list[Any]:
        """The values of all weights as NumPy arrays."""
        return [np.array(v.numpy()) for v in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Sets all weights. Raises ArgumentError or ShapeError, before any is changed, when the arrays do not fit."""
        variables = self.weights
        if len(weights) != len(variables):
            names = ", ".join(v.path for v in variables) or "none"
            raise ArgumentError(f"layer {self.name!r} has {len(variables)} weights, but set_weights got {len(weights)} "
                                f"arrays; expected, in order: {names}")  # fmt: skip
        for variable, value in zip(variables, weights, strict=True):
            if tuple(np.shape(value)) != tuple(variable.shape):
                raise ShapeError(f"layer {self.name!r}: weight {variable.path} has shape {variable.shape}, but the "
                                 f"array given for it has shape {np.shape(value)}")  # fmt: skip
        for variable, value in zip(variables, weights, strict=True):
            variable.assign(value)

    def count_params(self) -> int:
        """The number of elements of all weights. Raises ArgumentError for a layer that is not built."""
        if not self.built:
            raise ArgumentError(f"layer {self.name!r} is not built, so its number of parameters is not known; call it "
                                "on data, or build(input_shape) first")  # fmt: skip
        return sum(math.prod(v.shape) for v in self.weights)

    def save_own_variables(self, store: Any) -> None:
        """Writes the layer's own weights (not those of sublayers) as ``store["0"]``, ``store["1"]``, ..."""
        for i, variable in enumerate(self._own_weights()):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Reads what :meth:`save_own_variables` wrote. Raises ArgumentError when the number or a shape differs."""
        variables = self._own_weights()
        if len(store.keys()) != len(variables):
            raise ArgumentError(f"layer {self.name!r} has {len(variables)} variables, but received "
                                f"{len(store.keys())} variables from the file"
                                + ("" if self.built or variables else "; build the layer before loading"))  # fmt: skip
        for i, variable in enumerate(variables):
            array = np.asarray(store[str(i)])
            if tuple(array.shape) != tuple(variable.shape):
                raise ShapeError(f"layer {self.name!r}: the shapes of variables must match, but the file has "
                                 f"{array.shape} for {variable.path} of shape {variable.shape}")  # fmt: skip
            variable.assign(array)
