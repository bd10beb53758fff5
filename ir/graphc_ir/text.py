"""The spelling of names and attribute values in IR text: what the printer writes and the parser reads.

    attribute   text
    int, dim    3, 2*n + 1
    float       0.5, inf, nan (the shortest digits that give the same number back)
    bool, None  true, false, none
    str         "JSON string"
    bytes       bytes "base64"
    complex     complex 1.0 -2.0
    DType       f32
    TensorType  f32[2, n]
    tuple       [1, 2]
    array       dense<f32[2], 1.0, 2.0>, dense<f32[9], all 0.0>, dense<f32[99], "base64">, dense<f32[99], ...>

The last form stands in abridged text only, and cannot be read back.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np

from graphc_ir.dims import DimExpr, parse_dim
from graphc_ir.dtypes import DType, of_short
from graphc_ir.errors import ParseError, VerificationError
from graphc_ir.ops.base import Array
from graphc_ir.ops.constant import ArrayAttribute
from graphc_ir.types import TensorType, parse_type

LISTED: Final = 16  # elements: longer arrays are written as base64

IDENTIFIER: Final = re.compile(r"[^\W\d][\w.]*")
_FLOAT: Final = re.compile(r"-?(?:\d+\.\d*(?:e[+-]?\d+)?|\d+e[+-]?\d+|inf|nan)")
_INT: Final = re.compile(r"-?\d+")
_WORDS: Final[dict[str, Any]] = {"true": True, "false": False, "none": None}
_DIMS_ONLY: Final = {"Shape", "Dim", "tuple[Dim, ...]"}


def graph_name_text(name: str) -> str:
    """A graph's name after ``@``, in quotes unless it is an identifier."""
    return name if IDENTIFIER.fullmatch(name) else json.dumps(name)


def attribute_text(value: Any, abridged: bool = False) -> str:
    """An attribute's value as text. Raises VerificationError for a kind of value that IR text cannot hold."""
    writer = _WRITERS.get(type(value))
    if writer is not None:
        return writer(value)
    if isinstance(value, ArrayAttribute):
        return array_text(value.array, abridged)
    if isinstance(value, tuple):
        return f"[{', '.join([attribute_text(item, abridged) for item in value])}]"
    raise VerificationError(f"attribute value {value!r} is a {type(value).__name__}, which IR text cannot hold; use "
                            "int, float, bool, str, bytes, None, DType, TensorType, dims, ArrayAttribute or tuples "
                            "of them")  # fmt: skip


_WRITERS: Final[dict[type, Callable[[Any], str]]] = {
    bool: lambda v: "true" if v else "false",
    int: str,
    float: repr,
    complex: lambda v: f"complex {v.real!r} {v.imag!r}",
    str: json.dumps,
    bytes: lambda v: f'bytes "{base64.b64encode(v).decode()}"',
    type(None): lambda v: "none",
    DimExpr: str,
    DType: lambda v: v.short,
    TensorType: str,
}


def array_text(array: Array, abridged: bool = False) -> str:
    """``dense<type, elements>``: exact to the bit, unless abridged."""
    type_text = str(TensorType.of(array))
    return f"dense<{type_text}, {_elements_text(array, abridged)}>" if array.size else f"dense<{type_text}>"


def _elements_text(array: Array, abridged: bool) -> str:
    if array.dtype == object:
        return _strings_text(array, abridged)
    if array.size <= LISTED:
        listed = ", ".join(map(_element_text, array.reshape(-1)))
        if _same_bits(_read_elements(listed.split(", "), array.dtype), array):
            return listed
    first = _element_text(array.reshape(-1)[0])
    if _same_bits(np.full(array.shape, _read_elements([first], array.dtype)), array):
        return f"all {first}"
    return "..." if abridged else f'"{base64.b64encode(_little(array).tobytes()).decode()}"'


def _strings_text(array: Array, abridged: bool) -> str:
    if abridged and array.size > LISTED:
        return "..."
    wrong = [item for item in array.reshape(-1) if not isinstance(item, str)]
    if wrong:
        kind = type(wrong[0]).__name__
        raise VerificationError(f"a string array holds {wrong[0]!r}, a {kind}; IR text holds str only")
    return ", ".join(json.dumps(item) for item in array.reshape(-1))


def _element_text(element: Any) -> str:
    if isinstance(element, np.bool_):
        return "true" if element else "false"
    return str(element)


def _same_bits(a: Array, b: Array) -> bool:
    return a.tobytes() == b.tobytes()


def _little(array: Array) -> Array:
    return array.astype(array.dtype.newbyteorder("<"), copy=False) if array.dtype.byteorder == ">" else array


def _read_elements(items: Sequence[str], dtype: np.dtype[Any]) -> Array:
    """Raises ValueError or KeyError for text that is no element of this dtype."""
    if dtype == np.bool_:
        return np.array([_WORDS[item] for item in items], dtype)
    if dtype.kind in "iu":
        return _read_integers([int(item) for item in items], dtype)
    convert = complex if dtype.kind == "c" else float
    with np.errstate(over="ignore"):
        return np.array([convert(item) for item in items]).astype(dtype)


def _read_integers(numbers: list[int], dtype: np.dtype[Any]) -> Array:
    limits = np.iinfo(dtype)
    wrong = [number for number in numbers if not limits.min <= number <= limits.max]
    if wrong:
        raise ValueError(f"{wrong[0]} is outside of {limits.min}..{limits.max}")
    return np.array(numbers, dtype)


def attribute_value(text: str, annotation: str) -> Any:
    """The value that one word of attribute text means: a number, a dim, a keyword, a dtype or a type.

    ``annotation`` is the attribute's declared type, which tells dtypes from dims. Raises ParseError or ValueError.
    """
    if text in _WORDS and annotation not in _DIMS_ONLY:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and annotation not in _DIMS_ONLY:
        return float(text)
    if text.startswith("complex "):
        real, imaginary = text.split()[1:]
        return complex(float(real), float(imaginary))
    if text.endswith("]"):
        return type_value(text)
    return of_short(text) if "DType" in annotation else parse_dim(text)


@lru_cache(4096)
def type_value(text: str) -> TensorType:
    """A tensor type, cached: the same few types stand in a text again and again."""
    return parse_type(text)


def array_value(type_text: str, elements: Sequence[str]) -> ArrayAttribute:
    """The array of a ``dense<...>`` form. Raises ParseError or ValueError."""
    kind = type_value(type_text)
    if not kind.is_static:
        raise ParseError(f"a constant's sizes are numbers, got {type_text}")
    return ArrayAttribute(_array_of(kind, elements))


def _array_of(kind: TensorType, elements: Sequence[str]) -> Array:
    shape: Any = kind.shape
    count = int(np.prod(shape, dtype=np.int64))
    if len(elements) == 1 and elements[0] == "...":
        raise ParseError("this text is abridged (dense<type, ...> leaves the data out); print the graph with "
                         "abridged=False to read it back")  # fmt: skip
    if kind.dtype.kind == "s":
        return _strings_of(elements, count, shape)
    if len(elements) == 1 and elements[0].startswith('"'):
        return _decoded(elements[0], kind, count).reshape(shape)
    if len(elements) == 1 and elements[0].startswith("all "):
        return np.full(shape, _checked_elements([elements[0][4:].strip()], kind, 1)[0])
    return _checked_elements(elements, kind, count).reshape(shape)


def _strings_of(elements: Sequence[str], count: int, shape: Any) -> Array:
    _check_count(len(elements), count)
    array = np.empty(count, object)
    array[:] = [json.loads(item) for item in elements]
    return array.reshape(shape)


def _checked_elements(elements: Sequence[str], kind: TensorType, count: int) -> Array:
    _check_count(len(elements), count)
    try:
        return _read_elements(elements, kind.dtype.np)
    except (ValueError, KeyError, OverflowError) as error:
        raise ParseError(f"an element is no {kind.dtype.name}: {error}") from error


def _check_count(have: int, want: int) -> None:
    if have != want:
        raise ParseError(f"a constant has {have} elements, its type asks for {want}")


def _decoded(quoted: str, kind: TensorType, count: int) -> Array:
    try:
        data = base64.b64decode(quoted[1:-1], validate=True)
    except binascii.Error as error:
        raise ParseError(f"constant data is no base64: {error}") from error
    dtype = kind.dtype.np
    if len(data) != count * dtype.itemsize:
        raise ParseError(f"constant data has {len(data)} bytes, its type asks for {count * dtype.itemsize}")
    return np.frombuffer(data, dtype)
