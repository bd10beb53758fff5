"""tf.function: traces, signatures, state, retracing and its errors."""

from __future__ import annotations

import copy
import io
import pickle
import warnings
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError, TracingError


def test_traces_once_per_signature() -> None:
    traces = []

    @tf.function
    def double(x: tf.Tensor) -> Any:
        traces.append(x.shape)
        return x * 2

    for _ in range(3):
        np.testing.assert_array_equal(double(tf.constant([1.0, 2.0])).numpy(), [2.0, 4.0])
    double(tf.constant([1, 2]))
    double(tf.constant([1.0, 2.0, 3.0]))
    assert traces == [(2,), (2,), (3,)]
    assert double.experimental_get_tracing_count() == 3


def test_python_values_are_static_and_types_count() -> None:
    seen = []

    @tf.function
    def scale(x: tf.Tensor, by: Any) -> Any:
        seen.append(by)
        return x * float(by) if by else x

    x = tf.constant(3.0)
    assert [float(scale(x, b)) for b in (2, 2.0, True, False, 2)] == [6.0, 6.0, 3.0, 3.0, 6.0]
    assert seen == [2, 2.0, True, False]


def test_keywords_defaults_and_structures() -> None:
    @tf.function
    def combine(pair: dict[str, Any], scale: float = 2.0, *, extra: Any = None) -> Any:
        total = pair["a"] + pair["b"][0]
        return {"total": total * scale, "extra": extra, "list": [pair["a"], (total,)]}

    a, b = tf.constant(1.0), tf.constant(2.0)
    first = combine({"a": a, "b": [b]})
    again = combine({"a": a, "b": [b]}, scale=2.0)
    assert combine.experimental_get_tracing_count() == 1
    assert float(first["total"]) == float(again["total"]) == 6.0
    assert first["extra"] is None
    assert float(first["list"][1][0]) == 3.0
    assert float(combine({"a": a, "b": [b]}, 3.0, extra=a)["extra"]) == 1.0


def test_numpy_arguments_are_tensors() -> None:
    square = tf.function(lambda x: x * x)
    np.testing.assert_array_equal(square(np.array([2.0, 3.0], np.float32)).numpy(), [4.0, 9.0])
    np.testing.assert_array_equal(square(np.array([4.0, 5.0], np.float32)).numpy(), [16.0, 25.0])
    assert square.experimental_get_tracing_count() == 1


def test_variables_are_read_and_assigned() -> None:
    total = tf.Variable(0.0)
    step = tf.Variable(0)

    @tf.function
    def accumulate(x: tf.Tensor) -> Any:
        total.assign_add(x)
        step.assign(step + 1)
        return total * 2.0

    results = [float(accumulate(tf.constant(v))) for v in (1.0, 2.0, 3.0)]
    assert results == [2.0, 6.0, 12.0]
    assert float(total) == 6.0
    assert int(step) == 3
    graph = accumulate.concrete_functions[0].graph
    assert [(s.name, s.output is not None) for s in graph.states] == [("Variable", True), ("Variable_1", True)]


def test_a_value_read_before_an_assignment_does_not_change() -> None:
    v = tf.Variable([1.0, 2.0])

    @tf.function
    def bump() -> None:
        v.assign_add([1.0, 1.0])

    before = v.value()
    bump()
    bump()
    np.testing.assert_array_equal(before.numpy(), [1.0, 2.0])
    np.testing.assert_array_equal(v.numpy(), [3.0, 4.0])


def test_a_tape_inside_trains() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((64, 2)).astype(np.float32)
    y = x @ np.array([[2.0], [-1.0]], np.float32) + 0.5
    w, b = tf.Variable(np.zeros((2, 1), np.float32)), tf.Variable(np.zeros(1, np.float32))

    @tf.function
    def step(x: tf.Tensor, y: tf.Tensor) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(tf.matmul(x, w) + b - y))
        gw, gb = tape.gradient(loss, [w, b])
        w.assign_sub(0.1 * gw)
        b.assign_sub(0.1 * gb)
        return loss

    losses = [float(step(tf.constant(x), tf.constant(y))) for _ in range(200)]
    assert losses[-1] < 1e-6 < losses[0]
    np.testing.assert_allclose(w.numpy(), [[2.0], [-1.0]], atol=1e-3)
    assert step.experimental_get_tracing_count() == 1


def test_functions_call_functions() -> None:
    inner = tf.function(lambda x: x * 2.0)
    outer = tf.function(lambda x: inner(x) + 1.0)
    assert float(outer(tf.constant(3.0))) == 7.0
    assert inner.experimental_get_tracing_count() == 0


def test_methods_keep_one_function_per_instance() -> None:
    class Counter:
        def __init__(self, start: float) -> None:
            self.value = tf.Variable(start)

        @tf.function
        def add(self, x: Any) -> Any:
            return self.value.assign_add(x).value()

    first, second = Counter(0.0), Counter(10.0)
    first.add(tf.constant(1.0))
    assert float(first.add(tf.constant(1.0))) == 2.0
    assert float(second.add(tf.constant(1.0))) == 11.0
    assert first.add is first.add
    assert first.add.experimental_get_tracing_count() == 1


def test_input_signature_gives_one_trace_with_open_sizes() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None, 2]), tf.TensorSpec([None, 2])])
    def difference(a: tf.Tensor, b: tf.Tensor) -> Any:
        return tf.reduce_mean(a - b)

    for n in (1, 3, 5):
        assert float(difference(np.ones((n, 2), np.float32), np.zeros((n, 2)))) == 1.0
    assert difference.experimental_get_tracing_count() == 1
    with pytest.raises(ShapeError, match=r"has shape \(4, 2\)"):
        difference(np.ones((3, 2), np.float32), np.ones((4, 2), np.float32))
    with pytest.raises(ShapeError, match="input_signature says"):
        difference(np.ones((3, 3), np.float32), np.ones((3, 3), np.float32))
    with pytest.raises(DTypeError, match="input_signature says float32"):
        difference(tf.constant([[1, 2]]), tf.constant([[1, 2]]))
    with pytest.raises(ArgumentError, match="2 arguments, got 1"):
        tf.function(lambda *a: a, input_signature=[tf.TensorSpec([]), tf.TensorSpec([])])(1.0)


def test_reduce_retracing_opens_the_sizes_that_changed() -> None:
    mean = tf.function(lambda x: tf.reduce_mean(x), reduce_retracing=True)
    values = [float(mean(tf.constant(np.full((n, 2), n, np.float32)))) for n in (2, 3, 4, 5)]
    assert values == [2.0, 3.0, 4.0, 5.0]
    assert mean.experimental_get_tracing_count() == 2


def test_reduce_retracing_leaves_sizes_that_matter() -> None:
    halves = tf.function(lambda x: tf.concat(tf.split(x, 2)[::-1], axis=0), reduce_retracing=True)
    for n in (2, 4, 6):
        np.testing.assert_array_equal(halves(tf.range(n)).numpy(), np.roll(np.arange(n), n // 2))
    assert halves.experimental_get_tracing_count() == 3
    with pytest.raises(ArgumentError, match="size 3"):
        halves(tf.range(3))


def test_concrete_functions() -> None:
    w = tf.Variable(2.0)

    @tf.function
    def scaled(x: tf.Tensor, flag: bool = True) -> Any:
        return {"y": x * w if flag else x}

    concrete = scaled.get_concrete_function(tf.TensorSpec(["n", 3]))
    assert concrete is scaled.get_concrete_function(tf.TensorSpec(["n", 3]))
    np.testing.assert_array_equal(concrete(np.ones((2, 3), np.float32))["y"].numpy(), np.full((2, 3), 2.0))
    assert [v is w for v in concrete.variables] == [True]
    assert concrete.structured_outputs["y"].shape[1] == 3
    assert "f32[n, 3]" in scaled.pretty_printed_concrete_signatures()
    with pytest.raises(ArgumentError, match="takes 1 tensors, got 2"):
        concrete(1.0, 2.0)
    with pytest.raises(ShapeError, match=r"has shape \(2, 4\)"):
        concrete(np.ones((2, 4), np.float32))


def test_a_retrace_is_explained() -> None:
    f = tf.function(lambda x, k=1: x * k)
    x = tf.constant([1.0])
    f(x)
    assert "nothing was traced again" in f.explain_retrace()
    f(x, 2)
    assert "Python argument 1 changed from 1 to 2" in f.explain_retrace()
    f(tf.constant([1.0, 2.0]), 2)
    assert "tensor 0 changed from f32[1] to f32[2]" in f.explain_retrace()
    for k in range(3, 7):
        f(x, k)
    with pytest.warns(UserWarning, match="traced 8 times"):
        f(x, 7)


def test_asking_for_the_truth_of_a_symbolic_tensor_names_the_line_and_the_rewrite() -> None:
    @tf.function(autograph=False)
    def sign(x: Any) -> Any:
        return x if x > 0 else -x

    with pytest.raises(TracingError, match=r"test_function\.py:\d+.*tf\.cond"):
        sign(tf.constant(1.0))


def test_no_value_while_tracing() -> None:
    uses: list[Any] = [lambda x: x.numpy(), float, int, lambda x: range(x), lambda x: np.asarray(x), pickle.dumps]
    for use in uses:
        with pytest.raises(TracingError, match="no value yet"):
            tf.function(use, autograph=False)(tf.constant(1))


def test_a_leaked_tensor_is_refused_elsewhere() -> None:
    kept: list[Any] = []

    @tf.function
    def leak(x: tf.Tensor) -> None:
        kept.append(x)

    leak(tf.constant(1.0))
    with pytest.raises(TracingError, match="of another traced function"):
        tf.function(lambda x: x + kept[0])(tf.constant(1.0))
    with pytest.raises(TracingError, match=r"outside of it.*return it from the function, or keep it in a tf\.Variable"):
        kept[0] + tf.constant(1.0)


def test_variables_created_at_the_first_call_only() -> None:
    class Lazy:
        weight: Any = None

        @tf.function
        def __call__(self, x: Any) -> Any:
            if self.weight is None:
                self.weight = tf.Variable(tf.constant([1.0, 1.0]) * 3.0)
            return x * self.weight

    layer = Lazy()
    np.testing.assert_array_equal(layer(tf.constant([1.0, 2.0])).numpy(), [3.0, 6.0])
    with pytest.raises(TracingError, match="only at its first call"):
        tf.function(lambda x: tf.Variable(1.0) + x)(tf.constant(1.0))


def test_a_failing_trace_leaves_eager_execution_in_place() -> None:
    def fail(x: Any) -> Any:
        raise RuntimeError("user error")

    with pytest.raises(RuntimeError, match="user error"):
        tf.function(fail)(tf.constant(1.0))
    assert float(tf.constant(1.0) + tf.constant(1.0)) == 2.0


def test_type_errors_inside_a_trace_name_the_users_line() -> None:
    with pytest.raises(DTypeError, match=r"float32 and int32.*test_function\.py:\d+"):
        tf.function(lambda x: x + tf.constant(1))(tf.constant(1.0))


def test_running_eagerly_and_copying() -> None:
    calls = []

    @tf.function
    def f(x: tf.Tensor) -> Any:
        calls.append(1)
        return x * 2

    tf.config.run_functions_eagerly(True)
    try:
        f(tf.constant(1.0))
        f(tf.constant(1.0))
    finally:
        tf.config.run_functions_eagerly(False)
    assert len(calls) == 2
    assert float(copy.deepcopy(f)(tf.constant(2.0))) == 4.0


def test_inputs_have_the_names_of_parameters_and_specs() -> None:
    w = tf.Variable(1.0, name="w")

    def f(x: Any, pair: Any, w_: Any, *rest: Any, key: Any) -> Any:
        return x * w + pair[0] * pair[1] + w_ + rest[0] + key

    scalar = tf.TensorSpec([])
    named = tf.TensorSpec([], name="w")
    graph = tf.trace(f, scalar, [scalar, scalar], named, scalar, key=scalar)
    # A Variable keeps its name; an argument of the same name gives way.
    assert [v.name for v in graph.inputs] == ["x", "pair_0", "pair_1", "w_1", "input_3", "key", "w"]


def test_printing_while_tracing_warns_with_the_line_and_shows_types() -> None:
    stream = io.StringIO()
    state = tf.Variable([1.0], name="state")

    @tf.function
    def f(x: Any) -> Any:
        tf.print("x:", x, state, output_stream=stream)
        return x * 2.0

    with pytest.warns(UserWarning, match=r"test_function\.py:\d+: tf\.print runs once.*return the tensor") as caught:
        f(tf.constant([1.0, 2.0]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        f(tf.constant([3.0, 4.0]))
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert stream.getvalue().startswith("x: Tensor('x', shape=(2,), dtype=float32) <tf.Variable 'state:0'")
    assert not f.concrete_functions[0].variables, "printing a Variable must not read it into the graph"


def test_printing_known_values_does_not_warn(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tf.print(tf.constant([1, 2]), tf.Variable(3.0), "text")
        tf.trace(lambda: tf.print("tracing"))
    assert capsys.readouterr().err == "[1 2] 3. text\ntracing\n"


def test_constants_carry_the_line_of_the_op_that_uses_them() -> None:
    def f(x: Any) -> Any:
        y = tf.exp(x)
        return y * 2.0

    first, second, third = tf.trace(f, tf.TensorSpec([])).nodes()
    assert second.op.name == "constant"
    assert second.location.line == third.location.line == first.location.line + 1


def test_a_constant_result_carries_a_line() -> None:
    (node,) = tf.trace(lambda: tf.constant(1.0)).nodes()
    assert node.location.file == __file__


@pytest.mark.parametrize(
    ("use", "fix"),
    [
        (lambda x: x.numpy(), r"call \.numpy\(\) outside, or use tf\.\* ops"),
        (float, r"tf\.cast\(x, dtype\), or return the tensor and call float\(\) outside"),
        (lambda x: [1, 2][x], r"tf\.gather\(x, i\)"),
        (lambda x: len(tf.range(x)), r"use tf\.shape\(x\)\[0\]"),
        (np.asarray, "use the tf.* op instead of NumPy's"),
    ],
)
def test_what_to_do_without_a_value(use: Any, fix: str) -> None:
    with pytest.raises(TracingError, match=rf"no value yet, but .*{fix}"):
        tf.function(use, autograph=False)(tf.constant(1))
