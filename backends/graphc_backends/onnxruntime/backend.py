"""The ONNX Runtime backend."""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from onnx import ModelProto

from graphc_backends.base import STATE_LOCK, Backend, CompileOptions, DeviceValue, Executable, StateCell
from graphc_backends.onnx.export import to_model
from graphc_backends.onnxruntime.binding import Binding, StateMemory
from graphc_backends.onnxruntime.dtypes import bridge, note_missing, refused_node
from graphc_backends.onnxruntime.fusion import FuseScaledAdd, can_fuse_scaled_add
from graphc_backends.onnxruntime.session import (
    RUNTIME_ERRORS,
    SESSIONS,
    Device,
    cuda_device_count,
    optimization_level,
    parse_device,
)
from graphc_backends.threads import num_threads
from graphc_ir.dtypes import string
from graphc_ir.errors import BackendError
from graphc_ir.evaluate import bind_inputs
from graphc_ir.graph import Graph
from graphc_ir.ops.base import Array
from graphc_ir.ops.optim import OptimizerUpdate
from graphc_ir.passes import ConstantFolding, DeadCodeElimination, ExpandUpdates, FuseGemm, Pass, optimize

RUN_ERRORS: Final[tuple[type[Exception], ...]] = (*RUNTIME_ERRORS, RuntimeError)
"""What a run raises: with bound memory, a plain RuntimeError."""

MAX_BINDINGS: Final = 16
"""How many shape bindings of one executable keep their memory."""


class OnnxRuntimeExecutable(Executable):
    """One session over the graph's ONNX form. State stays in the session's memory between steps."""

    def __init__(self, graph: Graph, backend: str, options: CompileOptions) -> None:
        super().__init__(graph, backend, options)
        self.device: Final = parse_device(options.device)
        self.session = open_session(graph, self.device, options.threads or num_threads())
        self._symbolic = not all(v.type.is_static for v in graph.inputs)
        self._bindable = all(v.type.dtype is not string for v in (*graph.inputs, *graph.outputs))
        self._bindings: OrderedDict[tuple[Any, ...], Binding] = OrderedDict()
        self._lock = threading.RLock()
        self._state: StateMemory | None = None
        self._cells: list[StateCell] = []
        self._fetchers: list[Callable[[], Array]] = [self._fetcher(i) for i in range(len(graph.states))]
        self._seen: list[Array | None] = [None] * len(graph.states)
        self._updated: Final = [i for i, s in enumerate(graph.states) if s.output is not None]

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        with self._lock:
            if not self._bindable:
                return self._run_unbound(inputs)
            results: list[Array] = self._guarded(self._binding(inputs, None).run, inputs)
            return results

    def run_device(self, *inputs: Any, **named: Any) -> Sequence[DeviceValue]:
        arrays = self._checked(inputs, named)
        with self._lock:
            if not self._bindable:
                return super().run_device(*arrays)
            return self._guarded(self._binding(arrays, None).run_device, arrays)  # type: ignore[no-any-return]

    def step(self, arguments: Sequence[Array], cells: Sequence[StateCell]) -> list[Array]:
        if not self._keeps_state:
            return super().step(arguments, cells)
        with STATE_LOCK, self._lock:
            if self._state is None:
                self._state = StateMemory(self.graph, self.device)
            self._load_state(cells)
            binding = self._binding(arguments, self._state)
            results: list[Array] = self._guarded(binding.run, arguments)
            for i in self._updated:
                cells[i].lend(self._fetchers[i])
        return results

    # --- state ----------------------------------------------------------------------------------------------

    def _state_inputs(self) -> list[Any]:
        return [self.graph.inputs[s.input] for s in self.graph.states]

    @functools.cached_property
    def _keeps_state(self) -> bool:
        """Whether the state can stay in memory of its own between steps."""
        return self._bindable and all(v.type.is_static for v in self._state_inputs())

    def _fetcher(self, i: int) -> Callable[[], Array]:
        def fetch() -> Array:
            assert self._state is not None
            return self._state.current[i].read()

        return fetch

    def _load_state(self, cells: Sequence[StateCell]) -> None:
        """Copies in every value that is not in the state memory already."""
        assert self._state is not None
        if any(new is not old for new, old in zip(cells, self._cells, strict=False)) or not self._cells:
            self._release_cells()
            self._cells = list(cells)
        for i, (cell, tensor, fetch) in enumerate(zip(cells, self._state.current, self._fetchers, strict=True)):
            if cell.is_lent_to(fetch):
                continue
            array = cell.read()
            if self._seen[i] is not array or i in self._updated:
                tensor.write(array)
                self._seen[i] = array if i not in self._updated else None

    def _release_cells(self) -> None:
        """Other Variables are about to use the memory: the former ones get their values back."""
        for cell, fetch in zip(self._cells, self._fetchers, strict=False):
            if cell.is_lent_to(fetch):
                cell.write(cell.read())

    # --- bindings -------------------------------------------------------------------------------------------

    def _binding(self, inputs: Sequence[Array], state: StateMemory | None) -> Binding:
        key = (state is None, *([np.shape(a) for a in inputs] if self._symbolic else ()))
        found = self._bindings.get(key)
        if found is not None:
            self._bindings.move_to_end(key)
            return found
        held = [] if state is None else [cell.read() for cell in self._cells]
        sizes = bind_inputs(self.graph, [*inputs, *held])
        created = self._bindings[key] = Binding(self.session, self.graph, sizes, self.device, state)
        while len(self._bindings) > MAX_BINDINGS:
            self._bindings.popitem(last=False)
        return created

    def _run_unbound(self, inputs: Sequence[Array]) -> list[Array]:
        """Strings have no memory to bind."""
        names = [i.name for i in self.session.get_inputs()]
        return list(self._guarded(lambda feed: self.session.run(None, feed), dict(zip(names, inputs, strict=True))))

    def _guarded(self, run: Callable[[Any], Any], inputs: Any) -> Any:
        try:
            return run(inputs)
        except RUN_ERRORS as error:
            raise BackendError(f"{self.graph.name} failed in ONNX Runtime: {error}") from error


class NoResults(Executable):
    """A graph without outputs. There is nothing to compute, and ONNX Runtime takes no such model."""

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        return []


def open_session(graph: Graph, device: Device, threads: int) -> Any:
    """A session for the graph, with dtypes widened where the runtime has no kernel.

    Raises ExportError for ops without ONNX form, BackendError for what the runtime cannot run.
    """
    exported = to_model(lowered(graph, device))
    updates = any(s.output is not None for s in graph.states)
    level = optimization_level(frozenset(n.op_type for n in exported.graph.node), updates)
    while True:
        model = bridge(exported)
        try:
            return SESSIONS.get(model.SerializeToString(), device, threads, level)
        except RUNTIME_ERRORS as error:
            _learn(graph, model, error)


def lowered(graph: Graph, device: Device) -> Graph:
    """Optimizer updates as plain ops, so that the products that make the gradients take in their scaling."""
    if not any(isinstance(node.op, OptimizerUpdate) for node in graph.nodes()):
        return graph
    return optimize(graph, passes=_lowering(device.provider), verify="never", cost=False)[0]


@functools.lru_cache
def _lowering(provider: str) -> tuple[Pass, ...]:
    fused = (FuseScaledAdd(), ConstantFolding()) if can_fuse_scaled_add(provider) else ()
    return ExpandUpdates(), FuseGemm(), *fused, DeadCodeElimination()


def _learn(graph: Graph, model: ModelProto, error: Exception) -> None:
    """Notes a missing kernel, so that the next attempt avoids it; any other failure is final."""
    name = refused_node(error)
    if name is None or not note_missing(model, name):
        raise BackendError(f"ONNX Runtime refused {graph.name}: {error}") from error


class OnnxRuntimeBackend(Backend):
    name = "onnxruntime"

    def compile(self, graph: Graph, options: CompileOptions) -> Executable:
        kind = OnnxRuntimeExecutable if graph.outputs else NoResults
        return kind(graph, self.name, options)

    def device_count(self, kind: str) -> int:
        return cuda_device_count() if kind == "cuda" else super().device_count(kind)
