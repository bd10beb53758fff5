"""A session bound to memory for one set of shapes: the hot path, without dictionaries and without
allocation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc_backends.onnxruntime.memory import BoundTensor, HostTensor, OrtTensor, bound_tensor, is_copied
from graphc_backends.onnxruntime.session import Device
from graphc_ir.graph import Graph, Value
from graphc_ir.ops.base import Array
from graphc_ir.types import TensorType


class StateMemory:
    """The double buffers of an executable's state: a run reads one side and writes the other."""

    def __init__(self, graph: Graph, device: Device) -> None:
        types = [graph.inputs[s.input].type for s in graph.states]
        updated = [s.output is not None for s in graph.states]
        first = [bound_tensor(t, device) for t in types]
        second = [bound_tensor(t, device) if u else f for t, u, f in zip(types, updated, first, strict=True)]
        self.sides = (first, second)
        self.turn = 0

    @property
    def current(self) -> list[BoundTensor]:
        return self.sides[self.turn]


class Binding:
    """Arguments and results in fixed memory; state either in the double buffers or bound like arguments."""

    def __init__(
        self, session: Any, graph: Graph, sizes: dict[str, int], device: Device, state: StateMemory | None
    ) -> None:
        self._session = session
        self._device = device
        self._state = state
        self._names = [o.name for o in session.get_outputs()]
        input_names = [i.name for i in session.get_inputs()]
        count = graph.num_arguments if state is not None else len(graph.inputs)
        fetched = graph.num_results if state is not None else len(graph.outputs)
        self._inputs = [bound_tensor(v.type.substitute(sizes), device) for v in graph.inputs[:count]]
        self._writers: list[Callable[[Array], None]] = [t.write for t in self._inputs]
        self._results = [_Result(v, sizes, device) for v in graph.outputs[:fetched]]
        self._renewed = [(r, n) for r, n in zip(self._results, self._names, strict=False) if r.must_be_renewed]
        self._bindings = [session.io_binding() for _ in range(2 if state is not None else 1)]
        for side, binding in enumerate(self._bindings):
            for name, tensor in zip(input_names, self._inputs, strict=False):
                binding.bind_ortvalue_input(name, tensor.value)
            for name, result in zip(self._names, self._results, strict=False):
                result.bind(binding, name)
            if state is not None:
                self._bind_state(binding, graph, state, side, input_names)

    def _bind_state(self, binding: Any, graph: Graph, state: StateMemory, side: int, input_names: list[str]) -> None:
        for i, entry in enumerate(graph.states):
            binding.bind_ortvalue_input(input_names[entry.input], state.sides[side][i].value)
            if entry.output is not None:
                binding.bind_ortvalue_output(self._names[entry.output], state.sides[1 - side][i].value)

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """Runs and returns the results; with state memory, the other side is current afterwards."""
        for write, array in zip(self._writers, inputs, strict=True):
            write(array)
        for result, name in self._renewed:
            result.renew(self._bindings, name)
        state = self._state
        binding = self._bindings[0 if state is None else state.turn]
        self._session.run_with_iobinding(binding)
        if state is not None:
            state.turn = 1 - state.turn
        return [result.take(binding, i) for i, result in enumerate(self._results)]

    def run_device(self, inputs: Sequence[Array]) -> list[OrtTensor]:
        """Like ``run`` without state memory; the results are new memory of the device."""
        for write, array in zip(self._writers, inputs, strict=True):
            write(array)
        binding = self._session.io_binding()
        for entry, tensor in zip(self._session.get_inputs(), self._inputs, strict=True):
            binding.bind_ortvalue_input(entry.name, tensor.value)
        for name in self._names:
            binding.bind_output(name, self._device.kind, self._device.index)
        self._session.run_with_iobinding(binding)
        return [OrtTensor(value) for value in binding.get_outputs()]


class _Result:
    """How one result leaves the session: copied out of fixed memory, handed out, or allocated by the
    runtime.
    """

    def __init__(self, value: Value, sizes: dict[str, int], device: Device) -> None:
        self.type: TensorType = value.type.substitute(sizes)
        self._device = device
        self._tensor = bound_tensor(self.type, device) if self.type.is_static else None
        self.is_handed_out = isinstance(self._tensor, HostTensor) and not is_copied(self.type)

    def bind(self, binding: Any, name: str) -> None:
        if self._tensor is None:
            binding.bind_output(name, self._device.kind, self._device.index)
        else:
            binding.bind_ortvalue_output(name, self._tensor.value)

    def take(self, binding: Any, position: int) -> Array:
        """The result of the last run, for the caller to keep."""
        tensor = self._tensor
        if tensor is None:
            return np.array(binding.get_outputs()[position].numpy())
        return tensor.array if self.is_handed_out and isinstance(tensor, HostTensor) else tensor.read()

    @property
    def must_be_renewed(self) -> bool:
        """Whether a run may not write where the run before it wrote."""
        return self._tensor is None or self.is_handed_out

    def renew(self, bindings: Sequence[Any], name: str) -> None:
        """Other memory for the next run, if the caller still holds the last result or its size may have changed."""
        if self._tensor is None:
            for binding in bindings:
                self.bind(binding, name)
        elif isinstance(self._tensor, HostTensor) and self._tensor.is_kept:
            self._tensor = HostTensor(self.type)
            for binding in bindings:
                binding.bind_ortvalue_output(name, self._tensor.value)
