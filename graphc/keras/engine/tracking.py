"""Finding the Variables, layers and metrics that an object holds in its attributes, in lists, tuples and dicts too.

Nothing is recorded when an attribute is set: what an object holds is read off when somebody asks, so that a list that
grows later, or an attribute set before ``super().__init__()``, is seen as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from graphc.variable import Variable

__all__ = ["MetricBase", "Stateful", "held", "unique"]

T = TypeVar("T")


class Stateful:
    """Base of objects with Variables of their own: layers, metrics, optimizers, seed generators.

    ``_untracked`` names attributes that refer to something without owning it.
    """

    _untracked: frozenset[str] = frozenset()

    @property
    def variables(self) -> list[Variable]:
        """All Variables of the object."""
        raise NotImplementedError


class MetricBase(Stateful):
    """Marks metrics, so that layers find those that they hold."""


def held(obj: Any, kind: type[T]) -> Iterator[T]:
    """The instances of ``kind`` directly held by an object's attributes, in the order of the attributes.

    Containers are looked into; other stateful objects, and instances of ``kind`` themselves, are not.
    """
    untracked: frozenset[str] = getattr(obj, "_untracked", frozenset())
    for name, value in list(vars(obj).items()):
        if name not in untracked and value is not obj:
            yield from _in_value(value, kind)


def _in_value(value: Any, kind: type[T], around: tuple[Any, ...] = ()) -> Iterator[T]:
    """``around`` are the containers that the value is in: one may hold itself."""
    if isinstance(value, kind):
        yield value
    elif isinstance(value, (dict, list, tuple)) and not any(value is container for container in around):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _in_value(item, kind, (*around, value))


def unique(items: Iterable[T]) -> list[T]:
    """The items without repetitions (by identity), in order."""
    return list({id(item): item for item in items}.values())
