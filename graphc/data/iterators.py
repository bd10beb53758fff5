"""Iterators over the elements of one pass."""

from __future__ import annotations

from collections.abc import Iterator as PythonIterator
from typing import Any

from graphc.data.boundary import assembled, assembler, numpy_assembler
from graphc.data.errors import OutOfRangeError
from graphc.data.node import Node
from graphc.data.structure import to_user_spec


class Iterator:
    """The elements of one pass of a dataset, tensors in the dataset's structure. Made by
    ``iter(dataset)``.
    """

    __slots__ = ("_elements", "_node")

    def __init__(self, node: Node) -> None:
        self._node = node
        self._elements: PythonIterator[Any] = assembled(node, assembler)

    def __iter__(self) -> Iterator:
        return self

    def __next__(self) -> Any:
        return next(self._elements)

    def get_next(self) -> Any:
        """The next element. Raises OutOfRangeError after the last one."""
        for element in self._elements:
            return element
        raise OutOfRangeError("get_next: the iterator has no more elements; iter(dataset) starts a new pass")

    @property
    def element_spec(self) -> Any:
        """The structure of one element, a TensorSpec at each leaf."""
        return to_user_spec(self._node.treedef, self._node.leaf_specs)


class NumpyIterator:
    """The elements of one pass as read-only NumPy arrays and NumPy scalars."""

    __slots__ = ("_elements",)

    def __init__(self, node: Node) -> None:
        self._elements: PythonIterator[Any] = assembled(node, numpy_assembler)

    def __iter__(self) -> NumpyIterator:
        return self

    def __next__(self) -> Any:
        return next(self._elements)
