"""Optimizers by name, and their configs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from graphc.keras.optimizers.adadelta import Adadelta
from graphc.keras.optimizers.adafactor import Adafactor
from graphc.keras.optimizers.adagrad import Adagrad
from graphc.keras.optimizers.adam import Adam, AdamW
from graphc.keras.optimizers.adamax import Adamax
from graphc.keras.optimizers.ftrl import Ftrl
from graphc.keras.optimizers.lamb import Lamb
from graphc.keras.optimizers.lion import Lion
from graphc.keras.optimizers.loss_scale import LossScaleOptimizer
from graphc.keras.optimizers.muon import Muon
from graphc.keras.optimizers.nadam import Nadam
from graphc.keras.optimizers.optimizer import Optimizer
from graphc.keras.optimizers.rmsprop import RMSprop
from graphc.keras.optimizers.sgd import SGD
from graphc.keras.registry import CustomObjectScope
from graphc.keras.serialization import resolve, serialize_keras_object
from graphc_ir.errors import ArgumentError

__all__ = ["deserialize", "get", "serialize"]

_NAMES: Final = {
    cls.__name__.lower(): cls.__name__
    for cls in (SGD, Adadelta, Adafactor, Adagrad, Adam, AdamW, Adamax, Ftrl, Lamb, Lion, LossScaleOptimizer, Muon,
                Nadam, RMSprop)
}  # fmt: skip


def get(identifier: Any) -> Any:
    """The optimizer of a name in any case, a config, a class or an optimizer. None stays None.

    Raises ArgumentError for anything else.
    """
    if isinstance(identifier, str):
        identifier = _NAMES.get(identifier.lower(), identifier)
    elif isinstance(identifier, dict):
        identifier = {**identifier, "class_name": _spelled(identifier.get("class_name"))}
    found = identifier if isinstance(identifier, Optimizer) else resolve(identifier, "keras.optimizers")
    if found is not None and not isinstance(found, Optimizer):
        raise ArgumentError(f"keras.optimizers.get: {identifier!r} is no optimizer; expected a name such as 'adam', "
                            "a config dict, or an optimizer")  # fmt: skip
    return found


def _spelled(class_name: Any) -> Any:
    """The name of a built-in optimizer as it is spelled; others as they are."""
    return _NAMES.get(str(class_name).lower(), class_name)


def serialize(optimizer: Optimizer) -> Any:
    """The config of an optimizer."""
    return serialize_keras_object(optimizer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The optimizer of what :func:`serialize` gave, or of a name."""
    with CustomObjectScope(custom_objects or {}):
        return get(config)
