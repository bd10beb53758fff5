"""The NumPy backend."""

from __future__ import annotations

from collections.abc import Sequence

from graphc_backends.base import Backend, CompileOptions, Executable
from graphc_ir.errors import BackendError
from graphc_ir.evaluate import evaluate
from graphc_ir.graph import Graph
from graphc_ir.ops.base import Array


class ReferenceExecutable(Executable):
    """Node by node with the ops' own kernels: the meaning of a graph."""

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        return evaluate(self.graph, inputs)


class NumpyBackend(Backend):
    name = "numpy"

    def compile(self, graph: Graph, options: CompileOptions) -> Executable:
        if options.device != "cpu":
            raise BackendError(f"the numpy backend runs on the CPU only, got device {options.device!r}; use "
                               "backend='onnxruntime' for CUDA")  # fmt: skip
        return ReferenceExecutable(graph, self.name, options)
