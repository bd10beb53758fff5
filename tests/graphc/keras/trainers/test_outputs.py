"""Losses, metrics, targets and weights for every structure of outputs."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

import graphc as tf
from graphc.keras.trainers.compiled_loss import CompiledLoss
from graphc.keras.trainers.compiled_metrics import CompiledMetrics
from graphc.keras.trainers.outputs import Outputs
from graphc_ir.errors import ArgumentError

ONE = np.ones((4, 2), np.float32)
Y: dict[str, Any] = {"a": (0 * ONE, 0 * ONE), "b": 0 * ONE}
PRED = {"a": (1 * ONE, 2 * ONE), "b": 3 * ONE}
"""Squared errors 1, 4 and 9, absolute ones 1, 2 and 3."""


class Point(NamedTuple):
    x: Any
    y: Any


def both(y_true: Any, y_pred: Any) -> Any:
    """A loss of two outputs together."""
    return tf.abs(y_true[0] - y_pred[0]) + tf.abs(y_true[1] - y_pred[1])


def names(loss: CompiledLoss) -> list[str]:
    return [metric.name for metric in loss.metrics]


def test_a_single_loss_serves_every_output() -> None:
    loss = CompiledLoss("mse")
    assert float(loss(Y, PRED)) == 14.0
    assert names(loss) == ["output_0_loss", "output_1_loss", "output_2_loss"]


@pytest.mark.parametrize(
    ("given", "total", "tracked"),
    [
        ({"a": ["mse", "mae"], "b": "mse"}, 1 + 2 + 9, ["a/p_loss", "a/q_loss", "b_loss"]),
        ({"a": ("mse", None)}, 1, []),
        ({"b": ["mse", "mae"]}, 9 + 3, ["b_loss", "b_loss"]),
        ({"a": both}, 1 + 2, []),
        ({"a": [both, (None, "mse")]}, 3 + 4, ["a_loss", "a/q_loss"]),
    ],
)
def test_losses_follow_the_structure_of_the_outputs(given: Any, total: float, tracked: list[str]) -> None:
    loss = CompiledLoss(given, names=["p", "q", "r"])
    assert float(loss(Y, PRED)) == total
    assert names(loss) == tracked


def test_a_function_for_several_outputs_gets_them_in_their_own_containers() -> None:
    seen = []

    def together(y_true: Any, y_pred: Any) -> Any:
        seen.append((type(y_true), type(y_pred)))
        return both(y_true, y_pred)

    loss = CompiledLoss([together, Point("mse", None)], names=["x", "y"])
    assert float(loss(Point(0 * ONE, 0 * ONE), Point(1 * ONE, 2 * ONE))) == 3 + 1
    assert seen == [(Point, Point)]
    assert names(loss) == ["x_y_loss", "x_loss"]


@pytest.mark.parametrize("weights", [{"a": 2.0, "b": 10.0}, [2.0, 10.0]])
def test_loss_weights_scale_the_total_but_not_what_is_tracked(weights: Any) -> None:
    loss = CompiledLoss({"b": "mse", "a": "mse"}, weights)
    y, pred = {"a": 0 * ONE, "b": 0 * ONE}, {"a": 1 * ONE, "b": 2 * ONE}
    assert float(loss(y, pred)) == 2 * 1 + 10 * 4
    assert {m.name: float(m.result()) for m in loss.metrics} == {"a_loss": 1.0, "b_loss": 4.0}


def test_weights_in_the_structure_of_the_losses() -> None:
    loss = CompiledLoss({"b": ["mse", "mae"], "a": "mse"}, {"b": [1.0, 10.0], "a": 100.0})
    assert float(loss({"a": 0 * ONE, "b": 0 * ONE}, {"a": 1 * ONE, "b": 3 * ONE})) == 9 + 30 + 100


@pytest.mark.parametrize(
    "targets",
    [
        {"a": [0 * ONE, 0 * ONE], "b": 0 * ONE},
        ((0 * ONE, 0 * ONE), 0 * ONE),
        {"a": (0 * ONE, {"q": 0 * ONE}), "b": [0 * ONE]},
    ],
    ids=["another sequence", "in order", "containers of one"],
)
def test_targets_may_come_in_other_containers(targets: Any) -> None:
    assert float(CompiledLoss("mse", names=["p", "q", "r"])(targets, PRED)) == 14.0


@pytest.mark.parametrize(
    ("losses", "targets"),
    [(["mse", None, None], ONE), ([None, "mse", "mse"], [2 * ONE, 3 * ONE]), (["mse", None, "mse"], [ONE, 3 * ONE])],
)
def test_targets_of_the_outputs_that_have_a_loss_are_enough(losses: Any, targets: Any) -> None:
    assert float(CompiledLoss(losses)(targets, [1 * ONE, 2 * ONE, 3 * ONE])) == 0.0


@pytest.mark.parametrize("predictions", [ONE, [ONE], {"o": ONE}], ids=["alone", "list", "dict"])
@pytest.mark.parametrize("loss", ["mse", ["mse"], {"o": "mse"}, {"o": ["mse"]}], ids=str)
def test_a_single_output_takes_every_spelling(predictions: Any, loss: Any) -> None:
    compiled = CompiledLoss(loss, names=["o"])
    assert float(compiled(0 * ONE, predictions)) == 1.0
    assert compiled.metrics == []


def test_sample_weights_go_to_every_output_or_one_by_one() -> None:
    y, pred = [0 * ONE, 0 * ONE], [1 * ONE, 2 * ONE]
    half = np.array([1, 1, 0, 0], np.float32)
    assert float(CompiledLoss("mse")(y, pred, half)) == 0.5 + 2.0
    assert float(CompiledLoss("mse")(y, pred, [half, None])) == 0.5 + 4.0
    with pytest.raises(ArgumentError, match="all of them need the same sample_weight"):
        CompiledLoss((both, [None, "mse"]))(y, pred, [half, None])


@pytest.mark.parametrize(
    ("loss", "targets", "message"),
    [
        ({"a": "mse", "c": "mse"}, {"a": ONE, "b": ONE}, r"`loss`: it has the keys \['a', 'c'\].*are \['a', 'b'\]"),
        ("mse", {"a": ONE, "c": ONE}, r"`y_true`: it has the keys \['a', 'c'\]"),
        ("mse", {"a": ONE}, "a loss for 'b', which needs targets"),
        ("mse", [ONE], r"y_true has 1 entries, but the model has the 2 outputs \['a', 'b'\]"),
        ("mse", ONE, r"the outputs \['a', 'b'\], but y_true is a single value"),
    ],
)
def test_errors_name_the_outputs(loss: Any, targets: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        CompiledLoss(loss)(targets, {"a": ONE, "b": ONE})


def test_loss_weights_that_fit_nothing_are_refused() -> None:
    with pytest.raises(ArgumentError, match="loss_weights has 3 entries"):
        CompiledLoss("mse", [1, 2, 3])([ONE, ONE], [ONE, ONE])


# --- metrics -----------------------------------------------------------------------------------------------------


def results(metrics: CompiledMetrics) -> dict[str, float]:
    return {metrics.label(m): float(m.result()) for m in metrics.metrics}


def test_metrics_are_named_after_their_outputs() -> None:
    metrics = CompiledMetrics({"b": ["mse", "mae"]}, {"a": "mse", "b": "mse"})
    weight = np.array([1, 0, 0, 0], np.float32)
    metrics.update_state({"a": 0 * ONE, "b": 0 * ONE}, {"a": 1 * ONE, "b": np.diag([2, 4]).repeat(2, 0)}, weight)
    assert results(metrics) == {"a_mse": 1.0, "b_mse": 5.0, "b_mae": 1.5, "b_weighted_mse": 2.0}


def test_equal_names_are_told_apart() -> None:
    given = [tf.keras.metrics.MeanSquaredError(name="m"), tf.keras.metrics.MeanAbsoluteError(name="m")]
    metrics = CompiledMetrics(given, None)
    metrics.update_state(0 * ONE, 2 * ONE)
    assert results(metrics) == {"m": 4.0, "m_1": 2.0}


def test_metrics_of_nested_outputs() -> None:
    metrics = CompiledMetrics({"a": ("mse", None), "b": "mae"}, None, names=["p", "q", "r"])
    metrics.update_state(Y, PRED)
    assert results(metrics) == {"p_mse": 1.0, "r_mae": 3.0}


def test_wrong_metric_names_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"Invalid `metrics`: it has the keys \['c'\]"):
        CompiledMetrics({"c": "mse"}, None).update_state(Y, PRED)
    with pytest.raises(ArgumentError, match=r"Invalid `metrics`: it has the keys \['c'\]"):
        CompiledMetrics({"c": "mse"}, None, names=["o"]).update_state(ONE, ONE)


def test_labels_are_keys_names_or_numbers() -> None:
    assert Outputs({"y": ONE, "x": ONE}, ["p", "q"]).labels == ["x", "y"]
    assert Outputs([ONE, ONE], ["p", "q"]).labels == ["p", "q"]
    assert Outputs([ONE, ONE], ["p"]).labels == ["output_0", "output_1"]
