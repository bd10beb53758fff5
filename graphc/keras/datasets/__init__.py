"""Data sets to try models on.

``digits`` ships inside the package; the others are downloaded once into Keras's own cache, ``~/.keras/datasets``.
Their files are read without executing anything that may stand in them.
"""

# Not published to the registry of serializable objects: a model file must never make anything be downloaded.
from graphc.keras.datasets import (
    boston_housing,
    california_housing,
    cifar10,
    cifar100,
    digits,
    fashion_mnist,
    imdb,
    mnist,
    reuters,
)

__all__ = [
    "boston_housing",
    "california_housing",
    "cifar10",
    "cifar100",
    "digits",
    "fashion_mnist",
    "imdb",
    "mnist",
    "reuters",
]
