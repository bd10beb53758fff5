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
        self._some: Final = [] if self.idle is None else [bool(rows.any()) for rows in self.idle]

    def idle_at(self, t: int) -> Array | None:
        """The idle rows of one step; None if all rows have it."""
        return self.idle[t] if self.idle is not None and self._some[t] else None

    def clear_idle(self, values: Array) -> None:
        """Writes 0 into the idle rows of an array of steps."""
        if self.idle is not None:
            np.copyto(values, values.dtype.type(0), where=self.idle)


def project(x: Array, weights: Array, bias: Array | None, room: int = 0) -> Array:
    """``x @ weights + bias`` over the last axis as one matrix product, with ``room`` more columns for the kernel."""
    width = weights.shape[1]
    result = np.empty((*x.shape[:-1], width + room), x.dtype)
    product = result.reshape(-1, width + room)[:, :width]
    np.matmul(x.reshape(-1, x.shape[-1]), weights, out=product)
    if bias is not None:
        product += bias
    return result


def gate_vectors(gates: Sequence[tuple[float, float]], units: int, dtype: Any) -> tuple[Array, Array]:
    """Scale and shift of each column: gate = tanh(scale * x) * scale + shift."""
    scale, shift = np.repeat(np.array(gates, dtype).T, units, axis=1)
    return scale, shift


def blocks(values: Array, units: int) -> list[Array]:
    """The gates along the last axis."""
    return [values[..., start : start + units] for start in range(0, values.shape[-1], units)]


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
    """Fills ``sequence``; returns the last states. ``inputs`` are projected; they and ``recurrent`` are scaled.

    The gates take the place of ``inputs``.
    """
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
        inputs[t] = gates
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

    ``inputs`` are projected; they, ``recurrent`` and ``bias`` (of the product) are scaled. The gates z, r, n and the
    candidate's product take the place of ``inputs``, which have room for them.
    """
    units = recurrent.shape[0]
    half = inputs.dtype.type(0.5)
    inner = np.empty((inputs.shape[1], 3 * units), inputs.dtype)
    z, r, product = blocks(inner, units)

    def step(t: int, h: Array, out: Array, idle: Array | None) -> None:
        np.matmul(h, recurrent, out=inner)
        if bias is not None:
            np.add(inner, bias, out=inner)
        gates = inputs[t]
        gates[:, 3 * units :] = product
        _squash(inner[:, : 2 * units], gates[:, : 2 * units], half)
        candidate = gates[:, 2 * units : 3 * units]
        np.multiply(product, r, out=product)
        np.add(candidate, product, out=candidate)
        np.tanh(candidate, out=candidate)
        _blend(z, h, candidate, out)

    return _unroll(step, sequence, h, steps)


def gru_reset_before(inputs: Array, recurrent: Array, h: Array, sequence: Array, steps: Steps) -> Array:
    """The GRU that resets the state before the product; else like :func:`gru`, with the gates z, r, n."""
    units = recurrent.shape[0]
    half = inputs.dtype.type(0.5)
    first, last = (np.ascontiguousarray(part) for part in np.split(recurrent, [2 * units], axis=1))
    logistic = np.empty((inputs.shape[1], 2 * units), inputs.dtype)
    z, r = blocks(logistic, units)

    def step(t: int, h: Array, out: Array, idle: Array | None) -> None:
        gates = inputs[t]
        np.matmul(h, first, out=logistic)
        _squash(logistic, gates[:, : 2 * units], half)
        candidate = gates[:, 2 * units :]
        np.multiply(h, r, out=r)
        np.add(candidate, r @ last, out=candidate)
        np.tanh(candidate, out=candidate)
        _blend(z, h, candidate, out)

    return _unroll(step, sequence, h, steps)


def _squash(gates: Array, inputs: Array, half: Any) -> None:
    """The logistic function of ``gates + inputs``, both halved already, in both places."""
    np.add(gates, inputs, out=gates)
    np.tanh(gates, out=gates)
    np.multiply(gates, half, out=gates)
    np.add(gates, half, out=gates)
    inputs[...] = gates


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
#
# Step by step all the way: what a step needs then stays in the caches. The gates of idle steps are 0.


def lstm_grad(
    gates: Array, recurrent: Array, cotangents: Array, dh: Array, dc: Array, c: Array, steps: Steps
) -> tuple[Array, Array, Array]:
    """The cotangents of the gates before activation, and of the first states.

    ``cotangents`` are those of the sequence, ``dh`` and ``dc`` those of the last states; ``c`` is the first cell state.
    """
    units, transposed = recurrent.shape[0], recurrent.T
    offset = np.repeat(np.array((0, 0, 1, 0), gates.dtype), units)
    cells = _cells(gates, c, steps)
    found, slope = np.empty_like(gates), np.empty(gates.shape[1:], gates.dtype)
    dh, dc = dh.copy(), dc.copy()
    spare, squashed = np.empty_like(dh, order="C"), np.empty_like(dh, order="C")
    for before, t in reversed(list(zip([c, *(cells[t] for t in steps.order)], steps.order, strict=False))):
        gate, step, idle = gates[t], found[t], steps.idle_at(t)
        i, f, g, o = blocks(gate, units)
        by_i, by_f, by_g, by_o = blocks(step, units)
        dh += cotangents[t]
        np.tanh(cells[t], out=squashed)
        np.multiply(dh, squashed, out=by_o)
        np.multiply(dh, o, out=spare)
        dc += spare
        squashed *= squashed
        dc -= np.multiply(spare, squashed, out=spare)
        np.multiply(dc, g, out=by_i)
        np.multiply(dc, before, out=by_f)
        np.multiply(dc, i, out=by_g)
        _multiply_by_slope(step, gate, offset, slope)
        np.multiply(dc, f, out=dc, where=True if idle is None else ~idle)
        np.matmul(step, transposed, out=spare)
        dh, spare = _handed_on(dh, spare, idle)
    return found, dh, dc


def _multiply_by_slope(step: Array, gate: Array, offset: Array, slope: Array) -> None:
    """Times (1 - gate) (gate + offset): the slope of the logistic function with offset 0, of tanh with offset 1."""
    np.subtract(1, gate, out=slope)
    step *= slope
    np.add(gate, offset, out=slope)
    step *= slope


def _handed_on(dh: Array, before: Array, idle: Array | None) -> tuple[Array, Array]:
    """The cotangent of the state before a step, which idle rows hand on, and the array that is free now."""
    if idle is not None:
        np.copyto(before, dh, where=idle)
    return before, dh


def _cells(gates: Array, c: Array, steps: Steps) -> Array:
    """The cell state after each step."""
    cells, product = np.empty((*gates.shape[:2], c.shape[1]), gates.dtype), np.empty_like(c, order="C")
    for t in steps.order:
        i, f, g, _ = blocks(gates[t], c.shape[1])
        after, idle = cells[t], steps.idle_at(t)
        np.multiply(c, f, out=after)
        after += np.multiply(i, g, out=product)
        if idle is not None:
            np.copyto(after, c, where=idle)
        c = after
    return cells


def gru_grad(
    gates: Array, previous: Array, recurrent: Array, cotangents: Array, dh: Array, steps: Steps
) -> tuple[Array, Array, Array]:
    """The cotangents of the gates before activation, of the candidate's product, and of the first state.

    ``gates`` are z, r, n and the product; ``previous`` are the states before each step.
    """
    units = recurrent.shape[0]
    found = np.empty((*gates.shape[:2], 3 * units), gates.dtype)
    extra = np.empty((*gates.shape[:2], units), gates.dtype)
    first, last = (part.T for part in np.split(recurrent, [2 * units], axis=1))
    dh = dh.copy()
    for t in reversed(steps.order):
        z, r, candidate, product = blocks(gates[t], units)
        _, by_r, by_candidate = blocks(found[t], units)
        dh += cotangents[t]
        z = _through_blend(found[t], z, candidate, previous[t], dh, steps.idle_at(t))
        np.multiply(by_candidate, product, out=by_r)
        _multiply_by_logistic_slope(by_r, r)
        np.multiply(by_candidate, r, out=extra[t])
        dh *= z
        dh += found[t][:, : 2 * units] @ first
        dh += extra[t] @ last
    return found, extra, dh


def gru_reset_before_grad(
    gates: Array, previous: Array, recurrent: Array, cotangents: Array, dh: Array, steps: Steps
) -> tuple[Array, Array, Array]:
    """The cotangents of the gates z, r, n before activation, the states after their reset, and the cotangent of the
    first state."""
    units = recurrent.shape[0]
    found = np.empty_like(gates)
    first, last = (part.T for part in np.split(recurrent, [2 * units], axis=1))
    dh = dh.copy()
    for t in reversed(steps.order):
        z, r, candidate = blocks(gates[t], units)
        _, by_r, by_candidate = blocks(found[t], units)
        dh += cotangents[t]
        z = _through_blend(found[t], z, candidate, previous[t], dh, steps.idle_at(t))
        reset = by_candidate @ last
        np.multiply(reset, previous[t], out=by_r)
        _multiply_by_logistic_slope(by_r, r)
        dh *= z
        dh += np.multiply(reset, r, out=reset)
        dh += found[t][:, : 2 * units] @ first
    return found, gates[..., units : 2 * units] * previous, dh


def _through_blend(step: Array, z: Array, candidate: Array, h: Array, dh: Array, idle: Array | None) -> Array:
    """Fills in the cotangents of z and of the candidate before activation; returns z, which is 1 in idle rows."""
    z = z if idle is None else np.where(idle, z.dtype.type(1), z)
    units = z.shape[1]
    by_z, by_candidate = step[:, :units], step[:, 2 * units :]
    np.subtract(h, candidate, out=by_z)
    by_z *= dh
    by_z *= z
    keep = 1 - z
    by_z *= keep
    keep *= dh
    np.multiply(candidate, candidate, out=by_candidate)
    np.subtract(1, by_candidate, out=by_candidate)
    by_candidate *= keep
    return z


def _multiply_by_logistic_slope(values: Array, gate: Array) -> None:
    values *= gate
    values *= 1 - gate


def simple_rnn_grad(slopes: Array, recurrent: Array, cotangents: Array, dh: Array, steps: Steps) -> tuple[Array, Array]:
    """The cotangents of the sums before activation, and of the first state. ``slopes`` are overwritten."""
    steps.clear_idle(slopes)
    transposed = recurrent.T
    dh, spare = dh.copy(), np.empty_like(dh, order="C")
    for t in reversed(steps.order):
        dh += cotangents[t]
        slopes[t] *= dh
        np.matmul(slopes[t], transposed, out=spare)
        dh, spare = _handed_on(dh, spare, steps.idle_at(t))
    return slopes, dh
