"""Exports a training step as one ONNX file, and trains with plain ONNX Runtime: no graphc in the loop."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime as ort

import graphc as tf
from graphc.export import initial_state

rng = np.random.default_rng(0)
X = rng.uniform(-1, 1, (512, 2)).astype(np.float32)
Y = (X[:, :1] * X[:, 1:] > 0).astype(np.float32)  # like XOR: no straight line separates the classes


def export(path: Path) -> dict[str, np.ndarray]:
    """Writes the training step of a small network, and returns the state that training starts from."""
    hidden = tf.Variable(rng.normal(0, 1, (2, 16)).astype(np.float32), name="hidden")
    bias = tf.Variable(tf.zeros([16]), name="bias")
    output = tf.Variable(rng.normal(0, 0.3, (16, 1)).astype(np.float32), name="output_weights")
    weights = [hidden, bias, output]
    optimizer = tf.keras.optimizers.Adam(0.02)

    @tf.function(input_signature=[tf.TensorSpec(["batch", 2]), tf.TensorSpec(["batch", 1])])
    def step(x, y):
        with tf.GradientTape() as tape:
            logits = tf.nn.relu(x @ hidden + bias) @ output
            loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits))
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return loss, tf.reduce_mean(tf.cast((logits > 0.0) == (y > 0.5), tf.float32))

    tf.export_onnx(step, path, train=True, output_names=["loss", "accuracy"])
    return initial_state(step)


def train(path: Path, state: dict[str, np.ndarray], epochs: int) -> dict[str, float]:
    """Trains the exported step; this part needs onnxruntime and NumPy only."""
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    pairs = json.loads(session.get_modelmeta().custom_metadata_map["graphc.state_pairs"])
    names = [output.name for output in session.get_outputs()]
    results: dict[str, np.ndarray] = {}
    for epoch in range(epochs):
        for start in range(0, len(X), 64):
            batch = {"x": X[start : start + 64], "y": Y[start : start + 64]}
            results = dict(zip(names, session.run(None, batch | state), strict=True))
            state = {name: results[new] for name, new in pairs.items()}
        if epoch % 20 == 19:
            print(f"epoch {epoch + 1}: loss {results['loss']:.4f}, accuracy {results['accuracy']:.3f}")
    return {name: float(results[name]) for name in ("loss", "accuracy")}


def main(epochs: int = 60) -> dict[str, float]:
    """Exports and trains; returns loss and accuracy on the last batch."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "step.onnx"
        state = export(path)
        print(f"{path.name}: {path.stat().st_size} bytes, state {', '.join(state)}")
        return train(path, state, epochs)


if __name__ == "__main__":
    main()
