from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as gc
from graphc.keras.utils import timeseries_dataset_from_array
from graphc_ir.errors import ArgumentError


def batches(dataset: Any) -> list[Any]:
    return [[part.numpy().tolist() for part in (b if isinstance(b, tuple) else (b,))] for b in dataset]


def test_as_keras(keras_utils: dict[str, Any]) -> None:
    data = np.arange(12)
    for case in keras_utils["timeseries"]["cases"]:
        targets = data * 10 if case["targets"] else None
        dataset = timeseries_dataset_from_array(data, targets, **case["kwargs"])
        assert batches(dataset) == case["batches"], case["kwargs"]


def test_rows_of_features_as_keras(keras_utils: dict[str, Any]) -> None:
    dataset = timeseries_dataset_from_array(np.arange(20).reshape(10, 2), np.arange(4), 3, batch_size=4)
    assert batches(dataset) == keras_utils["timeseries"]["rows"]


def test_shuffled_windows_keep_their_targets_and_follow_the_seed() -> None:
    data = np.arange(40.0)

    def passes(seed: int) -> list[list[float]]:
        dataset = timeseries_dataset_from_array(data, data + 100, 3, batch_size=4, shuffle=True, seed=seed)
        pairs = [[(x.numpy()[:, 0], y.numpy()) for x, y in dataset] for _ in range(2)]
        assert all((first + 100 == target).all() for one_pass in pairs for first, target in one_pass)
        return [np.concatenate([first for first, _ in one_pass]).tolist() for one_pass in pairs]

    first, second = passes(seed=1)
    assert sorted(first) == sorted(second) == list(range(38))
    assert sorted(first) != first != second
    assert passes(seed=1) == [first, second]
    assert passes(seed=2)[0] != first


def test_long_windows_of_long_series_take_no_memory() -> None:
    # All windows together would take 8 TB.
    dataset = timeseries_dataset_from_array(np.zeros(2_000_000), None, 1_000_000, shuffle=True, batch_size=1)
    assert next(iter(dataset)).shape == (1, 1_000_000)


def test_lists_and_tensors() -> None:
    from_list = timeseries_dataset_from_array([1.0, 2.0, 3.0], None, 2)
    from_tensor = timeseries_dataset_from_array(gc.constant([1.0, 2.0, 3.0]), None, 2)
    assert batches(from_list) == batches(from_tensor) == [[[[1, 2], [2, 3]]]]


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"start_index": -1}, "`start_index` must be 0 or greater. Received: start_index=-1"),
        ({"start_index": 10}, "`start_index` must be lower than the length of the data"),
        ({"end_index": 10}, "`end_index` must be lower than the length of the data.*None uses them all"),
        ({"end_index": -2}, "`end_index` must be higher than 0"),
        ({"start_index": 5, "end_index": 5}, "`end_index` must be higher than `start_index`=5"),
        ({"sampling_rate": 0}, "`sampling_rate` must be higher than 0"),
        ({"sampling_rate": 10}, "`sampling_rate` must be lower than the length of the data"),
        ({"sequence_stride": 0}, "`sequence_stride` must be higher than 0"),
        ({"sequence_stride": 10}, "`sequence_stride` must be lower than the length of the data"),
        ({"sequence_length": 11}, "sequence_length=11 with sampling_rate=1 spans 11 time steps, expected 1 to 10"),
        ({"sequence_length": 0}, "sequence_length=0 .* spans 0 time steps"),
        ({"sequence_length": 5, "sampling_rate": 3}, "spans 13 time steps"),
        ({"format": "grain"}, '`format` should be "tf"'),
    ],
)
def test_arguments_are_checked(kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        timeseries_dataset_from_array(np.arange(10), None, **{"sequence_length": 3, **kwargs})
