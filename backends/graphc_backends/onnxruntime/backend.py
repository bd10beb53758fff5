"""The ONNX Runtime backend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnxruntime as ort

from graphc_backends.base import Backend, CompileOptions, Executable
from graphc_backends.onnx.export import to_model
from graphc_ir.errors import BackendError
from graphc_ir.graph import Graph
from graphc_ir.ops.base import Array


class OnnxRuntimeExecutable(Executable):
    """One session over the graph's ONNX form."""

    def __init__(self, graph: Graph, backend: str, options: CompileOptions) -> None:
        super().__init__(graph, backend, options)
        model = to_model(graph)
        self.session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        self.input_names = [i.name for i in self.session.get_inputs()]

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        feed = {name: np.asarray(array) for name, array in zip(self.input_names, inputs, strict=True)}
        return list(self.session.run(None, feed))


class OnnxRuntimeBackend(Backend):
    name = "onnxruntime"

    def compile(self, graph: Graph, options: CompileOptions) -> Executable:
        if options.device != "cpu":
            raise BackendError(f"device {options.device!r} is not available")
        return OnnxRuntimeExecutable(graph, self.name, options)
