"""Recurrent layers in ONNX: LSTM, GRU and RNN, one node each.

ONNX has data [time, batch, features], weights transposed with an axis for directions in front, the LSTM's gates in the
order i, o, f, c, and 0 in the sequence after a row's last step. Gradients are written as scans.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

import numpy as np

from graphc_backends.onnx.reader import ImportContext
from graphc_backends.onnx.rules import exports, imports
from graphc_backends.onnx.writer import OnnxWriter, decomposition
from graphc_ir.autodiff.recurrence import saved_gates  # the module also tells how recurrent ops are written as scans
from graphc_ir.builder import GraphBuilder
from graphc_ir.dtypes import float16, float32
from graphc_ir.graph import Graph, Node, Value
from graphc_ir.ops import rnn as ops
from graphc_ir.ops.base import ARRAYS, Operand, bind, dtype_of, lift, rank_of, shape_of, using
from graphc_ir.ops.constant import Constant
from graphc_ir.ops.elementwise import add, greater, select
from graphc_ir.ops.gather import gather
from graphc_ir.ops.movement import concat, expand_dims, reshape, slice_axis, squeeze, transpose
from graphc_ir.ops.rearrange import stack
from graphc_ir.ops.recurrence import Recurrent
from graphc_ir.types import TensorType

_TIME_FIRST: Final = [1, 0, 2]
_DTYPES: Final = (float16, float32)  # ONNX Runtime knows LSTM and GRU of doubles by name, but fails when they run
_LSTM_ORDER: Final = (0, 3, 1, 2)
"""The place in i, f, c, o of each of ONNX's gates i, o, f, c."""

Arrange = Callable[..., Operand]


# --- export ----------------------------------------------------------------------------------------------------------


@exports(ops.Lstm)
def _lstm(writer: OnnxWriter, node: Node, operands: list[str]) -> list[str]:
    return _Export(writer, node, operands).write("LSTM", _onnx_gates, _separate_bias)


@exports(ops.Gru)
def _gru(writer: OnnxWriter, node: Node, operands: list[str]) -> list[str]:
    reset_after = cast(ops.Gru, node.op).reset_after
    bias = _both_biases if reset_after else _separate_bias
    return _Export(writer, node, operands).write("GRU", _same, bias, linear_before_reset=int(reset_after) or None)


@exports(ops.Rnn)
def _rnn(writer: OnnxWriter, node: Node, operands: list[str]) -> list[str]:
    relu = cast(ops.Rnn, node.op).activation == "relu"
    return _Export(writer, node, operands).write("RNN", _same, _separate_bias, activations=["Relu"] if relu else None)


class _Export:
    """One recurrent layer on its way into a model."""

    def __init__(self, writer: OnnxWriter, node: Node, operands: list[str]) -> None:
        self.writer = writer
        self.node = node
        self.op = cast(Recurrent, node.op)
        self.operands = operands
        self.given = self.op.named(operands)
        self.types = self.op.named([operand.type for operand in node.operands])

    def write(self, operator: str, gates: Arrange, bias: Arrange, **attributes: Any) -> list[str]:
        if self.types.x.dtype not in _DTYPES:
            return self.writer.write_inline(decomposition(self.op, [v.type for v in self.node.operands]), self.operands)
        read = [bool(result.users) for result in self.node.results]
        needs_gates = bool(self.op.saved) and read.pop()
        found = self.writer.emit(
            operator, self._inputs(gates, bias), 1 + self.op.states,
            hidden_size=self.types.recurrent.shape[0],
            direction="reverse" if self.op.reverse else None,
            **attributes,
        )  # fmt: skip
        needed = [read[0] or needs_gates, read[1] or self._holds, *read[2:]]
        self.writer.drop_outputs(needed)
        sequence = self._sequence(found[0], found[1]) if needed[0] else ""
        states = [self._state(name, i) if read[1 + i] else "" for i, name in enumerate(found[1:])]
        return [sequence, *states, *[self._gates(sequence) if needs_gates else ""] * bool(self.op.saved)]

    @property
    def _holds(self) -> bool:
        """Whether idle steps show the last output."""
        reads_sequence = bool(self.node.results[0].users)
        return reads_sequence and self.op.lengths and not self.op.zero_output and not self.op.reverse

    # --- operands ----------------------------------------------------------------------------------------------------

    def _inputs(self, gates: Arrange, bias: Arrange) -> list[str]:
        given, writer = self.given, self.writer
        x = given.x if self.op.time_major else writer.emit("Transpose", [given.x], perm=_TIME_FIRST)
        weights = [
            self._rewritten(lambda w: expand_dims(transpose(gates(w)), 0), name, type)
            for name, type in ((given.kernel, self.types.kernel), (given.recurrent, self.types.recurrent))
        ]
        biases = self._rewritten(lambda b: bias(gates(b)), given.bias, self.types.bias) if given.bias else ""
        states = [writer.emit("Unsqueeze", [name, writer.constant([0], "int64")]) for name in given.state]
        inputs = [x, *weights, biases, given.lengths or "", *states]
        while not inputs[-1]:
            inputs.pop()
        return inputs

    def _rewritten(self, arrange: Arrange, name: str, type: TensorType) -> str:
        """Weights as ONNX has them: a new initializer where they are one, else computed."""
        array = self.writer.rewritten(name)
        if array is not None:
            with using(ARRAYS):
                return self.writer.constant(arrange(array), name=f"{name}.onnx")
        return self._inline(arrange, (name, type))

    def _inline(self, function: Callable[..., Operand], *operands: tuple[str, TensorType]) -> str:
        graph = Graph(self.op.name)
        inputs = [graph.add_input(type) for _, type in operands]
        with using(GraphBuilder(graph)):
            graph.set_outputs([function(*inputs)])
        return self.writer.write_inline(graph, [name for name, _ in operands])[0]

    # --- results -----------------------------------------------------------------------------------------------------

    def _sequence(self, name: str, last: str) -> str:
        writer = self.writer
        result = str(writer.emit("Squeeze", [name, writer.constant([1], "int64")]))
        if self._holds:
            result = self._held(result, last)
        return result if self.op.time_major else str(writer.emit("Transpose", [result], perm=_TIME_FIRST))

    def _held(self, sequence: str, last: str) -> str:
        """The last output instead of 0 after it."""
        _, time = self.op.sizes(self.types.x)
        state = self.node.results[1].type
        op = type(self.op)(**{**self.op.attributes(), "time_major": True})

        def held(y: Operand, h: Operand, lengths: Operand) -> Operand:
            result = select(op.valid(lengths, time), y, h)
            # What the last state of a row without any step is, ONNX does not say; a first state of 0 settles it.
            return op.shown(result, lengths) if op.state else result

        return self._inline(
            held,
            (sequence, state.with_shape((time, *state.shape))),
            (last, state.with_shape((1, *state.shape))),
            (self.given.lengths, self.types.lengths),
        )

    def _gates(self, sequence: str) -> str:
        """ONNX keeps no gates; once all states are known, they need no loop."""
        types = [value.type for value in (*self.node.operands, self.node.results[0])]
        names = [*self.operands, sequence]
        return self._inline(lambda *v: saved_gates(self.op, v[:-1], v[-1])[0], *zip(names, types, strict=True))

    def _state(self, name: str, i: int) -> str:
        writer = self.writer
        result = str(writer.emit("Squeeze", [name, writer.constant([0], "int64")]))
        if not (self.op.lengths and self.op.state):
            return result
        # ONNX Runtime gives 0 for rows without any step.
        state = self.types.state[i]
        return self._inline(
            lambda h, first, lengths: select(greater(reshape(lengths, (-1, 1)), 0), h, first),
            (result, state), (self.given.state[i], state), (self.given.lengths, self.types.lengths),
        )  # fmt: skip


def _same(weights: Operand) -> Operand:
    return weights


def _onnx_gates(weights: Operand) -> Operand:
    return _reordered(weights, _LSTM_ORDER)


def _our_gates(weights: Operand) -> Operand:
    return _reordered(weights, np.argsort(_LSTM_ORDER))


def _reordered(weights: Operand, order: Any) -> Operand:
    """Blocks along the last axis in another order."""
    axis = rank_of(weights) - 1
    size = shape_of(weights)[axis]
    assert isinstance(size, int), "the number of units is known"
    places = np.arange(size, dtype=np.int64).reshape(len(order), -1)
    return gather(weights, lift(places[list(order)].reshape(-1)), axis)


def _separate_bias(bias: Operand) -> Operand:
    """ONNX adds a second bias with the product of the state; here that one is 0."""
    zeros = lift(np.zeros(shape_of(bias), dtype_of(bias).np))
    return expand_dims(concat([bias, zeros], 0), 0)


def _both_biases(bias: Operand) -> Operand:
    return reshape(bias, (1, -1))


# --- import ----------------------------------------------------------------------------------------------------------


@imports("LSTM")
def _read_lstm(context: ImportContext) -> Any:
    if context.operand(7) is not None:
        raise context.decline("peepholes have no counterpart")
    _require(context, "input_forget", 0)
    _require_activations(context, (["Sigmoid", "Tanh", "Tanh"],))
    return _read(context, ops.Lstm, {}, _our_gates, _one_bias)


@imports("GRU")
def _read_gru(context: ImportContext) -> Any:
    _require_activations(context, (["Sigmoid", "Tanh"],))
    reset_after = bool(context.attribute("linear_before_reset", 0))
    return _read(context, ops.Gru, {"reset_after": reset_after}, _same, _two_biases if reset_after else _one_bias)


@imports("RNN")
def _read_rnn(context: ImportContext) -> Any:
    activation = _require_activations(context, (["Tanh"], ["Relu"]))[0].lower()
    return _read(context, ops.Rnn, {"activation": activation}, _same, _one_bias)


def _require(context: ImportContext, name: str, value: Any) -> None:
    found = context.attribute(name, value)
    if found != value:
        raise context.decline(f"{name}={found} has no counterpart")


def _require_activations(context: ImportContext, known: tuple[list[str], ...]) -> list[str]:
    """The activations of one direction, which must be the same for both, without clipping or parameters."""
    default = known[0] * _directions(context)
    found = [name.decode() if isinstance(name, bytes) else name for name in context.attribute("activations", default)]
    one = found[: len(known[0])]
    if one not in known or found != one * _directions(context) or context.has("clip"):
        raise context.decline(f"the activations {found} with their clipping have no counterpart")
    return one


def _directions(context: ImportContext) -> int:
    return 2 if context.attribute("direction", "forward") == "bidirectional" else 1


def _read(context: ImportContext, kind: Any, fields: dict[str, Any], gates: Arrange, bias: Arrange) -> Any:
    layout = context.attribute("layout", 0)
    x, *weights = context.operands[:3]
    biases, lengths = context.operand(3), context.operand(4)
    states = [context.operand(5 + i) for i in range(kind.states)]
    given = [state for state in states if state is not None]
    if given and len(given) < len(states):
        raise context.decline("only one of two first states is given")
    op = {"bias": biases is not None, "state": bool(given), "lengths": lengths is not None, "zero_output": True,
          "time_major": not layout, **fields}  # fmt: skip
    counts = [] if lengths is None else [lengths]
    found = []
    for d in range(_directions(context)):
        matrices = [_folded(lambda w, d=d: gates(transpose(_at(w, d, 0))), w) for w in weights]
        vector = [] if biases is None else [_folded(lambda b, d=d: bias(_at(b, d, 0), gates), biases)]
        first = [_at(state, d, layout) for state in given]
        reverse = d == 1 or context.attribute("direction", "forward") == "reverse"
        found.append(bind(kind(reverse=reverse, **op), x, *matrices, *vector, *first, *counts)[: 1 + kind.states])
    sequences, *last = zip(*found, strict=True)
    return stack(sequences, 2 if layout else 1), *(stack(each, layout) for each in last)


def _at(values: Operand, direction: int, axis: int) -> Operand:
    return squeeze(slice_axis(values, axis, direction, direction + 1), axis)


def _folded(arrange: Arrange, weights: Operand) -> Operand:
    """Weights as we have them, a constant if they are one."""
    op = weights.op if isinstance(weights, Value) else None
    if not isinstance(op, Constant):
        return arrange(weights)
    with using(ARRAYS):
        array = arrange(op.value.array)
    return lift(array)


def _one_bias(both: Operand, gates: Arrange) -> Operand:
    half = shape_of(both)[0] // 2
    return gates(add(slice_axis(both, 0, 0, half), slice_axis(both, 0, half, 2 * half)))


def _two_biases(both: Operand, gates: Arrange) -> Operand:
    return reshape(both, (2, -1))
