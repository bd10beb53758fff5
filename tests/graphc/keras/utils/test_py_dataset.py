from __future__ import annotations

from itertools import islice
from typing import Any

import pytest

from graphc.keras.utils import PyDataset, Sequence


class Squares(PyDataset):
    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Any:
        return index**2


class Endless(Sequence):
    num_batches = None

    def __init__(self) -> None:
        """Does not call ``super().__init__()``, as many do not."""

    def __getitem__(self, index: int) -> Any:
        return index


def test_batches_by_index_and_in_order() -> None:
    squares = Squares(workers=2, use_multiprocessing=True, max_queue_size=4)
    assert (squares.workers, squares.use_multiprocessing, squares.max_queue_size) == (2, True, 4)
    assert squares.num_batches == 3
    assert list(squares) == [0, 1, 4]


def test_an_endless_dataset_without_super_init() -> None:
    endless = Endless()
    assert (endless.workers, endless.use_multiprocessing, endless.max_queue_size) == (1, False, 10)
    assert list(islice(endless, 4)) == [0, 1, 2, 3]
    endless.on_epoch_begin()
    endless.on_epoch_end()


def test_what_is_missing_is_said() -> None:
    with pytest.raises(NotImplementedError, match=r"PyDataset needs a method __getitem__\(self, index\)"):
        PyDataset()[0]
    with pytest.raises(NotImplementedError, match=r"PyDataset needs a method __len__\(self\)"):
        PyDataset().num_batches  # noqa: B018
