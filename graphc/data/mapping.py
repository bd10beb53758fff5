"""Stages that call a user's function with each element. They run in the thread that iterates, in order."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Any

import numpy as np
import optree
from optree import PyTreeSpec

from graphc.data import cardinality
from graphc.data.boundary import UserCall, from_user, to_user, user_call
from graphc.data.columns import Array
from graphc.data.node import Node, Unary, ancestors
from graphc.data.structure import (
    LEAF,
    ArraySpec,
    LeafSpec,
    Leaves,
    array_spec,
    check_same_structure,
    leaf_names,
    merge_specs,
    pair,
    unflatten_nested,
)
from graphc_ir.errors import ArgumentError, DTypeError

UserFunction = Callable[..., Any]


def peek(node: Node) -> Leaves | None:
    """The first element, None if there is none. Leaves the random order of later passes as it would have
    been.
    """
    seeds = [stage.seeds for stage in ancestors(node) if stage.seeds is not None]
    epochs = [seed.epoch for seed in seeds]
    first = next(node.elements(), None)
    for seed, epoch in zip(seeds, epochs, strict=True):
        seed.epoch = epoch
    return first


class Computed(Unary):
    """A stage whose elements are what a user's function returns; their structure shows with the first one."""

    def __init__(self, source: Node, function: UserFunction) -> None:
        super().__init__(source)
        self._function = function
        self._known_treedef: PyTreeSpec | None = None
        self._known_specs: tuple[LeafSpec, ...] | None = None

    @property
    def is_static(self) -> bool:
        return False

    @property
    def treedef(self) -> PyTreeSpec:
        if self._known_treedef is None:
            self._known_specs = self._probe()
        assert self._known_treedef is not None
        return self._known_treedef

    @property
    def leaf_specs(self) -> tuple[LeafSpec, ...]:
        if self._known_specs is None:
            self._known_specs = self._probe()
        return self._known_specs

    @abstractmethod
    def _probe(self) -> tuple[LeafSpec, ...]:
        """The specs, found by making an element; calls ``_leaves`` at least once."""

    def _leaves(self, result: Any) -> Leaves:
        """The leaves of what the function returned, which must have the structure of the results before
        it.
        """
        leaves, treedef = from_user(result)
        if self._known_treedef is None:
            self._known_treedef = treedef
        if treedef != self._known_treedef:
            check_same_structure(self._known_treedef, treedef, f"{self.name}: result of {_name(self._function)}")
        return leaves


def _name(function: UserFunction) -> str:
    return getattr(function, "__qualname__", repr(function))


class Map(Computed):
    """The result of the function for each element."""

    name = "map"

    def stream(self) -> Iterator[Leaves]:
        call = user_call(self._function, self.source)
        return map(self._leaves, map(call, self.source.elements()))

    def _probe(self) -> tuple[LeafSpec, ...]:
        call = user_call(self._function, self.source)
        sample = peek(self.source)
        if sample is None:
            sample = tuple(_blank(spec) for spec in self.source.leaf_specs)
        specs = tuple(map(array_spec, self._leaves(call(sample))))
        other = _resized(sample, self.source.leaf_specs)
        if other is None:
            return specs
        try:
            others = tuple(map(array_spec, self._leaves(call(other))))
        except Exception:
            # The function takes nothing but the size it has been given, so the specs say all there is.
            return specs
        return tuple(map(merge_specs, specs, others, leaf_names(self.treedef)))

    @property
    def resumable(self) -> bool:
        return self.source.resumable


def _blank(spec: LeafSpec) -> Any:
    """A leaf as the spec says, for asking a function about its results where there is no element."""
    if not isinstance(spec, ArraySpec) or spec.shape is None:
        raise ArgumentError("element_spec: the dataset has no element to tell it, and its input has no known shape")
    return np.zeros([1 if size is None else size for size in spec.shape], spec.dtype)


def _resized(sample: Leaves, specs: tuple[LeafSpec, ...]) -> Leaves | None:
    """The sample with other sizes along all axes that may vary; None if none may."""
    other = tuple(map(_resize_leaf, sample, specs))
    return None if all(map(_is, sample, other)) else other


def _is(first: Any, second: Any) -> bool:
    return first is second


def _resize_leaf(leaf: Any, spec: LeafSpec) -> Any:
    if not isinstance(spec, ArraySpec) or spec.shape is None:
        return leaf
    for axis, size in enumerate(spec.shape):
        if size is None:
            leaf = _resize_axis(leaf, axis)
    return leaf


def _resize_axis(array: Array, axis: int) -> Array:
    size = array.shape[axis]
    if size == 0:
        return array
    rows = np.arange(size - 1) if size > 1 else np.zeros(2, np.intp)
    return array.take(rows, axis=axis)


class Interleave(Computed):
    """Elements of the datasets that the function returns, ``cycle_length`` of them in turn, blocks of
    ``block_length`` elements each. The function returns a Node here.
    """

    name = "interleave"

    def __init__(self, source: Node, function: UserFunction, cycle_length: int, block_length: int) -> None:
        super().__init__(source, function)
        self._cycle_length = cycle_length
        self._block_length = block_length

    @property
    def cardinality(self) -> int:
        return 0 if self.source.cardinality == 0 else cardinality.UNKNOWN

    def _probe(self) -> tuple[LeafSpec, ...]:
        sample = peek(self.source)
        if sample is None:
            sample = tuple(_blank(spec) for spec in self.source.leaf_specs)
        node: Node = user_call(self._function, self.source)(sample)
        self._known_treedef = node.treedef
        return node.leaf_specs

    def stream(self) -> Iterator[Leaves]:
        opened = map(self._open, map(user_call(self._function, self.source), self.source.elements()))
        if self._cycle_length == 1:
            return chain.from_iterable(opened)
        return self._interleave(opened)

    def _open(self, node: Node) -> Iterator[Leaves]:
        elements = node.elements()
        first = list(islice(elements, 1))
        if first and self._known_treedef is None:
            self._known_treedef = node.treedef
        if first and self._known_treedef is not None:
            check_same_structure(self._known_treedef, node.treedef, f"{self.name}: dataset made by the function")
        return chain(first, elements)

    def _interleave(self, opened: Iterator[Iterator[Leaves]]) -> Iterator[Leaves]:
        slots: list[Iterator[Leaves] | None] = [None] * self._cycle_length
        slots[0] = next(opened, None)
        while any(slot is not None for slot in slots):
            for index in range(self._cycle_length):
                current = slots[index] = slots[index] or next(opened, None)
                block = list(islice(current or (), self._block_length))
                yield from block
                if len(block) < self._block_length:
                    slots[index] = None
            if all(slot is None for slot in slots):
                slots[0] = next(opened, None)


class Scan(Computed):
    """What the function returns beside the state that it carries from element to element."""

    name = "scan"

    def __init__(self, source: Node, initial_state: Any, function: UserFunction) -> None:
        super().__init__(source, function)
        self._state = initial_state

    def _probe(self) -> tuple[LeafSpec, ...]:
        sample = peek(self.source)
        if sample is None:
            sample = tuple(_blank(spec) for spec in self.source.leaf_specs)
        first = next(self._results(iter((sample,))))
        return tuple(map(array_spec, first))

    def stream(self) -> Iterator[Leaves]:
        return self._results(self.source.elements())

    def _results(self, elements: Iterator[Leaves]) -> Iterator[Leaves]:
        fold = Fold(self.name, self._state, self._function, self.source)
        for leaves in elements:
            result = fold.call(leaves)
            if not isinstance(result, tuple) or len(result) != 2:
                raise ArgumentError(f"scan: scan_func returned {result!r}, expected a pair (new_state, output)")
            fold.advance(result[0])
            yield self._leaves(result[1])


class Fold:
    """A state and the function that takes ``(state, element)``; the state keeps its structure and dtypes."""

    def __init__(self, name: str, initial_state: Any, function: UserFunction, source: Node) -> None:
        self._name = name
        self._leaves, self._treedef = from_user(initial_state)
        self._function = function
        self._source = source
        self._call: UserCall | None = None

    def call(self, leaves: Leaves) -> Any:
        """What the function returns for the state as it is and this element."""
        if self._call is None:
            self._call = user_call(self._function, _Paired(self._source, self._treedef))
        return self._call((*self._leaves, *leaves))

    def advance(self, state: Any) -> None:
        """Replaces the state. Raises StructureError or DTypeError if it is not like the one before."""
        leaves, treedef = from_user(state)
        check_same_structure(self._treedef, treedef, f"{self._name}: new state")
        for name, old, new in zip(leaf_names(treedef), self._leaves, leaves, strict=True):
            if old.dtype != new.dtype:
                raise DTypeError(
                    f"{self._name}: {name} of the state has dtype {old.dtype}, its new value {new.dtype}; "
                    "cast the new value, or start from a state of that dtype"
                )
        self._leaves = leaves

    @property
    def state(self) -> Any:
        return optree.tree_unflatten(self._treedef, map(to_user, self._leaves))


class _Paired(Unary):
    """The structure ``(state, element)``; it makes no elements of its own."""

    def __init__(self, source: Node, state: PyTreeSpec) -> None:
        super().__init__(source)
        self._state = state

    @property
    def treedef(self) -> PyTreeSpec:
        return unflatten_nested(pair(LEAF, LEAF), [self._state, self.source.treedef])

    def stream(self) -> Iterator[Leaves]:
        return self.source.elements()


def reduce(source: Node, initial_state: Any, function: UserFunction) -> Any:
    """The last state after all elements."""
    fold = Fold("reduce", initial_state, function, source)
    for leaves in source.elements():
        fold.advance(fold.call(leaves))
    return fold.state
