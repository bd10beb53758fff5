"""Names that ``tf.data.experimental`` still has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.data import arguments
from graphc.data.arguments import AUTOTUNE
from graphc.data.base import BaseDataset
from graphc.data.cardinality import INFINITE as INFINITE_CARDINALITY
from graphc.data.cardinality import UNKNOWN as UNKNOWN_CARDINALITY
from graphc.data.dataset import Dataset
from graphc.data.transforms import AssertCardinality


def cardinality(dataset: BaseDataset) -> Any:
    """The number of elements of the dataset; see ``Dataset.cardinality``."""
    return dataset.cardinality()


def assert_cardinality(expected_cardinality: int) -> Callable[[Dataset], Dataset]:
    """Tells how many elements a dataset has, for use with ``apply``: ``len()`` then works on generators too.

    Raises (while iterating) AssertedCardinalityError if it has more or fewer.
    """
    minimum = INFINITE_CARDINALITY
    expected = arguments.at_least("assert_cardinality: expected_cardinality", expected_cardinality, minimum)
    return lambda dataset: Dataset(AssertCardinality(dataset._node, expected), dataset.options())


__all__ = ["AUTOTUNE", "INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY", "assert_cardinality", "cardinality"]
