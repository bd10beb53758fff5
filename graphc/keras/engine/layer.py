"""Layer: weights and a computation on tensors, eager, traced or as part of a functional model."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from graphc import autograph
from graphc.framework import name_scope
from graphc.keras import dtype_policies, regularizers
from graphc.keras.engine.build import arguments_by_shape, recording_build
from graphc.keras.engine.call_context import CallContext, current_call, enter_call
from graphc.keras.engine.call_spec import CallSignature, signature_of_call
from graphc.keras.engine.captured import captured_config, takes_argument
from graphc.keras.engine.inference import infer_outputs
from graphc.keras.engine.input_spec import InputSpec, check_inputs
from graphc.keras.engine.keras_tensor import any_symbolic
from graphc.keras.engine.node import connect
from graphc.keras.engine.operation import Operation, checked_name
from graphc.keras.engine.rematerialization import remat
from graphc.keras.engine.shapes import as_shape, described, shapes_of
from graphc.keras.engine.symbolic_scope import in_symbolic_scope
from graphc.keras.engine.tracking import MetricBase, held, unique
from graphc.keras.engine.weights import WeightHolder
from graphc.keras.naming import auto_name, to_snake_case
from graphc.keras.registry import publish
from graphc.keras.stateless_scope import StatelessScope
from graphc.keras.variable import autocast_to
from graphc.mode import mode
from graphc.pytree import leaves_of, map_leaves
from graphc.tensor import Tensor
from graphc.variable import Variable
from graphc_ir.dtypes import as_dtype, int64
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import dtype_of, lift, shape_of
from graphc_ir.ops.elementwise import cast, div, maximum
from graphc_ir.ops.shape import size_operand
from graphc_ir.types import TensorSpec

__all__ = ["Layer", "paired_values"]

_INPUT_OPTIONS = ("input_shape", "batch_input_shape", "input_dim", "input_length", "batch_size", "input_dtype",
                  "weights", "dynamic", "quantization_config")  # fmt: skip


class Layer(WeightHolder, Operation):
    """Base of layers. Subclasses make weights in ``build(input_shape)`` and compute in ``call(inputs, ...)``.

    ``call`` may take ``training`` and ``mask``, which are then filled in: ``training`` by what the layer around was
    told, ``mask`` by the mask that the inputs carry. Variables, layers and metrics held in attributes (in lists and
    dicts too) belong to the layer.
    """

    input_spec: InputSpec | Sequence[InputSpec] | dict[str, InputSpec] | None
    supports_masking: bool
    _building: bool
    _build_shapes: dict[str, Any]
    _call_specs: dict[str, Any]
    """What the call that built the layer got: for each tensor argument a TensorSpec, or a structure of them."""
    _losses: list[Any]
    _path: str
    _dtype_policy: dtype_policies.DTypePolicy
    _last_call: CallContext | None
    """The last call of the layer that was no part of another one's. No list of layers: they need not be its own."""
    _input_options: dict[str, Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        # Here, so that attributes may be set before super().__init__() is called, as TensorFlow 2 allows.
        layer = super().__new__(cls, *args, **kwargs)
        layer._own_trainable = []
        layer._own_non_trainable = []
        layer._trainable = True
        layer.built = False
        layer._building = False
        layer._build_shapes = {}
        layer._call_specs = {}
        layer._losses = []
        layer._path = ""
        layer._last_call = None
        layer.name = kwargs["name"] if isinstance(kwargs.get("name"), str) else ""
        layer._dtype_policy = dtype_policies.get(None)
        layer.autocast = True
        layer.input_spec = None
        layer.supports_masking = False
        layer.activity_regularizer = None
        layer._input_options = {}
        return layer

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = recording_build(cls.__dict__["build"])  # type: ignore[method-assign]

    def __init__(
        self,
        trainable: bool = True,
        name: str | None = None,
        dtype: Any = None,
        activity_regularizer: Any = None,
        autocast: bool = True,
        **kwargs: Any,
    ) -> None:
        unknown = [key for key in kwargs if key not in _INPUT_OPTIONS]
        if unknown:
            raise ArgumentError(f"{type(self).__name__} does not know the arguments {', '.join(unknown)}; layers take "
                                "name, dtype, trainable, activity_regularizer, autocast, and those of their own "
                                f"__init__{inspect.signature(type(self).__init__)}")  # fmt: skip
        if not isinstance(trainable, bool):
            raise ArgumentError(f"{type(self).__name__}: trainable must be True or False, got {trainable!r}; expected "
                                "it to be a boolean")  # fmt: skip
        self.name = checked_name(name, self)
        self.dtype_policy = dtype
        self.autocast = autocast
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self._input_options = kwargs
        self._trainable = trainable

    # --- names and dtypes ----------------------------------------------------------------------------------------

    @property
    def path(self) -> str:
        """The name with those of the layers and name scopes around its first call or build; until then, the name."""
        return self._path or self._name_or_new()

    def _name_or_new(self) -> str:
        if not self.name:
            self.name = auto_name(to_snake_case(type(self).__name__))
        return self.name

    def _settle_path(self) -> None:
        if not self._path:
            name = self._name_or_new()
            self._path = f"{mode.scope}/{name}" if mode.scope else name

    def _open_name_scope(self) -> name_scope:
        self._settle_path()
        return name_scope(self._name_or_new())

    def _scope_of_call(self) -> AbstractContextManager[Any]:
        """The layer's scope; a call that ``build`` makes to build the layers inside runs in it already."""
        return nullcontext() if self._building else self._open_name_scope()

    @property
    def dtype_policy(self) -> dtype_policies.DTypePolicy:
        """Which dtype the layer computes in and which its weights have; may be set by name. Setting it in a layer with
        a DTypePolicyMap sets the entry of the layer's path."""
        return self._dtype_policy

    @dtype_policy.setter
    def dtype_policy(self, policy: Any) -> None:
        current = self._dtype_policy
        if isinstance(current, dtype_policies.DTypePolicyMap):
            if self.path in current:
                del current[self.path]
            current[self.path] = policy
        else:
            self._dtype_policy = dtype_policies.get(policy)

    @property
    def dtype(self) -> str:
        """The dtype of the weights."""
        return self.variable_dtype

    @property
    def compute_dtype(self) -> str:
        return self._dtype_policy.at(self.path).compute_dtype

    @property
    def variable_dtype(self) -> str:
        return self._dtype_policy.at(self.path).variable_dtype

    @property
    def input_dtype(self) -> str:
        return self.compute_dtype

    quantization_mode = None

    # --- building ------------------------------------------------------------------------------------------------

    @recording_build
    def build(self, input_shape: Any) -> None:
        """Makes the weights for inputs of this shape (or structure of shapes). By default, runs ``call`` on described
        inputs, so that the layers inside are built."""
        if input_shape is not None and self._sublayers():
            self.built = True
            self._infer((described(input_shape, self.compute_dtype),), {})

    def _after_build(self) -> None:
        """Called once the weights exist."""
        if not self._trainable:
            self.trainable = False

    def _build_for(self, tensors: dict[str, Any]) -> None:
        self._call_specs = {name: map_leaves(TensorSpec.from_tensor, value) for name, value in tensors.items()}
        if getattr(type(self).build, "_traces_call", False):  # the call itself builds the layers inside
            self.built = True
            first = next(iter(tensors.values()), None)
            self._build_shapes = {} if first is None else {"input_shape": shapes_of(first)}
            return
        args, kwargs = arguments_by_shape(type(self).build, tensors)
        with autocast_to(None):
            self.build(*args, **kwargs)

    def get_build_config(self) -> dict[str, Any] | None:
        """The shapes that the layer was built for; None if it was not."""
        if not self._build_shapes:
            return None
        if len(self._build_shapes) == 1:
            return {"input_shape": next(iter(self._build_shapes.values()))}
        return {"shapes_dict": dict(self._build_shapes)}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Builds for the shapes of :meth:`get_build_config`."""
        if "shapes_dict" in config:
            self.build(**{name: as_shape(shape) for name, shape in config["shapes_dict"].items()})
        elif config.get("input_shape") is not None:
            self.build(as_shape(config["input_shape"]))

    # --- calling -------------------------------------------------------------------------------------------------

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the outputs. Subclasses define it."""
        raise NotImplementedError(f"Layer {type(self).__name__} does not have a `call` method implemented. Define "
                                  "call(self, inputs)")  # fmt: skip

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if any_symbolic(args, kwargs):
            return connect(self, args, kwargs, self._infer(args, kwargs))
        return self._run(args, kwargs)

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        return self._infer(args, kwargs)

    def stateless_call(
        self,
        trainable_variables: Sequence[Any],
        non_trainable_variables: Sequence[Any],
        *args: Any,
        return_losses: bool = False,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        """A call with these values of the Variables, which keep their own.

        Returns the outputs and the values of :attr:`non_trainable_variables` afterwards; with ``return_losses``, the
        losses too. Raises ArgumentError for a layer that is not built and for a wrong number of values.
        """
        if not self.built:
            raise ArgumentError(f"layer {self.name!r} must be built before stateless_call, so that its Variables exist;"
                                " call it on data, or build(input_shape) first")  # fmt: skip
        trainable = paired_values(self.trainable_variables, trainable_variables, "trainable_variables")
        others = paired_values(self.non_trainable_variables, non_trainable_variables, "non_trainable_variables")
        with StatelessScope([*trainable, *others]) as scope:
            outputs = self(*args, **kwargs)
            losses = self.losses if return_losses else []
        self._clear_losses()
        updated = [scope.get_current_value(variable) for variable in self.non_trainable_variables]
        return (outputs, updated, losses) if return_losses else (outputs, updated)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """KerasTensors like the results of a call on these; builds the layer. A subclass that overrides
        ``compute_output_shape`` is believed."""
        if type(self).compute_output_shape is Layer.compute_output_shape:
            return self._infer(args, kwargs)
        signature = signature_of_call(type(self).call)
        tensors = signature.tensors_of(signature.bind(self, args, kwargs))
        shapes, named = arguments_by_shape(type(self).compute_output_shape, tensors)
        return described(self.compute_output_shape(*shapes, **named), self.compute_dtype)

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The shape (or structure of shapes) of the outputs for inputs of this shape; None for open sizes. For several
        tensor arguments, ``<argument>_shape=`` each."""
        inputs = tuple(described(shape, self.compute_dtype) for shape in args)
        named = {name.removesuffix("_shape"): described(shape, self.compute_dtype) for name, shape in kwargs.items()}
        if not named.keys() <= set(signature_of_call(type(self).call).names):
            inputs, named = (*inputs, *named.values()), {}
        return shapes_of(self._infer(inputs, named))

    def _infer(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        described = type(self).compute_output_spec
        if described is not Layer.compute_output_spec and not getattr(described, "_uses_call", False):
            return self.compute_output_spec(*args, **kwargs)
        try:
            return infer_outputs(lambda *a, **k: self._run(a, k), args, kwargs)
        finally:
            self._clear_losses()

    def _run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self._settle_path()
        signature = signature_of_call(type(self).call)
        args, kwargs = self._converted(args, kwargs)
        told = None if signature.takes_training else kwargs.pop("training", None)
        if not signature.takes_mask and not signature.takes_any_keyword:
            explicit_mask = kwargs.pop("mask", None)
        else:
            explicit_mask = kwargs.get("mask")
        bound = signature.bind(self, args, kwargs)
        tensors = signature.tensors_of(bound)
        first = next(iter(tensors.values()), args[0] if args else None)
        if self.input_spec is not None:
            check_inputs(self.input_spec, first, self.name)
        if not self.built:
            self._build_for(tensors)
        mask = _masks_of(first) if explicit_mask is None else explicit_mask
        _fill_masks(signature, bound, tensors, mask)
        training = self._training_of(signature, bound, told)
        if current_call() is None:
            self._clear_losses()
        with enter_call(self, training) as context, self._scope_of_call(), self._autocasting():
            outputs = self._call_of(bound)(*bound.args[1:], **bound.kwargs)
            if self.activity_regularizer is not None:
                self._regularize_activity(outputs)
        if context.root is self:
            self._last_call = context
        self._mark(first, outputs, mask)
        return outputs

    def _call_of(self, bound: inspect.BoundArguments) -> Any:
        call = autograph.convert(self.call)
        return call if self._remat_scope is None else self.rematerialized_call(call, *bound.args[1:], **bound.kwargs)

    def rematerialized_call(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        """What to call on these arguments in place of ``fn``, as the RematScope that the layer was made in says:
        :func:`keras.remat` of it, or a function that runs it with an activation that is computed again."""
        scope = self._remat_scope
        if scope is None or in_symbolic_scope():
            return fn
        if scope.mode == "activations" and getattr(self, "activation", None) is not None:
            return functools.partial(self._with_remat_activation, fn)
        if scope.mode == "list_of_layers" and self.name in scope.layer_names:
            return remat(fn)
        return super().rematerialized_call(fn, *args, **kwargs)

    def _with_remat_activation(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        layer: Any = self
        activation = layer.activation
        layer.activation = remat(activation)
        try:
            return fn(*args, **kwargs)
        finally:
            layer.activation = activation

    def _autocasting(self) -> Any:
        kind = as_dtype(self.compute_dtype)
        return autocast_to(kind.name if self.autocast and kind.is_floating else None)

    def _converted(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arrays become tensors; floats get the compute dtype."""
        if args and isinstance(args[0], (list, tuple)) and _is_plain_data(args[0]):
            args = (lift(args[0]), *args[1:])
        wanted = as_dtype(self.compute_dtype)
        casting = self.autocast and wanted.is_floating

        def convert(leaf: Any) -> Any:
            if isinstance(leaf, (np.ndarray, np.generic, Variable)):
                leaf = lift(leaf)
            if casting and isinstance(leaf, Tensor) and leaf.dtype.is_floating and leaf.dtype is not wanted:
                mask = getattr(leaf, "_keras_mask", None)
                leaf = cast(leaf, wanted)
                if mask is not None:
                    leaf._keras_mask = mask
            return leaf

        if not kwargs and len(args) == 1 and isinstance(args[0], Tensor):
            return (convert(args[0]),), kwargs
        converted: tuple[tuple[Any, ...], dict[str, Any]] = map_leaves(convert, (args, kwargs), none_is_leaf=True)
        return converted

    def _training_of(self, signature: CallSignature, bound: inspect.BoundArguments, told: Any) -> Any:
        """Who decides whether this is training: the call, the layer around it, the default of ``call``."""
        if not signature.takes_training:
            return told
        given = bound.arguments.get("training")
        context = current_call()
        if given is None and context is not None:
            given = context.training
        if given is None:
            given = signature.default_training
        if given is not None:
            bound.arguments["training"] = given
            _reorder(signature, bound)
        return given

    # --- masks ---------------------------------------------------------------------------------------------------

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask of the outputs: by default that of the inputs, if the layer supports masks."""
        return previous_mask

    def _mark(self, inputs: Any, outputs: Any, mask: Any) -> None:
        """Lets the outputs carry the mask that the layer computes for them."""
        has_mask = any(m is not None for m in leaves_of(mask, none_is_leaf=True)) if mask is not None else False
        if not self.supports_masking:
            if has_mask and type(self).compute_mask is Layer.compute_mask:
                warnings.warn(f"layer {self.name!r} ({type(self).__name__}) was passed an input with a mask but does "
                              "not support masking, so the mask ends here; set self.supports_masking = True if it "
                              "may pass on", stacklevel=5)  # fmt: skip
                return
            if type(self).compute_mask is Layer.compute_mask:
                return
        if not has_mask and type(self).compute_mask is Layer.compute_mask:
            return
        flat = [x for x in leaves_of(outputs) if isinstance(x, Tensor)]
        if all(getattr(x, "_keras_mask", None) is not None for x in flat):
            return
        masks = leaves_of(self.compute_mask(inputs, mask), none_is_leaf=True)
        for tensor, one in zip(flat, masks, strict=False):
            if one is not None:
                tensor._keras_mask = one

    # --- losses and metrics --------------------------------------------------------------------------------------

    def add_loss(self, loss: Any, **kwargs: Any) -> None:
        """Adds to the loss of the model: a scalar tensor (of this call), a list of them, or a function without
        arguments that is asked whenever the losses are."""
        context = current_call()
        if context is not None and self not in context.with_losses:
            self._losses = [kept for kept in self._losses if callable(kept)]
            context.with_losses.append(self)
        for one in leaves_of(loss):
            if context is None or context.collected is None or callable(one):
                self._losses.append(one if callable(one) else lift(one))
            else:
                context.collected.append((self, lift(one)))

    def add_metric(self, value: Any, aggregation: str | None = None, name: str | None = None) -> None:
        """Accepted for TensorFlow 2.0 code whose ``value`` is a Metric's call: its metric is found in the attributes.

        Raises ArgumentError for a bare tensor; keep a ``keras.metrics.Mean`` in an attribute and update that.
        """
        held_metrics = list(held(self, MetricBase))
        if not held_metrics:
            raise ArgumentError(f"layer {self.name!r}: add_metric got a tensor that no metric keeps; write "
                                "self.m = keras.metrics.Mean(name=...) in __init__ and self.m.update_state(value) "
                                "in call")  # fmt: skip

    @property
    def losses(self) -> list[Any]:
        """The losses of the last call of this layer and of those inside it, then those of the weights' regularizers."""
        layers = self._flatten_layers()
        added = [x() if callable(x) else x for layer in layers for x in layer._losses]
        regularized = [v for v in self.trainable_weights if getattr(v, "regularizer", None) is not None]
        return added + [v.regularizer(v) for v in regularized]  # type: ignore[attr-defined]

    def _clear_losses(self) -> None:
        for layer in [] if self._last_call is None else self._last_call.with_losses:
            layer._losses = [kept for kept in layer._losses if callable(kept)]
        self._last_call = None

    def _regularize_activity(self, outputs: Any) -> None:
        for tensor in leaves_of(outputs):
            batch = maximum(size_operand(shape_of(tensor)[0], int64), 1)
            self.add_loss(div(self.activity_regularizer(tensor), cast(batch, dtype_of(tensor))))

    @property
    def metrics(self) -> list[Any]:
        """The metrics held by this layer and those inside it."""
        return unique(m for layer in self._flatten_layers() for m in held(layer, MetricBase))

    # --- configuration -------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer. Raises NotImplementedError when a subclass takes arguments that
        cannot be written and does not override this."""
        base: dict[str, Any] = {
            "name": self._name_or_new(),
            "trainable": self.trainable,
            "dtype": dtype_policies.serialize(self.dtype_policy),
        }
        if self.activity_regularizer is not None:
            base["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        cls = type(self)
        if not getattr(cls.get_config, "_captures_arguments", False) or cls.__init__ is Layer.__init__:
            return base
        config = {name: value for name, value in base.items() if takes_argument(cls, name)}
        return config | {k: v for k, v in captured_config(self, self._init_arguments).items() if k not in base}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A layer from what :meth:`get_config` returned."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


# Marks of methods that a subclass has not overridden.
Layer.build._traces_call = True  # type: ignore[attr-defined]
Layer.compute_output_spec._uses_call = True  # type: ignore[attr-defined]
Layer.get_config._captures_arguments = True  # type: ignore[attr-defined]


def paired_values(variables: Sequence[Variable], values: Sequence[Any], what: str) -> list[tuple[Variable, Any]]:
    """Each Variable with its value in a stateless call. Raises ArgumentError when their numbers differ."""
    if len(variables) != len(values):
        raise ArgumentError(f"stateless call: got {len(values)} {what}, but the layer has {len(variables)}; give one "
                            f"value for each of layer.{what}")  # fmt: skip
    return list(zip(variables, values, strict=True))


def _is_plain_data(value: Any) -> bool:
    leaves = leaves_of(value)
    return bool(leaves) and all(isinstance(leaf, (int, float)) for leaf in leaves)


def _masks_of(value: Any) -> Any:
    if isinstance(value, Tensor):
        return getattr(value, "_keras_mask", None)
    masks = map_leaves(lambda x: getattr(x, "_keras_mask", None), value, none_is_leaf=True)
    return masks if any(m is not None for m in leaves_of(masks, none_is_leaf=True)) else None


def _fill_masks(signature: CallSignature, bound: Any, tensors: dict[str, Any], mask: Any) -> None:
    """Passes the masks that the arguments carry: to ``mask`` the first one's, to ``<argument>_mask`` each one's."""
    wanted = {f"{name}_mask": value for name, value in tensors.items() if f"{name}_mask" in signature.names}
    found = {name: _masks_of(value) for name, value in wanted.items()}
    if signature.takes_mask:
        found["mask"] = mask
    changed = False
    for name, value in found.items():
        if value is not None and bound.arguments.get(name) is None:
            bound.arguments[name] = value
            changed = True
    if changed:
        _reorder(signature, bound)


def _reorder(signature: CallSignature, bound: inspect.BoundArguments) -> None:
    """BoundArguments reads its dict in the order of the parameters."""
    order = [name for name in signature.signature.parameters if name in bound.arguments]
    bound.arguments = {name: bound.arguments[name] for name in order}


publish("keras", {"Layer": Layer}, ["Layer"])
publish("keras.layers", {"Layer": Layer}, ["Layer"])
