"""Activations by name, and their names in files."""

from __future__ import annotations

from typing import Any

from graphc import nn
from graphc.keras.activations import rectified, smooth
from graphc.keras.activations.normalizing import log_softmax, softmax
from graphc.keras.registry import CustomObjectScope
from graphc.keras.serialization import resolve, serialize_as_name

__all__ = ["deserialize", "get", "serialize"]

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
    return rectified.linear if identifier is None else resolve(identifier, "keras.activations")


def serialize(activation: Any) -> Any:
    """The name of a built-in activation; the config of any other function or layer."""
    return serialize_as_name(_SAME_IN_NN.get(activation, activation))


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The activation of what :func:`serialize` gave. Raises ArgumentError if it is not known."""
    with CustomObjectScope(custom_objects or {}):
        return get(config)
