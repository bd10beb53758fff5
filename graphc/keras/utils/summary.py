"""``model.summary()``: the layers of a model as a table."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from typing import Any

from graphc.keras.utils.messages import print_message
from graphc.keras.utils.model_rows import LayerRow, bytes_text, layer_rows, parameter_bytes, parameter_count
from graphc_ir.errors import ArgumentError

__all__ = ["print_summary"]


def print_summary(
    model: Any,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    print_fn: Callable[..., Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
) -> None:
    """Prints name, class, output shape and number of parameters of each layer, and totals.

    ``print_fn`` gets the text instead of the standard output. ``layer_range`` holds two patterns for the names of the
    first and the last layer to show. Raises ArgumentError when they match none.
    """
    rows = list(layer_rows(model, expand_nested))
    if layer_range is not None:
        rows = _between(rows, layer_range)
    text = _table(model, rows, line_length, show_trainable)
    if print_fn is None:
        print_message(text)
    else:
        print_fn(text)


def _between(rows: list[LayerRow], names: Sequence[str]) -> list[LayerRow]:
    first, last = names
    matching = [[i for i, row in enumerate(rows) if re.match(pattern, row.name)] for pattern in (first, last)]
    if not all(matching):
        raise ArgumentError(f"layer_range {list(names)} matches no layers; the layers are {[row.name for row in rows]}")
    return rows[min(matching[0]) : max(matching[1]) + 1]


def _table(model: Any, rows: list[LayerRow], width: int | None, show_trainable: bool) -> str:
    from rich.console import Console  # heavy, and needed only here
    from rich.table import Table

    connected = _branches(rows)
    table = Table(show_lines=True)
    for heading in ("Layer (type)", "Output Shape"):
        table.add_column(heading)
    table.add_column("Param #", justify="right")
    if connected:
        table.add_column("Connected to")
    if show_trainable:
        table.add_column("Trai…", justify="center")
    for row in rows:
        table.add_row(*_cells(row, connected, show_trainable))
    stream = io.StringIO()
    columns = width or (98 if connected else 78)
    console = Console(file=stream, width=columns, color_system=None, emoji=False, markup=False)
    console.print(f'Model: "{model.name}"')
    console.print(table)
    console.print(_totals(model))
    return stream.getvalue().rstrip("\n")


def _branches(rows: list[LayerRow]) -> bool:
    """Whether the layers are more than a chain."""
    chain = all(len(row.sources) <= 1 for row in rows)
    return bool(rows) and not (chain and sum(not row.sources for row in rows) <= 1) and any(row.sources for row in rows)


def _cells(row: LayerRow, connected: bool, show_trainable: bool) -> list[str]:
    indent = "    " * row.depth
    shapes = ", ".join(map(_shape_text, row.output_shapes)) or "?"
    params = "0 (unbuilt)" if row.params is None else f"{row.params:,}"
    cells = [f"{indent}{row.name} ({row.kind})", shapes, params]
    if connected:
        cells.append(",\n".join(row.sources) or "-")
    if show_trainable:
        trainable = getattr(row.layer, "trainable", None)
        cells.append("-" if trainable is None or not row.params else "Y" if trainable else "N")
    return cells


def _shape_text(shape: tuple[Any, ...]) -> str:
    return str(tuple(shape))


def _totals(model: Any) -> str:
    trainable, frozen = model.trainable_weights, model.non_trainable_weights
    used = getattr(model, "optimizer", None)
    optimizer = list(used.variables) if used is not None and used.built else []
    lines = [_total("Total", [*trainable, *frozen, *optimizer]), _total("Trainable", trainable),
             _total("Non-trainable", frozen)]  # fmt: skip
    if optimizer:
        lines.append(_total("Optimizer", optimizer))
    return "\n".join(lines)


def _total(what: str, weights: list[Any]) -> str:
    return f" {what} params: {parameter_count(weights):,} ({bytes_text(parameter_bytes(weights))})"
