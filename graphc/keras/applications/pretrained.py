"""Files of weights: those trained on ImageNet, which Keras's own server has, and the user's."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from graphc.keras import activations
from graphc.keras.utils.files import get_file
from graphc_ir.errors import ArgumentError

__all__ = ["KERAS_FILES", "PretrainedFile", "Weights", "check_weights", "file_pair", "weights_path"]

Weights: TypeAlias = str | os.PathLike[str] | None
"""``"imagenet"``, the path of a file, or None."""

KERAS_FILES: Final = "https://storage.googleapis.com/tensorflow/keras-applications/"
_IMAGENET_CLASSES: Final = 1000


@dataclass(frozen=True, slots=True)
class PretrainedFile:
    """A file of the server: its URL, MD5 or SHA-256 sum if that is known, and its name in the cache."""

    url: str
    file_hash: str | None = None
    cached_name: str | None = None

    def fetch(self) -> str:
        """The path in ``~/.keras/models``, downloaded if need be. Raises DownloadError without a network."""
        name = self.cached_name or self.url.rpartition("/")[2]
        return get_file(name, self.url, cache_subdir="models", file_hash=self.file_hash)


FilePair: TypeAlias = tuple[PretrainedFile, PretrainedFile]
"""The weights of a network with its classifier, and without it."""


def file_pair(
    stem: str, hashes: Sequence[str | None] = (None, None), endings: tuple[str, str] = (".h5", "_notop.h5")
) -> FilePair:
    """The two files whose URLs begin with ``stem``."""
    top, no_top = (PretrainedFile(stem + ending, sum_) for ending, sum_ in zip(endings, hashes, strict=True))
    return top, no_top


def check_weights(weights: Weights, include_top: bool, classes: int, classifier_activation: Any) -> None:
    """Raises ArgumentError for weights that are no file, or that do not fit the classifier."""
    if weights is None:
        return
    if weights != "imagenet" and not os.path.exists(weights):
        raise ArgumentError("The `weights` argument should be either `None` (random initialization), `imagenet` "
                            "(pre-training on ImageNet), or the path to the weights file to be loaded, and there is no "
                            f"file {os.fspath(weights)!r}")  # fmt: skip
    if not include_top:
        return
    if weights == "imagenet" and classes != _IMAGENET_CLASSES:
        raise ArgumentError('If using `weights="imagenet"` with `include_top=True`, `classes` should be '
                            f"{_IMAGENET_CLASSES}, got classes={classes}; with include_top=False the features can "
                            "carry a classifier of your own")  # fmt: skip
    if activations.get(classifier_activation) not in (activations.softmax, activations.linear):
        raise ArgumentError("Only `None` and `softmax` activations are allowed for the `classifier_activation` argument"
                            " when using pretrained weights, with `include_top=True`, got "
                            f"classifier_activation={classifier_activation!r}")  # fmt: skip


def weights_path(weights: Weights, files: FilePair, include_top: bool) -> Weights:
    """The file to read, downloaded if it is one of ``files``; None for initial values."""
    return files[not include_top].fetch() if weights == "imagenet" else weights
