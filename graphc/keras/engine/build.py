"""Building a layer: which shapes its ``build`` gets, and what is remembered for loading."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from graphc.keras.engine.shapes import shapes_of
from graphc_ir.errors import ArgumentError

__all__ = ["arguments_by_shape", "recording_build"]

_SUFFIX = "_shape"


def recording_build(build: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps a class's ``build``: the outermost call marks the layer as built and keeps the shapes it got.

    Raises ArgumentError when a layer that has weights is built again and makes others.
    """

    @functools.wraps(build)
    def wrapped(layer: Any, *args: Any, **kwargs: Any) -> Any:
        if layer._building:
            return build(layer, *args, **kwargs)
        before = _own_weights(layer) if layer.built else 0
        layer._building = True
        try:
            with layer._open_name_scope():
                result = build(layer, *args, **kwargs)
        finally:
            layer._building = False
        if 0 < before < _own_weights(layer):
            raise ArgumentError(f"layer {layer.name!r} was built before, so this build gave it its weights a second "
                                "time; write `if not layer.built: layer.build(shape)`")  # fmt: skip
        layer.built = True
        layer._build_shapes = _recorded(build, args, kwargs)
        layer._after_build()
        return result

    return wrapped


def _own_weights(layer: Any) -> int:
    return len(layer._own_trainable) + len(layer._own_non_trainable)


def _recorded(build: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    names = [n for n in inspect.signature(build).parameters if n != "self"]
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    return {name: shape for name, shape in given.items() if shape is not None}


@functools.lru_cache(maxsize=4096)
def _parameters(function: Callable[..., Any]) -> tuple[dict[str, inspect.Parameter], bool]:
    """The parameters without self, and whether there is one that takes any number of arguments."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    named = {p.name: p for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
    return named, len(named) < len(parameters)


def arguments_by_shape(function: Callable[..., Any], tensors: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What a method of shapes (``build``, ``compute_output_shape``) is called with for these tensor arguments of
    ``call``: the first one's shape, or for several parameters ``<argument>_shape`` each.

    Raises ArgumentError when a parameter of the method names no argument.
    """
    parameters, open_ended = _parameters(function)
    shapes = {name + _SUFFIX: shapes_of(value) for name, value in tensors.items()}
    first = next(iter(shapes.values()), None)
    if len(parameters) <= 1:
        return (() if not parameters and not open_ended else (first,)), {}
    if not any(name in shapes for name in parameters):
        return (first,), {}
    required = [name for name, p in parameters.items() if name in shapes or p.default is p.empty]
    for name in required:
        if name not in shapes:
            raise _unmatched(function, name)
    return (), {name: shapes[name] for name in required}


def _unmatched(function: Callable[..., Any], name: str) -> ArgumentError:
    argument = name.removesuffix(_SUFFIX)
    if name == argument:
        problem = f"argument `{name}`, which does not end in `_shape`"
    else:
        problem = f"`{name}`, but `call()` does not have argument `{argument}` with a tensor in it"
    return ArgumentError(f"{function.__qualname__} has {problem}; name its parameters after those of call, as x_shape "
                         "for x")  # fmt: skip
