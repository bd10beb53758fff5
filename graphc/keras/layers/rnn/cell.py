"""What the built-in recurrent cells have in common."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar, TypedDict

from graphc.keras import activations, constraints, initializers, regularizers
from graphc.keras.engine.layer import Layer
from graphc.keras.layers.rnn.dropout_masks import DropoutMasks, masked
from graphc_ir.dims import Dim, Shape
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import Operand, lift, shape_of
from graphc_ir.ops.creation import zeros
from graphc_ir.ops.elementwise import add, cast
from graphc_ir.ops.linalg import matmul

__all__ = ["CellOptions", "RecurrentCell", "cell_arguments", "positive_units"]


class CellOptions(TypedDict):
    """How a cell's weights start, what is asked of them, and its dropout."""

    use_bias: bool
    kernel_initializer: Any
    recurrent_initializer: Any
    bias_initializer: Any
    kernel_regularizer: Any
    recurrent_regularizer: Any
    bias_regularizer: Any
    kernel_constraint: Any
    recurrent_constraint: Any
    bias_constraint: Any
    dropout: float
    recurrent_dropout: float
    seed: int | None


class RecurrentCell(Layer):
    """Base: weights ``kernel`` (inputs, gates), ``recurrent_kernel`` (units, gates) and ``bias``, where ``gates`` is
    ``units`` for each gate.

    ``call(inputs, states, training)`` computes one step from ``inputs`` [batch, features] and gives the output and
    the next states. ``state_size`` are the sizes of the states, ``output_size`` that of the output.
    """

    gates: ClassVar[int] = 1

    def __init__(self, units: int, activation: Any, options: CellOptions, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = positive_units(units, type(self).__name__)
        self.activation = activations.get(activation)
        self.use_bias = options["use_bias"]
        self.kernel_initializer = initializers.get(options["kernel_initializer"])
        self.recurrent_initializer = initializers.get(options["recurrent_initializer"])
        self.bias_initializer = initializers.get(options["bias_initializer"])
        self.kernel_regularizer = regularizers.get(options["kernel_regularizer"])
        self.recurrent_regularizer = regularizers.get(options["recurrent_regularizer"])
        self.bias_regularizer = regularizers.get(options["bias_regularizer"])
        self.kernel_constraint = constraints.get(options["kernel_constraint"])
        self.recurrent_constraint = constraints.get(options["recurrent_constraint"])
        self.bias_constraint = constraints.get(options["bias_constraint"])
        self.seed = options["seed"]
        self.masks = DropoutMasks(options["dropout"], options["recurrent_dropout"], self.seed)
        self.seed_generator = self.masks.generator
        self.bias: Any = None
        self.state_size: Any = self.units
        self.output_size = self.units

    @property
    def dropout(self) -> float:
        return self.masks.dropout

    @property
    def recurrent_dropout(self) -> float:
        return self.masks.recurrent_dropout

    def build(self, input_shape: Any) -> None:
        width = self.gates * self.units
        self.make_weights((input_shape[-1], width), (self.units, width))

    def make_weights(self, kernel: tuple[int, ...], recurrent_kernel: tuple[int, ...]) -> None:
        """Adds weights of these shapes, and the bias."""
        self.kernel = self.add_weight(
            name="kernel", shape=kernel, initializer=self.kernel_initializer, regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )  # fmt: skip
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel", shape=recurrent_kernel, initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer, constraint=self.recurrent_constraint,
        )  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=self.bias_shape(), initializer=self.first_bias(),
                regularizer=self.bias_regularizer, constraint=self.bias_constraint,
            )  # fmt: skip

    def bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def first_bias(self) -> Any:
        """The initializer of the bias."""
        return self.bias_initializer

    def get_initial_state(self, batch_size: Dim | None = None) -> list[Any]:
        """Zeros, [batch, size] for each state."""
        sizes = self.state_size if isinstance(self.state_size, list) else [self.state_size]
        return [zeros((batch_size, size), self.compute_dtype) for size in sizes]

    def shared_masks(self, inputs: Shape, states: Sequence[Any], training: Any) -> AbstractContextManager[None]:
        """Inside the block, all steps drop the same elements. ``inputs``: the shape of the inputs of one step."""
        if not training:
            return nullcontext()
        return self.masks.shared(inputs, (inputs[0], self.units), self.compute_dtype)

    def dropped(self, inputs: Any, h: Any, training: Any) -> tuple[Operand, Operand]:
        """Inputs and state after dropout, in the dtype of the computation."""
        kind = self.compute_dtype
        x, state = cast(inputs, kind), cast(lift(h), kind)
        if not training:
            return x, state
        masks = self.masks
        return masked(x, masks.of_inputs(shape_of(x), kind)), masked(state, masks.of_state(shape_of(state), kind))

    def from_inputs(self, x: Operand) -> Operand:
        """What the gates get from the inputs."""
        product = matmul(x, self.kernel)
        return product if self.bias is None else add(product, self.bias)

    def weight_config(self, *between: tuple[str, Any]) -> dict[str, Any]:
        """Initializers, ``between``, regularizers, constraints and dropout."""
        return {
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "recurrent_initializer": initializers.serialize(self.recurrent_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            **dict(between),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "recurrent_regularizer": regularizers.serialize(self.recurrent_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "recurrent_constraint": constraints.serialize(self.recurrent_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
        }


def positive_units(units: Any, what: str) -> int:
    """A number of units. Raises ArgumentError unless it is a positive integer."""
    if isinstance(units, bool) or not isinstance(units, int) or units <= 0:
        raise ArgumentError(f"{what}: units must be a positive integer, got {units!r}")
    return units


def cell_arguments(name: str, options: dict[str, Any]) -> dict[str, Any]:
    """Name, dtype and trainability of the cell of a layer with these options."""
    return {"name": name, "dtype": options.get("dtype"), "trainable": options.get("trainable", True)}
