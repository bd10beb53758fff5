"""Stages that drop elements after looking at them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import Any

import numpy as np

from graphc.data import cardinality
from graphc.data.boundary import from_user, user_call
from graphc.data.errors import StructureError
from graphc.data.node import Node, Routing
from graphc.data.structure import Leaves, describe
from graphc_ir.errors import ArgumentError, DTypeError

Predicate = Callable[..., Any]


class Dropping(Routing):
    """A stage that keeps an unknown part of its input."""

    @property
    def cardinality(self) -> int:
        return 0 if self.source.cardinality == 0 else cardinality.UNKNOWN


class Filter(Dropping):
    """The elements for which the predicate holds."""

    name = "filter"

    def __init__(self, source: Node, predicate: Predicate) -> None:
        super().__init__(source)
        self._predicate = predicate

    def stream(self) -> Iterator[Leaves]:
        return filter(self._test(), self.source.elements())

    def _test(self) -> Callable[[Leaves], bool]:
        call = user_call(self._predicate, self.source)
        return lambda leaves: self._as_bool(call(leaves))

    def _as_bool(self, result: Any) -> bool:
        if isinstance(result, bool):
            return result
        leaves, _ = from_user(result)
        if len(leaves) == 1 and isinstance(leaves[0], np.ndarray):
            (value,) = leaves
            if value.shape == () and value.dtype == np.bool_:
                return bool(value)
        raise DTypeError(
            f"{self.name}: the predicate returned {result!r}, expected one bool (a scalar of dtype bool); "
            "reduce or compare it to one, e.g. with tf.reduce_all"
        )


class TakeWhile(Filter):
    """The elements before the first one for which the predicate does not hold."""

    name = "take_while"

    def stream(self) -> Iterator[Leaves]:
        return takewhile(self._test(), self.source.elements())


class Unique(Dropping):
    """The first element of each value. Memory: the bytes of every value seen in this pass."""

    name = "unique"

    def stream(self) -> Iterator[Leaves]:
        seen: set[Any] = set()
        for leaves in self.source.elements():
            key = self._key(leaves)
            if key not in seen:
                seen.add(key)
                yield leaves

    def _key(self, leaves: Leaves) -> Any:
        if len(leaves) != 1 or not isinstance(leaves[0], np.ndarray):
            raise StructureError(
                f"unique: elements have the structure {describe(self.treedef)}, expected a single tensor; "
                "choose the component to compare with map"
            )
        array = leaves[0]
        value = tuple(array.ravel()) if array.dtype.kind == "O" else array.tobytes()
        return array.shape, array.dtype.str, value


class IgnoreErrors(Dropping):
    """The elements that can be made; those that raise are left out."""

    name = "ignore_errors"

    def __init__(self, source: Node, log_warning: bool) -> None:
        super().__init__(source)
        self._log_warning = log_warning
        if not source.resumable:
            raise ArgumentError(
                f"ignore_errors: iterating cannot go on behind {source.name!r} once an element has raised; "
                "apply it right after the map or filter whose errors it shall ignore"
            )

    def stream(self) -> Iterator[Leaves]:
        elements = self.source.elements()
        while True:
            try:
                leaves = next(elements)
            except StopIteration:
                return
            except Exception as error:
                if self._log_warning:
                    warnings.warn(f"ignore_errors: left out an element: {error!r}", RuntimeWarning, stacklevel=2)
                continue
            yield leaves
