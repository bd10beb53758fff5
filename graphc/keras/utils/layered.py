"""A layered drawing of a graph: boxes in rows from the sources down, long edges led between the boxes of the rows that
they pass."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

__all__ = ["Drawing", "Point", "draw"]

_GAP: Final = 28.0
_ROW_GAP: Final = 40.0
_MARGIN: Final = 20.0
_LANE: Final = 4.0
"""The width that an edge takes in a row that it passes."""
_SWEEPS: Final = 6

Edge = tuple[Any, Any]


class Point(NamedTuple):
    x: float
    y: float


class Drawing(NamedTuple):
    """Where boxes stand (the middle of their upper sides), the points that each edge goes through, and the size of it
    all. An edge goes straight down within the rows that it passes."""

    boxes: dict[Any, Point]
    routes: dict[Edge, list[Point]]
    width: float
    height: float


def draw(sizes: Mapping[Any, tuple[float, float]], edges: Sequence[Edge]) -> Drawing:
    """Boxes of these sizes (width, height), in an order in which edges lead forwards, and edges between them."""
    return _Layout(sizes, edges).drawing()


class _Layout:
    """Places are boxes, and in the rows that an edge passes its lanes: ``(source, target, row)``."""

    def __init__(self, sizes: Mapping[Any, tuple[float, float]], edges: Sequence[Edge]) -> None:
        self._sizes = sizes
        self._row_of = _row_numbers(list(sizes), edges)
        self._chains = {edge: self._chain(edge) for edge in edges}
        self._rows = self._filled_rows()
        self._above, self._below = self._neighbours()
        self._order()
        self._x = self._columns()
        self._tops, self._heights = self._extents()

    def _chain(self, edge: Edge) -> list[Any]:
        a, b = edge
        return [a, *((a, b, row) for row in range(self._row_of[a] + 1, self._row_of[b])), b]

    def _filled_rows(self) -> list[list[Any]]:
        rows: list[list[Any]] = [[] for _ in range(max(self._row_of.values(), default=-1) + 1)]
        for box, row in self._row_of.items():
            rows[row].append(box)
        for chain in self._chains.values():
            for lane in chain[1:-1]:
                rows[lane[2]].append(lane)
        return rows

    def _neighbours(self) -> tuple[dict[Any, list[Any]], dict[Any, list[Any]]]:
        above: dict[Any, list[Any]] = defaultdict(list)
        below: dict[Any, list[Any]] = defaultdict(list)
        for chain in self._chains.values():
            for a, b in itertools.pairwise(chain):
                below[a].append(b)
                above[b].append(a)
        return above, below

    def _sweep(self, number: int) -> tuple[dict[Any, list[Any]], list[list[Any]]]:
        """Rows in the order of a sweep, down and up in turn, and the neighbours in the row before."""
        return (self._above, self._rows) if number % 2 == 0 else (self._below, self._rows[::-1])

    def _order(self) -> None:
        """Sorts each row by the middle of the neighbours in the row before: fewer edges cross."""
        at = {place: float(i) for row in self._rows for i, place in enumerate(row)}
        for number in range(_SWEEPS):
            neighbours, rows = self._sweep(number)
            for row in rows:
                middles = {place: _middle(place, at, neighbours) for place in row}
                row.sort(key=middles.__getitem__)
                at.update({place: float(i) for i, place in enumerate(row)})

    def _columns(self) -> dict[Any, float]:
        """The middle of each place: as near to that of its neighbours as the others of its row allow."""
        x = {place: 0.0 for row in self._rows for place in row}
        for number in range(-1, _SWEEPS):  # the first time only to move them apart
            neighbours, rows = ({}, self._rows) if number < 0 else self._sweep(number)
            for row in rows:
                wanted = [_middle(place, x, neighbours) for place in row]
                x.update(zip(row, _apart(wanted, [self._width(place) for place in row]), strict=True))
        left = min((x[place] - self._width(place) / 2 for place in x), default=0.0)
        return {place: value - left + _MARGIN for place, value in x.items()}

    def _width(self, place: Any) -> float:
        return self._sizes[place][0] if place in self._sizes else _LANE

    def _extents(self) -> tuple[list[float], list[float]]:
        heights = [max(self._sizes[place][1] for place in row if place in self._sizes) for row in self._rows]
        tops = [_MARGIN]
        for height in heights:
            tops.append(tops[-1] + height + _ROW_GAP)
        return tops, heights

    def drawing(self) -> Drawing:
        boxes = {box: Point(self._x[box], self._tops[row]) for box, row in self._row_of.items()}
        routes = {edge: self._route(chain) for edge, chain in self._chains.items()}
        width = max((self._x[place] + self._width(place) / 2 for place in self._x), default=0.0) + _MARGIN
        return Drawing(boxes, routes, width, max(self._tops[-1] - _ROW_GAP, _MARGIN) + _MARGIN)

    def _route(self, chain: list[Any]) -> list[Point]:
        start, *lanes, end = chain
        row, height = self._row_of[start], self._sizes[start][1]
        points = [Point(self._x[start], self._tops[row] + height)]
        if height < self._heights[row]:  # past its taller neighbours first
            points.append(Point(self._x[start], self._tops[row] + self._heights[row]))
        for lane in lanes:
            top, height = self._tops[lane[2]], self._heights[lane[2]]
            points += [Point(self._x[lane], top), Point(self._x[lane], top + height)]
        return [*points, Point(self._x[end], self._tops[self._row_of[end]])]


def _row_numbers(boxes: list[Any], edges: Sequence[Edge]) -> dict[Any, int]:
    """The row of each box: below those of all that lead to it."""
    sources: dict[Any, list[Any]] = defaultdict(list)
    for a, b in edges:
        sources[b].append(a)
    rows: dict[Any, int] = {}
    for box in boxes:
        rows[box] = max((rows[source] + 1 for source in sources[box]), default=0)
    return rows


def _middle(place: Any, at: Mapping[Any, float], neighbours: Mapping[Any, list[Any]]) -> float:
    near = neighbours.get(place)
    return sum(at[n] for n in near) / len(near) if near else at[place]


def _apart(wanted: list[float], widths: list[float]) -> list[float]:
    """The positions nearest to the wanted ones (least squares) that keep the boxes in order and apart."""
    offsets = [0.0]
    for before, after in itertools.pairwise(widths):
        offsets.append(offsets[-1] + (before + after) / 2 + _GAP)
    groups: list[tuple[float, int]] = []  # means of runs of boxes that touch
    for value, offset in zip(wanted, offsets, strict=False):
        mean, count = value - offset, 1
        while groups and groups[-1][0] >= mean:
            other, number = groups.pop()
            mean, count = (other * number + mean * count) / (number + count), number + count
        groups.append((mean, count))
    means = [mean for mean, count in groups for _ in range(count)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=False)]
