"""Straight-line Python for a graph with known sizes: one NumPy call per line, into planned memory."""

from __future__ import annotations

import functools
import itertools
import keyword
import linecache
import re
import traceback
import types
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from graphc_backends.numpy.layout import Layout, Place, nbytes
from graphc_backends.numpy.writers import writer_of
from graphc_ir.errors import ArgumentError, GraphcError
from graphc_ir.evaluate import run_node
from graphc_ir.graph import Graph, Node, Value
from graphc_ir.ops.base import Array
from graphc_ir.ops.regions import RegionOp

_RELEASE_FROM: Final = 1 << 16  # bytes: smaller arrays are not worth a `del`
_NOT_A_NAME: Final = re.compile(r"\W+")
_RESERVED: Final = ("inputs", "arguments", "cells", "run", "step", "sizes")
_serial: Final = itertools.count()


class Program:
    """The source of a graph and how to run it. Each :class:`Instance` has its own memory."""

    def __init__(self, graph: Graph, bindings: dict[str, int]) -> None:
        self.graph = graph
        self.bindings = bindings
        self.layout: Final = Layout(graph)
        self._names = _NameTable()
        self._labels: dict[Value, str] = {}
        self._node_of_line: dict[str, dict[int, Node]] = {}
        self._sources: dict[str, str] = {}
        self._code: dict[str, types.CodeType] = {}
        for value in graph.inputs:
            self._label(value)
        self.has_open_sizes = False
        self._dying: Final = {n: self.layout.dying(i) for i, n in enumerate(self.layout.nodes)}
        self._body: Final = [(node, line) for node in self.layout.nodes for line in self._lines(node)]

    def code(self, kind: str) -> types.CodeType:
        """The compiled function ``run`` (arrays in, arrays out) or ``step`` (state in cells)."""
        if kind not in self._code:
            self._code[kind] = self._compile(kind)
        return self._code[kind]

    def source(self, kind: str = "run") -> str:
        """The generated text."""
        self.code(kind)
        return self._sources[kind]

    def constants(self) -> dict[str, Any]:
        """What the generated code finds by name, besides the buffers."""
        known = {self._labels[v]: a for v, a in self.layout.constants.items() if v in self._labels}
        return {**self._names.objects, **known}

    def buffers(self) -> dict[str, Array]:
        return {self._labels[v]: a for v, a in self.layout.buffers().items() if v in self._labels}

    # --- source ---------------------------------------------------------------------------------------------

    def _compile(self, kind: str) -> types.CodeType:
        head = self._run_head() if kind == "run" else self._step_head()
        tail = self._run_tail() if kind == "run" else self._step_tail()
        lines = [*head, *(line for _, line in self._body), *tail]
        text = "\n    ".join(lines) + "\n"
        filename = f"<graphc {self.graph.name} {kind} {next(_serial)}>"
        self._node_of_line[filename] = {len(head) + i + 1: node for i, (node, _) in enumerate(self._body)}
        self._sources[kind] = text
        linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
        weakref.finalize(self, linecache.cache.pop, filename, None)
        module = compile(text, filename, "exec")
        return next(c for c in module.co_consts if isinstance(c, types.CodeType))

    def _run_head(self) -> list[str]:
        names = [self._labels[v] for v in self.graph.inputs]
        made = [f"{self._state_memory(i)} = {self._empty(v)}" for i, v in self._state_values().items()]
        unpack = [f"{', '.join(names)}, = inputs"] if names else []
        return ["def run(inputs):", *self._sizes_head(), *unpack, *made]

    def _sizes_head(self) -> list[str]:
        return (
            [f"sizes = {self._names.bound(dict, 'dict')}({self._names.bound(self.bindings, 'known_sizes')})"]
            if self.has_open_sizes
            else []
        )

    def _run_tail(self) -> list[str]:
        return [f"return [{', '.join(self._result(o) for o in self.graph.outputs)}]"]

    def _step_head(self) -> list[str]:
        graph = self.graph
        lines = ["def step(arguments, cells):", *self._sizes_head()]
        arguments = [self._labels[v] for v in graph.inputs[: graph.num_arguments]]
        if arguments:
            lines.append(f"{', '.join(arguments)}, = arguments")
        if graph.states:
            lines.append(f"{', '.join(self._cell(i) for i in range(len(graph.states)))}, = cells")
        for i in range(len(graph.states)):
            lines += self._state_head(i)
        return lines

    def _state_head(self, i: int) -> list[str]:
        state, cell = self.graph.states[i], self._cell(i)
        old = self._labels[self.graph.inputs[state.input]]
        if state.output is None:
            return [f"{old} = {cell}.read()"]
        value = self._state_values().get(i)
        if value is None:
            return [f"{cell}.claim(); {old} = {cell}.old"]
        memory, spare = self._state_memory(i), f"{cell}.spare({self._allocation(value)})"
        if not self.layout.state_of[value].in_place:
            return [f"{cell}.claim(); {old} = {cell}.old; {memory} = {spare}"]
        return [f"{memory} = {cell}.old if {cell}.claim() else {spare}; {old} = {cell}.old"]

    def _step_tail(self) -> list[str]:
        targets, outputs = self._state_values(), self.graph.outputs
        commits = [
            f"{self._cell(i)}.commit({self._result(outputs[s.output])}, {i in targets})"
            for i, s in enumerate(self.graph.states)
            if s.output is not None
        ]
        return [*commits, f"return [{', '.join(self._result(o) for o in outputs[: self.graph.num_results])}]"]

    def _state_values(self) -> dict[int, Value]:
        """By state number: its new value, where that is written into memory made for it."""
        found = {}
        for i, state in enumerate(self.graph.states):
            value = None if state.output is None else self.graph.outputs[state.output]
            memory = None if value is None else self.layout.state_of.get(value)
            if value is not None and memory is not None and memory.index == i:
                found[i] = value
        return found

    def _lines(self, node: Node) -> list[str]:
        places = self.layout.places
        if places[node.results[0]] is Place.CONSTANT or (node.op.is_view and places[node.results[0]] is Place.BUFFER):
            return []
        line = self._statement(node)
        comment = " ".join(filter(None, [", ".join(str(r.type) for r in node.results), str(node.location)]))
        return [f"{line}  # {comment}".replace("\n", " "), *self._releases(node)]

    def _statement(self, node: Node) -> str:
        places = self.layout.places
        operands = [self._label(o) for o in node.operands]
        if places[node.results[0]] is Place.CALL:
            return self._kernel_call(node, operands)
        writer = writer_of(node)
        assert writer is not None
        names = [self._target(value) for value in node.results]
        fresh = [v for v in node.results if places[v] is Place.FRESH]
        made = [f"{self._label(v)} = {self._empty(v)}" for v in fresh]
        out = names[0] if len(names) == 1 else f"({', '.join(names)})"
        return "; ".join([*made, writer(self._names, node, operands, out)])

    def _target(self, value: Value) -> str:
        memory = self.layout.state_of.get(value)
        if memory is not None:
            self._labels[value] = self._state_memory(memory.index)
        return self._label(value)

    def _kernel_call(self, node: Node, operands: list[str]) -> str:
        results = ", ".join(self._label(r) for r in node.results) + ("," if node.op.num_results != 1 else "")
        if not self._is_specialized(node):
            return self._interpreted(node, operands, results)
        function = node.op.bound_kernel(node.regions) if isinstance(node.op, RegionOp) else node.op.numpy_function()
        return f"{results} = {self._names.bound(function, node.op.name)}({', '.join(operands)})"

    def _is_specialized(self, node: Node) -> bool:
        """Whether all sizes are known (those of a data-dependent result are not), in attributes and regions
        too.
        """
        known = all(r.type.is_static for r in node.results) and not node.op.has_open_sizes
        return known and (not node.regions or isinstance(node.op, RegionOp))

    def _interpreted(self, node: Node, operands: list[str], results: str) -> str:
        function, bound = self._names.bound(run_node, "run_node"), self._names.bound(node, node.op.name)
        run = f"{function}({bound}, [{', '.join(operands)}]"
        found = "" if node.op.num_results != 1 else ", "
        return f"{results} {found}= {run}, {self._sizes_of_call()})"

    def _sizes_of_call(self) -> str:
        """A dictionary of this call that data-dependent nodes add their sizes to."""
        self.has_open_sizes = True
        return "sizes"

    def _releases(self, node: Node) -> list[str]:
        gone = [
            v for v in self._dying[node] if self.layout.places[v] is Place.CALL and v.node is not None and _is_large(v)
        ]
        return [f"del {', '.join(self._label(v) for v in gone)}"] if gone else []

    def _result(self, value: Value) -> str:
        """Kernels may return NumPy scalars for rank 0."""
        name = self._label(value)
        scalar = self.layout.places[value] is Place.CALL and value.node is not None
        return f"{self._names.bound(np.asarray, 'asarray')}({name})" if scalar else name

    def _empty(self, value: Value) -> str:
        return f"{self._names.bound(np.empty, 'empty')}({self._allocation(value)})"

    def _allocation(self, value: Value) -> str:
        dtype = value.type.dtype
        return f"{value.type.shape!r}, {self._names.bound(dtype.np, dtype.name)}"

    def _label(self, value: Value) -> str:
        found = self._labels.get(value)
        if found is None:
            found = self._labels[value] = self._names.fresh(value.name or "v")
        return found

    def _cell(self, i: int) -> str:
        return self._names.keyed(("cell", i), f"{self._labels[self.graph.inputs[self.graph.states[i].input]]}_cell")

    def _state_memory(self, i: int) -> str:
        return self._names.keyed(("new", i), f"{self._labels[self.graph.inputs[self.graph.states[i].input]]}_new")

    # --- errors ---------------------------------------------------------------------------------------------

    def explained(self, error: BaseException) -> BaseException:
        """The error with the op, its operand types and the user's line."""
        if isinstance(error, GraphcError) or not isinstance(error, Exception):
            return error
        for frame, line in traceback.walk_tb(error.__traceback__):
            node = self._node_of_line.get(frame.f_code.co_filename, {}).get(line)
            if node is not None:
                shown = ", ".join(str(o.type) for o in node.operands)
                return ArgumentError(f"{node.op.name}({shown}) failed: {error} [{node.location}]")
        return error


class Instance:
    """A program with memory. One call at a time."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._namespace = {"__builtins__": {}, **program.constants(), **program.buffers()}

    @functools.cached_property
    def run(self) -> Callable[[Sequence[Array]], list[Array]]:
        """Arrays in, arrays out."""
        return self._function("run")

    @functools.cached_property
    def step(self) -> Callable[[Sequence[Array], Sequence[Any]], list[Array]]:
        """Arguments and state cells in, results out; the cells get the new values."""
        return self._function("step")

    def _function(self, kind: str) -> Callable[..., list[Array]]:
        code = self.program.code(kind)
        # Names may have been bound while the source was completed.
        self._namespace.update(self.program.constants())
        return types.FunctionType(code, self._namespace)


class _NameTable:
    """Unique identifiers, and the objects that some of them stand for."""

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}
        self._bound: dict[Any, str] = {}
        self._keyed: dict[Any, str] = {}
        self._taken: dict[str, int] = dict.fromkeys((*keyword.kwlist, *_RESERVED), 0)

    def bound(self, value: Any, stem: str) -> str:
        # Bound methods (np.add.reduce) are new objects each time, but equal ones.
        key = value if isinstance(value, (types.BuiltinMethodType, np.ufunc, np.dtype, type)) else id(value)
        name = self._bound.get(key)
        if name is None:
            name = self._bound[key] = self.fresh(stem)
            self.objects[name] = value
        return name

    def keyed(self, key: Any, stem: str) -> str:
        if key not in self._keyed:
            self._keyed[key] = self.fresh(stem)
        return self._keyed[key]

    def fresh(self, stem: str) -> str:
        base = _NOT_A_NAME.sub("_", stem)
        base = base if base[:1].isidentifier() else f"v_{base}"
        name = base
        while name in self._taken:
            self._taken[base] += 1
            name = f"{base}_{self._taken[base]}"
        self._taken[name] = 0
        return name


def _is_large(value: Value) -> bool:
    return not value.type.is_static or nbytes(value) >= _RELEASE_FROM
