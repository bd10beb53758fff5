"""One framework in a process of its own: trains one epoch, or predicts, whenever a line arrives, and tells the seconds.

``python -m benchmarks.keras_worker CASE CANDIDATE``; the candidate is ``graphc`` or a backend of Keras.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from typing import Any

import numpy as np

STEPS = {"mlp": 469, "cnn": 20, "lstm": 40, "predict": 100}


def load(candidate: str) -> Any:
    """The ``keras`` package of a candidate."""
    if candidate == "graphc":
        return importlib.import_module("graphc.keras")
    os.environ["KERAS_BACKEND"] = candidate
    return importlib.import_module("keras")


def mlp(keras: Any) -> tuple[Any, Any, Any, int]:
    """784-256-256-10, batch 64."""
    layers = keras.layers
    model = keras.Sequential([
        keras.Input((784,)), layers.Dense(256, activation="relu"), layers.Dense(256, activation="relu"),
        layers.Dense(10),
    ])  # fmt: skip
    return model, (784,), 10, 64


def cnn(keras: Any) -> tuple[Any, Any, Any, int]:
    """Two convolutions with pooling and a dropout, batch 128."""
    layers = keras.layers
    model = keras.Sequential([
        keras.Input((28, 28, 1)), layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten(), layers.Dropout(0.5),
        layers.Dense(10),
    ])  # fmt: skip
    return model, (28, 28, 1), 10, 128


def lstm(keras: Any) -> tuple[Any, Any, Any, int]:
    """80 steps of 64 numbers, 128 units, batch 32."""
    layers = keras.layers
    model = keras.Sequential([keras.Input((80, 64)), layers.LSTM(128), layers.Dense(10)])
    return model, (80, 64), 10, 32


CASES = {"mlp": mlp, "cnn": cnn, "lstm": lstm, "predict": mlp}


def main(case: str, candidate: str) -> None:
    """Answers each line of the standard input with the seconds of one unit of work."""
    keras = load(candidate)
    model, shape, classes, batch = CASES[case](keras)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    rng = np.random.default_rng(0)
    rows = batch * STEPS[case]
    x, y = rng.random((rows, *shape), dtype=np.float32), rng.integers(0, classes, rows)

    def work() -> None:
        if case == "predict":
            for i in range(STEPS[case]):
                model.predict(x[i : i + 1], verbose=0)
        else:
            model.fit(x, y, batch_size=batch, epochs=1, verbose=0)

    work()
    work()
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        work()
        print((time.perf_counter() - start) / STEPS[case], flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
