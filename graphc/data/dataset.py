"""The dataset that users work with: ``tf.data.Dataset``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from graphc.data import arguments, batching, caching, cardinality, filtering, mapping, transforms
from graphc.data.base import BaseDataset, node_of
from graphc.data.boundary import assembler
from graphc.data.node import Node
from graphc.data.options import Options
from graphc_ir.errors import ArgumentError

DEFAULT_CYCLE_LENGTH = 4
"""How many datasets ``interleave`` reads in turn where nobody says; fixed, so that results are the same on
every machine."""


class Dataset(BaseDataset):
    """A re-iterable sequence of elements, each a tensor or a tuple or dict (nested as you like) of tensors.

    Every method returns a new dataset and computes nothing; ``for element in dataset`` makes one pass.
    Pipelines of ``from_tensor_slices``, ``shuffle``, ``repeat``, ``take``, ``batch`` and the like run on
    row numbers and gather several batches at once; user functions are called element by element, in order,
    in the thread that iterates (``num_parallel_calls``, ``deterministic`` and ``name`` are accepted and
    change nothing).
    """

    __slots__ = ()

    def _then(self, node: Node) -> Dataset:
        return Dataset(node, self._options)

    def batch(
        self,
        batch_size: int,
        drop_remainder: bool = False,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """Stacks ``batch_size`` consecutive elements: shapes ``[...]`` become ``[batch_size, ...]``.

        The last batch may be smaller; ``drop_remainder`` leaves it out.
        """
        arguments.parallelism("batch: num_parallel_calls", num_parallel_calls)
        size = arguments.at_least("batch: batch_size", batch_size, 1)
        return self._then(batching.Batch(self._node, size, bool(drop_remainder)))

    def padded_batch(
        self,
        batch_size: int,
        padded_shapes: Any = None,
        padding_values: Any = None,
        drop_remainder: bool = False,
        name: str | None = None,
    ) -> Dataset:
        """Pads elements to one shape and stacks ``batch_size`` of them.

        Args:
            padded_shapes: a shape per component; None or -1 pads an axis to the longest of each batch. None
                for all pads every axis so.
            padding_values: a scalar per component, or one for all. Default: 0, False or "".

        Raises (while iterating):
            ShapeError: an element is larger than ``padded_shapes`` or of another rank.
        """
        size = arguments.at_least("padded_batch: batch_size", batch_size, 1)
        return self._then(batching.PaddedBatch(self._node, size, bool(drop_remainder), padded_shapes, padding_values))

    def unbatch(self, name: str | None = None) -> Dataset:
        """The rows of each element: shapes ``[n, ...]`` become n elements ``[...]``."""
        return self._then(batching.Unbatch(self._node))

    def rebatch(
        self, batch_size: int | Sequence[int], drop_remainder: bool = False, name: str | None = None
    ) -> Dataset:
        """The rows of batched elements in batches of another size; several sizes are used in turn."""
        sizes = batch_size if isinstance(batch_size, (list, tuple)) else [batch_size]
        if not sizes:
            raise ArgumentError("rebatch: batch_size is empty; give one size or several")
        checked = [arguments.at_least("rebatch: batch_size", size, 1) for size in sizes]
        return self._then(batching.Rebatch(self._node, checked, bool(drop_remainder)))

    def window(
        self,
        size: int,
        shift: int | None = None,
        stride: int = 1,
        drop_remainder: bool = False,
        name: str | None = None,
    ) -> Dataset:
        """Datasets of ``size`` elements each, one dataset per component.

        A window starts every ``shift`` elements (default: ``size``) and takes every ``stride``-th element.
        The last windows may be shorter; ``drop_remainder`` leaves those out.
        """
        size = arguments.at_least("window: size", size, 1)
        shift = size if shift is None else arguments.at_least("window: shift", shift, 1)
        stride = arguments.at_least("window: stride", stride, 1)
        return self._then(batching.Window(self._node, size, shift, stride, bool(drop_remainder), Dataset))

    def shuffle(
        self,
        buffer_size: int,
        seed: int | None = None,
        reshuffle_each_iteration: bool | None = True,
        name: str | None = None,
    ) -> Dataset:
        """Draws elements at random from a buffer of the next ``buffer_size`` elements.

        Only a buffer as large as the dataset gives a uniform order. Each pass has another order, also after
        ``repeat``, unless ``reshuffle_each_iteration`` is False.

        Args:
            buffer_size: number of elements, at least 1; UNKNOWN_CARDINALITY takes the whole dataset.
            seed: makes the order of each pass reproducible. None: derived from the global seed where one is
            set.
        """
        unbounded = arguments.integer("shuffle: buffer_size", buffer_size) == cardinality.UNKNOWN
        size = sys.maxsize if unbounded else arguments.at_least("shuffle: buffer_size", buffer_size, 1)
        seed = arguments.optional_seed("shuffle: seed", seed)
        return self._then(transforms.Shuffle(self._node, size, seed, reshuffle_each_iteration is not False))

    def repeat(self, count: int | None = None, name: str | None = None) -> Dataset:
        """``count`` passes one after the other; None or -1 repeats forever."""
        passes = -1 if count is None else arguments.at_least("repeat: count", count, -1)
        return self._then(transforms.Repeat(self._node, passes))

    def take(self, count: int, name: str | None = None) -> Dataset:
        """The first ``count`` elements; -1 takes all."""
        return self._then(transforms.Take(self._node, arguments.at_least("take: count", count, -1)))

    def skip(self, count: int, name: str | None = None) -> Dataset:
        """All but the first ``count`` elements; -1 skips all."""
        return self._then(transforms.Skip(self._node, arguments.at_least("skip: count", count, -1)))

    def shard(self, num_shards: int, index: int, name: str | None = None) -> Dataset:
        """Every ``num_shards``-th element, beginning with number ``index``."""
        shards = arguments.at_least("shard: num_shards", num_shards, 1)
        number = arguments.at_least("shard: index", index, 0)
        if number >= shards:
            raise ArgumentError(f"shard: index={number} is out of range; expected 0 <= index < num_shards={shards}")
        return self._then(transforms.Shard(self._node, shards, number))

    def prefetch(self, buffer_size: int, name: str | None = None) -> Dataset:
        """The same elements. Batches are gathered several at a time already, and user functions stay in the
        thread that iterates, so nothing is computed in the background.
        """
        arguments.at_least("prefetch: buffer_size", buffer_size, arguments.AUTOTUNE)
        return self._then(transforms.Prefetch(self._node))

    def cache(self, filename: str = "", name: str | None = None) -> Dataset:
        """Keeps the elements of the first pass that reaches the end in memory and gives them from then on."""
        if filename:
            raise ArgumentError(f"cache: filename={filename!r}: only memory is supported; leave filename empty")
        return self._then(caching.Cache(self._node))

    def enumerate(self, start: int = 0, name: str | None = None) -> Dataset:
        """Pairs of the position (int64, from ``start``) and the element."""
        return self._then(transforms.Enumerate(self._node, arguments.integer("enumerate: start", start)))

    def concatenate(self, dataset: BaseDataset, name: str | None = None) -> Dataset:
        """The elements of this dataset, then those of ``dataset``, which have the same structure and
        dtypes.
        """
        node = transforms.Concatenate(self._node, node_of(dataset, "concatenate"))
        if node.is_static:
            node.check()
        return self._then(node)

    def map(
        self,
        map_func: Callable[..., Any],
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        synchronous: bool | None = None,
        use_unbounded_threadpool: bool = False,
        name: str | None = None,
    ) -> Dataset:
        """``map_func`` of each element.

        A tuple element is passed as several arguments, any other as one. The result may be any structure of
        tensors, arrays and numbers, the same for all elements.
        """
        arguments.is_callable("map: map_func", map_func)
        arguments.parallelism("map: num_parallel_calls", num_parallel_calls)
        return self._then(mapping.Map(self._node, map_func))

    def filter(self, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """The elements for which ``predicate`` returns True (a scalar bool)."""
        arguments.is_callable("filter: predicate", predicate)
        return self._then(filtering.Filter(self._node, predicate))

    def take_while(self, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """The elements before the first one for which ``predicate`` returns False."""
        arguments.is_callable("take_while: predicate", predicate)
        return self._then(filtering.TakeWhile(self._node, predicate))

    def unique(self, name: str | None = None) -> Dataset:
        """The first element of each value; elements are single tensors."""
        return self._then(filtering.Unique(self._node))

    def ignore_errors(self, log_warning: bool = False, name: str | None = None) -> Dataset:
        """Leaves out elements whose ``map`` or ``filter`` raises; ``log_warning`` warns of each."""
        return self._then(filtering.IgnoreErrors(self._node, bool(log_warning)))

    def flat_map(self, map_func: Callable[..., Any], name: str | None = None) -> Dataset:
        """The elements of the datasets that ``map_func`` returns, one dataset after the other."""
        function = _returns_dataset("flat_map", map_func)
        return self._then(mapping.Interleave(self._node, function, 1, 1))

    def interleave(
        self,
        map_func: Callable[..., Any],
        cycle_length: int | None = None,
        block_length: int | None = None,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """The elements of the datasets that ``map_func`` returns, from ``cycle_length`` of them in turn,
        ``block_length`` (default 1) elements each. A dataset that ends makes room for the next one.
        """
        function = _returns_dataset("interleave", map_func)
        arguments.parallelism("interleave: num_parallel_calls", num_parallel_calls)
        automatic = cycle_length is None or arguments.integer("interleave: cycle_length", cycle_length) == -1
        cycle = DEFAULT_CYCLE_LENGTH if automatic else arguments.at_least("interleave: cycle_length", cycle_length, 1)
        block = 1 if block_length is None else arguments.at_least("interleave: block_length", block_length, 1)
        return self._then(mapping.Interleave(self._node, function, cycle, block))

    def scan(self, initial_state: Any, scan_func: Callable[..., Any], name: str | None = None) -> Dataset:
        """The outputs of ``scan_func(state, element) -> (new_state, output)``, beginning with
        ``initial_state``.
        """
        arguments.is_callable("scan: scan_func", scan_func)
        return self._then(mapping.Scan(self._node, initial_state, scan_func))

    def reduce(self, initial_state: Any, reduce_func: Callable[..., Any], name: str | None = None) -> Any:
        """The last state of ``reduce_func(state, element) -> new_state`` over all elements.

        Raises:
            StructureError, DTypeError: a new state is not like the initial one.
        """
        arguments.is_callable("reduce: reduce_func", reduce_func)
        return mapping.reduce(self._node, initial_state, reduce_func)

    def get_single_element(self, name: str | None = None) -> Any:
        """The element of a dataset that has exactly one. Raises ArgumentError if it has none or more."""
        elements = iter(self._node.elements())
        first = next(elements, None)
        if first is None or next(elements, None) is not None:
            count = "no element" if first is None else "more than one element"
            raise ArgumentError(f"get_single_element: the dataset has {count}, expected exactly one; see take(1)")
        return assembler(self._node.treedef)(first)

    def apply(self, transformation_func: Callable[[Dataset], Dataset], name: str | None = None) -> Dataset:
        """``transformation_func`` of this dataset, which returns a dataset."""
        arguments.is_callable("apply: transformation_func", transformation_func)
        result = transformation_func(self)
        node_of(result, "apply: result of transformation_func")
        return result

    def with_options(self, options: Options, name: str | None = None) -> Dataset:
        """The same elements with these options in addition."""
        if not isinstance(options, Options):
            raise ArgumentError(f"with_options: received {options!r}, expected graphc.data.Options")
        return Dataset(self._node, self._options.merge(options))


def _returns_dataset(where: str, function: Callable[..., Any]) -> Callable[..., Node]:
    """The function, its result unwrapped to the stage it must stand for."""
    arguments.is_callable(f"{where}: map_func", function)
    return lambda *args: node_of(function(*args), f"{where}: result of map_func")
