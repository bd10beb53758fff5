"""Attention layers: values, masks, scores, configs, open sizes, export."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.keras import layers
from graphc_ir.errors import ArgumentError, ShapeError

from ..checks import check_export, check_open, numbers, with_random_weights

QUERY, VALUE = numbers(2, 3, 4), numbers(2, 5, 4, seed=1)


def test_attention_weighs_values_by_softmax() -> None:
    query, value = np.array([[[1.0, 0.0]]], "f"), np.array([[[1.0, 0.0], [0.0, 1.0]]], "f")
    result, weights = layers.Attention()([query, value], return_attention_scores=True)
    share = np.e / (np.e + 1)
    np.testing.assert_allclose(weights.numpy(), [[[share, 1 - share]]], rtol=1e-6)
    np.testing.assert_allclose(result.numpy(), [[[share, 1 - share]]], rtol=1e-6)
    np.testing.assert_allclose(layers.Attention()([query, value]).numpy(), result.numpy(), rtol=1e-6)


def test_attention_hides_masked_values_and_queries() -> None:
    masks = [np.array([[True, True, False]] * 2), np.array([[True, False, False, True, False]] * 2)]
    result, weights = layers.Attention()([QUERY, VALUE], mask=masks, return_attention_scores=True)
    assert (weights.numpy()[..., [1, 2, 4]] == 0).all()
    assert (result.numpy()[:, 2] == 0).all()
    np.testing.assert_allclose(layers.Attention()([QUERY, VALUE], mask=masks).numpy(), result.numpy(), atol=1e-6)


def test_causal_attention_looks_back_only() -> None:
    _, weights = layers.Attention()([QUERY, QUERY], use_causal_mask=True, return_attention_scores=True)
    assert (np.triu(weights.numpy(), 1) == 0).all()


def test_additive_scores() -> None:
    layer = layers.AdditiveAttention(use_scale=False)
    _, weights = layer([QUERY, VALUE], return_attention_scores=True)
    scores = np.tanh(QUERY[:, :, None] + VALUE[:, None]).sum(-1)
    expected = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    np.testing.assert_allclose(weights.numpy(), expected, rtol=1e-5)


def test_attention_takes_lists() -> None:
    with pytest.raises(ArgumentError, match="must be called on a list"):
        layers.Attention()(QUERY)
    with pytest.raises(ArgumentError, match="layer mask must be a list"):
        layers.Attention()([QUERY, VALUE], mask=np.ones((2, 3), bool))
    with pytest.raises(ArgumentError, match="score_mode='x'"):
        layers.Attention(score_mode="x")


def heads(layer: Any, query: Any, value: Any) -> Any:
    """Multi-head attention written out in NumPy."""
    wq, bq, wk, bk, wv, bv, wo, bo = layer.get_weights()
    projected = ((query, wq, bq), (value, wk, bk), (value, wv, bv))
    q, k, v = (np.einsum("btc,cnd->bntd", x, w) + b[:, None] for x, w, b in projected)
    scores = np.einsum("bntd,bnsd->bnts", q, k) / np.sqrt(q.shape[-1])
    weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    return np.einsum("bnts,bnsd,ndc->btc", weights, v, wo) + bo, weights


def test_multi_head_attention_computes_the_formula() -> None:
    layer = layers.MultiHeadAttention(2, 3)
    layer(QUERY, VALUE)
    layer.set_weights([numbers(*w.shape, seed=i) for i, w in enumerate(layer.weights)])
    expected, weights = heads(layer, QUERY, VALUE)
    np.testing.assert_allclose(layer(QUERY, VALUE).numpy(), expected, atol=1e-4)
    result, scores = layer(QUERY, VALUE, return_attention_scores=True)
    np.testing.assert_allclose(result.numpy(), expected, atol=1e-4)
    np.testing.assert_allclose(scores.numpy(), weights, atol=1e-5)
    names = [w.path.split("/", 1)[1] for w in layer.weights[::2]]
    assert names == ["query/kernel", "key/kernel", "value/kernel", "attention_output/kernel"]


def test_one_group_per_head_is_multi_head_attention() -> None:
    many, grouped = layers.MultiHeadAttention(4, 3), layers.GroupQueryAttention(3, 4, 4)
    many(QUERY, VALUE)
    grouped(QUERY, VALUE)
    grouped.set_weights(many.get_weights())
    np.testing.assert_allclose(grouped(QUERY, VALUE).numpy(), many(QUERY, VALUE).numpy(), atol=1e-5)
    with pytest.raises(ArgumentError, match="must be a multiple of"):
        layers.GroupQueryAttention(3, 4, 3)


@pytest.mark.parametrize("make", [lambda **k: layers.MultiHeadAttention(2, 3, **k),
                                  lambda **k: layers.GroupQueryAttention(3, 4, 2, **k)])  # fmt: skip
def test_windows_causality_and_masks_hide_pairs(make: Any) -> None:
    x = numbers(1, 6, 4)
    _, scores = make(sliding_window=2)(x, x, use_causal_mask=True, return_attention_scores=True)
    seen = np.tri(6, dtype=bool) & ~np.tri(6, k=-2, dtype=bool)
    assert ((scores.numpy() > 0) == seen).all()
    layer = make()
    masked = layer(x, x, attention_mask=np.tri(6, dtype=bool))
    np.testing.assert_allclose(masked.numpy(), layer(x, x, use_causal_mask=True).numpy(), atol=1e-6)


def test_masks_come_along_with_the_tensors() -> None:
    embedded = layers.Embedding(5, 4, mask_zero=True)(np.array([[1, 2, 0]]))
    layer = layers.MultiHeadAttention(2, 3)
    result = layer(embedded, embedded)
    assert result._keras_mask.numpy().tolist() == [[True, True, False]]
    _, scores = layer(embedded, embedded, return_attention_scores=True)
    assert (scores.numpy()[..., 2] == 0).all()


def test_attention_over_several_axes() -> None:
    x = numbers(2, 3, 4, 5)
    result, scores = layers.MultiHeadAttention(2, 3)(x, x, return_attention_scores=True)
    assert result.shape == (2, 3, 4, 5)
    assert scores.shape == (2, 2, 3, 4, 3, 4)
    _, rows = layers.MultiHeadAttention(2, 3, attention_axes=2)(x, x, return_attention_scores=True)
    assert rows.shape == (2, 3, 2, 4, 4)


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(ShapeError, match="same sizes except for"):
        layers.MultiHeadAttention(2, 3)(QUERY, VALUE, numbers(2, 4, 4))
    with pytest.raises(ArgumentError, match="`num_heads` must be a positive integer"):
        layers.MultiHeadAttention(0, 3)
    with pytest.raises(ArgumentError, match="output_shape"):
        layers.MultiHeadAttention(2, 3, output_shape=8.0)  # type: ignore[arg-type]


class SelfAttention(layers.Layer):
    """An attention layer on one sequence."""

    def __init__(self, attention: Any) -> None:
        super().__init__()
        self.attention = attention

    def call(self, x: Any) -> Any:
        return self.attention(x, x, use_causal_mask=True)


@pytest.mark.parametrize("make", [lambda: layers.MultiHeadAttention(2, 3, value_dim=5, use_gate=True),
                                  lambda: layers.GroupQueryAttention(3, 4, 2)])  # fmt: skip
def test_configs_open_sizes_gradients_and_exports(make: Any) -> None:
    attention = make()
    copy = type(attention).from_config(attention.get_config())
    assert copy.get_config() == attention.get_config()
    layer = with_random_weights(SelfAttention(attention), QUERY)
    check_open(layer, QUERY, (0, 1))
    assert len(check_export(layer, QUERY, (0, 1))) <= 58
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(QUERY) ** 2)
    assert all(g is not None for g in tape.gradient(total, layer.trainable_weights))
