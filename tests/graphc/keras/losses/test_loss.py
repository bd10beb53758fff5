"""Loss: reductions, weights, masks, dtypes, configuration; losses inside traced functions."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.keras import activations, losses
from graphc.keras.config import set_floatx
from graphc.keras.dtype_policies import DTypePolicy, set_dtype_policy
from graphc.keras.losses.base import LossFunctionWrapper
from graphc.keras.registry import CustomObjectScope
from graphc_ir.errors import ArgumentError

TRUE = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
PRED = np.array([[1.5, 0.0], [2.0, 4.5]], np.float32)
EACH = (TRUE - PRED) ** 2


class Half(losses.Loss):
    """Half of the absolute error, element by element."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return tf.abs(y_true - y_pred) / 2


@pytest.fixture
def settings() -> Iterator[None]:
    yield
    set_floatx("float32")
    set_dtype_policy("float32")


def _masked(array: Any, mask: Any) -> Any:
    tensor = tf.constant(array)
    tensor._keras_mask = tf.constant(mask)
    return tensor


@pytest.mark.parametrize(
    ("reduction", "expected"),
    [
        ("sum_over_batch_size", EACH.mean()),
        ("mean", EACH.mean()),
        ("auto", EACH.mean()),
        (losses.Reduction.SUM_OVER_BATCH_SIZE, EACH.mean()),
        ("sum", EACH.sum()),
        ("mean_with_sample_weight", EACH.mean()),
        ("none", EACH),
        (losses.Reduction.NONE, EACH),
        (None, EACH),
    ],
)
def test_reductions(reduction: Any, expected: Any) -> None:
    loss = losses.MeanSquaredError(reduction=reduction)
    np.testing.assert_allclose(loss(TRUE[..., None], PRED[..., None]), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("weights", "full"),
    [
        (2.0, np.full((2, 2), 2.0)),
        ([1.0, 3.0], [[1, 1], [3, 3]]),
        ([[1.0], [3.0]], [[1, 1], [3, 3]]),
        ([[1.0, 2.0], [3.0, 0.0]], [[1, 2], [3, 0]]),
        (np.array([[[1], [2]], [[3], [0]]]), [[1, 2], [3, 0]]),
    ],
)
def test_weights_belong_to_samples_or_steps(weights: Any, full: Any) -> None:
    given = (TRUE[..., None], PRED[..., None])
    weighted = EACH * np.asarray(full)
    np.testing.assert_allclose(losses.MeanSquaredError()(*given, sample_weight=weights), weighted.mean(), rtol=1e-6)
    none = losses.MeanSquaredError(reduction="none")(*given, sample_weight=weights)
    np.testing.assert_allclose(none, weighted, rtol=1e-6)


def test_a_weighted_mean_divides_by_the_weights_only_if_asked_to() -> None:
    weights = np.array([1.0, 3.0], np.float32)
    per_sample = EACH.mean(1) * weights
    divided = losses.MeanSquaredError("mean_with_sample_weight")(TRUE, PRED, weights)
    np.testing.assert_allclose(divided, per_sample.sum() / 4, rtol=1e-6)
    assert float(losses.MeanSquaredError("mean_with_sample_weight")(TRUE, PRED, [0.0, 0.0])) == 0


def test_all_weights_zero_give_zero() -> None:
    assert float(losses.MeanAbsoluteError()(TRUE, PRED, sample_weight=0.0)) == 0


@pytest.mark.parametrize(
    ("reduction", "plain", "weighted"),
    [
        ("sum_over_batch_size", 0.5, 1.4166667),
        ("sum", 1.5, 4.25),
        ("mean_with_sample_weight", 0.5, 0.53125),
        ("none", [[0.25, 0.0], [1.0, 0.25]], [[0.25, 0.0], [3.0, 1.0]]),
    ],
)
def test_masked_elements_do_not_count(reduction: str, plain: Any, weighted: Any) -> None:
    prediction = _masked(PRED[..., None], [[True, False], [True, True]])
    loss = losses.MeanSquaredError(reduction)
    np.testing.assert_allclose(loss(TRUE[..., None], prediction), plain, rtol=1e-6)
    np.testing.assert_allclose(loss(TRUE[..., None], prediction, [[1.0, 2.0], [3.0, 4.0]]), weighted, rtol=1e-6)


def test_a_mask_with_weights_of_whole_samples() -> None:
    prediction = _masked(PRED[..., None], [[True, False], [True, True]])
    found = losses.MeanSquaredError("sum")(TRUE[..., None], prediction, [1.0, 2.0])
    np.testing.assert_allclose(found, 0.25 + 2 * 1.25, rtol=1e-6)


def test_a_mask_without_a_true_element_gives_zero() -> None:
    prediction = _masked(PRED[..., None], [[False, False], [False, False]])
    assert float(losses.MeanSquaredError()(TRUE[..., None], prediction)) == 0


def test_an_own_loss_gets_tensors_of_its_dtype() -> None:
    loss = Half(name="half")
    assert loss.name == "half"
    np.testing.assert_allclose(loss([[1, 2]], [[2, 4]]), 0.75)
    assert loss(np.array([1, 2]), np.array([2.0, 4.0])).dtype == "float32"
    assert Half().name.startswith("half")


def test_own_losses_take_structures() -> None:
    class Both(losses.Loss):
        def call(self, y_true: Any, y_pred: Any) -> Any:
            return tf.abs(y_true["a"] - y_pred["a"]) + tf.abs(y_true["b"][0] - y_pred["b"][0])

    found = Both()({"a": [1, 2], "b": [np.array([0, 0])]}, {"a": [2, 2], "b": [np.array([3.0, 0.0])]})
    assert float(found) == 2.0

    class Listed(losses.Loss):
        def call(self, y_true: Any, y_pred: Any) -> Any:
            return tf.abs(y_true[0]["x"] - y_pred[0]["x"])

    assert float(Listed()([{"x": [1, 2]}], [{"x": [2, 4]}])) == 1.5


def test_the_base_has_no_losses_of_its_own() -> None:
    with pytest.raises(NotImplementedError, match="must define call"):
        losses.Loss()(TRUE, PRED)


def test_unknown_reductions_are_refused() -> None:
    with pytest.raises(ArgumentError, match="got reduction='average', expected one of sum_over_batch_size"):
        losses.Loss(reduction="average")


def test_an_empty_batch() -> None:
    assert losses.MeanSquaredError()(np.zeros((0, 2)), np.zeros((0, 2))).shape == (0,)


def test_the_dtype_is_floatx_unless_given(settings: None) -> None:
    set_dtype_policy("mixed_float16")
    assert losses.MeanSquaredError().dtype == "float32"
    assert losses.MeanSquaredError(dtype=DTypePolicy("mixed_float16")).dtype == "float16"
    set_floatx("float64")
    assert losses.MeanSquaredError()(TRUE, PRED).dtype == "float64"
    assert losses.MeanSquaredError(dtype="bfloat16")(TRUE, PRED).dtype == "bfloat16"


def test_configs_make_equal_losses() -> None:
    loss = losses.BinaryFocalCrossentropy(True, 0.3, 1.5, True, 0.1, reduction="sum", name="mine")
    config = losses.serialize(loss)
    assert config["module"] == "keras.losses"
    assert config["class_name"] == "BinaryFocalCrossentropy"
    assert config["config"] == {
        "name": "mine", "reduction": "sum", "apply_class_balancing": True, "alpha": 0.3, "gamma": 1.5,
        "from_logits": True, "label_smoothing": 0.1, "axis": -1,
    }  # fmt: skip
    again = losses.deserialize(config)
    assert again.get_config() == loss.get_config()
    assert (again.alpha, again.from_logits) == (0.3, True)
    assert losses.get(config).name == "mine"


@pytest.mark.parametrize("name", [n for n in losses.__all__ if n[0].isupper() and hasattr(getattr(losses, n), "call")])
def test_every_loss_survives_its_config(name: str) -> None:
    loss = getattr(losses, name)()
    again = losses.deserialize(losses.serialize(loss))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()


def test_configs_as_keras_writes_them() -> None:
    function = {"module": "builtins", "class_name": "function", "config": "mean_squared_error",
                "registered_name": "function"}  # fmt: skip
    assert losses.serialize(losses.mean_squared_error) == function
    assert losses.deserialize(function) is losses.mean_squared_error
    instance = {"class_name": "CategoricalCrossentropy", "config": {"from_logits": True}}
    assert losses.get(instance).from_logits is True


def test_a_function_as_a_loss() -> None:
    def scaled(y_true: Any, y_pred: Any, factor: float = 1.0) -> Any:
        return factor * tf.abs(y_true - y_pred)

    loss = LossFunctionWrapper(scaled, "sum", name="scaled", factor=2.0)
    assert float(loss([1.0, 2.0], [[2.0], [4.0]])) == 6.0
    with CustomObjectScope({"scaled": scaled}):
        again = losses.deserialize(losses.serialize(loss))
    assert float(again([1.0, 2.0], [2.0, 4.0])) == 6.0
    assert "factor=2.0" in repr(loss)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mse", losses.mean_squared_error),
        ("MSE", losses.mean_squared_error),
        ("mae", losses.mean_absolute_error),
        ("mean_absolute_percentage_error", losses.mean_absolute_percentage_error),
        ("MSLE", losses.mean_squared_logarithmic_error),
        ("KLD", losses.kl_divergence),
        ("kullback_leibler_divergence", losses.kl_divergence),
        ("logcosh", losses.log_cosh),
        ("bce", losses.binary_crossentropy),
        ("sparse_categorical_crossentropy", losses.sparse_categorical_crossentropy),
        ("hinge", losses.hinge),
    ],
)
def test_names_of_functions(name: str, expected: Any) -> None:
    assert losses.get(name) is expected


def test_names_of_classes_classes_and_callables() -> None:
    assert isinstance(losses.get("CategoricalCrossentropy"), losses.CategoricalCrossentropy)
    assert isinstance(losses.get(losses.Huber), losses.Huber)
    assert losses.get(len) is len
    assert losses.get(None) is None
    with pytest.raises(ArgumentError, match="did you mean 'mse'"):
        losses.get("msee")
    with pytest.raises(ArgumentError, match=r"did you mean 'hinge'( or '(?!hinge')\w+')*\?"):
        losses.get("hingee")
    with pytest.raises(ArgumentError, match="expected a name"):
        losses.get(3)


# --- traced ----------------------------------------------------------------------------------------------------------


def _ops(function: Any, *args: Any) -> list[str]:
    graph = tf.function(function).get_concrete_function(*args).graph
    return [node.op.name for node in graph.nodes()]


def test_traced_losses_equal_eager_ones() -> None:
    loss = losses.CategoricalCrossentropy(label_smoothing=0.1)
    labels, scores = np.eye(3, dtype=np.float32), np.full((3, 3), 1 / 3, np.float32)
    traced = tf.function(loss)(tf.constant(labels), tf.constant(scores))
    np.testing.assert_allclose(traced, loss(labels, scores), rtol=1e-6)


def test_open_batch_sizes() -> None:
    spec = (tf.TensorSpec([None], "int32"), tf.TensorSpec([None, 3], "float32"), tf.TensorSpec([None], "float32"))
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0)
    traced = tf.function(loss, input_signature=spec)
    for size in (2, 5):
        labels, scores = np.arange(size, dtype=np.int32) % 3, np.eye(size, 3, dtype=np.float32)
        weights = np.linspace(0, 1, size, dtype=np.float32)
        np.testing.assert_allclose(traced(labels, scores, weights), loss(labels, scores, weights), rtol=1e-5)


@pytest.mark.parametrize(
    "name",
    ["BinaryFocalCrossentropy", "CategoricalCrossentropy", "CategoricalHinge", "CTC", "Circle", "CosineSimilarity",
     "Dice", "Huber", "KLDivergence", "SquaredHinge"],
)  # fmt: skip
def test_one_trace_for_all_batch_sizes(name: str) -> None:
    loss = getattr(losses, name)()
    rng = np.random.default_rng(5)
    y_true: Any = rng.integers(0, 2, (7, 3)).astype(np.float32)
    y_pred: Any = rng.random((7, 3)).astype(np.float32)
    if name == "CTC":
        y_pred = rng.random((7, 6, 3)).astype(np.float32)
    if name == "Circle":
        y_true = rng.integers(0, 2, 7).astype(np.int32)
    spec = [tf.TensorSpec([None, *x.shape[1:]], x.dtype.name) for x in (y_true, y_pred)]
    traced = tf.function(lambda y, p: loss(y, p), input_signature=spec)
    for size in (7, 4):
        found = traced(y_true[:size], y_pred[:size])
        np.testing.assert_allclose(found, loss(y_true[:size], y_pred[:size]), rtol=1e-5)


@pytest.mark.parametrize(
    ("activation", "loss", "labels", "op"),
    [
        ("softmax", losses.SparseCategoricalCrossentropy(), [1, 0], "sparse_softmax_cross_entropy"),
        ("softmax", losses.CategoricalCrossentropy(), [[0.0, 1.0], [1.0, 0.0]], "softmax_cross_entropy"),
        ("sigmoid", losses.BinaryCrossentropy(), [[0.0, 1.0], [1.0, 0.0]], "sigmoid_cross_entropy"),
    ],
)
def test_cross_entropies_see_the_logits_behind_the_last_activation(
    activation: str, loss: Any, labels: Any, op: str
) -> None:
    logits = tf.constant([[90.0, -90.0], [1.0, 2.0]])

    def step(x: Any) -> Any:
        return loss(tf.constant(labels), activations.get(activation)(x))

    names = _ops(step, logits)
    assert op in names
    assert "log" not in names
    # From clipped probabilities the first element could give no more than about 16.
    assert float(tf.function(step)(logits)) > 40


def test_logits_expected_but_probabilities_given() -> None:
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    with pytest.warns(UserWarning, match="got the result of softmax"):
        tf.function(lambda x: loss([0], activations.softmax(x)))(tf.constant([[1.0, 2.0]]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tf.function(lambda x: loss([0], activations.softmax(x, axis=0)))(tf.constant([[1.0, 2.0]]))


def test_a_sparse_loss_of_logits_is_one_op_and_a_mean() -> None:
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    names = _ops(lambda y, x: loss(y, x), tf.constant([1, 0], "uint8"), tf.constant([[1.0, 2.0], [0.0, 1.0]]))
    assert names == ["sparse_softmax_cross_entropy", "reduce_mean"]
