"""The errors that only data pipelines have."""

from __future__ import annotations

from graphc_ir.errors import GraphcError


class StructureError(GraphcError, TypeError):
    """Elements of a dataset do not have the nesting of tuples and dicts that the operation needs.

    All elements of one dataset have the same structure, and so have datasets that are concatenated or
    interleaved. Change the function that makes the elements, or bring them to one structure with ``map``.
    """


class CardinalityError(GraphcError, TypeError):
    """``len()`` was asked of a dataset that is infinite or whose length only iterating can tell.

    Use ``dataset.cardinality()`` (-1: infinite, -2: unknown), or ``take(n)`` to bound the dataset.
    """


class AssertedCardinalityError(GraphcError, ValueError):
    """A dataset gave more or fewer elements than ``assert_cardinality`` was told."""


class DatasetArgumentError(GraphcError, TypeError):
    """A dataset was expected, or a function had to return one, and something else came."""


class OutOfRangeError(GraphcError, IndexError):
    """``Iterator.get_next()`` was called after the last element.

    A ``for`` loop ends there by itself; ``iter(dataset)`` starts a new pass.
    """
