"""What recurrent layers have in common: operands, layout, idle steps, and which part of a gradient needs no loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final, NamedTuple

import numpy as np

from graphc_ir import dims
from graphc_ir.dims import Dim, Shape
from graphc_ir.dtypes import int32
from graphc_ir.errors import DTypeError, ShapeError
from graphc_ir.ops import rnn_kernels as kernels
from graphc_ir.ops.base import Array, NotDifferentiable, Op, Operand, dtype_of, lift, rank_of, shape_of, type_of
from graphc_ir.ops.creation import iota
from graphc_ir.ops.elementwise import add, check_kind, greater, less, select, sub
from graphc_ir.ops.linalg import matmul
from graphc_ir.ops.movement import broadcast_to, concat, expand_dims, reshape, slice_axis, transpose
from graphc_ir.ops.regions import VJP_RULES
from graphc_ir.types import TensorType

States = Sequence[Array]
Loop = Callable[..., tuple[Operand, ...]]
LOOPS: Final[dict[type[Op], Loop]] = {}
"""Each op over steps written as scans. Filled by ``graphc_ir.autodiff.recurrence``, since ops cannot build regions."""

_LENGTHS: Final = NotDifferentiable("lengths are integers")


class Inputs(NamedTuple):
    """The operands of a recurrent op; None and () for those that are left out."""

    x: Any
    kernel: Any
    recurrent: Any
    bias: Any
    state: tuple[Any, ...]
    lengths: Any


class OverTime(Op, abstract=True):
    """An op over steps. ``lengths``: the last operand counts the steps that each row of the batch has, int32 [batch];
    later ones are idle and leave the state alone.

    ``reverse``: from the last step to the first; the data stays in the order of time. ``time_major``: the data is
    [time, batch, ...] instead of [batch, time, ...].
    """

    lengths: bool
    reverse: bool
    time_major: bool

    def decompose(self, *operands: Operand) -> tuple[Operand, ...]:
        return LOOPS[type(self)](self, *operands)

    def timed(self, values: Any) -> Any:
        """Arrays of steps with the time first, or back again."""
        return values if self.time_major else values.swapaxes(0, 1)

    @property
    def time_axis(self) -> int:
        return 0 if self.time_major else 1

    def per_step(self, batch: Dim, time: Dim, size: Dim) -> Shape:
        """The shape of an array of steps."""
        return (time, batch, size) if self.time_major else (batch, time, size)

    def sizes(self, data: TensorType) -> tuple[Dim, Dim]:
        """Batch and time of an array of steps."""
        return data.shape[1 - self.time_axis], data.shape[self.time_axis]

    def require(self, what: str, have: TensorType, want: Shape) -> None:
        """Raises ShapeError unless an operand has the shape that the others ask for."""
        shown = f"[{', '.join(map(str, want))}]"
        if have.rank != len(want):
            raise ShapeError(f"{self.name}: {what} must have shape {shown}, got {have}")
        try:
            for a, b in zip(have.shape, want, strict=True):
                dims.require_equal(a, b, f"{what} {have}, expected {shown}")
        except ValueError as error:
            raise ShapeError(f"{self.name}: {error}") from error

    def require_lengths(self, lengths: TensorType, batch: Dim) -> None:
        if lengths.dtype is not int32:
            raise DTypeError(f"{self.name}: lengths must be int32, got {lengths}; cast them")
        self.require("lengths", lengths, (batch,))

    def valid(self, lengths: Operand, time: Dim) -> Operand:
        """bool: whether a row has the step; broadcasts against arrays of steps."""
        numbers = reshape(iota(time, int32), (time, 1, 1) if self.time_major else (time, 1))
        return less(numbers, self.per_row(lengths))

    def per_row(self, vector: Operand) -> Operand:
        """A value per row of the batch, shaped to broadcast against arrays of steps."""
        (batch,) = shape_of(vector)
        return reshape(vector, (batch, 1) if self.time_major else (batch, 1, 1))


class Recurrent(OverTime, abstract=True):
    """A recurrent layer: (x, kernel, recurrent kernel[, bias][, first states][, lengths]) -> (sequence, last states
    [, gates]).

    Without ``state``, the first states are zeros. The sequence holds the output of each step. At idle steps it is 0 if
    ``zero_output`` or ``reverse``, else the last output before; rows without any step have 0 everywhere.

    The gates (0 at idle steps) are there for the gradient op, which would have to compute them again. No gradient flows
    through them: they are what :meth:`activated` makes of the operands and the sequence.
    """

    bias: bool
    state: bool
    zero_output: bool
    blocks: ClassVar[int] = 1  # of ``units`` columns in the weights
    states: ClassVar[int] = 1

    @property
    def saved(self) -> int:
        """How many blocks of ``units`` the gates have; 0: there is no such result."""
        return 0

    @property
    def num_results(self) -> int:
        return 1 + self.states + bool(self.saved)

    def named(self, operands: Sequence[Any]) -> Inputs:
        """The operands by name."""
        wanted = 3 + self.bias + self.state * self.states + self.lengths
        if len(operands) != wanted:
            raise ShapeError(f"{self.name} with bias={self.bias}, state={self.state}, lengths={self.lengths} takes "
                             f"{wanted} operands, got {len(operands)}")  # fmt: skip
        x, kernel, recurrent, *rest = operands
        bias = rest.pop(0) if self.bias else None
        lengths = rest.pop() if self.lengths else None
        return Inputs(x, kernel, recurrent, bias, tuple(rest), lengths)

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        given = self.named(types)
        check_kind(self, "f", *types[: len(types) - self.lengths])
        self._require_data(given.x, given.recurrent)
        units, (batch, time) = given.recurrent.shape[0], self.sizes(given.x)
        self.require("the kernel", given.kernel, (given.x.shape[2], self.blocks * units))
        self.require("the recurrent kernel", given.recurrent, (units, self.blocks * units))
        if given.bias is not None:
            self.require("the bias", given.bias, self.bias_shape(units))
        for state in given.state:
            self.require("a first state", state, (batch, units))
        if given.lengths is not None:
            self.require_lengths(given.lengths, batch)
        sequence, gates = (given.x.with_shape(self.per_step(batch, time, n * units)) for n in (1, self.saved))
        return sequence, *(given.x.with_shape((batch, units)),) * self.states, *(gates,) * bool(self.saved)

    def _require_data(self, x: TensorType, recurrent: TensorType) -> None:
        if x.rank != 3:
            order = "[time, batch, features]" if self.time_major else "[batch, time, features]"
            raise ShapeError(f"{self.name} takes data {order}, got {x}; add the missing axis, e.g. x[:, :, None]")
        if recurrent.rank != 2 or not isinstance(recurrent.shape[0], int):
            raise ShapeError(f"{self.name}: the recurrent kernel must be a matrix with a known number of units as its "
                             f"first size, got {recurrent}")  # fmt: skip

    def bias_shape(self, units: int) -> Shape:
        return (self.blocks * units,)

    def kernel(self, *arrays: Any) -> Any:
        narrow = arrays[0].dtype
        given = self.named([widened(array) for array in arrays])
        batch, time = given.x.shape[1 - self.time_axis], given.x.shape[self.time_axis]
        units = given.recurrent.shape[0]
        steps = kernels.Steps(time, self.reverse, given.lengths)
        sequence = np.empty(self.per_step(batch, time, units), given.x.dtype)
        zeros = np.zeros((batch, units), given.x.dtype)
        states, gates = self.run(given, given.state or (zeros,) * self.states, self.timed(sequence), steps)
        if given.lengths is not None:
            self._clear_idle(self.timed(sequence), given.lengths, steps)
        for saved in gates:
            steps.clear_idle(self.timed(saved))
        return narrowed((sequence, *states, *gates), narrow)

    def _clear_idle(self, sequence: Array, lengths: Array, steps: kernels.Steps) -> None:
        if self.zero_output or self.reverse:
            steps.clear_idle(sequence)
        else:
            sequence[:, lengths <= 0] = 0

    def shown(self, values: Operand, lengths: Operand | None) -> Operand:
        """An array of steps, 0 where the sequence is 0 by definition."""
        if lengths is None:
            return values
        zero_idle = self.zero_output or self.reverse
        time = shape_of(values)[self.time_axis]
        some = self.valid(lengths, time) if zero_idle else greater(self.per_row(lengths), 0)
        return select(some, values, lift(0, dtype_of(values)))

    def run(self, given: Inputs, states: States, sequence: Array, steps: kernels.Steps) -> tuple[States, States]:
        """Fills the sequence (time first), in which idle rows may hold anything; returns the last states, and the gates
        if they are a result."""
        raise NotImplementedError

    def activated(self, given: Inputs, previous: Operand) -> Operand:
        """The gates from the operands and the states before each step; idle steps may hold anything."""
        raise NotImplementedError

    # --- gradient ----------------------------------------------------------------------------------------------------

    def previous(self, sequence: Operand, given: Inputs) -> Operand:
        """The state before each step; idle steps may hold anything."""
        axis, time = self.time_axis, shape_of(sequence)[self.time_axis]
        first = expand_dims(self.first_state(sequence, given), axis)
        if not self.reverse:
            return concat([first, slice_axis(sequence, axis, 0, time - 1)], axis)
        following = concat([slice_axis(sequence, axis, 1, time), first], axis)
        if given.lengths is None or not given.state:
            return following  # idle steps are 0 in the sequence, as is the first state
        return select(self.valid(sub(given.lengths, 1), time), following, first)

    def first_state(self, sequence: Operand, given: Inputs) -> Operand:
        if given.state:
            return given.state[0]
        batch, _ = self.sizes(type_of(sequence))
        return broadcast_to(lift(0, dtype_of(sequence)), (batch, shape_of(sequence)[2]))

    def arrange(self, given: Inputs, x: Any, weights: Sequence[Any], states: Sequence[Any]) -> tuple[Any, ...]:
        """Cotangents in the order of the operands."""
        of_bias = weights[2:] if given.bias is not None else ()
        of_lengths = () if given.lengths is None else (_LENGTHS,)
        return (x, *weights[:2], *of_bias, *(states if given.state else ()), *of_lengths)

    def arguments(self, given: Inputs, g: Sequence[Operand]) -> tuple[Sequence[Operand], Sequence[Operand]]:
        """What gradient ops take: the cotangents of the sequence and of the last states; and the lengths."""
        counts = () if given.lengths is None else (given.lengths,)
        return (self.shown(g[0], given.lengths), *g[1 : 1 + self.states]), counts

    def fields(self, *names: str) -> dict[str, Any]:
        """Those that the gradient op has too."""
        return {name: getattr(self, name) for name in ("lengths", "reverse", "time_major", *names)}


def widened(array: Array) -> Array:
    """Half-precision data in float32, in which the kernels compute."""
    is_narrow = array.dtype.kind not in "iu" and array.dtype.itemsize == 2
    return array.astype(np.float32) if is_narrow else array


def narrowed(arrays: Sequence[Array], dtype: Any) -> tuple[Array, ...]:
    """Results in the dtype of the operands."""
    return tuple(array.astype(dtype, copy=False) for array in arrays)


def rows(values: Operand) -> Operand:
    """An array of steps as a matrix: one row per step."""
    return reshape(values, (-1, shape_of(values)[2]))


def over_steps(x: Operand, g: Operand) -> Operand:
    """The cotangent of weights: ``x' g`` over all steps."""
    return matmul(transpose(rows(x)), rows(g))


def through(values: Operand, weights: Operand) -> Operand:
    """``values @ weights`` over the last axis as one matrix product."""
    product = matmul(rows(values), weights)
    return reshape(product, (*shape_of(values)[:2], shape_of(weights)[1]))


def projected(values: Operand, weights: Operand, bias: Operand | None) -> Operand:
    """``values @ weights + bias`` over the last axis."""
    product = through(values, weights)
    return product if bias is None else add(product, bias)


def gate_inputs(given: Inputs | GradInputs, previous: Operand) -> Operand:
    """What the gates get from the inputs and from the states before each step."""
    return add(projected(given.x, given.kernel, given.bias), through(previous, given.recurrent))


def columns(values: Operand, start: Dim, stop: Dim) -> Operand:
    """A range of the last axis."""
    return slice_axis(values, rank_of(values) - 1, start, stop)


class GradInputs(NamedTuple):
    """The operands of a gradient op by name; None and () for those that are left out."""

    x: Any
    kernel: Any
    recurrent: Any
    bias: Any
    previous: Any
    gates: Any
    cotangents: tuple[Any, ...]
    cell: tuple[Any, ...]
    lengths: Any


class RecurrentGrad(OverTime, abstract=True):
    """What of a recurrent layer's gradient goes from step to step: (x, kernel, recurrent kernel[, bias], the states
    before each step, the gates, cotangents of the sequence and of the last states[, first cell state][, lengths]) ->
    (cotangent of the gates before activation, ..., cotangents of the first states).

    The gates must be those of the other operands. Kernels use them as they are; only further derivatives need to know
    what they depend on.
    """

    bias: bool
    states: ClassVar[int] = 1

    def vjp(self, g: Any, y: Any, *operands: Operand) -> Any:
        return VJP_RULES[type(self)](self, g, operands, ())

    def activated(self, given: GradInputs) -> Operand:
        """The gates from what they depend on."""
        raise NotImplementedError

    @property
    def cells(self) -> int:
        """How many first cell states are among the operands."""
        return 0

    def named(self, operands: Sequence[Any]) -> GradInputs:
        """The operands by name."""
        wanted = 6 + self.bias + self.states + self.cells + self.lengths
        if len(operands) != wanted:
            raise ShapeError(f"{self.name} {self.attributes()} takes {wanted} operands, got {len(operands)}")
        x, kernel, recurrent, *rest = operands
        bias = rest.pop(0) if self.bias else None
        lengths = rest.pop() if self.lengths else None
        previous, gates, *rest = rest
        cut = 1 + self.states
        return GradInputs(
            x, kernel, recurrent, bias, previous, gates, tuple(rest[:cut]), tuple(rest[cut:]), lengths
        )  # fmt: skip

    def check(self, types: Sequence[TensorType], blocks: int) -> None:
        """Raises unless the operands fit together; the gates have so many ``blocks`` of ``units``."""
        given = self.named(types)
        check_kind(self, "f", *types[: len(types) - self.lengths])
        if given.gates.rank != 3 or given.recurrent.rank != 2:
            raise ShapeError(f"{self.name} takes arrays of steps and matrices, got {', '.join(map(str, types))}")
        units, (batch, time) = given.recurrent.shape[0], self.sizes(given.gates)
        self.require("the gates", given.gates, self.per_step(batch, time, blocks * units))
        for what, steps in (("the states", given.previous), ("the sequence's cotangent", given.cotangents[0])):
            self.require(what, steps, self.per_step(batch, time, units))
        for state in (*given.cotangents[1:], *given.cell):
            self.require("a state or its cotangent", state, (batch, units))
        if given.lengths is not None:
            self.require_lengths(given.lengths, batch)

    def steps_of(self, gates: Array, lengths: Array | None) -> kernels.Steps:
        """How the layer went over its steps."""
        return kernels.Steps(gates.shape[self.time_axis], self.reverse, lengths)
