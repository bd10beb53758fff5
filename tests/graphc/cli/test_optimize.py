"""``graphc optimize``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest

import graphc as tf
from graphc.cli.commands import optimize as command
from graphc_ir.parser import parse_graph
from graphc_ir.passes.pipelines import pipeline


def test_an_onnx_file(invoke: Any, model: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.onnx"
    result = invoke("optimize", model, "-o", target)
    assert result.exit_code == 0, result.output
    assert f"{len(pipeline('O2'))} passes on" in result.output
    assert "verified, largest difference" in result.output
    x = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)
    before, after = (ort.InferenceSession(str(p)).run(None, {"x": x})[0] for p in (model, target))
    np.testing.assert_allclose(after, before, rtol=1e-6)


def test_passes_and_opset(invoke: Any, text: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.onnx"
    result = invoke("optimize", text, "-o", target, "--passes", "cse, dce", "--opset", "17")
    assert result.exit_code == 0, result.output
    assert "3 -> 2 IR nodes" in result.output
    written = onnx.load(target)
    assert [node.op_type for node in written.graph.node] == ["Exp", "Add"]
    assert written.opset_import[0].version == 17


def test_text_output(invoke: Any, text: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.gc"
    assert invoke("optimize", text, "-o", target, "--level", "O1").exit_code == 0
    assert len(parse_graph(target.read_text())) < 3


def test_a_training_step_stays_one(invoke: Any, step: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.onnx"
    assert invoke("optimize", step, "-o", target).exit_code == 0
    assert tf.import_onnx(target).states == tf.import_onnx(step).states
    assert [o.name for o in onnx.load(target).graph.output] == ["loss", "w0.new"]


def test_in_place(invoke: Any, model: Path) -> None:
    assert invoke("optimize", model, "-o", model, "--no-verify").exit_code == 0
    onnx.checker.check_model(str(model), full_check=True)


def test_a_wrong_result_writes_nothing(
    invoke: Any, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = command._in_runtime

    def wrong(path: Path) -> Any:
        run = honest(path)
        return run if path == model else lambda arrays: [a + 1 for a in run(arrays)]

    monkeypatch.setattr(command, "_in_runtime", wrong)
    target = tmp_path / "out.onnx"
    result = invoke("optimize", model, "-o", target)
    assert result.exit_code == 1
    assert "differs from the original" in result.output.splitlines()[-1]
    assert left_in(tmp_path) == ["model.onnx"]


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--level", "O9"], "unknown optimization level 'O9'"),
        (["--passes", "cse,nope"], "unknown pass 'nope'"),
        (["--passes", " , "], "--passes is empty"),
        (["--size", "k=3"], "no open size 'k'"),
        (["--opset", "x"], "'x' is not a valid integer"),
    ],
)
def test_bad_options(refused: Any, model: Path, tmp_path: Path, options: Sequence[str], message: str) -> None:
    assert message in refused("optimize", model, "-o", tmp_path / "out.onnx", *options)
    assert left_in(tmp_path) == ["model.onnx"]


def test_an_opset_out_of_range(invoke: Any, model: Path, tmp_path: Path) -> None:
    result = invoke("optimize", model, "-o", tmp_path / "out.onnx", "--opset", "3")
    assert result.exit_code == 2
    assert "opset 3 is not supported" in result.output.splitlines()[-1]
    assert left_in(tmp_path) == ["model.onnx"]


def test_targets_that_cannot_be_written(refused: Any, model: Path, tmp_path: Path) -> None:
    assert "there is no folder" in refused("optimize", model, "-o", tmp_path / "none" / "out.onnx")
    assert "there is no folder" in refused("optimize", model, "-o", model / "out.onnx")
    assert "it is a folder" in refused("optimize", model, "-o", tmp_path)
    assert "Missing option '-o'" in refused("optimize", model)
    assert left_in(tmp_path) == ["model.onnx"]


def test_a_damaged_input_leaves_the_target_alone(refused: Any, model: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.onnx"
    target.write_bytes(b"old")
    model.write_bytes(model.read_bytes()[:50])
    refused("optimize", model, "-o", target)
    assert target.read_bytes() == b"old"
