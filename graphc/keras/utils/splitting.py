"""A dataset in two parts."""

from __future__ import annotations

import random
import sys
from typing import Any, TypeAlias

import numpy as np
import optree
from numpy.typing import NDArray

from graphc.data import INFINITE_CARDINALITY, Dataset
from graphc.data.base import BaseDataset, node_of
from graphc.data.batching import Batch
from graphc.data.boundary import to_array
from graphc.tensor import Tensor
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError

__all__ = ["split_dataset"]

Array: TypeAlias = NDArray[Any]
Size: TypeAlias = float | None


def split_dataset(
    dataset: Any,
    left_size: Size = None,
    right_size: Size = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[Dataset, Dataset]:
    """The first and the last samples of a dataset, as two datasets. All of it is read into memory.

    With a seed, the shuffled order is that of Keras.

    Args:
        dataset: a :class:`~graphc.data.Dataset`, an array, or a list, tuple or dict of arrays of one length. A
            batched dataset is split between samples, and its parts are batched like it.
        left_size: how many samples go left (an int), or which part of all (a float below 1). None: those that
            ``right_size`` leaves.
        right_size: likewise. Both may leave out samples in the middle.
        shuffle: brings the samples into random order first.
        seed: of the shuffling.
        preferred_backend: accepted for compatibility; both parts are :class:`~graphc.data.Dataset`.

    Raises:
        ArgumentError: the sizes are missing, out of range or larger than the dataset, or a side would be empty.
        DTypeError: ``dataset`` or a size is of another kind.
        ShapeError: arrays of different lengths.
    """
    samples, batch_size = _samples(dataset)
    count = len(optree.tree_leaves(samples)[0])
    left, right = _counts(left_size, right_size, count)
    order = list(range(count))
    if shuffle:
        random.Random(random.randint(0, 10**6) if seed is None else seed).shuffle(order)
    return _part(samples, order[:left], batch_size), _part(samples, order[count - right :], batch_size)


def _part(samples: Any, rows: list[int], batch_size: int | None) -> Dataset:
    taken: Any = optree.tree_map(lambda array: array[rows], samples)
    part = Dataset.from_tensor_slices(taken)
    return part if batch_size is None else part.batch(batch_size)


def _samples(dataset: Any) -> tuple[Any, int | None]:
    """All samples as a tree of arrays, and the batch size where they came in batches."""
    if isinstance(dataset, BaseDataset):
        return _read(dataset)
    if isinstance(dataset, (list, tuple, dict)):
        arrays = _arrays(dataset)
        # A list would be taken for one array of its entries.
        return tuple(arrays) if isinstance(arrays, list) else arrays, None
    if isinstance(dataset, (np.ndarray, Tensor)):
        return to_array(dataset), None
    raise DTypeError(
        f"split_dataset: received {type(dataset).__name__}, expected a Dataset, an array, or a list, tuple or dict of "
        "arrays"
    )


def _arrays(tree: Any) -> Any:
    leaves = optree.tree_leaves(tree)
    if not leaves:
        raise ArgumentError(f"split_dataset: received an empty {type(tree).__name__}, expected arrays")
    for index, leaf in enumerate(leaves):
        if not isinstance(leaf, (np.ndarray, Tensor)):
            raise ArgumentError(
                f"split_dataset: Expected a {type(tree).__name__} of `numpy.ndarray` objects, received "
                f"{type(leaf).__name__} at index {index}; make one array of the samples"
            )
    lengths = [len(leaf) for leaf in leaves]
    if len(set(lengths)) > 1:
        raise ShapeError(f"split_dataset: received arrays with different lengths {lengths}; all need one length")
    return optree.tree_map(to_array, tree)


def _read(dataset: BaseDataset) -> tuple[Any, int | None]:
    node = node_of(dataset, "split_dataset")
    if node.cardinality == INFINITE_CARDINALITY:
        raise ArgumentError("split_dataset: the dataset is endless; bound it with take(n)")
    flat = Dataset(node)
    everything = next(iter((flat.unbatch() if isinstance(node, Batch) else flat).batch(sys.maxsize)), None)
    if everything is None:
        raise ArgumentError("split_dataset: Received an empty dataset, expected at least two samples")
    return optree.tree_map(to_array, everything), node.batch_size if isinstance(node, Batch) else None


def _counts(left_size: Size, right_size: Size, count: int) -> tuple[int, int]:
    if left_size is None and right_size is None:
        raise ArgumentError("At least one of the `left_size` or `right_size` must be specified; both are None")
    left = _count("left_size", left_size, count)
    right = _count("right_size", right_size, count)
    left = count - (right or 0) if left is None else left
    right = count - left if right is None else right
    if left + right > count:
        raise ArgumentError(
            f"The sum of `left_size` and `right_size` should be smaller than the {count} samples there are; received "
            f"left_size={left_size} and right_size={right_size}"
        )
    if not left or not right:
        raise ArgumentError(
            f"With `dataset` of length={count}, left_size={left_size} and right_size={right_size} leave the "
            f"{'right' if left else 'left'} side empty"
        )
    return left, right


def _count(name: str, size: Size, count: int) -> int | None:
    if size is None:
        return None
    if type(size) not in (int, float):
        raise DTypeError(f"Invalid `{name}` Type. Expected: int or float or None, received {size!r}")
    if not 0 < size < (count if isinstance(size, int) else 1):
        raise ArgumentError(
            f"`{name}` should be either a positive integer smaller than {count}, or a float between 0 and 1, received "
            f"{size}"
        )
    return size if isinstance(size, int) else round(size * count)
