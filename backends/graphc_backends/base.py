"""What a backend is: it compiles a graph into an executable."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from graphc_ir.errors import ArgumentError, BackendError
from graphc_ir.evaluate import bind_inputs
from graphc_ir.graph import Graph
from graphc_ir.ops.base import Array


@dataclass(frozen=True)
class CompileOptions:
    """How to compile. ``device`` is ``"cpu"`` or ``"cuda:N"``; ``threads`` None means the package-wide setting."""

    device: str = "cpu"
    threads: int | None = None


class StateCell:
    """The storage of one Variable. Holds a host array, or belongs to an executable that keeps the value elsewhere
    (on a device, or in a buffer that it updates in place) and hands out copies."""

    __slots__ = ("_array", "_fetch")

    def __init__(self, array: Array) -> None:
        self._array: Array | None = array
        self._fetch: Callable[[], Array] | None = None

    def read(self) -> Array:
        """The current value. Never written to afterwards, so it may be kept."""
        if self._array is None:
            assert self._fetch is not None
            self._array = self._fetch()
        return self._array

    def write(self, array: Array) -> None:
        """A new value. The caller gives the array away."""
        self._array = array
        self._fetch = None

    def lend(self, fetch: Callable[[], Array]) -> None:
        """The value now lives elsewhere; ``fetch`` makes a copy of it."""
        self._array = None
        self._fetch = fetch

    def is_lent_to(self, fetch: Callable[[], Array]) -> bool:
        return self._fetch is fetch


class Executable:
    """A compiled graph. Call it with arrays in input order or by name; it returns arrays in output order."""

    def __init__(self, graph: Graph, backend: str, options: CompileOptions) -> None:
        self.graph = graph
        self.backend = backend
        self.options = options
        self.updates: Final = [(s.output, i) for i, s in enumerate(graph.states) if s.output is not None]
        self.num_results: Final = graph.num_results

    def __call__(self, *inputs: Any, **named: Any) -> list[Array]:
        """All outputs (new state values last). Inputs: arrays in order, the rest by name.

        Raises ArgumentError for a missing, unknown or wrongly typed input.
        """
        arrays = [np.asarray(a) for a in self._ordered(inputs, named)]
        bind_inputs(self.graph, arrays)
        return self.run(arrays)

    def _ordered(self, inputs: tuple[Any, ...], named: dict[str, Any]) -> list[Any]:
        names = [v.name or f"input_{i}" for i, v in enumerate(self.graph.inputs)]
        rest = names[len(inputs) :]
        missing, unknown = [n for n in rest if n not in named], [n for n in named if n not in rest]
        if missing or unknown or len(inputs) > len(names):
            raise ArgumentError(f"{self.graph.name} takes the inputs {', '.join(names)}; got {len(inputs)} in order and "
                                f"{list(named)} by name (missing {missing}, unknown {unknown})")  # fmt: skip
        return [*inputs, *(named[n] for n in rest)]

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """All outputs, for inputs that are known to fit the graph's types."""
        raise NotImplementedError

    def step(self, arguments: Sequence[Array], cells: Sequence[StateCell]) -> list[Array]:
        """Runs with state in cells (one per graph state) and updates them; returns the results only."""
        outputs = self.run([*arguments, *(cell.read() for cell in cells)])
        for output, state in self.updates:
            cells[state].write(outputs[output])
        return outputs[: self.num_results]


class Backend:
    """Compiles graphs. ``name`` is what users write in ``backend=``."""

    name: str = ""

    def compile(self, graph: Graph, options: CompileOptions) -> Executable:
        raise NotImplementedError

    def unsupported(self, graph: Graph) -> str | None:
        """Why this backend cannot run the graph; None if it can."""
        return None


# Named by module path, so that a backend's heavy dependency is imported when it is first used.
_FACTORIES: Final[dict[str, str]] = {
    "numpy": "graphc_backends.numpy.backend:NumpyBackend",
    "onnxruntime": "graphc_backends.onnxruntime.backend:OnnxRuntimeBackend",
    "auto": "graphc_backends.auto:AutoBackend",
}
_INSTANCES: Final[dict[str, Backend]] = {}


def register_backend(name: str, factory: str) -> None:
    """Makes a backend known by name; ``factory`` is ``"package.module:Class"``."""
    _FACTORIES[name] = factory
    _INSTANCES.pop(name, None)


def backend_names() -> list[str]:
    return list(_FACTORIES)


def get_backend(name: str) -> Backend:
    """The backend of that name. Raises BackendError when there is none or it cannot be loaded."""
    found = _INSTANCES.get(name)
    if found is not None:
        return found
    if name not in _FACTORIES:
        raise BackendError(f"unknown backend {name!r}; there are {', '.join(_FACTORIES)}")
    module, _, attribute = _FACTORIES[name].partition(":")
    try:
        loaded = importlib.import_module(module)
    except ImportError as error:
        raise BackendError(f"backend {name!r} cannot be loaded: {error}; install what it names") from error
    instance: Backend = getattr(loaded, attribute)()
    return _INSTANCES.setdefault(name, instance)
