"""Nested lists, tuples and dicts as leaves plus structure. One typed door to optree, whose own types are invariant."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import optree

__all__ = ["flatten", "leaves_of", "map_leaves", "one_level", "structure_of", "unflatten"]

_tree: Any = optree


def flatten(tree: Any, none_is_leaf: bool = True) -> tuple[list[Any], Any]:
    """The leaves in order (dicts by sorted keys), and the structure."""
    leaves, structure = _tree.tree_flatten(tree, none_is_leaf=none_is_leaf)
    return leaves, structure


def unflatten(structure: Any, leaves: Iterable[Any]) -> Any:
    """The leaves put back into a structure."""
    return _tree.tree_unflatten(structure, leaves)


def leaves_of(tree: Any, none_is_leaf: bool = False) -> list[Any]:
    """The leaves in order."""
    found: list[Any] = _tree.tree_leaves(tree, none_is_leaf=none_is_leaf)
    return found


def structure_of(tree: Any) -> Any:
    """The structure alone; None is a leaf."""
    return _tree.tree_structure(tree, none_is_leaf=True)


def one_level(tree: Any) -> Any:
    """The structure of a container alone: its own items are leaves."""
    return _tree.tree_structure(tree, is_leaf=lambda node: node is not tree, none_is_leaf=True)


def map_leaves(function: Callable[..., Any], *trees: Any, none_is_leaf: bool = False) -> Any:
    """Applies a function to corresponding leaves."""
    return _tree.tree_map(function, *trees, none_is_leaf=none_is_leaf)
