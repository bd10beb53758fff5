"""Python's built-in functions, for tensors of a trace. With anything else they are the built-ins."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

from graphc.autograph.elements import as_number, counted, enumerated, zipped
from graphc.autograph.truth import predicate_of
from graphc.tensor import SymbolicTensor
from graphc.variable import Variable
from graphc_ir.dtypes import bool_, float32, int32
from graphc_ir.ops.base import lift
from graphc_ir.ops.elementwise import cast, maximum, minimum
from graphc_ir.ops.movement import reshape
from graphc_ir.ops.reduction import reduce_all, reduce_any, reduce_max, reduce_min
from graphc_ir.ops.shape import size_operand


def _is_symbolic(value: Any) -> bool:
    return isinstance(lift(value) if isinstance(value, Variable) else value, SymbolicTensor)


def _len(x: Any) -> Any:
    if isinstance(x, SymbolicTensor) and x.type.rank and not isinstance(x.type.shape[0], int):
        return as_number(size_operand(x.type.shape[0], int32))
    return len(x)


def _range(*arguments: Any) -> Any:
    return counted(*map(_scalar, arguments)) if any(map(_is_symbolic, arguments)) else range(*arguments)


def _scalar(value: Any) -> Any:
    return lift(value) if isinstance(value, Variable) else value


def _enumerate(iterable: Any, start: Any = 0) -> Any:
    found = enumerated(iterable, start)
    return enumerate(iterable, start) if found is None else found


def _zip(*iterables: Any, strict: bool = False) -> Any:
    found = zipped(iterables)
    return zip(*iterables, strict=strict) if found is None else found


def _number(kind: Callable[..., Any], dtype: Any) -> Callable[..., Any]:
    def convert(*arguments: Any, **options: Any) -> Any:
        if len(arguments) != 1 or options or not _is_symbolic(arguments[0]):
            return kind(*arguments, **options)
        return as_number(reshape(cast(lift(arguments[0]), dtype), ()))

    return convert


def _bool(*arguments: Any) -> Any:
    predicate = predicate_of(arguments[0]) if arguments else None
    return bool(*arguments) if predicate is None else predicate


def _extreme(plain: Callable[..., Any], binary: Callable[..., Any], reduce: Callable[..., Any]) -> Callable[..., Any]:
    def choose(*arguments: Any, **options: Any) -> Any:
        if options or not any(map(_is_symbolic, arguments)):
            return plain(*arguments, **options)
        return functools.reduce(binary, arguments) if len(arguments) > 1 else reduce(arguments[0], 0)

    return choose


def _quantifier(plain: Callable[..., Any], reduce: Callable[..., Any]) -> Callable[..., Any]:
    def decide(iterable: Any) -> Any:
        if not (isinstance(iterable, SymbolicTensor) and iterable.type.rank == 1):
            return plain(iterable)
        return reduce(cast(iterable, bool_))

    return decide


OVERLOADS: Final[dict[Any, Callable[..., Any]]] = {
    len: _len,
    range: _range,
    enumerate: _enumerate,
    zip: _zip,
    int: _number(int, int32),
    float: _number(float, float32),
    bool: _bool,
    max: _extreme(max, maximum, reduce_max),
    min: _extreme(min, minimum, reduce_min),
    any: _quantifier(any, reduce_any),
    all: _quantifier(all, reduce_all),
}
