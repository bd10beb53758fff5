"""The ONNX Runtime executable: bound memory, state that stays in the session, errors, dtype holes."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from graphc_backends.base import CompileOptions, StateCell
from graphc_backends.numpy.backend import NumpyBackend
from graphc_backends.onnxruntime import dtypes, session
from graphc_backends.onnxruntime.backend import MAX_BINDINGS, OnnxRuntimeBackend, OnnxRuntimeExecutable
from graphc_backends.onnxruntime.session import SessionCache, optimization_level, parse_device
from graphc_ir.errors import BackendError
from graphc_ir.evaluate import evaluate
from graphc_ir.graph import Graph
from graphc_ir.ops.elementwise import add, cos, exp, mul, neg, square, sub, tanh
from graphc_ir.ops.movement import transpose
from graphc_ir.ops.reduction import reduce_mean, reduce_sum
from graphc_ir.ops.shape import ensure_shape
from tests.backends.graphs import Array, batch_of, build, initial_state, train_step, values_of


def compiled(graph: Graph, **options: Any) -> OnnxRuntimeExecutable:
    executable = OnnxRuntimeBackend().compile(graph, CompileOptions(**options))
    assert isinstance(executable, OnnxRuntimeExecutable)
    return executable


def cells_of(arrays: list[Array]) -> list[StateCell]:
    return [StateCell(a) for a in arrays]


def test_train_step_equals_the_reference() -> None:
    graph, state = train_step(), initial_state()
    executable, cells = compiled(graph), cells_of(initial_state())
    for seed in range(5):
        loss, *state = evaluate(graph, [*batch_of(8, seed), *state])
        (found,) = executable.step(batch_of(8, seed), cells)
        np.testing.assert_allclose(found, loss, rtol=1e-5)
    for cell, want in zip(cells, state, strict=True):
        np.testing.assert_allclose(cell.read(), want, rtol=1e-5, atol=1e-6)


def test_values_read_between_steps_stay() -> None:
    executable, cells = compiled(train_step()), cells_of(initial_state())
    seen, copies = [], []
    for seed in range(4):
        losses = executable.step(batch_of(8, seed), cells)
        seen += [cells[0].read(), losses[0]]
        copies += values_of(seen[-2:])
    for have, want in zip(seen, copies, strict=True):
        np.testing.assert_array_equal(have, want)
    assert not np.array_equal(copies[0], copies[-2])


def test_a_value_written_between_steps_is_used() -> None:
    graph = train_step()
    executable, cells = compiled(graph), cells_of(initial_state())
    executable.step(batch_of(8), cells)
    written = np.full((3, 1), 2, np.float32)
    cells[0].write(written)
    expected = evaluate(graph, [*batch_of(8), written, cells[1].read()])
    (loss,) = executable.step(batch_of(8), cells)
    np.testing.assert_allclose(loss, expected[0], rtol=1e-5)
    np.testing.assert_allclose(cells[0].read(), expected[1], rtol=1e-5)
    np.testing.assert_array_equal(written, np.full((3, 1), 2))


def test_other_variables_may_use_the_same_executable() -> None:
    graph = train_step()
    executable, first, second = (
        compiled(graph),
        cells_of(initial_state()),
        cells_of([a + 1 for a in initial_state()]),
    )
    expected = [initial_state(), [a + 1 for a in initial_state()]]
    for turn in range(6):
        cells = (first, second)[turn % 2]
        _, *expected[turn % 2] = evaluate(graph, [*batch_of(8, turn), *expected[turn % 2]])
        executable.step(batch_of(8, turn), cells)
    for cells, want in ((first, expected[0]), (second, expected[1])):
        np.testing.assert_allclose(cells[0].read(), want[0], rtol=1e-5)


def test_backends_share_variables() -> None:
    """State moves between ONNX Runtime's memory and the planned executor's buffers."""
    graph, state, cells = train_step(), initial_state(), cells_of(initial_state())
    executables = [compiled(graph), NumpyBackend().compile(graph, CompileOptions())]
    for turn in range(8):
        _, *state = evaluate(graph, [*batch_of(8, turn), *state])
        executables[turn // 2 % 2].step(batch_of(8, turn), cells)
    for cell, want in zip(cells, state, strict=True):
        np.testing.assert_allclose(cell.read(), want, rtol=1e-5, atol=1e-6)


def test_state_that_is_only_read_is_followed() -> None:
    executable = compiled(build({"x": "f32[2]", "w": "f32[2]"}, lambda x, w: mul(x, w), {"w": None}))
    cell, x = StateCell(np.ones(2, np.float32)), np.full(2, 3, np.float32)
    assert executable.step([x], [cell])[0].tolist() == [3, 3]
    cell.write(np.full(2, 5, np.float32))
    assert executable.step([x], [cell])[0].tolist() == [15, 15]


def test_a_run_leaves_lent_state_alone() -> None:
    executable, cells = compiled(train_step()), cells_of(initial_state())
    executable.step(batch_of(8), cells)
    before = np.array(cells[0].read())
    executable.step(batch_of(8), cells)
    executable.run([*batch_of(8), np.zeros((3, 1), np.float32), np.zeros(1, np.float32)])
    assert not np.array_equal(cells[0].read(), before)
    assert np.abs(cells[0].read()).max() > 0.1


@pytest.mark.parametrize("size", [4, 300], ids=["copied", "handed out"])
@pytest.mark.parametrize("hold", [lambda a: a, lambda a: a[1:]], ids=["array", "slice"])
def test_results_stay_valid(size: int, hold: Any) -> None:
    executable = compiled(build({"x": f"f32[{size}, {size}]"}, lambda x: (exp(x), neg(x))))
    held, copies = [], []
    for seed in range(4):
        x = np.random.default_rng(seed).standard_normal((size, size)).astype(np.float32)
        found = [hold(a) for a in executable.run([x])]
        np.testing.assert_allclose(found[0], hold(np.exp(x)), rtol=1e-5)
        held += found
        copies += values_of(found)
    for have, want in zip(held, copies, strict=True):
        np.testing.assert_array_equal(have, want)


def test_a_dropped_result_gives_its_memory_back() -> None:
    executable = compiled(build({"x": "f32[300, 300]"}, exp))
    x = np.zeros((300, 300), np.float32)
    addresses = {executable.run([x])[0].ctypes.data for _ in range(5)}
    assert len(addresses) == 1


def test_symbolic_sizes_and_their_limit() -> None:
    graph, state = train_step("n"), initial_state()
    executable, cells = compiled(graph), cells_of(initial_state())
    for size in [8, 5, 8, *range(1, 2 * MAX_BINDINGS)]:
        loss, *state = evaluate(graph, [*batch_of(size), *state])
        np.testing.assert_allclose(executable.step(batch_of(size), cells)[0], loss, rtol=1e-4)
    assert len(executable._bindings) == MAX_BINDINGS
    np.testing.assert_allclose(cells[0].read(), state[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "array",
    [np.ones((4, 6), np.float32)[:, ::2], np.ones((3, 4), np.float32).T],
    ids=["strided", "transposed"],
)
def test_arguments_of_any_layout(array: Array) -> None:
    (found,) = compiled(build({"x": "f32[4, 3]"}, lambda x: transpose(exp(x)))).run([array])
    np.testing.assert_allclose(found, np.exp(array).T, rtol=1e-6)


def test_scalars_booleans_and_empty_tensors() -> None:
    graph = build({"x": "f32[]", "e": "f32[0, 3]"}, lambda x, e: (exp(x), reduce_sum(e, 0), neg(e)))
    found = compiled(graph).run([np.array(1, np.float32), np.zeros((0, 3), np.float32)])
    assert [a.shape for a in found] == [(), (3,), (0, 3)]
    assert found[1].tolist() == [0, 0, 0]


def test_threads_share_one_executable() -> None:
    executable = compiled(build({"x": "f32[50, 50]"}, lambda x: reduce_mean(tanh(square(x)), 1)))
    failures: list[int] = []

    def work(seed: int) -> None:
        x = np.random.default_rng(seed).standard_normal((50, 50)).astype(np.float32)
        expected = np.tanh(x * x).mean(1)
        for _ in range(50):
            if not np.allclose(executable.run([x])[0], expected, rtol=1e-4):
                failures.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_device_results() -> None:
    executable = compiled(build({"x": "f32[3]"}, lambda x: (exp(x), add(x, 1.0))))
    first = executable.run_device(np.zeros(3, np.float32))
    second = executable.run_device(np.ones(3, np.float32))
    assert first[1].shape == (3,)
    assert first[1].numpy().tolist() == [1, 1, 1]
    assert second[1].numpy().tolist() == [2, 2, 2]


# --- sessions -----------------------------------------------------------------------------------------------


def test_equal_graphs_share_a_session() -> None:
    assert compiled(train_step()).session is compiled(train_step()).session
    assert compiled(train_step(), threads=1).session is not compiled(train_step(), threads=2).session


def test_the_session_cache_is_bounded() -> None:
    cache, device = SessionCache(limit=2), parse_device("cpu")
    level = optimization_level(frozenset(), updates_state=False)

    def model(value: float) -> bytes:
        x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [2]) for n in "xy")
        constant = helper.make_tensor("c", TensorProto.FLOAT, [], [value])
        graph = helper.make_graph([helper.make_node("Add", ["x", "c"], ["y"])], "g", [x], [y], [constant])
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
        return bytes(made.SerializeToString())

    first = cache.get(model(0), device, 1, level)
    assert cache.get(model(0), device, 1, level) is first
    for value in (1.0, 2.0):
        cache.get(model(value), device, 1, level)
    assert len(cache) == 2
    assert cache.get(model(0), device, 1, level) is not first


def test_convolution_training_is_not_laid_out_again() -> None:
    levels = ort.GraphOptimizationLevel
    assert optimization_level(frozenset({"Conv", "Add"}), updates_state=True) == levels.ORT_ENABLE_EXTENDED
    assert optimization_level(frozenset({"Conv", "Add"}), updates_state=False) == levels.ORT_ENABLE_ALL
    assert optimization_level(frozenset({"MatMul"}), updates_state=True) == levels.ORT_ENABLE_ALL


@pytest.mark.parametrize("device", ["tpu", "cuda:x", "cpu:1", ""])
def test_an_unknown_device(device: str) -> None:
    with pytest.raises(BackendError, match="use 'cpu', 'cuda' or 'cuda:N'"):
        compiled(train_step(), device=device)


def test_a_gpu_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(session, "_GPUS", tmp_path)
    assert OnnxRuntimeBackend().device_count("cpu") == 1
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CPUExecutionProvider"])
    assert OnnxRuntimeBackend().device_count("cuda") == 0
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"])
    assert OnnxRuntimeBackend().device_count("cuda") == 2
    assert parse_device("cuda:1").index == 1
    with pytest.raises(BackendError, match="'cuda:2' does not exist: this machine has 2 GPUs"):
        parse_device("cuda:2")


@pytest.mark.skipif("CUDAExecutionProvider" in ort.get_available_providers(), reason="this runtime has CUDA")
def test_cuda_that_is_missing_says_what_to_install() -> None:
    with pytest.raises(BackendError, match=r"cuda:0.*CUDAExecutionProvider.*has only .*pip install onnxruntime-gpu"):
        compiled(train_step(), device="cuda:0")


@pytest.mark.skipif("CUDAExecutionProvider" not in ort.get_available_providers(), reason="needs ONNX Runtime with CUDA")
def test_state_stays_on_the_gpu() -> None:
    graph, state = train_step(), initial_state()
    executable, cells = compiled(graph, device="cuda:0"), cells_of(initial_state())
    for seed in range(3):
        loss, *state = evaluate(graph, [*batch_of(8, seed), *state])
        np.testing.assert_allclose(executable.step(batch_of(8, seed), cells)[0], loss, rtol=1e-4)
    np.testing.assert_allclose(cells[0].read(), state[0], rtol=1e-4)
    assert executable._state is not None
    assert all(t.value.device_name() == "cuda" for t in executable._state.current)


def test_a_runtime_failure_is_a_backend_error() -> None:
    executable = compiled(build({"x": "f32[n, 2]", "y": "f32[n, 2]"}, lambda x, y: sub(x, y)))
    with pytest.raises(ValueError, match=r"input 1 \(y\).*axis 0 must be 3"):
        executable.run([np.zeros((3, 2), np.float32), np.zeros((4, 2), np.float32)])


# --- dtype holes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["i8", "u16", "i16", "u32", "bf16", "f16"])
def test_a_missing_kernel_is_bridged_with_casts(dtype: str) -> None:
    graph = build({"x": f"{dtype}[2, 3]", "y": f"{dtype}[3]"}, lambda x, y: (add(mul(x, y), y), reduce_sum(x, 1)))
    numpy_dtype = graph.inputs[0].type.dtype.np
    inputs = [np.arange(6).reshape(2, 3).astype(numpy_dtype), np.arange(3).astype(numpy_dtype)]
    for have, want in zip(compiled(graph).run(inputs), evaluate(graph, inputs), strict=True):
        assert have.dtype == want.dtype
        np.testing.assert_array_equal(have.astype(np.float64), want.astype(np.float64))


def test_what_was_learnt_is_kept() -> None:
    graph = build({"x": "bf16[4]"}, cos)
    executable = compiled(graph)
    known = {kind for kind in dtypes.MISSING if kind[1] == "Cos"}
    if not known:
        pytest.skip("this runtime has a kernel for bfloat16 Cos")
    assert ("", "Cos", 7, (TensorProto.BFLOAT16,)) in known
    (found,) = executable.run([np.zeros(4, graph.inputs[0].type.dtype.np)])
    assert found.astype(np.float32).tolist() == [1, 1, 1, 1]


def test_a_dtype_without_a_wider_one_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dtypes, "MISSING", {("", "Tanh", 13, (TensorProto.DOUBLE,))})
    with pytest.raises(BackendError, match=r"no kernel for Tanh of double \(node .*cast to float32 first"):
        compiled(build({"x": "f64[2]"}, tanh))


def test_a_device_that_did_not_load_or_fell_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime itself only warns when a provider does not load."""
    device = session.Device("cuda", 0)
    model = compiled_model()
    level = optimization_level(frozenset(), updates_state=False)

    class CpuOnly:
        def get_providers(self) -> list[str]:
            return ["CPUExecutionProvider"]

    monkeypatch.setattr(ort, "InferenceSession", lambda *args, **kwargs: CpuOnly())
    with pytest.raises(BackendError, match=r"'cuda:0': CUDAExecutionProvider did not load.*would run on CPU"):
        SessionCache().get(model, device, 1, level)

    def fall_back(*args: Any, **kwargs: Any) -> Any:
        raise session.RUNTIME_ERRORS[0]("... fallback to CPU EP has been explicitly disabled by the user.")

    monkeypatch.setattr(ort, "InferenceSession", fall_back)
    with pytest.raises(BackendError, match="some nodes of the graph have no CUDA kernel"):
        SessionCache().get(model, device, 1, level)


def compiled_model() -> bytes:
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [2]) for n in "xy")
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "g", [x], [y])
    return bytes(helper.make_model(graph, ir_version=10).SerializeToString())


def test_a_failing_run_is_named() -> None:
    """Sizes that were taken to be equal and are not."""
    graph = build({"x": "f32[n, 2]", "y": "f32[m, 2]"}, lambda x, y: add(ensure_shape(x, y.type.shape), y))
    executable = compiled(graph)
    assert executable(np.ones((3, 2), np.float32), np.ones((3, 2), np.float32))[0].shape == (3, 2)
    with pytest.raises(BackendError, match=f"{graph.name} failed in ONNX Runtime: .*broadcast"):
        executable(np.ones((4, 2), np.float32), np.ones((3, 2), np.float32))


def test_an_operator_that_onnx_does_not_define_has_no_kind() -> None:
    node = helper.make_node("GatedAdd", ["x"], ["y"], domain="com.microsoft")
    assert dtypes.kind_of(node, {"x": TensorProto.FLOAT}, {"": 21, "com.microsoft": 1}) is None
