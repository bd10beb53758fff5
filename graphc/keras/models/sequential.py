"""Sequential: layers one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext, suppress
from typing import Any

from graphc.framework import name_scope
from graphc.keras import dtype_policies
from graphc.keras.engine.call_spec import signature_of_call
from graphc.keras.engine.keras_tensor import KerasTensor
from graphc.keras.engine.layer import Layer
from graphc.keras.engine.node import node_of
from graphc.keras.layers.core.input_layer import InputLayer
from graphc.keras.models.model import Model
from graphc.keras.registry import publish
from graphc.keras.serialization import deserialize_keras_object, serialize_keras_object
from graphc.tensor import Tensor
from graphc_ir.errors import ArgumentError, GraphcError

__all__ = ["Sequential"]


class Sequential(Model):
    """A stack of layers with one input and one output each.

    With an ``Input`` first, or ``input_shape=`` in the first layer, it is built at once; otherwise at its first call.
    """

    def __init__(self, layers: Iterable[Any] | None = None, trainable: bool = True, name: str | None = None,
                 dtype: Any = None) -> None:  # fmt: skip
        super().__init__(trainable=trainable, name=name, dtype=dtype)
        self._stack: list[Layer] = []
        self._is_deferred = False
        for layer in layers or ():
            self.add(layer, rebuild=False)
        self._rebuild()

    # --- the stack -----------------------------------------------------------------------------------------------

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Puts a layer (or the result of ``Input``) at the end.

        Raises ArgumentError for anything else, a second input or a name that is taken.
        """
        if isinstance(layer, KerasTensor) and layer.history is not None:
            layer = node_of(layer).operation
        if not isinstance(layer, Layer):
            raise ArgumentError(f"Only instances of keras.layers.Layer can be added to a Sequential, got {layer!r} "
                                f"({type(layer).__name__}); wrap a function in keras.layers.Lambda")  # fmt: skip
        if any(layer.name == other.name for other in self._stack):
            raise ArgumentError(f"the layers of a Sequential should have unique names; {layer.name!r} is in it already")
        if isinstance(layer, InputLayer) and self._stack:
            raise ArgumentError("an Input can only be the first of a Sequential, which has already been configured")
        self._stack.append(layer)
        if rebuild:
            self._rebuild()
        else:
            self._graph = None

    def pop(self, rebuild: bool = True) -> Any:
        """Takes the last layer off. Raises ArgumentError if there is none."""
        if not self._stack:
            raise ArgumentError("there are no layers in the model")
        layer = self._stack.pop()
        self.built = False
        self._graph = None
        if rebuild:
            self._rebuild()
        return layer

    @property
    def layers(self) -> list[Any]:
        """The layers in order, without the input."""
        return [layer for layer in self._stack if not isinstance(layer, InputLayer)]

    @layers.setter
    def layers(self, value: Any) -> None:
        raise AttributeError("`Sequential.layers` attribute is reserved. Use `add()` and `pop()` to change the layers")

    _layers_are_the_model = True

    def _sublayers(self) -> list[Any]:
        return list(self._stack)

    def _rebuild(self) -> None:
        """Builds the layers if the shape of the input is known."""
        self._graph = None
        if not self._stack:
            return
        first = self._stack[0]
        options = {} if isinstance(first, InputLayer) else first._input_options
        if isinstance(first, InputLayer):
            self._build_graph(first.output)
        elif _declares_input(options):
            self._build_graph(_declared_input(first, options).output)
        elif isinstance(first, Model) and first._graph is not None and len(first.inputs) == 1:
            source = first.inputs[0]
            self._build_graph(InputLayer(batch_shape=tuple(source.shape), dtype=source.dtype.name).output)
        elif self._build_shapes:
            self.build(self._build_shapes["input_shape"])

    def _build_graph(self, start: KerasTensor) -> None:
        if isinstance(self._stack[0], InputLayer) and len(self._stack) == 1:
            return
        x: Any = start
        with self._own_scope():
            for layer in self.layers:
                _check_arguments(layer)
                x = layer(x)
        self._connect(start, x)
        self._build_shapes = {"input_shape": tuple(start.shape)}

    def _own_scope(self) -> Any:
        """The scope of the model's name; ``build`` opens it already."""
        return nullcontext() if self._building else name_scope(self.name)

    def build(self, input_shape: Any = None) -> None:
        """Builds all layers for inputs of this shape (batch axis first). Raises ArgumentError if the model is built for
        another one."""
        if input_shape is None or not self._stack:
            return
        if self._graph is None:
            self._is_deferred = True
            start = InputLayer(batch_shape=tuple(input_shape), dtype=self._stack[0].compute_dtype)
            self._build_graph(start.output)
        elif tuple(self.inputs[0].shape)[1:] != tuple(input_shape)[1:]:
            raise ArgumentError(f"model {self.name!r} has already been configured for inputs of shape "
                                f"{tuple(self.inputs[0].shape)}, so it cannot be built for {input_shape}")  # fmt: skip

    def _build_for(self, tensors: dict[str, Any]) -> None:
        """At the first call, the layers are built as if the model began with an Input of this kind."""
        first = next(iter(tensors.values()), None)
        self.built = True
        if not isinstance(first, Tensor) or not self._stack:
            return
        shape = (None, *tuple(first.shape)[1:])
        self._is_deferred = True
        self._build_shapes = {"input_shape": shape}
        # A layer may need values; if something is wrong, the call that follows says so.
        with suppress(GraphcError, NotImplementedError):
            self._build_graph(InputLayer(batch_shape=shape, dtype=first.dtype.name).output)

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if not self._stack:
            raise ArgumentError(f"the Sequential model {self.name!r} has no layers; add() some before it is called")
        if self._graph is not None and not self._is_deferred:
            return self._call_graph(inputs, mask)
        x = inputs
        for layer in self.layers:
            x = layer(x)
        return x

    # --- configuration -------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        stack: list[Any] = list(self._stack)
        if self._graph is not None and not isinstance(stack[0], InputLayer):
            stack.insert(0, node_of(self.inputs[0]).operation)
        config: dict[str, Any] = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": dtype_policies.serialize(self.dtype_policy),
            "layers": [serialize_keras_object(layer) for layer in stack],
        }
        if self._build_shapes:
            config["build_input_shape"] = self._build_shapes["input_shape"]
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        options = {key: config[key] for key in ("name", "trainable", "dtype") if key in config}
        if cls.__init__ is not Sequential.__init__:
            return cls(**config)
        model = cls(**options)
        for layer in config["layers"]:
            model.add(deserialize_keras_object(layer, custom_objects), rebuild=False)
        model._rebuild()
        shape = config.get("build_input_shape")
        if model._graph is None and isinstance(shape, (list, tuple)):
            model.build(tuple(shape))
        return model

    def get_build_config(self) -> dict[str, Any] | None:
        return {"input_shape": self._build_shapes["input_shape"]} if self._build_shapes else None


def _check_arguments(layer: Layer) -> None:
    required = signature_of_call(type(layer).call).required
    if len(required) > 1:
        raise ArgumentError(f"layers of a Sequential can only have a single required positional argument, but the call "
                            f"of {layer.name!r} takes {', '.join(required)}; give the others defaults")  # fmt: skip


def _declares_input(options: dict[str, Any]) -> bool:
    return any(options.get(name) is not None for name in ("input_shape", "batch_input_shape", "input_dim"))


def _declared_input(layer: Layer, options: dict[str, Any]) -> InputLayer:
    """TensorFlow 2's ``input_shape=`` of a first layer."""
    shape = options.get("input_shape")
    if options.get("input_dim") is not None:
        shape = (options["input_dim"],)
    dtype = options.get("input_dtype") or layer.compute_dtype
    if options.get("batch_input_shape") is not None:
        return InputLayer(batch_shape=tuple(options["batch_input_shape"]), dtype=dtype)
    return InputLayer(shape=tuple(shape or ()), batch_size=options.get("batch_size"), dtype=dtype)


publish("keras", {"Sequential": Sequential}, ["Sequential"])
publish("keras.models", {"Sequential": Sequential}, ["Sequential"])
