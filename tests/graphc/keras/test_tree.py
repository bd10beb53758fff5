"""keras.tree."""

from __future__ import annotations

from typing import Any

import pytest

from graphc.keras import tree
from graphc_ir.errors import ArgumentError

NESTED = {"b": [1, (2, None)], "a": 3}


def test_flatten() -> None:
    assert tree.flatten(NESTED) == [3, 1, 2, None]
    assert tree.flatten_with_path(NESTED) == [(("a",), 3), (("b", 0), 1), (("b", 1, 0), 2), (("b", 1, 1), None)]
    assert tree.flatten(5) == [5]
    assert tree.pack_sequence_as(NESTED, [0, 1, 2, 3]) == {"a": 0, "b": [1, (2, 3)]}


@pytest.mark.parametrize(("structure", "nested"), [([], True), ({}, True), ((1,), True), (1, False), (None, False)])
def test_is_nested(structure: Any, nested: bool) -> None:
    assert tree.is_nested(structure) is nested


def test_map_structure() -> None:
    assert tree.map_structure(lambda a, b: (a, b), [1, {"x": 2}], [3, {"x": 4}]) == [(1, 3), {"x": (2, 4)}]
    assert tree.map_structure(lambda a: 0, [1, None]) == [0, 0]
    assert tree.map_structure(lambda a: 0, [1, None], none_is_leaf=False) == [0, None]
    with pytest.raises(ArgumentError, match="the structures differ"):
        tree.map_structure(lambda a, b: a, [1], (1,))
    with pytest.raises(ArgumentError, match="got no structure"):
        tree.map_structure(lambda a: a)


def test_map_structure_up_to() -> None:
    found = tree.map_structure_up_to([0, 0], lambda a, b: (a, b), [[1, 2], 3], [4, {"x": 5}])
    assert found == [([1, 2], 4), (3, {"x": 5})]
    with pytest.raises(ArgumentError, match="does not fit"):
        tree.map_structure_up_to([0, 0], lambda a: a, [1])


def test_same_structure_and_paths() -> None:
    tree.assert_same_structure([1, (2,)], [None, ("x",)])
    tree.assert_same_paths([1, (2,)], (None, ["x"]))
    with pytest.raises(ArgumentError, match="the structures differ"):
        tree.assert_same_structure([1], {"a": 1})
    with pytest.raises(ArgumentError, match="the paths differ"):
        tree.assert_same_paths([1], {"a": 1})


def test_traverse() -> None:
    doubled = tree.traverse(lambda part: part * 2 if isinstance(part, int) else None, NESTED)
    assert doubled == {"a": 6, "b": [2, (4, None)]}
    assert tree.traverse(lambda part: "all" if isinstance(part, dict) else None, NESTED) == "all"
    seen: list[Any] = []
    tree.traverse(lambda part: seen.append(part), [1, [2]], top_down=False)
    assert seen == [1, 2, [2], [1, [2]]]
    seen.clear()
    tree.traverse(lambda part: seen.append(part), [1, [2]])
    assert seen == [[1, [2]], 1, [2], 2]
    assert tree.traverse(lambda part: tree.MAP_TO_NONE if part == 1 else None, [1, 2]) == [None, 2]


def test_lists_to_tuples() -> None:
    assert tree.lists_to_tuples([1, {"x": [2, [3]]}]) == (1, {"x": (2, (3,))})


def test_shapes_are_leaves() -> None:
    assert tree.map_shape_structure(len, {"a": (None, 3), "b": [[2, 2, 2], (1,)]}) == {"a": 2, "b": [3, 1]}
    assert tree.map_shape_structure(lambda shape: None, [(1,), (2, 3)]) == [None, None]
