"""The entry point: version, help, errors in one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import graphc as tf
from graphc.cli import main as entry


def graphc(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "graphc", *arguments], capture_output=True, text=True, **options)


def test_version(invoke: Any) -> None:
    assert invoke("--version").output == f"graphc {tf.__version__}\n"


def test_python_m_graphc() -> None:
    run = graphc("--version")
    assert (run.returncode, run.stdout, run.stderr) == (0, f"graphc {tf.__version__}\n", "")


def test_errors_go_to_stderr_without_a_traceback() -> None:
    run = graphc("inspect", "missing.onnx")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == "graphc: missing.onnx does not exist; give the path of an .onnx file\n"


def test_help_lists_every_command(invoke: Any) -> None:
    for arguments in ([], ["--help"]):
        result = invoke(*arguments)
        assert result.exit_code == 0
        for command in ("demo", "inspect", "optimize", "run", "bench", "doctor"):
            assert f"\n  {command} " in result.output


def test_unknown_command(refused: Any) -> None:
    assert "No such command 'optimise'" in refused("optimise")


def test_unknown_option(refused: Any) -> None:
    line = refused("run", "m.onnx", "--sizes", "3")
    assert "No such option" in line
    assert line.endswith("see graphc run --help")


def test_missing_argument(refused: Any) -> None:
    assert "Missing argument 'MODEL'" in refused("inspect")


def test_a_closed_pipe_is_no_error(model: Path) -> None:
    command = f"{sys.executable} -m graphc inspect {model} | head -n 1"
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert run.stdout.startswith("graph @")
    assert run.stderr == ""


def test_a_command_that_cannot_be_loaded(refused: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(entry._COMMANDS, "bench", "graphc_missing.module:bench")
    assert refused("bench", "m.onnx").startswith("graphc: bench cannot be loaded: No module named")


def test_running_out_of_memory(refused: Any, model: Path) -> None:
    line = refused("run", model, "--input", "random", "--size", str(10**15))
    assert line.startswith("graphc: not enough memory")
    assert "more than any memory holds" in refused("run", model, "--input", "random", "--size", "9" * 25)


def test_importing_graphc_loads_no_command_line() -> None:
    code = "import sys, graphc; print(any(m.startswith('graphc.cli') for m in sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
