"""``graphc run``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

from graphc.cli.files import write_arrays
from graphc_ir.errors import ArgumentError


def saved(path: Path, array: Any) -> Path:
    np.save(path, array)
    return path


def test_a_file_as_input(invoke: Any, model: Path, tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)
    source, target = saved(tmp_path / "x.npy", x), tmp_path / "y.npz"
    (want,) = ort.InferenceSession(str(model)).run(None, {"x": x})
    for backend in ("numpy", "onnxruntime", "auto"):
        result = invoke("run", model, "--input", f"x={source}", "--backend", backend, "--output", target)
        assert result.exit_code == 0, result.output
        assert "float32[5, 2]" in result.output
        np.testing.assert_allclose(np.load(target)["output"], want, rtol=1e-5, atol=1e-6)


def test_random_inputs_follow_the_seed(invoke: Any, model: Path, tmp_path: Path) -> None:
    results = []
    for seed in (1, 1, 2):
        invoke("run", model, "--input", "x=random", "--size", "n=4", "--seed", seed, "--output", tmp_path / "out")
        results.append(np.load(tmp_path / "out" / "output.npy"))
    assert results[0].shape == (4, 2)
    np.testing.assert_array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])


def test_zeros(invoke: Any, model: Path, tmp_path: Path) -> None:
    result = invoke("run", model, "--input", "zeros", "--output", tmp_path / "y.npz")
    assert "sizes: n=1" in result.output
    np.testing.assert_array_equal(np.load(tmp_path / "y.npz")["output"], np.zeros((1, 2)))


def test_a_training_step(invoke: Any, step: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    result = invoke("run", step, "--input", "random", "--input", "y=zeros", "--size", "7", "--output", target)
    assert result.exit_code == 0, result.output
    assert sorted(p.name for p in target.iterdir()) == ["loss.npy", "w0.new.npy"]
    assert np.load(target / "w0.new.npy").shape == (3, 2)


def test_other_byte_orders_are_read(invoke: Any, model: Path, tmp_path: Path) -> None:
    source = saved(tmp_path / "x.npy", np.ones((2, 3), ">f4"))
    assert invoke("run", model, "--input", f"x={source}").exit_code == 0


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones((2, 3)), "holds float64, the model takes float32"),
        (np.ones((2, 4), np.float32), "does not fit f32[n, 3]"),
        (np.ones(3, np.float32), "expected rank 2"),
        (np.array([["a", "b", "c"]]), "holds <U1"),
    ],
)
def test_arrays_that_do_not_fit(refused: Any, model: Path, tmp_path: Path, array: Any, message: str) -> None:
    assert message in refused("run", model, "--input", f"x={saved(tmp_path / 'x.npy', array)}")


def test_pickles_are_never_loaded(refused: Any, model: Path, tmp_path: Path) -> None:
    source = tmp_path / "x.npy"
    np.save(source, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert "Object arrays cannot be loaded" in refused("run", model, "--input", f"x={source}")


@pytest.mark.parametrize("data", [b"", b"\x93NUMPY\x01\x00", b"text", b"\x80\x04."])
def test_damaged_arrays(refused: Any, model: Path, tmp_path: Path, data: bytes) -> None:
    source = tmp_path / "x.npy"
    source.write_bytes(data)
    assert "is no readable .npy file" in refused("run", model, "--input", f"x={source}")


def test_a_cut_array(refused: Any, model: Path, tmp_path: Path) -> None:
    source = saved(tmp_path / "x.npy", np.ones((50, 3), np.float32))
    source.write_bytes(source.read_bytes()[:200])
    assert "is no readable .npy file" in refused("run", model, "--input", f"x={source}")


def test_an_archive_is_no_array(refused: Any, model: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=np.ones((2, 3), np.float32))
    assert "is an archive of arrays" in refused("run", model, "--input", f"x={tmp_path / 'x.npz'}")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "no value for input 'x'"),
        (["--input", "z=random"], "names no input of the model, which has x"),
        (["--input", "x"], "names no input"),
        (["--input", "x=missing.npy"], "missing.npy is no file"),
        (["--input", "random", "--backend", "tpu"], "unknown backend 'tpu'"),
        (["--input", "random", "--device", "tpu"], "unknown device 'tpu'"),
        (["--input", "random", "--level", "O7"], "unknown optimization level"),
        (["--input", "random", "--size", "q=2"], "no open size 'q'"),
        (["--input", "random", "--seed", "-1"], "-1 is not in the range"),
    ],
)
def test_bad_options(refused: Any, model: Path, options: Sequence[str], message: str) -> None:
    assert message in refused("run", model, *options)


def test_sizes_that_contradict_a_file(refused: Any, model: Path, tmp_path: Path) -> None:
    source = saved(tmp_path / "x.npy", np.ones((2, 3), np.float32))
    assert "axis 0 must be 5" in refused("run", model, "--input", f"x={source}", "--size", "n=5")


def test_inputs_that_disagree(refused: Any, step: Path, tmp_path: Path) -> None:
    x = saved(tmp_path / "x.npy", np.ones((2, 3), np.float32))
    y = saved(tmp_path / "y.npy", np.ones((4, 2), np.float32))
    line = refused("run", step, "--input", f"x={x}", "--input", f"y={y}", "--input", "zeros")
    assert "input 'y'" in line


def test_targets_that_cannot_be_written(refused: Any, model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder.npz"
    folder.mkdir()
    for target in (model, tmp_path / "no" / "out", tmp_path / "no" / "out.npz", folder):
        assert "cannot write" in refused("run", model, "--input", "random", "--output", target)


def test_names_that_are_no_file_names(tmp_path: Path) -> None:
    arrays = {"a/b": np.zeros(1), "a:b": np.ones(1)}
    write_arrays(tmp_path / "out", arrays)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a_b.npy", "a_b_1.npy"]
    write_arrays(tmp_path / "out.npz", {**arrays, "file": np.full(1, 2.0)})
    assert np.load(tmp_path / "out.npz")["file"] == 2


def test_strings_are_not_pickled(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="'s' holds strings"):
        write_arrays(tmp_path / "out.npz", {"s": np.array(["a"], object)})
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_of_the_system_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: Any, target: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(ArgumentError, match=r"cannot write .*out.npz: Permission denied"):
        write_arrays(tmp_path / "out.npz", {"x": np.zeros(1)})
    assert list(tmp_path.iterdir()) == []
