"""What a backend is: it compiles a graph into an executable."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from sys import getrefcount
from typing import Any, Final, Protocol

import numpy as np

from graphc_ir.dtypes import DType
from graphc_ir.errors import ArgumentError, BackendError
from graphc_ir.evaluate import bind_inputs
from graphc_ir.graph import Graph
from graphc_ir.ops.base import Array, to_array


@dataclass(frozen=True)
class CompileOptions:
    """How to compile. ``device`` is ``"cpu"`` or ``"cuda:N"``; ``threads`` None means the package-wide
    setting.
    """

    device: str = "cpu"
    threads: int | None = None


STATE_LOCK: Final = threading.RLock()
"""Held while a step updates state: such steps run one after the other, so that none sees a half-made
update.
"""

_SOLE_HOLDER: Final = 2
"""References to an array that one attribute alone holds: that one, and getrefcount's own."""


class StateCell:
    """The storage of one Variable: a host array, or a value that an executable keeps elsewhere (on a device).

    Whoever reads the value may keep it: it never changes afterwards. An executable that updates state takes
    the value out (:meth:`claim`) and puts the new one in (:meth:`commit`). It learns whether nobody else
    holds the old array, which it may then overwrite; that is asked of Python's reference counts, so views and
    tensors count too.
    """

    __slots__ = ("_array", "_fetch", "_owned", "_spare", "old")

    def __init__(self, array: Array) -> None:
        self._array: Array | None = array
        self._fetch: Callable[[], Array] | None = None
        self._owned = False  # memory that an executable allocated whole, not a user's or a view
        self._spare: Array | None = None
        self.old: Array | None = None
        """The value that a running step took out."""

    def read(self) -> Array:
        """The current value. Never written to afterwards, so it may be kept."""
        array = self._array
        return self._settle() if array is None else array

    def _settle(self) -> Array:
        """Waits for the step that took the value out, or fetches it from where it lives."""
        with STATE_LOCK:
            if self._array is None:
                if self._fetch is None:
                    raise BackendError("a Variable is read by code that runs inside the step that updates "
                                       "it; pass its value to that code as an operand")  # fmt: skip
                self._array = self._fetch()
                self._owned = False
            return self._array

    def write(self, array: Array) -> None:
        """A new value. The caller gives the array away."""
        with STATE_LOCK:
            self._owned = False
            self._fetch = None
            self._array = array

    def claim(self) -> bool:
        """Takes the value out into ``old``; True if its memory may be overwritten. Needs STATE_LOCK."""
        self.old = self.read() if self._array is None else self._array
        self._array = None
        return self._owned and getrefcount(self.old) == _SOLE_HOLDER

    def spare(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """Memory for a new value while the old one is still needed. Needs STATE_LOCK."""
        if self._spare is not None and getrefcount(self._spare) == _SOLE_HOLDER and self._spare.shape == shape:
            return self._spare
        return np.empty(shape, dtype)

    def commit(self, array: Array, owned: bool = False) -> None:
        """Puts the new value in. ``owned``: an executable allocated it whole, in C order, for this state
        alone.
        """
        if self._owned and self.old is not array:
            self._spare = self.old
        self.old = self._fetch = None
        self._owned = owned
        self._array = array

    def roll_back(self) -> None:
        """Puts the old value back after a step that failed."""
        if self.old is not None:
            self._array, self.old = self.old, None

    def lend(self, fetch: Callable[[], Array]) -> None:
        """The value now lives elsewhere; ``fetch`` makes a copy of it. Needs STATE_LOCK."""
        self._fetch = fetch
        self._array = self._spare = None
        self._owned = False

    def is_lent_to(self, fetch: Callable[[], Array]) -> bool:
        return self._fetch is fetch


class DeviceValue(Protocol):
    """A value in a backend's own memory."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def numpy(self) -> Array:
        """The value on the host."""
        ...


class HostValue:
    """A result that lives in host memory already."""

    __slots__ = ("_array",)

    def __init__(self, array: Array) -> None:
        self._array = array

    @property
    def shape(self) -> tuple[int, ...]:
        return self._array.shape

    def numpy(self) -> Array:
        return self._array


class Executable:
    """A compiled graph. Call it with arrays in input order or by name; it returns arrays in output order."""

    def __init__(self, graph: Graph, backend: str, options: CompileOptions) -> None:
        self.graph = graph
        self.backend = backend
        self.options = options
        self.updates: Final = [(s.output, i) for i, s in enumerate(graph.states) if s.output is not None]
        self.num_results: Final = graph.num_results
        self.input_names: Final = [v.name or f"input_{i}" for i, v in enumerate(graph.inputs)]

    def __call__(self, *inputs: Any, **named: Any) -> list[Array]:
        """All outputs (new state values last). Inputs: arrays or anything that NumPy makes arrays of, in
        order, the rest by name. Plain Python numbers and lists take the dtype of the input.

        Raises ArgumentError for a missing, unknown or wrongly typed input, ShapeError for a wrong shape.
        """
        return self.run(self._checked(inputs, named))

    def run_device(self, *inputs: Any, **named: Any) -> Sequence[DeviceValue]:
        """Like a call, but the outputs stay in the backend's own memory; ``.numpy()`` gives a host array."""
        return [HostValue(array) for array in self.run(self._checked(inputs, named))]

    def _checked(self, inputs: tuple[Any, ...], named: dict[str, Any]) -> list[Array]:
        ordered = self._ordered(inputs, named)
        arrays = [_as_input(a, v.type.dtype) for a, v in zip(ordered, self.graph.inputs, strict=True)]
        bind_inputs(self.graph, arrays)
        return arrays

    def _ordered(self, inputs: tuple[Any, ...], named: dict[str, Any]) -> list[Any]:
        names = self.input_names
        rest = names[len(inputs) :]
        missing, unknown = [n for n in rest if n not in named], [n for n in named if n not in rest]
        if missing or unknown or len(inputs) > len(names):
            raise ArgumentError(f"{self.graph.name} takes the inputs {', '.join(names)}; got {len(inputs)} "
                                f"in order and {list(named)} by name (missing {missing}, "
                                f"unknown {unknown})")  # fmt: skip
        return [*inputs, *(named[n] for n in rest)]

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """All outputs, for inputs that are known to fit the graph's types."""
        raise NotImplementedError

    def step(self, arguments: Sequence[Array], cells: Sequence[StateCell]) -> list[Array]:
        """Runs with state in cells (one per graph state) and updates them; returns the results only."""
        with STATE_LOCK:
            outputs = self.run([*arguments, *(cell.read() for cell in cells)])
            for output, state in self.updates:
                cells[state].write(outputs[output])
        return outputs[: self.num_results]


def _as_input(value: Any, dtype: DType) -> Array:
    if isinstance(value, (np.ndarray, np.generic)):
        return np.asarray(value)
    if isinstance(value, (bool, int, float, complex, list, tuple)):
        return np.asarray(to_array(value, hint=dtype))
    return np.asarray(value)


class Backend:
    """Compiles graphs. ``name`` is what users write in ``backend=``."""

    name: str = ""

    def compile(self, graph: Graph, options: CompileOptions) -> Executable:
        raise NotImplementedError

    def device_count(self, kind: str) -> int:
        """How many devices of a kind (``"cpu"``, ``"cuda"``) this backend can use here."""
        return 1 if kind == "cpu" else 0


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
