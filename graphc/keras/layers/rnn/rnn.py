"""RNN: a cell over the steps of sequences."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from graphc.keras.engine.layer import Layer
from graphc.keras.layers.rnn.loop import Result, Walk, swap_time, walk
from graphc.keras.layers.rnn.stacked_rnn_cells import StackedRNNCells, built_cell, output_size_of
from graphc.keras.layers.rnn.states import as_list, first_states, like_states
from graphc.keras.serialization import deserialize_keras_object, serialize_keras_object
from graphc.keras.variable import Variable
from graphc.pytree import flatten, leaves_of, map_leaves, unflatten
from graphc_ir.dims import Dim
from graphc_ir.dtypes import bool_
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.base import Operand, lift, rank_of, shape_of
from graphc_ir.ops.creation import zeros
from graphc_ir.ops.elementwise import cast
from graphc_ir.ops.movement import reverse, squeeze

__all__ = ["RNN"]


class RNN(Layer):
    """Runs a cell over the steps of ``sequences`` [batch, time, ...]. A list of cells is stacked.

    A cell is a layer with ``state_size`` (a number of units, or a list of sizes, one per state) whose
    ``call(inputs, states)`` computes one step: it gives the output and the next states. ``output_size`` and
    ``get_initial_state(batch_size)`` are optional.

    Gives the last output, or all of them [batch, time, ...] with ``return_sequences``; with ``return_state``, the last
    states after it. ``go_backwards`` starts at the last step; the outputs then come in that order. ``stateful`` goes
    on, at each call, from where the call before ended (:meth:`reset_state` starts anew); the batch size is then fixed.
    ``unroll`` repeats the ops of a step in place of a loop. ``mask`` [batch, time]: a step where it is False leaves the
    states alone and repeats the output before it, or gives 0 with ``zero_output_for_mask``. ``time_major`` (as in
    TensorFlow 2.0): sequences and their outputs come as [time, batch, ...].
    """

    _untracked = frozenset({"states"})

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        time_major: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.cell = _checked_cell(StackedRNNCells(cell) if isinstance(cell, (list, tuple)) else cell)
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.time_major = time_major
        self.supports_masking = True
        self.states: Any = None

    @property
    def state_size(self) -> list[Any]:
        return as_list(self.cell.state_size)

    @property
    def output_size(self) -> Any:
        return output_size_of(self.cell)

    # --- building ------------------------------------------------------------------------------------------------

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        batch = sequences_shape[1 if self.time_major else 0]
        built_cell(self.cell, (batch, *sequences_shape[2:]))
        if self.stateful and self.states is None:
            self._make_states(batch)

    def _make_states(self, batch: int | None) -> None:
        if batch is None:
            raise ArgumentError(f"{type(self).__name__} {self.name!r} is stateful, so its batch size must be known; "
                                "pass batch_size= to Input, or call it on data")  # fmt: skip
        self.states = map_leaves(
            lambda state: Variable(state, trainable=False, name="rnn_state"), self.get_initial_state(batch)
        )

    def get_initial_state(self, batch_size: Dim) -> list[Any]:
        """The states that sequences start from, for a batch of this size."""
        return first_states(self.cell, batch_size, self.compute_dtype)

    def reset_state(self) -> None:
        """Sets the states of a stateful layer back to those that sequences start from."""
        self.reset_states()

    def reset_states(self, states: Any = None) -> None:
        """Sets the states of a stateful layer to ``states``, by default those that sequences start from.

        Raises ArgumentError for another number of them.
        """
        if self.states is None:
            return
        variables = leaves_of(self.states)
        wanted = leaves_of(self.get_initial_state(variables[0].shape[0]) if states is None else as_list(states))
        if len(wanted) != len(variables):
            raise ArgumentError(f"{self.name}: reset_states got {len(wanted)} states, expected {len(variables)}")
        for variable, value in zip(variables, wanted, strict=True):
            variable.assign(value)

    # --- computing -----------------------------------------------------------------------------------------------

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool | None = False) -> Any:
        x = swap_time(sequences) if self.time_major else sequences
        keep = self._bool_mask(mask, x)
        result = self.process(x, self._starting_states(initial_state, x), keep, training)
        self._remember(result.states)
        return self._arranged(result)

    def process(self, x: Operand, states: Any, mask: Operand | None, training: Any) -> Result:
        """Runs the cell over ``x`` [batch, time, ...] from ``states``; None stands for those that sequences start from.

        The sequence comes in the order of time, whatever the direction.
        """
        batch = shape_of(x)[0]
        start = self.get_initial_state(batch) if states is None else states
        how = Walk(self.go_backwards, self.unroll, self.return_sequences, self.zero_output_for_mask)
        with self._shared_masks((batch, *shape_of(x)[2:]), start, training):
            return walk(self._step(training), x, mask, start, self._no_output(batch), how)

    def _shared_masks(self, inputs: Any, states: Any, training: Any) -> AbstractContextManager[None]:
        shared = getattr(self.cell, "shared_masks", None)
        found: AbstractContextManager[None] = nullcontext() if shared is None else shared(inputs, states, training)
        return found

    def _step(self, training: Any) -> Any:
        cell = self.cell

        def step(x: Any, states: Any) -> tuple[Any, Any]:
            output, following = cell(x, states, training=training) if isinstance(cell, Layer) else cell.call(x, states)
            # A cell of another dtype policy may give another dtype.
            own = map_leaves(lambda x: cast(x, self.compute_dtype), output)
            return own, like_states(following, states, f"the cell {cell!r}")

        return step

    def _no_output(self, batch: Dim) -> Any:
        """Zeros like an output."""
        size = self.output_size
        return zeros((batch, *(size if isinstance(size, (list, tuple)) else (size,))), self.compute_dtype)

    def _starting_states(self, given: Any, x: Operand) -> Any:
        if given is None:
            return map_leaves(lambda v: v.read_value(), self._fitting_states(x)) if self.stateful else None
        states = as_list(given)
        wanted, structure = flatten(self._described_states())
        leaves = leaves_of(states)
        if len(leaves) != len(wanted):
            raise ArgumentError(f"{type(self).__name__} {self.name!r} has {len(wanted)} states, but initial_state "
                                f"holds {len(leaves)} tensors")  # fmt: skip
        return unflatten(structure, [cast(lift(leaf), self.compute_dtype) for leaf in leaves])

    def _described_states(self) -> Any:
        """A structure like that of the states."""
        return self.get_initial_state(1)

    def _fitting_states(self, x: Operand) -> Any:
        batch, fixed = shape_of(x)[0], leaves_of(self.states)[0].shape[0]
        if isinstance(batch, int) and batch != fixed:
            raise ShapeError(f"{type(self).__name__} {self.name!r} is stateful and was built for a batch size of "
                             f"{fixed}, but got a batch of {batch}; pass batches of {fixed}")  # fmt: skip
        return self.states

    def _remember(self, states: Any) -> None:
        if self.stateful:
            for variable, state in zip(leaves_of(self.states), leaves_of(states), strict=True):
                variable.assign(state)

    def _bool_mask(self, mask: Any, x: Operand) -> Operand | None:
        found = next(iter(mask), None) if isinstance(mask, (list, tuple)) else mask
        if found is None:
            return None
        keep = cast(lift(found), bool_)
        if rank_of(keep) == 3:
            keep = squeeze(keep, 2)
        if rank_of(keep) != 2:
            raise ShapeError(f"{type(self).__name__} {self.name!r}: a mask must have the shape [batch, time], got "
                             f"{list(shape_of(keep))} for sequences {list(shape_of(x))}")  # fmt: skip
        return swap_time(keep) if self.time_major else keep

    def _arranged(self, result: Result) -> Any:
        """What the call returns: the output in the order of computation, and the states if asked for."""
        output = map_leaves(self._ordered, result.output) if self.return_sequences else result.output
        return (output, *result.states) if self.return_state else output

    def _ordered(self, sequence: Operand) -> Operand:
        ordered = reverse(sequence, 1) if self.go_backwards else sequence
        return swap_time(ordered) if self.time_major else ordered

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of sequences for the output, if it is one; none for the states."""
        given = leaves_of(mask)
        own = given[0] if given and self.return_sequences else None
        return [own, *(None for _ in self.state_size)] if self.return_state else own

    # --- configuration -------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        time_major = {"time_major": True} if self.time_major else {}
        return {
            **super().get_config(),
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            "stateful": self.stateful,
            "unroll": self.unroll,
            "zero_output_for_mask": self.zero_output_for_mask,
            **time_major,
            "cell": serialize_keras_object(self.cell),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
        arguments = dict(config)
        cell = deserialize_keras_object(arguments.pop("cell"), custom_objects)
        return cls(cell, **arguments)


def _checked_cell(cell: Any) -> Any:
    if not callable(getattr(cell, "call", None)):
        raise ArgumentError(f"RNN needs a cell with a call method, got {cell!r}")
    if not hasattr(cell, "state_size"):
        raise ArgumentError("RNN needs a cell with a state_size (an integer, or a list with one per state), got "
                            f"{cell!r}")  # fmt: skip
    return cell
