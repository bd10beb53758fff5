"""Activations by name, and their names in files."""

from __future__ import annotations

from typing import Any

from graphc import nn
from graphc.keras.activations import rectified, smooth
from graphc.keras.activations.normalizing import log_softmax, softmax
from graphc.keras.registry import find_builtin
from graphc.keras.serialization import deserialize_keras_object, resolve, serialize_as_name
from graphc_ir.errors import ArgumentError

__all__ = ["deserialize", "get", "serialize"]

_ROOM = "keras.activations"

# ``Dense(activation=tf.nn.relu)`` is saved as ``"relu"``.
_SAME_IN_NN = {
    nn.relu: rectified.relu,
    nn.relu6: rectified.relu6,
    nn.elu: smooth.elu,
    nn.selu: smooth.selu,
    nn.gelu: smooth.gelu,
    nn.silu: smooth.silu,
    nn.leaky_relu: rectified.leaky_relu,
    nn.sigmoid: smooth.sigmoid,
    nn.softmax: softmax,
    nn.log_softmax: log_softmax,
    nn.softplus: smooth.softplus,
    nn.softsign: smooth.softsign,
    nn.tanh: smooth.tanh,
}


def get(identifier: Any) -> Any:
    """The activation of a name, a config or a callable (a layer too); None gives :func:`linear`.

    Raises ArgumentError for anything else.
    """
    if identifier is None:
        return rectified.linear
    if isinstance(identifier, dict):
        return deserialize(identifier)
    return resolve(identifier, _ROOM)


def serialize(activation: Any) -> Any:
    """The name of a built-in activation; the config of any other function or layer."""
    return serialize_as_name(_SAME_IN_NN.get(activation, activation))


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The activation of what :func:`serialize` gave. Raises ArgumentError if it is not known."""
    if isinstance(config, str):
        config = {"class_name": "function", "config": config}
    if not isinstance(config, dict):
        raise ArgumentError(f"{_ROOM}.deserialize: got {config!r}, expected a name or a config dict")
    name = config.get("config")
    known = find_builtin(_ROOM, name) if config.get("class_name") == "function" and isinstance(name, str) else None
    if known is not None and name not in (custom_objects or {}):
        return known
    return deserialize_keras_object(config, custom_objects)
