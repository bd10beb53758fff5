"""Stages that stack elements into batches, take batches apart, or cut a dataset into windows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, cycle, islice
from typing import Any

import numpy as np
from optree import PyTreeSpec

from graphc.data import cardinality
from graphc.data.boundary import to_array
from graphc.data.columns import Array
from graphc.data.errors import StructureError
from graphc.data.node import Node, Source, Unary
from graphc.data.plan import iter_rows
from graphc.data.structure import (
    LEAF,
    ArraySpec,
    DatasetBase,
    DatasetSpec,
    LeafSpec,
    Leaves,
    Shape,
    flatten,
    leaf_names,
    to_user_spec,
)
from graphc_ir.errors import DTypeError, ShapeError


class Batch(Unary):
    """Elements stacked along a new first axis."""

    name = "batch"

    def __init__(self, source: Node, batch_size: int, drop_remainder: bool) -> None:
        super().__init__(source)
        self.batch_size = batch_size
        self._drop_remainder = drop_remainder

    @property
    def leaf_specs(self) -> tuple[LeafSpec, ...]:
        size = self.batch_size if self._drop_remainder else None
        names = leaf_names(self.treedef)
        return tuple(_batched(spec, size, name) for spec, name in zip(self.source.leaf_specs, names, strict=True))

    @property
    def cardinality(self) -> int:
        return cardinality.batch(self.source.cardinality, self.batch_size, self._drop_remainder)

    def elements(self) -> Iterator[Leaves]:
        plan = self.source.plan()
        return self.stream() if plan is None else plan.batches(self.batch_size, self._drop_remainder)

    def stream(self) -> Iterator[Leaves]:
        elements = self.source.elements()
        while group := list(islice(elements, self.batch_size)):
            if self._drop_remainder and len(group) < self.batch_size:
                return
            yield self._stack(group)

    def _stack(self, group: Sequence[Leaves]) -> Leaves:
        parts = zip(*group, strict=True)
        return tuple(_stack_leaf(part, index, self.treedef) for index, part in enumerate(parts))


def _batched(spec: LeafSpec, size: int | None, name: str) -> ArraySpec:
    if isinstance(spec, DatasetSpec):
        raise StructureError(_not_stackable(name))
    return ArraySpec(None if spec.shape is None else (size, *spec.shape), spec.dtype)


def _not_stackable(name: str) -> str:
    return f"batch: {name} is a dataset, which cannot be stacked; turn it into tensors with flat_map first"


def _stack_leaf(leaves: Sequence[Any], index: int, treedef: PyTreeSpec) -> Array:
    if isinstance(leaves[0], DatasetBase):
        raise StructureError(_not_stackable(leaf_names(treedef)[index]))
    try:
        return np.stack(leaves, dtype=leaves[0].dtype, casting="no")
    except (ValueError, TypeError) as error:
        raise _stack_error(leaves, leaf_names(treedef)[index]) from error


def _stack_error(leaves: Sequence[Array], name: str) -> Exception:
    first = leaves[0]
    other = next(i for i, leaf in enumerate(leaves) if (leaf.shape, leaf.dtype) != (first.shape, first.dtype))
    odd = leaves[other]
    if odd.shape == first.shape:
        return DTypeError(
            f"batch: {name} has dtype {first.dtype} in the first element of a batch and {odd.dtype} in "
            f"element {other}; stacking needs one dtype: cast it where the elements are made"
        )
    return ShapeError(
        f"batch: {name} has shape {first.shape} in the first element of a batch and {odd.shape} in "
        f"element {other}; stacking needs equal shapes: use padded_batch, or bring them to one shape with map"
    )


class PaddedBatch(Batch):
    """Elements padded to one shape per batch, then stacked."""

    name = "padded_batch"

    def __init__(
        self, source: Node, batch_size: int, drop_remainder: bool, padded_shapes: Any, padding_values: Any
    ) -> None:
        super().__init__(source, batch_size, drop_remainder)
        self._padded_shapes = padded_shapes
        self._padding_values = padding_values

    def elements(self) -> Iterator[Leaves]:
        return self.stream()

    @property
    def leaf_specs(self) -> tuple[LeafSpec, ...]:
        size = self.batch_size if self._drop_remainder else None
        specs = []
        for spec, shape in zip(self.source.leaf_specs, self._shapes(), strict=True):
            if isinstance(spec, DatasetSpec):
                raise StructureError("padded_batch: a component is a dataset, which cannot be padded")
            inner = shape if shape is not None else spec.shape and (None,) * len(spec.shape)
            specs.append(ArraySpec(None if inner is None else (size, *inner), spec.dtype))
        return tuple(specs)

    def _shapes(self) -> list[Shape]:
        """The padded shape of each leaf; None where all axes are padded to the longest of the batch."""
        count = self.treedef.num_leaves
        if self._padded_shapes is None:
            return [None] * count
        given = self._padded_shapes
        if isinstance(given, int) and self.treedef == LEAF:
            given = (given,)
        shapes = _per_leaf(given, self.treedef, "padded_shapes")
        return [None if shape is None else tuple(_size(size) for size in shape) for shape in shapes]

    def _values(self) -> list[Any]:
        if self._padding_values is None:
            return [None] * self.treedef.num_leaves
        leaves, treedef = flatten(self._padding_values)
        if treedef == LEAF:
            return leaves * self.treedef.num_leaves
        return _per_leaf(self._padding_values, self.treedef, "padding_values")

    def _stack(self, group: Sequence[Leaves]) -> Leaves:
        parts = zip(*group, strict=True)
        names = leaf_names(self.treedef)
        return tuple(map(_pad_and_stack, parts, self._shapes(), self._values(), names))


def _per_leaf(tree: Any, treedef: PyTreeSpec, argument: str) -> list[Any]:
    try:
        return list(treedef.flatten_up_to(tree))
    except ValueError as error:
        raise StructureError(f"padded_batch: {argument}={tree!r} does not have the structure of an element") from error


def _size(size: Any) -> int | None:
    return None if size is None or size == -1 else int(size)


def _pad_and_stack(leaves: Sequence[Array], shape: Shape, value: Any, name: str) -> Array:
    rank = leaves[0].ndim
    if any(leaf.ndim != rank for leaf in leaves) or (shape is not None and len(shape) != rank):
        received = sorted({leaf.ndim for leaf in leaves})
        raise ShapeError(
            f"padded_batch: {name} has rank {', '.join(map(str, received))}, "
            f"expected {rank if shape is None else len(shape)} for every element"
        )
    longest = tuple(map(max, zip(*(leaf.shape for leaf in leaves), strict=True)))
    target = longest if shape is None else tuple(n if s is None else s for s, n in zip(shape, longest, strict=True))
    if any(n > t for n, t in zip(longest, target, strict=True)):
        raise ShapeError(
            f"padded_batch: {name} has elements of up to shape {longest}, which padded_shapes={target} "
            "cannot hold; enlarge it, or use None to pad to the longest of each batch"
        )
    batch = _filled((len(leaves), *target), leaves[0].dtype, value, name)
    for row, leaf in zip(batch, leaves, strict=True) if rank else ():
        row[tuple(map(slice, leaf.shape))] = leaf
    return batch if rank else np.stack(leaves)


def _filled(shape: tuple[int, ...], dtype: np.dtype[Any], value: Any, name: str) -> Array:
    if value is None:
        return np.full(shape, "", dtype) if dtype.kind in "OSU" else np.zeros(shape, dtype)
    padding = to_array(value)
    weak = isinstance(value, (bool, int, str, bytes)) or (isinstance(value, float) and dtype.kind not in "biu")
    if not weak and padding.dtype != dtype:
        raise DTypeError(
            f"padded_batch: {name} has dtype {dtype}, its padding value {value!r} dtype {padding.dtype}; "
            f"give a padding value of dtype {dtype}"
        )
    return np.full(shape, padding, dtype)


class Unbatch(Unary):
    """The rows of each element, one by one."""

    name = "unbatch"

    @property
    def leaf_specs(self) -> tuple[LeafSpec, ...]:
        return tuple(map(_unbatched, self.source.leaf_specs))

    @property
    def cardinality(self) -> int:
        rows = {spec.shape[0] if spec.shape else None for spec in self._static_specs()}
        known = [size for size in rows if size is not None]
        count = self.source.cardinality
        if not cardinality.is_finite(count) or count == 0:
            return count
        return count * known[0] if known else cardinality.UNKNOWN

    def _static_specs(self) -> list[ArraySpec]:
        specs = self.source.leaf_specs if self.source.is_static else ()
        return [spec for spec in specs if isinstance(spec, ArraySpec)]

    def stream(self) -> Iterator[Leaves]:
        return chain.from_iterable(map(self._rows, self.source.elements()))

    def _rows(self, leaves: Leaves) -> Iterator[Leaves]:
        sizes = {leaf.shape[:1] for leaf in leaves}
        if len(sizes) != 1 or () in sizes:
            shapes = ", ".join(str(leaf.shape) for leaf in leaves)
            raise ShapeError(f"unbatch: received components of shape {shapes}; all need one size of the first axis")
        return zip(*map(iter_rows, leaves), strict=True)


def _unbatched(spec: LeafSpec) -> ArraySpec:
    if isinstance(spec, DatasetSpec) or spec.shape == ():
        raise ShapeError("unbatch: a component is a scalar or a dataset and has no first axis to take apart")
    return ArraySpec(spec.shape and spec.shape[1:], spec.dtype)


class Rebatch(Unary):
    """The rows of batched elements in batches of other sizes, which repeat in a cycle."""

    name = "rebatch"

    def __init__(self, source: Node, batch_sizes: Sequence[int], drop_remainder: bool) -> None:
        super().__init__(Unbatch(source))
        self._batch_sizes = tuple(batch_sizes)
        self._drop_remainder = drop_remainder

    @property
    def leaf_specs(self) -> tuple[LeafSpec, ...]:
        static = self._drop_remainder and len(set(self._batch_sizes)) == 1
        return Batch(self.source, self._batch_sizes[0], static).leaf_specs

    @property
    def cardinality(self) -> int:
        if len(set(self._batch_sizes)) > 1 and self.source.cardinality > 0:
            return cardinality.UNKNOWN
        return cardinality.batch(self.source.cardinality, self._batch_sizes[0], self._drop_remainder)

    def stream(self) -> Iterator[Leaves]:
        elements = self.source.elements()
        stack = Batch(self.source, 1, False)._stack
        for size in cycle(self._batch_sizes):
            group = list(islice(elements, size))
            if not group or (self._drop_remainder and len(group) < size):
                return
            yield stack(group)


class Listed(Source):
    """Elements that have been made already."""

    name = "window"

    def __init__(self, treedef: PyTreeSpec, leaf_specs: tuple[LeafSpec, ...], elements: Sequence[Leaves]) -> None:
        super().__init__(treedef, leaf_specs, len(elements))
        self._elements = elements

    def stream(self) -> Iterator[Leaves]:
        return iter(self._elements)

    @property
    def resumable(self) -> bool:
        return True


class Window(Unary):
    """Datasets of neighbouring elements, one dataset per component.

    ``make_dataset`` turns the stage of one component into the dataset that users see.
    """

    name = "window"

    def __init__(
        self,
        source: Node,
        size: int,
        shift: int,
        stride: int,
        drop_remainder: bool,
        make_dataset: Callable[[Node], DatasetBase],
    ) -> None:
        super().__init__(source)
        self._size = size
        self._shift = shift
        self._stride = stride
        self._span = (size - 1) * stride + 1
        self._drop_remainder = drop_remainder
        self._make_dataset = make_dataset

    @property
    def leaf_specs(self) -> tuple[LeafSpec, ...]:
        return tuple(DatasetSpec(to_user_spec(LEAF, [spec])) for spec in self.source.leaf_specs)

    @property
    def cardinality(self) -> int:
        return cardinality.window(self.source.cardinality, self._span, self._shift, self._drop_remainder)

    def stream(self) -> Iterator[Leaves]:
        elements = self.source.elements()
        ahead: list[Leaves] = list(islice(elements, self._span))
        while ahead:
            if self._drop_remainder and len(ahead) < self._span:
                return
            yield self._datasets(ahead[:: self._stride])
            gap = max(0, self._shift - len(ahead))
            ahead = ahead[self._shift :]
            ahead += islice(elements, gap, gap + self._span - len(ahead))

    def _datasets(self, window: Sequence[Leaves]) -> Leaves:
        components: Iterable[tuple[Any, ...]] = zip(*window, strict=True)
        return tuple(self._make_dataset(_component(leaves)) for leaves in components)


def _component(leaves: Sequence[Array]) -> Listed:
    shape: Shape = leaves[0].shape
    if any(leaf.shape != shape for leaf in leaves):
        shape = (None,) * leaves[0].ndim if len({leaf.ndim for leaf in leaves}) == 1 else None
    return Listed(LEAF, (ArraySpec(shape, leaves[0].dtype),), [(leaf,) for leaf in leaves])
