"""Sequences: padding, windows of time series, pairs of neighbouring words."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from graphc.keras.utils.py_dataset import PyDataset
from graphc.keras.utils.sequences import pad_sequences
from graphc_ir.errors import ArgumentError

__all__ = ["TimeseriesGenerator", "make_sampling_table", "pad_sequences", "skipgrams"]

Array: TypeAlias = NDArray[Any]

_EULER_GAMMA = 0.577
"""With as many digits as Keras has, so that the tables are the same."""


class TimeseriesGenerator(PyDataset):
    """Windows of a time series by batch; :func:`timeseries_dataset_from_array` is the newer and faster way.

    The sample of time step ``t`` is ``data[t - length : t : sampling_rate]``, its target ``targets[t]``.

    Args:
        data, targets: of one length, time first.
        length: how many time steps back a window reaches.
        sampling_rate: period between the time steps of a window.
        stride: period between windows.
        start_index, end_index: time steps before the one and behind the other are not used.
        shuffle: draws the time steps at random instead of in order.
        reverse: turns the windows around.
        batch_size: samples in a batch.
        **kwargs: for :class:`~graphc.keras.utils.PyDataset`.

    Raises:
        ArgumentError: different lengths, or no window fits.
    """

    def __init__(
        self,
        data: Any,
        targets: Any,
        length: int,
        sampling_rate: int = 1,
        stride: int = 1,
        start_index: int = 0,
        end_index: int | None = None,
        shuffle: bool = False,
        reverse: bool = False,
        batch_size: int = 128,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if len(data) != len(targets):
            raise ArgumentError(
                f"Data and targets have to be of same length. Data length is {len(data)} while target length is "
                f"{len(targets)}"
            )
        self.data = data
        self.targets = targets
        self.length = length
        self.sampling_rate = sampling_rate
        self.stride = stride
        self.start_index = start_index + length
        self.end_index = len(data) - 1 if end_index is None else end_index
        self.shuffle = shuffle
        self.reverse = reverse
        self.batch_size = batch_size
        if self.start_index > self.end_index:
            raise ArgumentError(
                f"`start_index+length={self.start_index} > end_index={self.end_index}` leaves no time step to be the "
                "current one; make length smaller"
            )

    def __len__(self) -> int:
        return -(-(self.end_index - self.start_index + 1) // (self.batch_size * self.stride))

    def __getitem__(self, index: int) -> tuple[Array, Array]:
        steps = self._steps(index)
        samples = np.array([self.data[step - self.length : step : self.sampling_rate] for step in steps])
        return samples[:, ::-1] if self.reverse else samples, np.array([self.targets[step] for step in steps])

    def _steps(self, index: int) -> Sequence[int]:
        if self.shuffle:
            return [int(step) for step in np.random.randint(self.start_index, self.end_index + 1, self.batch_size)]
        span = self.batch_size * self.stride
        first = self.start_index + span * index
        return range(first, min(first + span, self.end_index + 1), self.stride)


def make_sampling_table(size: int, sampling_factor: float = 1e-5) -> Array:
    """How likely :func:`skipgrams` is to keep the word of each rank: the more frequent, the less (word2vec).

    Frequencies are those of Zipf's law. Returns an array of shape ``[size]``.
    """
    rank = np.maximum(np.arange(size), 1)
    inverse_frequency = rank * (np.log(rank) + _EULER_GAMMA) + 0.5 - 1 / (12 * rank)
    return np.minimum(1.0, np.sqrt(sampling_factor * inverse_frequency))


def skipgrams(
    sequence: Sequence[int],
    vocabulary_size: int,
    window_size: int = 4,
    negative_samples: float = 1.0,
    shuffle: bool = True,
    categorical: bool = False,
    sampling_table: Any = None,
    seed: int | None = None,
) -> tuple[list[list[int]], list[Any]]:
    """Pairs of words that stand near each other, labelled 1, and pairs with random words, labelled 0.

    Args:
        sequence: word numbers; 0 stands for no word.
        vocabulary_size: random words are drawn from 1 to below it.
        window_size: how far apart neighbours may be.
        negative_samples: how many random pairs there are for each real one.
        shuffle: mixes the pairs.
        categorical: labels ``[0, 1]`` and ``[1, 0]`` instead of 1 and 0.
        sampling_table: the probability that a word is kept, by its number.
        seed: of Python's ``random``, set before mixing.

    Returns:
        The pairs ``[word, other]``, and their labels.
    """
    couples = [
        [word, sequence[other]]
        for place, word in enumerate(sequence)
        if word and (sampling_table is None or sampling_table[word] >= random.random())
        for other in range(max(0, place - window_size), min(len(sequence), place + window_size + 1))
        if other != place and sequence[other]
    ]
    labels: list[Any] = [[0, 1] if categorical else 1] * len(couples)
    if negative_samples > 0:
        negatives = _random_couples(couples, int(len(couples) * negative_samples), vocabulary_size)
        couples += negatives
        labels += [[1, 0] if categorical else 0] * len(negatives)
    if shuffle:
        seed = random.randint(0, 10_000_000) if seed is None else seed
        for pairs in (couples, labels):
            random.seed(seed)
            random.shuffle(pairs)
    return couples, labels


def _random_couples(couples: list[list[int]], count: int, vocabulary_size: int) -> list[list[int]]:
    words = [word for word, _ in couples]
    random.shuffle(words)
    return [[words[index % len(words)], random.randint(1, vocabulary_size - 1)] for index in range(count)]
