"""Where elements come from, what they look like, and what bad input says."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from graphc.data import INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, Dataset, experimental
from graphc.data.errors import (
    AssertedCardinalityError,
    CardinalityError,
    DatasetArgumentError,
    OutOfRangeError,
    StructureError,
)
from graphc.tensor import Tensor, TensorSpec, wrap
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError


def values(dataset: Dataset) -> list[Any]:
    """The elements; arrays as nested lists."""
    return [e.tolist() if isinstance(e, (np.ndarray, np.generic)) else e for e in dataset.as_numpy_iterator()]


def test_slices_are_tensors_that_keep_the_dtype_of_arrays() -> None:
    x = np.arange(6, dtype=np.float64).reshape(3, 2)
    elements = list(Dataset.from_tensor_slices(x))
    assert all(type(element) is Tensor for element in elements)
    assert [element.numpy().tolist() for element in elements] == [[0, 1], [2, 3], [4, 5]]
    assert {str(element.numpy().dtype) for element in elements} == {"float64"}


def test_python_numbers_become_int32_and_float32() -> None:
    ints, floats = Dataset.from_tensor_slices([1, 2]), Dataset.from_tensors(1.5)
    assert ints.element_spec == TensorSpec((), "int32")
    assert floats.element_spec == TensorSpec((), "float32")
    assert values(ints) == [1, 2]


def test_scalar_elements_are_rank_zero_tensors() -> None:
    (element,) = Dataset.from_tensor_slices(np.array([7], np.uint8))
    assert element.shape == ()
    assert int(element) == 7


def test_structures_are_kept() -> None:
    point = namedtuple("point", "x y")
    data = {"a": np.arange(2), "b": (np.ones((2, 3)), point(np.arange(2), np.zeros(2)))}
    first = next(iter(Dataset.from_tensor_slices(data)))
    assert set(first) == {"a", "b"}
    assert isinstance(first["b"], tuple)
    assert first["b"][0].shape == (3,)
    assert type(first["b"][1]).__name__ == "point"
    assert first["b"][1].y.numpy() == 0


def test_a_list_is_one_tensor_and_a_tuple_is_a_structure() -> None:
    assert values(Dataset.from_tensor_slices([[1, 2], [3, 4]])) == [[1, 2], [3, 4]]
    assert values(Dataset.from_tensor_slices(([1, 2], [3, 4]))) == [(1, 3), (2, 4)]


def test_tensors_are_sources_too() -> None:
    assert values(Dataset.from_tensor_slices(wrap(np.array([3, 4])))) == [3, 4]


def test_elements_do_not_let_the_source_be_changed() -> None:
    x = np.zeros((4, 2), np.float32)
    for element in Dataset.from_tensor_slices(x):
        element.numpy()[:] = 1
    assert not x.any()
    with pytest.raises(ValueError, match="read-only"):
        next(Dataset.from_tensor_slices(x).batch(2).as_numpy_iterator())[:] = 1


def test_fortran_ordered_and_strided_sources_give_contiguous_batches() -> None:
    x = np.asfortranarray(np.arange(12.0).reshape(4, 3))
    for dataset in (Dataset.from_tensor_slices(x), Dataset.from_tensor_slices(x[::2]).shard(2, 1)):
        batch = next(dataset.batch(2).as_numpy_iterator())
        assert batch.flags.c_contiguous
    assert values(Dataset.from_tensor_slices(x).batch(4)) == [x.tolist()]


def test_from_tensors_is_one_element() -> None:
    dataset = Dataset.from_tensors((np.zeros((2, 3)), 1))
    assert len(dataset) == 1
    assert dataset.element_spec == (TensorSpec((2, 3), "float64"), TensorSpec((), "int32"))


def test_different_numbers_of_rows_name_both_components() -> None:
    with pytest.raises(ShapeError) as caught:
        Dataset.from_tensor_slices({"x": np.zeros((5, 2)), "y": np.zeros(4)})
    assert str(caught.value) == (
        "from_tensor_slices: component ['x'] has 5 rows (shape (5, 2)), component ['y'] has 4 rows "
        "(shape (4,)); all components need one size of the first axis"
    )


def test_slicing_a_scalar_says_what_to_use() -> None:
    with pytest.raises(ShapeError, match=r"component \[1\] is a scalar .* use from_tensors"):
        Dataset.from_tensor_slices((np.zeros(2), 3))


def test_no_tensors_at_all() -> None:
    with pytest.raises(ArgumentError, match=r"from_tensor_slices: received \(\), which holds no tensor"):
        Dataset.from_tensor_slices(())


@pytest.mark.parametrize("args", [(5,), (2, 9), (2, 9, 3), (9, 2, -3), (3, 3)])
def test_range_counts_like_python(args: tuple[int, ...]) -> None:
    dataset = Dataset.range(*args)
    assert values(dataset) == list(range(*args))
    assert len(dataset) == len(range(*args))
    assert dataset.element_spec == TensorSpec((), "int64")


def test_range_with_another_dtype_and_huge_ranges_cost_nothing() -> None:
    assert Dataset.range(3, output_type="float32").element_spec == TensorSpec((), "float32")
    huge = Dataset.range(10**12)
    assert values(huge.skip(10**9).take(2)) == [10**9, 10**9 + 1]
    assert values(huge.shard(10**6, 7).batch(2).take(1)) == [[7, 10**6 + 7]]


def test_range_arguments_are_checked() -> None:
    with pytest.raises(ArgumentError, match="received 4 arguments"):
        Dataset.range(1, 2, 3, 4)
    with pytest.raises(ArgumentError, match="step=0 never reaches"):
        Dataset.range(0, 3, 0)
    with pytest.raises(ArgumentError, match=r"1\.5 is not an integer"):
        Dataset.range(1.5)


def test_zip_in_every_spelling() -> None:
    a, b = Dataset.range(3), Dataset.range(10, 15)
    pairs = [(0, 10), (1, 11), (2, 12)]
    assert values(Dataset.zip(a, b)) == values(Dataset.zip((a, b))) == values(Dataset.zip(datasets=(a, b))) == pairs
    assert next(Dataset.zip({"a": a, "b": (a, b)}).as_numpy_iterator()) == {"a": 0, "b": (0, 10)}
    assert len(Dataset.zip(a, b.repeat())) == 3
    assert values(Dataset.zip(a, b.map(lambda x: x))) == pairs
    assert Dataset.zip(Dataset.zip(a, b), a).element_spec[0] == (TensorSpec((), "int64"),) * 2


def test_zip_wants_datasets() -> None:
    with pytest.raises(DatasetArgumentError, match=r"zip: received ndarray .* expected a Dataset"):
        Dataset.zip(Dataset.range(2), np.zeros(2))
    with pytest.raises(ArgumentError, match="zip takes datasets"):
        Dataset.zip()


def test_random_is_reproducible_and_infinite() -> None:
    dataset = Dataset.random(seed=4)
    first, second = values(dataset.take(5)), values(dataset.take(5))
    assert first == second
    assert values(Dataset.random(seed=4).take(5)) == first
    assert all(0 <= value < 2**32 for value in first)
    changing = Dataset.random(seed=4, rerandomize_each_iteration=True)
    assert values(changing.take(5)) != values(changing.take(5))
    assert int(dataset.cardinality()) == INFINITE_CARDINALITY


SPEC = (TensorSpec((None,), "float32"), TensorSpec((), "int32"))


def test_generator_elements_are_converted_to_the_signature() -> None:
    def generate() -> Iterator[Any]:
        for n in range(3):
            yield [0.5] * n, n

    dataset = Dataset.from_generator(generate, output_signature=SPEC)
    assert dataset.element_spec == SPEC
    for _ in range(2):
        elements = list(dataset)
        assert [x.numpy().tolist() for x, _ in elements] == [[], [0.5], [0.5, 0.5]]
        assert {str(y.numpy().dtype) for _, y in elements} == {"int32"}
    assert int(dataset.cardinality()) == UNKNOWN_CARDINALITY


def test_generator_with_types_shapes_and_args() -> None:
    def generate(stop: Any) -> Iterator[int]:
        yield from range(stop)

    dataset = Dataset.from_generator(generate, output_types="int64", output_shapes=(), args=(3,))
    assert values(dataset) == [0, 1, 2]
    assert dataset.element_spec == TensorSpec((), "int64")
    untold = Dataset.from_generator(generate, np.int64, args=(2,))
    assert values(untold) == [0, 1]
    with pytest.raises(ArgumentError, match=r"rank of a component .* is unknown"):
        _ = untold.element_spec


@pytest.mark.parametrize(
    ("element", "error", "text"),
    [
        (([1.0], 1, 2), StructureError, r"yielded \(\[1.0\], 1, 2\), expected the structure \(\*, \*\)"),
        (
            ([[1.0]], 1),
            ShapeError,
            r"component \[0\] of a yielded element has shape \(1, 1\), expected \(None,\)",
        ),
        (([1.0], 1.5), DTypeError, r"component \[1\] .* is 1.5 \(dtype float64\), expected dtype int32"),
        (([1.0], 2**40), DTypeError, r"component \[1\] .* is 1099511627776, which int32 cannot hold"),
        (([[1.0], [1.0, 2.0]], 1), DTypeError, r"component \[0\] .* not an array of float32"),
    ],
)
def test_generator_elements_are_checked(element: Any, error: type[Exception], text: str) -> None:
    dataset = Dataset.from_generator(lambda: [element], output_signature=SPEC)
    with pytest.raises(error, match=text):
        list(dataset)


def test_generator_arguments_are_checked() -> None:
    with pytest.raises(ArgumentError, match="is not callable"):
        Dataset.from_generator([1, 2], output_signature=SPEC)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="needs output_signature"):
        Dataset.from_generator(lambda: [1])
    with pytest.raises(ArgumentError, match="either output_signature or"):
        Dataset.from_generator(lambda: [1], output_types="int32", output_signature=SPEC)
    with pytest.raises(ArgumentError, match="use a TensorSpec"):
        Dataset.from_generator(lambda: [1], output_signature="int32")


def test_errors_of_a_generator_reach_the_user() -> None:
    def generate() -> Iterator[int]:
        yield 1
        raise RuntimeError("disk is gone")

    iterator = iter(Dataset.from_generator(generate, output_signature=TensorSpec((), "int32")).prefetch(4))
    assert int(next(iterator)) == 1
    with pytest.raises(RuntimeError, match="disk is gone"):
        next(iterator)


def test_a_generator_may_reuse_its_buffer() -> None:
    def generate() -> Iterator[Any]:
        buffer = np.zeros(2, np.float32)
        for n in range(3):
            buffer[:] = n
            yield buffer

    dataset = Dataset.from_generator(generate, output_signature=TensorSpec((2,), "float32"))
    assert values(dataset) == [[0, 0], [1, 1], [2, 2]]
    assert [x.numpy().tolist() for x in list(dataset)] == [[0, 0], [1, 1], [2, 2]]
    assert [x.numpy().tolist() for x in list(dataset.cache())] == [[0, 0], [1, 1], [2, 2]]


def test_a_dropped_iterator_closes_the_generator() -> None:
    events: list[str] = []

    def generate() -> Iterator[int]:
        try:
            yield from range(100)
        finally:
            events.append("closed")

    dataset = Dataset.from_generator(generate, output_signature=TensorSpec((), "int32")).batch(2).prefetch(2)
    assert next(dataset.as_numpy_iterator()).tolist() == [0, 1]
    assert events == ["closed"]


def test_asserted_cardinality() -> None:
    dataset = Dataset.from_generator(lambda: range(3), output_signature=TensorSpec((), "int32"))
    told = dataset.apply(experimental.assert_cardinality(3))
    assert len(told.batch(2)) == 2
    assert values(told) == [0, 1, 2]
    for wrong, received in ((2, "more than 2"), (4, "3")):
        with pytest.raises(AssertedCardinalityError, match=f"gave {received} elements, expected {wrong}"):
            list(dataset.apply(experimental.assert_cardinality(wrong)))


def test_strings_pass_through() -> None:
    dataset = Dataset.from_tensor_slices((["a", "bc"], [1, 2])).shuffle(1).batch(2)
    words, numbers = next(dataset.as_numpy_iterator())
    assert (words.tolist(), numbers.tolist()) == (["a", "bc"], [1, 2])
    assert dataset.element_spec[0].dtype == "string"


def test_len_and_cardinality() -> None:
    assert len(Dataset.range(5).batch(2)) == 3
    with pytest.raises(CardinalityError, match=r"infinite; bound it with take"):
        len(Dataset.range(5).repeat())
    with pytest.raises(CardinalityError, match="'filter' gives is only known after iterating"):
        len(Dataset.range(5).filter(lambda x: x > 2))
    assert bool(Dataset.range(5).repeat())
    cardinality = experimental.cardinality(Dataset.range(5))
    assert str(cardinality.numpy().dtype) == "int64"
    assert int(cardinality) == 5


def test_iterators() -> None:
    dataset = Dataset.range(2)
    iterator = iter(dataset)
    assert iter(iterator) is iterator
    assert int(iterator.get_next()) == 0
    assert int(next(iterator)) == 1
    with pytest.raises(OutOfRangeError, match="no more elements"):
        iterator.get_next()
    assert iterator.element_spec == dataset.element_spec
    assert [int(x) for x in dataset] == [0, 1]


def test_numpy_iterator_gives_scalars_and_arrays() -> None:
    scalar, array = next(Dataset.from_tensors((1.0, [1, 2])).as_numpy_iterator())
    assert isinstance(scalar, np.float32)
    assert isinstance(array, np.ndarray)


def test_printing_shows_the_stages() -> None:
    dataset = Dataset.zip(Dataset.range(4), Dataset.range(4).map(lambda x: x)).batch(2)
    assert repr(dataset) == "<Dataset zip(range, range -> map) -> batch, cardinality=2>"


def test_a_dataset_is_not_made_directly() -> None:
    with pytest.raises(DatasetArgumentError, match="Dataset received list; make datasets with"):
        Dataset([1, 2])  # type: ignore[arg-type]
