from __future__ import annotations

from typing import Any

import pytest

from graphc.keras.utils import pack_x_y_sample_weight, unpack_x_y_sample_weight
from graphc_ir.errors import ArgumentError


@pytest.mark.parametrize(
    ("data", "unpacked"),
    [
        ("x", ("x", None, None)),
        ({"a": 1}, ({"a": 1}, None, None)),
        (("x",), ("x", None, None)),
        (["x", "y"], ("x", "y", None)),
        (("x", "y", "w"), ("x", "y", "w")),
        ((("a", "b"), "y"), (("a", "b"), "y", None)),
    ],
)
def test_unpacking(data: Any, unpacked: tuple[Any, ...]) -> None:
    assert unpack_x_y_sample_weight(data) == unpacked


@pytest.mark.parametrize("data", [(), ("x", "y", "w", "z")])
def test_other_lengths_are_refused(data: tuple[Any, ...]) -> None:
    with pytest.raises(ArgumentError, match=rf"received a tuple of {len(data)}; put several inputs into a tuple"):
        unpack_x_y_sample_weight(data)


@pytest.mark.parametrize(
    ("arguments", "packed"),
    [
        (("x",), "x"),
        ((("a", "b"),), (("a", "b"),)),
        ((["a"],), (["a"],)),
        (("x", "y"), ("x", "y")),
        (("x", "y", "w"), ("x", "y", "w")),
    ],
)
def test_packing(arguments: tuple[Any, ...], packed: Any) -> None:
    assert pack_x_y_sample_weight(*arguments) == packed
    assert unpack_x_y_sample_weight(packed)[: len(arguments)] == arguments
