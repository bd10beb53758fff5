"""Stages that choose, group and keep elements: on index plans and on streams, always the same result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from graphc.data import Dataset, Options
from graphc.data.errors import DatasetArgumentError, StructureError
from graphc.data.plan import CHUNK_BYTES
from graphc.tensor import TensorSpec
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError


def values(dataset: Dataset) -> list[Any]:
    return [e.tolist() if isinstance(e, (np.ndarray, np.generic)) else e for e in dataset.as_numpy_iterator()]


def rows() -> Dataset:
    return Dataset.range(10)


def stream() -> Dataset:
    return Dataset.range(10).map(lambda x: x)


def cached() -> Dataset:
    dataset = stream().cache()
    assert values(dataset) == list(range(10))
    return dataset


def joined() -> Dataset:
    return Dataset.range(4).concatenate(Dataset.range(4, 10))


def joined_streams() -> Dataset:
    return Dataset.range(4).shuffle(1).concatenate(Dataset.range(4, 7).shuffle(1)).concatenate(Dataset.range(7, 10))


TEN = [rows, stream, cached, joined, joined_streams]

Step = Callable[[Dataset], Dataset]
CASES: list[tuple[str, Step, list[Any]]] = [
    ("take", lambda d: d.take(3), [0, 1, 2]),
    ("take more than there is", lambda d: d.take(30), list(range(10))),
    ("take nothing", lambda d: d.take(0), []),
    ("take all", lambda d: d.take(-1), list(range(10))),
    ("skip", lambda d: d.skip(7), [7, 8, 9]),
    ("skip more than there is", lambda d: d.skip(11), []),
    ("skip all", lambda d: d.skip(-1), []),
    ("skip, take", lambda d: d.skip(2).take(5).skip(1), [3, 4, 5, 6]),
    ("shard", lambda d: d.shard(4, 1), [1, 5, 9]),
    ("shard of shard", lambda d: d.shard(2, 1).shard(2, 0), [1, 5, 9]),
    ("more shards than elements", lambda d: d.shard(20, 15), []),
    ("repeat", lambda d: d.take(2).repeat(3), [0, 1] * 3),
    ("repeat no time", lambda d: d.repeat(0), []),
    ("repeat nothing forever", lambda d: d.take(0).repeat(), []),
    ("repeat forever", lambda d: d.repeat().take(23), [*range(10), *range(10), 0, 1, 2]),
    ("skip in repeated", lambda d: d.repeat().skip(8).take(4), [8, 9, 0, 1]),
    ("shard of repeated", lambda d: d.take(3).repeat(4).shard(5, 1), [1, 0, 2]),
    ("concatenate", lambda d: d.take(2).concatenate(d.skip(8)), [0, 1, 8, 9]),
    ("concatenate, skip, shard", lambda d: d.take(3).concatenate(d).skip(1).shard(3, 0), [1, 1, 4, 7]),
    ("prefetch", lambda d: d.prefetch(-1).take(2), [0, 1]),
    ("enumerate", lambda d: d.skip(8).enumerate(start=5), [(5, 8), (6, 9)]),
    ("enumerate twice", lambda d: d.skip(9).enumerate().enumerate(3), [(3, (0, 9))]),
    ("enumerate repeated", lambda d: d.take(1).repeat(2).enumerate(), [(0, 0), (1, 0)]),
    ("batch", lambda d: d.batch(4), [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]),
    ("batch, no remainder", lambda d: d.batch(4, drop_remainder=True), [[0, 1, 2, 3], [4, 5, 6, 7]]),
    ("batch of all", lambda d: d.batch(100), [list(range(10))]),
    ("batch of all dropped", lambda d: d.batch(100, drop_remainder=True), []),
    ("batch of batches", lambda d: d.batch(2).batch(2).take(1), [[[0, 1], [2, 3]]]),
    ("batch across passes", lambda d: d.take(3).repeat(2).batch(4), [[0, 1, 2, 0], [1, 2]]),
    ("batch across datasets", lambda d: d.take(3).concatenate(d.skip(8)).batch(4), [[0, 1, 2, 8], [9]]),
    ("repeated batches", lambda d: d.take(3).batch(2).repeat(2), [[0, 1], [2], [0, 1], [2]]),
    ("unbatch", lambda d: d.batch(4).unbatch(), list(range(10))),
    ("rebatch", lambda d: d.batch(4).rebatch(3), [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]),
    ("rebatch, dropping", lambda d: d.batch(4).rebatch(4, drop_remainder=True), [[0, 1, 2, 3], [4, 5, 6, 7]]),
    ("rebatch in turn", lambda d: d.batch(5).rebatch([1, 3]), [[0], [1, 2, 3], [4], [5, 6, 7], [8], [9]]),
    ("empty batches", lambda d: d.take(0).batch(4), []),
    ("padded batch of scalars", lambda d: d.take(3).padded_batch(2), [[0, 1], [2]]),
]


@pytest.mark.parametrize("make", TEN, ids=lambda make: make.__name__)
@pytest.mark.parametrize(("step", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_stages(make: Callable[[], Dataset], step: Step, expected: list[Any]) -> None:
    dataset = step(make())
    assert values(dataset) == expected
    assert values(dataset) == expected, "a second pass gives the same"
    count = int(dataset.cardinality())
    assert count in (-2, len(expected))


@pytest.mark.parametrize(
    ("step", "count"),
    [
        (lambda d: d.repeat(), -1),
        (lambda d: d.repeat().batch(3).prefetch(1).enumerate(), -1),
        (lambda d: d.repeat().take(4).batch(3), 2),
        (lambda d: d.repeat().concatenate(d), -1),
        (lambda d: d.filter(lambda x: True).repeat(), -2),
        (lambda d: d.filter(lambda x: True).take(0), 0),
        (lambda d: d.filter(lambda x: True).skip(-1), 0),
        (lambda d: d.batch(3, drop_remainder=True).unbatch(), 9),
        (lambda d: d.batch(3).unbatch(), -2),
        (lambda d: d.batch(3).map(lambda x: x).unbatch(), -2),
        (lambda d: d.window(3, 2), 5),
        (lambda d: d.window(3, 2, drop_remainder=True), 4),
    ],
)
def test_cardinality(step: Step, count: int) -> None:
    assert int(step(rows()).cardinality()) == count


def test_specs() -> None:
    data = Dataset.from_tensor_slices((np.zeros((10, 3), np.float32), np.zeros(10, np.int64)))
    assert data.batch(4).element_spec == (TensorSpec((None, 3), "float32"), TensorSpec((None,), "int64"))
    assert data.batch(4, True).element_spec == (TensorSpec((4, 3), "float32"), TensorSpec((4,), "int64"))
    assert data.batch(4, True).unbatch().element_spec == data.element_spec
    assert data.batch(4).rebatch(2, drop_remainder=True).element_spec[0] == TensorSpec((2, 3), "float32")
    assert data.enumerate().element_spec == (TensorSpec((), "int64"), data.element_spec)
    wider = Dataset.from_tensor_slices((np.zeros((10, 5), np.float32), np.zeros(10, np.int64)))
    assert data.concatenate(wider).element_spec[0] == TensorSpec((None,), "float32")
    assert [len(x) for x, _ in data.take(1).concatenate(wider.take(1))] == [3, 5]


def test_batches_of_large_rows_and_of_large_datasets() -> None:
    wide = np.arange(5 * CHUNK_BYTES, dtype=np.uint8).reshape(5, -1)
    batches = values(Dataset.from_tensor_slices(wide).shuffle(1).batch(2))
    assert [len(batch) for batch in batches] == [2, 2, 1]
    np.testing.assert_array_equal(np.concatenate(batches), wide)
    dropped = values(Dataset.from_tensor_slices(wide).shuffle(1).batch(2, drop_remainder=True))
    assert [len(batch) for batch in dropped] == [2, 2]
    many = list(Dataset.range(100_000).shuffle(1).batch(7).as_numpy_iterator())
    np.testing.assert_array_equal(np.concatenate(many), np.arange(100_000))
    assert {len(batch) for batch in many[:-1]} == {7}


def test_empty_arrays() -> None:
    empty = Dataset.from_tensor_slices(np.zeros((0, 2)))
    assert values(empty.shuffle(3).batch(2).repeat(2)) == []
    assert values(empty.concatenate(Dataset.from_tensor_slices(np.ones((1, 2))))) == [[1.0, 1.0]]


def test_concatenate_checks_structure_and_dtype_at_once() -> None:
    with pytest.raises(StructureError, match=r"concatenate: received the structure \(\*, \*\), expected \*"):
        rows().concatenate(rows().enumerate())
    with pytest.raises(StructureError, match="the component has dtype int64 in the one and dtype float32"):
        rows().concatenate(Dataset.range(3, output_type="float32"))
    with pytest.raises(DatasetArgumentError, match="concatenate: received list"):
        rows().concatenate([1, 2])  # type: ignore[arg-type]
    late = rows().take(1).concatenate(rows().map(lambda x: (x, x)))
    with pytest.raises(StructureError, match="concatenate"):
        list(late)


def test_batching_different_shapes_or_dtypes_says_which() -> None:
    ragged = Dataset.range(3).map(lambda n: {"x": np.zeros(int(n))})
    with pytest.raises(
        ShapeError, match=r"batch: component \['x'\] has shape \(0,\) .* and \(1,\) in element 1; .* padded"
    ):
        list(ragged.batch(2))
    mixed = Dataset.range(2).map(lambda n: np.float32(1) if n > 0 else np.int32(1))
    with pytest.raises(DTypeError, match=r"batch: the component has dtype int32 .* and float32 in element 1"):
        list(mixed.batch(2))


def lengths() -> Dataset:
    return Dataset.range(1, 5).map(lambda n: np.arange(1, int(n) + 1))


def test_padded_batch_pads_to_the_longest_of_each_batch() -> None:
    padded = values(lengths().padded_batch(2))
    assert padded == [[[1, 0], [1, 2]], [[1, 2, 3, 0], [1, 2, 3, 4]]]
    assert values(lengths().padded_batch(3, drop_remainder=True)) == [[[1, 0, 0], [1, 2, 0], [1, 2, 3]]]


def test_padded_batch_with_shapes_and_values_per_component() -> None:
    data = Dataset.zip(lengths(), rows()).padded_batch(4, padded_shapes=([5], []), padding_values=(np.int64(-1), None))
    assert data.element_spec == (TensorSpec((None, 5), "int64"), TensorSpec((None,), "int64"))
    ((x, y),) = data.as_numpy_iterator()
    assert x.tolist()[0] == [1, -1, -1, -1, -1]
    assert y.tolist() == [0, 1, 2, 3]
    assert values(lengths().take(2).padded_batch(2, padding_values=7)) == [[[1, 7], [1, 2]]]
    assert values(lengths().take(2).padded_batch(2, padded_shapes=[None])) == [[[1, 0], [1, 2]]]


def test_padded_batch_errors() -> None:
    with pytest.raises(ShapeError, match=r"up to shape \(3,\), which padded_shapes=\(2,\) cannot hold"):
        list(lengths().padded_batch(3, padded_shapes=[2]))
    with pytest.raises(ShapeError, match="the component has rank 1, expected 2 for every element"):
        list(lengths().padded_batch(3, padded_shapes=[2, 2]))
    with pytest.raises(DTypeError, match=r"has dtype int64, its padding value 0\.5 dtype float32"):
        list(lengths().padded_batch(3, padding_values=0.5))
    with pytest.raises(StructureError, match=r"padded_shapes=.* does not have the structure"):
        list(Dataset.zip(lengths(), rows()).padded_batch(3, padded_shapes=([2], [], [])))


def test_unbatch_needs_one_size() -> None:
    with pytest.raises(ShapeError, match=r"unbatch: received components of shape \(2,\), \(3,\)"):
        list(Dataset.from_tensors(([1, 2], [1, 2, 3])).unbatch())
    with pytest.raises(ShapeError, match=r"unbatch: received components of shape \(\)"):
        list(rows().unbatch())


def windows(dataset: Dataset) -> list[list[int]]:
    return [[int(x) for x in window] for window in dataset]


@pytest.mark.parametrize("make", [rows, stream])
@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ((4,), [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]),
        ((4, None, 1, True), [[0, 1, 2, 3], [4, 5, 6, 7]]),
        ((3, 4), [[0, 1, 2], [4, 5, 6], [8, 9]]),
        ((2, 3, 4, True), [[0, 4], [3, 7]]),
        ((2, 4, 3), [[0, 3], [4, 7], [8]]),
        ((2, 1, 8), [[0, 8], [1, 9], [2], [3], [4], [5], [6], [7], [8], [9]]),
    ],
)
def test_window(make: Callable[[], Dataset], args: tuple[Any, ...], expected: list[list[int]]) -> None:
    dataset = make().window(*args)
    assert windows(dataset) == expected
    assert len(dataset) == len(expected)


def test_window_of_structures_and_flat_map_over_windows() -> None:
    pairs = Dataset.zip(rows(), rows()).window(3)
    x, y = next(iter(pairs))
    assert isinstance(x, Dataset)
    assert windows(rows().window(2).take(1)) == [[0, 1]]
    assert len(y) == 3
    assert rows().window(2).element_spec.element_spec == TensorSpec((), "int64")
    batches = rows().window(3, shift=1, drop_remainder=True).flat_map(lambda window: window.batch(3))
    assert values(batches.take(2)) == [[0, 1, 2], [1, 2, 3]]
    with pytest.raises(StructureError, match="batch: the component is a dataset"):
        list(rows().window(2).batch(2))


def test_cache_is_filled_by_the_first_complete_pass() -> None:
    calls: list[int] = []

    def record(x: Any) -> Any:
        calls.append(int(x))
        return x

    dataset = Dataset.range(4).map(record).cache()
    assert values(dataset.take(2)) == [0, 1]
    assert values(dataset) == [0, 1, 2, 3]
    assert calls == [0, 1, 0, 1, 2, 3]
    assert values(dataset) == [0, 1, 2, 3]
    assert sorted(values(dataset.shuffle(4).batch(2).unbatch())) == [0, 1, 2, 3]
    assert len(calls) == 6
    assert len(dataset) == 4


def test_cache_knows_the_length_of_what_was_filtered() -> None:
    dataset = rows().filter(lambda x: x > 6).cache()
    assert int(dataset.cardinality()) == -2
    assert values(dataset) == [7, 8, 9]
    assert len(dataset) == 3


def test_cache_of_different_shapes() -> None:
    dataset = lengths().cache()
    first, second = values(dataset), values(dataset)
    assert first == second == [[1], [1, 2], [1, 2, 3], [1, 2, 3, 4]]


def test_cache_keeps_a_random_order() -> None:
    dataset = Dataset.range(50).shuffle(50).cache()
    first = values(dataset)
    assert values(dataset) == first
    assert values(dataset.repeat(2)) == first * 2
    reshuffled = dataset.shuffle(50)
    assert values(reshuffled) != values(reshuffled)


def test_cache_in_files_is_refused() -> None:
    with pytest.raises(ArgumentError, match="only memory is supported"):
        rows().cache("/tmp/elements")


def test_get_single_element() -> None:
    assert int(rows().skip(3).take(1).get_single_element()) == 3
    assert int(Dataset.range(3).batch(3).get_single_element()[2]) == 2
    with pytest.raises(ArgumentError, match="has no element, expected exactly one"):
        rows().take(0).get_single_element()
    with pytest.raises(ArgumentError, match="has more than one element"):
        rows().get_single_element()


def test_apply_and_options() -> None:
    assert values(rows().apply(lambda d: d.take(2))) == [0, 1]
    with pytest.raises(DatasetArgumentError, match="apply: result of transformation_func: received NoneType"):
        rows().apply(lambda d: None)  # type: ignore[arg-type, return-value]
    options = Options()
    options.deterministic = False
    options.threading.private_threadpool_size = 2
    other = Options()
    other.autotune.enabled = True
    merged = rows().with_options(options).batch(2).with_options(other).options()
    assert (merged.deterministic, merged.autotune.enabled) == (False, True)
    assert merged.threading.private_threadpool_size == 2
    assert rows().options() == Options()
    with pytest.raises(AttributeError):
        options.speed = 3  # type: ignore[attr-defined]
    with pytest.raises(ArgumentError, match=r"expected graphc\.data\.Options"):
        rows().with_options(None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (lambda d: d.batch(0), "batch: batch_size=0 is out of range; expected an integer >= 1"),
        (lambda d: d.batch(-3), "batch: batch_size=-3 is out of range; expected an integer >= 1"),
        (
            lambda d: d.batch(2.0),
            "batch: batch_size=2.0 is not an integer; pass an int, e.g. batch: batch_size=32",
        ),
        (lambda d: d.batch(True), "batch: batch_size=True is a bool; pass an int"),
        (lambda d: d.batch(2, num_parallel_calls=0), "batch: num_parallel_calls=0 is out of range"),
        (lambda d: d.take(-2), "take: count=-2 is out of range; expected an integer >= -1"),
        (lambda d: d.skip("a"), "skip: count='a' is not an integer"),
        (lambda d: d.repeat(-5), "repeat: count=-5 is out of range"),
        (lambda d: d.shard(2, 2), "shard: index=2 is out of range; expected 0 <= index < num_shards=2"),
        (lambda d: d.prefetch(-2), "prefetch: buffer_size=-2 is out of range"),
        (lambda d: d.window(0), "window: size=0 is out of range"),
        (lambda d: d.rebatch([]), "rebatch: batch_size is empty"),
        (lambda d: d.interleave(lambda x: d, cycle_length=0), "interleave: cycle_length=0 is out of range"),
        (lambda d: d.map(3), "map: map_func=3 is not callable"),
    ],
)
def test_arguments_are_checked(step: Step, text: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        step(rows())
    assert str(caught.value).startswith(text)


def test_sizes_may_be_numpy_integers_and_tensors() -> None:
    assert values(rows().batch(np.int64(5)).take(1)) == [[0, 1, 2, 3, 4]]  # type: ignore[arg-type]
    assert len(rows().batch(Dataset.range(5).cardinality())) == 2
