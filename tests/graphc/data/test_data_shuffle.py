"""Shuffling: the order of a streaming buffer, computed on row numbers or on elements, reproducible from
seeds.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphc.data import UNKNOWN_CARDINALITY, Dataset, shuffle
from graphc.data.columns import as_indices
from graphc_ir.errors import ArgumentError


def order(dataset: Dataset) -> list[int]:
    return [int(x) for x in dataset]


def streaming(dataset: Dataset) -> Dataset:
    """The same elements, no longer an index plan."""
    return dataset.map(lambda *parts: parts[0] if len(parts) == 1 else parts)


def one_by_one(buffer: list[int], incoming: list[int], slots: list[int]) -> list[int]:
    emitted = []
    for value, slot in zip(incoming, slots, strict=True):
        emitted.append(buffer[slot])
        buffer[slot] = value
    return emitted


@given(st.integers(1, 12), st.lists(st.integers(0, 11), max_size=60))
def test_exchange_is_the_loop_over_slots(size: int, draws: list[int]) -> None:
    slots = [draw % size for draw in draws]
    buffer = np.arange(size)
    expected_buffer = buffer.tolist()
    incoming = list(range(100, 100 + len(slots)))
    expected = one_by_one(expected_buffer, incoming, slots)
    emitted = shuffle.exchange(buffer, np.array(incoming, np.intp), np.array(slots, np.uint32))
    assert emitted.tolist() == expected
    assert buffer.tolist() == expected_buffer


@given(st.lists(st.integers(0, 2**18), max_size=200))
def test_slots_beyond_16_bits_are_sorted_stably(slots: list[int]) -> None:
    array = np.array(slots, np.uint32)
    assert shuffle.sort_slots(array, 2**18 + 1).tolist() == np.argsort(array, kind="stable").tolist()


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 300), st.integers(1, 320), st.integers(0, 2**32), st.integers(1, 50))
def test_a_shuffle_is_a_permutation_within_the_reach_of_the_buffer(
    count: int, buffer_size: int, seed: int, block: int
) -> None:
    blocks: Iterator[range] = (range(i, min(i + block, count)) for i in range(0, count, block))
    generator = np.random.default_rng(seed)
    parts = [as_indices(b).tolist() for b in shuffle.shuffle_blocks(blocks, buffer_size, generator)]
    emitted = [index for part in parts for index in part]
    assert sorted(emitted) == list(range(count))
    assert all(index < position + buffer_size for position, index in enumerate(emitted))


@pytest.mark.parametrize(("count", "size"), [(50, 1), (50, 7), (50, 50), (50, 500), (20_000, 1000), (9000, 8999)])
def test_row_numbers_and_elements_are_shuffled_alike(count: int, size: int) -> None:
    data = Dataset.range(count)
    on_rows = order(data.shuffle(size, seed=5))
    on_elements = order(streaming(data).shuffle(size, seed=5))
    assert on_rows == on_elements
    assert sorted(on_rows) == list(range(count))


def test_a_buffer_of_one_keeps_the_order() -> None:
    assert order(Dataset.range(20).shuffle(1)) == list(range(20))


def test_the_first_element_is_uniform_over_the_buffer() -> None:
    dataset = Dataset.range(1000).shuffle(4, seed=0)
    firsts = np.bincount([int(next(iter(dataset))) for _ in range(2000)], minlength=4)
    assert len(firsts) == 4
    assert firsts.min() > 400


def test_whole_order_is_uniform_when_the_buffer_holds_everything() -> None:
    dataset = Dataset.range(3).shuffle(3, seed=1)
    seen = [tuple(order(dataset)) for _ in range(1200)]
    assert min(seen.count(permutation) for permutation in set(seen)) > 140
    assert len(set(seen)) == 6


def test_components_stay_together_in_shuffled_batches() -> None:
    x = np.arange(1000, dtype=np.float32).reshape(500, 2)
    y = np.arange(500)
    batches = list(Dataset.from_tensor_slices({"x": x, "y": y}).shuffle(64, seed=3).batch(32))
    assert [len(batch["y"].numpy()) for batch in batches] == [32] * 15 + [20]
    rows = np.concatenate([batch["y"].numpy() for batch in batches])
    np.testing.assert_array_equal(np.concatenate([batch["x"].numpy() for batch in batches]), x[rows])
    assert sorted(rows.tolist()) == list(range(500))


def test_each_pass_has_another_order_and_a_new_dataset_repeats_them() -> None:
    first, second = (Dataset.range(100).shuffle(100, seed=9) for _ in range(2))
    passes = [order(first) for _ in range(3)]
    assert passes[0] != passes[1] != passes[2]
    assert [order(second) for _ in range(3)] == passes


def test_without_reshuffling_the_order_stays() -> None:
    for dataset in (Dataset.range(100), streaming(Dataset.range(100))):
        fixed = dataset.shuffle(30, reshuffle_each_iteration=False)
        assert order(fixed) == order(fixed)
        assert order(fixed.repeat(2)) == order(fixed) * 2


def test_repeat_after_shuffle_reshuffles_and_keeps_epochs_apart() -> None:
    for dataset in (Dataset.range(50), streaming(Dataset.range(50))):
        twice = order(dataset.shuffle(50, seed=2).repeat(2))
        assert sorted(twice[:50]) == sorted(twice[50:]) == list(range(50))
        assert twice[:50] != twice[50:]


def test_shuffle_after_repeat_mixes_epochs() -> None:
    mixed = order(Dataset.range(10).repeat(20).shuffle(100, seed=0))
    assert sorted(mixed) == sorted(list(range(10)) * 20)
    assert sorted(mixed[:10]) != list(range(10))


def test_shuffling_an_infinite_dataset() -> None:
    taken = order(Dataset.range(1000).repeat().shuffle(100, seed=0).take(5000))
    assert len(taken) == 5000
    assert all(value < 1000 for value in taken)


def test_two_iterators_at_once_do_not_disturb_each_other() -> None:
    one, two = (Dataset.range(40).shuffle(8, seed=6) for _ in range(2))
    a, b = iter(one), iter(one)
    together = [(int(x), int(y)) for x, y in zip(a, b, strict=True)]
    assert [x for x, _ in together] == order(two)
    assert [y for _, y in together] == order(two)


def test_looking_at_the_spec_does_not_change_the_order() -> None:
    plain = Dataset.range(40).shuffle(8, seed=6)
    looked_at = Dataset.range(40).shuffle(8, seed=6).map(lambda x: x)
    _ = looked_at.element_spec
    assert order(looked_at) == order(plain)


def test_a_buffer_as_large_as_the_dataset_by_cardinality() -> None:
    dataset = Dataset.range(30)
    assert sorted(order(dataset.shuffle(dataset.cardinality()))) == list(range(30))
    unknown = dataset.filter(lambda x: x >= 0)
    reached = order(unknown.shuffle(UNKNOWN_CARDINALITY, seed=1))
    assert sorted(reached) == list(range(30))
    assert max(reached[:5]) > 5


def test_buffers_larger_than_memory_cost_nothing() -> None:
    assert sorted(order(Dataset.range(10).shuffle(10**15))) == list(range(10))
    assert sorted(order(streaming(Dataset.range(10)).shuffle(10**15))) == list(range(10))


def test_the_global_seed_makes_unseeded_datasets_reproducible(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(seeds: Iterator[int]) -> list[list[int]]:
        monkeypatch.setattr(shuffle, "_seed_provider", seeds.__next__)
        return [order(Dataset.range(50).shuffle(50)) for _ in range(2)]

    first, second = make(iter((1, 2))), make(iter((1, 2)))
    assert first == second
    assert first[0] != first[1]


def test_the_seed_provider_is_set_and_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shuffle, "_seed_provider", lambda: None)
    assert shuffle.global_seed() is None
    shuffle.set_global_seed_provider(lambda: 17)
    assert shuffle.global_seed() == 17


def test_without_any_seed_orders_differ() -> None:
    assert order(Dataset.range(200).shuffle(200)) != order(Dataset.range(200).shuffle(200))


def test_negative_seeds_are_seeds() -> None:
    orders = [order(Dataset.range(50).shuffle(50, seed=seed)) for seed in (-1, -1, -2)]
    assert orders[0] == orders[1] != orders[2]


def test_arguments_are_checked() -> None:
    with pytest.raises(ArgumentError, match=r"shuffle: buffer_size=0 is out of range; expected an integer >= 1"):
        Dataset.range(3).shuffle(0)
    with pytest.raises(ArgumentError, match=r"shuffle: buffer_size=2\.5 is not an integer"):
        Dataset.range(3).shuffle(2.5)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="shuffle: seed='a' is not an integer"):
        Dataset.range(3).shuffle(2, seed="a")  # type: ignore[arg-type]


def test_rows_of_a_strided_view_are_gathered_without_copying_the_view() -> None:
    # As a copy the view would take 32 TB.
    view = np.broadcast_to(np.arange(4), (10**12, 4))
    batch = next(iter(Dataset.from_tensor_slices(view).shuffle(8, seed=1).batch(3))).numpy()
    assert batch.tolist() == [[0, 1, 2, 3]] * 3
    assert batch.flags.c_contiguous
