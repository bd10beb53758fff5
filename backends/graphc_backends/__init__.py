"""What runs graphs: each backend compiles a graph into an executable."""

from graphc_backends.base import (
    Backend,
    CompileOptions,
    Executable,
    StateCell,
    backend_names,
    get_backend,
    register_backend,
)

__all__ = [
    "Backend",
    "CompileOptions",
    "Executable",
    "StateCell",
    "backend_names",
    "get_backend",
    "register_backend",
]
