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


def test_custom_layers(tmp_path: Path) -> None:
    found = run_main("custom_layers", tmp_path)
    assert found["weights of the block"] == 6
    assert found["running sum"] == [4.0, 4.0]
    assert found["trainable in the running sum"] == 0
    assert found["functional output"] == [None, 10]
    assert found["parameters"] == [16 * 32 + 32 + 32 * 10 + 10] * 2


def test_custom_metric(tmp_path: Path) -> None:
    found = run_main("custom_metric", tmp_path)
    assert found["binary"] == [1.0, 3.0, 0.0]
    assert found["auc"] == pytest.approx([2 / 3, 5 / 7, 0.0])


def test_training_loop(tmp_path: Path) -> None:
    found = run_main("training_loop", tmp_path)
    assert found["eager"]["train"] > 0.94
    assert found["eager"]["test"] > 0.83
    assert found["compiled"] == pytest.approx(found["eager"], abs=0.01)


def test_sparse_mlp(tmp_path: Path) -> None:
    found = run_main("sparse_mlp", tmp_path)
    assert found["losses kept"] == 1
    assert found["own loop"][-1] < found["own loop"][0]
    assert found["fit"] == sorted(found["fit"], reverse=True)
    assert found["penalty"][0] > 0


def test_fit_and_callbacks(tmp_path: Path) -> None:
    found = run_main("fit_and_callbacks", tmp_path)
    assert found["epochs"] < 30
    assert found["logged"] == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert found["reloaded"][0] == pytest.approx(found["best validation loss"], rel=1e-4)
    assert found["reloaded"][1] > 0.85
    assert found["predict agrees"]
    assert len(found["worst batches"]) == found["epochs"]
    log = (tmp_path / "log.csv").read_text(encoding="utf-8").splitlines()
    assert log[0] == "epoch,accuracy,loss,val_accuracy,val_loss"
    assert len(log) == found["epochs"] + 1


def test_vae(tmp_path: Path) -> None:
    found = run_main("vae", tmp_path)
    assert found["losses"][-1] < 0.6 * found["guess"]
    assert found["new images"] == [4, 64]


def test_rnn_by_subclassing(tmp_path: Path) -> None:
    found = run_main("rnn_by_subclassing", tmp_path)
    assert found["validation accuracy"] > 0.85
    assert found["weights"] == 6


def test_cnn(tmp_path: Path) -> None:
    found = run_main("cnn", tmp_path)
    assert found["accuracy"] > 0.8
    assert found["accuracy in ONNX Runtime"] == pytest.approx(found["accuracy"], abs=1e-6)
    assert found["difference"] < 1e-5
    assert [found["trainable"], found["not trainable"]] == [8, 4]


def test_lstm_text_classifier(tmp_path: Path) -> None:
    found = run_main("lstm_text_classifier", tmp_path)
    assert found["accuracy"] > 0.98
    assert found["padding"] < 1e-6
    assert found["good"] > 0.9
    assert found["not good"] < 0.1


def test_transformer_block(tmp_path: Path) -> None:
    found = run_main("transformer_block", tmp_path)
    assert found["accuracy"] > 0.98
    assert found["loaded"] < 1e-6
    assert found["exported"] < 1e-4


def test_transfer_learning(tmp_path: Path) -> None:
    found = run_main("transfer_learning", tmp_path)
    assert found["head only"] > 0.8
    assert found["fine-tuned"] > 0.8
    assert [found["trainable while frozen"], found["trainable after"]] == [2, 8]
    assert [found["moved while frozen"], found["moved in fine-tuning"]] == [0, 6]


def test_keras_train_step_export(tmp_path: Path) -> None:
    found = run_main("keras_train_step_export", tmp_path)
    assert found["last"]["loss"] < 0.4 * found["first"]["loss"]
    assert found["last"]["accuracy"] > 0.9
    assert len(found["state"]) == 4 + 1 + 2 * 4  # weights, the iteration, and two slots per weight
