"""Activations by name, and their names in files."""

from __future__ import annotations

from typing import Any

from graphc import nn
from graphc.keras import ops
from graphc.keras.activations.functions import gelu, linear, relu
from graphc.keras.registry import CustomObjectScope
from graphc.keras.serialization import resolve, serialize_as_name

__all__ = ["deserialize", "get", "serialize"]

# ``Dense(activation=tf.nn.relu)`` is saved as ``"relu"``.
_SAME_IN_NN = {
    nn.relu: relu,
    nn.relu6: ops.relu6,
    nn.elu: ops.elu,
    nn.selu: ops.selu,
    nn.gelu: gelu,
    nn.silu: ops.silu,
    nn.leaky_relu: ops.leaky_relu,
    nn.sigmoid: ops.sigmoid,
    nn.softmax: ops.softmax,
    nn.log_softmax: ops.log_softmax,
    nn.softplus: ops.softplus,
    nn.softsign: ops.softsign,
    nn.tanh: ops.tanh,
}


def get(identifier: Any) -> Any:
    """The activation of a name, a config or a callable (a layer too); None gives :func:`linear`.

    Raises ArgumentError for anything else.
    """
    return linear if identifier is None else resolve(identifier, "keras.activations")


def serialize(activation: Any) -> Any:
    """The name of a built-in activation; the config of any other function or layer."""
    return serialize_as_name(_SAME_IN_NN.get(activation, activation))


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The activation of what :func:`serialize` gave. Raises ArgumentError if it is not known."""
    with CustomObjectScope(custom_objects or {}):
        return get(config)
