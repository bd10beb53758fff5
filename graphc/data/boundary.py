"""Where arrays meet users: tensors on the one side, NumPy arrays on the other. Nothing else here knows
tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
import optree
from optree import PyTreeSpec

from graphc.data.node import Node
from graphc.data.structure import LEAF, DatasetBase, Leaves, flat_tuple, flatten
from graphc.tensor import Tensor, wrap
from graphc_ir.ops import base

Assembler: TypeAlias = Callable[[Leaves], Any]
"""Makes the user's view of an element from its leaves."""

UserCall: TypeAlias = Callable[[Leaves], Any]


def to_array(value: Any) -> np.ndarray[Any, np.dtype[Any]]:
    """The array of any tensor-like value. Python ints become int32, floats float32; arrays keep their
    dtype.
    """
    if type(value) is np.ndarray:
        return value
    array = value._array if isinstance(value, Tensor) else base.to_array(value)
    # NumPy's ufuncs give scalars for rank zero, and tensors hold what the ufunc gave.
    return array if type(array) is np.ndarray else np.asarray(array)


def to_leaf(value: Any) -> Any:
    """What a user's function gave, as a leaf: datasets stay, arrays that the function owns are copied."""
    return value if isinstance(value, DatasetBase) else own_array(value)


def own_array(value: Any) -> np.ndarray[Any, np.dtype[Any]]:
    """Like ``to_array``, but nobody else writes to it: a function may fill one buffer for each element."""
    array = to_array(value)
    return array.copy() if array is value else array


def to_user(leaf: Any) -> Any:
    return wrap(leaf) if isinstance(leaf, np.ndarray) else leaf


def from_user(tree: Any) -> tuple[Leaves, PyTreeSpec]:
    """The leaves and the structure of what a user's function returned. A list counts as a tuple there."""
    if type(tree) is Tensor:
        return (to_array(tree),), LEAF
    leaves, treedef = flatten(tuple(tree) if isinstance(tree, list) else tree)
    return tuple(map(to_leaf, leaves)), treedef


def assembler(treedef: PyTreeSpec) -> Assembler:
    """How leaves become the element that users see: tensors in tuples, dicts, ..."""
    if treedef == LEAF:
        return lambda leaves: to_user(leaves[0])
    if treedef == flat_tuple(2):
        return _assemble_pair
    if treedef == flat_tuple(treedef.num_leaves):
        return lambda leaves: tuple(map(to_user, leaves))
    return lambda leaves: optree.tree_unflatten(treedef, map(to_user, leaves))


def _assemble_pair(leaves: Leaves) -> tuple[Any, Any]:
    first, second = leaves
    return to_user(first), to_user(second)


def numpy_assembler(treedef: PyTreeSpec) -> Assembler:
    """How leaves become an element of read-only arrays and NumPy scalars."""
    return lambda leaves: optree.tree_unflatten(treedef, map(_to_numpy, leaves))


def _to_numpy(leaf: Any) -> Any:
    if not isinstance(leaf, np.ndarray):
        return leaf
    if leaf.ndim == 0:
        return leaf[()]
    view = leaf.view()
    view.flags.writeable = False
    return view


def assembled(node: Node, make_assembler: Callable[[PyTreeSpec], Assembler]) -> Iterator[Any]:
    """The elements of one pass as users see them."""
    elements = node.elements()
    for first in elements:
        # Only now is the structure sure to be known without making an element to find out.
        assemble = make_assembler(node.treedef)
        yield assemble(first)
        yield from map(assemble, elements)


def user_call(function: Callable[..., Any], source: Node) -> UserCall:
    """Calls a user's function with an element of ``source``: a tuple gives one argument per entry."""
    call: UserCall | None = None

    def first_call(leaves: Leaves) -> Any:
        nonlocal call
        if call is None:
            call = _bind(function, source.treedef)
        return call(leaves)

    return first_call


def _bind(function: Callable[..., Any], treedef: PyTreeSpec) -> UserCall:
    assemble = assembler(treedef)
    if issubclass(treedef.type or object, tuple):
        return lambda leaves: function(*assemble(leaves))
    return lambda leaves: function(assemble(leaves))
