"""Executables called by users, state cells, backend names."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from graphc_backends import base
from graphc_backends.base import (
    STATE_LOCK,
    Backend,
    CompileOptions,
    Executable,
    StateCell,
    backend_names,
    get_backend,
    register_backend,
)
from graphc_ir.errors import ArgumentError, BackendError, DTypeError, ShapeError
from graphc_ir.ops.elementwise import add, mul
from tests.backends.graphs import Array, build


@pytest.fixture(params=["numpy", "onnxruntime"])
def executable(request: pytest.FixtureRequest) -> Executable:
    graph = build({"x": "f32[2, n]", "y": "f32[n]"}, lambda x, y: (add(x, y), mul(x, 2.0)))
    return get_backend(request.param).compile(graph, CompileOptions())


X, Y = np.ones((2, 3), np.float32), np.arange(3, dtype=np.float32)


def test_inputs_by_order_and_by_name(executable: Executable) -> None:
    for found in (executable(X, Y), executable(X, y=Y), executable(y=Y, x=X)):
        assert found[0].tolist() == [[1, 2, 3], [1, 2, 3]]
        assert found[1].tolist() == [[2, 2, 2], [2, 2, 2]]


def test_plain_data_takes_the_inputs_dtype(executable: Executable) -> None:
    assert executable([[1, 2], [3, 4]], [0.5, 1])[0].tolist() == [[1.5, 3], [3.5, 5]]


@pytest.mark.parametrize(
    ("inputs", "named", "error", "match"),
    [
        ((X,), {}, ArgumentError, r"takes the inputs x, y; got 1 in order .*missing \['y'\]"),
        ((X, Y), {"z": Y}, ArgumentError, r"unknown \['z'\]"),
        ((X, Y, Y), {}, ArgumentError, r"takes the inputs x, y; got 3 in order"),
        ((X, Y.astype(np.float64)), {}, ArgumentError, r"input 1 \(y\).*has dtype float64, expected float32"),
        ((X, Y[:2]), {}, ShapeError, r"input 1 \(y\).*shape \(2,\).*axis 0 must be 3"),
        ((X[0], Y), {}, ShapeError, r"input 0 \(x\).*expected rank 2, received rank 1"),
        ((X, [True, False, True]), {}, ArgumentError, r"input 1 \(y\).*has dtype bool, expected float32"),
    ],
)
def test_wrong_inputs(
    executable: Executable,
    inputs: tuple[Array, ...],
    named: dict[str, Array],
    error: type[Exception],
    match: str,
) -> None:
    with pytest.raises(error, match=match):
        executable(*inputs, **named)


def test_float_data_for_an_integer_input() -> None:
    graph = build({"x": "i32[2]"}, lambda x: add(x, x))
    with pytest.raises((DTypeError, ArgumentError), match="float32"):
        get_backend("numpy").compile(graph, CompileOptions())([1.5, 2.0])


def test_device_values(executable: Executable) -> None:
    found = executable.run_device(X, Y)
    assert [v.shape for v in found] == [(2, 3), (2, 3)]
    assert found[0].numpy().tolist() == [[1, 2, 3], [1, 2, 3]]


def test_a_claimed_value_is_waited_for() -> None:
    """A reader in another thread sees the old value or the new one, never a missing one."""
    cell, found = StateCell(np.zeros(3)), []
    with STATE_LOCK:
        cell.claim()
        reader = threading.Thread(target=lambda: found.append(cell.read()))
        reader.start()
        reader.join(0.05)
        assert found == []
        cell.commit(np.ones(3), owned=True)
    reader.join()
    assert found[0].tolist() == [1, 1, 1]


def test_only_unshared_memory_of_an_executable_may_be_overwritten() -> None:
    cell = StateCell(np.zeros(3))
    with STATE_LOCK:
        assert not cell.claim()
        cell.commit(np.ones(3), owned=True)
        assert cell.claim()
        cell.commit(cell.old, owned=True)  # type: ignore[arg-type]
        view = cell.read()[1:]
        assert not cell.claim()
        cell.roll_back()
        del view
        assert cell.claim()
        cell.roll_back()
        cell.write(np.ones(3))
        assert not cell.claim()
        cell.roll_back()
    assert cell.read().tolist() == [1, 1, 1]


def test_lent_values_are_fetched_once() -> None:
    cell, fetched = StateCell(np.zeros(2)), []

    def fetch() -> Array:
        fetched.append(1)
        return np.full(2, 7.0)

    cell.lend(fetch)
    assert cell.is_lent_to(fetch)
    assert cell.read() is cell.read()
    assert (cell.read().tolist(), len(fetched)) == ([7, 7], 1)
    cell.write(np.zeros(2))
    assert not cell.is_lent_to(fetch)


def test_reading_inside_the_step_that_updates_is_an_error() -> None:
    cell = StateCell(np.zeros(2))
    with STATE_LOCK:
        cell.claim()
        with pytest.raises(BackendError, match="runs inside the step that updates it"):
            cell.read()
        cell.roll_back()
    assert cell.read().tolist() == [0, 0]


def test_backends_by_name() -> None:
    assert {"numpy", "onnxruntime", "auto"} <= set(backend_names())
    assert get_backend("numpy") is get_backend("numpy")
    with pytest.raises(BackendError, match="unknown backend 'tpu'; there are numpy"):
        get_backend("tpu")


def test_a_registered_backend_that_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_FACTORIES", dict(base._FACTORIES))
    monkeypatch.setattr(base, "_INSTANCES", dict(base._INSTANCES))
    register_backend("missing_for_test", "graphc_no_such_module:Backend")
    with pytest.raises(BackendError, match=r"'missing_for_test' cannot be loaded.*graphc_no_such_module"):
        get_backend("missing_for_test")
    register_backend("missing_for_test", "graphc_backends.base:Backend")
    assert type(get_backend("missing_for_test")) is Backend
