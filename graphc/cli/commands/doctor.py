"""``graphc doctor``: what is installed, what works, how many threads are used."""

from __future__ import annotations

import importlib
import os
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import click
import numpy as np

from graphc.cli.compare import largest_difference
from graphc.cli.console import make_console, print_table
from graphc.cli.errors import CheckFailed
from graphc.compiler import compile, optimize
from graphc.function import trace
from graphc.tape import GradientTape
from graphc_backends.base import backend_names
from graphc_backends.threads import VARIABLE, available_cpus, num_threads
from graphc_ir.errors import GraphcError
from graphc_ir.evaluate import evaluate
from graphc_ir.graph import Graph
from graphc_ir.ops.base import Array
from graphc_ir.ops.elementwise import square, tanh
from graphc_ir.ops.linalg import matmul
from graphc_ir.ops.reduction import reduce_mean
from graphc_ir.types import TensorSpec

_PACKAGES: Final = (
    "graphc", "numpy", "ml_dtypes", "optree", "networkx", "onnx", "onnxruntime", "onnxruntime-gpu", "click", "rich",
)  # fmt: skip
_BLAS_VARIABLES: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
_TOLERANCE: Final = 1e-5
_CPUINFO: Final = Path("/proc/cpuinfo")
_VECTOR_FLAGS: Final = ("avx2", "fma", "avx512f", "avx512_vnni", "amx_int8", "asimd", "sve")
# Named by module path: doctor must run where onnxruntime does not.
_RUNTIME_CHECKS: Final = "graphc.cli.runtime"


@click.command()
def doctor() -> None:
    """Show versions, devices and threads, and test each backend.

    Exit code 1 when a backend fails its test.
    """
    console = make_console()
    print_table(console, "Versions", ("package", "version"), versions(), left=2)
    print_table(console, "Processor and threads", ("", ""), processor(), left=2)
    runtime = runtime_checks()
    if runtime is not None:
        print_table(console, "ONNX Runtime providers", ("provider", "state"), runtime.provider_states(), left=2)
    tests = list(self_tests())
    print_table(console, "Backends, tested on a gradient", ("backend", "result"), tests, left=2)
    if runtime is not None:
        rows = [(name, ", ".join(found)) for name, found in runtime.missing_kernels().items()]
        title = "Ops that ONNX Runtime computes in a wider dtype (w), or cannot (-)"
        print_table(console, title, ("op", "dtypes"), rows, left=2)
    failed = [name for name, result in tests if not result.startswith("ok")]
    if failed:
        raise CheckFailed(f"the self-test failed on {', '.join(failed)}; see the table of backends")


def versions() -> list[tuple[str, str]]:
    """Python's version and those of the packages that matter."""
    return [("python", f"{platform.python_version()} ({platform.platform()})"), *((p, _version(p)) for p in _PACKAGES)]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def processor() -> list[tuple[str, str]]:
    """The CPU, and how many threads computations use and why."""
    return [
        ("processor", _processor_name()),
        ("vector units", ", ".join(_vector_flags()) or "not known"),
        ("CPUs", f"{os.cpu_count()} in the machine, {available_cpus()} for this process"),
        ("threads", f"{num_threads()}, {thread_source()}"),
        ("BLAS of NumPy", _blas()),
        *((name, os.environ[name]) for name in _BLAS_VARIABLES if name in os.environ),
    ]


def thread_source() -> str:
    """Where the thread count comes from."""
    if os.environ.get(VARIABLE, "").strip():
        return f"from the environment variable {VARIABLE}"
    return f"the CPUs of this process; {VARIABLE} changes it"


def _cpuinfo(key: str) -> str:
    """A field of the first CPU; empty where the system does not tell."""
    if not _CPUINFO.is_file():
        return ""
    for line in _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return ""


def _processor_name() -> str:
    return " ".join(part for part in (_cpuinfo("model name") or platform.processor(), platform.machine()) if part)


def _vector_flags() -> list[str]:
    flags = set((_cpuinfo("flags") or _cpuinfo("Features")).split())
    return [flag for flag in _VECTOR_FLAGS if flag in flags]


def _blas() -> str:
    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {})
    return f"{blas.get('name', 'not known')} {blas.get('version', '')}".strip()


def runtime_checks() -> ModuleType | None:
    """The module that asks ONNX Runtime; None where that cannot be imported, which the backends' tests explain."""
    try:
        return importlib.import_module(_RUNTIME_CHECKS)
    except ImportError:
        return None


def self_tests() -> Iterator[tuple[str, str]]:
    """Each backend with ``ok`` and the largest difference from the reference, or what went wrong."""
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape).astype(np.float32) for shape in ((8, 16), (16, 4), (8, 4))]
    graph = trace(_gradient, *(TensorSpec(a.shape) for a in arrays))
    expected = evaluate(graph, arrays)
    for name in backend_names():
        yield name, _tested(name, graph, arrays, expected)


def _gradient(x: Any, w: Any, y: Any) -> Any:
    with GradientTape() as tape:
        tape.watch(w)
        loss = reduce_mean(square(tanh(matmul(x, w)) - y))
    return loss, tape.gradient(loss, w)


def _tested(backend: str, graph: Graph, arrays: list[Array], expected: list[Array]) -> str:
    try:
        results = compile(optimize(graph)[0], backend)(*arrays)
    except GraphcError as error:
        return f"failed: {' '.join(str(error).split())[:200]}"
    distance = largest_difference(results, expected)
    verdict = "ok" if distance <= _TOLERANCE else "failed"
    return f"{verdict}, largest difference from the reference {distance:.2g}"
