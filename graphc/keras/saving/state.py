"""Where the variables of each object within a model stand in a weights file: Keras's rules for paths.

The path of an object is that of the attributes which lead to it, found in alphabetical order (private ones last);
the layers of functional and sequential models come first, by class and number. An object is kept at the first path.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from graphc.keras.engine.layer import Layer
from graphc.keras.naming import to_snake_case
from graphc_ir.errors import GraphcError

__all__ = ["places", "walk"]

_FRAMEWORK: Final = ("graphc.keras.engine.", "graphc.keras.trainers.", "graphc.keras.models.")
_MODEL_PARTS: Final = frozenset({"layers", "optimizer"})
_MODEL_INTERNALS: Final = frozenset({"_operations", "_stack"})


def places(root: Any, without: Iterable[Any] = ()) -> list[tuple[str, Any]]:
    """Every object with variables of its own, with its path, the root (path ``""``) first."""
    found: list[tuple[str, Any]] = []

    def visit(path: str, obj: Any) -> bool:
        found.append((path, obj))
        return True

    walk(root, visit, without)
    return found


def walk(root: Any, visit: Callable[[str, Any], bool], without: Iterable[Any] = ()) -> None:
    """Calls ``visit(path, object)`` for the objects within ``root``, in order, but for those ``without``.

    An object is visited once, or as long as ``visit`` returns False at each of the paths that lead to it.
    """
    done = {id(obj) for obj in without}
    entered: set[int] = set()
    pending: list[tuple[str, Any]] = [("", root)]
    while pending:
        path, obj = pending.pop()
        if id(obj) in done:
            continue
        is_container = isinstance(obj, (list, tuple, set, dict))
        if not is_container and visit(path, obj):
            done.add(id(obj))
        elif id(obj) in entered:
            continue
        entered.add(id(obj))
        inner = _in_container(path, obj) if is_container else _in_object(path, obj)
        pending.extend(reversed(list(inner)))


def _in_object(path: str, obj: Any) -> Iterator[tuple[str, Any]]:
    yield from ((_joined(path, name), child) for name, child in _children(obj))


def _joined(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def _is_saveable(value: Any) -> bool:
    return hasattr(value, "save_own_variables") and not isinstance(value, type)


def _in_container(path: str, container: Any) -> Iterator[tuple[str, Any]]:
    """The saveable items, named by class and counted; containers inside are ``container``, ``container_1``, ..."""
    counts: Counter[str] = Counter()
    for item in container.values() if isinstance(container, dict) else container:
        nested = isinstance(item, (list, tuple, set, dict))
        if not nested and not _is_saveable(item):
            continue
        name = "container" if nested else to_snake_case(type(item).__name__)
        number = counts[name]
        counts[name] += 1
        yield _joined(path, f"{name}_{number}" if number else name), item


def _children(obj: Any) -> Iterator[tuple[str, Any]]:
    if getattr(obj, "_layers_are_the_model", False):
        yield "layers", obj.layers
    for name in sorted(_attribute_names(obj), key=lambda n: "~" + n if n.startswith("_") else n):
        try:
            value = getattr(obj, name)
        except (AttributeError, NotImplementedError, GraphcError):
            continue  # a property that the object has no value for
        if _is_saveable(value) or isinstance(value, (list, tuple, set, dict)):
            yield name, value


def _attribute_names(obj: Any) -> set[str]:
    """Attributes that the user (or a built-in layer) gave the object, without those of the framework."""
    framework = {name for cls in type(obj).__mro__ if cls.__module__.startswith(_FRAMEWORK) for name in vars(cls)}
    internal = set(vars(Layer())) | set(getattr(obj, "_untracked", ())) | framework | _MODEL_INTERNALS
    names = {name for name in dir(obj) if not name.startswith("__")}
    return names - (internal - _MODEL_PARTS)
