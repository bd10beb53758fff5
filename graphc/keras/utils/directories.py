"""Files in class folders: which there are, their labels, and how they are split and made into a dataset."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from graphc.data import Dataset
from graphc.data.node import Node
from graphc.keras.utils.messages import print_message
from graphc.keras.utils.numerical import to_categorical
from graphc_ir.errors import ArgumentError

__all__ = ["DirectoryDataset", "DirectoryOptions", "FileIndex", "datasets_of", "index_directory"]

Array: TypeAlias = NDArray[Any]
Labels: TypeAlias = Literal["inferred"] | Sequence[int] | None

_LABEL_MODES = ("int", "categorical", "binary", None)
_SUBSETS = ("training", "validation", "both", None)


class DirectoryDataset(Dataset):
    """A dataset of files, which also knows the names of its classes and the paths of its files."""

    __slots__ = ("class_names", "file_paths")

    class_names: list[str] | None
    file_paths: list[str]

    def __init__(self, node: Node, class_names: list[str] | None, file_paths: list[str]) -> None:
        super().__init__(node)
        self.class_names = class_names
        self.file_paths = file_paths


@dataclass(frozen=True, slots=True)
class DirectoryOptions:
    """The arguments that ``image_dataset_from_directory`` and its like have in common. Construction checks them.

    Raises ArgumentError for arguments that have no meaning or do not go together.
    """

    labels: Labels
    label_mode: str | None
    class_names: Sequence[str] | None
    batch_size: int | None
    shuffle: bool
    seed: int | None
    validation_split: float | None
    subset: str | None
    follow_links: bool
    format: str
    verbose: bool

    def __post_init__(self) -> None:
        self._check_labels()
        self._check_split()
        if self.format != "tf":
            raise ArgumentError(f'`format` should be "tf" (a graphc.data.Dataset), received {self.format!r}')

    def _check_labels(self) -> None:
        if self.label_mode not in _LABEL_MODES:
            raise ArgumentError(
                f"`label_mode` argument must be one of {', '.join(map(repr, _LABEL_MODES))}, received "
                f"{self.label_mode!r}"
            )
        if self.labels == "inferred":
            return
        if self.labels is not None and not isinstance(self.labels, (list, tuple)):
            raise ArgumentError(
                f"`labels` argument should be a list/tuple of integer labels, one per file, 'inferred' (from the "
                f"names of the folders) or None, received {self.labels!r}"
            )
        if self.class_names:
            raise ArgumentError(
                f"You can only pass `class_names` if `labels='inferred'`, received labels={self.labels!r:.80} and "
                f"class_names={self.class_names}"
            )

    def _check_split(self) -> None:
        split, subset = self.validation_split, self.subset
        if split and not 0 < split < 1:
            raise ArgumentError(f"`validation_split` must be between 0 and 1, received {split}")
        if bool(split) != bool(subset):
            raise ArgumentError(
                f"If `subset` is set, `validation_split` must be set, and inversely; received subset={subset!r} and "
                f"validation_split={split}"
            )
        if subset not in _SUBSETS:
            raise ArgumentError(f'`subset` must be either "training", "validation" or "both", received {subset!r}')
        if split and self.shuffle and self.seed is None:
            raise ArgumentError(
                "If using `validation_split` and shuffling the data, you must provide a `seed` argument: otherwise a "
                "second call shuffles differently, and both subsets overlap"
            )

    @property
    def has_labels(self) -> bool:
        return self.labels is not None and self.label_mode is not None


@dataclass(frozen=True, slots=True)
class FileIndex:
    """Files and their labels (int32), None where there are none."""

    paths: list[str]
    labels: Array | None
    class_names: list[str] | None

    def take(self, rows: slice) -> FileIndex:
        labels = None if self.labels is None else self.labels[rows]
        return replace(self, paths=self.paths[rows], labels=labels)

    def shuffled(self, seed: int) -> FileIndex:
        """In the order that Keras gives them for a seed, so that both split them alike."""
        order = np.random.RandomState(seed).permutation(len(self.paths))
        labels = None if self.labels is None else self.labels[order]
        return replace(self, paths=[self.paths[row] for row in order], labels=labels)


def index_directory(
    directory: str | os.PathLike[str], endings: tuple[str, ...], options: DirectoryOptions
) -> FileIndex:
    """The files below ``directory`` with one of the ``endings``, sorted by path.

    Raises ArgumentError if there is no such folder or file, if ``class_names`` are not its subfolders, or if the
    number of ``labels`` is not that of the files.
    """
    root = Path(directory)
    if not root.is_dir():
        raise ArgumentError(f"directory={os.fspath(directory)!r}: there is no such folder")
    if options.has_labels and options.labels == "inferred":
        index = _index_classes(root, endings, options)
    else:
        paths = _files(root, endings, options.follow_links)
        index = _label_files(paths, options.labels if options.has_labels else None, root)
    if not index.paths:
        raise ArgumentError(f"No files found in directory {root}. Allowed formats: {', '.join(endings)}")
    if options.verbose:
        classes = "" if index.class_names is None else f" belonging to {len(index.class_names)} classes"
        print_message(f"Found {len(index.paths)} files{classes}.")
    return index


def _index_classes(root: Path, endings: tuple[str, ...], options: DirectoryOptions) -> FileIndex:
    folders = sorted(entry.name for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    names = list(options.class_names or folders)
    if not set(names) <= set(folders):
        raise ArgumentError(
            f"The `class_names` passed did not match the names of the subdirectories of {root}. Expected: {folders} "
            f"(or a subset of it), but received: class_names={names}"
        )
    per_class = [_files(root / name, endings, options.follow_links) for name in names]
    labels = np.repeat(np.arange(len(names), dtype=np.int32), [len(paths) for paths in per_class])
    return FileIndex([path for paths in per_class for path in paths], labels, names)


def _label_files(paths: list[str], labels: Any, root: Path) -> FileIndex:
    if labels is None:
        return FileIndex(paths, None, None)
    if len(labels) != len(paths):
        raise ArgumentError(
            "Expected the lengths of `labels` to match the number of files in the target directory: received "
            f"{len(labels)} labels for {len(paths)} files in {root}"
        )
    return FileIndex(paths, np.asarray(labels, np.int32), [str(label) for label in sorted(set(labels))])


def _files(folder: Path, endings: tuple[str, ...], follow_links: bool) -> list[str]:
    walk = sorted(os.walk(folder, followlinks=follow_links), key=lambda entry: entry[0])
    return [
        os.path.join(parent, name)
        for parent, _, names in walk
        for name in sorted(names)
        if name.lower().endswith(endings)
    ]


def datasets_of(
    directory: str | os.PathLike[str],
    endings: tuple[str, ...],
    options: DirectoryOptions,
    load: Callable[[str], Array],
) -> DirectoryDataset | list[DirectoryDataset]:
    """The dataset of the files in a folder, or the two of ``subset="both"``.

    Args:
        endings: which files to take, in lower case.
        load: reads one file, called at each pass.

    Raises:
        ArgumentError: there are no such files, or not two classes for binary labels.
    """
    index = index_directory(directory, endings, options)
    _check_binary(index, options)
    seed = int(np.random.randint(1_000_000)) if options.seed is None else options.seed
    if options.shuffle:
        index = index.shuffled(seed)
    if options.subset != "both":
        part = _subset(index, options.subset, options)
        return _dataset(part, options, load, seed if options.shuffle else None)
    training, validation = (_subset(index, name, options) for name in ("training", "validation"))
    return [
        _dataset(training, options, load, seed if options.shuffle else None),
        _dataset(validation, options, load, None),
    ]


def _check_binary(index: FileIndex, options: DirectoryOptions) -> None:
    if options.has_labels and options.label_mode == "binary" and len(index.class_names or ()) != 2:
        raise ArgumentError(
            'When passing `label_mode="binary"`, there must be exactly 2 class_names. Received: '
            f"class_names={index.class_names}"
        )


def _subset(index: FileIndex, subset: str | None, options: DirectoryOptions) -> FileIndex:
    if subset is None or not options.validation_split:
        return index
    count = len(index.paths) - int(options.validation_split * len(index.paths))
    part = index.take(slice(count) if subset == "training" else slice(count, None))
    print_message(f"Using {len(part.paths)} files for {subset}.")
    if not part.paths:
        raise ArgumentError(
            f"validation_split={options.validation_split} leaves none of the {len(index.paths)} files for {subset}"
        )
    return part


def _dataset(
    index: FileIndex, options: DirectoryOptions, load: Callable[[str], Array], shuffle_seed: int | None
) -> DirectoryDataset:
    rows = np.arange(len(index.paths))
    labels = None if index.labels is None else _encoded(index.labels, options.label_mode, len(index.class_names or ()))
    dataset = Dataset.from_tensor_slices(rows if labels is None else (rows, labels))
    if shuffle_seed is not None:
        dataset = dataset.shuffle(len(rows), shuffle_seed)
    paths = index.paths
    if labels is None:
        dataset = dataset.map(lambda row: load(paths[int(row)]))
    else:
        dataset = dataset.map(lambda row, label: (load(paths[int(row)]), label))
    if options.batch_size is not None:
        dataset = dataset.batch(options.batch_size)
    return DirectoryDataset(dataset._node, index.class_names, paths)


def _encoded(labels: Array, label_mode: str | None, num_classes: int) -> Array:
    if label_mode == "binary":
        return labels.astype(np.float32)[:, np.newaxis]
    if label_mode == "categorical":
        return np.asarray(to_categorical(labels, num_classes), np.float32)
    return labels
