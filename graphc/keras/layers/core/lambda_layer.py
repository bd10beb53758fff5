"""Lambda: any function of tensors as a layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from graphc.autograph import convert
from graphc.keras.engine.layer import Layer
from graphc.keras.serialization import deserialize_keras_object, serialize_keras_object
from graphc_ir.errors import ArgumentError

__all__ = ["Lambda"]


class Lambda(Layer):
    """``function(inputs, **arguments)``; a function that has ``mask`` or ``training`` parameters gets those too.

    ``mask``: the mask of the outputs, or a function of inputs and their mask that gives it. ``output_shape`` is only
    kept for files: the shape of the outputs is found by tracing the function. Named functions can be saved and loaded
    if they are registered; a file with a ``lambda`` in it is not loaded (see ``keras.saving``).
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not callable(function):
            raise ArgumentError(f"Lambda takes a function of its inputs, got {function!r} ({type(function).__name__})")
        self.function = function
        self.declared_output_shape = output_shape
        self.mask = mask
        self.arguments = dict(arguments or {})
        self.supports_masking = mask is not None
        self._context = _taken_by(function)

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        given = {"mask": mask, "training": training}
        return convert(self.function)(inputs, **self.arguments, **{name: given[name] for name in self._context})

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "function": serialize_keras_object(self.function)}
        if self.declared_output_shape is not None:
            config["output_shape"] = serialize_keras_object(self.declared_output_shape)
        if self.mask is not None:
            config["mask"] = serialize_keras_object(self.mask)
        return {**config, "arguments": serialize_keras_object(self.arguments)}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None, safe_mode: bool | None = None
    ) -> Any:
        """Raises SafeModeError for a config that holds a ``lambda`` as bytecode, whatever ``safe_mode`` says."""
        parts = ("function", "output_shape", "mask", "arguments")
        read = {key: deserialize_keras_object(config[key], custom_objects) for key in parts if key in config}
        return cls(**{**config, **read})


def _taken_by(function: Callable[..., Any]) -> tuple[str, ...]:
    """Which of ``mask`` and ``training`` the function has a parameter for."""
    try:
        parameters = inspect.signature(function).parameters
    except ValueError:  # some built-in functions do not tell
        return ()
    return tuple(name for name in ("mask", "training") if name in parameters)
