"""Input pipelines in the manner of ``tf.data``, cheap enough that iterating costs less than the step."""

from graphc.data import experimental
from graphc.data.arguments import AUTOTUNE
from graphc.data.cardinality import INFINITE as INFINITE_CARDINALITY
from graphc.data.cardinality import UNKNOWN as UNKNOWN_CARDINALITY
from graphc.data.dataset import Dataset
from graphc.data.iterators import Iterator, NumpyIterator
from graphc.data.options import Options, ThreadingOptions
from graphc.data.structure import DatasetSpec

__all__ = [
    "AUTOTUNE",
    "INFINITE_CARDINALITY",
    "UNKNOWN_CARDINALITY",
    "Dataset",
    "DatasetSpec",
    "Iterator",
    "NumpyIterator",
    "Options",
    "ThreadingOptions",
    "experimental",
]
