"""Functions that bring their own gradient: ``custom_gradient``, ``recompute_grad``, ``grad_pass_through``."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc.eager import EAGER
from graphc.mode import mode
from graphc.pytree import flatten, unflatten
from graphc.regions import Region, bind_all, captured_by, check_callable, rebuild
from graphc.tape import GradientTape
from graphc.tensor import SymbolicTensor, Tensor, wrap
from graphc.variable import Journal, Variable
from graphc_ir.autodiff.engine import zeros_like
from graphc_ir.errors import GradientError
from graphc_ir.liveness import erase_removable
from graphc_ir.ops.base import ARRAYS, Op, Operand, current, lift, using
from graphc_ir.ops.call import Call, CustomVjp
from graphc_ir.ops.reduction import sum_to_shape
from graphc_ir.ops.regions import set_inputs

__all__ = ["RegisterGradient", "custom_gradient", "grad_pass_through", "no_gradient", "recompute_grad"]


class PythonGradient(Op, abstract=True):
    """What a tape records for a Python function with its own gradient function. It never stands in a graph."""

    results: int
    function: Callable[..., list[Any]]

    @property
    def num_results(self) -> int:
        return self.results

    def vjp(self, g: Any, y: Any, *operands: Operand) -> Any:
        received = (g,) if self.results == 1 else g
        if current() is not ARRAYS:
            return tuple(self.function(*received))
        # The tape works on bare arrays here, but a user's function is written for tensors.
        with using(EAGER):
            found = self.function(*map(wrap, map(np.asarray, received)))
        return tuple(None if t is None else t._array for t in found)


class _VariableWatcher:
    """Stands among the tapes and notes the trainable Variables that are read."""

    def __init__(self) -> None:
        self.reads: dict[int, tuple[Variable, Any]] = {}

    def record(self, *applied: Any) -> None:
        """Ops do not matter here."""

    def note_read(self, variable: Variable, tensor: Any) -> None:
        if variable.trainable:
            self.reads.setdefault(id(variable), (variable, tensor))

    @property
    def variables(self) -> list[Variable]:
        return [variable for variable, _ in self.reads.values()]

    @property
    def tensors(self) -> list[Any]:
        return [tensor for _, tensor in self.reads.values()]


class _Arguments:
    """The arguments of a call, with everything that is data as tensors."""

    def __init__(self, args: tuple[Any, ...]) -> None:
        self.leaves, self.structure = flatten(args)
        self.leaves = [lift(leaf) if _is_data(leaf) else leaf for leaf in self.leaves]
        self.positions = [i for i, leaf in enumerate(self.leaves) if isinstance(leaf, Tensor)]
        self.tensors = [self.leaves[i] for i in self.positions]

    def rebuild(self, tensors: Sequence[Any]) -> Any:
        leaves = list(self.leaves)
        for i, tensor in zip(self.positions, tensors, strict=True):
            leaves[i] = tensor
        return unflatten(self.structure, leaves)


def _is_data(leaf: Any) -> bool:
    return isinstance(leaf, (Tensor, Variable, np.ndarray, np.generic, int, float)) and not isinstance(leaf, bool)


# --- custom_gradient -------------------------------------------------------------------------------------------------


def custom_gradient(f: Any = None) -> Any:
    """A decorator for functions that return ``(result, grad_fn)``.

    ``grad_fn(*upstream)`` gets one gradient per result and returns one per argument (None where there is none). If the
    function reads trainable Variables, ``grad_fn`` takes ``variables=`` as well and returns ``(argument_gradients,
    variable_gradients)``. Raises GradientError when it returns another number of them.
    """
    if f is None:
        return custom_gradient
    check_callable(f, "the argument of tf.custom_gradient")

    @functools.wraps(f)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        if mode.tracer is not None:
            return _trace_custom(f, args, kwargs)
        if not mode.tapes:
            return f(*args, **kwargs)[0]
        return _run_custom(f, args, kwargs)

    return decorated


def _run_custom(f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    # What f computes is recorded too: gradients of the gradient may flow through values that grad_fn kept.
    arguments, watcher = _Arguments(args), _VariableWatcher()
    mode.tapes.append(watcher)
    try:
        result, grad_fn = _result_and_gradient(f, arguments.rebuild(arguments.tensors), kwargs)
    finally:
        mode.tapes.remove(watcher)
    _check_takes_variables(f, grad_fn, watcher.variables)
    leaves, structure = flatten(result)
    results = tuple(wrap(lift(leaf)._array) for leaf in leaves)
    count = len(arguments.tensors)

    def pull(*upstream: Any) -> list[Any]:
        return _call_gradient(f, grad_fn, upstream, count, watcher.variables)

    _record(PythonGradient(len(results), pull), (*arguments.tensors, *watcher.tensors), results)
    return unflatten(structure, results)


def _record(op: Op, operands: tuple[Any, ...], results: tuple[Any, ...]) -> None:
    for tape in mode.tapes:
        tape.record(op, operands, results, ())


def _result_and_gradient(f: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, Any]:
    returned = f(*args, **kwargs)
    if not isinstance(returned, tuple) or len(returned) != 2 or not callable(returned[1]):
        raise GradientError(f"{_name(f)} with tf.custom_gradient must return (result, grad_fn), got "
                            f"{type(returned).__name__}")  # fmt: skip
    return returned


def _name(f: Any) -> str:
    return getattr(f, "__name__", type(f).__name__)


def _check_takes_variables(f: Any, grad_fn: Any, variables: Sequence[Variable]) -> None:
    if not variables:
        return
    parameters = inspect.signature(grad_fn).parameters
    if "variables" not in parameters and all(p.kind is not p.VAR_KEYWORD for p in parameters.values()):
        names = ", ".join(v.name for v in variables)
        raise GradientError(f"{_name(f)} reads the Variables {names}, so its grad_fn must take variables=None and "
                            "return (argument_gradients, variable_gradients)")  # fmt: skip


def _call_gradient(
    f: Any, grad_fn: Any, upstream: Sequence[Any], count: int, variables: Sequence[Variable]
) -> list[Any]:
    """One gradient or None per tensor argument, then one per Variable."""
    if not variables:
        return _gradients(f, grad_fn(*upstream), count, "arguments")
    returned = grad_fn(*upstream, variables=list(variables))
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise GradientError(f"the grad_fn of {_name(f)} must return (argument_gradients, variable_gradients), since "
                            f"{_name(f)} reads Variables; got {type(returned).__name__}")  # fmt: skip
    return [*_gradients(f, returned[0], count, "arguments"), *_gradients(f, returned[1], len(variables), "Variables")]


def _gradients(f: Any, returned: Any, count: int, what: str) -> list[Any]:
    leaves = [returned] if returned is None else flatten(returned)[0]
    if len(leaves) != count:
        raise GradientError(f"the grad_fn of {_name(f)} returns {len(leaves)} gradients for {count} {what}")
    return [None if leaf is None else lift(leaf) for leaf in leaves]


def _trace_custom(f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    arguments = _Arguments(args)
    region = Region(_name(f), [t.type for t in arguments.tensors])
    kept: list[Any] = []

    def run(*tensors: Any) -> Any:
        result, grad_fn = _result_and_gradient(f, arguments.rebuild(tensors), kwargs)
        kept.append(grad_fn)
        return result

    region.trace(run)
    variables = [slot.variable for slot in region.tracer.slots.values() if slot.variable.trainable]
    _check_takes_variables(f, kept[0], variables)
    results = [t for t in region.tensors if t is not None]
    upstream = {i: SymbolicTensor(region.graph.add_input(t.type))
                for i, t in enumerate(results) if t.dtype.is_differentiable}  # fmt: skip

    def pull() -> list[Any]:
        given = [upstream[i] if i in upstream else zeros_like(t) for i, t in enumerate(results)]
        found = _call_gradient(f, kept[0], given, len(arguments.tensors), variables)
        sources = [*region.arguments, *(region.captures[id(v)][1] for v in variables)]
        return [None if g is None else sum_to_shape(g, s.type.shape) for g, s in zip(found, sources, strict=True)]

    return _bind_custom(region, results, list(upstream.values()), region.run(pull), arguments, variables)


def _bind_custom(
    region: Region, results: list[Tensor], upstream: list[Any], found: list[Any], arguments: _Arguments, variables: Any
) -> Any:
    region.refuse_assignments("a function with a custom gradient")
    outputs, gradients = region.values(results), region.values(found)
    outside = captured_by(region)
    order = [*range(len(region.arguments)), *(len(region.arguments) + list(outside).index(id(v)) for v in variables)]
    wrt = tuple(i for i, g in zip(order, found, strict=True) if g is not None)
    own = [*region.argument_values, *region.inputs_for(outside)]
    backward = region.close([*outputs, *gradients], own, [u.value for u in upstream])
    forward = backward.copy()
    forward.set_outputs(forward.outputs[: len(outputs)])
    erase_removable(forward)
    set_inputs(forward, forward.inputs[: len(own)])
    backward.set_outputs(gradients)
    erase_removable(backward)
    backward.name = f"gradient_{forward.name}"
    operands = [*arguments.tensors, *outside.values()]
    return rebuild(region, bind_all(CustomVjp(len(outputs), wrt), operands, (forward, backward)))


# --- recompute_grad, grad_pass_through -------------------------------------------------------------------------------


def recompute_grad(f: Any) -> Any:
    """``f`` with a gradient that runs ``f`` again instead of keeping what it computed: less memory, more time.

    ``f`` may draw random numbers and assign Variables: the second run starts from what they were before the first, and
    leaves them as they are.
    """
    check_callable(f, "the argument of tf.recompute_grad")

    @functools.wraps(f)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        if mode.tracer is not None:
            return _trace_recomputed(f, args, kwargs)
        return _run_recomputed(f, args, kwargs) if mode.tapes else f(*args, **kwargs)

    return decorated


def _run_recomputed(f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    arguments, watcher, journal = _Arguments(args), _VariableWatcher(), Journal()
    tapes, mode.tapes = mode.tapes, [watcher]
    try:
        with journal:
            result = f(*arguments.rebuild(arguments.tensors), **kwargs)
    finally:
        mode.tapes = tapes
        mode.refresh()
    for tape in mode.tapes:
        for variable, tensor in watcher.reads.values():
            tape.note_read(variable, tensor)
    leaves, structure = flatten(result)
    results = tuple(wrap(lift(leaf)._array) for leaf in leaves)

    def pull(*upstream: Any) -> list[Any]:
        with Journal() as since:
            journal.restore()
            found = _pull_again(f, arguments, kwargs, watcher.variables, upstream)
        since.restore()
        return found

    _record(PythonGradient(len(results), pull), (*arguments.tensors, *watcher.tensors), results)
    return unflatten(structure, results)


def _pull_again(
    f: Any, arguments: _Arguments, kwargs: dict[str, Any], variables: list[Variable], upstream: Sequence[Any]
) -> list[Any]:
    sources = [t for t in arguments.tensors if t.dtype.is_differentiable]
    with GradientTape(watch_accessed_variables=False) as tape:
        tape.watch([*sources, *variables])
        leaves = [lift(leaf) for leaf in flatten(f(*arguments.rebuild(arguments.tensors), **kwargs))[0]]
    pairs = [(t, g) for t, g in zip(leaves, upstream, strict=True) if t.dtype.is_differentiable]
    found = iter(tape.gradient([t for t, _ in pairs], [*sources, *variables], [g for _, g in pairs]))
    by_argument = [next(found) if t.dtype.is_differentiable else None for t in arguments.tensors]
    return [*by_argument, *found]


def _trace_recomputed(f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    arguments = _Arguments(args)
    region = Region(_name(f), [t.type for t in arguments.tensors])
    region.trace(lambda *tensors: f(*arguments.rebuild(tensors), **kwargs))
    assigned = region.assigned
    outputs = region.values([*region.tensors, *map(region.variable_value, assigned)])
    outside = captured_by(region)
    graph = region.close(outputs, region.argument_values, region.inputs_for(outside))
    results = bind_all(Call(len(outputs), keep=True), [*arguments.tensors, *outside.values()], (graph,))
    for variable, tensor in zip(assigned, results[len(results) - len(assigned) :], strict=True):
        mode.tracer.assign_variable(variable, tensor)
    return rebuild(region, results)


def grad_pass_through(f: Any) -> Any:
    """``f`` with the gradient of the identity: upstream gradients go to the arguments unchanged."""
    check_callable(f, "the argument of tf.grad_pass_through")

    @functools.wraps(f)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        @custom_gradient
        def passing(*inner: Any) -> Any:
            def grad(*upstream: Any, variables: Any = None) -> Any:
                return upstream if variables is None else (upstream, [None] * len(variables))

            return f(*inner, **kwargs), grad

        return passing(*args)

    return decorated


def no_gradient(op_type: str) -> None:
    """Raises GradientError: like :class:`RegisterGradient` it belongs to TensorFlow 1's graphs."""
    raise GradientError(f"tf.no_gradient({op_type!r}): ops are not known by name; stop a gradient where it flows, with "
                        "tf.stop_gradient(x)")  # fmt: skip


class RegisterGradient:
    """Gradients of ops by name belong to TensorFlow 1's graphs. Raises GradientError that shows the rewrite."""

    def __init__(self, op_type: str) -> None:
        raise GradientError(f"tf.RegisterGradient({op_type!r}): gradients cannot be registered by op name; give the "
                            "function its gradient: @tf.custom_gradient def f(x): ...; return y, grad")  # fmt: skip
