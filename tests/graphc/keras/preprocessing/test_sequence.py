from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphc.keras import preprocessing, utils
from graphc.keras.preprocessing import image, sequence
from graphc.keras.preprocessing.sequence import TimeseriesGenerator, make_sampling_table, skipgrams
from graphc_ir.errors import ArgumentError

GOLDENS = json.loads((Path(__file__).parents[1] / "goldens/keras_utils.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", GOLDENS["timeseries_generator"])
def test_timeseries_generator_as_keras(case: Any) -> None:
    generator = TimeseriesGenerator(np.arange(12), np.arange(12) * 10, **case["kwargs"])
    assert len(generator) == generator.num_batches == case["length"]
    assert [[part.tolist() for part in batch] for batch in generator] == case["batches"]


def test_random_time_steps() -> None:
    np.random.seed(1)
    generator = TimeseriesGenerator(np.arange(12), np.arange(12), 3, shuffle=True, batch_size=50, workers=2)
    samples, targets = generator[0]
    assert generator.workers == 2
    assert (samples[:, -1] + 1).tolist() == targets.tolist()
    assert set(targets) == set(range(3, 12))


def test_timeseries_generator_arguments() -> None:
    with pytest.raises(ArgumentError, match="Data length is 3 while target length is 2"):
        TimeseriesGenerator([1, 2, 3], [1, 2], 1)
    with pytest.raises(ArgumentError, match=r"`start_index\+length=3 > end_index=2`"):
        TimeseriesGenerator([1, 2, 3], [1, 2, 3], 3)


def test_sampling_table_as_keras() -> None:
    np.testing.assert_allclose(make_sampling_table(8, 1e-3), GOLDENS["sampling_table"])


def test_skipgrams_as_keras() -> None:
    shuffled, plain = GOLDENS["skipgrams"]
    random.seed(4)
    assert list(skipgrams([1, 2, 0, 3, 4], 10, window_size=1, seed=2)) == shuffled
    words = [1, 2, 0, 3, 4]
    assert list(skipgrams(words, 10, 2, negative_samples=0, categorical=True, shuffle=False)) == plain


def test_skipgrams_drop_frequent_words() -> None:
    couples, labels = skipgrams([1, 2, 3], 4, negative_samples=0, sampling_table=[1.0, 0.0, 1.0, 1.0], shuffle=False)
    assert couples == [[2, 1], [2, 3], [3, 1], [3, 2]]
    assert labels == [1, 1, 1, 1]


def test_the_old_names_are_the_new_functions() -> None:
    assert sequence.pad_sequences is utils.pad_sequences
    for name in ("array_to_img", "img_to_array", "load_img", "save_img"):
        assert getattr(image, name) is getattr(utils, name)
    for name in ("image_dataset_from_directory", "text_dataset_from_directory", "timeseries_dataset_from_array"):
        assert getattr(preprocessing, name) is getattr(utils, name)
