"""Pictures in class folders as a dataset."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from graphc.keras import config
from graphc.keras.utils.aspect import crop_and_resize, pad_and_resize
from graphc.keras.utils.directories import DirectoryDataset, DirectoryOptions, Labels, datasets_of
from graphc.keras.utils.errors import CorruptFileError
from graphc.keras.utils.image import CHANNELS, pillow, with_channels
from graphc.keras.utils.resampling import check_method, resize
from graphc_ir.errors import ArgumentError

__all__ = ["image_dataset_from_directory"]

Array: TypeAlias = NDArray[Any]
Resizer: TypeAlias = Callable[[Array], Array]

_ENDINGS: Final = (".bmp", ".gif", ".jpeg", ".jpg", ".png")


def image_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Labels = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: int | tuple[int, int] = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str = "tf",
    verbose: bool = True,
) -> DirectoryDataset | list[DirectoryDataset]:
    """The pictures below a folder, read at each pass, with the labels that their folders or ``labels`` give.

    With a seed, the order of the files and their split into training and validation are those of Keras.

    Args:
        directory: with one folder per class, unless ``labels`` are given.
        labels: ``"inferred"`` from the folders, None for pictures alone, or an integer per file, sorted by path.
        label_mode: ``"int"`` gives int32 ``[batch]``, ``"categorical"`` one-hot float32 ``[batch, classes]``,
            ``"binary"`` float32 ``[batch, 1]``, None no labels.
        class_names: which folders to take, in the order of their labels; by default all, sorted.
        color_mode: ``"grayscale"``, ``"rgb"`` or ``"rgba"``: 1, 3 or 4 channels.
        batch_size: None gives single pictures.
        image_size: ``(height, width)`` that all are resized to.
        shuffle: visits the files in random order, another one in each pass; otherwise sorted by path.
        seed: of the shuffling.
        validation_split: the part of the files that validates.
        subset: ``"training"``, ``"validation"``, or ``"both"`` for a list of the two datasets.
        interpolation: bilinear, nearest, bicubic, area, lanczos3, lanczos5, gaussian or mitchellcubic.
        follow_links: also looks into folders that links point to.
        crop_to_aspect_ratio: keeps proportions by cutting off both sides.
        pad_to_aspect_ratio: keeps proportions by black on both sides.
        data_format: where the channels go; None means ``keras.config.image_data_format()``.
        format: accepted for compatibility; only ``"tf"``, a :class:`~graphc.data.Dataset`.
        verbose: prints how many files and classes there are.

    Returns:
        A dataset of pictures, float32 ``[batch, height, width, channels]`` with values 0..255, or of
        ``(pictures, labels)``. Its attributes ``class_names`` and ``file_paths`` say what is in it.

    Raises:
        ArgumentError: an argument has no meaning, or there are no files.
        PillowMissingError: Pillow is not installed.
        CorruptFileError (while iterating): a file is no picture.
    """
    options = DirectoryOptions(
        labels, label_mode, class_names, batch_size, shuffle, seed, validation_split, subset, follow_links, format,
        verbose,
    )  # fmt: skip
    if color_mode not in CHANNELS:
        raise ArgumentError(f"`color_mode` must be one of {', '.join(CHANNELS)}, received {color_mode!r}")
    pillow("image_dataset_from_directory")
    channels_first = config.standardize_data_format(data_format) == "channels_first"
    resizer = _resizer(_size(image_size), interpolation, crop_to_aspect_ratio, pad_to_aspect_ratio)
    load = partial(_load, color_mode=color_mode, resizer=resizer, channels_first=channels_first)
    return datasets_of(directory, _ENDINGS, options, load)


def _size(image_size: Any) -> tuple[int, int]:
    if isinstance(image_size, int):
        return image_size, image_size
    if not isinstance(image_size, (tuple, list)) or len(image_size) != 2:
        raise ArgumentError(
            f"Invalid `image_size` value. Expected a tuple of 2 integers (height, width), received {image_size!r}"
        )
    height, width = image_size
    return height, width


def _resizer(size: tuple[int, int], interpolation: str, crop: bool, pad: bool) -> Resizer:
    if crop and pad:
        raise ArgumentError("Only one of `pad_to_aspect_ratio`, `crop_to_aspect_ratio` can be set to `True`")
    function = crop_and_resize if crop else pad_and_resize if pad else resize
    method = check_method("image_dataset_from_directory", interpolation)
    return partial(function, size=size, method=method, first_axis=0)


def _load(path: str, color_mode: str, resizer: Resizer, channels_first: bool) -> Array:
    image = pillow("image_dataset_from_directory")
    try:
        with image.open(path) as opened:
            pixels = np.asarray(with_channels(opened, color_mode))
    except (OSError, image.DecompressionBombError) as error:
        raise CorruptFileError(f"{path} is no readable picture ({error}); repair it or take it away") from error
    resized = resizer(pixels.reshape(*pixels.shape[:2], CHANNELS[color_mode]))
    return resized.transpose(2, 0, 1) if channels_first else resized
