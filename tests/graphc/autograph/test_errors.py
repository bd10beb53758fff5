"""What cannot be a graph raises one error that names the user's line and what to write instead."""

# ruff: noqa: SIM108, RET503, RET504 - the statements are what this is about

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import graphc as tf
from graphc_ir.errors import GraphcError

X = tf.constant([1.0, 2.0])


def in_one_branch_only(x: Any) -> Any:
    if x[0] > 0:
        y = x
    return y  # error


def of_two_shapes(x: Any) -> Any:
    if x[0] > 0:
        y = x
    else:
        y = x[0]
    return y  # error


def of_two_dtypes(x: Any) -> Any:
    if x[0] > 0:
        y = x
    else:
        y = tf.cast(x, tf.int32)
    z = y + 1  # error
    return z


def strings(x: Any) -> Any:
    text = "positive" if x[0] > 0 else "negative"  # error
    return len(text)


def one_return(x: Any) -> Any:
    if x[0] > 0:  # error
        return x


def returns_of_two_shapes(x: Any) -> Any:
    if x[0] > 0:  # error
        return x
    return x[0]


def loop_dtype(x: Any) -> Any:
    total = tf.constant(0)
    for row in x:  # error
        total = tf.cast(total, tf.float32) + row
    return total


def loop_rank(x: Any) -> Any:
    while tf.reduce_sum(x) < 10.0:  # error
        x = tf.expand_dims(x, 0)
    return x


def list_append(x: Any) -> Any:
    found = []
    for row in x:  # error
        found.append(row)
    return found


def new_key(x: Any) -> Any:
    found: dict[str, Any] = {}
    for row in x:  # error
        found["last"] = row
    return found


def in_a_round_only(x: Any) -> Any:
    for row in x:
        last = row
    return last  # error


def a_raise(x: Any) -> Any:
    if x[0] > 0:
        raise ValueError("positive")  # error
    return x


def a_jump_out_of_with(x: Any) -> Any:
    for row in x:
        with tf.name_scope("block"):  # error
            if row > 0:
                break
    return x


def a_yield(x: Any) -> Any:
    def numbers() -> Iterator[Any]:
        if x[0] > 0:
            yield x  # error

    return list(numbers())


def recursion(x: Any) -> Any:
    def up(value: Any) -> Any:
        if value < 10:  # error
            return up(value + 1)
        return value

    return up(x[0])


def many_elements(x: Any) -> Any:
    if x > 0:  # error
        return x
    return -x


def over_a_scalar(x: Any) -> Any:
    for row in x[0]:  # error
        x = x + row
    return x


def over_a_dataset(x: Any) -> Any:
    for row in tf.data.Dataset.range(3):  # error
        x = x + row
    return x


class Sum:
    """Keeps a tensor that a method changes."""

    def __init__(self) -> None:
        self.total = tf.zeros(())

    def add(self, value: Any) -> None:
        self.total = self.total + value


def an_attribute_behind_a_method(x: Any) -> Any:
    total = Sum()
    for row in x:
        total.add(row)
    return total.total + 1.0  # error


def local_names(x: Any) -> Any:
    names = locals()
    if x[0] > 0:  # error
        return x
    return names["x"]


ERRORS: list[tuple[Callable[[Any], Any], str]] = [
    (in_one_branch_only, "'y' has a value in only one branch of the 'if' of line"),
    (of_two_shapes, r"'y' is f32\[2\] on one path and f32\[\] on the other .* cast or reshape one"),
    (of_two_dtypes, r"'y' is f32\[2\] on one path and i32\[2\] on the other"),
    (strings, "this 'if', which a tensor decides about, gives 'positive' or 'negative'"),
    (one_return, r"returns f32\[2\] or line \d+ returns None; all must return the same structure"),
    (returns_of_two_shapes, r"returns f32\[2\] or line \d+ returns f32\[\]; all must return"),
    (loop_dtype, r"'total' is i32\[\] before a round and f32\[\] after it; .* start it as a tensor of its final type"),
    (loop_rank, r"'x' is f32\[2\] before a round and f32\[1, 2\] after it"),
    (list_append, "'found' has 0 items before a round of this loop and 1 after it, .* tf.TensorArray"),
    (new_key, r"'found' is {} before a round and {'last': f32\[\]} after it"),
    (in_a_round_only, "'last' is assigned only in a round, of which there may be none .* before the loop"),
    (a_raise, "whether this 'raise' is reached depends on a tensor, and a graph cannot raise"),
    (a_jump_out_of_with, "a tensor decides whether a 'return', 'break' or 'continue' leaves this block early"),
    (a_yield, "whether this 'yield' is reached depends on a tensor"),
    (recursion, "up calls itself as long as a tensor says so, .* write a while loop"),
    (many_elements, r"the truth value of a tensor of shape \(2,\) is ambiguous; reduce it with tf.reduce_any"),
    (over_a_scalar, r"a for loop goes over the first axis of a tensor, got the scalar f32\[\]; use tf.range"),
    (over_a_dataset, "cannot iterate over a Dataset, .* loop outside"),
    (an_attribute_behind_a_method, "of another traced function, branch or loop is used here"),
    (local_names, r"AutoGraph left local_names as it is: it looks at its own variables with locals\(\)"),
]


def marked_line(program: Callable[[Any], Any]) -> int:
    """The line that says # error."""
    with open(__file__, encoding="utf-8") as file:
        lines = file.read().splitlines()
    first = program.__code__.co_firstlineno
    return next(number for number, line in enumerate(lines, 1) if number >= first and line.endswith("# error"))


@pytest.mark.parametrize(("program", "message"), ERRORS, ids=[program.__name__ for program, _ in ERRORS])
def test_errors_name_the_line_and_the_rewrite(program: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(GraphcError, match=message) as caught:
        tf.function(program)(X)
    assert str(caught.value).startswith(f"{__file__}:{marked_line(program)}: ")
    assert len(str(caught.value).splitlines()) == 1
