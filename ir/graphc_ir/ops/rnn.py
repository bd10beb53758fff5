"""Recurrent layers as one op each: LSTM, GRU and the simple recurrence, with their gradients.

Layout and meaning are Keras's: data [batch, time, features], gates in blocks of ``units`` along the last axis of the
weights (LSTM: i, f, c, o; GRU: z, r, h). A gradient op goes back through time only as far as steps depend on each
other; the products of all steps with the weights are ordinary matrix products around it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final, NamedTuple, TypedDict, Unpack

import numpy as np

from graphc_ir.dims import Shape
from graphc_ir.dtypes import bool_, int32, int64
from graphc_ir.errors import ArgumentError, DTypeError
from graphc_ir.ops import rnn_kernels as kernels
from graphc_ir.ops.activation import sigmoid
from graphc_ir.ops.base import Array, Operand, bind, dtype_of, lift, rank_of, shape_of, type_of
from graphc_ir.ops.cumulative import cumsum
from graphc_ir.ops.elementwise import add, cast, check_kind, greater, maximum, mul, select, sub, tanh
from graphc_ir.ops.gather import gather
from graphc_ir.ops.movement import concat, expand_dims, reshape, slice_axis, split, transpose
from graphc_ir.ops.rearrange import stack
from graphc_ir.ops.recurrence import (
    GradInputs,
    Inputs,
    OverTime,
    Recurrent,
    RecurrentGrad,
    States,
    columns,
    gate_inputs,
    narrowed,
    over_steps,
    projected,
    through,
    widened,
)
from graphc_ir.ops.reduction import reduce_sum
from graphc_ir.ops.regions import VJP_RULES
from graphc_ir.ops.sorting import argsort
from graphc_ir.types import TensorType

# --- LSTM ------------------------------------------------------------------------------------------------------------


class Lstm(Recurrent):
    """c = f * c + i * g and h = o * tanh(c): logistic i, f, o and the tanh g of x kernel + h recurrent + bias, in the
    order i, f, g, o. Results: the sequence of h, the last h, the last c, the gates."""

    blocks: ClassVar[int] = 4
    states: ClassVar[int] = 2
    saved: ClassVar[int] = 4

    def run(self, given: Inputs, states: States, sequence: Array, steps: kernels.Steps) -> tuple[States, States]:
        scale, _ = kernels.gate_vectors(kernels.LSTM_GATES, sequence.shape[2], sequence.dtype)
        bias = None if given.bias is None else given.bias * scale
        gates = kernels.project(given.x, given.kernel * scale, bias)
        h, c = states
        return kernels.lstm(self.timed(gates), given.recurrent * scale, h, c, sequence, steps), (gates,)

    def activated(self, given: Inputs, previous: Operand) -> Operand:
        return lstm_gates(gate_inputs(given, previous))

    def vjp(self, g: Sequence[Operand], y: Sequence[Operand], *operands: Operand) -> Any:
        given = self.named(operands)
        previous = self.previous(y[0], given)
        cotangents, lengths = self.arguments(given, g)
        op = LstmGrad(**self.fields("bias", "state"))
        known = (*operands[: 3 + self.bias], previous, y[3])
        of_gates, of_h, of_c = bind(op, *known, *cotangents, *given.state[1:], *lengths)
        weights = (
            lambda: over_steps(given.x, of_gates),
            lambda: over_steps(previous, of_gates),
            lambda: reduce_sum(of_gates, (0, 1)),
        )
        return self.arrange(given, lambda: through(of_gates, transpose(given.kernel)), weights, (of_h, of_c))


def lstm_gates(inputs: Operand) -> Operand:
    """The gates from what they get."""
    i, f, g, o = split(inputs, 4, 2)
    return concat([sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)], 2)


class LstmGrad(RecurrentGrad):
    """The gradient of :class:`Lstm`: results are the cotangents of the gates before activation, of the first h and of
    the first c."""

    state: bool
    states: ClassVar[int] = 2
    num_results: ClassVar[int] = 3

    @property
    def cells(self) -> int:
        return int(self.state)

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        self.check(types, 4)
        given = self.named(types)
        return given.gates, given.cotangents[1], given.cotangents[2]

    def kernel(self, *arrays: Any) -> Any:
        given = self.named([widened(array) for array in arrays])
        g, of_h, of_c = given.cotangents
        first = given.cell[0] if given.cell else np.zeros_like(of_c)
        steps = self.steps_of(given.gates, given.lengths)
        found, *states = kernels.lstm_grad(
            self.timed(given.gates), given.recurrent, self.timed(g), of_h, of_c, first, steps
        )
        return narrowed((self.timed(found), *states), arrays[0].dtype)

    def activated(self, given: GradInputs) -> Operand:
        return lstm_gates(gate_inputs(given, given.previous))


# --- GRU -------------------------------------------------------------------------------------------------------------


class Gru(Recurrent):
    """h = z * h + (1 - z) * n with the logistic gates z, r and the candidate n = tanh(x kernel + r * (h recurrent)).

    ``reset_after`` is Keras's default; without it, the candidate takes (r * h) recurrent. The bias is added to what
    comes from x, and with ``reset_after`` there is a second one for what comes from h: shape (2, 3 units). Results: the
    sequence, the last h, and z, r, n (with ``reset_after`` also what r multiplies).
    """

    reset_after: bool
    blocks: ClassVar[int] = 3

    @property
    def saved(self) -> int:
        return 3 + self.reset_after

    def bias_shape(self, units: int) -> Shape:
        return (2, 3 * units) if self.reset_after else (3 * units,)

    def run(self, given: Inputs, states: States, sequence: Array, steps: kernels.Steps) -> tuple[States, States]:
        units = sequence.shape[2]
        scale, _ = kernels.gate_vectors(kernels.GRU_GATES, units, sequence.dtype)
        bias = None if given.bias is None else given.bias * scale
        of_x, of_h = tuple(bias) if self.reset_after and bias is not None else (bias, None)
        gates = kernels.project(given.x, given.kernel * scale, of_x, units if self.reset_after else 0)
        inputs, recurrent = self.timed(gates), given.recurrent * scale
        if self.reset_after:
            return (kernels.gru(inputs, recurrent, of_h, states[0], sequence, steps),), (gates,)
        return (kernels.gru_reset_before(inputs, recurrent, states[0], sequence, steps),), (gates,)

    def activated(self, given: Inputs, previous: Operand) -> Operand:
        return gru_gates(given, previous, self.reset_after)

    def vjp(self, g: Sequence[Operand], y: Sequence[Operand], *operands: Operand) -> Any:
        given = self.named(operands)
        previous = self.previous(y[0], given)
        cotangents, lengths = self.arguments(given, g)
        op = GruGrad(**self.fields("bias", "reset_after"))
        known = (*operands[: 3 + self.bias], previous, y[2])
        of_x, extra, of_h = bind(op, *known, *cotangents, *lengths)
        weights = (
            lambda: over_steps(given.x, of_x),
            lambda: self._of_recurrent(previous, of_x, extra),
            lambda: self._of_bias(of_x, extra),
        )
        return self.arrange(given, lambda: through(of_x, transpose(given.kernel)), weights, (of_h,))

    def _of_recurrent(self, previous: Operand, of_x: Operand, extra: Operand) -> Operand:
        units = shape_of(previous)[2]
        first, last = columns(of_x, 0, 2 * units), columns(of_x, 2 * units, 3 * units)
        candidate = over_steps(previous, extra) if self.reset_after else over_steps(extra, last)
        return concat([over_steps(previous, first), candidate], 1)

    def _of_bias(self, of_x: Operand, extra: Operand) -> Operand:
        total = reduce_sum(of_x, (0, 1))
        if not self.reset_after:
            return total
        logistic = columns(total, 0, 2 * shape_of(extra)[2])
        return stack([total, concat([logistic, reduce_sum(extra, (0, 1))], 0)])


def gru_biases(bias: Operand | None, reset_after: bool) -> tuple[Operand | None, Operand | None]:
    """What is added to the products of x and of h; None where nothing is."""
    if bias is None or not reset_after:
        return bias, None
    of_x, of_h = (reshape(slice_axis(bias, 0, i, i + 1), shape_of(bias)[1:]) for i in range(2))
    return of_x, of_h


def gru_gates(given: Inputs | GradInputs, previous: Operand, reset_after: bool) -> Operand:
    """z, r, n and, with ``reset_after``, what r multiplies."""
    units = shape_of(given.recurrent)[0]
    of_x, of_h = gru_biases(given.bias, reset_after)
    first, last = split(given.recurrent, (2 * units, units), 1)
    inputs = projected(given.x, given.kernel, of_x)
    if reset_after:
        logistic, product = split(projected(previous, given.recurrent, of_h), (2 * units, units), 2)
    else:
        logistic, product = through(previous, first), None
    gates = sigmoid(add(columns(inputs, 0, 2 * units), logistic))
    r = columns(gates, units, 2 * units)
    reset = through(mul(r, previous), last) if product is None else mul(r, product)
    candidate = tanh(add(columns(inputs, 2 * units, 3 * units), reset))
    return concat([gates, candidate, *(() if product is None else (product,))], 2)


class GruGrad(RecurrentGrad):
    """The gradient of :class:`Gru`: (cotangent of what the gates get from x, extra, cotangent of the first h).

    Extra: with ``reset_after`` the cotangent of what the candidate gets from h, else the states after their reset.
    """

    reset_after: bool
    num_results: ClassVar[int] = 3

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        self.check(types, 3 + self.reset_after)
        given = self.named(types)
        units = given.recurrent.shape[0]
        return given.gates.with_shape((*given.gates.shape[:2], 3 * units)), given.previous, given.cotangents[1]

    def kernel(self, *arrays: Any) -> Any:
        given = self.named([widened(array) for array in arrays])
        g, of_h = given.cotangents
        walk = kernels.gru_grad if self.reset_after else kernels.gru_reset_before_grad
        steps = self.steps_of(given.gates, given.lengths)
        found, extra, first = walk(
            self.timed(given.gates), self.timed(given.previous), given.recurrent, self.timed(g), of_h, steps
        )
        return narrowed((self.timed(found), self.timed(extra), first), arrays[0].dtype)

    def activated(self, given: GradInputs) -> Operand:
        return gru_gates(given, given.previous, self.reset_after)


# --- simple recurrence -----------------------------------------------------------------------------------------------

ACTIVATIONS: Final = ("tanh", "relu")


class Rnn(Recurrent):
    """h = activation(x kernel + h recurrent + bias); the activation is "tanh" or "relu"."""

    activation: str

    def __post_init__(self) -> None:
        if self.activation not in ACTIVATIONS:
            raise ArgumentError(f"a simple recurrence with activation={self.activation!r} is no single op; the "
                                f"activations are {', '.join(ACTIVATIONS)}: write others as a scan")  # fmt: skip

    def run(self, given: Inputs, states: States, sequence: Array, steps: kernels.Steps) -> tuple[States, States]:
        inputs = self.timed(kernels.project(given.x, given.kernel, given.bias))
        activate = np.tanh if self.activation == "tanh" else _relu
        return (kernels.simple_rnn(inputs, given.recurrent, states[0], sequence, steps, activate),), ()

    def vjp(self, g: Sequence[Operand], y: Sequence[Operand], *operands: Operand) -> Any:
        given = self.named(operands)
        cotangents, lengths = self.arguments(given, g)
        of_sums, of_h = bind(RnnGrad(**self.fields("activation")), y[0], given.recurrent, *cotangents, *lengths)
        weights = (
            lambda: over_steps(given.x, of_sums),
            lambda: over_steps(self.previous(y[0], given), of_sums),
            lambda: reduce_sum(of_sums, (0, 1)),
        )
        return self.arrange(given, lambda: through(of_sums, transpose(given.kernel)), weights, (of_h,))


def _relu(x: Array, out: Array) -> Array:
    return np.maximum(x, 0, out=out)


class RnnGrad(OverTime):
    """The gradient of :class:`Rnn`: (sequence, recurrent kernel, cotangents of the sequence and of the last h
    [, lengths]) -> cotangents of the sums before the activation, and of the first h."""

    activation: str
    num_results: ClassVar[int] = 2

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        sequence, recurrent, g, of_h = types[:4]
        check_kind(self, "f", sequence, recurrent, g, of_h)
        self.require("the sequence", sequence, self.per_step(*self.sizes(sequence), recurrent.shape[0]))
        self.require("the recurrent kernel", recurrent, (recurrent.shape[0],) * 2)
        self.require("the sequence's cotangent", g, sequence.shape)
        self.require("the state's cotangent", of_h, (self.sizes(sequence)[0], recurrent.shape[0]))
        for lengths in types[4:]:
            self.require_lengths(lengths, of_h.shape[0])
        return sequence, of_h

    def kernel(self, *arrays: Any) -> Any:
        sequence, recurrent, g, of_h, *lengths = (widened(array) for array in arrays)
        slopes = 1 - sequence * sequence if self.activation == "tanh" else (sequence > 0).astype(g.dtype)
        steps = kernels.Steps(sequence.shape[self.time_axis], self.reverse, lengths[0] if lengths else None)
        found, first = kernels.simple_rnn_grad(self.timed(slopes), recurrent, self.timed(g), of_h, steps)
        return narrowed((self.timed(found), first), arrays[0].dtype)

    def vjp(self, g: Any, y: Any, *operands: Operand) -> Any:
        return VJP_RULES[type(self)](self, g, operands, ())


# --- masks -----------------------------------------------------------------------------------------------------------


class _Packed(NamedTuple):
    """Data with the steps of each row moved to the front, and how to bring results back to where they belong."""

    x: Operand
    lengths: Operand
    places: Operand  # of each step's output among those moved to the front
    shown: Operand | None  # bool: whether there is an output; None: idle places among those moved hold 0 as they should


def _pack(x: Operand, mask: Operand, reverse: bool, zero_output: bool) -> _Packed:
    """Idle steps may stand anywhere, and lengths only describe those that stand last; so that is where they go."""
    kept = cast(mask, int32)
    count = cumsum(kept, 1)
    order = argsort(sub(1, kept), 1, dtype=int64)
    # An idle step shows the output of the step that was computed before it.
    places = sub(count, kept) if reverse else maximum(sub(count, 1), 0)
    shown = mask if zero_output else None if reverse else greater(count, 0)
    return _Packed(gather(x, order, 1, 1), reduce_sum(kept, 1), places, shown)


def _unpack(sequence: Operand, packed: _Packed) -> Operand:
    found = gather(sequence, packed.places, 1, 1)
    return found if packed.shown is None else select(expand_dims(packed.shown, 2), found, lift(0, dtype_of(found)))


# --- public functions ------------------------------------------------------------------------------------------------


class Options(TypedDict, total=False):
    """How a recurrent layer goes over its steps.

    ``lengths`` (batch): how many steps each row has; later ones are padding. ``mask`` bool (batch, time): which steps
    count, wherever they stand; for padding at the end, lengths are cheaper. Idle steps leave the state alone and show
    the output before them in the order of computation, 0 where there is none; with ``zero_output`` they show 0.
    ``reverse`` computes from the last step to the first; the sequence stays in the order of time, so that its element i
    belongs to step i. ``time_major``: data and sequence are [time, batch, ...].
    """

    lengths: Any
    mask: Any
    reverse: bool
    zero_output: bool
    time_major: bool


def lstm(
    x: Any, h0: Any, c0: Any, kernel: Any, recurrent_kernel: Any, bias: Any = None, **options: Unpack[Options]
) -> tuple[Operand, Operand, Operand]:
    """An LSTM over ``x`` [batch, time, features]: the sequence [batch, time, units], the last h and the last c.

    ``h0`` and ``c0``: [batch, units], or None for zeros. ``kernel``: [features, 4 units], ``recurrent_kernel``:
    [units, 4 units], ``bias``: [4 units] or None; gates in the order i, f, c, o. ``options`` are those of
    :class:`Options`. Raises ShapeError or DTypeError for operands that do not fit.
    """
    if (h0 is None) != (c0 is None):
        raise ArgumentError("lstm got one first state of two; give h0 and c0, or None for both (zeros)")
    result: tuple[Operand, Operand, Operand] = _apply(Lstm, x, (kernel, recurrent_kernel, bias), (h0, c0), options)
    return result


def gru(
    x: Any,
    h0: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any = None,
    reset_after: bool = True,
    **options: Unpack[Options],
) -> tuple[Operand, Operand]:
    """A GRU over ``x`` [batch, time, features]: the sequence [batch, time, units] and the last state.

    ``kernel``: [features, 3 units], ``recurrent_kernel``: [units, 3 units], gates in the order z, r, h. ``bias``:
    [2, 3 units] (for the products of x and of the state) with ``reset_after``, else [3 units]; or None. The rest is as
    in :func:`lstm`.
    """
    make = functools.partial(Gru, reset_after=bool(reset_after))
    result: tuple[Operand, Operand] = _apply(make, x, (kernel, recurrent_kernel, bias), (h0,), options)
    return result


def simple_rnn(
    x: Any,
    h0: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any = None,
    activation: str = "tanh",
    **options: Unpack[Options],
) -> tuple[Operand, Operand]:
    """h = activation(x kernel + h recurrent_kernel + bias) over ``x`` [batch, time, features]: the sequence and the
    last state.

    ``activation``: "tanh" or "relu"; ArgumentError for others. The rest is as in :func:`lstm`.
    """
    make = functools.partial(Rnn, activation=activation)
    result: tuple[Operand, Operand] = _apply(make, x, (kernel, recurrent_kernel, bias), (h0,), options)
    return result


def _apply(
    make: Callable[..., Recurrent], x: Any, weights: Sequence[Any], states: Sequence[Any], options: Options
) -> tuple[Operand, ...]:
    data = lift(x)
    given, first = ([lift(v, dtype_of(data)) for v in part if v is not None] for part in (weights, states))
    reverse, zero_output = bool(options.get("reverse")), bool(options.get("zero_output"))
    lengths, packed = options.get("lengths"), None
    if options.get("mask") is not None:
        packed = _pack(data, _checked_mask(options, data), reverse, zero_output)
        data, lengths = packed.x, packed.lengths
    op = make(
        lengths=lengths is not None,
        reverse=reverse,
        time_major=bool(options.get("time_major")),
        bias=len(given) == 3,
        state=bool(first),
        zero_output=lengths is not None and not reverse and (zero_output or packed is not None),
    )
    counts = () if lengths is None else (cast(lift(lengths), int32),)
    sequence, *last = bind(op, data, *given, *first, *counts)[: 1 + op.states]
    return (sequence if packed is None else _unpack(sequence, packed), *last)


def _checked_mask(options: Options, x: Operand) -> Operand:
    if options.get("lengths") is not None or options.get("time_major"):
        raise ArgumentError("a mask is for data [batch, time, features] and takes the place of lengths; pass one of "
                            "the two, and transpose data with the time first")  # fmt: skip
    mask = lift(options["mask"])
    if dtype_of(mask) is not bool_ or rank_of(mask) != 2:
        raise DTypeError(f"a mask must be bool [batch, time] (True: the step counts), got {type_of(mask)} for data "
                         f"{type_of(x)}")  # fmt: skip
    return mask
