"""How commands print: a console without markup, tables, and numbers for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from graphc_ir.dims import Dim

PLAIN_WIDTH: Final = 120
"""Columns when stdout is no terminal."""

_PREFIXES: Final = ("", "k", "M", "G", "T", "P")


def make_console() -> Console:
    """A console on stdout that prints text as it is: brackets and colons are no markup."""
    console = Console(markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    return console


def print_table(
    console: Console, title: str, headings: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1
) -> None:
    """Prints a table, whose first ``left`` columns hold text and the others numbers, and an empty line."""
    console.print(title, style="bold", soft_wrap=True)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for i, heading in enumerate(headings):
        table.add_column(heading, justify="left" if i < left else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)
    console.print()


def print_code(console: Console, text: str) -> None:
    """Prints lines of code, each cut at the console's width."""
    for line in text.splitlines():
        console.print(Text(line), no_wrap=True, overflow="ellipsis", crop=True)


def counted(count: Dim, unit: str = "") -> str:
    """``1234567`` as ``1.23 M``, with a unit ``1.23 MB``; symbolic counts as they are."""
    if not isinstance(count, int):
        return f"{count} {unit}".strip()
    value, step = float(count), 0
    while abs(value) >= 999.5 and step < len(_PREFIXES) - 1:
        value, step = value / 1000, step + 1
    return f"{value:.3g} {_PREFIXES[step]}{unit}".strip()


def duration(seconds: float) -> str:
    """A time in the unit that suits it, e.g. ``12.3 us``."""
    for unit, factor in (("us", 1e6), ("ms", 1e3)):
        if seconds * factor < 1000:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.3g} s"
