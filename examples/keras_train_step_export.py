"""Exports the training step of a compiled Keras model, and trains with plain ONNX Runtime: no graphc in the loop."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

import graphc as tf
from graphc import keras
from graphc.keras import layers

BATCH = 64


def export(path: Path) -> dict[str, np.ndarray]:
    """Writes one training step, and returns the weights and slots that training starts from."""
    model = keras.Sequential([
        keras.Input((64,), name="pixels"),
        layers.Dense(64, activation="relu", kernel_regularizer="l2"),
        layers.Dense(10, activation="softmax"),
    ])  # fmt: skip
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    tf.export_onnx(model, path, train=True)
    return tf.initial_state(model)


def train(path: Path, state: dict[str, np.ndarray], x: Any, y: Any, epochs: int) -> list[dict[str, float]]:
    """Runs the file over all batches, epoch by epoch; this part needs onnxruntime and NumPy only."""
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    pairs = json.loads(session.get_modelmeta().custom_metadata_map["graphc.state_pairs"])
    names = [output.name for output in session.get_outputs()]
    history = []
    for epoch in range(epochs):
        batches = []
        for start in range(0, len(x), BATCH):
            batch = {"pixels": x[start : start + BATCH], "y": y[start : start + BATCH]}
            results = dict(zip(names, session.run(None, batch | state), strict=True))
            state = {name: results[new] for name, new in pairs.items()}
            batches.append([results["loss"], results["accuracy"]])
        loss, accuracy = np.mean(batches, axis=0)
        print(f"epoch {epoch + 1}: loss {loss:.4f}, accuracy {accuracy:.4f}")
        history.append({"loss": float(loss), "accuracy": float(accuracy)})
    return history


def main() -> dict[str, Any]:
    """Exports and trains; returns the names of the state, and the first and the last epoch."""
    keras.utils.set_random_seed(0)
    (x, y), _ = keras.datasets.digits.load_data()
    x, y = x.reshape(-1, 64).astype("float32") / 16, y.astype("int64")
    path = Path("train_step.onnx")
    state = export(path)
    history = train(path, state, x, y, epochs=10)
    return {"state": list(state), "first": history[0], "last": history[-1]}


if __name__ == "__main__":
    print(main())
