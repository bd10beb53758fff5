"""What users pass as data, turned into batches of NumPy arrays: ``(x, y, sample_weight)``."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

import numpy as np

from graphc.data.structure import DatasetBase
from graphc.generator import derive_seed
from graphc.keras.config import floatx
from graphc.keras.utils.batches import unpack_x_y_sample_weight
from graphc.keras.utils.py_dataset import PyDataset
from graphc.pytree import flatten, leaves_of, map_leaves, unflatten
from graphc.tensor import Tensor
from graphc.variable import Variable
from graphc_ir.dtypes import as_dtype
from graphc_ir.errors import ArgumentError, ShapeError

__all__ = ["Batches", "make_batches", "split_validation"]

Batch = tuple[Any, Any, Any]


class Batches(Protocol):
    """Batches of one epoch after the other."""

    seed: int | None
    """What the order of all epochs follows from; None where the data has an order of its own."""

    @property
    def steps(self) -> int | None:
        """How many batches one epoch has; None if that is not known."""

    @property
    def restarts(self) -> bool:
        """Whether every epoch begins anew; if not, epochs go on where the last one stopped."""

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of one epoch. Its order follows from the number, so that a resumed run repeats it."""

    def on_epoch_end(self) -> None:
        """Called after each epoch."""


def as_array(value: Any) -> Any:
    """A leaf of user data as an array; floats in another precision become the default one. Raises ArgumentError for
    objects other than strings."""
    if isinstance(value, (Tensor, Variable)):
        return value.numpy()
    array = np.asarray(value)
    if array.dtype == object:
        if not all(isinstance(element, (str, bytes)) for element in array.flat):
            raise ArgumentError("got data of dtype object, expected numbers, booleans or strings; lists of unequal "
                                "length must be padded first (keras.utils.pad_sequences)")  # fmt: skip
        return array.astype(str)
    if array.dtype == np.float64:
        return array.astype(as_dtype(floatx()).np)
    return array


def _as_arrays(tree: Any) -> Any:
    """Every leaf an array; a list of numbers is one leaf."""
    return map_leaves(as_array, _lists_as_leaves(tree))


def _lists_as_leaves(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _lists_as_leaves(value) for key, value in tree.items()}
    if not isinstance(tree, (list, tuple)) or not tree:
        return tree
    if isinstance(tree[0], (Tensor, Variable, np.ndarray, dict, type(None))) or hasattr(tree[0], "__array__"):
        return type(tree)(_lists_as_leaves(item) for item in tree) if type(tree) in (list, tuple) else tree
    return np.asarray(tree)


class ArrayBatches:
    """Rows of arrays, in a new order each epoch if ``shuffle`` (batches stay together for ``shuffle="batch"``)."""

    restarts = True

    def __init__(self, data: Batch, batch_size: int, shuffle: bool | str) -> None:
        self._leaves, self._structure = flatten(data)
        arrays = [leaf for leaf in self._leaves if leaf is not None]
        self._rows = _common_rows(data, arrays)
        self._batch_size = batch_size
        self._shuffle = shuffle
        self.seed: int | None = _new_seed()

    @property
    def steps(self) -> int | None:
        return math.ceil(self._rows / self._batch_size)

    def epoch(self, number: int) -> Iterator[Batch]:
        order = self._order(np.random.default_rng([self.seed or 0, number]))
        for start in range(0, self._rows, self._batch_size):
            stop = min(start + self._batch_size, self._rows)
            if order is None:
                yield self._assemble(lambda leaf: leaf[start:stop])  # noqa: B023
            else:
                rows = order[start:stop]
                yield self._assemble(lambda leaf: leaf.take(rows, 0))  # noqa: B023

    def _assemble(self, rows_of: Callable[[Any], Any]) -> Batch:
        leaves = [None if leaf is None else rows_of(leaf) for leaf in self._leaves]
        batch: Batch = unflatten(self._structure, leaves)
        return batch

    def _order(self, rng: np.random.Generator) -> Any:
        if not self._shuffle:
            return None
        if self._shuffle != "batch":
            return rng.permutation(self._rows)
        whole = self._rows // self._batch_size
        blocks = rng.permutation(whole)
        rows = np.arange(whole * self._batch_size).reshape(whole, self._batch_size)[blocks].reshape(-1)
        return np.concatenate([rows, np.arange(whole * self._batch_size, self._rows)])

    def on_epoch_end(self) -> None:
        """Nothing to do: the order is drawn at the start of each epoch."""


def _new_seed() -> int:
    """Follows from the global seed, if one is set."""
    seed = derive_seed()
    return int(np.random.SeedSequence().entropy) if seed is None else seed  # type: ignore[arg-type]


def _common_rows(data: Batch, arrays: list[Any]) -> int:
    sizes = [a.shape[0] if a.ndim else None for a in arrays]
    if not arrays or None in sizes or len(set(sizes)) > 1:
        shapes = map_leaves(np.shape, tuple(part for part in data if part is not None))
        raise ShapeError(f"the data must have one number of rows in all arrays, got the shapes {shapes}; the first "
                         "axis counts the examples")  # fmt: skip
    return int(sizes[0])  # type: ignore[arg-type]


class IterableBatches:
    """Batches that an iterable yields: a Dataset, a generator, a PyDataset, anything.

    ``restart(number, seed)`` gives the iterator of an epoch, a new one if ``restarts``.
    """

    def __init__(
        self,
        restart: Callable[[int, int | None], Iterator[Any]],
        steps: int | None,
        restarts: bool,
        on_epoch_end: Callable[[], None] | None = None,
        seed: int | None = None,
    ) -> None:
        self.seed = seed
        self._restart = restart
        self._steps = steps
        self.restarts = restarts
        self._end = on_epoch_end

    @property
    def steps(self) -> int | None:
        return self._steps

    def epoch(self, number: int) -> Iterator[Batch]:
        for element in self._restart(number, self.seed):
            x, y, weight = unpack_x_y_sample_weight(element)
            yield _as_arrays(x), _as_arrays(y), _as_arrays(weight)

    def on_epoch_end(self) -> None:
        if self._end is not None:
            self._end()


class WeightedBatches:
    """The batches of another source with a class's weight multiplied into each example's."""

    def __init__(self, inner: Batches, class_weight: dict[int, float]) -> None:
        self._inner = inner
        self._weights = {int(key): float(value) for key, value in class_weight.items()}

    @property
    def seed(self) -> int | None:
        return self._inner.seed

    @seed.setter
    def seed(self, value: int | None) -> None:
        self._inner.seed = value

    @property
    def steps(self) -> int | None:
        return self._inner.steps

    @property
    def restarts(self) -> bool:
        return self._inner.restarts

    def epoch(self, number: int) -> Iterator[Batch]:
        for x, y, weight in self._inner.epoch(number):
            yield x, y, self._weigh(y, weight)

    def _weigh(self, y: Any, weight: Any) -> Any:
        labels = np.asarray(y)
        if labels.ndim > 1 and labels.shape[-1] > 1:
            labels = labels.argmax(-1)
        labels = np.rint(labels.reshape(len(labels), -1)[:, 0] if labels.ndim > 1 else labels).astype(int)
        table = np.ones(max(int(labels.max(initial=0)), *self._weights) + 1, np.float32)
        for label, value in self._weights.items():
            table[label] = value
        return table[labels] if weight is None else table[labels] * np.asarray(weight, np.float32)

    def on_epoch_end(self) -> None:
        self._inner.on_epoch_end()


def make_batches(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    batch_size: int | None = None,
    steps: int | None = None,
    shuffle: bool | str = False,
    class_weight: dict[int, float] | None = None,
) -> Batches:
    """The batches of whatever users pass as data.

    Raises ArgumentError for targets, weights or a batch size beside data that brings its own; ShapeError for arrays
    with different numbers of rows.
    """
    found = _source_of(x, y, sample_weight, batch_size, shuffle)
    if class_weight is None:
        return found
    if y is not None and len(leaves_of(y)) > 1 and not hasattr(y, "__array__") and isinstance(y, (dict, tuple)):
        raise ArgumentError("class_weight is for models with a single output; pass sample_weight for each output")
    return WeightedBatches(found, class_weight)


def _source_of(x: Any, y: Any, sample_weight: Any, batch_size: int | None, shuffle: bool | str) -> Batches:
    if isinstance(x, (DatasetBase, PyDataset)) or _is_iterator(x):
        _refuse_extras(x, y, sample_weight, batch_size)
        return _iterable_source(x, shuffle)
    if x is None:
        raise ArgumentError("got x=None; pass arrays, a Dataset, a generator or a PyDataset")
    data = (_as_arrays(x), _as_arrays(y), _as_arrays(sample_weight))
    return ArrayBatches(data, batch_size or 32, shuffle)


def _is_iterator(x: Any) -> bool:
    if isinstance(x, (Tensor, Variable, np.ndarray, list, tuple, dict)) or hasattr(x, "__array__"):
        return False
    return isinstance(x, Iterable)


def _refuse_extras(x: Any, y: Any, sample_weight: Any, batch_size: int | None) -> None:
    kind = type(x).__name__
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None:
            raise ArgumentError(f"{name} must not be given beside a {kind}, which yields it with x: (x, y) or "
                                "(x, y, sample_weight)")  # fmt: skip
    if batch_size is not None and isinstance(x, DatasetBase):
        raise ArgumentError(f"batch_size must not be given beside a {kind}, which yields batches; call .batch(n) on it")


def _iterable_source(x: Any, shuffle: bool | str) -> Batches:
    if isinstance(x, DatasetBase):
        count = int(x.cardinality())  # type: ignore[attr-defined]
        steps = count if count >= 0 else None
        return IterableBatches(lambda number, seed: iter(x), steps, True)  # type: ignore[call-overload]
    if isinstance(x, PyDataset):
        return _py_dataset_source(x, bool(shuffle))
    if isinstance(x, Iterator):
        return IterableBatches(lambda number, seed: x, None, False)
    size = len(x) if hasattr(x, "__len__") else None
    return IterableBatches(lambda number, seed: iter(x), size, True)


def _py_dataset_source(x: PyDataset, shuffle: bool) -> Batches:
    def restart(number: int, seed: int | None) -> Iterator[Any]:
        x.on_epoch_begin()
        count = x.num_batches
        if count is None:
            return (x[i] for i in itertools.count())
        order = np.random.default_rng([seed or 0, number]).permutation(count) if shuffle else range(count)
        return (x[int(i)] for i in order)

    return IterableBatches(restart, x.num_batches, True, x.on_epoch_end, _new_seed())


def split_validation(data: Batch, fraction: float) -> tuple[Batch, Batch]:
    """The first part of the rows and the last ``fraction`` of them. Raises ArgumentError when either is empty, or the
    data is not arrays."""
    if isinstance(data[0], (DatasetBase, PyDataset)) or _is_iterator(data[0]):
        raise ArgumentError("validation_split needs arrays, whose last rows can be set aside; with a "
                            f"{type(data[0]).__name__} pass validation_data")  # fmt: skip
    arrays = tuple(_as_arrays(part) for part in data)
    rows = _common_rows(arrays, leaves_of(arrays))
    at = math.floor(rows * (1 - fraction))
    if not 0 < at < rows:
        raise ArgumentError(f"validation_split={fraction} of {rows} rows leaves {at} for training and {rows - at} for "
                            "validation; both need at least one")  # fmt: skip
    return map_leaves(lambda a: a[:at], arrays), map_leaves(lambda a: a[at:], arrays)
