"""Where elements come from: arrays, ranges, Python generators, random numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, repeat
from typing import Any

import numpy as np
import optree
from optree import PyTreeSpec

from graphc.data import cardinality
from graphc.data.boundary import own_array, to_array
from graphc.data.columns import Array, ArrayColumn, RangeColumn
from graphc.data.errors import StructureError
from graphc.data.node import Source
from graphc.data.plan import Plan, iter_rows
from graphc.data.shuffle import EpochSeeds
from graphc.data.structure import LEAF, ArraySpec, LeafSpec, Leaves, describe, flatten, leaf_names
from graphc_ir.dtypes import as_dtype
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError
from graphc_ir.types import TensorSpec


class Planned(Source):
    """A source whose elements a plan names from the start."""

    def __init__(self, treedef: PyTreeSpec, leaf_specs: tuple[LeafSpec, ...], plan: Plan) -> None:
        super().__init__(treedef, leaf_specs, plan.length)
        self._plan = plan

    def plan(self) -> Plan:
        return self._plan

    def stream(self) -> Iterator[Leaves]:
        return self._plan.elements()

    @property
    def resumable(self) -> bool:
        return True


class Columns(Planned):
    """Rows of arrays that are in memory."""

    def __init__(self, name: str, treedef: PyTreeSpec, arrays: Sequence[Array]) -> None:
        specs = tuple(ArraySpec(array.shape[1:], array.dtype) for array in arrays)
        super().__init__(treedef, specs, Plan(tuple(map(ArrayColumn, arrays)), len(arrays[0])))
        self.name = name


def slices(tensors: Any) -> Columns:
    """One element per row of the tensors. Raises ShapeError for scalars and for different numbers of rows."""
    arrays, treedef = _read_only_arrays("from_tensor_slices", tensors)
    names = leaf_names(treedef)
    for name, array in zip(names, arrays, strict=True):
        if array.ndim == 0:
            raise ShapeError(
                f"from_tensor_slices: {name} is a scalar (shape ()), but components are sliced along their "
                "first axis; use from_tensors for a dataset of one element"
            )
        if len(array) != len(arrays[0]):
            raise ShapeError(
                f"from_tensor_slices: {names[0]} has {len(arrays[0])} rows (shape {arrays[0].shape}), "
                f"{name} has {len(array)} rows (shape {array.shape}); all components need one size of the "
                "first axis"
            )
    return Columns("from_tensor_slices", treedef, arrays)


def single(tensors: Any) -> Columns:
    """One element: the tensors."""
    arrays, treedef = _read_only_arrays("from_tensors", tensors)
    return Columns("from_tensors", treedef, [array[np.newaxis] for array in arrays])


def _read_only_arrays(name: str, tensors: Any) -> tuple[list[Array], PyTreeSpec]:
    leaves, treedef = flatten(tensors)
    if not leaves:
        raise ArgumentError(f"{name}: received {tensors!r}, which holds no tensor; give at least one")
    return [_read_only(to_array(leaf)) for leaf in leaves], treedef


def _read_only(array: Array) -> Array:
    # Elements are views of this array: writing to one must not change the data of later passes.
    view = array.view()
    view.flags.writeable = False
    return view


class Range(Planned):
    """The numbers of an arithmetic sequence."""

    name = "range"

    def __init__(self, values: range, dtype: Any) -> None:
        np_dtype = as_dtype(dtype).np
        super().__init__(LEAF, (ArraySpec((), np_dtype),), Plan((RangeColumn(values, np_dtype),), len(values)))


class Random(Source):
    """Endless uniform int64 values in [0, 2**32)."""

    name = "random"
    seeds: EpochSeeds

    def __init__(self, seed: int | None, rerandomize: bool) -> None:
        super().__init__(LEAF, (ArraySpec((), np.dtype(np.int64)),), cardinality.INFINITE)
        self.seeds = EpochSeeds(seed, rerandomize)

    def stream(self) -> Iterator[Leaves]:
        generator = self.seeds.next_generator()
        blocks = (generator.integers(0, 1 << 32, 1024, np.int64) for _ in repeat(None))
        return zip(chain.from_iterable(map(iter_rows, blocks)))


class Generator(Source):
    """What a Python generator function yields, checked against a signature."""

    name = "from_generator"

    def __init__(self, make: Callable[..., Iterable[Any]], signature: Any, args: tuple[Any, ...]) -> None:
        leaves, treedef = optree.tree_flatten(signature)
        super().__init__(treedef, tuple(map(_checked_spec, leaves)), cardinality.UNKNOWN)
        self._make = make
        self._args = args
        self._names = leaf_names(treedef)
        self._expected = [leaf for leaf in self._leaf_specs if isinstance(leaf, ArraySpec)]

    def stream(self) -> Iterator[Leaves]:
        return map(self._convert, self._make(*self._args))

    def _convert(self, element: Any) -> Leaves:
        try:
            leaves = self._treedef.flatten_up_to(element)
        except ValueError as error:
            raise StructureError(
                f"from_generator: the generator yielded {_short(element)}, expected the structure "
                f"{describe(self._treedef)} of the output_signature"
            ) from error
        return tuple(map(_convert_leaf, leaves, self._expected, self._names))


def _checked_spec(leaf: Any) -> ArraySpec:
    if isinstance(leaf, ArraySpec):
        return leaf
    if isinstance(leaf, TensorSpec):
        shape = tuple(size if isinstance(size, int) else None for size in leaf.shape)
        return ArraySpec(shape, leaf.dtype.np)
    raise ArgumentError(
        f"from_generator: output_signature holds {leaf!r}; use a TensorSpec(shape, dtype) per component"
    )


def signature_of(output_types: Any, output_shapes: Any) -> Any:
    """The signature that types and (optional) shapes of the same structure describe."""
    if output_types is None:
        raise ArgumentError("from_generator needs output_signature, e.g. TensorSpec([], tf.int32), or output_types")
    types, treedef = flatten(output_types)
    shapes = [None] * len(types) if output_shapes is None else treedef.flatten_up_to(output_shapes)
    specs = [ArraySpec(_shape(shape), as_dtype(dtype).np) for dtype, shape in zip(types, shapes, strict=True)]
    return optree.tree_unflatten(treedef, specs)


def _shape(shape: Any) -> tuple[int | None, ...] | None:
    return None if shape is None else tuple(shape)


def _convert_leaf(value: Any, spec: ArraySpec, name: str) -> Array:
    array = _cast(value, spec.dtype, name)
    if spec.shape is None or _fits(array.shape, spec.shape):
        return array
    raise ShapeError(
        f"from_generator: {name} of a yielded element has shape {array.shape}, expected {_show(spec.shape)}; "
        "change the generator, or put None in the output_signature where the size varies"
    )


def _fits(shape: tuple[int, ...], expected: tuple[int | None, ...]) -> bool:
    return len(shape) == len(expected) and all(e is None or e == s for s, e in zip(shape, expected, strict=True))


def _show(shape: tuple[int | None, ...]) -> str:
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


def _cast(value: Any, dtype: np.dtype[Any], name: str) -> Array:
    array = _as_array(value, dtype, name)
    if array.dtype == dtype:
        return array
    if not _is_safe(array.dtype, dtype):
        raise DTypeError(
            f"from_generator: {name} of a yielded element is {_short(value)} (dtype {array.dtype}), expected "
            f"dtype {dtype}; convert it in the generator or change the output_signature"
        )
    converted = array.astype(dtype)
    if dtype.kind in "iu" and array.dtype.kind in "iu" and not np.array_equal(converted, array):
        raise DTypeError(f"from_generator: {name} of a yielded element is {_short(value)}, which {dtype} cannot hold")
    return converted


def _as_array(value: Any, dtype: np.dtype[Any], name: str) -> Array:
    """Python values as arrays; they are weak, like everywhere, so NumPy's wide defaults do not count."""
    if not isinstance(value, (int, float, complex, str, bytes, list)):
        return own_array(value)
    try:
        return np.asarray(value, dtype if dtype.kind == "O" else None)
    except ValueError as error:
        raise DTypeError(
            f"from_generator: {name} of a yielded element is {_short(value)}, not an array of {dtype}"
        ) from error


def _is_safe(source: np.dtype[Any], target: np.dtype[Any]) -> bool:
    if source.kind in "iu" and target.kind in "iu":
        return True
    return np.can_cast(source, target, "same_kind")


def _short(value: Any, limit: int = 80) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= limit else text[: limit - 3] + "..."
