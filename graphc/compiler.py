"""The compiler's front door: optimize, differentiate, compile. Tracing is :func:`graphc.function.trace`."""

from __future__ import annotations

from graphc_backends.base import CompileOptions, Executable, get_backend
from graphc_ir.autodiff.transform import grad, value_and_grad, vjp
from graphc_ir.graph import Graph
from graphc_ir.passes.pipelines import optimize

__all__ = ["compile", "compile_for_call", "grad", "optimize", "value_and_grad", "vjp"]

DEFAULT_LEVEL = "O2"


def compile(graph: Graph, backend: str = "auto", device: str = "cpu") -> Executable:
    """Compiles a graph as it is. Raises BackendError for an unknown or missing backend or device."""
    return get_backend(backend).compile(graph, CompileOptions(device=device))


def compile_for_call(graph: Graph, backend: str, device: str) -> Executable:
    """Optimizes a traced function and compiles it. Nobody differentiates the result or reads the passes' costs."""
    optimized, _ = optimize(graph, level=DEFAULT_LEVEL, differentiable=False, cost=False)
    return compile(optimized, backend, device)
