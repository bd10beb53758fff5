"""The outputs of a model, and pairing them with what users give for each: targets, weights, losses, metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.pytree import flatten, leaves_of, map_leaves, unflatten
from graphc_ir.errors import ArgumentError

__all__ = ["Outputs", "children", "is_container"]


class Outputs:
    """The structure of a model's predictions, whose leaves (the outputs) are numbered.

    ``node`` is that structure with the outputs' numbers in it, ``labels`` are the names of the outputs: the keys of a
    dict, else the ``names`` of the model, else ``output_0``, ``output_1``, ...
    """

    def __init__(self, predictions: Any, names: Sequence[str] | None) -> None:
        leaves, self._structure = flatten(predictions)
        self.count = len(leaves)
        self.node = unflatten(self._structure, range(self.count))
        self.labels = _labels(self.node, self.count, names)
        self.are_named = names is not None or isinstance(predictions, dict)

    @property
    def only_one(self) -> bool:
        """Whether the model gives a single tensor, alone or in a container."""
        return self.count == 1

    def per_output(self, given: Any, what: str, partial_for: Sequence[int] | None = None) -> list[Any]:
        """One entry per output from a structure like that of the predictions; None where nothing is given.

        Dicts name outputs, lists go by position. As many leaves as there are outputs in ``partial_for`` belong to
        these. Raises ArgumentError for unknown names and other structures.
        """
        found: dict[int, Any] = {}
        leaves = leaves_of(given)
        if partial_for and not isinstance(given, dict) and len(leaves) == len(partial_for) < self.count:
            found = dict(zip(partial_for, leaves, strict=True))
        else:
            self._assign(given, self.node, what, found)
        return [found.get(i) for i in range(self.count)]

    def _assign(self, given: Any, node: Any, what: str, found: dict[int, Any]) -> None:
        if given is None:
            return
        if isinstance(node, int):
            found[node] = _only(given)
        elif isinstance(given, dict):
            parts = self.named_parts(given, node, what)
            for key, value in given.items():
                self._assign(value, parts[key], what, found)
        elif is_container(given):
            self._assign_in_order(given, node, what, found)
        elif self.only_one:
            found[0] = given
        else:
            raise ArgumentError(f"the model has the outputs {self.labels}, but {what} is a single value; give a list "
                                "or dict with one entry for each output")  # fmt: skip

    def _assign_in_order(self, given: Any, node: Any, what: str, found: dict[int, Any]) -> None:
        parts = [part for _, part in children(node, self.labels)]
        if len(parts) != len(given):
            raise ArgumentError(f"{what} and y_pred have different structures: {what} has {len(given)} entries, but "
                                f"the model has the {len(parts)} outputs {self.names_of(node)}")  # fmt: skip
        for value, part in zip(given, parts, strict=True):
            self._assign(value, part, what, found)

    def named_parts(self, given: dict[Any, Any], node: Any, what: str) -> dict[Any, Any]:
        """The parts of a node by name. Raises ArgumentError if ``given`` has a name that none of them has."""
        if not isinstance(node, int):
            parts = dict(children(node, self.labels))
        else:
            parts = {self.labels[node]: node} if self.are_named else dict.fromkeys(given, node)
        if any(key not in parts for key in given):
            raise ArgumentError(f"Invalid `{what}`: it has the keys {list(given)}, but the outputs of the model are "
                                f"{list(parts)}. Expected keys are the names of outputs")  # fmt: skip
        return parts

    def names_of(self, node: Any) -> list[str]:
        """The names of the outputs within a part of the structure."""
        return [self.labels[i] for i in leaves_of(node)]

    def select(self, values: Sequence[Any], node: Any) -> Any:
        """The structure of a part with the outputs' values in it."""
        return map_leaves(lambda i: values[i], node)


def is_container(value: Any) -> bool:
    """Whether a value is a dict, list or tuple."""
    return isinstance(value, (dict, list, tuple))


def children(node: Any, labels: Sequence[str]) -> list[tuple[Any, Any]]:
    """The parts of a node with their names: the keys of a dict; in a list, the label of an output or the position."""
    if isinstance(node, dict):
        return list(node.items())
    return [(labels[part] if isinstance(part, int) else i, part) for i, part in enumerate(node)]


def _only(value: Any) -> Any:
    """A value out of containers of one."""
    while is_container(value) and len(value) == 1:
        value = next(iter(value.values())) if isinstance(value, dict) else value[0]
    return value


def _labels(node: Any, count: int, names: Sequence[str] | None) -> list[str]:
    if isinstance(node, dict) and all(isinstance(part, int) for part in node.values()):
        return [str(key) for key, _ in sorted(node.items(), key=lambda item: item[1])]
    if names is not None and len(names) == count:
        return list(names)
    return [f"output_{i}" for i in range(count)]
