from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as gc
from graphc.data import Dataset
from graphc.keras.utils import set_random_seed, split_dataset
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError


def values(dataset: Dataset) -> list[Any]:
    return [element.tolist() if isinstance(element, np.ndarray) else element for element in dataset.as_numpy_iterator()]


def test_as_keras(keras_utils: dict[str, Any]) -> None:
    for case in keras_utils["split_dataset"]:
        left, right = split_dataset(np.arange(10), **case["kwargs"])
        assert (values(left), values(right)) == (case["left"], case["right"]), case["kwargs"]


@pytest.mark.parametrize("make", [list, tuple])
def test_several_arrays_split_alike(make: Any) -> None:
    left, right = split_dataset(make([np.arange(5), gc.range(5) * 2]), left_size=2)
    assert values(left) == [(0, 0), (1, 2)]
    assert values(right) == [(2, 4), (3, 6), (4, 8)]


def test_a_dict_of_arrays() -> None:
    left, _ = split_dataset({"a": np.arange(4), "b": np.zeros((4, 2))}, left_size=1)
    (element,) = left.as_numpy_iterator()
    assert (int(element["a"]), element["b"].tolist()) == (0, [0, 0])


def test_a_batched_dataset_is_split_between_samples() -> None:
    left, right = split_dataset(Dataset.range(10).batch(3), left_size=0.5)
    assert values(left) == [[0, 1, 2], [3, 4]]
    assert values(right) == [[5, 6, 7], [8, 9]]


def test_a_dataset_that_only_iterating_can_count() -> None:
    odd = Dataset.range(10).filter(lambda x: x % 2 == 1)
    left, right = split_dataset(odd, right_size=2)
    assert (values(left), values(right)) == ([1, 3, 5], [7, 9])


def test_without_a_seed_the_global_one_decides() -> None:
    orders = []
    for _ in range(2):
        set_random_seed(7)
        orders.append(values(split_dataset(np.arange(50), left_size=49, shuffle=True)[0]))
    assert orders[0] == orders[1] != sorted(orders[0])


def test_a_seed_leaves_the_global_stream_alone() -> None:
    set_random_seed(7)
    first = np.random.rand()
    set_random_seed(7)
    split_dataset(np.arange(5), left_size=2, shuffle=True, seed=3)
    assert np.random.rand() == first


@pytest.mark.parametrize(
    ("dataset", "kwargs", "error", "message"),
    [
        (np.arange(10), {}, ArgumentError, "At least one of the `left_size` or `right_size` must be specified"),
        (np.arange(10), {"left_size": 0}, ArgumentError, "`left_size` should be either a positive integer smaller"),
        (np.arange(10), {"left_size": 10}, ArgumentError, "smaller than 10, or a float between 0 and 1, received 10"),
        (np.arange(10), {"right_size": 1.5}, ArgumentError, "`right_size` should be .*received 1.5"),
        (np.arange(10), {"left_size": 7, "right_size": 7}, ArgumentError, "The sum of `left_size` and `right_size`"),
        (np.arange(10), {"left_size": 0.7, "right_size": 0.7}, ArgumentError, "The sum of"),
        (np.arange(10), {"left_size": 0.01}, ArgumentError, "leave the left side empty"),
        (np.arange(10), {"left_size": 0.99}, ArgumentError, "leave the right side empty"),
        (np.arange(10), {"left_size": "3"}, DTypeError, "Invalid `left_size` Type. Expected: int or float or None"),
        (
            [1, 2],
            {"left_size": 1},
            ArgumentError,
            "Expected a list of `numpy.ndarray` objects, received int at index 0",
        ),
        ([], {"left_size": 1}, ArgumentError, "received an empty list"),
        ([np.arange(2), np.arange(3)], {"left_size": 1}, ShapeError, r"arrays with different lengths \[2, 3\]"),
        ("text", {"left_size": 1}, DTypeError, "received str, expected a Dataset"),
        (Dataset.range(3).repeat(), {"left_size": 1}, ArgumentError, r"endless; bound it with take\(n\)"),
        (Dataset.range(0), {"left_size": 1}, ArgumentError, "Received an empty dataset"),
    ],
)
def test_arguments_are_checked(dataset: Any, kwargs: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        split_dataset(dataset, **kwargs)
