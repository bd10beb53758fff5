"""model.summary(): what each row and the totals say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import keras
from graphc.keras.layers import Dense, Input, Layer, MultiHeadAttention
from graphc.keras.models import Model, Sequential
from graphc_ir.errors import ArgumentError


def _text(model: Any, **options: Any) -> str:
    lines: list[str] = []
    model.summary(print_fn=lines.append, **options)
    return "\n".join(lines)


def _cells(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if line.startswith("│")]


def _branching() -> Model:
    x = Input((2,), name="x")
    inner = Sequential([Input((3,)), Dense(4, name="deep")], name="inner")
    return Model(x, keras.layers.Add(name="sum")([inner(Dense(3, name="a")(x)), Dense(4, name="b")(x)]), name="net")


def test_a_chain() -> None:
    model = Sequential([Input((2,)), Dense(3, name="a"), Dense(1, name="b")], name="net")
    text = _text(model)
    assert 'Model: "net"' in text
    assert _cells(text) == [["a (Dense)", "(None, 3)", "9"], ["b (Dense)", "(None, 1)", "4"]]
    assert "Total params: 13 (52.00 B)" in text


def test_the_optimizer_counts_once_it_has_slots() -> None:
    model = Sequential([Input((2,)), Dense(1)])
    model.compile("adam", "mse")
    assert "Total params: 3 (12.00 B)" in _text(model)
    assert "Optimizer" not in _text(model)
    model.train_on_batch(np.ones((1, 2)), np.ones((1, 1)))
    assert "Optimizer params: 8 (36.00 B)" in _text(model)
    assert "Total params: 11 (48.00 B)" in _text(model)


def test_branches_say_where_they_come_from() -> None:
    rows = {cells[0]: cells[1:] for cells in _cells(_text(_branching())) if cells[0]}
    assert rows["inner (Sequential)"] == ["(None, 4)", "16", "a[0][0]"]
    assert rows["sum (Add)"] == ["(None, 4)", "0", "inner[0][0],"]
    assert rows["x (InputLayer)"] == ["(None, 2)", "0", "-"]
    assert "deep (Dense)" not in rows


def test_nested_models_are_opened() -> None:
    assert "│     deep (Dense)" in _text(_branching(), expand_nested=True)


def test_operations_are_rows_too() -> None:
    keras.utils.clear_session()  # names start anew
    x = Input((2,))
    text = _text(Model(x, tf.reduce_mean(2.0 * Dense(4)(x))), show_trainable=True)
    rows = {cells[0]: cells[1:] for cells in _cells(text)}
    assert rows["multiply (Multiply)"][0] == "(None, 4)"
    assert [cells[-1] for name, cells in rows.items() if "Dense" in name] == ["Y"]


def test_what_is_not_built_is_said() -> None:
    assert _cells(_text(Sequential([Dense(1, name="d")]))) == [["d (Dense)", "?", "0 (unbuilt)"]]


def test_subclassed_models_show_the_shapes_that_they_were_called_with() -> None:
    class Heads(Layer):
        def __init__(self) -> None:
            super().__init__(name="heads")
            self.one = Dense(10)

        def call(self, x: Any) -> Any:
            return {"one": self.one(x)}

    class Own(Model):
        def __init__(self) -> None:
            super().__init__()
            self.attention = MultiHeadAttention(2, 2, name="attention")
            self.heads = Heads()
            self.unused = Dense(1, name="unused")

        def call(self, x: Any) -> Any:
            return self.heads(self.attention(x, x))

    model = Own()
    model(np.ones((1, 2, 4)))
    rows = {cells[0].split()[0]: cells[1] for cells in _cells(_text(model))}
    assert rows == {"attention": "(1, 2, 4)", "heads": "(1, 2, 10)", "unused": "?"}


def test_totals() -> None:
    model = Sequential([Input((2,)), Dense(3), Dense(1)])
    model.layers[0].trainable = False
    assert "Non-trainable params: 9 (36.00 B)" in _text(model)
    model.compile("adam", "mse")
    model.fit(np.ones((2, 2)), np.ones((2, 1)), verbose=0)
    assert "Optimizer params: 10" in _text(model)
    model.compile(None, "mse")
    assert "Optimizer" not in _text(model)


def test_a_range_of_layers() -> None:
    model = Sequential([Input((2,)), *(Dense(2, name=f"d{i}") for i in range(5))])
    shown = _cells(_text(model, layer_range=["d1", "d3"]))
    assert [cells[0] for cells in shown] == [f"d{i} (Dense)" for i in (1, 2, 3)]
    with pytest.raises(ArgumentError, match=r"layer_range \['e', 'd3'\] matches no layers"):
        _text(model, layer_range=["e", "d3"])


def test_it_is_printed_otherwise(capsys: pytest.CaptureFixture[str]) -> None:
    Sequential([Input((2,)), Dense(1, name="only")]).summary(line_length=60)
    shown = capsys.readouterr().out
    assert "only (Dense)" in shown
    assert max(map(len, shown.splitlines())) <= 60


def test_a_model_without_an_optimizer_is_not_trained() -> None:
    model = Sequential([Input((2,)), Dense(1)])
    model.compile(None, "mse")
    assert model.evaluate(np.ones((2, 2)), np.ones((2, 1)), verbose=0) >= 0
    with pytest.raises(ArgumentError, match="compiled with optimizer=None, so it can be evaluated but not trained"):
        model.fit(np.ones((2, 2)), np.ones((2, 1)), verbose=0)
