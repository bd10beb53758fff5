"""``graphc doctor``."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

from graphc.cli import runtime
from graphc.cli.commands import doctor as command
from graphc.compiler import compile as honest_compile
from graphc_backends.threads import VARIABLE


def test_everything_is_well(invoke: Any) -> None:
    result = invoke("doctor")
    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.output.splitlines()]
    assert ["numpy", np.__version__] in rows
    assert ["onnxruntime", ort.__version__] in rows
    assert ["CPUExecutionProvider", "loads"] in rows
    tested = {row[0] for row in rows if len(row) > 1 and row[1] == "ok,"}
    assert tested == {"numpy", "onnxruntime", "auto"}


def test_where_the_threads_come_from(invoke: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "the CPUs of this process" in invoke("doctor").output
    monkeypatch.setenv(VARIABLE, "3")
    assert f"3, from the environment variable {VARIABLE}" in invoke("doctor").output
    monkeypatch.setenv(VARIABLE, "many")
    assert invoke("doctor").exit_code == 2


def test_a_backend_that_computes_wrong(invoke: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "compile", lambda g, b: lambda *a: [x + 1 for x in honest_compile(g, b)(*a)])
    result = invoke("doctor")
    assert result.exit_code == 1
    last = result.output.splitlines()[-1]
    assert last.startswith("graphc: the self-test failed on numpy, onnxruntime, auto")


def test_missing_kernels_are_listed_by_dtype() -> None:
    found = runtime.missing_kernels()
    assert "bfloat16 (w)" in found["add"]
    assert "float32 (w)" not in found["add"]


def test_without_onnxruntime(invoke: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_RUNTIME_CHECKS", "graphc_missing")
    result = invoke("doctor")
    assert result.exit_code == 0
    assert "ONNX Runtime providers" not in result.output
    assert "Backends, tested" in result.output
