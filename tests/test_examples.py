"""The examples run as programs of their own, and get the results that they promise."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"

_CALL_MAIN = "import json, runpy, sys; print(json.dumps(runpy.run_path(sys.argv[1])['main']()))"


def run_main(name: str, folder: Path) -> Any:
    """What ``main()`` of an example returns, and that it prints something on the way."""
    command = [sys.executable, "-c", _CALL_MAIN, str(EXAMPLES / f"{name}.py")]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *printed, result = done.stdout.splitlines()
    assert printed, f"{name} prints nothing"
    return json.loads(result)


def test_every_example_is_tested() -> None:
    tested = Path(__file__).read_text(encoding="utf-8")
    assert [file.stem for file in EXAMPLES.glob("*.py") if f'run_main("{file.stem}"' not in tested] == []


def test_examples_are_short() -> None:
    assert all(len(file.read_text(encoding="utf-8").splitlines()) < 100 for file in EXAMPLES.glob("*.py"))


def test_linear_regression(tmp_path: Path) -> None:
    found = run_main("linear_regression", tmp_path)
    assert found["loss"] < 1e-3  # the noise has a variance of 1e-4
    assert [found["w0"], found["w1"], found["b"]] == pytest.approx([2.0, -1.0, 0.5], abs=0.01)


def test_nested_tapes(tmp_path: Path) -> None:
    found = run_main("nested_tapes", tmp_path)
    assert found["derivatives of x^4 at 2"] == [16.0, 32.0, 48.0, 48.0, 24.0]
    assert found["minimum by Newton's method"] == pytest.approx([1.0, 1.0], abs=1e-4)
    assert found["gradient of the penalty"] == [96.0]


def test_custom_pass(tmp_path: Path) -> None:
    found = run_main("custom_pass", tmp_path)
    assert found["after"] < found["before"]
    assert found["difference"] < 1e-5


def test_train_step_export(tmp_path: Path) -> None:
    found = run_main("train_step_export", tmp_path)
    assert found["loss"] < 0.1
    assert found["accuracy"] > 0.95


def test_mnist_style_mlp(tmp_path: Path) -> None:
    found = run_main("mnist_style_mlp", tmp_path)
    assert found["loss"] < 0.1
    assert found["accuracy"] > 0.88
