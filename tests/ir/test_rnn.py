"""Recurrent layers against Keras, against plain loops, and their gradients of two orders."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from graphc_ir.analysis import graph_cost
from graphc_ir.analysis.cost import CostModel
from graphc_ir.autodiff import transform
from graphc_ir.builder import GraphBuilder
from graphc_ir.dims import parse_dim
from graphc_ir.evaluate import evaluate
from graphc_ir.graph import Graph
from graphc_ir.ops.base import lift, using
from graphc_ir.ops.rnn import Lstm, gru, lstm, simple_rnn
from graphc_ir.parser import parse_graph
from graphc_ir.types import parse_type
from graphc_ir.verify import verify
from tests.test_op_samples import check_gradient, noise

Array = npt.NDArray[Any]

GOLDEN = Path(__file__).with_name("goldens") / "rnn.npz"
"""Results of the Keras 3.15.1 layers on TensorFlow: first states given, every direction and kind of mask."""

LAYERS: dict[str, Callable[..., Any]] = {
    "lstm": lstm,
    "gru": gru,
    "gru_before": functools.partial(gru, reset_after=False),
    "rnn": simple_rnn,
    "relu": functools.partial(simple_rnn, activation="relu"),
}
STATES = {name: 2 if name == "lstm" else 1 for name in LAYERS}
BLOCKS = {"lstm": 4, "gru": 3, "gru_before": 3, "rnn": 1, "relu": 1}


def assert_close(have: Sequence[Array], want: Sequence[Array], rtol: float = 1e-12, atol: float = 1e-14) -> None:
    for a, b in zip(have, want, strict=True):
        np.testing.assert_allclose(a, b, rtol, atol)


every_layer = pytest.mark.parametrize("name", LAYERS)


# --- Keras -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def golden() -> dict[str, Array]:
    with np.load(GOLDEN) as file:
        return dict(file)


@every_layer
@pytest.mark.parametrize("direction", ["forth", "back"])
@pytest.mark.parametrize(
    ("idle", "masks"),
    [("hold", "none"), ("hold", "right"), ("hold", "any"), ("zero", "right"), ("zero", "any")],
)
def test_layers_agree_with_keras(golden: dict[str, Array], name: str, direction: str, idle: str, masks: str) -> None:
    reverse = direction == "back"
    given = {"right": {"lengths": golden["lengths"]}, "any": {"mask": golden["mask"]}}.get(masks, {})
    states = [golden["h0"], golden["c0"]][: STATES[name]]
    weights = [golden[f"{name}/w{i}"] for i in range(3)]
    sequence, *last = LAYERS[name](golden["x"], *states, *weights, reverse=reverse, zero_output=idle == "zero", **given)
    wanted = [golden[f"{name}/{direction}/{idle}/{masks}/{i}"] for i in range(1 + STATES[name])]
    # Keras gives the sequence in the order of computation.
    assert_close([sequence[:, ::-1] if reverse else sequence, *last], wanted, rtol=1e-5, atol=1e-6)


# --- a plain loop ----------------------------------------------------------------------------------------------------


def logistic(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def lstm_step(x: Array, states: Sequence[Array], kernel: Array, recurrent: Array, bias: Array) -> list[Array]:
    h, c = states
    i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4, axis=1)
    c = logistic(f) * c + logistic(i) * np.tanh(g)
    return [logistic(o) * np.tanh(c), c]


def gru_step(x: Array, states: Sequence[Array], kernel: Array, recurrent: Array, bias: Array) -> list[Array]:
    (h,) = states
    xz, xr, xn = np.split(x @ kernel + bias[0], 3, axis=1)
    hz, hr, hn = np.split(h @ recurrent + bias[1], 3, axis=1)
    z = logistic(xz + hz)
    return [z * h + (1 - z) * np.tanh(xn + logistic(xr + hr) * hn)]


def gru_before_step(x: Array, states: Sequence[Array], kernel: Array, recurrent: Array, bias: Array) -> list[Array]:
    (h,), units = states, recurrent.shape[0]
    xz, xr, xn = np.split(x @ kernel + bias, 3, axis=1)
    hz, hr = np.split(h @ recurrent[:, : 2 * units], 2, axis=1)
    z = logistic(xz + hz)
    return [z * h + (1 - z) * np.tanh(xn + (logistic(xr + hr) * h) @ recurrent[:, 2 * units :])]


def rnn_step(x: Array, states: Sequence[Array], kernel: Array, recurrent: Array, bias: Array) -> list[Array]:
    return [np.tanh(x @ kernel + states[0] @ recurrent + bias)]


def relu_step(x: Array, states: Sequence[Array], kernel: Array, recurrent: Array, bias: Array) -> list[Array]:
    return [np.maximum(x @ kernel + states[0] @ recurrent + bias, 0)]


STEPS: dict[str, Callable[..., list[Array]]] = {
    "lstm": lstm_step,
    "gru": gru_step,
    "gru_before": gru_before_step,
    "rnn": rnn_step,
    "relu": relu_step,
}


def by_loop(name: str, operands: Sequence[Array], mask: Array, reverse: bool, zero_output: bool) -> list[Array]:
    """What the layer should give, row by row and step by step."""
    x, *states, kernel, recurrent, bias = operands
    batch, time, _ = x.shape
    sequence = np.zeros((batch, time, recurrent.shape[0]), x.dtype)
    last = [state.copy() for state in states]
    for row in range(batch):
        shown = np.zeros(recurrent.shape[0])
        for t in reversed(range(time)) if reverse else range(time):
            if mask[row, t]:
                state = [s[row : row + 1] for s in last]
                found = STEPS[name](x[row : row + 1, t], state, kernel, recurrent, bias)
                for target, value in zip(last, found, strict=True):
                    target[row] = value[0]
                shown = found[0][0]
            sequence[row, t] = 0 if zero_output and not mask[row, t] else shown
    return [sequence, *last]


def operands_of(name: str, batch: int = 4, time: int = 5, units: int = 3, dtype: Any = np.float64) -> list[Array]:
    rng = np.random.default_rng(1)
    width = BLOCKS[name] * units
    bias = (2, width) if name == "gru" else (width,)
    shapes = [(batch, time, 2), *[(batch, units)] * STATES[name], (2, width), (units, width), bias]
    return [rng.uniform(-1, 1, shape).astype(dtype) for shape in shapes]


MASK = np.array([[1, 1, 1, 1, 1], [0, 1, 0, 0, 1], [0, 0, 0, 0, 0], [1, 1, 0, 0, 0]], np.bool_)
LENGTHS = np.array([5, 2, 0, 4], np.int32)


@every_layer
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("zero_output", [False, True])
def test_masks_leave_steps_out_wherever_they_stand(name: str, reverse: bool, zero_output: bool) -> None:
    operands = operands_of(name)
    found = LAYERS[name](*operands, mask=MASK, reverse=reverse, zero_output=zero_output)
    assert_close(found, by_loop(name, operands, MASK, reverse, zero_output))


@every_layer
@pytest.mark.parametrize("reverse", [False, True])
def test_lengths_are_a_mask_of_the_steps_at_the_front(name: str, reverse: bool) -> None:
    operands = operands_of(name)
    mask = np.arange(5) < LENGTHS[:, None]
    found = LAYERS[name](*operands, lengths=LENGTHS, reverse=reverse)
    assert_close(found, by_loop(name, operands, mask, reverse, False))
    assert_close(LAYERS[name](*operands, mask=mask, reverse=reverse), found, 0, 0)


@every_layer
def test_states_and_bias_may_be_left_out(name: str) -> None:
    x, *states, kernel, recurrent, bias = operands_of(name)
    zeros = [np.zeros_like(s) for s in states]
    found = LAYERS[name](x, *[None] * len(states), kernel, recurrent)
    wanted = LAYERS[name](x, *zeros, kernel, recurrent, np.zeros_like(bias))
    assert_close(found, wanted, 0, 0)


@every_layer
def test_the_time_may_come_first(name: str) -> None:
    x, *others = operands_of(name)
    wanted = LAYERS[name](x, *others, lengths=LENGTHS)
    found = LAYERS[name](x.swapaxes(0, 1), *others, lengths=LENGTHS, time_major=True)
    assert_close([found[0].swapaxes(0, 1), *found[1:]], wanted)


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_half_precision_is_computed_in_single_precision(name: str) -> None:
    operands = operands_of(name, dtype=np.float16)
    found = LAYERS[name](*operands)
    wanted = LAYERS[name](*(a.astype(np.float32) for a in operands))
    for have, want in zip(found, wanted, strict=True):
        assert have.dtype == np.float16
        np.testing.assert_array_equal(have, want.astype(np.float16))


def test_large_inputs_do_not_overflow() -> None:
    x, h, c, kernel, recurrent, bias = operands_of("lstm", dtype=np.float32)
    with np.errstate(all="raise", under="ignore"):
        sequence, _, _ = lstm(x * 1e4, h, c, kernel, recurrent, bias)
    assert np.isfinite(sequence).all()


# --- graphs and gradients --------------------------------------------------------------------------------------------


def traced(name: str, types: Sequence[str], **options: Any) -> Graph:
    graph = Graph(name)
    inputs = [graph.add_input(parse_type(text)) for text in types]
    with using(GraphBuilder(graph)):
        given = {key: lift(v) if isinstance(v, np.ndarray) else v for key, v in options.items()}
        graph.set_outputs(LAYERS[name](*inputs, **given))
    verify(graph)
    return graph


def types_of(name: str, batch: str = "b", time: str = "t", units: int = 3) -> list[str]:
    width = BLOCKS[name] * units
    bias = f"2, {width}" if name == "gru" else str(width)
    shapes = [f"{batch}, {time}, 2", *[f"{batch}, {units}"] * STATES[name], f"2, {width}", f"{units}, {width}", bias]
    return [f"f64[{shape}]" for shape in shapes]


@every_layer
def test_one_graph_serves_all_batches_and_times(name: str) -> None:
    graph = traced(name, types_of(name))
    assert len(graph) == 1
    for batch, time in ((1, 1), (4, 5), (2, 9)):
        operands = operands_of(name, batch, time)
        everywhere = np.ones((batch, time), np.bool_)
        assert_close(evaluate(graph, operands), by_loop(name, operands, everywhere, False, False))


@every_layer
@pytest.mark.parametrize(
    "options",
    [{}, {"reverse": True}, {"mask": MASK}, {"mask": MASK, "reverse": True}, {"mask": MASK, "zero_output": True},
     {"lengths": LENGTHS, "zero_output": True}],
    ids=["plain", "reverse", "mask", "mask-reverse", "mask-zero", "lengths-zero"],
)  # fmt: skip
def test_gradients_of_two_orders(name: str, options: dict[str, Any]) -> None:
    graph, operands = traced(name, types_of(name, "4", "5"), **options), operands_of(name)
    first = check_gradient(graph, operands, seed=2)
    if name == "relu":  # its second derivative has nothing that the simple recurrence's does not have
        return
    first.set_outputs(first.outputs[len(graph.outputs) :])
    rng = np.random.default_rng(3)
    check_gradient(first, [*operands, *(noise(rng, y) for y in evaluate(graph, operands))], seed=4)


@every_layer
def test_gradients_of_open_sizes(name: str) -> None:
    open_graph, closed = traced(name, types_of(name)), traced(name, types_of(name, "4", "5"))
    operands = operands_of(name)
    cotangents = [np.ones_like(y) for y in evaluate(closed, operands)]
    found, wanted = (evaluate(transform.vjp(g), [*operands, *cotangents]) for g in (open_graph, closed))
    assert_close(found, wanted)


def test_a_backward_pass_has_no_loop_but_the_gradient_op() -> None:
    derived = transform.vjp(traced("lstm", types_of("lstm")))
    names = [node.op.name for node in derived.nodes()]
    assert names.count("lstm") == names.count("lstm_grad") == 1
    assert "scan" not in names


def test_costs_count_the_products_with_inputs_and_state() -> None:
    graph = traced("lstm", types_of("lstm"))
    gates = parse_dim("12*b*t")
    assert graph_cost(graph).flops == (2 * (2 + 3) + 6) * gates
    derived = transform.vjp(graph)
    node = next(node for node in derived.nodes() if node.op.name == "lstm_grad")
    assert CostModel().node(node).flops == (2 * 3 + 6) * gates
    simple = transform.vjp(traced("rnn", types_of("rnn", "4", "5")))
    assert CostModel().node(next(n for n in simple.nodes() if n.op.name == "rnn_grad")).flops == (2 * 3 + 6) * 3 * 20


def test_the_text_form_has_every_attribute() -> None:
    graph = traced("lstm", types_of("lstm"), reverse=True)
    read = parse_graph(str(graph)).nodes()
    flags = {"lengths": False, "reverse": True, "time_major": False, "bias": True, "state": True, "zero_output": False}
    assert next(read).op == Lstm(**flags)
