"""Joins what two regions of a branch leave behind: values that are the same stay, tensors become results of a Cond."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from graphc.autograph.undefined import Undefined
from graphc.mode import mode
from graphc.number import Number, adapted, is_number
from graphc.pytree import flatten, unflatten
from graphc.regions import Region, bind_all, captured_by
from graphc.signature import as_spec
from graphc.tensor import Tensor
from graphc.tensor_array import TensorArray
from graphc.variable import Variable
from graphc_ir.errors import DTypeError, ShapeError
from graphc_ir.ops.base import KIND_ORDER, lift
from graphc_ir.ops.control import Cond
from graphc_ir.ops.creation import zeros
from graphc_ir.ops.regions import require_same_type

Recipe = Callable[[Sequence[Any]], Any]
"""Makes a value of the results of the op."""

_DATA: Final = (Tensor, Variable, bool, int, float, complex, np.ndarray, np.generic)
_PLAIN: Final = (bool, int, float, complex, str, bytes, type(None))


class Mismatch(Exception):
    """Two values cannot be one; the message says how they differ ("is ... and ...")."""


def is_data(value: Any) -> bool:
    """Whether a value can become a tensor."""
    return isinstance(value, _DATA)


def is_same(a: Any, b: Any) -> bool:
    """Whether two values need no joining: one object, or equal Python numbers or strings."""
    return a is b or (type(a) is type(b) and isinstance(a, _PLAIN) and bool(a == b))


def describe(value: Any) -> str:
    """A value in a message: tensors by their types, containers with their items."""
    if isinstance(value, (Tensor, Variable)):
        return str(value.type)
    if isinstance(value, _PLAIN):
        return repr(value)
    if isinstance(value, TensorArray):
        return f"a TensorArray of {describe(value.content())}"
    if isinstance(value, (list, tuple, dict)):
        leaves, structure = flatten(value)
        return str(unflatten(structure, [_Shown(leaf) for leaf in leaves]))
    return f"a {type(value).__name__}"


class _Shown:
    def __init__(self, value: Any) -> None:
        self._text = describe(value)

    def __repr__(self) -> str:
        return self._text


def constant(value: Any) -> Recipe:
    """The value itself, whatever the op gives."""
    return lambda results: value


class Join:
    """Collects the pairs of tensors that one Cond has to choose from."""

    def __init__(self, chosen: Region, other: Region) -> None:
        self.sides = (chosen, other)
        self._pairs: list[tuple[Tensor, Tensor]] = []

    def join(self, a: Any, b: Any) -> Recipe:
        """Raises Mismatch when the values cannot be one."""
        if a is b or isinstance(a, Undefined):
            return constant(a)
        if isinstance(b, Undefined):
            return constant(b)
        leaves, structure = flatten(a)
        others, other_structure = flatten(b)
        if structure != other_structure:
            raise Mismatch(f"is {describe(a)} on one path and {describe(b)} on the other")
        recipes = [self._leaf(x, y) for x, y in zip(leaves, others, strict=True)]
        return lambda results: unflatten(structure, [recipe(results) for recipe in recipes])

    def _leaf(self, a: Any, b: Any) -> Recipe:
        if is_same(a, b) or isinstance(a, Undefined):
            return constant(a)
        if isinstance(a, TensorArray) and isinstance(b, TensorArray):
            return self._arrays(a, b)
        if not (is_data(a) and is_data(b)):
            raise Mismatch(f"is {describe(a)} on one path and {describe(b)} on the other")
        return self.pair(a, b)

    def _arrays(self, a: TensorArray, b: TensorArray) -> Recipe:
        content = self.join(a.content(), b.content())
        return lambda results: a.with_content(content(results))

    def pair(self, a: Any, b: Any) -> Recipe:
        """A result that is one of two tensors or numbers. Raises Mismatch when dtype or shape differ."""
        hints = _hints(a, b)
        x = self.sides[0].run(lambda: adapted(a, hints[0]))
        y = self.sides[1].run(lambda: adapted(b, hints[1]))
        try:
            require_same_type(x.type, y.type, f"is {x.type} on one path and {y.type} on the other")
        except (DTypeError, ShapeError) as error:
            raise Mismatch(str(error)) from error
        index = len(self._pairs)
        self._pairs.append((x, y))
        if is_number(a) and is_number(b):
            return lambda results: Number(results[index].value)
        return lambda results: results[index]

    def flag(self, a: Any, b: Any) -> Recipe:
        """A jump: known on both sides, or a bool tensor."""
        return constant(a) if is_same(a, b) else self.pair(a, b)

    def padded(self, value: Any, side: int) -> Recipe:
        """A value that only one side has: the other one gives zeros for its tensors."""
        leaves, structure = flatten(value)
        recipes = [self._padded_leaf(leaf, side) for leaf in leaves]
        return lambda results: unflatten(structure, [recipe(results) for recipe in recipes])

    def _padded_leaf(self, leaf: Any, side: int) -> Recipe:
        if isinstance(leaf, TensorArray):
            content = self.padded(leaf.content(), side)
            return lambda results: leaf.with_content(content(results))
        if not isinstance(leaf, (Tensor, Variable)):
            return constant(leaf)
        kind = leaf.type
        filler = self.sides[1 - side].run(lambda: zeros(kind.shape, kind.dtype))
        return self.pair(filler, leaf) if side else self.pair(leaf, filler)

    def bind(self, predicate: Tensor) -> list[Any]:
        """Applies the Cond; assigns the Variables that the sides assign."""
        variables = list({id(v): v for side in self.sides for v in side.assigned}.values())
        finals = [[side.variable_value(v) for v in variables] for side in self.sides]
        columns = list(zip(*self._pairs, strict=True)) or [(), ()]
        outputs = [s.values([*c, *f]) for s, c, f in zip(self.sides, columns, finals, strict=True)]
        outside = captured_by(*self.sides)
        graphs = tuple(s.close(o, s.inputs_for(outside)) for s, o in zip(self.sides, outputs, strict=True))
        results = bind_all(Cond(len(outputs[0])), [predicate, *outside.values()], graphs)
        for variable, tensor in zip(variables, results[len(self._pairs) :], strict=True):
            mode.tracer.assign_variable(variable, tensor)
        return results


def _hints(a: Any, b: Any) -> tuple[Any, Any]:
    """The dtypes that numbers take: that of a tensor on the other side, else of what holds both."""
    kinds = [as_spec(lift(value)).dtype for value in (a, b)]
    if not is_number(a) or (is_number(b) and KIND_ORDER[kinds[0].kind] >= KIND_ORDER[kinds[1].kind]):
        return None, kinds[0]
    return kinds[1], None
