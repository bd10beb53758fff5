"""What a dataset is before any transformation: how one is made, iterated and described."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Self

import numpy as np

from graphc.data import arguments, cardinality, sources
from graphc.data.boundary import to_array, to_user
from graphc.data.errors import CardinalityError, DatasetArgumentError
from graphc.data.iterators import Iterator, NumpyIterator
from graphc.data.node import Node
from graphc.data.options import Options
from graphc.data.structure import DatasetBase, flatten, to_user_spec
from graphc.data.transforms import Zip
from graphc_ir.errors import ArgumentError


class BaseDataset(DatasetBase):
    """A re-iterable sequence of elements: how it is made, iterated and described."""

    __slots__ = ("_node", "_options")

    def __init__(self, node: Node, options: Options | None = None) -> None:
        if not isinstance(node, Node):
            raise DatasetArgumentError(
                f"Dataset received {type(node).__name__}; make datasets with "
                "Dataset.from_tensor_slices(tensors), from_generator, range or another of its methods"
            )
        self._node = node
        self._options = options or Options()

    @classmethod
    def from_tensor_slices(cls, tensors: Any, name: str | None = None) -> Self:
        """One element per row of the tensors: slices along their first axis.

        NumPy arrays are not copied, so do not write to them while the dataset is in use; elements that are
        slices of them are read-only.

        Args:
            tensors: a tensor, array or list, or a tuple or dict (nested as you like) of them, each of shape
                ``[n, ...]`` with one n.

        Raises:
            ShapeError: a scalar, or different numbers of rows.
        """
        return cls(sources.slices(tensors))

    @classmethod
    def from_tensors(cls, tensors: Any, name: str | None = None) -> Self:
        """A dataset of one element: the tensors as they are."""
        return cls(sources.single(tensors))

    @classmethod
    def from_generator(
        cls,
        generator: Callable[..., Iterable[Any]],
        output_types: Any = None,
        output_shapes: Any = None,
        args: Iterable[Any] | None = None,
        output_signature: Any = None,
        name: str | None = None,
    ) -> Self:
        """What an iterable yields that ``generator(*args)`` makes anew for each pass.

        Args:
            generator: a function that returns an iterable of elements.
            output_signature: a TensorSpec per component, in the structure of the elements.
            output_types, output_shapes: the older way to say the same; shapes may be left out.
            args: tensors, handed to ``generator`` as NumPy arrays.

        Raises (while iterating):
            StructureError, DTypeError, ShapeError: an element does not follow the signature.
        """
        arguments.is_callable("from_generator: generator", generator)
        if output_signature is not None and (output_types is not None or output_shapes is not None):
            raise ArgumentError("from_generator takes either output_signature or output_types and output_shapes")
        if output_signature is None:
            output_signature = sources.signature_of(output_types, output_shapes)
        arrays = tuple(to_array(arg)[()] for arg in args or ())
        return cls(sources.Generator(generator, output_signature, arrays))

    @classmethod
    def range(cls, *args: Any, output_type: Any = "int64", name: str | None = None) -> Self:
        """The numbers of ``range(stop)``, ``range(start, stop)`` or ``range(start, stop, step)`` as
        scalars.
        """
        if not 1 <= len(args) <= 3:
            raise ArgumentError(
                f"range takes stop, (start, stop) or (start, stop, step); received {len(args)} arguments"
            )
        numbers = [arguments.integer("range: argument", arg) for arg in args]
        if len(numbers) == 3 and numbers[2] == 0:
            raise ArgumentError("range: step=0 never reaches the stop; use a positive or negative step")
        return cls(sources.Range(range(*numbers), output_type))

    @classmethod
    def random(
        cls, seed: int | None = None, rerandomize_each_iteration: bool | None = None, name: str | None = None
    ) -> Self:
        """Endless uniform integers in [0, 2**32), as int64 scalars; the same at each pass unless
        re-randomized.
        """
        seed = arguments.optional_seed("random: seed", seed)
        return cls(sources.Random(seed, bool(rerandomize_each_iteration)))

    @classmethod
    def zip(cls, *args: Any, datasets: Any = None, name: str | None = None) -> Self:
        """Elements of several datasets side by side, until the shortest ends.

        ``zip(a, b)`` and ``zip((a, b))`` give pairs; a dict or nested structure of datasets gives elements of
        that structure.
        """
        if bool(args) == (datasets is not None):
            raise ArgumentError("zip takes datasets, as zip(a, b), or one structure of datasets, as zip((a, b))")
        if args:
            datasets = args[0] if len(args) == 1 else args
        leaves, outer = flatten(datasets)
        if not leaves:
            raise ArgumentError(f"zip: received {datasets!r}, which holds no dataset; give at least one")
        return cls(Zip(outer, [node_of(leaf, "zip") for leaf in leaves]))

    def __iter__(self) -> Iterator:
        return Iterator(self._node)

    def as_numpy_iterator(self) -> NumpyIterator:
        """One pass over the elements as read-only NumPy arrays and NumPy scalars."""
        return NumpyIterator(self._node)

    @property
    def element_spec(self) -> Any:
        """The structure of one element, a TensorSpec at each leaf; None where a size varies.

        Behind user functions (``map``, ``flat_map``, ...) the first element is computed to find it out.
        """
        return to_user_spec(self._node.treedef, self._node.leaf_specs)

    def cardinality(self) -> Any:
        """The number of elements, an int64 scalar; INFINITE_CARDINALITY (-1) or UNKNOWN_CARDINALITY (-2)."""
        return to_user(np.array(self._node.cardinality, np.int64))

    def __len__(self) -> int:
        """The number of elements. Raises CardinalityError if it is infinite or unknown."""
        count = self._node.cardinality
        if cardinality.is_finite(count):
            return count
        if count == cardinality.INFINITE:
            raise CardinalityError("len(): the dataset is infinite; bound it with take(n) first")
        raise CardinalityError(
            f"len(): how many elements {self._node.name!r} gives is only known after iterating; "
            "count them with reduce, or use cardinality(), which is -2 here"
        )

    def __bool__(self) -> bool:
        return True

    def options(self) -> Options:
        """The options set by ``with_options`` so far."""
        return self._options

    def __repr__(self) -> str:
        return f"<Dataset {describe_stages(self._node)}, cardinality={self._node.cardinality}>"


def describe_stages(node: Node) -> str:
    """The stages in the order in which elements pass them: ``from_tensor_slices -> shuffle -> batch``."""
    if not node.inputs:
        return node.name
    if len(node.inputs) == 1:
        return f"{describe_stages(node.inputs[0])} -> {node.name}"
    return f"{node.name}({', '.join(map(describe_stages, node.inputs))})"


def node_of(value: Any, where: str) -> Node:
    """The stage of a dataset. Raises DatasetArgumentError for anything else."""
    if not isinstance(value, BaseDataset):
        raise DatasetArgumentError(f"{where}: received {type(value).__name__} ({value!r:.60}), expected a Dataset")
    return value._node
