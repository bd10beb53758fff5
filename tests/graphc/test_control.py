"""Control flow of the front end: eager, traced on NumPy and traced on ONNX Runtime agree, in values and gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from graphc.control import case, cond, foldl, foldr, map_fn, scan, switch_case, vectorized_map, while_loop
from graphc.function import function
from graphc.tape import GradientTape
from graphc.tensor import TensorSpec
from graphc.tensor_array import TensorArray
from graphc.variable import Variable
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError, TracingError
from graphc_ir.ops.constant import constant
from graphc_ir.ops.control import Cond, Scan, While
from graphc_ir.ops.elementwise import cast, exp, mul, sin, tanh
from graphc_ir.ops.linalg import matmul
from graphc_ir.ops.movement import concat
from graphc_ir.ops.reduction import reduce_sum

Array = npt.NDArray[Any]
BACKENDS = ("numpy", "onnxruntime")
both_backends = pytest.mark.parametrize("backend", BACKENDS)


def compiled(backend: str) -> Callable[[Callable[..., Any]], Any]:
    return lambda f: function(f, backend=backend)


def numbers(*shape: int) -> Array:
    return np.random.default_rng(sum(shape)).uniform(-1, 1, shape).astype(np.float32)


def gradients(f: Callable[..., Any], *arrays: Array) -> list[Array]:
    """The values and first gradients of sum(f), outside of any trace."""
    inputs = [constant(a) for a in arrays]
    with GradientTape() as tape:
        tape.watch([x for x in inputs if x.dtype.is_differentiable])
        y = f(*inputs)
    floats = [x for x in inputs if x.dtype.is_differentiable]
    found = tape.gradient(y, floats, unconnected_gradients="zero")
    return [y.numpy(), *(g.numpy() for g in found)]


def second(f: Callable[..., Any], x: Any) -> Any:
    with GradientTape() as outer:
        outer.watch(x)
        with GradientTape() as inner:
            inner.watch(x)
            y = f(x)
        g = inner.gradient(y, x)
    return outer.gradient(g, x)


def assert_agree(f: Callable[..., Any], *arrays: Array, backend: str) -> None:
    """Eager, a traced function under a tape, and a tape inside a traced function."""
    expected = gradients(f, *arrays)
    traced = function(f, backend=backend)
    for a, b in zip(gradients(traced, *arrays), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)

    def inside(*inputs: Any) -> Any:
        with GradientTape() as tape:
            tape.watch([x for x in inputs if x.dtype.is_differentiable])
            y = f(*inputs)
        floats = [x for x in inputs if x.dtype.is_differentiable]
        return [y, *tape.gradient(y, floats, unconnected_gradients="zero")]

    for a, b in zip(function(inside, backend=backend)(*map(constant, arrays)), expected, strict=True):
        np.testing.assert_allclose(a.numpy(), b, rtol=1e-5, atol=1e-6)


# --- branches --------------------------------------------------------------------------------------------------------


@both_backends
@pytest.mark.parametrize("shift", [-5.0, 5.0])
def test_cond(shift: float, backend: str) -> None:
    def f(x: Any, y: Any) -> Any:
        return cond(reduce_sum(x) + shift > 0.0, lambda: x * y, lambda: exp(x))

    assert_agree(f, numbers(3), numbers(1, 3)[0], backend=backend)


@both_backends
def test_cond_of_structures(backend: str) -> None:
    @compiled(backend)
    def f(x: Any) -> Any:
        return cond(x > 0.0, lambda: {"a": x, "b": (x + 1.0, None)}, lambda: {"a": -x, "b": (x - 1.0, None)})

    found = f(constant(2.0))
    assert (float(found["a"]), float(found["b"][0]), found["b"][1]) == (2.0, 3.0, None)
    assert float(f(constant(-2.0))["b"][0]) == -3.0


def test_cond_with_a_known_predicate_is_plain_python() -> None:
    assert cond(True, lambda: "yes", lambda: "no") == "yes"
    traced = function(lambda x: cond(False, lambda: x, lambda: x + 1.0))
    graph = traced.get_concrete_function(TensorSpec([])).graph
    assert not any(isinstance(node.op, Cond) for node in graph.nodes())


@both_backends
@pytest.mark.parametrize("flags", [(True, True), (True, False), (False, True)])
def test_nested_conds_and_second_order(flags: tuple[bool, bool], backend: str) -> None:
    def f(p: Any, q: Any, x: Any) -> Any:
        return cond(p, lambda: cond(q, lambda: sin(x) * x, lambda: x * x * x), lambda: exp(x))

    arrays = [*map(np.array, flags), numbers(3)]
    assert_agree(f, *arrays, backend=backend)
    p, q, x = map(constant, arrays)
    expected = second(lambda x: f(p, q, x), x)
    found = function(lambda p, q, x: second(lambda x: f(p, q, x), x), backend=backend)(p, q, x)
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-5, atol=1e-6)


@both_backends
def test_variables_in_branches(backend: str) -> None:
    counter: Any = Variable(0)
    weight: Any = Variable(2.0)

    def step(x: Any) -> Any:
        counter.assign_add(1)
        return weight * x

    @compiled(backend)
    def f(x: Any) -> Any:
        with GradientTape() as tape:
            y = cond(x > 0.0, lambda: step(x), lambda: x)
        return y, tape.gradient(y, weight)

    y, g = f(constant(3.0))
    assert (float(y), float(g), int(counter)) == (6.0, 3.0, 1)
    y, g = f(constant(-3.0))
    assert (float(y), float(g), int(counter)) == (-3.0, 0.0, 1)


@both_backends
def test_a_branch_that_only_assigns(backend: str) -> None:
    v: Any = Variable(1.0)

    @compiled(backend)
    def f(x: Any) -> Any:
        cond(x > 0.0, lambda: v.assign(x), lambda: v.assign_sub(1.0))
        return v * 2.0

    assert float(f(constant(5.0))) == 10.0
    assert float(f(constant(-5.0))) == 8.0
    assert float(v) == 4.0


@both_backends
@pytest.mark.parametrize("index", [-1, 0, 1, 2, 7])
def test_switch_case(index: int, backend: str) -> None:
    def f(i: Any, x: Any) -> Any:
        return switch_case(i, [lambda: x, lambda: sin(x), lambda: x * x], default=lambda: -x)

    assert_agree(f, np.array(index, np.int32), numbers(3), backend=backend)


@pytest.mark.parametrize("index", [2, 5, 9])
def test_switch_case_by_keys(index: int) -> None:
    def f(i: Any, x: Any) -> Any:
        return switch_case(i, {5: lambda: x + 1.0, 2: lambda: x + 2.0})

    expected = {2: 12.0, 5: 11.0, 9: 11.0}[index]
    assert float(f(index, constant(10.0))) == expected
    assert float(function(f)(constant(index), constant(10.0))) == expected


@both_backends
@pytest.mark.parametrize("x", [-3.0, 0.5, 4.0])
def test_case(x: float, backend: str) -> None:
    def f(x: Any) -> Any:
        return case([(x < 0.0, lambda: -x), (x < 1.0, lambda: x * x)], default=lambda: sin(x))

    assert_agree(f, np.array(x, np.float32), backend=backend)


def test_case_needs_a_predicate_that_holds() -> None:
    with pytest.raises(ArgumentError, match="none of the predicates holds"):
        case([(False, lambda: 1)])
    with pytest.raises(ArgumentError, match=r"\[0, 1\] all hold"):
        case([(True, lambda: 1), (True, lambda: 2)], exclusive=True)


# --- loops -----------------------------------------------------------------------------------------------------------


@both_backends
@pytest.mark.parametrize("limit", [2, 3, 6])
def test_while_loop_with_a_bound(limit: int, backend: str) -> None:
    def f(x: Any, w: Any) -> Any:
        return while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, sin(x) * w), (0, x), maximum_iterations=limit)[1]

    assert_agree(f, numbers(3), numbers(1, 3)[0], backend=backend)


@both_backends
def test_while_loop_until_a_condition(backend: str) -> None:
    def f(x: Any) -> Any:
        return while_loop(lambda n, x: reduce_sum(x) < 100.0, lambda n, x: [n + 1, x * 2.0], [0, x])

    x = constant([1.0, 2.0])
    count, result = function(f, backend=backend)(x)
    assert int(count) == int(f(x)[0]) == 6
    np.testing.assert_allclose(result.numpy(), [64.0, 128.0])


@both_backends
def test_while_loop_bounded_at_run_time(backend: str) -> None:
    @compiled(backend)
    def f(n: Any, x: Any) -> Any:
        return while_loop(lambda x: x < 100.0, lambda x: x * 2.0, (x,), maximum_iterations=n)

    assert [float(f(constant(n), constant(1.0))[0]) for n in (3, 50)] == [8.0, 128.0]


@both_backends
def test_while_loop_of_growing_size(backend: str) -> None:
    @compiled(backend)
    def f(x: Any) -> Any:
        return while_loop(
            lambda x: reduce_sum(x) < 5.0, lambda x: concat([x, constant([1.0])], 0), [x], shape_invariants=[[None]]
        )[0]

    np.testing.assert_array_equal(f(constant([1.0, 1.0])).numpy(), np.ones(5, np.float32))


@both_backends
def test_variables_in_loops(backend: str) -> None:
    total: Any = Variable(0.0)
    scale: Any = Variable(2.0)

    def body(i: Any) -> Any:
        total.assign_add(scale * cast(i, "float32"))
        return i + 1

    @compiled(backend)
    def f(n: Any) -> Any:
        while_loop(lambda i: i < n, body, [0])
        return total + 0.0

    assert float(f(constant(4))) == 12.0
    assert float(f(constant(2))) == 14.0
    assert float(total) == 14.0


def test_a_tensor_read_before_the_loop_stays() -> None:
    v: Any = Variable(1.0)

    @function
    def f() -> Any:
        before = v.value()
        while_loop(lambda i: i < 3, lambda i: (v.assign(v + before), i + 1)[1], [0])
        return v + 0.0

    assert float(f()) == 4.0


@both_backends
@pytest.mark.parametrize("start", [1.0, 20.0])
def test_gradient_of_a_while_loop_without_a_bound(start: float, backend: str) -> None:
    def f(x: Any, w: Any) -> Any:
        return while_loop(lambda x: x < 10.0, lambda x: x * x * w + x, [x])[0]

    arrays = [np.array(start, np.float32), np.array(0.5, np.float32)]
    assert_agree(f, *arrays, backend=backend)
    x, w = map(constant, arrays)
    found = function(lambda x: second(lambda x: f(x, w), x) + 0.0 * x, backend=backend)
    if start < 10.0:
        np.testing.assert_allclose(found(x).numpy(), second(lambda x: f(x, w), x).numpy(), rtol=1e-5)


def rnn(xs: Any, w: Any, reverse: bool = False) -> Any:
    return scan(lambda h, x: tanh(matmul(h, w) + x), xs, xs[0] * 0.0, reverse=reverse)


@both_backends
@pytest.mark.parametrize("reverse", [False, True])
def test_scan(reverse: bool, backend: str) -> None:
    assert_agree(lambda xs, w: rnn(xs, w, reverse), numbers(4, 2, 3), numbers(3, 3), backend=backend)


@both_backends
@pytest.mark.parametrize("reverse", [False, True])
def test_scan_from_the_first_element(reverse: bool, backend: str) -> None:
    assert_agree(lambda xs: scan(mul, xs, reverse=reverse), numbers(4, 2), backend=backend)


@both_backends
def test_scan_over_an_open_size(backend: str) -> None:
    signature = [TensorSpec([None, 2, 3]), TensorSpec([3, 3])]
    traced = function(lambda xs, w: rnn(xs, w), input_signature=signature, backend=backend)
    w = numbers(3, 3)
    for length in (1, 4):
        xs = numbers(length, 2, 3)
        np.testing.assert_allclose(traced(xs, w).numpy(), rnn(constant(xs), constant(w)).numpy(), rtol=1e-5)
    assert traced.experimental_get_tracing_count() == 1


@both_backends
def test_second_order_through_scan(backend: str) -> None:
    xs, w = constant(numbers(3, 2, 2)), constant(numbers(2, 2))
    expected = second(lambda w: rnn(xs, w), w)
    found = function(lambda xs, w: second(lambda w: rnn(xs, w), w), backend=backend)(xs, w)
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-4, atol=1e-5)


@both_backends
def test_folds(backend: str) -> None:
    def f(xs: Any) -> Any:
        return foldl(lambda a, x: a * 0.5 + x, xs) + foldr(lambda a, x: a * a + x, xs, xs[0])

    assert_agree(f, numbers(4, 2), backend=backend)


@both_backends
def test_map_fn_of_structures(backend: str) -> None:
    def f(xs: Any, ys: Any, w: Any) -> Any:
        product, total = map_fn(
            lambda e: (e[0] * w, reduce_sum(e[1])), (xs, ys), fn_output_signature=("float32", "float32")
        )
        return reduce_sum(product) + reduce_sum(total * total)

    assert_agree(f, numbers(3, 2), numbers(3, 4), numbers(2), backend=backend)


def test_map_fn_of_nothing() -> None:
    empty = map_fn(lambda x: cast(x * 2.0, "float64"), np.zeros((0, 3), np.float32))
    assert (tuple(empty.shape), empty.dtype.name) == ((0, 3), "float64")


def test_vectorized_map() -> None:
    np.testing.assert_array_equal(vectorized_map(lambda x: x + 1.0, constant([1.0, 2.0])).numpy(), [2.0, 3.0])


@both_backends
def test_variables_in_scan(backend: str) -> None:
    seen = Variable(0.0)

    def fn(a: Any, x: Any) -> Any:
        seen.assign_add(x)
        return a + x * seen

    @compiled(backend)
    def f(xs: Any) -> Any:
        return scan(fn, xs, constant(0.0))

    np.testing.assert_allclose(f(constant([1.0, 2.0, 3.0])).numpy(), [1.0, 7.0, 25.0])
    assert float(seen) == 6.0


@both_backends
def test_cond_in_scan_in_while(backend: str) -> None:
    def f(xs: Any, w: Any) -> Any:
        def step(a: Any, x: Any) -> Any:
            return cond(x > 0.0, lambda: a * w + x, lambda: sin(a) - x)

        def body(i: Any, a: Any) -> Any:
            return i + 1, foldl(step, xs, a)

        return while_loop(lambda i, a: i < 2, body, (0, w * 0.5), maximum_iterations=3)[1]

    assert_agree(f, np.array([0.5, -0.3, 0.2], np.float32), np.array(0.7, np.float32), backend=backend)


def test_loops_are_one_op() -> None:
    traced = function(lambda x: rnn(x, x[0]), input_signature=[TensorSpec([5, 3, 3])])
    ops = [type(node.op) for node in traced.get_concrete_function().graph.nodes()]
    assert ops.count(Scan) == 1
    assert While not in ops


# --- TensorArray -----------------------------------------------------------------------------------------------------


def test_tensor_array_collects_and_stacks() -> None:
    def f(x: Any) -> Any:
        array = TensorArray("float32", size=3)
        for i in range(3):
            array = array.write(i, x * float(i))
        return array.stack() + array.read(1)

    assert_agree(f, numbers(2), backend="numpy")


def test_tensor_array_errors() -> None:
    with pytest.raises(ArgumentError, match="position 2 is outside of a TensorArray of size 2"):
        TensorArray("float32", size=2).write(2, 1.0)
    with pytest.raises(DTypeError, match="holds float32, got a int64"):
        TensorArray("float32", size=2).write(0, constant(1, "int64"))
    with pytest.raises(ArgumentError, match="nothing was written at position 0"):
        TensorArray("float32", size=2).stack()
    with pytest.raises(ShapeError, match=r"holds tensors of shape \[\], got f32\[1\]"):
        function(lambda i: TensorArray("float32", size=2).write(0, 1.0).write(i, [1.0]).stack())(constant(1))


@both_backends
def test_tensor_array_with_positions_of_the_graph(backend: str) -> None:
    @compiled(backend)
    def f(i: Any, x: Any) -> Any:
        array = TensorArray("float32", size=3, element_shape=()).write(i, x).write(0, 2.0 * x)
        return array.stack(), array.read(i), array.size()

    stacked, read, size = f(constant(2), constant(1.5))
    assert stacked.numpy().tolist() == [3.0, 0.0, 1.5]
    assert (float(read), int(size)) == (1.5, 3)


@both_backends
def test_tensor_array_of_open_size(backend: str) -> None:
    @compiled(backend)
    def f(n: Any) -> Any:
        array = TensorArray("int32", size=n)
        return array.write(n - 1, 7).stack(), TensorArray("int32", dynamic_size=True).write(n, 5).concat()

    first, second_ = f(constant(3))
    assert first.numpy().tolist() == [0, 0, 7]
    assert second_.numpy().tolist() == [0, 0, 0, 5]


@both_backends
@pytest.mark.parametrize("shape", [None, ()])
def test_tensor_array_at_positions_of_the_graph(shape: Any, backend: str) -> None:
    def f(i: Any, x: Any) -> Any:
        array = TensorArray("float32", size=3, element_shape=shape).write(i, x).write(i + 1, x * 2.0)
        return array.stack() * array.read(i) + array.gather([1, 2])[0]

    assert_agree(f, np.array(1, np.int32), np.array(3.0, np.float32), backend=backend)


@both_backends
def test_tensor_array_of_a_size_of_the_graph(backend: str) -> None:
    @compiled(backend)
    def f(n: Any, x: Any) -> Any:
        fixed = TensorArray("float32", size=n).write(1, x)
        growing = TensorArray("float32", size=0, dynamic_size=True).write(n, x)
        return fixed.stack(), fixed.size(), growing.stack(), growing.concat()

    found = [y.numpy() for y in f(constant(3), constant([1.0, 2.0]))]
    np.testing.assert_array_equal(found[0], [[0, 0], [1, 2], [0, 0]])
    np.testing.assert_array_equal(found[2], [[0, 0], [0, 0], [0, 0], [1, 2]])
    np.testing.assert_array_equal(found[3], [0, 0, 0, 0, 0, 0, 1, 2])
    assert found[1] == 3


def test_tensor_array_errors_at_positions_of_the_graph() -> None:
    with pytest.raises(ShapeError, match=r"holds tensors of shape \[\], got f32\[2\]"):
        function(lambda i: TensorArray("float32", size=2).write(0, 1.0).write(i, [1.0, 2.0]).stack())(constant(1))
    with pytest.raises(ArgumentError, match="nothing was written to a TensorArray whose size is only known"):
        function(lambda n: TensorArray("float32", size=n).stack())(constant(1))


# --- errors ----------------------------------------------------------------------------------------------------------

ERRORS: list[tuple[str, Callable[[Any], Any], type[Exception], str]] = [
    (
        "structure",
        lambda x: cond(x > 0.0, lambda: (x, x), lambda: x),
        ArgumentError,
        r"true_fn returns \('f32\[\]', 'f32\[\]'\), but false_fn returns f32\[\]",
    ),
    (
        "dtype",
        lambda x: cond(x > 0.0, lambda: x, lambda: 1),
        DTypeError,
        r"f32\[\] in the true branch and i32\[\] in the false",
    ),
    (
        "shape",
        lambda x: cond(x > 0.0, lambda: x, lambda: constant([1.0])),
        ShapeError,
        r"f32\[\] in the true branch and f32\[1\]",
    ),
    ("callable", lambda x: cond(x > 0.0, x, x), ArgumentError, r"true_fn of tf\.cond must be a function"),
    ("predicate", lambda x: cond(x, lambda: x, lambda: x), DTypeError, "needs a bool scalar as condition, got f32"),
    (
        "body-count",
        lambda x: while_loop(lambda a, b: a < b, lambda a, b: a, (x, x)),
        ArgumentError,
        "expected the 2 loop variables",
    ),
    (
        "body-shape",
        lambda x: while_loop(lambda a: reduce_sum(a) < 1.0, lambda a: constant([1.0]), (x,)),
        ShapeError,
        r"loop variable 0 is f32\[\] before the body and f32\[1\] after it",
    ),
    (
        "body-dtype",
        lambda x: while_loop(lambda a: a < 1.0, lambda a: cast(a, "int32"), (x,)),
        DTypeError,
        "loop variable 0",
    ),
    ("loop-vars", lambda x: while_loop(lambda a: a < 1.0, lambda a: a, x), ArgumentError, "non-empty list or tuple"),
    (
        "invariant",
        lambda x: while_loop(lambda a: a < 1.0, lambda a: a, [x], shape_invariants=[[None]]),
        ShapeError,
        "does not fit",
    ),
    (
        "tensor-array",
        lambda x: while_loop(lambda a, t: a < x, lambda a, t: (a, t), (x, TensorArray("float32", 1))),
        TracingError,
        "cannot be a loop variable",
    ),
    ("scan-scalar", lambda x: scan(mul, x), ShapeError, r"tf\.scan goes over the first axis"),
    (
        "map-signature",
        lambda x: map_fn(lambda a: a, constant([1.0]) * x, fn_output_signature="int32"),
        DTypeError,
        "fn_output_signature says int32",
    ),
    ("foreign", lambda x: _leaked(x), TracingError, "of another traced function"),
]


def _leaked(x: Any) -> Any:
    kept: list[Any] = []

    def branch() -> Any:
        kept.append(x + 1.0)
        return kept[0]

    cond(x > 0.0, branch, lambda: x)
    return kept[0] * 2.0


@pytest.mark.parametrize(("f", "error", "match"), [row[1:] for row in ERRORS], ids=[row[0] for row in ERRORS])
def test_mistakes_are_explained(f: Callable[[Any], Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        function(f)(constant(1.0))
