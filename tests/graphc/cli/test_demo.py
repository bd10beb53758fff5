"""``graphc demo``."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from graphc.cli.demo import command, exported
from graphc.cli.demo.data import load
from graphc.cli.demo.training import accuracy


@pytest.fixture
def quick(invoke: Any, tmp_path: Path) -> tuple[str, Path]:
    result = invoke("demo", "--quick", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    return result.output, tmp_path / "out"


def test_what_it_shows_and_writes(quick: tuple[str, Path]) -> None:
    output, _ = quick
    losses = [float(x) for x in re.findall(r"loss (\d\.\d+)", output)]
    assert len(losses) == 3
    assert losses == sorted(losses, reverse=True)
    assert output.count("graph @training_step(") == 2
    assert "// model.py:" in output
    assert "fuse_composites" in output
    rows = [line.split() for line in output.splitlines()]
    agreements = [row for row in rows if row[-1:] == ["yes"] and row[0] in ("inference", "5")]
    assert len(agreements) == 6
    latencies = [row for row in rows if "batch" in row and row[-1].endswith("x)")]
    assert [row.count("(1.00x)") >= 1 for row in latencies] == [True] * 4
    assert output.splitlines()[-1].startswith("eager, NumPy, ONNX Runtime and the exported files agree")


def test_the_files_work_without_graphc(quick: tuple[str, Path]) -> None:
    _, folder = quick
    digits = load(0)
    reached = accuracy(exported.infer(folder / "digits.onnx", digits.test_images), digits.test_labels)
    assert reached > 0.85
    state = dict(np.load(folder / "digits_state.npz"))
    batches = [(digits.images[i : i + 64], digits.labels[i : i + 64]) for i in range(0, 640, 64)]
    losses, last = exported.train(folder / "digits_step.onnx", state, batches * 8)
    assert np.mean(losses[-10:]) < np.mean(losses[:10]) / 2
    assert last.keys() == state.keys()
    for name in ("digits.onnx", "digits_step.onnx"):
        domains = {entry.domain for entry in onnx.load(folder / name).opset_import}
        assert domains == {""}


def test_a_difference_ends_with_exit_code_1(invoke: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = exported.infer
    monkeypatch.setattr(exported, "infer", lambda path, images: honest(path, images) + np.float32(0.01))
    result = invoke("demo", "--quick", "--epochs", "1", "--out", tmp_path)
    assert result.exit_code == 1
    last = result.output.splitlines()[-1]
    assert last.startswith("graphc: results differ from eager execution by more than 0.0001: inference by exported")


def test_the_digits_are_split_without_overlap() -> None:
    digits = load(0)
    assert (len(digits.images), len(digits.test_images)) == (1437, 360)
    assert digits.images.dtype == np.float32
    assert (digits.images.min(), digits.images.max()) == (0, 1)
    rows = np.concatenate([digits.images, digits.test_images])
    assert len(np.unique(rows, axis=0)) > 1790


def test_a_temporary_folder_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = command._folder(None)
    assert folder.is_dir()
    assert folder.parent == tmp_path


def test_bad_options(refused: Any, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert "is a file" in refused("demo", "--out", file)
    assert "unknown backend 'jax'" in refused("demo", "--backend", "jax")
    assert "0 is not in the range" in refused("demo", "--epochs", "0")
