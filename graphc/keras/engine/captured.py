"""Configs of classes that write none: the arguments that their constructors were called with."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from graphc.keras.serialization import serialize_keras_object
from graphc_ir.errors import ArgumentError

__all__ = ["Arguments", "captured_config", "takes_argument"]


@dataclass(frozen=True)
class Arguments:
    """What a constructor was called with. No container: a layer passed to another one is not thereby part of it."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def takes_argument(cls: type, name: str) -> bool:
    """Whether a class's constructor takes this keyword."""
    parameters = inspect.signature(cls.__init__).parameters  # type: ignore[misc]
    return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def captured_config(obj: Any, given: Arguments) -> dict[str, Any]:
    """The arguments by name, defaults included.

    Raises NotImplementedError for a constructor with ``*args`` that were used, and for values that cannot be written.
    """
    cls = type(obj)
    bound = inspect.signature(cls.__init__).bind(obj, *given.args, **given.kwargs)
    bound.apply_defaults()
    flat: dict[str, Any] = {}
    for name, parameter in list(bound.signature.parameters.items())[1:]:
        value = bound.arguments[name]
        if parameter.kind is parameter.VAR_KEYWORD:
            flat |= value
        elif parameter.kind is not parameter.VAR_POSITIONAL:
            flat[name] = value
        elif value:
            raise _cannot(cls, f"its constructor was given *{name}, which have no names")
    try:
        serialized: dict[str, Any] = serialize_keras_object(flat)
    except ArgumentError as error:
        raise _cannot(cls, str(error)) from error
    return serialized


def _cannot(cls: type, reason: str) -> NotImplementedError:
    return NotImplementedError(f"{cls.__name__} cannot be written by itself: {reason}. Define get_config in "
                               f"{cls.__name__} so that it returns the arguments of __init__")  # fmt: skip
