from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphc.keras.utils import pad_sequences
from graphc_ir.errors import ArgumentError, ShapeError


def test_as_keras(keras_utils: dict[str, Any]) -> None:
    for case in keras_utils["pad_sequences"]:
        result = pad_sequences(case["sequences"], **case["kwargs"])
        assert result.tolist() == case["result"], case["kwargs"]
        assert str(result.dtype) == case["dtype"]


def test_strings() -> None:
    texts = [["a"], ["b", "c"]]
    assert pad_sequences(texts, dtype=object, value="pad").tolist() == [["pad", "a"], ["b", "c"]]
    assert pad_sequences(texts, dtype="<U3", value="pad", padding="post").tolist() == [["a", "pad"], ["b", "c"]]


def test_arrays_and_tuples() -> None:
    assert pad_sequences([np.array([1, 2]), (3,)], padding="post").tolist() == [[1, 2], [3, 0]]


@pytest.mark.parametrize("truncating", ["pre", "post"])
def test_no_room_and_nothing_to_pad(truncating: str) -> None:
    assert pad_sequences([[1, 2]], maxlen=0, truncating=truncating).shape == (1, 0)
    assert pad_sequences([], maxlen=2).shape == (0, 2)
    assert pad_sequences([[]]).shape == (1, 0)


@pytest.mark.parametrize(
    ("sequences", "kwargs", "message"),
    [
        ([[1]], {"padding": "left"}, "padding='left', expected 'pre' or 'post'"),
        ([[1]], {"truncating": "x"}, "truncating='x', expected 'pre' or 'post'"),
        ([[1]], {"value": "pad"}, r"`dtype` int32 is not compatible with `value`'s type.*dtype=object"),
        ([1, 2], {}, r"entry 0 is 1, expected a sequence; wrap a single one: \[sequence\]"),
        (["ab"], {"dtype": object}, "entry 0 is 'ab', expected a sequence"),
        (iter([[1]]), {}, "expected a list of sequences"),
    ],
)
def test_arguments_are_checked(sequences: Any, kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        pad_sequences(sequences, **kwargs)


def test_entries_need_one_shape() -> None:
    with pytest.raises(ShapeError, match=r"entries of sequence 1 have shape \(1,\), those before have \(2,\)"):
        pad_sequences([[[1, 2]], [[3]]])
