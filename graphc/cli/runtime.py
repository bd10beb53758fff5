"""What the installed ONNX Runtime can do: providers that really load, kernels that it has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import onnxruntime as ort
from onnx import ModelProto, helper

from graphc.compiler import compile
from graphc.function import trace
from graphc_backends.onnx.export import to_model
from graphc_ir.dtypes import ALL, DType
from graphc_ir.errors import BackendError, ExportError, GraphcError
from graphc_ir.graph import Graph
from graphc_ir.ops.elementwise import add, mul, relu
from graphc_ir.ops.linalg import matmul
from graphc_ir.ops.reduction import reduce_sum
from graphc_ir.types import TensorSpec

_PROBES: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "add": add,
    "mul": mul,
    "relu": lambda a, b: relu(a),
    "reduce_sum": lambda a, b: reduce_sum(a),
    "matmul": matmul,
}
_DEFAULT_SEVERITY: Final = 2
_SILENT: Final = 4


def provider_states() -> list[tuple[str, str]]:
    """Each execution provider, and whether a session really runs on it."""
    x, y = (helper.make_tensor_value_info(name, 1, [1]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "probe", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    ort.set_default_logger_severity(_SILENT)
    try:
        return [(name, _state(model, name)) for name in ort.get_available_providers()]
    finally:
        ort.set_default_logger_severity(_DEFAULT_SEVERITY)


def _state(model: ModelProto, provider: str) -> str:
    try:
        session = _session(model, provider)
        session.run(None, {"x": np.zeros(1, np.float32)})
    except Exception as error:  # the runtime's errors have no common base of their own
        return f"does not load: {' '.join(str(error).split())[:200]}"
    return "loads" if provider in session.get_providers() else "is there, but does not load: check its libraries"


def _session(model: ModelProto, provider: str) -> Any:
    options = ort.SessionOptions()
    options.log_severity_level = _SILENT
    return ort.InferenceSession(model.SerializeToString(), options, providers=[provider])


def missing_kernels() -> dict[str, list[str]]:
    """By op: dtypes without a kernel, marked ``w`` where a wider dtype stands in, else ``-``."""
    marks = {name: [mark for dtype in ALL if (mark := _mark(name, dtype))] for name in _PROBES}
    return {name: found for name, found in marks.items() if found}


def _mark(name: str, dtype: DType) -> str:
    """The dtype's mark; empty where there is a kernel, or where the op does not take the dtype at all."""
    spec = TensorSpec((2, 2), dtype)
    try:
        graph = trace(_PROBES[name], spec, spec)
    except GraphcError:
        return ""
    if _has_kernels(graph):
        return ""
    try:
        compile(graph, "onnxruntime")
    except (BackendError, ExportError):
        return f"{dtype.name} (-)"
    return f"{dtype.name} (w)"


def _has_kernels(graph: Graph) -> bool:
    """Whether the runtime takes the graph as it is."""
    try:
        _session(to_model(graph), "CPUExecutionProvider")
    except Exception:  # as above; why the runtime refuses does not matter here
        return False
    return True
