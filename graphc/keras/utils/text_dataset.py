"""Text files in class folders as a dataset."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from graphc.keras.utils.directories import DirectoryDataset, DirectoryOptions, Labels, datasets_of
from graphc.keras.utils.errors import CorruptFileError

__all__ = ["text_dataset_from_directory"]

Array: TypeAlias = NDArray[Any]


def text_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Labels = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    format: str = "tf",
    verbose: bool = True,
) -> DirectoryDataset | list[DirectoryDataset]:
    """The ``.txt`` files below a folder, read at each pass, with the labels that their folders or ``labels`` give.

    Args:
        max_length: cuts texts after that many characters.
        directory, labels, label_mode, class_names, batch_size, shuffle, seed, validation_split, subset,
            follow_links, format, verbose: as for :func:`image_dataset_from_directory`.

    Returns:
        A dataset of texts, string tensors ``[batch]`` (``numpy()`` gives ``str`` objects), or of
        ``(texts, labels)``. Its attributes ``class_names`` and ``file_paths`` say what is in it.

    Raises:
        ArgumentError: an argument has no meaning, or there are no files.
        CorruptFileError (while iterating): a file is not UTF-8 text.
    """
    options = DirectoryOptions(
        labels, label_mode, class_names, batch_size, shuffle, seed, validation_split, subset, follow_links, format,
        verbose,
    )  # fmt: skip
    return datasets_of(directory, (".txt",), options, partial(_load, max_length=max_length))


def _load(path: str, max_length: int | None) -> Array:
    try:
        text = Path(path).read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise CorruptFileError(f"{path} is no UTF-8 text ({error}); convert it or take it away") from error
    return np.array(text[:max_length], object)
