"""StackedRNNCells: several cells, one on top of the other, as one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from graphc.keras.engine.layer import Layer
from graphc.keras.layers.rnn.states import as_list, first_states
from graphc.keras.serialization import deserialize_keras_object, serialize_keras_object
from graphc_ir.dims import Dim, Shape
from graphc_ir.errors import ArgumentError

__all__ = ["StackedRNNCells", "built_cell", "output_size_of"]


class StackedRNNCells(Layer):
    """Each cell takes the output of the one before. The states are a list with the states of each cell: what its
    ``get_initial_state`` gives; without one, a tensor for a ``state_size`` that is a number, else a list.

    Raises ArgumentError for something that is no cell.
    """

    def __init__(self, cells: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for cell in cells:
            if not callable(getattr(cell, "call", None)) or not hasattr(cell, "state_size"):
                raise ArgumentError(f"StackedRNNCells takes cells, with a call method and a state_size; got {cell!r}")
        self.cells = list(cells)

    @property
    def state_size(self) -> list[Any]:
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> Any:
        return output_size_of(self.cells[-1])

    def get_initial_state(self, batch_size: Dim | None = None) -> list[Any]:
        """A list with the first states of each cell."""
        return [_start(cell, batch_size, self.compute_dtype) for cell in self.cells]

    def build(self, input_shape: Any) -> None:
        shape = tuple(input_shape)
        for cell in self.cells:
            built_cell(cell, shape)
            size = output_size_of(cell)
            shape = (shape[0], *(size if isinstance(size, (list, tuple)) else (size,)))

    def call(self, inputs: Any, states: Any, training: bool | None = False, **kwargs: Any) -> Any:
        following = []
        for cell, own in zip(self.cells, states, strict=True):
            inputs, new = cell(inputs, as_list(own), training=training, **kwargs)
            following.append(as_list(new) if isinstance(own, (list, tuple)) else as_list(new)[0])
        return inputs, following

    @contextmanager
    def shared_masks(self, inputs: Shape, states: Sequence[Any], training: Any) -> Iterator[None]:
        """Inside the block, all steps drop the same elements in each cell that drops any."""
        with ExitStack() as stack:
            for cell, own in zip(self.cells, states, strict=True):
                if hasattr(cell, "shared_masks"):
                    stack.enter_context(cell.shared_masks(inputs, as_list(own), training))
                size = output_size_of(cell)
                inputs = (inputs[0], *(size if isinstance(size, (list, tuple)) else (size,)))
            yield

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "cells": [serialize_keras_object(cell) for cell in self.cells]}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
        arguments = dict(config)
        cells = [deserialize_keras_object(cell, custom_objects) for cell in arguments.pop("cells")]
        return cls(cells, **arguments)


def _start(cell: Any, batch: Dim | None, dtype: str) -> Any:
    states = first_states(cell, batch, dtype)
    has_list = hasattr(cell, "get_initial_state") or isinstance(cell.state_size, (list, tuple))
    return states if has_list else states[0]


def output_size_of(cell: Any) -> Any:
    """The size (or shape) of a cell's output: its ``output_size``, else the size of its first state."""
    size = getattr(cell, "output_size", None)
    return as_list(cell.state_size)[0] if size is None else size


def built_cell(cell: Any, input_shape: tuple[int | None, ...]) -> None:
    """Builds a cell for the inputs of one step, if it has weights to make."""
    if isinstance(cell, Layer) and not cell.built and type(cell).build is not Layer.build:
        cell.build(input_shape)
