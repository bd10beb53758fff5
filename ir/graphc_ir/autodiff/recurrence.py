"""Recurrent layers and their gradients as scans: for runtimes without a form of their own, and for second derivatives.

The formulas are those of ``graphc_ir.ops.rnn_kernels``. Here too, only what depends on the step before is in a loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc_ir.autodiff.regions import vjp_rule
from graphc_ir.builder import GraphBuilder
from graphc_ir.graph import Graph
from graphc_ir.ops.activation import sigmoid
from graphc_ir.ops.base import Op, Operand, bind, dtype_of, lift, shape_of, type_of, using
from graphc_ir.ops.call import Call
from graphc_ir.ops.control import Scan
from graphc_ir.ops.elementwise import add, cast, greater, mul, relu, select, square, sub, tanh
from graphc_ir.ops.linalg import matmul
from graphc_ir.ops.logical import logical_not
from graphc_ir.ops.movement import broadcast_to, concat, split, transpose
from graphc_ir.ops.recurrence import LOOPS, Loop, OverTime, Recurrent, RecurrentGrad, projected
from graphc_ir.ops.regions import VJP_RULES
from graphc_ir.ops.rnn import Gru, GruGrad, Lstm, LstmGrad, Rnn, RnnGrad, gru_biases

Operands = Sequence[Operand]
Body = Callable[[Operands, Operands, Operands], tuple[Operands, Operands]]
"""One step: the loop variables, the step's elements and constants -> the next loop variables, and what to stack."""


def loop(op: type[OverTime]) -> Callable[[Loop], Loop]:
    """Registers how an op is written as scans. The function gets the op and its operands."""

    def register(function: Loop) -> Loop:
        LOOPS[op] = function
        return function

    return register


def scan(body: Body, carries: Operands, scanned: Operands, constants: Operands, reverse: bool) -> Operands:
    """The last loop variables, then what was stacked."""
    graph = Graph("step")
    elements = [type_of(x).with_shape(shape_of(x)[1:]) for x in scanned]
    parts = ([type_of(c) for c in carries], elements, [type_of(c) for c in constants])
    inputs = [[graph.add_input(type) for type in part] for part in parts]
    with using(GraphBuilder(graph)):
        following, stacked = body(*inputs)
    graph.set_outputs([*following, *stacked])
    op = Scan(len(carries), len(scanned), len(graph.outputs), reverse)
    found: Operands = bind(op, *carries, *scanned, *constants, regions=(graph,))
    return found


def _timed(op: OverTime, values: Operand) -> Operand:
    """Arrays of steps with the time first, or back again."""
    return values if op.time_major else transpose(values, (1, 0, 2))


def _idle(op: OverTime, data: Operand, lengths: Operand | None) -> Operands:
    """bool [time, batch, 1]: the idle steps, if there may be any."""
    if lengths is None:
        return ()
    return (logical_not(_timed(op, op.valid(lengths, shape_of(data)[op.time_axis]))),)


def _unless(idle: Operands, value: Any, other: Operand) -> Operand:
    """``other``, but ``value`` at idle steps."""
    return select(idle[0], lift(value, dtype_of(other)), other) if idle else other


# --- forward ---------------------------------------------------------------------------------------------------------


def _unroll(op: Recurrent, operands: Operands, inputs: Operand, step: Any, *weights: Operand) -> tuple[Operand, ...]:
    """Scans ``step(states, inputs, weights)``, which gives the next states; the first one is the output."""
    given = op.named(operands)
    batch, _ = op.sizes(type_of(inputs))
    zeros = broadcast_to(lift(0, dtype_of(inputs)), (batch, shape_of(given.recurrent)[0]))

    def body(states: Operands, elements: Operands, constants: Operands) -> tuple[Operands, Operands]:
        found = step(states, elements[0], constants)
        kept = [_unless(elements[1:], old, new) for old, new in zip(states, found, strict=True)]
        return kept, kept[:1]

    scanned = (_timed(op, inputs), *_idle(op, inputs, given.lengths))
    *last, found = scan(body, given.state or (zeros,) * op.states, scanned, weights, op.reverse)
    sequence = op.shown(_timed(op, found), given.lengths)
    return sequence, *last, *saved_gates(op, operands, sequence)


def saved_gates(op: Recurrent, operands: Operands, sequence: Operand) -> Operands:
    """The gates as the layer's last result, if it has them."""
    if not op.saved:
        return ()
    given = op.named(operands)
    gates = op.activated(given, op.previous(sequence, given))
    if given.lengths is None:
        return (gates,)
    valid = op.valid(given.lengths, shape_of(sequence)[op.time_axis])
    return (select(valid, gates, lift(0, dtype_of(gates))),)


@loop(Lstm)
def _lstm(op: Lstm, *operands: Operand) -> tuple[Operand, ...]:
    given = op.named(operands)
    return _unroll(op, operands, projected(given.x, given.kernel, given.bias), _lstm_step, given.recurrent)


def _lstm_step(states: Operands, inputs: Operand, weights: Operands) -> Operands:
    h, c = states
    i, f, g, o = split(add(inputs, matmul(h, weights[0])), 4, 1)
    after = add(mul(sigmoid(f), c), mul(sigmoid(i), tanh(g)))
    return mul(sigmoid(o), tanh(after)), after


@loop(Gru)
def _gru(op: Gru, *operands: Operand) -> tuple[Operand, ...]:
    given = op.named(operands)
    units = shape_of(given.recurrent)[0]
    of_x, of_h = gru_biases(given.bias, op.reset_after)
    inputs = projected(given.x, given.kernel, of_x)
    if op.reset_after:
        return _unroll(op, operands, inputs, _gru_step, given.recurrent, *(() if of_h is None else (of_h,)))
    parts = split(given.recurrent, (2 * units, units), 1)
    return _unroll(op, operands, inputs, _gru_step_reset_before, *parts)


def _gru_step(states: Operands, inputs: Operand, weights: Operands) -> Operands:
    (h,), (recurrent, *bias) = states, weights
    product = matmul(h, recurrent)
    z, r, n = split(inputs, 3, 1)
    of_z, of_r, of_n = split(add(product, bias[0]) if bias else product, 3, 1)
    candidate = tanh(add(n, mul(sigmoid(add(r, of_r)), of_n)))
    return (_blend(sigmoid(add(z, of_z)), h, candidate),)


def _gru_step_reset_before(states: Operands, inputs: Operand, weights: Operands) -> Operands:
    (h,), (first, last) = states, weights
    z, r, n = split(inputs, 3, 1)
    of_z, of_r = split(matmul(h, first), 2, 1)
    reset = mul(sigmoid(add(r, of_r)), h)
    return (_blend(sigmoid(add(z, of_z)), h, tanh(add(n, matmul(reset, last)))),)


def _blend(z: Operand, h: Operand, candidate: Operand) -> Operand:
    """z * h + (1 - z) * candidate."""
    return add(mul(z, sub(h, candidate)), candidate)


@loop(Rnn)
def _rnn(op: Rnn, *operands: Operand) -> tuple[Operand, ...]:
    given = op.named(operands)
    activate = tanh if op.activation == "tanh" else relu

    def step(states: Operands, inputs: Operand, weights: Operands) -> Operands:
        return (activate(add(inputs, matmul(states[0], weights[0]))),)

    return _unroll(op, operands, projected(given.x, given.kernel, given.bias), step, given.recurrent)


# --- backward --------------------------------------------------------------------------------------------------------


@loop(LstmGrad)
def _lstm_grad(op: LstmGrad, *operands: Operand) -> tuple[Operand, ...]:
    given = op.named(operands)
    g, of_h, of_c = given.cotangents
    idle = _idle(op, g, given.lengths)
    i, f, n, o = split(_timed(op, given.gates), 4, 2)
    i, f, o = _unless(idle, 0, i), _unless(idle, 1, f), _unless(idle, 0, o)
    first = given.cell[0] if given.cell else broadcast_to(lift(0, dtype_of(of_c)), shape_of(of_c))
    _, before, after = scan(_cell_step, (first,), (f, mul(i, n)), (), op.reverse)
    squashed = tanh(after)
    slopes = (
        mul(n, _logistic_slope(i)),
        mul(before, _logistic_slope(f)),
        mul(i, sub(1, square(n))),
        mul(squashed, _logistic_slope(o)),
        mul(o, sub(1, square(squashed))),
    )
    scanned = (_timed(op, g), f, *slopes, *idle)
    of_h, of_c, found = scan(_lstm_back, (of_h, of_c), scanned, (transpose(given.recurrent),), not op.reverse)
    return _timed(op, found), of_h, of_c


def _cell_step(cells: Operands, elements: Operands, constants: Operands) -> tuple[Operands, Operands]:
    forget, product = elements
    after = add(mul(forget, cells[0]), product)
    return (after,), (cells[0], after)


def _logistic_slope(gate: Operand) -> Operand:
    return mul(gate, sub(1, gate))


def _lstm_back(carries: Operands, elements: Operands, constants: Operands) -> tuple[Operands, Operands]:
    g, forget, by_i, by_f, by_n, by_o, by_cell, *idle = elements
    of_h = add(carries[0], g)
    of_c = add(carries[1], mul(of_h, by_cell))
    gates = concat([mul(of_c, by_i), mul(of_c, by_f), mul(of_c, by_n), mul(of_h, by_o)], 1)
    before = _unless(idle, of_h, matmul(gates, constants[0]))
    return (before, mul(of_c, forget)), (gates,)


@loop(GruGrad)
def _gru_grad(op: GruGrad, *operands: Operand) -> tuple[Operand, ...]:
    given = op.named(operands)
    g, of_h = given.cotangents
    units = shape_of(given.recurrent)[0]
    idle = _idle(op, g, given.lengths)
    previous = _timed(op, given.previous)
    z, r, candidate, *product = split(_timed(op, given.gates), 3 + op.reset_after, 2)
    z = _unless(idle, 1, z)
    keep = sub(1, z)
    slopes = (
        mul(mul(sub(previous, candidate), z), keep),
        mul(product[0] if product else previous, _logistic_slope(r)),
        mul(sub(1, square(candidate)), keep),
    )
    weights = [transpose(part) for part in split(given.recurrent, (2 * units, units), 1)]
    body = _gru_back if op.reset_after else _gru_back_reset_before
    of_h, found, *extra = scan(body, (of_h,), (_timed(op, g), z, r, *slopes), weights, not op.reverse)
    return _timed(op, found), _timed(op, extra[0] if extra else mul(r, previous)), of_h


def _gru_back(carries: Operands, elements: Operands, weights: Operands) -> tuple[Operands, Operands]:
    (g, z, r, by_z, by_r, by_n), (first, last) = elements, weights
    of_h = add(carries[0], g)
    of_n = mul(of_h, by_n)
    of_product = mul(of_n, r)
    logistic = concat([mul(of_h, by_z), mul(of_n, by_r)], 1)
    before = add(mul(of_h, z), add(matmul(logistic, first), matmul(of_product, last)))
    return (before,), (concat([logistic, of_n], 1), of_product)


def _gru_back_reset_before(carries: Operands, elements: Operands, weights: Operands) -> tuple[Operands, Operands]:
    (g, z, r, by_z, by_r, by_n), (first, last) = elements, weights
    of_h = add(carries[0], g)
    of_n = mul(of_h, by_n)
    of_reset = matmul(of_n, last)
    logistic = concat([mul(of_h, by_z), mul(of_reset, by_r)], 1)
    before = add(mul(of_h, z), add(mul(of_reset, r), matmul(logistic, first)))
    return (before,), (concat([logistic, of_n], 1),)


@loop(RnnGrad)
def _rnn_grad(op: RnnGrad, *operands: Operand) -> tuple[Operand, ...]:
    sequence, recurrent, g, of_h, *lengths = operands
    idle = _idle(op, sequence, lengths[0] if lengths else None)
    is_tanh = op.activation == "tanh"
    slopes = sub(1, square(sequence)) if is_tanh else cast(greater(sequence, 0), dtype_of(sequence))
    scanned = (_timed(op, g), _unless(idle, 0, _timed(op, slopes)), *idle)
    of_h, found = scan(_rnn_back, (of_h,), scanned, (transpose(recurrent),), not op.reverse)
    return _timed(op, found), of_h


def _rnn_back(carries: Operands, elements: Operands, weights: Operands) -> tuple[Operands, Operands]:
    g, slope, *idle = elements
    of_h = add(carries[0], g)
    sums = mul(of_h, slope)
    return (_unless(idle, of_h, matmul(sums, weights[0])),), (sums,)


# --- second derivatives ----------------------------------------------------------------------------------------------


@vjp_rule(LstmGrad)
@vjp_rule(GruGrad)
@vjp_rule(RnnGrad)
def _second(op: Op, received: Operands, operands: Operands, regions: Sequence[Graph]) -> tuple[Any, ...]:
    """By the derivative of the scans."""
    region = Graph(f"{op.name}_as_scans")
    inputs: list[Operand] = [region.add_input(type_of(operand)) for operand in operands]
    with using(GraphBuilder(region)):
        if isinstance(op, RecurrentGrad):
            given = op.named(inputs)
            inputs[inputs.index(given.gates)] = op.activated(given)
        region.set_outputs(op.decompose(*inputs))  # type: ignore[misc]
    return VJP_RULES[Call](Call(op.num_results), received, operands, (region,))
