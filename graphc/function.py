"""``tf.function``: traces a Python function once per signature, compiles the graph and runs it."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import optree

from graphc.mode import mode
from graphc.tensor import SymbolicTensor, Tensor, wrap
from graphc.tracing import Tracer, tracing
from graphc.variable import Variable
from graphc_backends.base import CompileOptions, Executable, get_backend
from graphc_ir.dims import Assumptions
from graphc_ir.errors import ArgumentError
from graphc_ir.evaluate import bind_inputs
from graphc_ir.graph import Graph
from graphc_ir.ops.base import lift
from graphc_ir.types import TensorSpec, TensorType


class ConcreteFunction:
    """One traced signature of a function: its graph, its Variables, its executable."""

    def __init__(self, graph: Graph, variables: list[Variable], structure: Any, leaves: list[Any]) -> None:
        self.graph = graph
        self.variables = variables
        self._cells = [v._cell for v in variables]
        self._structure = structure
        self._leaves = leaves
        self._single = len(leaves) == 1 and leaves[0] is _TENSOR and structure == optree.tree_structure(0)
        self._executable: Executable | None = None

    @property
    def executable(self) -> Executable:
        if self._executable is None:
            self._executable = get_backend("numpy").compile(self.graph, CompileOptions())
        return self._executable

    def call(self, arrays: Sequence[Any]) -> Any:
        """Runs on arrays that are known to fit and returns the results in the function's own structure."""
        results = (self._executable or self.executable).step(arrays, self._cells)
        if self._single:
            return wrap(results[0])
        position = iter(results)
        filled = [wrap(next(position)) if leaf is _TENSOR else leaf for leaf in self._leaves]
        return optree.tree_unflatten(self._structure, filled)

    def __call__(self, *args: Any) -> Any:
        arrays = [np.asarray(lift(a, v.type.dtype)._array) for a, v in zip(args, self.graph.inputs, strict=False)]
        bind_inputs(self.graph, [*arrays, *(c.read() for c in self._cells)])
        return self.call(arrays)


_TENSOR = object()


def trace_function(function: Callable[..., Any], args: Any, kwargs: Any, name: str) -> ConcreteFunction:
    """Traces a call. Tensor leaves of the arguments may be TensorTypes, TensorSpecs or tensors."""
    graph = Graph(name)
    tracer = Tracer(graph)
    leaves, structure = optree.tree_flatten((args, kwargs), none_is_leaf=True)
    symbolic = [_argument(tracer, leaf) for leaf in leaves]
    new_args, new_kwargs = optree.tree_unflatten(structure, symbolic)
    with Assumptions(), tracing(tracer):
        result = function(*new_args, **new_kwargs)
        found, out_structure = optree.tree_flatten(result, none_is_leaf=True)
        outputs = [_output(leaf) for leaf in found]
        variables = tracer.finish([o for o in outputs if isinstance(o, Tensor)])
    kept = [_TENSOR if isinstance(o, Tensor) else o for o in outputs]
    return ConcreteFunction(graph, variables, out_structure, kept)


def _argument(tracer: Tracer, leaf: Any) -> Any:
    if isinstance(leaf, TensorSpec):
        leaf = leaf.to_type()
    if isinstance(leaf, (Tensor, np.ndarray)):
        leaf = TensorType.of(leaf._array if isinstance(leaf, Tensor) else leaf)
    return SymbolicTensor(tracer.graph.add_input(leaf)) if isinstance(leaf, TensorType) else leaf


def _output(leaf: Any) -> Any:
    if isinstance(leaf, (Tensor, Variable, int, float, np.ndarray, np.generic)):
        return lift(leaf)
    return leaf


class Function:
    """A Python function that runs as compiled graphs, one per signature."""

    def __init__(self, python_function: Callable[..., Any], input_signature: Sequence[Any] | None = None) -> None:
        self.python_function = python_function
        self.input_signature = input_signature
        self._fast: dict[tuple[Any, ...], ConcreteFunction] = {}
        self._bound: weakref.WeakKeyDictionary[Any, Function] = weakref.WeakKeyDictionary()
        functools.update_wrapper(self, python_function)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        if instance not in self._bound:
            self._bound[instance] = Function(self.python_function.__get__(instance, owner), self.input_signature)
        return self._bound[instance]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if mode.tracer is not None:
            return self.python_function(*args, **kwargs)
        arrays = []
        key: list[Any] = []
        for arg in args:
            array = arg._array if type(arg) is Tensor else arg
            if type(array) is not np.ndarray:
                raise ArgumentError("only tensors yet")
            arrays.append(array)
            key.append(array.dtype)
            key.append(array.shape)
        concrete = self._fast.get(tuple(key))
        if concrete is None:
            concrete = self._fast[tuple(key)] = trace_function(self.python_function, args, kwargs, self.__name__)
        return concrete.call(arrays)


def function(func: Callable[..., Any] | None = None, input_signature: Sequence[Any] | None = None) -> Any:
    """Makes a Python function run as a compiled graph."""
    if func is None:
        return lambda f: Function(f, input_signature)
    return Function(func, input_signature)
