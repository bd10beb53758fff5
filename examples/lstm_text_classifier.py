"""Sentences of different lengths: padded, embedded with a mask, read by an LSTM, classified."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import keras
from graphc.keras import layers
from graphc.keras.preprocessing.sequence import pad_sequences
from graphc.keras.preprocessing.text import Tokenizer

GOOD, BAD = ["good", "fine", "great", "lovely"], ["bad", "poor", "awful", "dull"]
FILLER = ["the", "film", "was", "a", "story", "with", "music", "and", "actors"]


def sentences(count: int, rng: np.random.Generator) -> tuple[list[str], Any]:
    """Reviews and whether they praise. "not" turns the word after it around, so that order matters."""
    texts, labels = [], []
    for _ in range(count):
        praises, negated = rng.integers(2, size=2)
        word = str(rng.choice(GOOD if praises != negated else BAD))
        words = [*rng.choice(FILLER, rng.integers(1, 8)), *(["not"] if negated else []), word]
        texts.append(" ".join([*words, *rng.choice(FILLER, rng.integers(0, 4))]))
        labels.append(praises)
    return texts, np.array(labels, np.float32)


def build(words: int) -> keras.Model:
    """0 pads: the embedding masks it, and the LSTM stops at the last real word."""
    return keras.Sequential([
        keras.Input((None,), dtype="int32", name="words"),
        layers.Embedding(words, 16, mask_zero=True),
        layers.LSTM(32),
        layers.Dense(1, activation="sigmoid"),
    ])  # fmt: skip


def main() -> dict[str, Any]:
    """Trains; returns the accuracy on new sentences, and that padding changes no prediction."""
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(0)
    texts, labels = sentences(1200, rng)
    new_texts, new_labels = sentences(300, rng)
    tokenizer = Tokenizer()
    tokenizer.fit_on_texts(texts)
    x, x_new = (pad_sequences(tokenizer.texts_to_sequences(t), maxlen=12, padding="post") for t in (texts, new_texts))

    model = build(len(tokenizer.word_index) + 1)
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy", metrics=["accuracy"])
    model.fit(x, labels, batch_size=50, epochs=8, verbose=2)
    _, accuracy = model.evaluate(x_new, new_labels, verbose=0)

    longer = pad_sequences(x_new, maxlen=20, padding="post")
    difference = np.abs(model.predict(longer, verbose=0) - model.predict(x_new, verbose=0)).max()
    pair = tokenizer.texts_to_sequences(["the music was good", "the music was not good"])
    good, not_good = model.predict(pad_sequences(pair, padding="post"), verbose=0).ravel()
    return {"accuracy": accuracy, "padding": float(difference), "good": float(good), "not good": float(not_good)}


if __name__ == "__main__":
    print(main())
