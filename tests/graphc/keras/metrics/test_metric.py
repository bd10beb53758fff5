"""Metric: Variables, both spellings of a reset, own subclasses, stateless methods, configuration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.keras import metrics
from graphc.keras.config import set_floatx
from graphc.keras.dtype_policies import DTypePolicy, set_dtype_policy
from graphc.keras.metrics.base import Metric
from graphc.keras.variable import autocast_to
from graphc_ir.errors import ArgumentError


class BinaryTruePositives(Metric):
    """As the TensorFlow 2.0 overview writes one."""

    def __init__(self, name: str = "binary_true_positives", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.hits = self.add_weight(name="tp", initializer="zeros")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = tf.cast(y_true, tf.bool), tf.cast(y_pred, tf.bool)
        values = tf.cast(tf.logical_and(tf.equal(y_true, True), tf.equal(y_pred, True)), self.dtype)
        if sample_weight is not None:
            values = tf.multiply(values, tf.cast(sample_weight, self.dtype))
        self.hits.assign_add(tf.reduce_sum(values))

    def result(self) -> Any:
        return self.hits

    def reset_states(self) -> None:
        self.hits.assign(0)


class SquareError(Metric):
    """As Keras 3 writes one, with an integer Variable."""

    def __init__(self, name: str = "square_error", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.sum = self.add_variable(shape=(), initializer="zeros", name="sum")
        self.total = self.add_variable((), "zeros", "int32", name="total")

    def update_state(self, y_true: Any, y_pred: Any) -> None:
        self.sum.assign(self.sum + tf.reduce_sum(tf.square(tf.cast(y_true, "float32") - tf.cast(y_pred, "float32"))))
        self.total.assign(self.total + len(y_true))

    def result(self) -> Any:
        return tf.cast(self.sum, self.dtype) / tf.cast(self.total, self.dtype)


@pytest.fixture
def settings() -> Iterator[None]:
    yield
    set_floatx("float32")
    set_dtype_policy("float32")


def test_the_metric_of_the_overview() -> None:
    metric = BinaryTruePositives()
    metric.update_state([0, 1, 1, 1], [0, 1, 0, 0])
    assert float(metric.result()) == 1
    assert float(metric([1, 1, 1, 1], [0, 1, 1, 0], sample_weight=[1.0, 2.0, 4.0, 8.0])) == 7
    assert [v.name for v in metric.variables] == ["tp"]
    assert repr(metric) == "<BinaryTruePositives name=binary_true_positives>"


@pytest.mark.parametrize("reset", ["reset_state", "reset_states"])
def test_both_spellings_of_a_reset_reach_the_one_that_is_overridden(reset: str) -> None:
    calls = []

    class Old(BinaryTruePositives):
        def reset_states(self) -> None:
            calls.append("old")
            super().reset_states()

    class New(metrics.Mean):
        def reset_state(self) -> None:
            calls.append("new")
            super().reset_state()

    for metric, result in ((Old(), 1.0), (New(), 2.0)):
        metric.update_state(*(([1], [1]) if isinstance(metric, Old) else ([2.0],)))
        assert float(metric.result()) == result
        getattr(metric, reset)()
        assert float(metric.result()) == 0
    assert calls == ["old", "new"]


def test_a_class_may_define_both_resets() -> None:
    calls = []

    class Both(metrics.Sum):
        def reset_state(self) -> None:
            calls.append("state")

        def reset_states(self) -> None:
            calls.append("states")

    Both().reset_state()
    Both().reset_states()
    assert calls == ["state", "states"]


def test_a_reset_sets_all_variables_to_0_whatever_they_started_with() -> None:
    metric: Any = SquareError()
    metric.extra = tf.Variable([1.0, 2.0])
    metric.update_state([1.0, 2.0], [0.0, 0.0])
    metric.reset_state()
    assert [v.numpy().tolist() for v in metric.variables] == [0.0, 0, [0.0, 0.0]]
    assert [v.dtype.name for v in metric.variables] == ["float32", "int32", "float32"]


def test_arguments_of_add_weight_in_both_orders() -> None:
    metric = Metric(name="m")
    assert metric.add_weight("a", (2, 3)).shape == (2, 3)
    assert metric.add_weight("b", initializer="ones").numpy() == 1
    assert metric.add_weight((4,), "ones", "int32", "c").numpy().tolist() == [1, 1, 1, 1]
    assert metric.add_variable((4,), "ones", "int32", "sum", "d").dtype == "int32"
    assert metric.add_weight(name="e", shape=3, aggregation="sum").shape == (3,)
    assert metric.add_weight().shape == ()
    assert [v.path for v in metric.variables[:5]] == ["m/a", "m/b", "m/c", "m/d", "m/e"]
    assert not any(v.trainable for v in metric.variables)
    with pytest.raises(ArgumentError, match=r"unknown arguments \['regularizer'\]"):
        metric.add_weight(name="f", regularizer="l2")


def test_the_constructor_of_the_base_comes_first() -> None:
    class Forgetful(Metric):
        def __init__(self) -> None:
            self.total = self.add_weight("total")

    with pytest.raises(ArgumentError, match=r"Forgetful makes a Variable before super\(\).__init__\(\)"):
        Forgetful()


def test_variables_are_found_in_containers_and_inner_metrics() -> None:
    metric: Any = SquareError()
    metric.more = {"a": [tf.Variable(0.0), tf.Variable(1.0)]}
    metric.inner = [SquareError(), {"x": metrics.Mean()}]
    assert len(metric.variables) == 2 + 2 + 2 + 2
    assert metric.variables[:2] == [metric.sum, metric.total]


def test_updates_inside_a_traced_function() -> None:
    metric = SquareError()

    @tf.function
    def step(y_true: Any, y_pred: Any) -> Any:
        metric.update_state(y_true, y_pred)
        return metric.result()

    assert float(step(tf.constant([1.0, 3.0]), tf.constant([0.0, 0.0]))) == 5.0
    assert float(step(tf.constant([2.0, 0.0]), tf.constant([0.0, 0.0]))) == 3.5
    assert metric.total.numpy() == 4
    tf.function(metric.reset_state)()
    assert metric.total.numpy() == 0


def test_stateless_methods_leave_the_metric_alone() -> None:
    metric = SquareError()
    values: Any = metric.variables
    for _ in range(2):
        values = metric.stateless_update_state(values, [1.0, 3.0], [0.0, 0.0])
    assert [v.numpy() for v in metric.variables] == [0, 0]
    assert [v.numpy() for v in values] == [20, 4]
    assert float(metric.stateless_result(values)) == 5.0
    assert float(metric.stateless_result([12.0, 3])) == 4.0
    metric.update_state([1.0], [0.0])
    assert [float(v) for v in metric.stateless_reset_state()] == [0, 0]
    assert metric.total.numpy() == 1
    assert float(BinaryTruePositives().stateless_result([3.0])) == 3.0
    with pytest.raises(ArgumentError, match="has 2 variables, got metric_variables of length 1"):
        metric.stateless_result([1.0])


def test_stateless_methods_inside_a_traced_function() -> None:
    metric = metrics.Mean()
    metric.update_state([10.0])
    step = tf.function(lambda state, x: metric.stateless_update_state(state, x))
    state = step([tf.constant(0.0), tf.constant(0.0)], tf.constant([1.0, 2.0]))
    state = step(state, tf.constant([6.0]))
    assert float(metric.stateless_result(state)) == 3.0
    assert float(metric.result()) == 10.0


def test_the_dtype_is_floatx_unless_given(settings: None) -> None:
    set_dtype_policy("mixed_float16")
    assert SquareError().dtype == "float32"
    assert SquareError(dtype=DTypePolicy("mixed_float16")).dtype == "float16"
    assert metrics.MeanSquaredError(dtype="float64")([1.0], [3.0]).dtype == "float64"
    set_floatx("float64")
    assert metrics.Mean()([1.0]).dtype == "float64"


def test_state_is_never_read_in_half_precision() -> None:
    metric = metrics.Sum()
    metric.update_state([70000.0])
    with autocast_to("float16"):
        assert float(metric.result()) == 70000.0


def test_the_base_must_be_completed() -> None:
    with pytest.raises(NotImplementedError, match="must define update_state"):
        Metric().update_state([1.0])
    with pytest.raises(NotImplementedError, match="must define result"):
        Metric().result()


def test_names_are_made_up() -> None:
    assert Metric().name.startswith("metric")
    assert metrics.AUC().name.startswith("auc")
    assert metrics.MeanIoU(2).name.startswith("mean_io_u")


# --- configuration ---------------------------------------------------------------------------------------------------

ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "FBetaScore": ("macro", 2.0, 0.4), "F1Score": ("micro", 0.4), "IoU": (3, [0, 2]), "MeanIoU": (3,),
    "MeanMetricWrapper": (metrics.mean_squared_error,), "OneHotIoU": (3, [1]), "OneHotMeanIoU": (3,),
    "Precision": ([0.2, 0.4], None, 2), "PrecisionAtRecall": (0.3, 7), "R2Score": (None, 2),
    "Recall": (None, 3), "RecallAtPrecision": (0.4,), "SensitivityAtSpecificity": (0.5,),
    "SpecificityAtSensitivity": (0.6,), "AUC": (20, "PR", "majoring", "mine", None, [0.3, 0.7], True, 2, [1.0, 2.0]),
}  # fmt: skip
CLASSES = [n for n in metrics.__all__ if isinstance(getattr(metrics, n), type)]


@pytest.mark.parametrize("name", CLASSES)
def test_every_metric_survives_its_config(name: str) -> None:
    metric = getattr(metrics, name)(*ARGUMENTS.get(name, ()))
    config = metrics.serialize(metric)
    assert (config["module"], config["class_name"]) == ("keras.metrics", name)
    again = metrics.deserialize(config)
    assert type(again) is type(metric)
    assert again.get_config() == metric.get_config()
    assert [v.shape for v in again.variables] == [v.shape for v in metric.variables]


def test_configs_hold_what_keras_expects() -> None:
    assert metrics.AUC(name="auc").get_config() == {
        "name": "auc", "dtype": "float32", "num_thresholds": 200, "curve": "ROC", "summation_method": "interpolation",
        "multi_label": False, "num_labels": None, "label_weights": None, "from_logits": False,
    }  # fmt: skip
    assert metrics.BinaryAccuracy(threshold=0.4).get_config() == {
        "name": "binary_accuracy", "dtype": "float32", "threshold": 0.4,
    }  # fmt: skip
    assert metrics.MeanSquaredError().get_config() == {"name": "mean_squared_error", "dtype": "float32"}
    assert metrics.PrecisionAtRecall(0.5, name="p").get_config() == {
        "name": "p", "dtype": "float32", "num_thresholds": 200, "recall": 0.5, "class_id": None,
    }  # fmt: skip


def test_own_metrics_in_configs() -> None:
    config = metrics.serialize(BinaryTruePositives(name="tp"))
    again = metrics.deserialize(config, custom_objects={"BinaryTruePositives": BinaryTruePositives})
    assert (type(again), again.name) == (BinaryTruePositives, "tp")
    with pytest.raises(ArgumentError, match="neither built in nor registered"):
        metrics.deserialize(config)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mse", metrics.MeanSquaredError),
        ("MSE", metrics.MeanSquaredError),
        ("mean_squared_error", metrics.MeanSquaredError),
        ("mae", metrics.MeanAbsoluteError),
        ("mape", metrics.MeanAbsolutePercentageError),
        ("MSLE", metrics.MeanSquaredLogarithmicError),
        ("bce", metrics.BinaryCrossentropy),
        ("categorical_accuracy", metrics.CategoricalAccuracy),
        ("SparseCategoricalAccuracy", metrics.SparseCategoricalAccuracy),
        ("sparse_top_k_categorical_accuracy", metrics.SparseTopKCategoricalAccuracy),
        ("accuracy", metrics.Accuracy),
        ("AUC", metrics.AUC),
        ("auc", metrics.AUC),
        ("kl_divergence", metrics.KLDivergence),
    ],
)
def test_names(name: str, expected: type) -> None:
    assert type(metrics.get(name)) is expected


def test_other_identifiers() -> None:
    assert metrics.get(None) is None
    assert isinstance(metrics.get(metrics.Recall), metrics.Recall)
    assert metrics.get(metrics.binary_accuracy) is metrics.binary_accuracy
    assert metrics.get({"class_name": "AUC", "config": {"curve": "PR"}}).curve == "PR"
    with pytest.raises(ArgumentError, match="did you mean"):
        metrics.get("recal")


def test_names_of_functions() -> None:
    assert metrics.mse is metrics.MSE is metrics.mean_squared_error
    assert metrics.KLD is metrics.kullback_leibler_divergence
    np.testing.assert_allclose(metrics.logcosh([[0.0]], [[1.0]]), np.log(np.cosh([1.0])), rtol=1e-6)


@pytest.mark.parametrize(
    ("metric", "direction"),
    [(metrics.AUC(), "up"), (metrics.MeanSquaredError(), "down"), (metrics.Mean(), None), (metrics.Recall(), "up")],
)
def test_directions_of_improvement(metric: Any, direction: str | None) -> None:
    assert metric._direction == direction


def test_variables_start_from_a_tensor() -> None:
    counts = metrics.Mean().add_variable(shape=(2, 2), initializer=tf.constant([[1, 2], [3, 4]]), dtype="int32")
    np.testing.assert_array_equal(counts.numpy(), [[1, 2], [3, 4]])
