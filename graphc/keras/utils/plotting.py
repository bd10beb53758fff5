"""``plot_model``: a picture of a model's layers and how they are connected."""

from __future__ import annotations

import html
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

from graphc.keras.saving.files import replacing
from graphc.keras.utils.model_rows import LayerRow, layer_rows
from graphc_ir.errors import ArgumentError

__all__ = ["model_to_dot", "plot_model"]

_BOX_WIDTH: Final = 220
_LINE: Final = 16
_GAP: Final = 36


def plot_model(
    model: Any,
    to_file: Any = "model.svg",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 96,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    **kwargs: Any,
) -> Any:
    """Draws the layers as boxes, from the inputs down. Returns the path of the file.

    ``to_file`` ends in ``.svg``, ``.html`` or ``.dot``, which need nothing else; other endings (``.png``, ``.pdf``) are
    drawn by Graphviz through pydot. Raises ArgumentError where that is not installed.
    """
    labels = _Labels(show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable)
    rows = list(layer_rows(model, expand_nested))
    path = Path(to_file)
    if path.suffix in (".svg", ".html"):
        content = _svg(rows, labels)
        if path.suffix == ".html":
            content = f"<!DOCTYPE html><title>{html.escape(model.name)}</title>\n{content}"
    elif path.suffix == ".dot":
        content = _dot(rows, labels, rankdir)
    else:
        return _by_graphviz(_dot(rows, labels, rankdir), path)
    with replacing(path) as temporary:
        temporary.write_text(content, "utf-8")
    return path


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    **kwargs: Any,
) -> str:
    """The picture as a program in Graphviz's DOT language."""
    return _dot(list(layer_rows(model, expand_nested)), _Labels(show_shapes, show_dtype, show_layer_names), rankdir)


class _Labels:
    """What the box of a layer says."""

    def __init__(
        self, shapes: bool, dtype: bool, names: bool, activations: bool = False, trainable: bool = False
    ) -> None:
        self._shapes, self._dtype, self._names = shapes, dtype, names
        self._activations, self._trainable = activations, trainable

    def lines(self, row: LayerRow) -> list[str]:
        found = [f"{row.name} ({row.kind})" if self._names else row.kind]
        if self._activations and getattr(row.layer, "activation", None) is not None:
            found.append(f"activation: {getattr(row.layer.activation, '__name__', row.layer.activation)}")
        if self._dtype and row.dtype:
            found.append(f"dtype: {row.dtype}")
        if self._shapes and row.input_shapes:
            found.append(f"in: {', '.join(map(str, row.input_shapes))}")
        if self._shapes and row.output_shapes:
            found.append(f"out: {', '.join(map(str, row.output_shapes))}")
        if self._trainable and row.params:
            found.append("trainable" if row.layer.trainable else "frozen")
        return found


def _edges(rows: list[LayerRow]) -> list[tuple[str, str]]:
    """Which layer feeds which; where nothing is known (a subclassed model), none."""
    names = {row.name for row in rows}
    pairs = [(source.partition("[")[0], row.name) for row in rows for source in row.sources]
    return [(a, b) for a, b in dict.fromkeys(pairs) if a in names]


def _dot(rows: list[LayerRow], labels: _Labels, rankdir: str) -> str:
    lines = [f"digraph G {{ rankdir={rankdir}; node [shape=box, fontname=Helvetica];"]
    for row in rows:
        text = "\\n".join(line.replace('"', "'") for line in labels.lines(row))
        lines.append(f'  "{row.name}" [label="{text}"];')
    lines += [f'  "{a}" -> "{b}";' for a, b in _edges(rows)]
    return "\n".join([*lines, "}"]) + "\n"


def _by_graphviz(dot: str, path: Path) -> Path:
    try:
        import pydot
    except ImportError as error:
        raise ArgumentError(
            f"{path.suffix or 'this'} files are drawn by Graphviz through pydot, which is not installed; pip install "
            "pydot (and Graphviz), or use a name that ends in .svg or .html"
        ) from error
    (graph,) = pydot.graph_from_dot_data(dot)
    with replacing(path) as temporary:
        graph.write(str(temporary), format=path.suffix.removeprefix("."))
    return path


def _ranks(rows: list[LayerRow]) -> dict[str, int]:
    """How many layers lead to each: its row in the picture."""
    before = defaultdict(list)
    for a, b in _edges(rows):
        before[b].append(a)
    ranks: dict[str, int] = {}
    for row in rows:
        if row.depth:
            ranks[row.name] = max(ranks.values(), default=-1) + 1
        else:
            ranks[row.name] = max((ranks.get(a, -1) for a in before[row.name]), default=-1) + 1
    if not before:
        ranks = {row.name: i for i, row in enumerate(rows)}
    return ranks


def _svg(rows: list[LayerRow], labels: _Labels) -> str:
    ranks = _ranks(rows)
    texts = {row.name: labels.lines(row) for row in rows}
    width = max([_BOX_WIDTH, *(7 * len(line) + 16 for lines in texts.values() for line in lines)])
    height = _LINE * max(map(len, texts.values()), default=1) + 12
    by_rank: dict[int, list[str]] = defaultdict(list)
    for name, rank in ranks.items():
        by_rank[rank].append(name)
    widest = max(map(len, by_rank.values()), default=1)
    total = widest * (width + _GAP) + _GAP
    places = {
        name: (total // 2 + (width + _GAP) * (2 * i - len(names) + 1) // 2, _GAP + rank * (height + _GAP))
        for rank, names in by_rank.items()
        for i, name in enumerate(names)
    }
    parts = [_svg_edge(places[a], places[b], height) for a, b in _edges(rows)]
    parts += [_svg_box(places[row.name], width, height, texts[row.name]) for row in rows]
    bottom = (max(by_rank, default=0) + 1) * (height + _GAP) + _GAP
    marker = ('<defs><marker id="a" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
              '<path d="M0 0L8 4L0 8z"/></marker></defs>')  # fmt: skip
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="{bottom}" font-family="Helvetica, '
            f'sans-serif" font-size="12">{marker}\n' + "\n".join(parts) + "\n</svg>\n")  # fmt: skip


def _svg_edge(start: tuple[int, int], end: tuple[int, int], height: int) -> str:
    return (f'<line x1="{start[0]}" y1="{start[1] + height}" x2="{end[0]}" y2="{end[1]}" stroke="#444" '
            'marker-end="url(#a)"/>')  # fmt: skip


def _svg_box(place: tuple[int, int], width: int, height: int, lines: list[str]) -> str:
    x, y = place
    box = f'<rect x="{x - width // 2}" y="{y}" width="{width}" height="{height}" rx="4" fill="#f4f6fb" stroke="#444"/>'
    weights = ['font-weight="bold"', *[""] * len(lines)]
    texts = "".join(
        f'<text x="{x}" y="{y + _LINE * (i + 1)}" text-anchor="middle" {weight}>{html.escape(line)}</text>'
        for i, (line, weight) in enumerate(zip(lines, weights, strict=False))
    )
    return box + texts
