"""Building a layer: which shapes its ``build`` gets, and what is remembered for loading."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from graphc.pytree import map_leaves
from graphc_ir.errors import ArgumentError

__all__ = ["build_arguments", "recording_build", "shapes_of"]

_SUFFIX = "_shape"


def shapes_of(tree: Any) -> Any:
    """The structure with a shape (a tuple of ints and Nones) for each tensor."""
    return map_leaves(lambda leaf: tuple(leaf.shape) if hasattr(leaf, "shape") else None, tree)


def recording_build(build: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps a class's ``build``: the outermost call marks the layer as built and keeps the shapes it got."""

    @functools.wraps(build)
    def wrapped(layer: Any, *args: Any, **kwargs: Any) -> Any:
        if layer._building:
            return build(layer, *args, **kwargs)
        layer._building = True
        try:
            with layer._open_name_scope():
                result = build(layer, *args, **kwargs)
        finally:
            layer._building = False
        layer.built = True
        layer._build_shapes = _recorded(build, args, kwargs)
        layer._after_build()
        return result

    return wrapped


def _recorded(build: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    names = [n for n in inspect.signature(build).parameters if n != "self"]
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    return {name: shape for name, shape in given.items() if shape is not None}


@functools.lru_cache(maxsize=4096)
def _build_parameters(build: Callable[..., Any]) -> tuple[tuple[str, ...], bool]:
    parameters = list(inspect.signature(build).parameters.values())[1:]
    open_ended = any(p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in parameters)
    named = tuple(p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL))
    return named, open_ended


def build_arguments(layer: Any, tensors: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What ``layer.build`` is called with for these tensor arguments: the first one's shape, or for several parameters
    ``<argument>_shape`` each.

    Raises ArgumentError when a parameter of ``build`` names no argument.
    """
    names, open_ended = _build_parameters(type(layer).build)
    shapes = {name: shapes_of(value) for name, value in tensors.items()}
    first = next(iter(shapes.values()), None)
    if len(names) <= 1:
        return (() if not names and not open_ended else (first,)), {}
    by_parameter = {name + _SUFFIX: shape for name, shape in shapes.items()}
    if not any(name in by_parameter for name in names):
        return (first,), {}
    required = [name for name in names if name in by_parameter or not _has_default(type(layer).build, name)]
    missing = [name for name in required if name not in by_parameter]
    if missing:
        raise ArgumentError(f"{type(layer).__name__}.build takes {', '.join(names)}, but call got no tensor for "
                            f"{', '.join(missing)}; name build's parameters after call's: x -> x_shape")  # fmt: skip
    return (), {name: by_parameter[name] for name in required}


def _has_default(build: Callable[..., Any], name: str) -> bool:
    parameter = inspect.signature(build).parameters[name]
    return parameter.default is not parameter.empty


