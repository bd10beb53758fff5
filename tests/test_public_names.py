"""The public surface of the three packages: every listed name is there, wherever it is loaded from."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys

import numpy as np
import pytest

from graphc_ir import evaluate, grad, parse_graph, print_graph, verify

PACKAGES = ("graphc_ir", "graphc_backends", "graphc")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_listed_name_resolves(package: str) -> None:
    module = importlib.import_module(package)
    assert len(set(module.__all__)) == len(module.__all__) > 0
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_an_unknown_name_is_an_attribute_error(package: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'nothing'"):
        importlib.import_module(package).nothing  # noqa: B018


@pytest.mark.parametrize("first", ["graphc_ir", "graphc_ir.verify", "graphc_ir.evaluate", "graphc_backends", "graphc"])
def test_functions_that_share_a_modules_name_are_functions(first: str) -> None:
    code = (f"import {first}; import graphc_ir, graphc_ir.verify, graphc_ir.evaluate; "
            "print(callable(graphc_ir.verify), callable(graphc_ir.evaluate))")  # fmt: skip
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["True", "True"]


@pytest.mark.parametrize("package", ["graphc_ir", "graphc_backends"])
def test_the_names_are_no_modules(package: str) -> None:
    module = importlib.import_module(package)
    assert [name for name in module.__all__ if inspect.ismodule(getattr(module, name))] == []


def test_the_compiler_from_its_front_names() -> None:
    graph = parse_graph("graph @f(%x: f32[]) {\n  %0 = mul(%x, %x) : f32[]\n  return %0\n}")
    verify(graph)
    assert evaluate(grad(graph), [np.array(3.0, np.float32)]) == [6.0]
    assert "mul(%x, %x)" in print_graph(graph)
