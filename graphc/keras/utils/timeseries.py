"""Windows of a time series as a dataset."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from graphc.data import Dataset
from graphc.data.boundary import to_array
from graphc_ir.errors import ArgumentError

__all__ = ["timeseries_dataset_from_array"]

Array: TypeAlias = NDArray[Any]


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str = "tf",
) -> Dataset:
    """Windows of ``data`` in batches, each with the target of its first time step.

    Window ``i`` starts at the time step ``i * sequence_stride`` and takes ``sequence_length`` steps,
    ``sampling_rate`` apart. No window reaches beyond the end of the data. The data is not copied.

    Args:
        data: shape ``[steps, ...]``.
        targets: ``targets[i]`` belongs to the window that starts at step ``i``; None gives windows alone.
        batch_size: None gives single windows.
        shuffle: visits the windows in random order, another one in each pass.
        seed: of the shuffling.
        start_index: steps before it are not used.
        end_index: it and the steps after it are not used.
        format: accepted for compatibility; only ``"tf"``, a :class:`~graphc.data.Dataset`.

    Returns:
        A dataset of ``windows`` or ``(windows, targets)``: ``[batch, sequence_length, ...]`` and ``[batch, ...]``.

    Raises:
        ArgumentError: an index or a stride is out of range, or no window fits into the data.
    """
    if format != "tf":
        raise ArgumentError(f'`format` should be "tf" (a graphc.data.Dataset), received {format!r}')
    series = to_array(data)
    _check_range(start_index, end_index, len(series))
    for name, step in (("sampling_rate", sampling_rate), ("sequence_stride", sequence_stride)):
        _check_step(name, step, len(series))
    used = slice(start_index, end_index)
    windows = _windows(series[used], sequence_length, sampling_rate)
    if targets is None:
        dataset = Dataset.from_tensor_slices(windows[::sequence_stride])
    else:
        labels = to_array(targets)[used][: len(windows)]
        windows = windows[: len(labels)]
        dataset = Dataset.from_tensor_slices((windows[::sequence_stride], labels[::sequence_stride]))
    if shuffle:
        dataset = dataset.shuffle(len(dataset), seed)
    return dataset if batch_size is None else dataset.batch(batch_size)


def _windows(series: Array, length: int, rate: int) -> Array:
    """A view of all windows, ``[count, length, ...]``."""
    span = (length - 1) * rate + 1
    if length < 1 or span > len(series):
        raise ArgumentError(
            f"sequence_length={length} with sampling_rate={rate} spans {max(span, 0)} time steps, expected 1 to "
            f"{len(series)}, the number of steps that are used"
        )
    windows = sliding_window_view(series, span, axis=0)[..., ::rate]
    return np.moveaxis(windows, -1, 1)


def _check_range(start: int | None, end: int | None, length: int) -> None:
    if start and not 0 <= start < length:
        relation = "0 or greater" if start < 0 else "lower than the length of the data"
        raise ArgumentError(f"`start_index` must be {relation}. Received: start_index={start} for {length} time steps")
    if not end:
        return
    if start and end <= start:
        raise ArgumentError(f"`end_index` must be higher than `start_index`={start}. Received: end_index={end}")
    if not 0 < end < length:
        relation = "higher than 0" if end <= 0 else "lower than the length of the data"
        raise ArgumentError(
            f"`end_index` must be {relation}. Received: end_index={end} for {length} time steps; None uses them all"
        )


def _check_step(name: str, step: int, length: int) -> None:
    if not 0 < step < length:
        relation = "higher than 0" if step <= 0 else "lower than the length of the data"
        raise ArgumentError(f"`{name}` must be {relation}. Received: {name}={step} for {length} time steps")
