"""The planned executor: equal to the reference, and nothing a caller holds is ever overwritten."""

from __future__ import annotations

import threading
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from graphc_backends.base import CompileOptions, StateCell
from graphc_backends.numpy.backend import MAX_PROGRAMS, NumpyBackend, PlannedExecutable
from graphc_ir.dtypes import float32
from graphc_ir.errors import ArgumentError, BackendError
from graphc_ir.evaluate import evaluate
from graphc_ir.graph import Graph, Location
from graphc_ir.ops.base import bind, lift
from graphc_ir.ops.elementwise import add, cast, div, exp, log, mul, neg, relu, square, sub, tanh
from graphc_ir.ops.linalg import matmul
from graphc_ir.ops.movement import broadcast_to, concat, reshape, slice_axis, transpose
from graphc_ir.ops.optim import AdamUpdate
from graphc_ir.ops.reduction import reduce_max, reduce_mean, reduce_sum
from tests.backends.graphs import Array, batch_of, build, initial_state, train_step, values_of
from tests.samples.base import Sample
from tests.samples.table import SAMPLES
from tests.test_op_samples import one_node_graph


def compiled(graph: Graph) -> PlannedExecutable:
    executable = NumpyBackend().compile(graph, CompileOptions())
    assert isinstance(executable, PlannedExecutable)
    return executable


def random(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


CHAINS: dict[str, tuple[dict[str, str], Callable[..., Any]]] = {
    "elementwise": (
        {"x": "f32[6, 4]", "y": "f32[4]"},
        lambda x, y: tanh(add(mul(exp(neg(square(x))), y), 1.0)),
    ),
    "input returned": ({"x": "f32[2, 2]"}, lambda x: (x, neg(x), x)),
    "constant returned": ({"x": "f32[2]"}, lambda x: (add(1.0, 2.0), x)),
    "same value twice": ({"x": "f32[3]"}, lambda x: (y := exp(x), y)),
    "view of a buffer is a result": ({"x": "f32[2, 6]"}, lambda x: transpose(reshape(exp(x), (3, 4)))),
    "view of an input is a result": ({"x": "f32[2, 6]"}, lambda x: transpose(x)),
    "reshape of a transposed buffer copies": (
        {"x": "f32[3, 4]"},
        lambda x: neg(reshape(transpose(exp(x)), (2, 6))),
    ),
    "buffer read through a view after reuse": (
        {"x": "f32[4, 4]"},
        lambda x: add(matmul(transpose(a := exp(x)), neg(x)), mul(tanh(square(x)), a)),
    ),
    "operand and its transpose": ({"x": "f32[4, 4]"}, lambda x: neg(add(a := exp(x), transpose(a)))),
    "reductions": (
        {"x": "f32[5, 3]"},
        lambda x: (
            reduce_sum(exp(x), 0),
            reduce_mean(x),
            reduce_max(neg(x), 1, keepdims=True),
            reduce_mean(x, 1),
        ),
    ),
    "integers": (
        {"x": "i8[5, 3]"},
        lambda x: (reduce_sum(x), mul(x, x), cast(x, "float32"), cast(reduce_max(x, 0), "bool")),
    ),
    "half": ({"x": "f16[40, 3]"}, lambda x: (reduce_mean(exp(x)), matmul(transpose(x), x))),
    "batched matmul": ({"x": "f32[2, 3, 4]", "y": "f32[4, 5]"}, lambda x, y: neg(matmul(exp(x), y))),
    "concat of dying buffers": (
        {"x": "f32[2, 3]"},
        lambda x: neg(concat([exp(x), slice_axis(tanh(x), 0, 0, 1), x], 0)),
    ),
    "broadcast": ({"x": "f32[3]"}, lambda x: relu(broadcast_to(neg(x), (4, 3)))),
    "scalars": ({"x": "f32[]"}, lambda x: (sub(exp(x), 1.0), div(x, exp(neg(x))))),
    "empty": ({"x": "f32[0, 3]"}, lambda x: (exp(x), reduce_sum(exp(x), 0))),
}


@pytest.mark.parametrize("name", CHAINS)
def test_equals_the_reference(name: str) -> None:
    graph = build(*CHAINS[name])
    executable = compiled(graph)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        inputs = [rng.uniform(-3, 3, v.type.shape).astype(v.type.dtype.np) for v in graph.inputs]
        before = values_of(inputs)
        found, expected = executable.run(inputs), evaluate(graph, inputs)
        for have, want in zip(found, expected, strict=True):
            assert isinstance(have, np.ndarray)
            assert have.dtype == want.dtype
            np.testing.assert_allclose(have, want, rtol=1e-6, atol=1e-6)
        for array, untouched in zip(inputs, before, strict=True):
            np.testing.assert_array_equal(array, untouched)


@pytest.mark.parametrize("name", CHAINS)
def test_results_stay_valid(name: str) -> None:
    graph = build(*CHAINS[name])
    executable = compiled(graph)
    rng = np.random.default_rng(0)
    held, copies = [], []
    for _ in range(4):
        inputs = [rng.uniform(-3, 3, v.type.shape).astype(v.type.dtype.np) for v in graph.inputs]
        held.append(executable.run(inputs))
        copies.append(values_of(held[-1]))
    for results, copied in zip(held, copies, strict=True):
        for have, want in zip(results, copied, strict=True):
            np.testing.assert_array_equal(have, want)


@pytest.mark.parametrize("sample", SAMPLES, ids=[s.id for s in SAMPLES])
def test_every_op(sample: Sample) -> None:
    """With symbolic sizes where the row has them; twice, so that a reused buffer would show."""
    graph = one_node_graph(sample, sample.types())
    executable = compiled(graph)
    kept = []
    for seed in (1, 2):
        inputs = sample.arrays(seed)
        found, expected = executable.run(inputs), evaluate(graph, inputs)
        kept.append((found, expected))
    for found, expected in kept:
        for have, want in zip(found, expected, strict=True):
            assert (have.dtype, have.shape) == (want.dtype, want.shape)
            if have.dtype.kind in "fc" or have.dtype.name == "bfloat16":
                np.testing.assert_allclose(have.astype(complex), want.astype(complex), rtol=1e-6, atol=1e-6)
            else:
                np.testing.assert_array_equal(have, want)


@pytest.mark.parametrize("sample", SAMPLES, ids=[s.id for s in SAMPLES])
def test_only_views_share_memory(sample: Sample) -> None:
    """The memory plan relies on it: an op whose result may be its operand's memory says ``is_view``."""
    op = sample.op.substitute_dims(dict(sample.sizes))
    arrays = sample.arrays()
    results = op.kernel(*arrays)
    for result in results if op.num_results != 1 else (results,):
        shared = [i for i, a in enumerate(arrays) if np.may_share_memory(result, a)]
        assert shared in ([], [0]) if op.is_view else shared == []


def test_train_step_equals_the_reference() -> None:
    graph = train_step()
    executable, cells = compiled(graph), [StateCell(a) for a in initial_state()]
    state = initial_state()
    for seed in range(5):
        loss, *state = evaluate(graph, [*batch_of(8, seed), *state])
        (found,) = executable.step(batch_of(8, seed), cells)
        np.testing.assert_allclose(found, loss, rtol=1e-6)
    for cell, want in zip(cells, state, strict=True):
        np.testing.assert_allclose(cell.read(), want, rtol=1e-5, atol=1e-6)


def test_unread_state_is_updated_in_place() -> None:
    executable, cells = compiled(train_step()), [StateCell(a) for a in initial_state()]
    executable.step(batch_of(8), cells)
    addresses = [c.read().ctypes.data for c in cells]
    executable.step(batch_of(8), cells)
    assert [c.read().ctypes.data for c in cells] == addresses


@pytest.mark.parametrize(
    "hold",
    [lambda a: a, lambda a: a[:1], lambda a: a.T, memoryview],
    ids=["array", "slice", "view", "buffer"],
)
def test_state_that_was_read_stays(hold: Callable[[Array], Any]) -> None:
    executable, cells = compiled(train_step()), [StateCell(a) for a in initial_state()]
    seen, copies = [], []
    for seed in range(5):
        executable.step(batch_of(8, seed), cells)
        seen.append(hold(cells[0].read()))
        copies.append(np.array(seen[-1]))
    for have, want in zip(seen, copies, strict=True):
        np.testing.assert_array_equal(np.asarray(have), want)
    assert not np.array_equal(copies[0], copies[-1])


def test_the_users_initial_array_is_not_written() -> None:
    executable, initial = compiled(train_step()), initial_state()
    before = values_of(initial)
    cells = [StateCell(a) for a in initial]
    for _ in range(3):
        executable.step(batch_of(8), cells)
    np.testing.assert_array_equal(initial[0], before[0])
    written = np.ones((3, 1), np.float32)
    cells[0].write(written)
    executable.step(batch_of(8), cells)
    np.testing.assert_array_equal(written, np.ones((3, 1)))


STATE_CASES: dict[str, Callable[..., Any]] = {
    "old value is a result": lambda x, w: (w, add(w, x)),
    "view of the old value is a result": lambda x, w: (slice_axis(w, 0, 0, 2), mul(w, x)),
    "old value read after the new one": lambda x, w: (sub(n := mul(add(w, x), 0.5), w), n),
    "new value is a result": lambda x, w: (n := tanh(add(w, x)), n),
    "argument assigned": lambda x, w: (neg(w), x),
    "view assigned": lambda x, w: (neg(w), reshape(reshape(exp(mul(w, x)), (4,)), (2, 2))),
    "unchanged": lambda x, w: (neg(w), w),
    "constant assigned": lambda x, w: (add(w, x), broadcast_to(add(1.0, 1.0), (2, 2))),
    "transposed itself": lambda x, w: (reduce_sum(x), add(transpose(w), mul(w, 0.5))),
    "product with itself": lambda x, w: (reduce_sum(x), matmul(w, x)),
    "chain": lambda x, w: (reduce_sum(w), add(mul(w, 0.9), mul(square(x), 0.1))),
}


@pytest.mark.parametrize("name", STATE_CASES)
@pytest.mark.parametrize("keep", [False, True])
def test_state_semantics(name: str, keep: bool) -> None:
    graph = build({"x": "f32[2, 2]", "w": "f32[2, 2]"}, STATE_CASES[name], {"w": 1})
    executable, cell = compiled(graph), StateCell(random(2, 2, seed=9))
    w = np.array(cell.read())
    kept, copies = [], []
    for seed in range(4):
        x = random(2, 2, seed=seed)
        expected, w = evaluate(graph, [x, w])
        (found,) = executable.step([x], [cell])
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
        if keep:
            kept += [found, cell.read()]
            copies += values_of(kept[-2:])
    np.testing.assert_allclose(cell.read(), w, rtol=1e-6, atol=1e-6)
    for have, want in zip(kept, copies, strict=True):
        np.testing.assert_array_equal(have, want)


def adam_graph() -> Graph:
    def update(g: Any, p: Any, m: Any, v: Any) -> Any:
        return (reduce_sum(p), *bind(AdamUpdate(0.9, 0.999, 1e-7), p, m, v, tanh(g), lift(0.01, float32)))

    types = dict.fromkeys(("g", "p", "m", "v"), "f32[40, 500]")
    return build(types, update, {"p": 1, "m": 2, "v": 3})


def test_an_optimizer_updates_its_state_in_place() -> None:
    graph, state = adam_graph(), [random(40, 500, seed=i) ** 2 for i in range(3)]
    executable, cells = compiled(graph), [StateCell(np.array(a)) for a in state]
    addresses = []
    for seed in range(4):
        g = random(40, 500, seed=seed)
        _, *state = evaluate(graph, [g, *state])
        executable.step([g], cells)
        addresses.append([c.read().ctypes.data for c in cells])
    assert addresses[1] == addresses[2] == addresses[3]
    for cell, want in zip(cells, state, strict=True):
        np.testing.assert_allclose(cell.read(), want, rtol=1e-6)


def test_one_array_as_several_operands_of_an_update() -> None:
    def update(p: Any) -> Any:
        return bind(AdamUpdate(0.9, 0.999, 1e-7), p, p, square(p), p, lift(0.01, float32))[0]

    graph, state = build({"p": "f32[30]"}, update, {"p": 0}), [random(30) ** 2]
    executable, cell = compiled(graph), StateCell(np.array(state[0]))
    for _ in range(3):
        state = evaluate(graph, state)
        executable.step([], [cell])
    np.testing.assert_allclose(cell.read(), state[0], rtol=1e-6)


def test_two_variables_swap() -> None:
    graph = build({"a": "f32[2]", "b": "f32[2]"}, lambda a, b: (b, a), {"a": 0, "b": 1})
    executable, cells = (
        compiled(graph),
        [StateCell(np.zeros(2, np.float32)), StateCell(np.ones(2, np.float32))],
    )
    for turn in range(1, 4):
        executable.step([], cells)
        assert cells[0].read().tolist() == [float(turn % 2)] * 2


def test_one_value_for_two_variables() -> None:
    graph = build({"a": "f32[2]", "b": "f32[2]"}, lambda a, b: (n := add(a, b), n), {"a": 0, "b": 1})
    executable, cells = compiled(graph), [StateCell(np.ones(2, np.float32)) for _ in range(2)]
    for _ in range(3):
        executable.step([], cells)
    assert [c.read().tolist() for c in cells] == [[8.0, 8.0]] * 2


def test_symbolic_sizes_and_their_limit() -> None:
    graph = train_step("n")
    executable, cells = compiled(graph), [StateCell(a) for a in initial_state()]
    state = initial_state()
    for size in [8, 5, 8, *range(1, 2 * MAX_PROGRAMS)]:
        loss, *state = evaluate(graph, [*batch_of(size), *state])
        (found,) = executable.step(batch_of(size), cells)
        np.testing.assert_allclose(found, loss, rtol=1e-5)
    assert len(executable._programs) == MAX_PROGRAMS
    np.testing.assert_allclose(cells[0].read(), state[0], rtol=1e-4, atol=1e-5)


def test_a_wrong_shape_is_refused_by_a_step() -> None:
    executable, cells = compiled(train_step("n")), [StateCell(a) for a in initial_state()]
    with pytest.raises(ValueError, match=r"input 1 \(y\).*shape \(5, 1\)"):
        executable.step([batch_of(4)[0], batch_of(5)[1]], cells)
    np.testing.assert_array_equal(cells[0].read(), initial_state()[0])


def test_many_threads_share_one_executable() -> None:
    graph = build({"x": "f32[200, 50]"}, lambda x: reduce_sum(exp(tanh(mul(square(x), 0.5))), 1))
    executable = compiled(graph)
    failures: list[int] = []

    def work(seed: int) -> None:
        x = random(200, 50, seed=seed)
        expected = evaluate(graph, [x])[0]
        for _ in range(30):
            if not np.allclose(executable.run([x])[0], expected, rtol=1e-5):
                failures.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_steps_of_two_threads_lose_no_update() -> None:
    graph = build({"w": "f32[64]"}, lambda w: (reduce_sum(w), add(w, 1.0)), {"w": 1})
    executable, cell = compiled(graph), StateCell(np.zeros(64, np.float32))
    torn: list[Array] = []

    def step() -> None:
        for _ in range(300):
            executable.step([], [cell])

    def watch() -> None:
        for _ in range(300):
            value = cell.read()
            if np.ptp(value) != 0:
                torn.append(value)

    threads = [threading.Thread(target=f) for f in (step, step, watch)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert torn == []
    assert cell.read().tolist() == [600.0] * 64


def test_no_numpy_warnings() -> None:
    executable = compiled(build({"x": "f32[3]"}, lambda x: div(log(x), x)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (found,) = executable.run([np.array([0, -1, 1], np.float32)])
    assert np.isneginf(found[0])
    assert np.isnan(found[1])


def located_graph() -> Graph:
    graph = build({"x": "f32[2, 2]", "w": "f32[2, 2]"}, lambda x, w: (concat([exp(x), w], 0), add(w, 1.0)), {"w": 1})
    for node in graph.nodes():
        node.location = Location("model.py", 12, "model/joined")
    return graph


def test_an_error_names_op_and_line_and_state_stays() -> None:
    executable = compiled(located_graph())
    executable.step([np.zeros((2, 2), np.float32)], [StateCell(np.zeros((2, 2), np.float32))])
    cell = StateCell(np.zeros((2, 3), np.float32))
    with pytest.raises(
        ArgumentError, match=r"(concat|add)\(f32\[2, 2\].*failed: .*\[model.py:12 model/joined\]"
    ) as caught:
        executable.step([np.zeros((2, 2), np.float32)], [cell])
    assert cell.read().shape == (2, 3)
    shown = "".join(traceback.format_exception(caught.value))
    assert "<graphc tested step" in shown
    assert "# f32[4, 2] model.py:12" in shown


def test_source_is_one_line_per_node() -> None:
    text = compiled(train_step()).source("step")
    assert "dot(x, w, " in text
    assert text.splitlines()[0] == "def step(arguments, cells):"
    assert "w_new = w_cell.old if w_cell.claim() else" in text


def test_source_of_symbolic_sizes_needs_a_call() -> None:
    executable = compiled(train_step("n"))
    with pytest.raises(BackendError, match="call it first"):
        executable.source()


def test_buffers_are_reused() -> None:
    def chain(x: Any) -> Any:
        for _ in range(20):
            x = tanh(reshape(exp(mul(x, 0.5)), (10, 10)))
        return reduce_sum(x)

    executable = compiled(build({"x": "f32[10, 10]"}, chain))
    executable.run([random(10, 10)])
    assert executable._static is not None
    assert len(executable._static.program.layout.slabs) <= 2


def test_long_chains() -> None:
    def chain(x: Any) -> Any:
        for _ in range(5000):
            x = mul(tanh(x), 1.5)
        return x

    graph, x = build({"x": "f32[4]"}, chain), random(4)
    np.testing.assert_allclose(compiled(graph).run([x])[0], evaluate(graph, [x])[0], rtol=1e-5)


def test_another_device_is_refused() -> None:
    with pytest.raises(BackendError, match="CPU only, got device 'cuda:0'"):
        NumpyBackend().compile(train_step(), CompileOptions(device="cuda:0"))
