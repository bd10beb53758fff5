"""``tf.function``: traces a Python function once per signature, compiles the graph and runs it."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

import numpy as np

from graphc.autograph import traced
from graphc.compiler import compile_for_call
from graphc.mode import mode
from graphc.pytree import flatten, leaves_of, map_leaves, structure_of, unflatten
from graphc.signature import Call, as_spec, bind_arguments, conform, signature_of
from graphc.tensor import SymbolicTensor, Tensor, wrap
from graphc.tracing import Tracer, is_undecidable, tracing, unique_name
from graphc.variable import Variable
from graphc_backends.base import Executable
from graphc_ir.collector import collection_paused
from graphc_ir.dims import Assumptions, UndecidableDimError, fresh_symbol
from graphc_ir.errors import ArgumentError, GraphcError, ShapeError, TracingError
from graphc_ir.evaluate import bind_inputs, specialize
from graphc_ir.graph import Graph
from graphc_ir.ops.base import lift
from graphc_ir.ops.call import Call as CallOp
from graphc_ir.types import TensorSpec, TensorType

_RETRACE_WARNING = 8
_SINGLE = structure_of(0)


class ConcreteFunction:
    """One traced signature of a function.

    ``graph`` is the IR as traced, ``variables`` the Variables behind its state inputs, in order.
    """

    def __init__(
        self, graph: Graph, variables: list[Variable], structure: Any, leaves: list[Any], backend: str, device: str
    ) -> None:
        self.graph = graph
        self.variables = variables
        self.backend = backend
        self.device = device
        self._cells = [v._cell for v in variables]
        self._structure = structure
        self._leaves = leaves
        self._single = len(leaves) == 1 and leaves[0] is _RESULT and structure == _SINGLE
        self._executable: Executable | None = None

    def with_graph(self, graph: Graph) -> ConcreteFunction:
        """The same function as another graph of it, e.g. one with sizes filled in."""
        return ConcreteFunction(graph, self.variables, self._structure, self._leaves, self.backend, self.device)

    @property
    def name(self) -> str:
        return self.graph.name

    @property
    def executable(self) -> Executable:
        """The compiled form; compiled at first use."""
        if self._executable is None:
            self._executable = compile_for_call(self.graph, self.backend, self.device)
        return self._executable

    @property
    def structured_input_signature(self) -> tuple[TensorSpec, ...]:
        """One spec per tensor argument."""
        return tuple(as_spec(v.type) for v in self.graph.inputs[: self.graph.num_arguments])

    @property
    def structured_outputs(self) -> Any:
        """The results' structure, with a TensorSpec for every tensor."""
        specs = iter([as_spec(v.type) for v in self.graph.outputs])
        return unflatten(self._structure, [next(specs) if x is _RESULT else x for x in self._leaves])

    def call(self, arrays: Sequence[Any]) -> Any:
        """Runs on arrays that are known to fit; returns the results in the function's own structure."""
        if mode.journal is not None:
            self._note_assignments()
        results = (self._executable or self.executable).step(arrays, self._cells)
        if self._single:
            return wrap(results[0])
        return self._structured([wrap(r) for r in results])

    def call_recorded(self, operands: list[Tensor]) -> Any:
        """The same under open tapes, which record the whole call as one op."""
        read = [v.read_value() for v in self.variables]
        self._note_assignments()
        results = tuple(wrap(r) for r in self.executable.step([o._array for o in operands], self._cells))
        for tape in mode.tapes:
            tape.record(CallOp(len(results)), (*operands, *read), results, (self.pure_graph,))
        return self._structured(list(results))

    def _note_assignments(self) -> None:
        for variable, state in zip(self.variables, self.graph.states, strict=True):
            if state.output is not None:
                variable.will_change()

    @functools.cached_property
    def pure_graph(self) -> Graph:
        """The graph without its assignments: arguments and Variables in, results out."""
        graph = self.graph.copy()
        graph.set_outputs(graph.outputs[: graph.num_results])
        graph.states = []
        return graph

    def _structured(self, results: list[Tensor]) -> Any:
        following = iter(results)
        filled = [next(following) if leaf is _RESULT else leaf for leaf in self._leaves]
        return unflatten(self._structure, filled)

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Calls with tensors in the order of the inputs, or by name. Raises ArgumentError when one does not fit."""
        count = self.graph.num_arguments
        names = [value.name for value in self.graph.inputs[len(args) : count]]
        if len(args) > count or named.keys() != set(names):
            given = [f"{len(args)} in order", *named]
            raise ArgumentError(f"this concrete function of {self.name} takes {count} tensors, got {', '.join(given)}; "
                                f"left are {names}")  # fmt: skip
        args = (*args, *(named[name] for name in names))
        tensors = [lift(a, v.type.dtype) for a, v in zip(args, self.graph.inputs, strict=False)]
        bind_inputs(self.graph, [*(t._array for t in tensors), *(c.read() for c in self._cells)])
        return self.call_recorded(tensors) if mode.tapes else self.call([t._array for t in tensors])

    def __repr__(self) -> str:
        inputs = ", ".join(str(v.type) for v in self.graph.inputs[: self.graph.num_arguments])
        return f"<ConcreteFunction {self.name}({inputs})>"


_RESULT = object()


def trace_call(
    function: Callable[..., Any],
    call: Call,
    types: Sequence[TensorType],
    names: Sequence[str],
    name: str,
    backend: str = "auto",
    device: str = "cpu",
    allow_new_variables: bool = True,
) -> ConcreteFunction:
    """Runs the Python function on symbolic tensors of these types and names and keeps what it did as a graph."""
    tracer = Tracer(Graph(name))
    arguments = [SymbolicTensor(tracer.graph.add_input(t, n)) for t, n in zip(types, names, strict=True)]
    following: Iterator[SymbolicTensor] = iter(arguments)
    args, kwargs = call.rebuild(lambda _: next(following))
    with collection_paused(), Assumptions() as assumptions, tracing(tracer):
        result = function(*args, **kwargs)
        found, structure = flatten(result)
        outputs = [_output(leaf) for leaf in found]
        variables = tracer.finish([o for o in outputs if isinstance(o, Tensor)])
    if tracer.created and not allow_new_variables:
        raise TracingError(f"{name} creates a tf.Variable at every call; a traced function may create Variables only "
                           "at its first call: create them outside, or keep them (if self.v is None: ...)")  # fmt: skip
    if tracer.created:
        # The first run made Variables; what counts is the behaviour of all later ones.
        return trace_call(function, call, types, names, name, backend, device, allow_new_variables=False)
    _give_way(tracer.graph)
    graph = specialize(tracer.graph, assumptions.bindings)
    kept = [_RESULT if isinstance(o, Tensor) else o for o in outputs]
    return ConcreteFunction(graph, variables, structure, kept, backend, device)


def _give_way(graph: Graph) -> None:
    """Arguments that share a name with a Variable or with each other get a number: states keep their names."""
    taken = {state.name: 1 for state in graph.states}
    for value in graph.inputs[: graph.num_arguments]:
        value.name = unique_name(value.name, taken)


def _output(leaf: Any) -> Any:
    if isinstance(leaf, (Tensor, Variable, int, float, np.ndarray, np.generic)):
        return lift(leaf)
    return leaf


class Function:
    """A Python function that runs as compiled graphs, one per signature.

    Tensors and NumPy arrays are told apart by dtype and shape, everything else by value (or identity).
    """

    def __init__(
        self,
        python_function: Callable[..., Any],
        input_signature: Sequence[Any] | None = None,
        reduce_retracing: bool = False,
        backend: str = "auto",
        device: str | None = None,
        autograph: bool = True,
    ) -> None:
        self.python_function = python_function
        self.input_signature = None if input_signature is None else tuple(
            map_leaves(as_spec, tuple(input_signature), none_is_leaf=True)
        )  # fmt: skip
        self.reduce_retracing = reduce_retracing
        self.backend = backend
        self.device = device
        self.autograph = bool(autograph)
        self._traced = traced(python_function, self.autograph)
        self.name = getattr(python_function, "__name__", type(python_function).__name__)
        functools.update_wrapper(self, python_function)
        self._signature = signature_of(python_function)
        self._reset()

    def _reset(self) -> None:
        self._by_shapes: dict[tuple[Any, ...], ConcreteFunction] = {}
        self._by_call: dict[tuple[Any, ...], ConcreteFunction] = {}
        self._traces: list[tuple[Call, tuple[Any, ...], tuple[TensorType, ...], ConcreteFunction]] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if mode.tracer is not None or mode.run_eagerly:
            return self._inline(args, kwargs)
        if kwargs or mode.tapes:
            return self._call_general(args, kwargs)
        arrays = []
        key: list[Any] = [mode.device]
        for arg in args:
            array = arg._array if type(arg) is Tensor else arg
            if type(array) is not np.ndarray:
                return self._call_general(args, kwargs)
            arrays.append(array)
            key.append(array.dtype)
            key.append(array.shape)
        concrete = self._by_shapes.get(tuple(key))
        if concrete is not None:
            return concrete.call(arrays)
        concrete, tensors = self._find(args, kwargs)
        converted = [t._array for t in tensors]
        if [a.dtype for a in converted] == key[1::2]:
            self._by_shapes[tuple(key)] = concrete
        return concrete.call(converted)

    def _call_general(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        concrete, tensors = self._find(args, kwargs)
        if mode.tapes:
            return concrete.call_recorded(tensors)
        return concrete.call([t._array for t in tensors])

    def _inline(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if mode.run_eagerly and self.input_signature is None:
            return self.python_function(*args, **kwargs)
        call = bind_arguments(self._signature, args, kwargs, self.name)
        if self.input_signature is not None:
            call = conform(call, self.input_signature, self.name)
        tensors = iter(call.tensors)
        new_args, new_kwargs = call.rebuild(lambda _: next(tensors))
        return (self.python_function if mode.tracer is None else self._traced)(*new_args, **new_kwargs)

    def _find(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[ConcreteFunction, list[Any]]:
        call = bind_arguments(self._signature, args, kwargs, self.name)
        if self.input_signature is not None:
            call = conform(call, self.input_signature, self.name)
        static, tensors = call.static_key(), call.tensors
        types = tuple(t.type for t in tensors)
        key = (self._device(), static, types)
        concrete = self._by_call.get(key)
        if concrete is None:
            concrete = self._by_call[key] = self._general(static, types) or self._trace(call, static, types)
        return concrete, tensors

    def _general(self, static: tuple[Any, ...], types: tuple[TensorType, ...]) -> ConcreteFunction | None:
        """An existing trace with symbolic sizes that these types fit."""
        for _, known, wanted, concrete in self._traces:
            if known == static and concrete.device == self._device() and _fits(wanted, types):
                return concrete
        return None

    def _trace(self, call: Call, static: tuple[Any, ...], types: tuple[TensorType, ...]) -> ConcreteFunction:
        wanted = self._types_to_trace(static, types)
        try:
            concrete = self._trace_types(call, wanted)
        except (ShapeError, UndecidableDimError, TracingError) as error:
            needs_sizes = isinstance(error, TracingError) or is_undecidable(error)
            if not needs_sizes or wanted == types or self.input_signature is not None:
                raise
            wanted = types  # generalising was only to save traces; sizes that matter are traced as they are
            concrete = self._trace_types(call, wanted)
        traced = tuple(v.type for v in concrete.graph.inputs[: len(types)])
        self._traces.append((call, static, traced, concrete))
        if len(self._traces) == _RETRACE_WARNING and self.input_signature is None:
            warnings.warn(f"{self.name} was traced {_RETRACE_WARNING} times, which is slow. {self.explain_retrace()}",
                          stacklevel=4)  # fmt: skip
        return concrete

    def _trace_types(
        self, call: Call, types: Sequence[TensorType], specs: Sequence[TensorSpec] = ()
    ) -> ConcreteFunction:
        first = not self._traces
        own = [spec.name for spec in specs or self._input_specs()] or [None] * len(types)
        names = [a or b for a, b in zip(own, call.tensor_names(self._signature), strict=True)]
        return trace_call(self._traced, call, types, names, self.name, self.backend, self._device(), first)

    def _device(self) -> str:
        return self.device or mode.device

    def _input_specs(self) -> list[TensorSpec]:
        return [leaf for leaf in leaves_of(self.input_signature or ()) if isinstance(leaf, TensorSpec)]

    def _types_to_trace(self, static: tuple[Any, ...], types: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        if self.input_signature is not None:
            return tuple(spec.to_type() for spec in self._input_specs())
        if not self.reduce_retracing:
            return types
        similar = [t for _, known, t, _ in self._traces if known == static and _same_ranks(t, types)]
        return _generalize(similar[-1], types) if similar else types

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """The trace for these arguments: TensorSpecs (whose sizes may be None or named), tensors or Python values."""
        if self.input_signature is not None and not args and not kwargs:
            args = self.input_signature
        specs = map_leaves(as_spec, (args, kwargs), none_is_leaf=True)
        bound = bind_arguments(self._signature, specs[0], specs[1], self.name)
        leaves = [leaf for leaf in bound.leaves if isinstance(leaf, TensorSpec)]
        # Placeholders of rank 0 stand for the tensors, so that the call looks like a real one.
        args, kwargs = unflatten(
            bound.structure, [wrap(np.zeros(())) if isinstance(x, TensorSpec) else x for x in bound.leaves]
        )
        call = Call(args, kwargs)
        types = tuple(spec.to_type() for spec in leaves)
        key = (self._device(), call.static_key(), types)
        concrete = self._by_call.get(key)
        if concrete is None:
            concrete = self._by_call[key] = self._trace_types(call, types, leaves)
            traced = tuple(v.type for v in concrete.graph.inputs[: len(types)])
            self._traces.append((call, key[1], traced, concrete))
        return concrete

    @property
    def concrete_functions(self) -> list[ConcreteFunction]:
        """All traces so far, oldest first."""
        return [concrete for *_, concrete in self._traces]

    def experimental_get_tracing_count(self) -> int:
        """How often the Python function was traced."""
        return len(self._traces)

    def pretty_printed_concrete_signatures(self) -> str:
        """One line per trace."""
        return "\n".join(repr(c) for c in self.concrete_functions)

    def explain_retrace(self) -> str:
        """Why the last trace was necessary: what differs from the one before, and what would avoid it."""
        if len(self._traces) < 2:
            return f"{self.name} was traced {len(self._traces)} time(s); nothing was traced again."
        (before, old_static, old, first), (after, static, new, last) = self._traces[-2:]
        lines = [f"{self.name} was traced again for {_described(after, new)} after {_described(before, old)}:"]
        if first.device != last.device:
            lines.append(f"- the device changed from {first.device} to {last.device}")
        if old_static[0] != static[0]:
            lines.append("- the arguments have another structure; pass the same nesting of lists, tuples and dicts")
        for i, (a, b) in enumerate(zip(old_static[1:], static[1:], strict=False)):
            if a != b:
                lines.append(f"- Python argument {i} changed from {before.leaves[i]!r} to {after.leaves[i]!r}; pass a "
                             "tensor (tf.constant) if it changes often")  # fmt: skip
        for i, (t, u) in enumerate(zip(old, new, strict=False)):
            if t != u:
                lines.append(f"- tensor {i} changed from {t} to {u}; " + _advice(t, u))
        return "\n".join(lines)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        key = f"__graphc_function_{self.name}_{id(self)}"
        # Kept in the instance, so that both go away together.
        found = instance.__dict__.get(key)
        if found is None:
            bound = self.python_function.__get__(instance, owner)
            found = self._with(bound)
            instance.__dict__[key] = found
        return found

    def __deepcopy__(self, memo: Any) -> Function:
        return self._with(self.python_function)

    def _with(self, function: Callable[..., Any]) -> Function:
        """Another function with the same options."""
        options = self.input_signature, self.reduce_retracing, self.backend, self.device, self.autograph
        return Function(function, *options)

    def __repr__(self) -> str:
        return f"<graphc.Function {self.name}, {len(self._traces)} trace(s)>"


def _described(call: Call, types: tuple[TensorType, ...]) -> str:
    following = iter(types)
    shown = [
        str(next(following)) if isinstance(leaf, (Tensor, np.ndarray, np.generic)) else repr(leaf)
        for leaf in call.leaves
    ]
    return f"({', '.join(shown)})"


def _advice(old: TensorType, new: TensorType) -> str:
    if old.dtype is not new.dtype:
        return "always pass the same dtype"
    return "leave the size open: reduce_retracing=True, or input_signature=[tf.TensorSpec([None, ...])]"


def _fits(traced: tuple[TensorType, ...], types: tuple[TensorType, ...]) -> bool:
    if all(t.is_static for t in traced) or not _same_ranks(traced, types):
        return traced == types
    graph = Graph("signature")
    for type in traced:
        graph.add_input(type)
    try:
        bind_inputs(graph, [np.broadcast_to(np.zeros((), t.dtype.np), t.shape) for t in types])  # type: ignore[arg-type]
    except GraphcError:
        return False
    return True


def _same_ranks(a: tuple[TensorType, ...], b: tuple[TensorType, ...]) -> bool:
    return len(a) == len(b) and all(x.dtype is y.dtype and x.rank == y.rank for x, y in zip(a, b, strict=True))


def _generalize(old: tuple[TensorType, ...], new: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
    return tuple(
        new_type.with_shape(
            tuple(d if d == o else fresh_symbol() for o, d in zip(old_type.shape, new_type.shape, strict=True))
        )
        for old_type, new_type in zip(old, new, strict=True)
    )


@overload
def function(func: Callable[..., Any], *arguments: Any, **options: Any) -> Function: ...
@overload
def function(func: None = None, *arguments: Any, **options: Any) -> Callable[[Callable[..., Any]], Function]: ...
def function(func: Callable[..., Any] | None = None, *arguments: Any, **options: Any) -> Any:
    """Makes a Python function run as a compiled graph; usable as decorator with or without arguments.

    Options: ``input_signature``, TensorSpecs for one trace that serves all calls; ``reduce_retracing``, to leave sizes
    open in the next trace that changed between calls; ``backend``, ``"auto"``, ``"numpy"`` or ``"onnxruntime"``;
    ``device``, ``"cpu"`` or ``"cuda:N"`` (else that of ``tf.device`` around the call); ``autograph``, whether Python's
    control flow on tensors becomes control flow of the graph (default: yes). TensorFlow's ``jit_compile`` and
    ``experimental_*`` options are accepted: every function is compiled. Raises ArgumentError for another option.
    """
    chosen = _function_options(arguments, options)

    def decorate(target: Callable[..., Any]) -> Function:
        return Function(target.python_function if isinstance(target, Function) else target, **chosen)

    return decorate if func is None else decorate(func)


_POSITIONS = ("input_signature", "autograph", "jit_compile", "reduce_retracing")
_OPTIONS = ("input_signature", "reduce_retracing", "backend", "device", "autograph")


def _function_options(arguments: tuple[Any, ...], options: dict[str, Any]) -> dict[str, Any]:
    given = dict(zip(_POSITIONS, arguments, strict=False)) | options
    unknown = [n for n in given if n not in (*_POSITIONS, *_OPTIONS) and not n.startswith("experimental_")]
    if unknown or len(arguments) > len(_POSITIONS):
        raise ArgumentError(f"tf.function does not know the option {unknown or arguments[4:]}; it takes "
                            f"{', '.join(dict.fromkeys((*_POSITIONS, *_OPTIONS)))}")  # fmt: skip
    if given.pop("experimental_relax_shapes", False):
        given["reduce_retracing"] = True
    return {name: value for name, value in given.items() if name in _OPTIONS}


def trace(func: Callable[..., Any], *specs: Any, **keyword_specs: Any) -> Graph:
    """The IR of a Python function. ``specs``: TensorSpecs or tensors for tensor arguments, other values as they are.

    Variables that the function uses become state inputs (``graph.states``) after the arguments.
    """
    inner = func if isinstance(func, Function) else Function(func)
    return inner.get_concrete_function(*specs, **keyword_specs).graph


def run_functions_eagerly(run_eagerly: bool) -> None:
    """With True, traced functions run as plain Python (for debugging)."""
    mode.run_eagerly = bool(run_eagerly)


def functions_run_eagerly() -> bool:
    return mode.run_eagerly
