"""The values of losses, as Keras 3.15.1 gives them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.keras import losses
from graphc_ir.errors import ArgumentError, ShapeError

NUMBERS = [[0.5, 1.0, 2.0], [1.0, -1.0, 0.5]], [[0.5, 0.8, 1.5], [0.2, -1.2, 2.0]]
BINARY = [[0, 1, 1], [1, 0, 0]], [[0.1, 0.6, 1.0], [0.9, 0.4, 0.0]]
LOGITS = [[0, 1, 1], [1, 0, 0]], [[-2.0, 0.5, 30.0], [1.0, -0.3, -40.0]]
ONE_HOT = [[0, 1, 0], [0, 0, 1]], [[0.05, 0.95, 0.0], [0.1, 0.8, 0.1]]
ONE_HOT_LOGITS = [[0, 1, 0], [0, 0, 1]], [[1.0, 4.0, -2.0], [0.5, 1.0, 0.25]]

CASES: list[tuple[Any, str, dict[str, Any], Any]] = [
    (BINARY, "BinaryCrossentropy", {}, [0.2053954, 0.2053954]),
    (BINARY, "BinaryCrossentropy", {"label_smoothing": 0.2}, [0.8235644, 0.8294215]),
    (BINARY, "BinaryCrossentropy", {"axis": 0}, [0.1053605, 0.5108256, 1e-07]),
    (BINARY, "BinaryFocalCrossentropy", {}, [0.0275952, 0.0275952]),
    (BINARY, "BinaryFocalCrossentropy", {"apply_class_balancing": True, "alpha": 0.4, "gamma": 3.0},
     [0.0043801, 0.0065526]),
    (BINARY, "Hinge", {}, [0.5, 0.8333333]),
    (BINARY, "Dice", {}, 0.1666667),
    (BINARY, "Dice", {"axis": -1}, [0.1351351, 0.2173913]),
    (BINARY, "Tversky", {"alpha": 0.3, "beta": 0.8}, 0.1803279),
    (BINARY, "Tversky", {"axis": 0}, [0.1000001, 0.4, 1e-07]),
    (BINARY, "KLDivergence", {}, [0.5108242, 0.105359]),
    (BINARY, "Poisson", {}, [0.7369418, 0.4684534]),
    (LOGITS, "BinaryCrossentropy", {"from_logits": True}, [0.200335, 0.2892056]),
    (LOGITS, "BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, [1.2836677, 1.6658722]),
    (LOGITS, "BinaryFocalCrossentropy", {"from_logits": True}, [0.0231257, 0.0410171]),
    (ONE_HOT, "CategoricalCrossentropy", {}, [0.0512933, 2.3025851]),
    (ONE_HOT, "CategoricalCrossentropy", {"label_smoothing": 0.3}, [1.9524175, 2.094641]),
    (ONE_HOT, "CategoricalCrossentropy", {"axis": 0}, [0.0, 0.6109092, 1e-07]),
    (ONE_HOT, "CategoricalFocalCrossentropy", {}, [3.21e-05, 0.4662735]),
    (ONE_HOT, "CategoricalFocalCrossentropy", {"alpha": [0.1, 0.2, 0.7], "gamma": 1.0}, [0.0005129, 1.4506286]),
    (ONE_HOT, "CategoricalHinge", {}, [0.1, 1.7]),
    (ONE_HOT_LOGITS, "CategoricalCrossentropy", {"from_logits": True}, [0.0509457, 1.4818375]),
    (ONE_HOT_LOGITS, "CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.3}, [0.9509457, 1.3818375]),
    (ONE_HOT_LOGITS, "CategoricalFocalCrossentropy", {"from_logits": True}, [3.14e-05, 0.2212344]),
    (([1, 2], ONE_HOT[1]), "SparseCategoricalCrossentropy", {}, [0.0512934, 2.3025851]),
    (([[1], [2]], ONE_HOT_LOGITS[1]), "SparseCategoricalCrossentropy", {"from_logits": True}, [0.0509457, 1.4818375]),
    (([1, 2], ONE_HOT[1]), "CategoricalGeneralizedCrossEntropy", {"q": 0.3}, [0.0509006, 1.6627092]),
]  # fmt: skip


@pytest.mark.parametrize(("data", "name", "options", "expected"), CASES, ids=lambda x: x if isinstance(x, str) else "")
def test_losses_of_classes(data: Any, name: str, options: dict[str, Any], expected: Any) -> None:
    loss = getattr(losses, name)(reduction="none", **options)
    np.testing.assert_allclose(loss(*data), expected, rtol=2e-5, atol=2e-7)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (losses.mean_squared_error, [0.0966667, 0.9766667]),
        (losses.mean_absolute_error, [0.2333333, 0.8333333]),
        (losses.mean_absolute_percentage_error, [15.0, 133.3333435]),
        (losses.mean_squared_logarithmic_error, [0.0147807, 0.2471319]),
        (losses.huber, [0.0483333, 0.4466667]),
        (lambda t, p: losses.huber(t, p, delta=0.3), [0.0416667, 0.2066667]),
        (losses.log_cosh, [0.0466608, 0.3886873]),
        (losses.cosine_similarity, [-0.9974946, -0.6834862]),
        (lambda t, p: losses.cosine_similarity(t, p, axis=0), [-0.7474093, -0.9805807, -0.776114]),
        (losses.hinge, [0.3166667, 0.2666667]),
        (losses.squared_hinge, [0.2008334, 0.2133334]),
    ],
)
def test_losses_of_numbers(function: Any, expected: list[float]) -> None:
    np.testing.assert_allclose(function(*NUMBERS), expected, rtol=2e-5)


def test_circle_compares_embeddings_of_equal_and_of_different_classes() -> None:
    embeddings = [[1, 0], [0.6, 0.8], [0, 1], [0.8, -0.6]]
    each = losses.Circle(reduction="none", gamma=4.0)([0, 0, 1, 1], embeddings)
    np.testing.assert_allclose(each, [2.1220522, 2.1220522, 11.5944729, 11.5944729], rtol=1e-5)
    mean = losses.Circle(gamma=4.0, margin=0.1, remove_diagonal=False)([0, 0, 1, 1], embeddings)
    np.testing.assert_allclose(mean, 8.2194719, rtol=1e-5)
    against_others = losses.circle([0, 1], embeddings[:2], [0, 1], embeddings[2:], remove_diagonal=False)
    assert against_others.shape == (2,)


FRAMES = [
    [[0.1, 0.5, -0.2], [1.0, 0.3, 0.2], [0, 0.9, 0.4], [0.3, 0.3, 0.3]],
    [[0.1, -0.5, 0.2], [-1.0, 0.3, 0.2], [0, 0.1, 0.4], [0.3, 1.3, 0.3]],
]


def test_ctc_sums_over_all_alignments() -> None:
    np.testing.assert_allclose(losses.ctc([[1, 2], [1, 0]], FRAMES), [1.5904772, 2.2907953], rtol=1e-5)
    np.testing.assert_allclose(losses.ctc([[1, 1], [2, 2]], FRAMES), [2.2279758, 3.4528084], rtol=1e-5)


def test_ctc_equals_the_sum_over_all_paths() -> None:
    scores = np.log(np.array([[[0.5, 0.2, 0.3], [0.1, 0.6, 0.3], [0.4, 0.4, 0.2]]], np.float32))
    total = 0.0
    for path in np.ndindex(3, 3, 3):
        merged = [c for i, c in enumerate(path) if i == 0 or c != path[i - 1]]
        if [c for c in merged if c] == [1]:
            total += float(np.exp(sum(scores[0, t, c] for t, c in enumerate(path))))
    np.testing.assert_allclose(losses.ctc([[1, 0]], scores), [-np.log(total)], rtol=1e-5)


def test_ctc_without_enough_frames_is_infinite_and_has_a_gradient_elsewhere() -> None:
    logits = tf.constant(FRAMES)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        each = losses.ctc([[1, 1, 1, 1], [1, 2, 0, 0]], logits)
    assert np.isinf(each.numpy()).tolist() == [True, False]
    slope = tape.gradient(each, logits).numpy()
    assert np.isfinite(slope).all()
    np.testing.assert_allclose(slope[1].sum(-1), 0, atol=1e-6)
    assert np.abs(slope[1]).max() > 0.1


def test_ctc_of_a_label_of_the_blank_class_passes_its_frame() -> None:
    logits = (np.arange(24, dtype=np.float32).reshape(2, 4, 3) - 12) / 100
    np.testing.assert_allclose(losses.ctc([[1, 2, 1, 0], [1, 2, 0, 2]], logits), [2.442931, 2.4543595], rtol=1e-5)


def test_ctc_refuses_other_ranks() -> None:
    with pytest.raises(ShapeError, match="expected labels"):
        losses.ctc([1, 2], FRAMES)


def test_labels_of_any_integer_dtype_lists_and_float64_arrays() -> None:
    plain = losses.SparseCategoricalCrossentropy()([1, 2], ONE_HOT[1])
    for labels in (np.array([1, 2], np.uint8), np.array([1, 2]), np.array([1.0, 2.0]), tf.constant([1, 2])):
        assert losses.SparseCategoricalCrossentropy()(labels, np.array(ONE_HOT[1])) == plain
    doubles = losses.MeanSquaredError()(np.array([[0.0, 1.0]]), np.array([[1.0, 1.0]]))
    assert (doubles.dtype, float(doubles)) == ("float32", 0.5)
    assert float(losses.mean_squared_error([0, 1], [1, 1])) == 0.5


def test_targets_and_predictions_may_differ_by_an_axis_of_one() -> None:
    column, row = [[1.0], [2.0]], [1.5, 4.0]
    np.testing.assert_allclose(losses.mean_squared_error(row, column), [0.25, 4.0])
    np.testing.assert_allclose(losses.MeanSquaredError()(column, row), 2.125)
    np.testing.assert_allclose(losses.BinaryCrossentropy()([0.0, 1.0], [[0.5], [0.5]]), np.log(2), rtol=1e-6)


def test_class_numbers_of_images() -> None:
    scores = np.random.default_rng(0).random((2, 3, 4, 5)).astype(np.float32)
    classes = np.random.default_rng(1).integers(0, 5, (2, 3, 4))
    last = losses.sparse_categorical_crossentropy(classes, scores, from_logits=True)
    assert last.shape == (2, 3, 4)
    first = losses.sparse_categorical_crossentropy(classes, np.moveaxis(scores, -1, 1), from_logits=True, axis=1)
    np.testing.assert_allclose(first, last, rtol=1e-6)


def test_an_ignored_class_is_no_part_of_the_mean() -> None:
    data = [1, 2], ONE_HOT[1]
    np.testing.assert_allclose(
        losses.SparseCategoricalCrossentropy(ignore_class=2, reduction="none")(*data), [0.0512934, 0], rtol=1e-5
    )
    for reduction in ("sum", "sum_over_batch_size", "mean_with_sample_weight"):
        loss = losses.SparseCategoricalCrossentropy(ignore_class=2, reduction=reduction)
        np.testing.assert_allclose(loss(*data), 0.0512934, rtol=1e-5)
    void = losses.SparseCategoricalCrossentropy(ignore_class=-1)
    np.testing.assert_allclose(void([1, -1], ONE_HOT[1]), 0.0512934, rtol=1e-5)


def test_shapes_that_do_not_fit_are_named() -> None:
    with pytest.raises(ShapeError, match=r"y_true of shape \(2, 2\) and y_pred of shape \(2, 3\)"):
        losses.binary_crossentropy([[0, 1], [1, 0]], [[0.1, 0.2, 0.3]] * 2)
    with pytest.raises(ShapeError, match="use a sparse loss for class numbers"):
        losses.categorical_crossentropy([1, 2], ONE_HOT[1])
    with pytest.raises(ArgumentError, match="labels reach from"):
        losses.sparse_categorical_crossentropy([1, 7], ONE_HOT[1])
    with pytest.raises(ArgumentError, match="axis=True"):
        losses.categorical_crossentropy(*ONE_HOT, axis=True)
    with pytest.raises(ArgumentError, match="between 0 and 1"):
        losses.CategoricalGeneralizedCrossEntropy(q=1.5)


def test_a_single_class_is_a_likely_mistake() -> None:
    with pytest.warns(SyntaxWarning, match="use binary_crossentropy"):
        losses.categorical_crossentropy([[1.0]], [[0.3]])


@pytest.mark.parametrize("name", ["Huber", "LogCosh", "MeanSquaredError", "Poisson", "KLDivergence", "Dice"])
def test_gradients_match_finite_differences(name: str) -> None:
    target = np.array([[0.3, 0.9, 0.6]])
    start = np.array([[0.5, 0.2, 0.7]])
    loss = getattr(losses, name)(dtype="float64")
    x = tf.constant(start)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = loss(target, x)
    steps = 1e-5 * np.eye(3)[:, None, :]
    numeric = [(float(loss(target, start + s)) - float(loss(target, start - s))) / 2e-5 for s in steps]
    np.testing.assert_allclose(tape.gradient(value, x).numpy()[0], numeric, rtol=1e-5, atol=1e-9)
