"""Stages that call the user's function: what it receives, what it may return, what its errors say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from graphc.data import Dataset
from graphc.data.errors import DatasetArgumentError, StructureError
from graphc.tensor import Tensor, TensorSpec
from graphc_ir.errors import ArgumentError, DTypeError


def values(dataset: Dataset) -> list[Any]:
    return [e.tolist() if isinstance(e, (np.ndarray, np.generic)) else e for e in dataset.as_numpy_iterator()]


def test_map_receives_tensors_and_unpacks_tuples() -> None:
    received: list[Any] = []

    def record(*args: Any) -> Any:
        received.append(args)
        return args[0]

    x, y = np.arange(2.0), np.arange(2)
    list(Dataset.from_tensor_slices((x, y)).take(1).map(record))
    list(Dataset.from_tensor_slices({"x": x, "y": (x, y)}).take(1).map(lambda d: record(d["x"], d["y"])))
    list(Dataset.from_tensor_slices(x).take(1).enumerate().map(record))
    list(Dataset.from_tensor_slices(x).take(1).map(record))
    assert [len(args) for args in received] == [2, 2, 2, 1]
    assert all(type(args[0]) is Tensor for args in received)
    assert isinstance(received[1][1], tuple)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: x * 2, [0, 2]),
        (lambda x: (x, {"a": x}), [(0, {"a": 0}), (1, {"a": 1})]),
        (lambda x: [x, x], [(0, 0), (1, 1)]),
        (lambda x: 5, [5, 5]),
        (lambda x: np.array([1, 2]), [[1, 2], [1, 2]]),
        (lambda x: (x, None), [(0, None), (1, None)]),
        (lambda x: (x, [1, 2]), None),
    ],
)
def test_map_returns_any_structure(function: Callable[..., Any], expected: list[Any] | None) -> None:
    dataset = Dataset.range(2).map(function, num_parallel_calls=-1, deterministic=False)
    if expected is None:
        _, pair = next(iter(dataset))
        assert pair.numpy().tolist() == [1, 2]
    else:
        assert values(dataset) == expected
        assert len(dataset) == 2


def test_a_function_may_reuse_its_buffer() -> None:
    buffer = np.zeros(1)

    def fill(x: Any) -> Any:
        buffer[:] = int(x)
        return buffer

    assert [x.numpy().tolist() for x in list(Dataset.range(3).map(fill))] == [[0], [1], [2]]


def test_map_runs_again_at_each_pass_and_only_then() -> None:
    calls: list[int] = []
    dataset = Dataset.range(3).map(lambda x: calls.append(int(x)) or x)  # type: ignore[func-returns-value]
    assert calls == []
    assert values(dataset.repeat(2)) == [0, 1, 2] * 2
    assert calls == [0, 1, 2] * 2


def test_map_after_batch_and_batch_after_map() -> None:
    assert values(Dataset.range(5).batch(2).map(lambda x: x * 10)) == [[0, 10], [20, 30], [40]]
    assert values(Dataset.range(5).map(lambda x: x * 10).batch(2)) == [[0, 10], [20, 30], [40]]


def test_map_must_keep_one_structure() -> None:
    dataset = Dataset.range(3).map(lambda x: (x, x) if int(x) else x)
    with pytest.raises(
        StructureError, match=r"map: result of .*lambda.*received the structure \(\*, \*\), expected \*"
    ):
        list(dataset)


def test_the_spec_behind_map_is_found_by_calling_it() -> None:
    calls: list[Any] = []

    def double(x: Any) -> Any:
        calls.append(x.shape)
        return x * 2.0, np.int64(1)

    dataset = Dataset.from_tensor_slices(np.zeros((10, 3), np.float32)).batch(4).map(double)
    assert calls == []
    assert dataset.element_spec == (TensorSpec((None, 3), "float32"), TensorSpec((), "int64"))
    assert dataset.element_spec == (TensorSpec((None, 3), "float32"), TensorSpec((), "int64"))
    assert calls == [(4, 3), (3, 3)]
    fixed = Dataset.from_tensor_slices(np.zeros((10, 3), np.float32)).batch(4, drop_remainder=True).map(double)
    assert fixed.element_spec[0] == TensorSpec((4, 3), "float32")


def test_the_spec_where_there_is_no_element() -> None:
    empty = Dataset.range(0).batch(2).map(lambda x: x * 2)
    assert empty.element_spec == TensorSpec((None,), "int64")
    assert values(empty) == []


def test_the_spec_of_a_function_for_one_size_only() -> None:
    def reshape(x: Any) -> Any:
        return x.numpy().reshape(2, 2)

    assert Dataset.range(8).batch(4).map(reshape).element_spec == TensorSpec((2, 2), "int64")


@pytest.mark.parametrize("keep", [lambda x: x > 2, lambda x: int(x) > 2, lambda x: np.bool_(int(x) > 2)])
def test_filter(keep: Callable[[Any], Any]) -> None:
    assert values(Dataset.range(5).filter(keep)) == [3, 4]


def test_filter_of_pairs_and_take_while() -> None:
    pairs = Dataset.range(6).enumerate(start=-2)
    assert values(pairs.filter(lambda i, x: i > 2)) == [(3, 5)]
    assert values(Dataset.range(6).take_while(lambda x: x < 2)) == [0, 1]


@pytest.mark.parametrize("result", [1, np.array([True, False]), (True, True), None])
def test_predicates_return_one_bool(result: Any) -> None:
    with pytest.raises(DTypeError, match=r"filter: the predicate returned .* expected one bool"):
        list(Dataset.range(3).filter(lambda x: result))
    with pytest.raises(DTypeError, match="take_while: the predicate returned"):
        list(Dataset.range(3).take_while(lambda x: result))


def test_flat_map() -> None:
    dataset = Dataset.range(4).flat_map(lambda n: Dataset.range(int(n)))
    assert values(dataset) == [0, 0, 1, 0, 1, 2]
    assert dataset.element_spec == TensorSpec((), "int64")
    assert int(dataset.cardinality()) == -2
    with pytest.raises(DatasetArgumentError, match="flat_map: result of map_func: received Tensor"):
        list(Dataset.range(4).flat_map(lambda n: n))
    with pytest.raises(StructureError, match="dataset made by the function"):
        list(Dataset.range(2).flat_map(lambda n: Dataset.range(1) if int(n) else Dataset.range(1).enumerate()))


def repeated(count: int) -> Callable[[Any], Dataset]:
    return lambda x: Dataset.from_tensors(x).repeat(count)


@pytest.mark.parametrize(
    ("cycle", "block", "expected"),
    [
        (2, 4, [1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 3, 3, 4, 4, 5, 5, 5, 5, 5, 5]),
        (1, 1, [n for n in range(1, 6) for _ in range(6)]),
        (9, 6, [n for n in range(1, 6) for _ in range(6)]),
        (5, None, [1, 2, 3, 4, 5] * 6),
        (3, 1, [1, 2, 3] * 6 + [4, 5] * 6),
    ],
)
def test_interleave(cycle: int, block: int | None, expected: list[int]) -> None:
    dataset = Dataset.range(1, 6).interleave(repeated(6), cycle_length=cycle, block_length=block)
    assert values(dataset) == expected
    assert values(dataset) == expected


def test_interleave_by_default_and_with_empty_datasets() -> None:
    assert values(Dataset.range(1, 6).interleave(repeated(2))) == [1, 2, 3, 4, 1, 2, 3, 4, 5, 5]
    gaps = Dataset.range(6).interleave(lambda n: Dataset.range(int(n) % 2), cycle_length=2)
    assert values(gaps) == [0, 0, 0]
    endless = Dataset.range(2).interleave(repeated(-1), cycle_length=2).take(5)
    assert values(endless) == [0, 1, 0, 1, 0]


def test_scan_carries_a_state() -> None:
    sums = Dataset.range(5).scan(np.int64(0), lambda total, x: (total + x, (total + x, x)))
    assert values(sums) == [(0, 0), (1, 1), (3, 2), (6, 3), (10, 4)]
    assert values(sums)[-1] == (10, 4), "each pass begins with the initial state"
    assert sums.element_spec == (TensorSpec((), "int64"),) * 2
    with pytest.raises(ArgumentError, match=r"expected a pair \(new_state, output\)"):
        list(Dataset.range(5).scan(np.int64(0), lambda total, x: total))


def test_reduce() -> None:
    total = Dataset.range(5).reduce(np.int64(0), lambda state, x: state + x)
    assert int(total) == 10
    count, last = Dataset.range(5).enumerate().reduce((0, np.int64(0)), lambda s, pair: (s[0] + 1, pair[1]))
    assert (int(count), int(last)) == (5, 4)
    assert int(Dataset.range(0).reduce(7, lambda s, x: s)) == 7


def test_the_state_keeps_its_structure_and_dtype() -> None:
    with pytest.raises(DTypeError, match="reduce: the component of the state has dtype int32, its new value int64"):
        Dataset.range(3).reduce(0, lambda state, x: x)
    with pytest.raises(StructureError, match="reduce: new state"):
        Dataset.range(3).reduce(0, lambda state, x: (state, state))


def test_unique() -> None:
    assert values(Dataset.from_tensor_slices([1, 3, 1, 2, 3]).unique()) == [1, 3, 2]
    assert values(Dataset.from_tensor_slices([[1, 2], [1, 2], [2, 1]]).unique()) == [[1, 2], [2, 1]]
    with pytest.raises(StructureError, match="expected a single tensor"):
        list(Dataset.range(3).enumerate().unique())


def test_ignore_errors_leaves_out_elements() -> None:
    def reciprocal(x: Any) -> Any:
        return 6 // int(x)

    dataset = Dataset.from_tensor_slices([1, 0, 3, 0]).map(reciprocal)
    assert values(dataset.ignore_errors()) == [6, 2]
    assert values(dataset.map(lambda x: x + 1).filter(lambda x: x > 3).take(5).ignore_errors()) == [7]
    with pytest.warns(RuntimeWarning, match="left out an element: ZeroDivisionError"):
        assert values(dataset.ignore_errors(log_warning=True)) == [6, 2]
    with pytest.raises(ZeroDivisionError):
        list(dataset)


def test_ignore_errors_where_iterating_cannot_go_on() -> None:
    with pytest.raises(ArgumentError, match="cannot go on behind 'batch' once an element has raised"):
        Dataset.range(4).map(lambda x: x).batch(2).ignore_errors()


def test_errors_of_functions_reach_the_user() -> None:
    def fail(x: Any) -> Any:
        raise RuntimeError(f"bad element {int(x)}")

    with pytest.raises(RuntimeError, match="bad element 0"):
        list(Dataset.range(3).map(fail).batch(2).prefetch(2))
    with pytest.raises(ArgumentError, match="map: map_func=None is not callable"):
        Dataset.range(3).map(None)  # type: ignore[arg-type]


def test_functions_on_shuffled_repeated_pipelines() -> None:
    dataset = Dataset.range(10).shuffle(10, seed=1).map(lambda x: x * x).repeat(2).batch(5).prefetch(1)
    batches = [batch.numpy().tolist() for batch in dataset]
    squares = [n * n for n in range(10)]
    assert sorted(batches[0] + batches[1]) == sorted(batches[2] + batches[3]) == squares
    assert batches[:2] != batches[2:]
