"""plot_model: what the picture holds, and that nothing in it lies on anything else."""

from __future__ import annotations

import itertools
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from graphc.keras.layers import Add, Concatenate, Dense, Input
from graphc.keras.models import Model, Sequential
from graphc.keras.utils import model_to_dot, plot_model
from graphc.keras.utils.layered import draw
from graphc_ir.errors import ArgumentError


def _model() -> Model:
    x, y = Input((3,), name="x"), Input((4,), name="y")
    inner = Sequential([Input((3,)), Dense(5, name="deep", activation="relu"), Dense(2, name="last")], name="inner")
    mixed = Add(name="sum")([inner(x), Dense(2, name="side")(y)])
    return Model([x, y], Concatenate(name="cat")([mixed, x]))


def _texts(path: Path) -> list[str]:
    tags = ElementTree.parse(path).getroot().iter("{http://www.w3.org/2000/svg}text")
    return [str(tag.text) for tag in tags]


def _edges(dot: str) -> set[tuple[str, str]]:
    """The pairs of labels that are connected."""
    names, pairs = {}, set()
    for line in dot.splitlines():
        if "[label=" in line:
            names[line.split()[0]] = line.split('"')[1].split()[0]
        elif "->" in line:
            a, b = line.strip("; ").split(" -> ")
            pairs.add((names[a], names[b]))
    return pairs


def test_edges() -> None:
    assert _edges(model_to_dot(_model())) == {("x", "inner"), ("y", "side"), ("inner", "sum"), ("side", "sum"),
                                              ("sum", "cat"), ("x", "cat")}  # fmt: skip


def test_opened_models_are_connected() -> None:
    assert _edges(model_to_dot(_model(), expand_nested=True)) == {
        ("x", "inner/deep"), ("inner/deep", "inner/last"), ("y", "side"), ("inner/last", "sum"), ("side", "sum"),
        ("sum", "cat"), ("x", "cat"),
    }  # fmt: skip


def test_layers_of_one_name_in_several_models_are_several_boxes() -> None:
    x = Input((2,))
    a, b = (Sequential([Input((2,)), Dense(2, name="same")], name=name) for name in "ab")
    found = _edges(model_to_dot(Model(x, b(a(x))), expand_nested=True))
    assert ("a/same", "b/same") in found


def test_shared_layers_are_one_box() -> None:
    dense = Dense(2, name="shared")
    x, y = Input((2,), name="x"), Input((2,), name="y")
    dot = model_to_dot(Model([x, y], [dense(x), dense(dense(y))]))
    assert _edges(dot) == {("x", "shared"), ("y", "shared")}


def test_what_boxes_say(tmp_path: Path) -> None:
    path = plot_model(_model(), tmp_path / "m.svg", show_shapes=True, show_dtype=True, show_layer_names=True,
                      show_layer_activations=True, show_trainable=True, expand_nested=True)  # fmt: skip
    texts = _texts(path)
    assert {"inner/deep (Dense)", "activation: relu", "in: (None, 3)", "out: (None, 5)", "dtype: float32",
            "trainable"} <= set(texts)  # fmt: skip
    assert set(_texts(plot_model(_model(), tmp_path / "n.svg"))) == {
        "InputLayer", "Sequential", "Dense", "Add", "Concatenate"
    }  # fmt: skip


def test_names_are_escaped(tmp_path: Path) -> None:
    model = Sequential([Input((2,)), Dense(1, name='<a & "b">')])
    assert '<a & "b"> (Dense)' in _texts(plot_model(model, tmp_path / "m.svg", show_layer_names=True))


def test_layers_of_a_subclassed_model_stand_below_one_another(tmp_path: Path) -> None:
    class Own(Model):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = Dense(1, name="one"), Dense(1, name="two")

    path = plot_model(Own(), tmp_path / "m.svg")
    boxes = [box.attrib for box in ElementTree.parse(path).getroot().iter("{http://www.w3.org/2000/svg}rect")]
    assert float(boxes[0]["y"]) < float(boxes[1]["y"])
    assert "path d=" not in path.read_text().split("</defs>")[1]


@pytest.mark.parametrize(("name", "start"), [("m.svg", "<svg"), ("m.html", "<!DOCTYPE html>"), ("m.dot", "digraph")])
def test_kinds_of_files(tmp_path: Path, name: str, start: str) -> None:
    assert plot_model(_model(), tmp_path / name) == tmp_path / name
    assert (tmp_path / name).read_text().startswith(start)


def test_other_files_need_graphviz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydot", None)
    with pytest.raises(ArgumentError, match=r"\.png files are drawn by Graphviz through pydot, which is not installed"):
        plot_model(_model(), tmp_path / "m.png")


# --- the drawing -------------------------------------------------------------------------------------------------

GRAPHS: dict[str, tuple[int, list[tuple[int, int]]]] = {
    "one": (1, []),
    "chain": (3, [(0, 1), (1, 2)]),
    "skip": (4, [(0, 1), (1, 2), (2, 3), (0, 3)]),
    "two sources": (6, [(0, 1), (1, 2), (3, 4), (2, 5), (4, 5), (0, 5)]),
    "fan": (8, [(0, i) for i in range(1, 7)] + [(i, 7) for i in range(1, 7)]),
    "ladder": (10, [(i, j) for i in range(10) for j in range(i + 1, min(i + 4, 10))]),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_boxes_lie_apart_and_edges_pass_between_them(name: str) -> None:
    count, edges = GRAPHS[name]
    sizes = {i: (60.0 + 10 * (i % 3), 20.0 + 5 * (i % 2)) for i in range(count)}
    drawing = draw(sizes, edges)
    boxes = {i: _rectangle(point, sizes[i]) for i, point in drawing.boxes.items()}
    for a, b in itertools.combinations(boxes.values(), 2):
        assert a[1] <= b[0] or b[1] <= a[0] or a[3] <= b[2] or b[3] <= a[2]
    for left, right, top, bottom in boxes.values():
        assert 0 <= left < right <= drawing.width
        assert 0 <= top < bottom <= drawing.height
    for (a, b), route in drawing.routes.items():
        assert route[0].y == boxes[a][3]
        assert route[-1].y == boxes[b][2]
        assert [p.y for p in route] == sorted(p.y for p in route)
        for start, end in itertools.pairwise(route):
            for box in (r for i, r in boxes.items() if i not in (a, b)):
                assert not _crosses(start, end, box)


def _rectangle(point: Any, size: tuple[float, float]) -> tuple[float, float, float, float]:
    return point.x - size[0] / 2, point.x + size[0] / 2, point.y, point.y + size[1]


def _crosses(start: Any, end: Any, box: tuple[float, float, float, float]) -> bool:
    """Whether the region that a curve between two points stays in meets the inside of a box."""
    left, right = sorted((start.x, end.x))
    return bool(left < box[1] and right > box[0] and start.y < box[3] and end.y > box[2])
