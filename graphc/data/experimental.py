"""Names that ``tf.data.experimental`` still has."""

from __future__ import annotations

from typing import Any

from graphc.data.arguments import AUTOTUNE
from graphc.data.base import BaseDataset
from graphc.data.cardinality import INFINITE as INFINITE_CARDINALITY
from graphc.data.cardinality import UNKNOWN as UNKNOWN_CARDINALITY


def cardinality(dataset: BaseDataset) -> Any:
    """The number of elements of the dataset; see ``Dataset.cardinality``."""
    return dataset.cardinality()


__all__ = ["AUTOTUNE", "INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY", "cardinality"]
