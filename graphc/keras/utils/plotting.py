"""``plot_model``: a picture of a model's layers and how they are connected."""

from __future__ import annotations

import html
import itertools
from pathlib import Path
from typing import Any, Final

from graphc.keras.saving.files import replacing
from graphc.keras.utils.layered import Drawing, Point, draw
from graphc.keras.utils.model_rows import LayerRow, layer_rows
from graphc_ir.errors import ArgumentError

__all__ = ["model_to_dot", "plot_model"]

_LINE: Final = 16
_CHARACTER: Final = 7.2
_PADDING: Final = 12


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
    picture = _Picture(model, expand_nested)
    path = Path(to_file)
    if path.suffix in (".svg", ".html"):
        content = _svg(picture, labels)
        if path.suffix == ".html":
            content = f"<!DOCTYPE html><title>{html.escape(model.name)}</title>\n{content}"
    elif path.suffix == ".dot":
        content = _dot(picture, labels, rankdir)
    else:
        return _by_graphviz(_dot(picture, labels, rankdir), path)
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
    return _dot(_Picture(model, expand_nested), _Labels(show_shapes, show_dtype, show_layer_names), rankdir)


class _Picture:
    """``boxes`` (the path and row of each layer, by id, sources first) and ``edges`` between them.

    Nested functional models are boxes too, or with ``expand`` their layers are, connected to those outside. Of a layer
    that is fed by what follows from it, that edge is left out.
    """

    def __init__(self, model: Any, expand: bool) -> None:
        self.boxes: dict[int, tuple[str, LayerRow]] = {}
        self.edges: list[tuple[int, int]] = []
        self._expand = expand
        self._add(model, "", {})

    def _add(self, model: Any, prefix: str, given: dict[int, list[int]]) -> list[int]:
        """Adds the layers of a model, whose inputs ``given`` boxes make; returns the boxes that make its outputs."""
        makers = dict(given)
        for row in layer_rows(model):
            operation = row.layer
            sources = [makers.get(id(t.history.operation), []) for t in row.source_tensors if t.history is not None]
            if id(operation) in given:
                continue
            if self._expand and getattr(operation, "_graph", None) is not None:
                starts = [id(t.history.operation) for t in operation.inputs]
                inner = {start: [*itertools.chain(*sources[i :: len(starts)])] for i, start in enumerate(starts)}
                makers[id(operation)] = self._add(operation, f"{prefix}{row.name}/", inner)
                continue
            makers[id(operation)] = [id(operation)]
            self.boxes[id(operation)] = f"{prefix}{row.name}", row
            self.edges += dict.fromkeys((box, id(operation)) for boxes in sources for box in boxes)
        graph = getattr(model, "_graph", None)
        outputs = [] if graph is None else [graph.node_of(t).operation for t in model.outputs]
        return [box for operation in outputs for box in makers.get(id(operation), [])]


class _Labels:
    """What the box of a layer says."""

    def __init__(
        self, shapes: bool, dtype: bool, names: bool, activations: bool = False, trainable: bool = False
    ) -> None:
        self._shapes, self._dtype, self._names = shapes, dtype, names
        self._activations, self._trainable = activations, trainable

    def lines(self, path: str, row: LayerRow) -> list[str]:
        found = [f"{path} ({row.kind})" if self._names else row.kind]
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


def _dot(picture: _Picture, labels: _Labels, rankdir: str) -> str:
    lines = [f"digraph G {{ rankdir={rankdir}; node [shape=box, fontname=Helvetica];"]
    names = {box: f"n{i}" for i, box in enumerate(picture.boxes)}
    for box, (path, row) in picture.boxes.items():
        text = "\\n".join(line.replace('"', "'") for line in labels.lines(path, row))
        lines.append(f'  {names[box]} [label="{text}"];')
    lines += [f"  {names[a]} -> {names[b]};" for a, b in picture.edges]
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


def _svg(picture: _Picture, labels: _Labels) -> str:
    texts = {box: labels.lines(path, row) for box, (path, row) in picture.boxes.items()}
    sizes = {box: _size(lines) for box, lines in texts.items()}
    # Nothing is known of how the layers of a subclassed model are connected: they stand in their order.
    order = list(itertools.pairwise(sizes))
    drawing = draw(sizes, picture.edges or order)
    parts = [_svg_edge(drawing.routes[edge]) for edge in picture.edges]
    parts += [_svg_box(drawing.boxes[box], sizes[box], lines) for box, lines in texts.items()]
    return _svg_frame(drawing, "\n".join(parts))


def _size(lines: list[str]) -> tuple[float, float]:
    return max(map(len, lines)) * _CHARACTER + 2 * _PADDING, len(lines) * _LINE + _PADDING


def _svg_frame(drawing: Drawing, content: str) -> str:
    marker = ('<defs><marker id="a" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
              '<path d="M0 0L8 4L0 8z"/></marker></defs>')  # fmt: skip
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{drawing.width:.0f}" height="{drawing.height:.0f}" '
            f'font-family="Helvetica, sans-serif" font-size="12">{marker}\n{content}\n</svg>\n')  # fmt: skip


def _svg_edge(points: list[Point]) -> str:
    path = f"M{points[0].x:.1f} {points[0].y:.1f}"
    for before, point in itertools.pairwise(points):
        middle = (before.y + point.y) / 2
        path += f"C{before.x:.1f} {middle:.1f} {point.x:.1f} {middle:.1f} {point.x:.1f} {point.y:.1f}"
    return f'<path d="{path}" fill="none" stroke="#444" marker-end="url(#a)"/>'


def _svg_box(place: Point, size: tuple[float, float], lines: list[str]) -> str:
    width, height = size
    box = (f'<rect x="{place.x - width / 2:.1f}" y="{place.y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="4" '
           'fill="#f4f6fb" stroke="#444"/>')  # fmt: skip
    weights = [' font-weight="bold"', *[""] * len(lines)]
    texts = "".join(
        f'<text x="{place.x:.1f}" y="{place.y + _LINE * (i + 1):.1f}" text-anchor="middle"{weight}>'
        f"{html.escape(line)}</text>"
        for i, (line, weight) in enumerate(zip(lines, weights, strict=False))
    )
    return box + texts
