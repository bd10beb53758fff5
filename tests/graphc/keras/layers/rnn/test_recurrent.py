"""Recurrent layers: the whole op against the cell step by step, masks, states, configs, open sizes, export."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.keras import layers
from graphc_ir.errors import ArgumentError, ShapeError

from ..checks import check_config, check_export, check_gradients, check_open, numbers, with_random_weights

X = numbers(2, 5, 3)
PADDED = np.array([[1, 1, 1, 0, 0], [1, 0, 0, 0, 0]], bool)
GAPS = np.array([[0, 1, 0, 1, 1], [1, 0, 0, 1, 0]], bool)
KINDS = [(layers.LSTM, layers.LSTMCell), (layers.GRU, layers.GRUCell), (layers.SimpleRNN, layers.SimpleRNNCell)]
WALKS: list[dict[str, Any]] = [
    {},
    {"return_sequences": True},
    {"return_sequences": True, "go_backwards": True},
    {"return_sequences": True, "zero_output_for_mask": True},
    {"unroll": True},
]


class SumCell(layers.Layer):
    """Adds up its inputs; its two states are a running sum and a count."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.state_size = [units, 1]
        self.output_size = units

    def call(self, inputs: Any, states: Any) -> Any:
        total, count = states
        total = total + inputs
        return total, [total, count + 1.0]


@pytest.mark.parametrize(("layer", "cell"), KINDS)
@pytest.mark.parametrize("walk", WALKS)
@pytest.mark.parametrize("mask", [None, PADDED, GAPS])
def test_one_op_computes_what_its_cell_does(layer: Any, cell: Any, walk: dict[str, Any], mask: Any) -> None:
    whole = with_random_weights(layer(4, return_state=True, **walk), X)
    stepwise = layers.RNN(cell(4), return_state=True, **walk)
    stepwise(X)
    stepwise.set_weights(whole.get_weights())
    for a, b in zip(whole(X, mask=mask), stepwise(X, mask=mask), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-5)


@pytest.mark.parametrize("mask", [PADDED, GAPS])
def test_masks_that_are_only_known_when_running(mask: Any) -> None:
    layer = with_random_weights(layers.LSTM(4, return_sequences=True), X)
    specs = [tf.TensorSpec([None, None, 3]), tf.TensorSpec([None, None], "bool")]
    run = tf.function(lambda x, m: layer(x, mask=m), input_signature=specs)
    np.testing.assert_allclose(run(tf.constant(X), tf.constant(mask)).numpy(), layer(X, mask=mask).numpy(), atol=1e-6)


def test_a_masked_row_without_steps_gives_zeros_and_keeps_its_state() -> None:
    layer = layers.LSTM(4, return_state=True)
    start = [numbers(2, 4, seed=1), numbers(2, 4, seed=2)]
    output, h, c = layer(X, initial_state=start, mask=np.array([[False] * 5, [True] * 5]))
    assert output.numpy()[0].tolist() == [0.0] * 4
    assert np.array_equal(h.numpy()[0], start[0][0])
    assert np.array_equal(c.numpy()[0], start[1][0])


def test_a_cell_of_ones_own() -> None:
    x = np.ones((2, 3, 2), np.float32)
    layer = layers.RNN(SumCell(2), return_sequences=True, return_state=True)
    output, total, count = layer(x)
    assert output.numpy()[0, :, 0].tolist() == [1.0, 2.0, 3.0]
    assert total.numpy().tolist() == [[3.0, 3.0]] * 2
    assert count.numpy().tolist() == [[3.0], [3.0]]
    assert [tuple(s.shape) for s in layer(layers.Input((None, 2)))] == [(None, None, 2), (None, 2), (None, 1)]


def test_stacked_cells_return_the_states_of_each() -> None:
    layer = layers.RNN([layers.LSTMCell(4), layers.GRUCell(2)], return_state=True)
    output, first, second = layer(X)
    assert output.shape == (2, 2)
    assert [s.shape for s in first] == [(2, 4), (2, 4)]
    assert [s.shape for s in second] == [(2, 2)]
    assert layer.cell.get_config()["cells"][0]["class_name"] == "LSTMCell"


def test_stateful_layers_go_on_where_they_ended() -> None:
    whole = with_random_weights(layers.GRU(4), X)
    layer = layers.GRU(4, stateful=True)
    layer(X[:, :2])
    layer.set_weights(whole.get_weights())
    layer.reset_state()
    layer(X[:, :2])
    np.testing.assert_allclose(layer(X[:, 2:]).numpy(), whole(X).numpy(), atol=1e-6)
    layer.reset_states()
    np.testing.assert_allclose(layer(X).numpy(), whole(X).numpy(), atol=1e-6)
    with pytest.raises(ShapeError, match="built for a batch size of 2"):
        layer(X[:1])
    with pytest.raises(ArgumentError, match="batch size must be known"):
        layers.LSTM(3, stateful=True)(layers.Input((None, 3)))


def test_states_of_traced_stateful_layers_are_graph_state() -> None:
    layer = with_random_weights(layers.LSTM(4, stateful=True), X)
    layer.reset_state()
    expected = [layer(X).numpy() for _ in range(2)]
    layer.reset_state()
    run = tf.function(lambda x: layer(x), input_signature=[tf.TensorSpec([2, None, 3])])
    for want in expected:
        np.testing.assert_allclose(run(tf.constant(X)).numpy(), want, atol=1e-6)


def test_first_weights_are_keras_s() -> None:
    layer = layers.LSTM(3)
    layer(X)
    assert [w.path.split("/", 1)[1] for w in layer.weights] == [
        "lstm_cell/kernel", "lstm_cell/recurrent_kernel", "lstm_cell/bias",
    ]  # fmt: skip
    assert layer.weights[2].numpy().tolist() == [0.0] * 3 + [1.0] * 3 + [0.0] * 6
    recurrent = layer.weights[1].numpy()
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(3), atol=1e-5)
    gru = layers.GRU(3)
    gru(X)
    assert [tuple(w.shape) for w in gru.weights] == [(3, 9), (3, 9), (2, 9)]


def test_dropout_drops_the_same_inputs_at_every_step() -> None:
    layer = layers.RNN(layers.SimpleRNNCell(3, activation="linear", use_bias=False, dropout=0.5, seed=1), True)
    layer.build((1, 40, 3))
    layer.set_weights([np.eye(3, dtype="f"), np.zeros((3, 3), "f")])
    found = layer(np.ones((1, 40, 3), "f"), training=True).numpy()
    assert (found == found[:, :1]).all()
    lstm = layers.LSTM(4, dropout=0.5, recurrent_dropout=0.5, seed=1)
    assert np.array_equal(lstm(X).numpy(), lstm(X).numpy())
    assert not np.array_equal(lstm(X, training=True).numpy(), lstm(X, training=True).numpy())


@pytest.mark.parametrize("mode", ["concat", "sum", "mul", "ave", None])
def test_bidirectional_merges_the_steps_of_both_ways(mode: str | None) -> None:
    layer = layers.Bidirectional(layers.LSTM(2, return_sequences=True), merge_mode=mode)
    found = layer(X)
    ahead, back = layer.forward_layer(X).numpy(), layer.backward_layer(X).numpy()[:, ::-1]
    expected = {
        "concat": np.concatenate([ahead, back], -1),
        "sum": ahead + back,
        "mul": ahead * back,
        "ave": (ahead + back) / 2,
    }
    if mode is None:
        assert np.array_equal(found[1].numpy(), back)
    else:
        np.testing.assert_allclose(found.numpy(), expected[mode], atol=1e-6)
    assert len(layer.weights) == 6


def test_a_given_backward_layer_comes_second() -> None:
    layer = layers.Bidirectional(layers.GRU(3), backward_layer=layers.LSTM(2, go_backwards=True, name="back"))
    assert layer(X).shape == (2, 5)
    assert [tuple(w.shape) for w in layer.weights] == [(3, 9), (3, 9), (2, 9), (3, 8), (2, 8), (8,)]
    with pytest.raises(ArgumentError, match="one layer must go backwards"):
        layers.Bidirectional(layers.GRU(3), backward_layer=layers.GRU(3))
    with pytest.raises(ArgumentError, match="merge_mode='x'"):
        layers.Bidirectional(layers.GRU(3), merge_mode="x")


def test_time_distributed_applies_a_layer_to_every_step() -> None:
    layer = layers.TimeDistributed(layers.Dense(2))
    found = layer(X).numpy()
    np.testing.assert_allclose(found[:, 3], layer.layer(X[:, 3]).numpy(), atol=1e-6)
    assert layer(layers.Input((None, 3))).shape == (None, None, 2)
    with pytest.raises(ShapeError, match="`mask` passed to the `TimeDistributed` layer"):
        layer(X, mask=np.ones((2, 4), bool))
    with pytest.raises(ShapeError, match="rank 3 or more"):
        layers.TimeDistributed(layers.Dense(2))(X[:, 0])


def test_a_convolutional_lstm_of_one_pixel_is_an_lstm() -> None:
    x = numbers(2, 4, 1, 1, 3)
    conv = with_random_weights(layers.ConvLSTM2D(2, 1, return_sequences=True), x)
    plain = layers.LSTM(2, return_sequences=True)
    plain(x[:, :, 0, 0])
    kernel, recurrent, bias = conv.get_weights()
    plain.set_weights([kernel[0, 0], recurrent[0, 0], bias])
    np.testing.assert_allclose(conv(x).numpy()[:, :, 0, 0], plain(x[:, :, 0, 0]).numpy(), atol=1e-5)
    with pytest.raises(ArgumentError, match="cannot both be above 1"):
        layers.ConvLSTM1D(2, 3, strides=2, dilation_rate=2)


EXPORTED: list[tuple[Any, str]] = [
    (lambda: layers.LSTM(4, return_sequences=True), "LSTM"),
    (lambda: layers.GRU(4), "GRU"),
    (lambda: layers.GRU(4, reset_after=False, go_backwards=True), "GRU"),
    (lambda: layers.SimpleRNN(4), "RNN"),
    (lambda: layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)]), "Scan"),
    (lambda: layers.LSTM(4, activation="elu"), "Scan"),
]


@pytest.mark.parametrize(("make", "operator"), EXPORTED)
def test_exports_gradients_and_open_time(make: Any, operator: str) -> None:
    layer = with_random_weights(make(), X)
    assert check_export(layer, X, (0, 1)).count(operator) == 1
    check_open(layer, X, (0, 1))
    check_gradients(layer, X)
    check_config(make())


def test_a_bidirectional_lstm_exports_one_node_per_way() -> None:
    layer = with_random_weights(layers.Bidirectional(layers.LSTM(4, return_sequences=True)), X)
    operators = check_export(layer, X, (0, 1))
    assert operators.count("LSTM") == 2
    assert len(operators) < 30


def test_a_convolutional_lstm_exports() -> None:
    x = numbers(1, 3, 5, 5, 2)
    layer = with_random_weights(layers.ConvLSTM2D(2, 3, padding="same", return_sequences=True), x)
    assert "Scan" in check_export(layer, x)
    check_open(layer, x)


def test_impossible_arguments() -> None:
    with pytest.raises(ArgumentError, match="units must be a positive integer"):
        layers.LSTM(0)
    with pytest.raises(ArgumentError, match="state_size"):
        layers.RNN(layers.Dense(2))
    with pytest.raises(ArgumentError, match="2 states, but initial_state holds 1"):
        layers.LSTM(3)(X, initial_state=[np.zeros((2, 3), "f")])
    with pytest.raises(ArgumentError, match="known number of elements"):
        layers.LSTM(3, unroll=True)(layers.Input((None, 3)))
