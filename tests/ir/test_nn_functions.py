"""Public functions of convolution, pooling, losses, normalisation and optimizer updates, against plain
formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from graphc_ir import dims
from graphc_ir.builder import GraphBuilder
from graphc_ir.dtypes import float32
from graphc_ir.errors import ArgumentError
from graphc_ir.evaluate import evaluate
from graphc_ir.graph import Graph
from graphc_ir.ops import attention, conv, nn, normalization, optim, pooling, reduction
from graphc_ir.ops.base import ARRAYS, using
from graphc_ir.types import parse_type

Array = npt.NDArray[Any]
RNG = np.random.default_rng(11)


@pytest.fixture(autouse=True)
def arrays() -> Any:
    with using(ARRAYS):
        yield


def windows(x: Array, window: int, stride: int, padding: str, fill: float = 0.0) -> list[list[Array]]:
    """Windows of NHWC data by TensorFlow's definition of SAME and VALID."""
    size = x.shape[1]
    count = -(-size // stride) if padding == "SAME" else (size - window) // stride + 1
    total = max((count - 1) * stride + window - size, 0) if padding == "SAME" else 0
    low, high = total // 2, total - total // 2
    padded = np.pad(x, ((0, 0), (low, high), (low, high), (0, 0)), constant_values=fill)
    starts = [i * stride for i in range(count)]
    return [[padded[:, i : i + window, j : j + window] for j in starts] for i in starts]


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_conv_follows_the_definition(padding: str, stride: int) -> None:
    x, w = RNG.standard_normal((2, 7, 7, 3)), RNG.standard_normal((3, 3, 3, 4))
    rows = windows(x, 3, stride, padding)
    expected = np.stack([np.stack([np.einsum("nijc,ijcf->nf", p, w) for p in row], 1) for row in rows], 1)
    np.testing.assert_allclose(conv.conv(x, w, stride, padding), expected, atol=1e-12)
    first = conv.conv(x.transpose(0, 3, 1, 2), w, stride, padding, data_format="NCHW")
    np.testing.assert_allclose(first.transpose(0, 2, 3, 1), expected, atol=1e-12)


def test_conv_takes_tensorflow_spellings_and_several_batch_axes() -> None:
    x, w = RNG.standard_normal((2, 3, 6, 5, 2)), RNG.standard_normal((3, 2, 2, 4))
    y = conv.conv(x, w, [1, 2, 1, 1], [(0, 0), (1, 1), (0, 1), (0, 0)], [1, 1, 1, 1])
    assert y.shape == (2, 3, 3, 5, 4)
    np.testing.assert_allclose(y[1], conv.conv(x[1], w, (2, 1), [(1, 1), (0, 1)]), atol=1e-12)


def test_groups_are_found_from_the_shapes() -> None:
    x, w = RNG.standard_normal((1, 5, 5, 4)), RNG.standard_normal((3, 3, 2, 6))
    y = conv.conv(x, w)
    np.testing.assert_allclose(y[..., :3], conv.conv(x[..., :2], w[..., :3]), atol=1e-12)
    np.testing.assert_allclose(y[..., 3:], conv.conv(x[..., 2:], w[..., 3:]), atol=1e-12)


def test_depthwise_and_separable_conv() -> None:
    x, w = RNG.standard_normal((2, 6, 6, 3)), RNG.standard_normal((3, 3, 3, 2))
    y = conv.depthwise_conv(x, w, padding="SAME")
    one = conv.conv(x[..., 1:2], w[:, :, 1:2], padding="SAME")
    np.testing.assert_allclose(y[..., 2:4], one, atol=1e-12)
    mix = RNG.standard_normal((1, 1, 6, 5))
    np.testing.assert_allclose(conv.separable_conv(x, w, mix, padding="SAME"), y @ mix[0, 0], atol=1e-12)


@pytest.mark.parametrize(("padding", "size"), [("SAME", 8), ("VALID", 9)])
def test_conv_transpose_is_the_adjoint_of_conv(padding: str, size: int) -> None:
    g, w = RNG.standard_normal((2, 4, 4, 3)), RNG.standard_normal((3, 3, 2, 3))
    back = conv.conv_transpose(g, w, strides=2, padding=padding)
    assert back.shape == (2, size, size, 2)
    x = RNG.standard_normal(back.shape)
    assert (conv.conv(x, w, 2, padding) * g).sum() == pytest.approx((x * back).sum())
    np.testing.assert_array_equal(conv.conv_transpose(g, w, (2, size, size, 2), 2, padding), back)


def test_large_convolutions_are_computed_in_blocks() -> None:
    x, w = (
        RNG.standard_normal((2, 70, 64, 16)).astype(np.float32),
        RNG.standard_normal((5, 5, 16, 8)).astype(np.float32),
    )
    y = conv.conv(x, w, padding="SAME")
    part = conv.conv(x[1:, 30:40, 20:30], w)
    np.testing.assert_allclose(y[1:, 32:38, 22:28], part, rtol=1e-3, atol=1e-3)


def test_same_padding_of_unknown_sizes() -> None:
    graph = Graph("same")
    x, w = graph.add_input(parse_type("f32[b, h, h, 2]")), graph.add_input(parse_type("f32[3, 3, 2, 4]"))
    with using(GraphBuilder(graph)):
        y = conv.conv(x, w, padding="SAME")
        assert y.type == parse_type("f32[b, h, h, 4]")
        back = conv.conv_transpose(y, w, strides=2)
        assert back.type.shape == (dims.symbol("b"), dims.symbol("h") * 2, dims.symbol("h") * 2, 2)
        assert conv.conv(x, w, 2, "SAME").type == parse_type("f32[b, (h + 1)//2, (h + 1)//2, 4]")
        point = np.zeros((1, 1, 2, 4), np.float32)
        assert conv.conv(x, point, 3, "SAME").type == parse_type("f32[b, (h + 2)//3, (h + 2)//3, 4]")
        with pytest.raises(ArgumentError, match=r"window of 3 and stride 4 depends on the size h.*declare that size"):
            conv.conv(x, w, 4, "SAME")


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize(("window", "stride"), [(2, 2), (3, 2), (2, 1)])
def test_pooling_follows_the_definition(padding: str, window: int, stride: int) -> None:
    x = RNG.standard_normal((2, 7, 7, 3))
    rows = windows(x, window, stride, padding, fill=np.nan)
    largest = np.stack([np.stack([np.nanmax(p, (1, 2)) for p in row], 1) for row in rows], 1)
    mean = np.stack([np.stack([np.nanmean(p, (1, 2)) for p in row], 1) for row in rows], 1)
    np.testing.assert_array_equal(pooling.max_pool(x, window, stride, padding), largest)
    np.testing.assert_allclose(pooling.avg_pool(x, window, stride, padding), mean, atol=1e-12)
    np.testing.assert_array_equal(pooling.pool(x, window, "MAX", stride, padding), largest)


@pytest.mark.parametrize("stride", [1, 2])
def test_max_pool_gradient_goes_to_the_first_maximum(stride: int) -> None:
    x = np.zeros((1, 4, 4, 1))
    op = pooling.MaxPool((stride,) * 2, (0, 0), (0, 0), (1, 1), "NHWC", (2, 2))
    y = op.kernel(x)
    back = pooling.MaxPoolGrad(*op.parts()).kernel(x, y, np.ones_like(y))
    expected = np.zeros((4, 4))
    expected[: 4 - 1 : stride, : 4 - 1 : stride] = 1
    np.testing.assert_array_equal(back[0, ..., 0], expected)


def test_softmax_cross_entropy_along_another_axis() -> None:
    logits, labels = RNG.standard_normal((2, 4, 3)), RNG.random((2, 4, 3))
    expected = -(labels * np.log(np.exp(logits) / np.exp(logits).sum(1, keepdims=True))).sum(1)
    np.testing.assert_allclose(nn.softmax_cross_entropy_with_logits(labels, logits, axis=1), expected)


def test_losses_on_logits() -> None:
    logits, labels = np.array([-30.0, 0.5, 80.0]), np.array([0.0, 1.0, 1.0])
    weight = 3.0
    p = 1 / (1 + np.exp(-logits[:2]))
    plain = -(labels[:2] * np.log(p) + (1 - labels[:2]) * np.log1p(-p))
    weighted = -(weight * labels[:2] * np.log(p) + (1 - labels[:2]) * np.log1p(-p))
    received = nn.sigmoid_cross_entropy_with_logits(labels, logits)[:2]
    np.testing.assert_allclose(received, plain, rtol=1e-7, atol=1e-14)
    received = nn.weighted_cross_entropy_with_logits(labels, logits, weight)[:2]
    np.testing.assert_allclose(received, weighted, rtol=1e-7, atol=1e-14)
    assert nn.weighted_cross_entropy_with_logits(labels, logits, weight)[2] == pytest.approx(0, abs=1e-30)


def test_small_helpers() -> None:
    x = np.array([[0.0, -1.0, 2.0], [3.0, 0.0, 0.0]], np.float32)
    assert nn.l2_loss(x) == 7.0
    assert reduction.zero_fraction(x) == 0.5
    np.testing.assert_array_equal(nn.crelu(x)[0], [0, 0, 2, 0, 1, 0])
    np.testing.assert_array_equal(nn.bias_add(x[:, :, None], np.arange(3, dtype=np.float32), "NCW")[0, :, 0], [0, 0, 4])
    np.testing.assert_array_equal(nn.embedding_lookup(x, np.array([1, 0, 1])), x[[1, 0, 1]])
    dropped = nn.dropout_with(x, np.array([0.1, 0.5, 0.9], np.float32), 0.5)
    np.testing.assert_array_equal(dropped, [[0, -2, 4], [0, 0, 0]])


def test_in_top_k_counts_ties_and_refuses_what_is_not_finite() -> None:
    scores = np.array([[0.5, 0.5, 0.1], [0.1, 0.2, 0.3], [np.inf, 0, 0], [0.1, 0.2, 0.3]], np.float32)
    targets = np.array([1, 0, 0, 7])
    np.testing.assert_array_equal(nn.in_top_k(targets, scores, 1), [True, False, False, False])
    np.testing.assert_array_equal(nn.in_top_k(targets, scores, 3), [True, True, False, False])
    partly = np.array([[np.nan, 0.2, 0.1], [np.nan, 0.2, 0.1]], np.float32)
    np.testing.assert_array_equal(nn.in_top_k(np.array([0, 1]), partly, 1), [False, True])


@pytest.mark.parametrize("causal", [False, True])
def test_attention_rows_that_see_nothing_are_zero(causal: bool) -> None:
    q = RNG.standard_normal((2, 3, 4))
    mask = np.array([[False, True, True], [True, False, False], [True, True, False]])
    y = attention.attention(q, q, q, mask, causal=causal)
    assert np.array_equal(y[:, 0], np.zeros((2, 4))) is causal
    np.testing.assert_allclose(y[:, 1], q[:, 0])
    np.testing.assert_array_equal(attention.attention(q, q, q, np.zeros((3, 3), np.bool_), causal=causal), 0 * q)


def test_causal_attention_does_not_look_ahead_where_the_mask_hides_the_past() -> None:
    q = RNG.standard_normal((2, 3, 4)).astype(np.float32)
    added = np.array([-np.inf, 0, 0], np.float32)
    y = attention.attention(q, q, q, added, causal=True)
    np.testing.assert_array_equal(y[:, 0], np.zeros((2, 4)))
    np.testing.assert_allclose(y[:, 1], q[:, 1], rtol=1e-6)


def test_normalisation_functions() -> None:
    x = RNG.standard_normal((4, 3, 6))
    mean, variance = normalization.moments(x, [0, 2])
    np.testing.assert_allclose(variance, x.var((0, 2)))
    scale, offset = RNG.standard_normal(3), RNG.standard_normal(3)
    own, m, v = normalization.batch_norm_training(x, scale, offset, axis=1, epsilon=1e-3)
    given = normalization.batch_normalization(x, mean, variance, offset, scale, 1e-3, axis=1)
    np.testing.assert_allclose(own, given)
    np.testing.assert_allclose(m, mean)
    np.testing.assert_allclose(v, variance)
    groups = normalization.group_norm(x, 3, np.ones(6), np.zeros(6), epsilon=0.0).reshape(4, 3, 3, 2)
    np.testing.assert_allclose(groups.mean((1, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(groups.var((1, 3)), 1)
    np.testing.assert_allclose(np.square(normalization.l2_normalize(x, -1)).sum(-1), 1)


def adam_by_hand(alpha: float, p: Array, m: Array, v: Array, g: Array) -> tuple[Array, Array, Array]:
    m = m + (g - m) * (1 - 0.9)
    v = v + (g * g - v) * (1 - 0.999)
    return p - m * alpha / (np.sqrt(v) + 1e-7), m, v


def test_adam_updates_in_place() -> None:
    p, m, v, g = (RNG.random(40_000).astype(np.float32) for _ in range(4))
    expected = adam_by_hand(0.01, *[a.astype(np.float64) for a in (p, m, v, g)])
    optim.AdamUpdate(0.9, 0.999, 1e-7).kernel(p, m, v, g, np.float32(0.01), out=(p, m, v))
    for have, want in zip((p, m, v), expected, strict=True):
        np.testing.assert_allclose(have, want, rtol=1e-5, atol=1e-7)


def test_momentum_and_rmsprop_update_in_place() -> None:
    for op in (optim.MomentumUpdate(0.9, True), optim.RmspropUpdate(0.9, 1e-7), optim.AdagradUpdate(1e-7)):
        p, slot, g = (RNG.random((3, 50)).astype(np.float32) for _ in range(3))
        fresh = op.kernel(p, slot, g, np.float32(0.1))
        op.kernel(p, slot, g, np.float32(0.1), out=(p, slot))
        np.testing.assert_array_equal(p, fresh[0])
        np.testing.assert_array_equal(slot, fresh[1])


def test_moments_of_a_dead_gradient_stay_normal_numbers() -> None:
    p, m, v = np.ones(4, np.float32), np.ones(4, np.float32), np.ones(4, np.float32)
    zero, rate = np.zeros(4, np.float32), np.float32(1e-3)
    op = optim.AdamUpdate(0.5, 0.5, 1e-7)
    for _ in range(400):
        op.kernel(p, m, v, zero, rate, out=(p, m, v))
    assert optim.guard(float32) == 1e-17
    assert np.all(m >= np.finfo(np.float32).tiny)
    assert np.all(v >= np.finfo(np.float32).tiny)


def test_weight_decay_is_an_optional_operand() -> None:
    p, m, v, g = (RNG.random(5) for _ in range(4))
    plain, *_ = optim.adam_update(p, m, v, g, 0.01)
    decayed, *_ = optim.adam_update(p, m, v, g, 0.01, decay=0.1)
    np.testing.assert_allclose(decayed, plain - 0.1 * p)


def test_symbolic_attention_runs_at_any_length() -> None:
    graph = Graph("attention")
    q_in, k_in, v_in = [graph.add_input(parse_type("f64[b, t, 4]")) for _ in range(3)]
    with using(GraphBuilder(graph)):
        graph.set_outputs([attention.attention(q_in, k_in, v_in, causal=True)])
    q, k, v = (RNG.standard_normal((2, 5, 4)) for _ in range(3))
    (y,) = evaluate(graph, [q, k, v])
    np.testing.assert_allclose(y[:, 0], v[:, 0])
    scores = np.exp(np.einsum("bd,bsd->bs", q[:, 4], k) / 2)
    np.testing.assert_allclose(y[:, 4], np.einsum("bs,bsd->bd", scores / scores.sum(-1, keepdims=True), v))
