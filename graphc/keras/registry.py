"""Which classes and functions a file may name: the built-in ones by public path, the user's by registered name.

Loading looks names up here and nowhere else, so that a file can never make Python import a module.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from typing import Any, TypeVar

from graphc.keras.naming import to_snake_case
from graphc_ir.errors import ArgumentError

__all__ = [
    "CustomObjectScope", "builtin_path", "custom_object_scope", "find_builtin", "find_custom", "find_unpackaged",
    "get_custom_objects", "get_registered_name", "get_registered_object", "lookup", "publish",
    "register_keras_serializable",
]  # fmt: skip

T = TypeVar("T")

_builtin: dict[str, dict[str, Any]] = {}
_paths: dict[Any, tuple[str, str]] = {}
_registered: dict[str, Any] = {}
_registered_names: dict[Any, str] = {}
_scope: ContextVar[Mapping[str, Any]] = ContextVar("custom_objects")


def publish(module: str, names: Mapping[str, Any], exported: Iterable[str]) -> None:
    """Makes ``exported`` of ``names`` known as public objects of ``module``, e.g. ``"keras.layers"``."""
    table = _builtin.setdefault(module, {})
    for name in exported:
        obj = names[name]
        if inspect.ismodule(obj):
            continue
        table[name] = obj
        if getattr(obj, "__name__", None) == name:
            _paths.setdefault(obj, (module, name))


def builtin_path(obj: Any) -> tuple[str, str] | None:
    """The public module and name of a built-in class or function; None for others."""
    return _paths.get(obj) if callable(obj) else None


def find_builtin(module: str, name: str) -> Any | None:
    """The public object at that path; None if there is none."""
    return _builtin.get(module, {}).get(name)


def lookup(module: str, name: str) -> Any:
    """A public or custom object by its name, class name in snake case or alias (``"mse"``, ``"glorot_uniform"``).

    Raises ArgumentError, which names the nearest ones, when there is none.
    """
    custom = find_custom(name)
    if custom is not None:
        return custom
    table = _builtin.get(module, {})
    if name in table:
        return table[name]
    for known, obj in table.items():
        if inspect.isclass(obj) and name in (to_snake_case(known), known.lower()):
            return obj
    near = difflib.get_close_matches(name, {*table, *map(to_snake_case, table)}, n=3)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are {', '.join(sorted(table))}"
    raise ArgumentError(f"{module} has nothing named {name!r}; {hint} Objects of your own need "
                        "@keras.saving.register_keras_serializable() or custom_objects={...}")  # fmt: skip


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[T], T]:
    """Decorator: lets saved models name this class or function, as ``package>name``.

    Raises ArgumentError for a class without ``get_config``.
    """

    def decorate(obj: T) -> T:
        own = name or getattr(obj, "__name__", type(obj).__name__)
        if inspect.isclass(obj) and not hasattr(obj, "get_config"):
            raise ArgumentError(f"Cannot register a class that does not have a get_config() method: {own} needs one "
                                "that returns the arguments of its constructor")  # fmt: skip
        full = f"{package}>{own}"
        _registered[full] = obj
        _registered_names[obj] = full
        return obj

    return decorate


def get_registered_name(obj: Any) -> str:
    """``package>name`` of a registered class or function; the plain name of another one."""
    return _registered_names.get(obj) or str(obj.__name__)


def get_registered_object(
    name: str, custom_objects: Mapping[str, Any] | None = None, module_objects: Mapping[str, Any] | None = None
) -> Any | None:
    """The class or function of a registered name; None if there is none."""
    found = find_custom(name, custom_objects)
    return (module_objects or {}).get(name) if found is None else found


def find_custom(name: str, custom_objects: Mapping[str, Any] | None = None) -> Any | None:
    """The user's object of that name: from ``custom_objects``, the open scope, or the registered ones."""
    for table in (custom_objects or {}, _scope.get({}), _registered):
        if name in table:
            return table[name]
    return None


def find_unpackaged(name: str) -> Any | None:
    """A registered function by its name without the package, as Keras 3.6 wrote it; None if there is none."""
    functions = (obj for full, obj in _registered.items() if full.rpartition(">")[2] == name)
    return next((obj for obj in functions if inspect.isfunction(obj)), None)


def get_custom_objects() -> dict[str, Any]:
    """The registered objects by name; what is put in is known everywhere."""
    return _registered


class CustomObjectScope:
    """``with CustomObjectScope({"MyLayer": MyLayer}):`` makes objects known by name inside the block."""

    def __init__(self, custom_objects: Mapping[str, Any] | None) -> None:
        self.custom_objects = dict(custom_objects or {})
        self._tokens: list[Any] = []

    def __enter__(self) -> CustomObjectScope:
        self._tokens.append(_scope.set({**_scope.get({}), **self.custom_objects}))
        return self

    def __exit__(self, *error: object) -> None:
        _scope.reset(self._tokens.pop())


custom_object_scope = CustomObjectScope
