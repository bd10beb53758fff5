"""The places that the code of a region may write to: variables, attributes, the contents of lists and dicts.

A region's code runs while it is traced, so what it wrote is collected afterwards, and taken back before another region
is traced from the same starting point.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import CellType
from typing import Any, Final

from graphc.autograph.undefined import Undefined
from graphc.tensor_array import TensorArray


class _Absent:
    def __repr__(self) -> str:
        return "<absent>"


ABSENT: Final = _Absent()
"""The content of a slot without a value."""


class Slot:
    """One place that has a name in the user's code."""

    label: str
    is_content = False
    """Whether the value is what an object contains: then it cannot be replaced by another one."""

    def get(self) -> Any:
        raise NotImplementedError

    def set(self, value: Any) -> None:
        raise NotImplementedError

    def is_same(self, a: Any, b: Any) -> bool:
        """Whether two values that the slot had are the same objects."""
        return a is b


@dataclass(frozen=True, eq=False)
class Cell(Slot):
    """A variable of the function or of one around it."""

    label: str
    cell: CellType

    def get(self) -> Any:
        try:
            return self.cell.cell_contents
        except ValueError:
            return ABSENT

    def set(self, value: Any) -> None:
        if value is not ABSENT:
            self.cell.cell_contents = value
        elif self.get() is not ABSENT:
            del self.cell.cell_contents


@dataclass(frozen=True, eq=False)
class Global(Slot):
    """A variable of the module that the function declares global."""

    label: str
    module: dict[str, Any] = field(repr=False)

    def get(self) -> Any:
        return self.module.get(self.label, ABSENT)

    def set(self, value: Any) -> None:
        if value is ABSENT:
            self.module.pop(self.label, None)
        else:
            self.module[self.label] = value


@dataclass(frozen=True, eq=False)
class Attribute(Slot):
    """An attribute of an object that the region finds in a variable."""

    label: str
    owner: Any
    name: str

    def get(self) -> Any:
        return getattr(self.owner, self.name, ABSENT)

    def set(self, value: Any) -> None:
        if value is not ABSENT:
            setattr(self.owner, self.name, value)
        elif hasattr(self.owner, self.name):
            delattr(self.owner, self.name)


@dataclass(frozen=True, eq=False)
class Content(Slot):
    """What a list, dict, set or TensorArray holds: it keeps its identity, its items are put back."""

    label: str
    owner: Any
    is_content = True

    def get(self) -> Any:
        if isinstance(self.owner, TensorArray):
            return self.owner.identity()
        return self.owner.copy()

    def set(self, value: Any) -> None:
        if isinstance(self.owner, TensorArray):
            self.owner.become(value)
        elif isinstance(self.owner, list):
            self.owner[:] = value
        else:
            self.owner.clear()
            self.owner.update(value)

    def is_same(self, a: Any, b: Any) -> bool:
        if isinstance(a, set):
            return bool(a == b)
        items, others = _items(a), _items(b)
        return len(items) == len(others) and all(x is y for x, y in zip(items, others, strict=True))


def _items(content: Any) -> list[Any]:
    if isinstance(content, TensorArray):
        return content.items()
    if isinstance(content, dict):
        return [part for pair in content.items() for part in pair]
    return list(content)


_CONTAINERS: Final = (list, dict, set, TensorArray)


def attribute_slots(paths: Iterable[str], variables: Mapping[str, Any], rebound: frozenset[str]) -> list[Slot]:
    """The attributes ``paths``, of objects that exist now.

    ``rebound`` are variables that the region binds itself: what hangs on those is made inside of it.
    """
    found = {path: follow(path.rpartition(".")[0], variables, rebound) for path in sorted(paths)}
    return [Attribute(path, owner, path.rpartition(".")[2]) for path, owner in found.items() if owner is not ABSENT]


def content_slots(owners: Mapping[str, Any]) -> list[Slot]:
    """The contents of these objects, as far as they are containers, each once."""
    distinct = {id(owner): (label, owner) for label, owner in owners.items() if isinstance(owner, _CONTAINERS)}
    return [Content(label, owner) for label, owner in distinct.values()]


def follow(path: str, variables: Mapping[str, Any], rebound: frozenset[str] = frozenset()) -> Any:
    """The object at a path such as ``self.cell``; ABSENT if there is none."""
    name, *attributes = path.split(".")
    found = ABSENT if name in rebound else variables.get(name, ABSENT)
    for attribute in attributes:
        found = ABSENT if isinstance(found, Undefined) else getattr(found, attribute, ABSENT)
    return found


class Snapshot:
    """The values of slots at one moment."""

    def __init__(self, slots: Iterable[Slot]) -> None:
        self.values = {slot: slot.get() for slot in slots}

    def restore(self) -> None:
        for slot, value in self.values.items():
            if not slot.is_same(slot.get(), value):
                slot.set(value)
