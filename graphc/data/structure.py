"""The shape of an element: a tree of tuples and dicts (``optree``) over leaves, and what is known of each
leaf.

Inside the pipeline an element is the flat tuple of its leaves, NumPy arrays; the tree is kept once per
dataset. Lists are leaves: they are turned into tensors, as everywhere in ``tf.data``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import optree
from optree import PyTreeSpec

from graphc.data.errors import StructureError
from graphc_ir.errors import ArgumentError
from graphc_ir.types import TensorSpec

Leaves: TypeAlias = tuple[Any, ...]
"""One element, flat: NumPy arrays, or datasets where elements are datasets (``window``)."""

Shape: TypeAlias = tuple[int | None, ...] | None
"""Sizes, None where a size varies; None for the whole where even the rank is unknown."""


class DatasetBase(ABC):
    """What marks a dataset as a leaf of another dataset's elements."""

    @property
    @abstractmethod
    def element_spec(self) -> Any:
        """The structure of one element, a TensorSpec at each leaf."""


@dataclass(frozen=True, slots=True)
class ArraySpec:
    """What is known of an array leaf."""

    shape: Shape
    dtype: np.dtype[Any]


@dataclass(frozen=True, slots=True)
class DatasetSpec:
    """The spec of an element that is itself a dataset, as ``window`` makes them."""

    element_spec: Any
    dataset_shape: tuple[int, ...] = ()


LeafSpec: TypeAlias = ArraySpec | DatasetSpec

_ONE_LEAF: Any = 0
LEAF: PyTreeSpec = optree.tree_structure(_ONE_LEAF)


def flatten(tree: Any) -> tuple[list[Any], PyTreeSpec]:
    """The leaves of a tree and its structure. None has no leaves; a list is a leaf."""
    leaves, treedef = optree.tree_flatten(tree, is_leaf=_is_list)
    return leaves, treedef


def _is_list(node: Any) -> bool:
    return isinstance(node, list)


def flat_tuple(size: int) -> PyTreeSpec:
    """The structure of a plain tuple of ``size`` leaves."""
    tree: Any = (0,) * size
    return optree.tree_structure(tree)


def pair(first: PyTreeSpec, second: PyTreeSpec) -> PyTreeSpec:
    """The structure of ``(first, second)``."""
    return optree.treespec_tuple([first, second])


def unflatten_nested(outer: PyTreeSpec, inner: Sequence[PyTreeSpec]) -> PyTreeSpec:
    """``outer`` with a whole structure in place of each leaf."""
    if outer.num_leaves != len(inner):
        raise ValueError(f"a structure of {outer.num_leaves} leaves cannot hold {len(inner)} structures")
    parts = [optree.tree_unflatten(spec, [0] * spec.num_leaves) for spec in inner]
    return optree.tree_structure(optree.tree_unflatten(outer, parts))


def leaf_names(treedef: PyTreeSpec) -> list[str]:
    """How messages name each leaf: ``component ['x'][0]``, or ``the component`` where there is only one."""
    if treedef == LEAF:
        return ["the component"]
    paths = optree.treespec_paths(treedef)
    return ["component " + "".join(f"[{key!r}]" for key in path) for path in paths]


def describe(treedef: PyTreeSpec) -> str:
    """A structure as a message shows it: ``(*, {'a': *})``."""
    return str(treedef).removeprefix("PyTreeSpec(").removesuffix(")")


def array_spec(leaf: Any) -> LeafSpec:
    """The exact spec of one leaf."""
    if isinstance(leaf, DatasetBase):
        return DatasetSpec(leaf.element_spec)
    return ArraySpec(leaf.shape, leaf.dtype)


def to_user_spec(treedef: PyTreeSpec, specs: Iterable[LeafSpec]) -> Any:
    """The ``element_spec`` that users see. Raises ArgumentError where not even the rank of a leaf is
    known.
    """
    return optree.tree_unflatten(treedef, [_user_leaf(spec) for spec in specs])


def _user_leaf(spec: LeafSpec) -> Any:
    if isinstance(spec, DatasetSpec):
        return spec
    if spec.shape is None:
        raise ArgumentError(
            f"element_spec: the rank of a component with dtype {spec.dtype} is unknown; "
            "give from_generator an output_signature (or output_shapes) with a shape"
        )
    return TensorSpec(spec.shape, spec.dtype)


def merge_shapes(first: Shape, second: Shape) -> Shape:
    """What holds for arrays of either shape: None where the sizes differ."""
    if first is None or second is None or len(first) != len(second):
        return None
    return tuple(a if a == b else None for a, b in zip(first, second, strict=True))


def merge_specs(first: LeafSpec, second: LeafSpec, where: str) -> LeafSpec:
    """The spec of leaves that follow either spec. Raises StructureError for different dtypes."""
    if isinstance(first, ArraySpec) and isinstance(second, ArraySpec) and first.dtype == second.dtype:
        return ArraySpec(merge_shapes(first.shape, second.shape), first.dtype)
    if isinstance(first, DatasetSpec) and isinstance(second, DatasetSpec):
        return first
    raise StructureError(
        f"{where} has {_kind(first)} in the one and {_kind(second)} in the other dataset; "
        "bring both to one dtype with map and tf.cast"
    )


def _kind(spec: LeafSpec) -> str:
    return "a dataset" if isinstance(spec, DatasetSpec) else f"dtype {spec.dtype}"


def check_same_structure(expected: PyTreeSpec, received: PyTreeSpec, where: str) -> None:
    """Raises StructureError unless both structures are equal."""
    if expected != received:
        raise StructureError(
            f"{where}: received the structure {describe(received)}, expected {describe(expected)}; "
            "all elements of a dataset have one structure"
        )
