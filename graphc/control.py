"""Control flow: plain Python when running eagerly, ops with regions inside a traced function."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from graphc.mode import mode
from graphc.pytree import flatten, map_leaves, unflatten
from graphc.regions import (
    Region,
    bind_all,
    captured_by,
    check_callable,
    rebuild,
)
from graphc.tensor import SymbolicTensor, Tensor
from graphc.tensor_array import TensorArray
from graphc.variable import Variable
from graphc_ir.analysis.trip_count import trip_count
from graphc_ir.dims import fresh_symbol
from graphc_ir.dtypes import as_dtype, int32
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError, TracingError
from graphc_ir.ops.base import lift
from graphc_ir.ops.control import Cond, Scan, While
from graphc_ir.ops.elementwise import equal, greater_equal, less, select
from graphc_ir.ops.logical import logical_and, logical_or
from graphc_ir.ops.movement import concat, expand_dims
from graphc_ir.types import TensorSpec, TensorType

__all__ = [
    "case", "cond", "foldl", "foldr", "map_fn", "scan", "scan_steps", "switch_case", "vectorized_map", "while_loop",
]  # fmt: skip


# --- branches --------------------------------------------------------------------------------------------------------


def cond(pred: Any, true_fn: Any = None, false_fn: Any = None, name: str | None = None) -> Any:
    """The result of ``true_fn()`` if ``pred`` (a bool scalar) holds, else that of ``false_fn()``.

    Inside a traced function, a predicate that is only known at run time makes both functions be traced; they must
    return the same structure, dtypes and shapes, and may read and assign Variables. Raises ArgumentError, DTypeError or
    ShapeError when they differ.
    """
    check_callable(true_fn, "true_fn of tf.cond")
    check_callable(false_fn, "false_fn of tf.cond")
    predicate = pred.read_value() if isinstance(pred, Variable) else pred
    if not isinstance(predicate, SymbolicTensor):
        return true_fn() if predicate else false_fn()
    sides = Region("true_fn", ()).trace(true_fn), Region("false_fn", ()).trace(false_fn)
    _check_same_structure(*sides)
    variables = list({id(v): v for side in sides for v in side.assigned}.values())
    finals = [[side.variable_value(v) for v in variables] for side in sides]
    outputs = [side.values([*side.tensors, *final]) for side, final in zip(sides, finals, strict=True)]
    outside = captured_by(*sides)
    graphs = tuple(side.close(out, side.inputs_for(outside)) for side, out in zip(sides, outputs, strict=True))
    results = bind_all(Cond(len(outputs[0])), [predicate, *outside.values()], graphs)
    _assign(variables, results)
    return rebuild(sides[0], results)


def _check_same_structure(chosen: Region, other: Region) -> None:
    absent = [[t is None for t in side.tensors] for side in (chosen, other)]
    if chosen.structure == other.structure and absent[0] == absent[1]:
        return
    shown = [unflatten(s.structure, ["None" if t is None else str(t.type) for t in s.tensors]) for s in (chosen, other)]
    raise ArgumentError(f"tf.cond: true_fn returns {shown[0]}, but false_fn returns {shown[1]}; both must return "
                        "the same structure")  # fmt: skip


def _assign(variables: Sequence[Variable], results: Sequence[Any]) -> None:
    """The last results are the new values of the Variables that a region assigned."""
    if variables:
        for variable, tensor in zip(variables, results[-len(variables) :], strict=True):
            mode.tracer.assign_variable(variable, tensor)


def case(
    pred_fn_pairs: Any,
    default: Callable[[], Any] | None = None,
    exclusive: bool = False,
    strict: bool = False,
    name: str = "case",
) -> Any:
    """The result of the first function whose predicate holds, else of ``default``.

    ``pred_fn_pairs``: (bool scalar, function) pairs. Without ``default``, one predicate must hold: ArgumentError says
    so eagerly; in a traced function the last function then stands for the default. ``exclusive`` checks (where the
    predicates are known) that no two hold.
    """
    pairs = list(pred_fn_pairs.items()) if isinstance(pred_fn_pairs, Mapping) else list(pred_fn_pairs)
    if not pairs:
        raise ArgumentError("tf.case needs at least one (predicate, function) pair")
    predicates = [p.read_value() if isinstance(p, Variable) else p for p, _ in pairs]
    if not any(isinstance(p, SymbolicTensor) for p in predicates):
        return _case_known([bool(p) for p in predicates], [f for _, f in pairs], default, exclusive)
    functions = [f for _, f in pairs]
    if default is None:
        default, predicates = functions[-1], predicates[:-1]
    return _case_from(predicates, functions, default, 0)


def _case_known(
    holds: list[bool], functions: list[Callable[[], Any]], default: Callable[[], Any] | None, exclusive: bool
) -> Any:
    if exclusive and sum(holds) > 1:
        raise ArgumentError(f"tf.case(exclusive=True): the predicates {[i for i, h in enumerate(holds) if h]} all hold")
    if not any(holds):
        if default is None:
            raise ArgumentError("tf.case: none of the predicates holds and there is no default")
        return default()
    return functions[holds.index(True)]()


def _case_from(predicates: list[Any], functions: list[Any], default: Callable[[], Any], i: int) -> Any:
    if i == len(predicates):
        return default()
    return cond(predicates[i], functions[i], lambda: _case_from(predicates, functions, default, i + 1))


def switch_case(
    branch_index: Any, branch_fns: Any, default: Callable[[], Any] | None = None, name: str = "switch_case"
) -> Any:
    """The result of the function with number ``branch_index`` (an integer scalar).

    ``branch_fns``: functions in order, (int, function) pairs, or a dict. Any other index runs ``default``, without one
    the function with the highest number.
    """
    table = _branch_table(branch_fns)
    last = max(table)
    index = branch_index.read_value() if isinstance(branch_index, Variable) else branch_index
    if not isinstance(index, SymbolicTensor):
        return table.get(int(index), table[last] if default is None else default)()
    functions = [table[key] for key in sorted(table)]
    position = _position(index, sorted(table), len(functions) - (default is None))
    return _switch(position, functions if default is None else [*functions, default], 0)


def _branch_table(branch_fns: Any) -> dict[int, Callable[[], Any]]:
    if isinstance(branch_fns, Mapping):
        table = dict(branch_fns)
    elif all(callable(f) for f in branch_fns):
        table = dict(enumerate(branch_fns))
    else:
        table = dict(branch_fns)
    if not table:
        raise ArgumentError("tf.switch_case needs at least one branch")
    for key, function in table.items():
        if not isinstance(key, int):
            raise ArgumentError(f"tf.switch_case numbers its branches with ints, got {key!r}")
        check_callable(function, f"branch {key} of tf.switch_case")
    return table


def _position(index: Any, keys: list[int], otherwise: int) -> Any:
    """The place of ``index`` among the sorted keys, ``otherwise`` if it is none of them."""
    if keys == list(range(len(keys))):
        outside = logical_or(less(index, 0), greater_equal(index, len(keys)))
        return select(outside, lift(otherwise, index.dtype), index)
    position = lift(otherwise, int32)
    for place, key in enumerate(keys):
        position = select(equal(index, key), lift(place, int32), position)
    return position


def _switch(index: Any, functions: list[Callable[[], Any]], first: int) -> Any:
    """A decision tree over the functions, of logarithmic depth."""
    if len(functions) == 1:
        return functions[0]()
    middle = len(functions) // 2
    return cond(
        less(index, first + middle),
        lambda: _switch(index, functions[:middle], first),
        lambda: _switch(index, functions[middle:], first + middle),
    )


# --- while -----------------------------------------------------------------------------------------------------------


def while_loop(
    cond: Any,
    body: Any,
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    maximum_iterations: Any = None,
    name: str | None = None,
) -> Any:
    """Repeats ``loop_vars = body(*loop_vars)`` while ``cond(*loop_vars)`` holds, at most ``maximum_iterations`` times.

    Inside a traced function this is one op. Loop variables keep dtype and shape; sizes that change are None in
    ``shape_invariants``. The gradient keeps all rounds: as many as ``maximum_iterations`` says or as follow from
    constants (a counter), else the loop runs once more to count them. Loop variables whose sizes change have none:
    GradientError. Returns the last loop variables in the structure of ``loop_vars``.
    """
    check_callable(cond, "cond of tf.while_loop")
    check_callable(body, "body of tf.while_loop")
    if not isinstance(loop_vars, (list, tuple)) or not loop_vars:
        raise ArgumentError(f"loop_vars of tf.while_loop is a non-empty list or tuple, got {type(loop_vars).__name__}")
    if mode.tracer is None:
        return _while_eagerly(cond, body, loop_vars, maximum_iterations)
    if isinstance(maximum_iterations, (SymbolicTensor, Variable)):
        return _while_counting(cond, body, loop_vars, shape_invariants, maximum_iterations)
    return _while_traced(cond, body, loop_vars, shape_invariants, maximum_iterations)


def _while_eagerly(cond: Any, body: Any, loop_vars: Any, maximum_iterations: Any) -> Any:
    limit = None if maximum_iterations is None else int(maximum_iterations)
    trips = 0
    values = map_leaves(_tensor_of_data, loop_vars)
    while trips != limit and cond(*values):
        values = map_leaves(_tensor_of_data, _packed(body(*values), loop_vars))
        trips += 1
    return values


def _tensor_of_data(leaf: Any) -> Any:
    """Numbers and arrays as tensors, which loop variables are; other things, such as TensorArrays, as they are."""
    return lift(leaf) if isinstance(leaf, (bool, int, float, complex, np.ndarray, np.generic)) else leaf


def _packed(result: Any, loop_vars: Any) -> Any:
    """The body's result as a list or tuple like ``loop_vars``. Raises ArgumentError for another number of them."""
    if len(loop_vars) == 1 and not (isinstance(result, (list, tuple)) and len(result) == 1):
        result = [result]
    if not isinstance(result, (list, tuple)) or len(result) != len(loop_vars):
        got = len(result) if isinstance(result, (list, tuple)) else type(result).__name__
        raise ArgumentError(f"the body of tf.while_loop returns {got}, expected the {len(loop_vars)} loop variables")
    return list(result) if isinstance(loop_vars, list) else _like(loop_vars, result)


def _like(loop_vars: Any, values: Sequence[Any]) -> Any:
    return type(loop_vars)(*values) if hasattr(loop_vars, "_fields") else tuple(values)


def _while_counting(cond: Any, body: Any, loop_vars: Any, shape_invariants: Any, limit: Any) -> Any:
    """A bound that is only known at run time is part of the condition."""
    bound = lift(limit)
    invariants = None if shape_invariants is None else [(), *shape_invariants]

    def test(trip: Any, *values: Any) -> Any:
        return logical_and(less(trip, bound), cond(*_like(loop_vars, values)))

    def step(trip: Any, *values: Any) -> Any:
        return [trip + 1, *_packed(body(*values), loop_vars)]

    found = _while_traced(test, step, [lift(0, bound.dtype), *loop_vars], invariants, None)
    return list(found[1:]) if isinstance(loop_vars, list) else _like(loop_vars, found[1:])


def _while_traced(cond: Any, body: Any, loop_vars: Any, shape_invariants: Any, limit: Any) -> Any:
    leaves, structure = flatten(loop_vars)
    start = [_loop_variable(leaf) for leaf in leaves]
    types = _carry_types(start, structure, shape_invariants)
    inner = Region("body", types)
    inner.trace(lambda *values: _packed(body(*unflatten(structure, values)), loop_vars), types)
    if inner.structure != structure:
        raise ArgumentError(f"the body of tf.while_loop returns {inner.structure}, expected the structure of the loop "
                            f"variables, {structure}")  # fmt: skip
    test = Region("cond", types)
    test.trace(lambda *values: cond(*unflatten(structure, values)))
    test.refuse_assignments("the condition of tf.while_loop")
    if len(test.tensors) != 1 or test.tensors[0] is None:
        raise ArgumentError("the condition of tf.while_loop returns no bool scalar")
    variables = inner.assigned
    outputs = inner.values([*inner.tensors, *(inner.variable_value(v) for v in variables)])
    outside = captured_by(test, inner)
    carried = {id(v): outside.pop(id(v)) for v in variables}
    regions = [(test, test.values(test.tensors)), (inner, outputs)]
    graphs = tuple(r.close(o, r.argument_values, r.inputs_for(carried), r.inputs_for(outside)) for r, o in regions)
    operands = [*start, *carried.values(), *outside.values()]
    if limit is None:
        limit = trip_count(graphs[0], graphs[1], [mode.tracer.static_value(lift(operand)) for operand in operands])
    op = While(len(types) + len(variables), None if limit is None else int(limit))
    results = bind_all(op, operands, graphs)
    _assign(variables, results)
    return unflatten(structure, results[: len(types)])


def _loop_variable(leaf: Any) -> Tensor:
    if isinstance(leaf, TensorArray):
        raise TracingError("a TensorArray cannot be a loop variable inside a traced function; use tf.scan or "
                           "tf.map_fn, which stack their results, or a Python loop of known length")  # fmt: skip
    tensor: Tensor = lift(leaf)
    return tensor


def _carry_types(start: Sequence[Tensor], structure: Any, shape_invariants: Any) -> list[TensorType]:
    if shape_invariants is None:
        return [t.type for t in start]
    shapes = structure.flatten_up_to(shape_invariants)
    return [_invariant(t.type, s.shape if isinstance(s, TensorSpec) else s) for t, s in zip(start, shapes, strict=True)]


def _invariant(type: TensorType, shape: Any) -> TensorType:
    if shape is None:
        return type
    if len(shape) != type.rank or any(w not in (None, d) for d, w in zip(type.shape, shape, strict=True)):
        raise ShapeError(f"a loop variable of type {type} does not fit its shape invariant {list(shape)}")
    return type.with_shape(tuple(fresh_symbol() if w is None else d for d, w in zip(type.shape, shape, strict=True)))


# --- loops over the first axis ---------------------------------------------------------------------------------------


def scan(
    fn: Any,
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    reverse: bool = False,
    name: str | None = None,
) -> Any:
    """All values of ``accumulator = fn(accumulator, element)`` over the first axis of ``elems``, stacked.

    Without ``initializer``, the first element (the last one if ``reverse``) is the first accumulator.
    """
    elements = _elements(elems, "tf.scan")
    if initializer is not None:
        return _accumulate(fn, initializer, elements, reverse)[1]
    first, rest = _split_first(elements, reverse)
    stacked = _accumulate(fn, first, rest, reverse)[1]
    return map_leaves(lambda a, s: _joined(a, s, reverse), first, stacked)


def _joined(first: Any, stacked: Any, reverse: bool) -> Any:
    head = expand_dims(first, 0)
    return concat([stacked, head] if reverse else [head, stacked], 0)


def _split_first(elements: Any, reverse: bool) -> tuple[Any, Any]:
    if reverse:
        return map_leaves(lambda x: x[-1], elements), map_leaves(lambda x: x[:-1], elements)
    return map_leaves(lambda x: x[0], elements), map_leaves(lambda x: x[1:], elements)


def foldl(
    fn: Any,
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """The last value of ``accumulator = fn(accumulator, element)`` from the first element to the last."""
    return _fold(fn, elems, initializer, "tf.foldl", reverse=False)


def foldr(
    fn: Any,
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """The last value of ``accumulator = fn(accumulator, element)`` from the last element to the first."""
    return _fold(fn, elems, initializer, "tf.foldr", reverse=True)


def _fold(fn: Any, elems: Any, initializer: Any, what: str, reverse: bool) -> Any:
    elements = _elements(elems, what)
    if initializer is None:
        initializer, elements = _split_first(elements, reverse)
    return _accumulate(fn, initializer, elements, reverse, stack=False)[0]


def map_fn(
    fn: Any,
    elems: Any,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    name: str | None = None,
    fn_output_signature: Any = None,
) -> Any:
    """``fn`` of every element along the first axis, stacked. ``elems`` and the results may be nested structures.

    ``fn_output_signature`` (or ``dtype``): dtypes or TensorSpecs that the results must have; DTypeError if not.
    """
    check_callable(fn, "fn of tf.map_fn")
    elements = _elements(elems, "tf.map_fn")
    result = scan_steps(lambda _, element: (None, fn(element)), None, elements)[1]
    signature = dtype if fn_output_signature is None else fn_output_signature
    if signature is not None:
        _check_signature(result, signature)
    return result


def vectorized_map(fn: Any, elems: Any, fallback_to_while_loop: bool = True, warn: bool = True) -> Any:
    """``fn`` of every element along the first axis, stacked."""
    return map_fn(fn, elems)


def _check_signature(result: Any, signature: Any) -> None:
    leaves, structure = flatten(result)
    wanted = structure.flatten_up_to(signature)
    for i, (leaf, spec) in enumerate(zip(leaves, wanted, strict=True)):
        dtype = spec.dtype if isinstance(spec, TensorSpec) else as_dtype(spec)
        if leaf.dtype is not dtype:
            raise DTypeError(f"tf.map_fn: result {i} has dtype {leaf.dtype.name}, but fn_output_signature says "
                             f"{dtype.name}; cast it in fn or change the signature")  # fmt: skip


def _elements(elems: Any, what: str) -> Any:
    leaves, structure = flatten(elems)
    tensors = [lift(leaf) for leaf in leaves]
    if not tensors:
        raise ArgumentError(f"{what} needs at least one tensor to go over")
    for tensor in tensors:
        if not tensor.ndim:
            raise ShapeError(
                f"{what} goes over the first axis of its tensors, got a scalar of dtype {tensor.dtype.name}"
            )
    return unflatten(structure, tensors)


def _accumulate(fn: Any, initializer: Any, elements: Any, reverse: bool, stack: bool = True) -> tuple[Any, Any]:
    check_callable(fn, "fn of a scan or fold")

    def step(accumulator: Any, element: Any) -> tuple[Any, Any]:
        following = fn(accumulator, element)
        return following, following if stack else ()

    return scan_steps(step, map_leaves(lift, initializer), elements, reverse)


def scan_steps(
    step: Callable[[Any, Any], tuple[Any, Any]],
    start: Any,
    elements: Any,
    reverse: bool = False,
    unroll: bool = False,
) -> tuple[Any, Any]:
    """``carry, y = step(carry, element)`` over the first axis of the tensors in ``elements``; the last carry and all y
    stacked.

    ``start`` and each carry have one structure, dtypes and shapes. ``reverse`` goes from the last element to the first;
    y ``i`` still belongs to element ``i``. ``unroll`` repeats the step's ops in place of a loop op; raises
    ArgumentError for an open number of elements.
    """
    length = flatten(elements)[0][0].type.shape[0]
    if length == 0 or (mode.tracer is not None and not unroll):
        return _loop_traced(step, start, elements, reverse)
    if not isinstance(length, int):
        raise ArgumentError(f"a loop can only be unrolled over a known number of elements, got {length}; leave it "
                            "rolled, or fix that size")  # fmt: skip
    carry = start
    stacked: list[Any] = [None] * length
    for i in reversed(range(length)) if reverse else range(length):
        carry, stacked[i] = step(carry, map_leaves(lambda x, i=i: x[i], elements))
    return carry, map_leaves(_stack, *stacked)


def _stack(*rows: Any) -> Any:
    return concat([expand_dims(row, 0) for row in rows], 0)


def _loop_traced(
    step: Callable[[Any, Any], tuple[Any, Any]], start: Any, elements: Any, reverse: bool
) -> tuple[Any, Any]:
    carries, carry_structure = flatten(start)
    carries = [c for c in carries if c is not None]
    arrays, structure = flatten(elements)
    types = [c.type for c in carries]
    inner = Region("body", [*types, *(x.type.with_shape(x.type.shape[1:]) for x in arrays)])
    shapes: list[Any] = []

    def run(*values: Any) -> list[Any]:
        carry = unflatten(carry_structure, values[: len(carries)]) if carries else None
        following, y = step(carry, unflatten(structure, values[len(carries) :]))
        next_carries, next_structure = flatten(following)
        if carries and next_structure != carry_structure:
            raise ArgumentError(
                f"fn returns {next_structure}, expected the structure of the initializer, {carry_structure}"
            )
        next_carries = [lift(c, t.dtype) for c, t in zip(next_carries, types, strict=False)]
        stacked, y_structure = flatten(y)
        shapes.append(y_structure)
        return [*next_carries, *stacked]

    inner.trace(run)
    variables = inner.assigned
    finals = [inner.variable_value(v) for v in variables]
    outside = captured_by(inner)
    carried = {id(v): outside.pop(id(v)) for v in variables}
    outputs = inner.values([*inner.tensors[: len(carries)], *finals, *inner.tensors[len(carries) :]])
    arguments = inner.argument_values
    graph = inner.close(outputs, arguments[: len(carries)], inner.inputs_for(carried), arguments[len(carries) :],
                        inner.inputs_for(outside))  # fmt: skip
    op = Scan(len(carries) + len(variables), len(arrays), len(outputs), reverse)
    results = bind_all(op, [*carries, *carried.values(), *arrays, *outside.values()], (graph,))
    _assign(variables, results[: op.carries])
    last = unflatten(carry_structure, results[: len(carries)]) if carries else None
    following: Iterator[Any] = iter(results[op.carries :])
    return last, unflatten(shapes[-1], following)
