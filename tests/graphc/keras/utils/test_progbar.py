from __future__ import annotations

import io
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from typing import Any

import numpy as np
import pytest

from graphc.keras.config import disable_interactive_logging, enable_interactive_logging
from graphc.keras.utils import Progbar
from graphc.keras.utils.messages import print_message
from graphc_ir.errors import ArgumentError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "perf_counter", clock)
    return clock


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """For ``with redirect_stdout(terminal):``; pytest puts its own output in place after the fixtures."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    return Terminal()


@pytest.fixture
def logging_off() -> Iterator[None]:
    disable_interactive_logging()
    yield
    enable_interactive_logging()


def run(bar: Progbar, clock: Clock, steps: int, seconds: float) -> None:
    for step in range(1, steps + 1):
        clock.now += seconds
        bar.update(step, [("loss", 1 / step)], finalize=False)


def test_a_file_gets_one_line_at_the_end(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    bar = Progbar(938, stateful_metrics=["loss"])
    run(bar, clock, 938, 0.004)
    assert capsys.readouterr().out == ""
    bar.update(938, [("loss", 0.2177), ("sparse_categorical_accuracy", 0.9361)])
    assert capsys.readouterr().out == (
        "938/938 ━━━━━━━━━━━━━━━━━━━━ 4s 4ms/step - loss: 0.2177 - sparse_categorical_accuracy: 0.9361\n"
    )


def test_verbose_2_has_no_bar(clock: Clock, terminal: Terminal) -> None:
    with redirect_stdout(terminal):
        bar = Progbar(20, verbose=2)
        run(bar, clock, 20, 2)
        bar.update(20, [("loss", 0.5)], finalize=True)
        assert terminal.getvalue() == "20/20 - 40s - 2s/step - loss: 0.5000\n"


def test_verbose_0_shows_nothing_and_looks_at_no_value(terminal: Terminal) -> None:
    with redirect_stdout(terminal):
        bar = Progbar(2, verbose=0)
        bar.update(1, [("loss", object())])
        bar.add(1)
        assert terminal.getvalue() == ""


def test_a_terminal_is_redrawn_in_place(clock: Clock, terminal: Terminal) -> None:
    with redirect_stdout(terminal):
        bar = Progbar(10, width=5)
        run(bar, clock, 5, 1)
        frames = terminal.getvalue().split("\r")[1:]
        assert len(frames) == 5
        assert frames[3] == (
            "\x1b[1m 4/10\x1b[0m \x1b[32m━━\x1b[0m\x1b[37m━━━\x1b[0m \x1b[1m6s\x1b[0m 1s/step - loss: 0.5208"
        )
        bar.update(10, [("loss", 0.25)])
        assert terminal.getvalue().endswith("\x1b[1m5s\x1b[0m 444ms/step - loss: 0.2500\n")


def test_redraws_are_throttled(clock: Clock, terminal: Terminal) -> None:
    with redirect_stdout(terminal):
        bar = Progbar(1000, interval=0.05)
        run(bar, clock, 900, 0.001)
        assert terminal.getvalue().count("\r") == pytest.approx(18, abs=1)


def test_a_shorter_line_wipes_the_longer_one(clock: Clock, terminal: Terminal) -> None:
    with redirect_stdout(terminal):
        bar = Progbar(None, stateful_metrics=["loss"])
        bar.update(1, [("loss", -1234.5)])
        clock.now += 1
        bar.update(2, [("loss", 0.5)])
        long, short = terminal.getvalue().split("\r")[1:]
        assert long.endswith("loss: -1234.5000")
        assert short.endswith("loss: 0.5000    ")


def test_a_narrow_terminal_cuts_the_line_but_not_the_last(
    clock: Clock, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with redirect_stdout(terminal):
        monkeypatch.setenv("COLUMNS", "43")
        bar = Progbar(4)
        bar.update(1, [("a_metric_with_a_long_name", 1.0)])
        assert terminal.getvalue().endswith("a_m…")
        bar.update(4, [("a_metric_with_a_long_name", 1.0)])
        assert terminal.getvalue().endswith("a_metric_with_a_long_name: 1.0000\n")


def test_a_notebook_is_live_too(clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    bar = Progbar(3)
    bar.update(1, [("a_rather_long_name_of_a_metric_that_a_terminal_would_cut", 1.0)])
    out = capsys.readouterr().out
    assert out.startswith("\r")
    assert out.endswith("that_a_terminal_would_cut: 1.0000")


def test_the_target_may_be_unknown(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    bar = Progbar(None)
    run(bar, clock, 8, 0.01)
    bar.update(8, finalize=True)
    bar = Progbar(0)
    bar.update(0, finalize=True)
    assert capsys.readouterr().out == "      8/Unknown 0s 10ms/step - loss: 0.3397\n      0/Unknown 0s 0s/step\n"


@pytest.mark.parametrize(
    ("left", "shown"),
    [(10, "10s"), (60, "60s"), (61, "1:01"), (3600, "60:00"), (3601, "1:00:01"), (7384, "2:03:04")],
)
def test_the_time_that_is_left(clock: Clock, terminal: Terminal, left: int, shown: str) -> None:
    with redirect_stdout(terminal):
        bar = Progbar(left + 2)
        run(bar, clock, 2, 1)
        assert f"\x1b[1m{shown}\x1b[0m 1s/step" in terminal.getvalue()


@pytest.mark.parametrize(("seconds", "shown"), [(2, "2s/epoch"), (0.25, "250ms/epoch"), (2e-5, "20us/epoch")])
def test_the_time_of_a_step(clock: Clock, capsys: Any, seconds: float, shown: str) -> None:
    bar = Progbar(3, verbose=2, unit_name="epoch")
    run(bar, clock, 3, seconds)
    bar.update(3)
    assert f" - {shown} - loss" in capsys.readouterr().out


def test_the_first_step_does_not_count(clock: Clock, capsys: Any) -> None:
    bar = Progbar(11, verbose=2)
    run(bar, clock, 1, 30)
    for step in range(2, 12):
        clock.now += 1
        bar.update(step)
    assert capsys.readouterr().out == "11/11 - 40s - 1s/step - loss: 1.0000\n"


@pytest.mark.parametrize(
    ("kinds", "shown"),
    [
        ({}, "1.0000"),
        ({"stateful_metrics": []}, "1.0000"),
        ({"stateful_metrics": ["value"]}, "2.0000"),
        ({"stateless_metrics": []}, "2.0000"),
        ({"stateless_metrics": ["value"]}, "1.0000"),
    ],
)
def test_averaged_and_plain_metrics(capsys: Any, kinds: dict[str, Any], shown: str) -> None:
    bar = Progbar(3, interval=0, **kinds)
    bar.update(1, [("value", 0.0)])
    bar.update(2, [("value", 2.0)])
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("value: 0.0000e+00")
    assert second.endswith(f"value: {shown}")


def test_averages_count_the_units_and_end_with_the_last_value(clock: Clock, capsys: Any) -> None:
    bar = Progbar(10, verbose=1, interval=0)
    bar.add(6, [("value", 1.0)])
    bar.add(2, [("value", 5.0)])
    bar.add(2, [("value", 7.0)])
    assert [line.split()[-1] for line in capsys.readouterr().out.splitlines()] == ["1.0000", "2.0000", "7.0000"]


@pytest.mark.parametrize("value", [1.0, np.array(1.0), np.float32(1), [0.0, 1.0, 2.0], 1])
def test_kinds_of_values(value: Any, capsys: Any) -> None:
    Progbar(1).update(1, [("value", value)], finalize=True)
    assert capsys.readouterr().out.endswith(" - value: 1.0000\n")


def test_only_one_kind_of_metrics_can_be_named() -> None:
    with pytest.raises(ArgumentError, match=r"Only one of stateful_metrics .* and stateless_metrics"):
        Progbar(1, stateful_metrics=[], stateless_metrics=[])


@pytest.mark.usefixtures("logging_off")
def test_without_interactive_logging_the_last_line_goes_to_the_log(
    clock: Clock, terminal: Terminal, caplog: pytest.LogCaptureFixture
) -> None:
    with redirect_stdout(terminal):
        with caplog.at_level(logging.INFO, "graphc.keras"):
            bar = Progbar(2)
            run(bar, clock, 2, 1)
            bar.update(2, [("loss", 0.5)])
        assert terminal.getvalue() == ""
        assert caplog.messages == ["2/2 ━━━━━━━━━━━━━━━━━━━━ 2s 1s/step - loss: 0.5000"]


def test_an_output_without_bars_in_its_alphabet(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    content = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(content, encoding="ascii"))
    Progbar(1, width=3).update(1, finalize=True)
    print_message("größer")
    sys.stdout.flush()
    assert content.getvalue() == b"1/1 === 0s 0s/step\ngr??er\n"
