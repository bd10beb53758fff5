"""Recurrences in NumPy: what does not depend on the step before is computed for all steps at once, the rest in place.

Arrays of steps come time first: [time, batch, ...], as views where they are stored batch first. A logistic gate is
tanh(x / 2) / 2 + 1 / 2, so that one tanh serves all gates of a step; the inner halves are part of the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from graphc_ir.ops.base import Array

Step = Callable[[int, Array, Array, Any], None]
"""Computes step ``t`` from the state before it into an array; the fourth argument marks the idle rows, if any."""

_LOGISTIC: Final = (0.5, 0.5)
_TANH: Final = (1.0, 0.0)
LSTM_GATES: Final = (_LOGISTIC, _LOGISTIC, _TANH, _LOGISTIC)
GRU_GATES: Final = (_LOGISTIC, _LOGISTIC, _TANH)


class Steps:
    """The order in which a recurrence visits the steps, and the rows that are idle there: bool [time, batch, 1]."""

    def __init__(self, count: int, reverse: bool, lengths: Array | None) -> None:
        self.order: Final = range(count)[::-1] if reverse else range(count)
        self.idle: Array | None = None
        if lengths is not None:
            self.idle = (np.arange(count)[:, None] >= lengths)[..., None]
        self._used = np.zeros(count, np.bool_) if self.idle is None else self.idle.any((1, 2))

    def idle_at(self, t: int) -> Array | None:
        """The idle rows of one step; None if all rows have it."""
        return self.idle[t] if self.idle is not None and self._used[t] else None

    def set_idle(self, values: Array, value: float) -> None:
        """Writes ``value`` into the idle rows of an array of steps."""
        if self.idle is not None:
            np.copyto(values, values.dtype.type(value), where=self.idle)


def project(x: Array, weights: Array, bias: Array | None) -> Array:
    """``x @ weights + bias`` over the last axis, as one matrix product."""
    product = x.reshape(-1, x.shape[-1]) @ weights
    if bias is not None:
        product += bias
    return product.reshape(*x.shape[:-1], weights.shape[1])


def gate_vectors(gates: Sequence[tuple[float, float]], units: int, dtype: Any) -> tuple[Array, Array]:
    """Scale and shift of each column: gate = tanh(scale * x) * scale + shift."""
    scale, shift = np.repeat(np.array(gates, dtype).T, units, axis=1)
    return scale, shift


def blocks(values: Array, units: int) -> list[Array]:
    """The gates along the last axis."""
    return [values[..., start : start + units] for start in range(0, values.shape[-1], units)]


def _complement(gate: Array, out: Array | None = None) -> Array:
    """1 - gate."""
    return np.subtract(gate.dtype.type(1), gate, out=out)


# --- forward ---------------------------------------------------------------------------------------------------------


def _unroll(step: Step, sequence: Array, h: Array, steps: Steps) -> Array:
    """Runs all steps into ``sequence``, in which idle rows keep their state. Returns the last state."""
    for t in steps.order:
        out, idle = sequence[t], steps.idle_at(t)
        step(t, h, out, idle)
        if idle is not None:
            np.copyto(out, h, where=idle)
        h = out
    return h.copy()


def lstm(inputs: Array, recurrent: Array, h: Array, c: Array, sequence: Array, steps: Steps) -> tuple[Array, Array]:
    """Fills ``sequence``; returns the last states. ``inputs`` are projected; they and ``recurrent`` are scaled."""
    units = recurrent.shape[0]
    scale, shift = gate_vectors(LSTM_GATES, units, inputs.dtype)
    gates = np.empty(inputs.shape[1:], inputs.dtype)
    i, f, g, o = blocks(gates, units)
    cells = [c.copy(), np.empty_like(c, order="C")]

    def step(t: int, h: Array, out: Array, idle: Array | None) -> None:
        np.matmul(h, recurrent, out=gates)
        np.add(gates, inputs[t], out=gates)
        np.tanh(gates, out=gates)
        np.multiply(gates, scale, out=gates)
        np.add(gates, shift, out=gates)
        before, after = cells
        np.multiply(before, f, out=after)
        np.multiply(i, g, out=i)
        np.add(after, i, out=after)
        if idle is not None:
            np.copyto(after, before, where=idle)
        cells.reverse()
        np.tanh(after, out=i)
        np.multiply(o, i, out=out)

    return _unroll(step, sequence, h, steps), cells[0]


def gru(inputs: Array, recurrent: Array, bias: Array | None, h: Array, sequence: Array, steps: Steps) -> Array:
    """The GRU that resets the product of the state: fills ``sequence`` and returns the last state.

    ``inputs`` are projected; they, ``recurrent`` and ``bias`` (of the product) are scaled.
    """
    units = recurrent.shape[0]
    half = inputs.dtype.type(0.5)
    inner = np.empty(inputs.shape[1:], inputs.dtype)
    logistic, candidate = inner[:, : 2 * units], inner[:, 2 * units :]
    z, r, _ = blocks(inner, units)

    def step(t: int, h: Array, out: Array, idle: Array | None) -> None:
        np.matmul(h, recurrent, out=inner)
        if bias is not None:
            np.add(inner, bias, out=inner)
        _squash(logistic, inputs[t][:, : 2 * units], half)
        np.multiply(candidate, r, out=candidate)
        np.add(candidate, inputs[t][:, 2 * units :], out=candidate)
        np.tanh(candidate, out=candidate)
        _blend(z, h, candidate, out)

    return _unroll(step, sequence, h, steps)


def gru_reset_before(inputs: Array, recurrent: Array, h: Array, sequence: Array, steps: Steps) -> Array:
    """The GRU that resets the state before the product; else like :func:`gru`."""
    units = recurrent.shape[0]
    half = inputs.dtype.type(0.5)
    first, last = (np.ascontiguousarray(part) for part in np.split(recurrent, [2 * units], axis=1))
    logistic = np.empty((inputs.shape[1], 2 * units), inputs.dtype)
    candidate = np.empty((inputs.shape[1], units), inputs.dtype)
    z, r = blocks(logistic, units)

    def step(t: int, h: Array, out: Array, idle: Array | None) -> None:
        np.matmul(h, first, out=logistic)
        _squash(logistic, inputs[t][:, : 2 * units], half)
        np.multiply(h, r, out=r)
        np.matmul(r, last, out=candidate)
        np.add(candidate, inputs[t][:, 2 * units :], out=candidate)
        np.tanh(candidate, out=candidate)
        _blend(z, h, candidate, out)

    return _unroll(step, sequence, h, steps)


def _squash(gates: Array, inputs: Array, half: Any) -> None:
    """The logistic function of ``gates + inputs``, both halved already, in place."""
    np.add(gates, inputs, out=gates)
    np.tanh(gates, out=gates)
    np.multiply(gates, half, out=gates)
    np.add(gates, half, out=gates)


def _blend(z: Array, h: Array, candidate: Array, out: Array) -> None:
    """z * h + (1 - z) * candidate."""
    np.subtract(h, candidate, out=out)
    np.multiply(out, z, out=out)
    np.add(out, candidate, out=out)


def simple_rnn(inputs: Array, recurrent: Array, h: Array, sequence: Array, steps: Steps, activate: Any) -> Array:
    """Fills ``sequence`` from the projected inputs; returns the last state. ``activate(x, out=...)``."""
    total = np.empty(inputs.shape[1:], inputs.dtype)

    def step(t: int, h: Array, out: Array, idle: Array | None) -> None:
        np.matmul(h, recurrent, out=total)
        np.add(total, inputs[t], out=total)
        activate(total, out=out)

    return _unroll(step, sequence, h, steps)


# --- backward --------------------------------------------------------------------------------------------------------


def lstm_grad(
    gates: Array, recurrent: Array, cotangents: Array, dh: Array, dc: Array, c: Array, steps: Steps
) -> tuple[Array, Array, Array]:
    """The cotangents of ``gates`` (before activation), and of the first states.

    ``cotangents`` are those of the sequence, ``dh`` and ``dc`` those of the last states; ``c`` is the first cell state.
    """
    units, transposed = recurrent.shape[0], recurrent.T
    slopes, cell_slope, forget = _lstm_slopes(gates, c, steps)
    dh, spare, dc = dh.copy(), np.empty_like(dh, order="C"), dc.copy()
    for t in reversed(steps.order):
        dh += cotangents[t]
        dc += np.multiply(dh, cell_slope[t], out=spare)
        by_gate = slopes[t].reshape(-1, 4, units)
        by_gate[:, :3] *= dc[:, None]
        by_gate[:, 3] *= dh
        dc *= forget[t]
        np.matmul(slopes[t], transposed, out=spare)
        dh, spare = _handed_on(dh, spare, steps.idle_at(t))
    return slopes, dh, dc


def _handed_on(dh: Array, before: Array, idle: Array | None) -> tuple[Array, Array]:
    """The cotangent of the state before a step, which idle rows hand on, and the array that is free now."""
    if idle is not None:
        np.copyto(before, dh, where=idle)
    return before, dh


def _lstm_slopes(gates: Array, c: Array, steps: Steps) -> tuple[Array, Array, Array]:
    """The slopes of c by the gates i, f, g and of h by the gate o; the slope of h by c; and the forget gates."""
    scale, shift = gate_vectors(LSTM_GATES, c.shape[1], gates.dtype)
    slopes = gates * scale
    np.tanh(slopes, out=slopes)
    slopes *= scale
    slopes += shift
    i, f, g, o = blocks(slopes, c.shape[1])
    for gate, value in ((i, 0), (f, 1), (o, 0)):
        steps.set_idle(gate, value)
    forget = f.copy()
    before, after = _cells(i * g, forget, c, steps)
    np.tanh(after, out=after)
    cell_slope = _complement(after * after)
    cell_slope *= o
    spare = _complement(o)
    o *= spare
    o *= after
    f *= _complement(f, out=spare)
    f *= before
    _complement(i, out=spare)
    spare *= i
    spare *= g
    g *= g
    _complement(g, out=g)
    g *= i
    i[...] = spare
    return slopes, cell_slope, forget


def _cells(product: Array, forget: Array, c: Array, steps: Steps) -> tuple[Array, Array]:
    """The cell states before and after each step."""
    before, after = np.empty_like(product), product
    for t in steps.order:
        before[t] = c
        after[t] += np.multiply(forget[t], c)
        c = after[t]
    return before, after


def gru_grad(
    inputs: Array, inner: Array, previous: Array, recurrent: Array, cotangents: Array, dh: Array, steps: Steps
) -> tuple[Array, Array, Array]:
    """The cotangents of ``inputs``, of the candidate's part of ``inner``, and of the first state.

    ``inputs`` and ``inner`` are what the gates get from the inputs and from the states ``previous`` to each step.
    """
    units = recurrent.shape[0]
    gates, slopes = _gru_gates(inputs, inner)
    z, r = blocks(gates, units)
    steps.set_idle(z, 1)
    product = inner[..., 2 * units :]
    slopes[..., 2 * units :] += r * product
    _gru_slopes(slopes, z, r, previous, product)
    _, by_r, by_candidate = blocks(slopes, units)
    by_r *= by_candidate
    first, last = (part.T for part in np.split(recurrent, [2 * units], axis=1))
    extra, dh = np.empty_like(by_candidate), dh.copy()
    for t in reversed(steps.order):
        dh += cotangents[t]
        by_gate = slopes[t].reshape(-1, 3, units)
        by_gate *= dh[:, None]
        np.multiply(by_candidate[t], r[t], out=extra[t])
        dh *= z[t]
        dh += slopes[t][:, : 2 * units] @ first
        dh += extra[t] @ last
    return slopes, extra, dh


def gru_reset_before_grad(
    inputs: Array, inner: Array, previous: Array, recurrent: Array, cotangents: Array, dh: Array, steps: Steps
) -> tuple[Array, Array, Array]:
    """The cotangent of ``inputs``, the states after their reset, and the cotangent of the first state.

    Like :func:`gru_grad`, but ``inner`` has the gates z and r only.
    """
    units = recurrent.shape[0]
    gates, slopes = _gru_gates(inputs, inner)
    z, r = blocks(gates, units)
    steps.set_idle(z, 1)
    extra = r * previous
    slopes[..., 2 * units :] += extra @ recurrent[:, 2 * units :]
    _gru_slopes(slopes, z, r, previous, previous)
    by_z, by_r, by_candidate = blocks(slopes, units)
    first, last = (part.T for part in np.split(recurrent, [2 * units], axis=1))
    dh = dh.copy()
    for t in reversed(steps.order):
        dh += cotangents[t]
        by_z[t] *= dh
        by_candidate[t] *= dh
        reset = by_candidate[t] @ last
        by_r[t] *= reset
        reset *= r[t]
        dh *= z[t]
        dh += reset
        dh += slopes[t][:, : 2 * units] @ first
    return slopes, extra, dh


def _gru_gates(inputs: Array, inner: Array) -> tuple[Array, Array]:
    """The logistic gates z and r, and a copy of ``inputs``."""
    width = inputs.shape[-1] // 3 * 2
    half = inputs.dtype.type(0.5)
    gates = inputs[..., :width] + inner[..., :width]
    gates *= half
    np.tanh(gates, out=gates)
    gates *= half
    gates += half
    return gates, inputs.copy(order="K")


def _gru_slopes(slopes: Array, z: Array, r: Array, previous: Array, reset: Array) -> None:
    """Puts into ``slopes``, which hold the candidate before its tanh, the slopes of the next state by z and by the
    candidate, and that of the candidate by r, where ``reset`` is what r multiplies."""
    by_z, by_r, by_candidate = blocks(slopes, z.shape[-1])
    np.tanh(by_candidate, out=by_candidate)
    keep = _complement(z)
    np.subtract(previous, by_candidate, out=by_z)
    by_z *= z
    by_z *= keep
    np.multiply(by_candidate, by_candidate, out=by_candidate)
    _complement(by_candidate, out=by_candidate)
    by_candidate *= keep
    _complement(r, out=by_r)
    by_r *= r
    by_r *= reset


def simple_rnn_grad(
    slopes: Array, recurrent: Array, cotangents: Array, dh: Array, steps: Steps
) -> tuple[Array, Array]:
    """The cotangents of the sums before activation, and of the first state. ``slopes`` are overwritten."""
    steps.set_idle(slopes, 0)
    transposed = recurrent.T
    dh, spare = dh.copy(), np.empty_like(dh, order="C")
    for t in reversed(steps.order):
        dh += cotangents[t]
        slopes[t] *= dh
        np.matmul(slopes[t], transposed, out=spare)
        dh, spare = _handed_on(dh, spare, steps.idle_at(t))
    return slopes, dh
