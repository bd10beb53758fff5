"""The values of metrics, as Keras 3.15.1 gives them: without weights and with, eagerly and traced."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.keras import metrics
from graphc_ir.errors import ArgumentError, ShapeError

NUMBERS = [[0.5, 1.0, 2.0], [1.0, -1.0, 0.5], [0.0, 2.0, 1.0]], [[0.5, 0.8, 1.5], [0.2, -1.2, 2.0], [0.1, 1.0, 3.0]]
COUNTS = [[0.5, 1.0, 2.0], [1.0, 0.0, 0.5], [0.0, 2.0, 1.0]], [[0.5, 0.8, 1.5], [0.2, 0.2, 2.0], [0.1, 1.0, 3.0]]
BINARY = [[0, 1, 1], [1, 0, 0], [1, 1, 0]], [[0.1, 0.6, 1.0], [0.9, 0.4, 0.0], [0.2, 0.7, 0.8]]
VECTOR = [0, 1, 1, 1, 0], [0.1, 0.6, 0.3, 0.9, 0.45]
ONE_HOT = [[0, 1, 0], [0, 0, 1], [1, 0, 0]], [[0.05, 0.9, 0.05], [0.1, 0.8, 0.1], [0.6, 0.3, 0.1]]
CLASSES = [1, 2, 0], ONE_HOT[1]
IDS = [0, 1, 2, 2], [0, 2, 2, 1]
WEIGHTS = {3: [1.0, 2.0, 0.5], 4: [1.0, 2.0, 3.0, 1.0], 5: [1.0, 2.0, 0.5, 1.0, 3.0]}

CASES: list[tuple[Any, str, dict[str, Any], Any, Any]] = [
    (NUMBERS, "MeanSquaredError", {}, 0.9144444, 0.8242857),
    (NUMBERS, "RootMeanSquaredError", {}, 0.9562659, 0.9079018),
    (NUMBERS, "MeanAbsoluteError", {}, 0.7, 0.6904761),
    (NUMBERS, "MeanAbsolutePercentageError", {}, 11111188.0, 4761997.0),
    (NUMBERS, "CosineSimilarity", {}, 0.7959114, 0.7765267),
    (NUMBERS, "LogCoshError", {}, 0.3410911, 0.319428),
    (NUMBERS, "PearsonCorrelation", {}, 0.6570931, 0.710999),
    (NUMBERS, "ConcordanceCorrelation", {}, 0.5706662, 0.6239187),
    (NUMBERS, "R2Score", {}, -1.3676186, -1.4638977),
    (NUMBERS, "R2Score", {"class_aggregation": None}, [-0.3000001, 0.7685714, -4.5714269], [-1.767693, 0.876, -3.5]),
    (NUMBERS, "R2Score", {"class_aggregation": "variance_weighted_average", "num_regressors": 1},
     -0.4851129, -0.4203078),
    (COUNTS, "MeanSquaredLogarithmicError", {}, 0.1636575, 0.1829129),
    (COUNTS, "Poisson", {}, 1.0247819, 1.0843055),
    (BINARY, "Hinge", {}, 0.7666667, 0.7571428),
    (BINARY, "SquaredHinge", {}, 0.9233333, 0.8852381),
    (BINARY, "KLDivergence", {}, 0.8607649, 0.487028),
    (BINARY, "BinaryCrossentropy", {}, 0.5342137, 0.3463176),
    (BINARY, "BinaryAccuracy", {}, 0.7777777, 0.9047619),
    (BINARY, "Accuracy", {}, 0.2222222, 0.2857143),
    (BINARY, "Precision", {}, 0.8, 0.9),
    (BINARY, "Recall", {}, 0.8, 0.9),
    (BINARY, "BinaryAccuracy", {"threshold": 0.75}, 0.5555556, 0.7619048),
    (BINARY, "BinaryCrossentropy", {"label_smoothing": 0.2}, 0.9268866, 0.8703555),
    (ONE_HOT, "CategoricalHinge", {}, 0.8500001, 1.1142857),
    (ONE_HOT, "CategoricalCrossentropy", {}, 0.9729238, 1.418841),
    (ONE_HOT, "CategoricalAccuracy", {}, 0.6666667, 0.4285714),
    (ONE_HOT, "F1Score", {}, [0.9999998, 0.6666666, 0.0], [0.9999997, 0.5, 0.0]),
    (ONE_HOT, "TopKCategoricalAccuracy", {"k": 2}, 1.0, 1.0),
    (BINARY, "F1Score", {"average": "micro", "threshold": 0.5}, 0.8, 0.8999999),
    (BINARY, "F1Score", {"average": "macro", "threshold": 0.5}, 0.7777777, 0.8962963),
    (BINARY, "F1Score", {"average": "weighted", "threshold": 0.5}, 0.8, 0.9044444),
    (BINARY, "FBetaScore", {"average": "macro", "beta": 2.0}, 0.462963, 0.580808),
    (CLASSES, "SparseCategoricalCrossentropy", {}, 0.9729238, 1.418841),
    (CLASSES, "SparseCategoricalAccuracy", {}, 0.6666667, 0.4285714),
    (CLASSES, "SparseTopKCategoricalAccuracy", {"k": 2}, 1.0, 1.0),
    (VECTOR, "TruePositives", {}, 2.0, 3.0),
    (VECTOR, "TruePositives", {"thresholds": [0.2, 0.6]}, [3.0, 1.0], [3.5, 1.0]),
    (VECTOR, "FalsePositives", {}, 0.0, 0.0),
    (VECTOR, "FalsePositives", {"thresholds": [0.2, 0.6]}, [1.0, 0.0], [3.0, 0.0]),
    (VECTOR, "TrueNegatives", {}, 2.0, 4.0),
    (VECTOR, "TrueNegatives", {"thresholds": [0.2, 0.6]}, [1.0, 2.0], [1.0, 4.0]),
    (VECTOR, "FalseNegatives", {}, 1.0, 0.5),
    (VECTOR, "FalseNegatives", {"thresholds": [0.2, 0.6]}, [0.0, 2.0], [0.0, 2.5]),
    (VECTOR, "Precision", {}, 1.0, 1.0),
    (VECTOR, "Precision", {"thresholds": [0.2, 0.6]}, [0.75, 1.0], [0.5384616, 1.0]),
    (VECTOR, "Recall", {}, 0.6666667, 0.8571429),
    (VECTOR, "Recall", {"thresholds": [0.2, 0.6]}, [1.0, 0.3333333], [1.0, 0.2857143]),
    (VECTOR, "Precision", {"thresholds": [0.0, 0.25, 0.5, 0.75, 1.0]},
     [0.6, 0.75, 1.0, 1.0, 0.0], [0.4666667, 0.5384616, 1.0, 1.0, 0.0]),
    (ONE_HOT, "Precision", {"top_k": 2}, 0.3333333, 0.2142857),
    (ONE_HOT, "Recall", {"top_k": 1}, 0.6666667, 0.4285714),
    (ONE_HOT, "Precision", {"class_id": 1}, 0.5, 0.3333333),
    (BINARY, "Recall", {"class_id": 0, "top_k": 2, "thresholds": 0.3}, 0.5, 0.8),
    (VECTOR, "PrecisionAtRecall", {"recall": 0.7}, 0.75, 1.0),
    (BINARY, "PrecisionAtRecall", {"recall": 0.5, "class_id": 2, "num_thresholds": 11}, 1.0, 1.0),
    (VECTOR, "RecallAtPrecision", {"precision": 0.7}, 1.0, 0.8571429),
    (BINARY, "RecallAtPrecision", {"precision": 0.5, "class_id": 2, "num_thresholds": 11}, 1.0, 1.0),
    (VECTOR, "SensitivityAtSpecificity", {"specificity": 0.7}, 0.6666667, 0.8571429),
    (BINARY, "SensitivityAtSpecificity", {"specificity": 0.5, "class_id": 2, "num_thresholds": 11}, 1.0, 1.0),
    (VECTOR, "SpecificityAtSensitivity", {"sensitivity": 0.7}, 0.5, 1.0),
    (BINARY, "SpecificityAtSensitivity", {"sensitivity": 0.5, "class_id": 2, "num_thresholds": 11}, 1.0, 1.0),
    (VECTOR, "AUC", {"curve": "ROC", "summation_method": "interpolation"}, 0.8333334, 0.8928571),
    (VECTOR, "AUC", {"curve": "ROC", "summation_method": "majoring"}, 0.8333334, 0.8928571),
    (VECTOR, "AUC", {"curve": "ROC", "summation_method": "minoring"}, 0.8333334, 0.8928571),
    (VECTOR, "AUC", {"curve": "PR", "summation_method": "interpolation"}, 0.904106, 0.931392),
    (VECTOR, "AUC", {"curve": "PR", "summation_method": "majoring"}, 0.9166666, 0.9340659),
    (VECTOR, "AUC", {"curve": "PR", "summation_method": "minoring"}, 0.5555556, 0.6428571),
    (VECTOR, "AUC", {"curve": "PRGAIN", "summation_method": "interpolation"}, 0.53125, 0.8815104),
    (VECTOR, "AUC", {"curve": "PRGAIN", "summation_method": "majoring"}, 0.625, 0.890625),
    (VECTOR, "AUC", {"curve": "PRGAIN", "summation_method": "minoring"}, 0.4375, 0.8723958),
    (VECTOR, "AUC", {"thresholds": [0.3, 0.7]}, 0.6666667, 0.6607143),
    (VECTOR, "AUC", {"num_thresholds": 3}, 0.8333334, 0.9285715),
    (BINARY, "AUC", {}, 0.8, 0.9272727),
    (BINARY, "AUC", {"multi_label": True}, 1.0, 1.0),
    (BINARY, "AUC", {"multi_label": True, "num_labels": 3, "label_weights": [0.2, 0.3, 0.5], "curve": "PR"}, 1.0, 1.0),
    (BINARY, "AUC", {"label_weights": [0.2, 0.3, 0.5]}, 0.7955555, 0.9335576),
    (NUMBERS, "AUC", {"from_logits": True}, 0.875, 0.8),
    (IDS, "MeanIoU", {"num_classes": 3, "dtype": "float32"}, 0.4444444, 0.5),
    (IDS, "MeanIoU", {"num_classes": 5, "dtype": "float32"}, 0.4444444, 0.5),
    (IDS, "MeanIoU", {"num_classes": 3, "ignore_class": 1, "dtype": "float32"}, 0.5, 0.5833333),
    (IDS, "MeanIoU", {"num_classes": 2, "dtype": "float32"}, 0.9999998, 0.9999998),
    (IDS, "IoU", {"num_classes": 3, "target_class_ids": [0, 2], "dtype": "float32"}, 0.6666666, 0.7499999),
    (VECTOR, "BinaryIoU", {"threshold": 0.4, "dtype": "float32"}, 0.4166667, 0.3418804),
    (ONE_HOT, "OneHotIoU", {"num_classes": 3, "target_class_ids": [1], "dtype": "float32"}, 0.4999999, 0.3333333),
    (ONE_HOT, "OneHotMeanIoU", {"num_classes": 3, "dtype": "float32"}, 0.5, 0.4444444),
]  # fmt: skip


def _arrays(data: Any) -> tuple[Any, Any]:
    target, prediction = data
    kind = np.int32 if data in (CLASSES, IDS) else np.float32
    return np.array(target, kind), np.array(prediction, np.int32 if data is IDS else np.float32)


@pytest.mark.parametrize(("data", "name", "options", "plain", "weighted"), CASES)
def test_results(data: Any, name: str, options: dict[str, Any], plain: Any, weighted: Any) -> None:
    metric = getattr(metrics, name)(**options)
    metric.update_state(*data)
    np.testing.assert_allclose(metric.result(), plain, rtol=2e-5, atol=2e-7)
    metric.reset_state()
    result = metric(*_arrays(data), sample_weight=WEIGHTS[len(data[0])])
    np.testing.assert_allclose(result, weighted, rtol=2e-5, atol=2e-7)


@pytest.mark.parametrize(("data", "name", "options", "plain", "weighted"), CASES)
def test_one_trace_for_all_batch_sizes(
    data: Any, name: str, options: dict[str, Any], plain: Any, weighted: Any
) -> None:
    metric = getattr(metrics, name)(**options)
    given = [*_arrays(data), np.array(WEIGHTS[len(data[0])], np.float32)]

    @tf.function(input_signature=[tf.TensorSpec([None, *x.shape[1:]], x.dtype.name) for x in given])
    def step(target: Any, prediction: Any, weights: Any) -> Any:
        metric.update_state(target, prediction, weights)
        return metric.result()

    step(*(x[:2] for x in given))
    np.testing.assert_allclose(step(*(x[2:] for x in given)), weighted, rtol=2e-5, atol=2e-6)


def test_every_metric_has_a_case() -> None:
    classes = {n for n in metrics.__all__ if n[0].isupper() and isinstance(getattr(metrics, n), type)}
    assert classes - {name for _, name, *_ in CASES} == {"Mean", "MeanMetricWrapper", "Metric", "Sum"}


# --- means and sums --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "weights", "mean", "total"),
    [
        ([1.0, 3.0, 5.0, 7.0], None, 4.0, 16.0),
        ([1.0, 3.0, 5.0, 7.0], [1, 1, 0, 0], 2.0, 4.0),
        ([[1.0, 3.0], [5.0, 7.0]], [[1, 1], [1, 0]], 3.0, 9.0),
        ([[1.0, 3.0], [5.0, 7.0]], [1.0, 3.0], 5.0, 40.0),
        ([[1.0, 3.0], [5.0, 7.0]], 2.0, 4.0, 32.0),
        (3.0, None, 3.0, 3.0),
        (np.ones((2, 3, 4)), [[1, 2, 0], [0, 0, 1]], 1.0, 16.0),
    ],
)
def test_means_and_sums(values: Any, weights: Any, mean: float, total: float) -> None:
    assert float(metrics.Mean()(values, weights)) == pytest.approx(mean)
    assert float(metrics.Sum()(values, weights)) == pytest.approx(total)


def test_means_run_over_batches_and_start_at_0() -> None:
    metric = metrics.Mean("loss")
    assert float(metric.result()) == 0
    for batch in ([1.0, 2.0], [6.0]):
        metric.update_state(batch)
    assert float(metric.result()) == 3.0
    assert [v.path for v in metric.variables] == ["loss/total", "loss/count"]


def test_a_mask_of_the_predictions_leaves_elements_out() -> None:
    prediction = tf.constant([[[1.0], [9.0]], [[2.0], [2.0]]])
    prediction._keras_mask = tf.constant([[True, False], [True, True]])
    metric = metrics.MeanSquaredError()
    assert float(metric(np.zeros((2, 2, 1)), prediction)) == pytest.approx(3.0)
    assert float(metrics.MeanSquaredError()(np.zeros((2, 2, 1)), prediction, [1.0, 0.0])) == pytest.approx(1.0)


def test_a_function_as_a_metric() -> None:
    metric = metrics.MeanMetricWrapper(lambda y, p, scale: scale * tf.abs(y - p), name="scaled", scale=10.0)
    assert float(metric(tf.constant([1.0, 2.0]), tf.constant([2.0, 2.0]))) == 5.0
    of_loss = metrics.MeanMetricWrapper(metrics.mean_squared_error)
    assert float(of_loss([[1.0, 2.0]], [[2.0, 2.0]])) == 0.5
    assert (metric._direction, of_loss._direction) == (None, "down")


# --- classes ---------------------------------------------------------------------------------------------------------


def test_class_numbers_with_an_axis_of_one_and_per_step() -> None:
    scores = np.random.default_rng(0).random((2, 3, 4)).astype(np.float32)
    best = scores.argmax(-1)
    for labels in (best, best[..., None], best.astype(np.float32), best.astype(np.uint8)):
        hits = metrics.sparse_categorical_accuracy(labels, scores)
        np.testing.assert_array_equal(hits, np.ones((2, 3)))
    assert metrics.sparse_top_k_categorical_accuracy(best, scores, k=2).shape == (2, 3)
    column = metrics.sparse_categorical_accuracy([[1], [0]], [[0.1, 0.9], [0.2, 0.8]])
    np.testing.assert_array_equal(column, [1, 0])


def test_ids_sorted_by_score() -> None:
    ids = [[3, 1, 2], [5, 4, 0]]
    assert float(metrics.SparseTopKCategoricalAccuracy(k=2, from_sorted_ids=True)([1, 0], ids)) == 0.5
    assert float(metrics.SparseTopKCategoricalAccuracy(k=3, from_sorted_ids=True)([1, 0], ids)) == 1.0
    assert metrics.SparseTopKCategoricalAccuracy(from_sorted_ids=True).from_sorted_ids


def test_binary_accuracy_of_booleans_and_columns() -> None:
    np.testing.assert_array_equal(metrics.binary_accuracy([True, False], [0.9, 0.8]), [1, 0])
    np.testing.assert_array_equal(metrics.binary_accuracy([True, False], [True, True]), [1, 0])
    assert float(metrics.BinaryAccuracy()([1, 0], [[0.7], [0.2]])) == 1.0


def test_cosines_along_another_axis() -> None:
    assert float(metrics.CosineSimilarity(axis=0)(*NUMBERS)) == pytest.approx(0.8158831, rel=1e-5)
    assert float(metrics.PearsonCorrelation(axis=0)(NUMBERS[0], NUMBERS[0])) == pytest.approx(1.0, rel=1e-5)


# --- counts at thresholds --------------------------------------------------------------------------------------------


def test_auc_as_in_the_tf2_overview() -> None:
    metric = metrics.AUC()
    metric.update_state([0, 1, 1, 1], [0, 1, 0, 0])
    assert str(metric.result().numpy()) == "0.6666667"
    metric.update_state([1, 1, 1, 1], [0, 1, 1, 0])
    assert str(metric.result().numpy()) == "0.71428573"


def test_auc_equals_the_share_of_ordered_pairs() -> None:
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, 400)
    scores = np.clip(rng.normal(0.4 + 0.2 * labels, 0.2), 0, 1)
    pairs = scores[labels == 1][:, None] - scores[labels == 0][None]
    exact = (pairs > 0).mean() + (pairs == 0).mean() / 2
    assert float(metrics.AUC(num_thresholds=2000)(labels, scores)) == pytest.approx(exact, abs=1e-3)


def test_equally_spaced_thresholds_count_as_any_others() -> None:
    """The two ways of counting agree, also for predictions that equal a threshold."""
    rng = np.random.default_rng(4)
    labels, scores = rng.integers(0, 2, 200), rng.integers(0, 9, 200) / 8
    weights = rng.integers(0, 4, 200)
    even = [i / 8 for i in range(9)]
    shuffled = [even[i] for i in (3, 0, 8, 1, 7, 2, 6, 5, 4)]
    for name in ("TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives"):
        metric = getattr(metrics, name)
        fast = metric(even)(labels, scores, weights).numpy()
        slow = metric(shuffled)(labels, scores, weights).numpy()
        np.testing.assert_array_equal(fast[[3, 0, 8, 1, 7, 2, 6, 5, 4]], slow)


def test_counts_of_a_step_are_few_ops() -> None:
    metric = metrics.AUC()
    step = tf.function(lambda y, p: metric.update_state(y, p))
    graph = step.get_concrete_function(tf.constant([1, 0]), tf.constant([0.5, 0.2])).graph
    assert len(list(graph.nodes())) < 60


def test_true_positives_of_weights_per_element() -> None:
    metric = metrics.TruePositives()
    assert float(metric([[1, 1], [0, 1]], [[0.9, 0.2], [0.8, 0.7]], [[2.0, 3.0], [5.0, 7.0]])) == 9.0


def test_multi_label_auc_learns_the_number_of_labels_from_a_traced_batch() -> None:
    metric = metrics.AUC(multi_label=True)
    assert metric.variables == []
    step = tf.function(lambda y, p: metric.update_state(y, p))
    step(tf.constant([[1, 0], [0, 1]]), tf.constant([[0.9, 0.1], [0.2, 0.3]]))
    assert [tuple(v.shape) for v in metric.variables] == [(200, 2)] * 4
    assert float(metric.result()) == 1.0
    with pytest.raises(ShapeError, match="multi_label"):
        metrics.AUC(multi_label=True)([1, 0], [0.1, 0.2])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metrics.AUC(curve="ROCK"), "got curve='ROCK', expected one of ROC, PR, PRGAIN"),
        (lambda: metrics.AUC(summation_method="mean"), "summation_method='mean'"),
        (lambda: metrics.AUC(num_thresholds=1), "num_thresholds=1"),
        (lambda: metrics.AUC(num_labels=3), "only multi_label=True needs"),
        (lambda: metrics.Precision(thresholds=[0.5, 1.2]), r"got thresholds \[1.2\]"),
        (lambda: metrics.PrecisionAtRecall(1.5), "got recall=1.5"),
        (lambda: metrics.SensitivityAtSpecificity(0.5, num_thresholds=0), "num_thresholds=0"),
        (lambda: metrics.F1Score(average="mean"), "average='mean'"),
        (lambda: metrics.FBetaScore(beta=2), "beta=2"),
        (lambda: metrics.F1Score(threshold=1.5), "threshold=1.5"),
        (lambda: metrics.R2Score("sum"), "class_aggregation='sum'"),
        (lambda: metrics.R2Score(num_regressors=-1), "num_regressors=-1"),
        (lambda: metrics.IoU(3, [0, 3]), r"target_class_ids \[3\]"),
    ],
)
def test_wrong_arguments(make: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()


def test_wrong_shapes() -> None:
    with pytest.raises(ShapeError, match="class_id=1 needs predictions of shape"):
        metrics.Recall(class_id=1)([1, 0], [0.1, 0.2])
    with pytest.raises(ShapeError, match=r"expected \(batch, classes\)"):
        metrics.F1Score()([1, 0], [0.1, 0.2])
    with pytest.raises(ShapeError, match=r"expected \(batch, outputs\)"):
        metrics.R2Score()([1.0, 0.0], [0.1, 0.2])


# --- areas, scores ---------------------------------------------------------------------------------------------------


def test_class_numbers_out_of_range_do_not_count() -> None:
    metric = metrics.MeanIoU(num_classes=2)
    assert float(metric([0, 1, 5, -1], [0, 1, 1, 0])) == pytest.approx(1.0, abs=1e-6)
    assert float(metrics.MeanIoU(2)([7, 7], [0, 1])) == 0.0


def test_areas_count_in_int64_and_warn_of_float_weights() -> None:
    metric = metrics.MeanIoU(num_classes=2)
    assert metric.total_cm.dtype == "int64"
    with pytest.warns(UserWarning, match="make it with dtype='float32'"):
        metric.update_state([0, 1], [0, 1], [0.5, 1.0])
    np.testing.assert_array_equal(metric.total_cm.numpy(), [[0, 0], [0, 1]])


def test_images_of_classes() -> None:
    scores = np.random.default_rng(0).random((2, 3, 4, 4))
    truth = np.eye(3)[np.random.default_rng(1).integers(0, 3, (2, 4, 4))]
    last = metrics.OneHotMeanIoU(3)(truth, np.moveaxis(scores, 1, -1))
    first = metrics.OneHotMeanIoU(3, axis=1)(np.moveaxis(truth, -1, 1), scores)
    assert float(first) == float(last)
    sparse = metrics.OneHotMeanIoU(3, sparse_y_pred=True)(truth, scores.argmax(1))
    assert float(sparse) == float(last)


def test_adjusted_r2_falls_back_without_enough_samples() -> None:
    plain = float(metrics.R2Score()(*NUMBERS))
    adjusted = float(metrics.R2Score(num_regressors=2)(*NUMBERS))
    assert adjusted == pytest.approx(1 - (1 - plain) * 8 / 6, rel=1e-5)
    assert float(metrics.R2Score(num_regressors=9)(*NUMBERS)) == plain
