"""The NumPy backend: the reference interpreter and the planned executor."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import numpy as np

from graphc_backends.base import STATE_LOCK, Backend, CompileOptions, Executable, StateCell
from graphc_backends.numpy.program import Instance, Program
from graphc_ir.errors import BackendError
from graphc_ir.evaluate import bind_inputs, specialize
from graphc_ir.graph import Graph
from graphc_ir.ops.base import Array

MAX_PROGRAMS: Final = 16
"""How many shape bindings of one graph keep their generated code and buffers."""

ShapeKey = tuple[tuple[int, ...], ...]


class Specialization:
    """The program for one shape binding, with an instance per call that runs at the same time."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._idle: list[Instance] = []

    def take(self) -> Instance:
        """An instance that no other call uses (calls may come from several threads, or from within one
        another).
        """
        try:
            return self._idle.pop()
        except IndexError:
            return Instance(self.program)

    def give_back(self, instance: Instance) -> None:
        self._idle.append(instance)


class PlannedExecutable(Executable):
    """Generated straight-line code over preallocated buffers, one program per shape binding.

    Results and state values belong to the caller: no later call writes to them.
    """

    def __init__(self, graph: Graph, backend: str, options: CompileOptions) -> None:
        super().__init__(graph, backend, options)
        self._symbolic = not all(v.type.is_static for v in graph.inputs)
        self._programs: OrderedDict[ShapeKey, Specialization] = OrderedDict()
        self._static: Specialization | None = None

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        found = self._static or self._specialization(inputs)
        instance = found.take()
        try:
            with np.errstate(all="ignore"):
                return instance.run(inputs)
        except Exception as error:
            raise found.program.explained(error) from error
        finally:
            found.give_back(instance)

    def step(self, arguments: Sequence[Array], cells: Sequence[StateCell]) -> list[Array]:
        if not self.updates:
            return self._step(arguments, cells)
        with STATE_LOCK:
            try:
                return self._step(arguments, cells)
            except BaseException:
                for cell in cells:
                    cell.roll_back()
                raise

    def _step(self, arguments: Sequence[Array], cells: Sequence[StateCell]) -> list[Array]:
        found = self._static or self._specialization([*arguments, *(cell.read() for cell in cells)])
        instance = found.take()
        try:
            with np.errstate(all="ignore"):
                return instance.step(arguments, cells)
        except Exception as error:
            raise found.program.explained(error) from error
        finally:
            found.give_back(instance)

    def source(self, kind: str = "run") -> str:
        """The generated code: ``run`` (arrays in, arrays out) or ``step`` (state in cells), of the last
        shapes used.

        Raises BackendError when a graph with symbolic sizes has not run yet.
        """
        if not self._programs and self._symbolic:
            raise BackendError(f"{self.graph.name} has symbolic sizes: its code is generated at the first "
                               "call; call it first")  # fmt: skip
        found = next(reversed(self._programs.values())) if self._programs else self._compile((), {})
        return found.program.source(kind)

    def _specialization(self, inputs: Sequence[Array]) -> Specialization:
        key = tuple([np.shape(a) for a in inputs]) if self._symbolic else ()
        found = self._programs.get(key)
        if found is None:
            return self._compile(key, bind_inputs(self.graph, inputs))
        if key in self._programs:
            self._programs.move_to_end(key)
        return found

    def _compile(self, key: ShapeKey, bindings: dict[str, int]) -> Specialization:
        found = Specialization(Program(specialize(self.graph, bindings), bindings))
        with STATE_LOCK:
            self._programs[key] = found
            while len(self._programs) > MAX_PROGRAMS:
                self._programs.popitem(last=False)
        if not self._symbolic:
            self._static = found
        return found


class NumpyBackend(Backend):
    name = "numpy"

    def compile(self, graph: Graph, options: CompileOptions) -> Executable:
        if options.device != "cpu":
            raise BackendError(f"the numpy backend runs on the CPU only, got device {options.device!r}; use "
                               "backend='onnxruntime' for CUDA")  # fmt: skip
        return PlannedExecutable(graph, self.name, options)
