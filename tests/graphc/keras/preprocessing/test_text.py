from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphc.keras.preprocessing.text import (
    Tokenizer,
    hashing_trick,
    one_hot,
    text_to_word_sequence,
    tokenizer_from_json,
)
from graphc_ir.errors import ArgumentError

GOLDENS = json.loads((Path(__file__).parents[1] / "goldens/keras_utils.json").read_text(encoding="utf-8"))
TEXTS, NEW = GOLDENS["tokenizer"]["texts"], GOLDENS["tokenizer"]["new"]


@pytest.mark.parametrize("case", GOLDENS["tokenizer"]["cases"], ids=lambda case: str(case["kwargs"]))
def test_tokenizer_as_keras(case: Any) -> None:
    tokenizer = Tokenizer(**case["kwargs"])
    tokenizer.fit_on_texts(TEXTS)
    for same in (tokenizer, tokenizer_from_json(tokenizer.to_json()), tokenizer_from_json(case["json"])):
        assert same.word_index == case["word_index"]
        assert same.texts_to_sequences(TEXTS + NEW) == case["sequences"]
        assert same.sequences_to_texts([[1, 2, 3, 99], [5, 4]]) == case["texts"]
        for mode, matrix in case["matrices"].items():
            np.testing.assert_allclose(same.texts_to_matrix(NEW, mode), matrix, err_msg=mode)


@pytest.mark.parametrize("case", GOLDENS["tokenizer"]["cases"], ids=lambda case: str(case["kwargs"]))
def test_the_json_is_that_of_keras(case: Any) -> None:
    tokenizer = Tokenizer(**case["kwargs"])
    tokenizer.fit_on_texts(TEXTS)
    ours, theirs = json.loads(tokenizer.to_json()), json.loads(case["json"])
    for config in (ours["config"], theirs["config"]):
        for table in ("word_counts", "word_docs", "index_docs", "index_word", "word_index"):
            config[table] = json.loads(config[table])
    assert ours == theirs


def test_words_that_are_split_already() -> None:
    tokenizer = Tokenizer()
    tokenizer.fit_on_texts([["A", "b"], ["a"]])
    assert tokenizer.word_index == {"a": 1, "b": 2}


def test_an_analyzer() -> None:
    tokenizer = Tokenizer(analyzer=lambda text: text.split("-"))
    tokenizer.fit_on_texts(["x-y-x"])
    assert tokenizer.texts_to_sequences(["y-x"]) == [[2, 1]]
    assert hashing_trick("x-x", 9, "md5", analyzer=lambda text: text.split("-"))[0] < 9


def test_counting_sequences_alone() -> None:
    tokenizer = Tokenizer(num_words=4)
    tokenizer.fit_on_sequences([[1, 2, 2], [1]])
    matrix = tokenizer.sequences_to_matrix([[1, 2, 3, 7], []], "tfidf")
    np.testing.assert_allclose(matrix, [[0, np.log(1 + 2 / 3), np.log(1 + 2 / 2), np.log(3)], [0, 0, 0, 0]])


def test_matrix_errors() -> None:
    with pytest.raises(ArgumentError, match="Unknown vectorization mode: 'sum', expected one of binary, count"):
        Tokenizer(3).sequences_to_matrix([[1]], "sum")
    with pytest.raises(ArgumentError, match=r"Specify a dimension \(`num_words` argument\), or fit"):
        Tokenizer().sequences_to_matrix([[1]])
    with pytest.raises(ArgumentError, match="Fit the Tokenizer on some data before using tfidf mode"):
        Tokenizer(3).sequences_to_matrix([[1]], "tfidf")


@pytest.mark.parametrize("case", GOLDENS["words"])
def test_words_as_keras(case: Any) -> None:
    assert text_to_word_sequence(case["text"], **case["kwargs"]) == case["words"]


def test_hashing_as_keras() -> None:
    assert hashing_trick(TEXTS[0], 50, "md5") == GOLDENS["md5"]
    assert one_hot("a b a", 10) == hashing_trick("a b a", 10) == hashing_trick("a b a", 10, hash)
    with pytest.raises(ArgumentError, match="hash_function='sha', expected a function, 'md5' or None"):
        hashing_trick("a", 10, "sha")
