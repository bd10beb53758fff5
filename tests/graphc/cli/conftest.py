"""Model files for the commands, and a way to run them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import graphc as tf
from graphc.cli.main import cli

Invoke = Callable[..., Result]
Refused = Callable[..., str]


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Runs the command line in this process; a traceback fails the test."""
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*arguments: object) -> Result:
        result = CliRunner().invoke(cli, [str(a) for a in arguments], prog_name="graphc")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def refused(invoke: Invoke) -> Refused:
    """Runs a command that must end with exit code 2 and one line; returns the line."""

    def run(*arguments: object) -> str:
        result = invoke(*arguments)
        lines = result.output.splitlines()
        assert (result.exit_code, len(lines)) == (2, 1), result.output
        assert lines[0].startswith("graphc: ")
        return lines[0]

    return run


def _weights(seed: int, *shape: int) -> tf.Variable:
    values = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    return tf.Variable(values, name=f"w{seed}")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """relu(x @ w0) @ w1 of x: f32[n, 3]; gives f32[n, 2]."""
    first, second = _weights(0, 3, 4), _weights(1, 4, 2)
    path = tmp_path / "model.onnx"
    tf.export_onnx(lambda x: tf.nn.relu(x @ first) @ second, path, specs=[tf.TensorSpec(["n", 3])], input_names=["x"])
    return path


@pytest.fixture
def step(tmp_path: Path) -> Path:
    """A training step of one weight matrix by gradient descent."""
    weights = _weights(0, 3, 2)

    def train(x: tf.Tensor, y: tf.Tensor) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(x @ weights - y))
        weights.assign_sub(0.1 * tape.gradient(loss, weights))
        return loss

    path = tmp_path / "step.onnx"
    specs = [tf.TensorSpec(["n", 3]), tf.TensorSpec(["n", 2])]
    tf.export_onnx(train, path, specs=specs, train=True, input_names=["x", "y"], output_names=["loss"])
    return path


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """IR text with something to remove: exp(x) is computed twice."""
    path = tmp_path / "model.gc"
    path.write_text(
        """graph @twice(%x: f32[n, 2]) {
  %0 = exp(%x) : f32[n, 2]
  %1 = exp(%x) : f32[n, 2]
  %2 = add(%0, %1) : f32[n, 2]
  return %2
}
"""
    )
    return path
