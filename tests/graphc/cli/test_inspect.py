"""``graphc inspect``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc_ir.parser import parse_graph


def test_an_onnx_file(invoke: Any, model: Path) -> None:
    result = invoke("inspect", model)
    assert result.exit_code == 0
    assert "mat_mul(%x, %w0) : f32[n, 4]" in result.output
    assert "opset ai.onnx 21" in result.output
    assert f"producer: graphc {tf.__version__}; 3 ONNX nodes" in result.output
    assert "2 stored tensors, 20 elements, 80 B" in result.output


def test_work_by_op_is_symbolic_or_of_given_sizes(invoke: Any, model: Path) -> None:
    rows = [line.split() for line in invoke("inspect", model, "--no-ir").output.splitlines()]
    assert ["mat_mul", "2", "40*n", "52*n", "+", "80", "B", "20"] in rows
    rows = [line.split() for line in invoke("inspect", model, "--no-ir", "--size", "n=10").output.splitlines()]
    assert ["mat_mul", "2", "400", "600", "B", "20"] in rows


def test_no_ir(invoke: Any, model: Path) -> None:
    assert "graph @" not in invoke("inspect", model, "--no-ir").output


def test_state_of_a_training_step(invoke: Any, step: Path) -> None:
    rows = [line.split() for line in invoke("inspect", step, "--no-ir").output.splitlines()]
    assert ["state", "w0", "f32[3,", "2]"] in rows
    assert ["new", "state", "w0.new", "f32[3,", "2]"] in rows
    assert ["output", "loss", "f32[]"] in rows


def test_text_and_back(invoke: Any, text: Path) -> None:
    assert "IR text" in invoke("inspect", text).output
    full = invoke("inspect", text, "--full").output
    assert str(parse_graph(full)) == full


def test_long_graphs_are_abridged(invoke: Any, tmp_path: Path) -> None:
    lines = [f"  %{i + 1} = neg(%{i}) : f32[2]" for i in range(100)]
    path = tmp_path / "chain.txt"
    path.write_text("\n".join(["graph @chain(%0: f32[2]) {", *lines, "  return %100", "}"]))
    output = invoke("inspect", path).output
    assert "... 40 more nodes ..." in output
    assert "neg       100" in output


def damaged_files(folder: Path, model: Path) -> dict[str, tuple[Path, str]]:
    files = {
        "cut": (model.read_bytes()[:60], "no "),
        "empty": (b"", "is empty"),
        "zip": (b"PK\x03\x04" + bytes(50), "looks like a zip archive"),
        "noise": (bytes(np.random.default_rng(0).integers(0, 256, 500, np.uint8)), "no readable ONNX model"),
    }
    found = {}
    for name, (data, message) in files.items():
        path = folder / f"{name}.onnx"
        path.write_bytes(data)
        found[name] = path, message
    return found


@pytest.mark.parametrize("name", ["cut", "empty", "zip", "noise"])
@pytest.mark.parametrize("command", ["inspect", "run", "bench"])
def test_damaged_files(refused: Any, model: Path, tmp_path: Path, command: str, name: str) -> None:
    path, message = damaged_files(tmp_path, model)[name]
    line = refused(command, path)
    assert str(path) in line
    assert message in line


def test_a_folder_and_a_missing_file(refused: Any, tmp_path: Path) -> None:
    assert "is a folder" in refused("inspect", tmp_path)
    assert "does not exist" in refused("inspect", tmp_path / "x.onnx")
    assert "does not exist" in refused("inspect", tmp_path / "x.gc")


def test_damaged_text(refused: Any, text: Path) -> None:
    text.write_text(text.read_text().replace("add(", "addd("))
    line = refused("inspect", text)
    assert f"{text}: line 4, column" in line
    text.write_bytes(b"graph @\xff\xfe")
    assert "is no text" in refused("inspect", text)


@pytest.mark.parametrize("size", ["m=3", "n=x", "n=-1", "n=", "=3", "x"])
def test_bad_sizes(refused: Any, model: Path, size: str) -> None:
    assert f"--size {size!r}" in refused("inspect", model, "--size", size)
