"""The progress bar of ``fit`` and of downloads."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import numpy as np

from graphc.keras import config
from graphc.keras.utils.messages import encodable, print_message
from graphc_ir.errors import ArgumentError

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Progbar"]

Segment: TypeAlias = tuple[str, str]
"""Text and its style."""

_NOTEBOOK_WIDTH: Final = 10_000


class _Sum(NamedTuple):
    """What was added up for one metric, and over how many units."""

    total: Any
    units: int


class Progbar:
    """Shows how far a loop is, how long it will take, and the values of its metrics.

    On a terminal one line is redrawn in place::

        469/938 ━━━━━━━━━━━━━━━━━━━━ 2s 4ms/step - loss: 0.3012

    The time is what is left, and the time taken once the loop is over. Elsewhere (a file, a pipe) only the last
    state is printed.

    Args:
        target: number of units expected; None if that is not known.
        width: of the bar, in characters.
        verbose: 0 shows nothing, 1 (or ``"auto"``) the bar, 2 one line without a bar when the loop is over.
        interval: seconds between redraws. 0 shows every update, and does so as lines where there is no terminal.
        stateful_metrics: names of the metrics shown as they are; all others are averaged over the units.
        stateless_metrics: instead of ``stateful_metrics``, the names of those that are averaged.
        unit_name: what is counted, for ``4ms/step``.

    Raises:
        ArgumentError: both ``stateful_metrics`` and ``stateless_metrics`` are given.
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int | str = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ArgumentError(
                "Progbar: Only one of stateful_metrics (shown as they are) and stateless_metrics (averaged) can be "
                "given; the metrics that the one does not name are of the other kind"
            )
        self.target = target
        self.width = width
        self.verbose = 1 if verbose == "auto" else int(verbose)
        self.interval = interval
        self.unit_name = unit_name
        self.stateful_metrics = None if stateful_metrics is None else set(stateful_metrics)
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)
        self._metrics: dict[str, _Sum] = {}
        self._seen = 0
        self._start = time.perf_counter()
        self._first_step_end: float | None = None
        self._next_draw = self._start
        self._drawn_width = 0

    def add(self, n: int, values: Iterable[tuple[str, Any]] | None = None) -> None:
        """Moves on by ``n`` units. ``values``: as for :meth:`update`."""
        self.update(self._seen + n, values)

    def update(
        self, current: int, values: Iterable[tuple[str, Any]] | None = None, finalize: bool | None = None
    ) -> None:
        """Moves on to ``current`` units; cheap between redraws.

        Args:
            current: how many units are done, counted from the start.
            values: pairs of a metric's name and its value at this unit: a number, or several to be averaged.
            finalize: whether the loop is over; by default once ``target`` is reached.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        if self.verbose:
            self._record(values or (), current - self._seen, finalize)
        self._seen = current
        if not self.verbose:
            return
        now = time.perf_counter()
        if current == 1 and self._first_step_end is None:
            self._first_step_end = now
        if finalize or (self.verbose == 1 and now >= self._next_draw):
            self._next_draw = now + self.interval
            self._show(current, now, finalize)

    def _record(self, values: Iterable[tuple[str, Any]], units: int, finalize: bool) -> None:
        for name, value in values:
            if finalize or not self._is_averaged(name):
                self._metrics[name] = _Sum(value, 1)
            else:
                total, count = self._metrics.get(name, (0.0, 0))
                units = max(units, 1)
                self._metrics[name] = _Sum(total + _mean(value) * units, count + units)

    def _is_averaged(self, name: str) -> bool:
        if self.stateless_metrics is not None:
            return name in self.stateless_metrics
        return self.stateful_metrics is None or name not in self.stateful_metrics

    def _show(self, current: int, now: float, finalize: bool) -> None:
        if self.verbose == 1 and _is_live():
            self._draw(self._line(current, now, finalize), finalize)
        elif finalize or self.interval == 0:
            parts = self._line(current, now, finalize) if self.verbose == 1 else self._summary(current, now)
            print_message("".join(text for text, _ in parts))

    def _draw(self, parts: list[Segment], finalize: bool) -> None:
        from rich.control import Control
        from rich.segment import ControlType
        from rich.text import Text

        console = _console()
        text = Text.assemble(*((encodable(part, sys.stdout.encoding), style) for part, style in parts), end="")
        if not finalize:
            text.truncate(console.width - 1, overflow="ellipsis")
        drawn_width = text.cell_len
        text.pad_right(max(self._drawn_width - drawn_width, 0))
        self._drawn_width = drawn_width
        with console:
            console.control(Control(ControlType.CARRIAGE_RETURN))
            console.print(text, end="\n" if finalize else "", soft_wrap=True, highlight=False)

    def _line(self, current: int, now: float, finalize: bool) -> list[Segment]:
        return [*self._bar(current), (" ", ""), *self._times(current, now, finalize), *self._values()]

    def _summary(self, current: int, now: float) -> list[Segment]:
        per_unit = f" - {self._duration_per_unit(current, now)}"
        return [(self._count(current), ""), (f" - {now - self._start:.0f}s", ""), (per_unit, ""), *self._values()]

    def _count(self, current: int) -> str:
        if not self.target:
            return f"{current:7d}/Unknown"
        return f"{current:{len(str(self.target))}d}/{self.target}"

    def _bar(self, current: int) -> list[Segment]:
        if not self.target:
            return [(self._count(current), "bold")]
        filled = min(self.width * current // self.target, self.width)
        return [
            (self._count(current), "bold"),
            (" ", ""),
            ("━" * filled, "green"),
            ("━" * (self.width - filled), "white"),
        ]

    def _times(self, current: int, now: float, finalize: bool) -> list[Segment]:
        if self.target and not finalize:
            shown = _clock(self._seconds_per_unit(current, now) * max(self.target - current, 0))
        else:
            shown = f"{now - self._start:.0f}s"
        return [(shown, "bold"), (f" {self._duration_per_unit(current, now)}", "")]

    def _values(self) -> list[Segment]:
        return [(f" - {name}: {_number(entry)}", "") for name, entry in self._metrics.items()]

    def _seconds_per_unit(self, current: int, now: float) -> float:
        if current <= 0:
            return 0.0
        # The first step compiles: it says nothing about the others.
        if self._first_step_end is not None and current > 1:
            return (now - self._first_step_end) / (current - 1)
        return (now - self._start) / current

    def _duration_per_unit(self, current: int, now: float) -> str:
        seconds = self._seconds_per_unit(current, now)
        if seconds == 0 or seconds >= 1:
            return f"{seconds:.0f}s/{self.unit_name}"
        if seconds >= 1e-3:
            return f"{seconds * 1e3:.0f}ms/{self.unit_name}"
        return f"{seconds * 1e6:.0f}us/{self.unit_name}"


def _is_live() -> bool:
    if not config.is_interactive_logging_enabled():
        return False
    return sys.stdout.isatty() or _in_notebook() or "PYCHARM_HOSTED" in os.environ


def _in_notebook() -> bool:
    return "ipykernel" in sys.modules


def _console() -> Console:
    from rich.console import Console

    # Made anew for each drawing, so that it follows a redirected sys.stdout and a resized window.
    if sys.stdout.isatty():
        return Console(force_jupyter=False)
    return Console(force_jupyter=False, force_terminal=True, width=_NOTEBOOK_WIDTH)


def _mean(value: Any) -> float:
    return value if isinstance(value, float) else float(np.mean(value))


def _number(entry: _Sum) -> str:
    value = _mean(entry.total) / entry.units
    return f"{value:.4f}" if abs(value) > 1e-3 else f"{value:.4e}"


def _clock(seconds: float) -> str:
    whole = int(seconds)
    if whole > 3600:
        return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    return f"{whole // 60}:{whole % 60:02d}" if whole > 60 else f"{whole}s"
