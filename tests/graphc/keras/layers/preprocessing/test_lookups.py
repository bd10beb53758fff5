"""Lookups, text vectorization and hashing: indices, learnt vocabularies, output modes, configs, errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.keras.layers.preprocessing.fingerprints import farm_hash, sip_hash
from graphc.keras.layers.preprocessing.hashing import Hashing
from graphc.keras.layers.preprocessing.integer_lookup import IntegerLookup
from graphc.keras.layers.preprocessing.string_lookup import StringLookup
from graphc.keras.layers.preprocessing.text_vectorization import TextVectorization
from graphc_ir.errors import ArgumentError, ShapeError, TracingError


def test_the_most_frequent_strings_come_first() -> None:
    layer = StringLookup()
    layer.adapt(["b", "a", "b", "c", "d", "a"])
    assert layer.get_vocabulary() == ["[UNK]", "b", "a", "d", "c"]
    assert layer(["a", "z", "d"]).numpy().tolist() == [2, 0, 3]
    inverse = StringLookup(vocabulary=layer.get_vocabulary(), invert=True)
    assert inverse([2, 0, 9]).numpy().tolist() == ["a", "[UNK]", "[UNK]"]


def test_masks_and_several_places_for_unknown_strings() -> None:
    layer = StringLookup(mask_token="", num_oov_indices=2, vocabulary=["x", "y", "z"])
    assert layer(["", "x", "q", "r", "tt"]).numpy().tolist() == [0, 3, 2, 2, 1]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("multi_hot", [[1, 1, 1], [0, 1, 1]]), ("count", [[1, 1, 1], [0, 2, 1]])],
)
def test_output_modes(mode: str, expected: Any) -> None:
    layer = StringLookup(vocabulary=["x", "y"], output_mode=mode)
    assert layer([["x", "y", "q"], ["x", "x", "y"]]).numpy().tolist() == expected


def test_inverse_document_frequencies() -> None:
    layer = StringLookup(output_mode="tf_idf")
    layer.adapt([["a", "b"], ["a", "c"], ["a", "a"]])
    known = np.log(1 + 3 / np.array([4, 2, 2]))
    np.testing.assert_allclose(layer([["a", "b", "q"]]).numpy(), [[known.mean(), known[0], 0, known[2]]], rtol=1e-6)


def test_integers_eagerly_and_in_graphs() -> None:
    layer = IntegerLookup(vocabulary=[12, 36], num_oov_indices=2, mask_token=0)
    x = np.array([0, 12, 36, 5, 6, -1])
    assert layer(x).numpy().tolist() == [0, 3, 4, 2, 1, 2]
    run = tf.function(lambda v: layer(v), input_signature=[tf.TensorSpec([None], "int64")])
    assert run(tf.constant(x)).numpy().tolist() == [0, 3, 4, 2, 1, 2]
    with pytest.raises(ArgumentError, match="num_oov_indices=0"):
        IntegerLookup(vocabulary=[12], num_oov_indices=0)(np.array([5]))


def test_texts_become_padded_indices() -> None:
    layer = TextVectorization()
    layer.adapt(["Hello, World! hello", "foo  bar."])
    assert layer.get_vocabulary() == ["", "[UNK]", "hello", "world", "foo", "bar"]
    assert layer(["hello foo baz", "World"]).numpy().tolist() == [[2, 4, 1], [3, 0, 0]]
    fixed = TextVectorization(vocabulary=["a", "b"], output_sequence_length=2, ngrams=2)
    assert fixed(["a b b"]).numpy().tolist() == [[2, 3]]
    assert TextVectorization.from_config(layer.get_config())(["World"]).numpy().tolist() == [[3]]


def test_texts_in_data_sets_and_not_in_graphs() -> None:
    layer = TextVectorization(vocabulary=["a"], output_sequence_length=2)
    data = tf.data.Dataset.from_tensor_slices(["a q", "a"]).batch(2).map(lambda x: layer(x))
    assert next(iter(data)).numpy().tolist() == [[2, 1], [2, 0]]
    with pytest.raises(TracingError, match="graphs do not hold"):
        tf.function(lambda x: layer(x)).get_concrete_function(tf.TensorSpec([None], "string"))
    with pytest.raises(ShapeError, match=r"\[batch\] or \[batch, 1\]"):
        layer([["a", "b"]])


def test_vocabularies_as_files(tmp_path: Path) -> None:
    layer = StringLookup(vocabulary=["x", "y"])
    layer.save_assets(str(tmp_path))
    assert (tmp_path / "vocabulary.txt").read_text("utf-8") == "[UNK]\nx\ny"
    read = StringLookup()
    read.load_assets(str(tmp_path))
    assert read.get_vocabulary() == layer.get_vocabulary()


def test_vocabularies_that_cannot_be() -> None:
    with pytest.raises(ArgumentError, match="holds 'x' at least twice"):
        StringLookup(vocabulary=["x", "x"])
    with pytest.raises(ArgumentError, match="more than max_tokens=2"):
        StringLookup(vocabulary=["x", "y"], max_tokens=2)
    with pytest.raises(ArgumentError, match="has no vocabulary yet"):
        StringLookup()(["a"])


def test_hashes_are_keras_s() -> None:
    letters = [["A"], ["B"], ["C"], ["D"], ["E"]]
    assert Hashing(3)(letters).numpy().ravel().tolist() == [1, 0, 1, 1, 2]
    assert Hashing(3, salt=[133, 137])(letters).numpy().ravel().tolist() == [1, 2, 1, 0, 2]
    assert Hashing(3, mask_value="")([["A"], ["B"], [""], ["C"], ["D"]]).numpy().ravel().tolist() == [1, 1, 0, 2, 2]
    assert Hashing(3)(np.array([1, 2, 77, -5])).numpy().tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abc", 2640714258260161385),
        ("y" * 17, 426471879119003573),
        ("q" * 33, 337133943010535267),
        ("v" * 65, 978096718525207200),
        ("t" * 129, 3234498929978985394),
    ],
)
def test_fingerprints_are_those_of_tensorflow(text: str, expected: int) -> None:
    assert farm_hash(text.encode()) % 2**62 == expected


@pytest.mark.parametrize("size", [0, 3, 8, 16, 17, 33, 64, 65, 129])
def test_hashes_depend_on_every_byte(size: int) -> None:
    data = bytes(range(size))
    changed = [data[:i] + bytes([data[i] ^ 1]) + data[i + 1 :] for i in range(size)]
    assert len({farm_hash(d) for d in [data, *changed]}) == size + 1
    assert len({sip_hash(d, (1, 2)) for d in [data, *changed]}) == size + 1
