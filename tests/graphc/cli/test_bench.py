"""``graphc bench``, and the timing that it rests on."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from graphc.cli.timing import race


def test_json(invoke: Any, model: Path) -> None:
    result = invoke("bench", model, "--size", "4", "--runs", "3", "--json", "--passes", "dce,cse")
    assert result.exit_code == 0, result.output
    found = json.loads(result.output)
    assert found["conditions"]["sizes"] == {"n": 4}
    assert found["conditions"]["threads"] >= 1
    rows = [(row["backend"], row["level"]) for row in found["rows"]]
    assert rows == [(b, p) for b in ("numpy", "onnxruntime") for p in ("O0", "O2", "dce,cse")]
    for row in found["rows"]:
        assert 0 < row["best"] <= row["median"]
        assert row["ratio"] == pytest.approx(row["median"] / found["rows"][0]["median"])
        assert row["runs"] == 3


def test_a_table(invoke: Any, step: Path) -> None:
    result = invoke("bench", step, "--backends", "numpy", "--levels", "O1,O3", "--runs", "2")
    assert result.exit_code == 0, result.output
    assert "threads " in result.output.splitlines()[0]
    rows = [line.split() for line in result.output.splitlines()]
    assert [row[:2] for row in rows if row[1:2] == ["numpy"]] == [["O1", "numpy"], ["O3", "numpy"]]
    assert "1.00x" in result.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--levels", "O5"], "unknown optimization level 'O5'"),
        (["--levels", ","], "--levels is empty"),
        (["--passes", "x"], "unknown pass 'x'"),
        (["--backends", "numpy,gpu"], "unknown backend 'gpu'"),
        (["--runs", "0"], "0 is not in the range"),
        (["--size", "z=1"], "no open size 'z'"),
        (["--input", "z=random"], "names no input"),
    ],
)
def test_bad_options(refused: Any, model: Path, options: Sequence[str], message: str) -> None:
    assert message in refused("bench", model, *options)


def test_candidates_take_turns() -> None:
    calls: list[str] = []
    timings = race({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, runs=14)
    assert {key: t.runs for key, t in timings.items()} == {"a": 14, "b": 14}
    turns = [key for i, key in enumerate(calls) if i == 0 or calls[i - 1] != key]
    assert turns == ["a", "b"] * 8


def test_runs_fill_the_time_when_no_count_is_given() -> None:
    start = time.perf_counter()
    timing = race({"sleep": lambda: time.sleep(0.002)})["sleep"]
    assert 0.002 <= timing.best <= timing.median
    assert timing.runs > 7
    assert time.perf_counter() - start < 5
