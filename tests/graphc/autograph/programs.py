"""Programs whose Python control flow tensors decide about: run eagerly they are the reference of their traced form."""

# ruff: noqa: SIM108 - if statements are what this is about

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import graphc as tf


@dataclass(frozen=True)
class Case:
    """A program with several sets of arguments, which take different ways through it."""

    program: Callable[..., Any]
    inputs: tuple[tuple[Any, ...], ...]

    @property
    def name(self) -> str:
        return self.program.__name__


CASES: list[Case] = []


def case(*inputs: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Adds a program to the table; each input is an argument or a tuple of them."""
    sets = tuple(i if isinstance(i, tuple) else (i,) for i in inputs)

    def add(program: Callable[..., Any]) -> Callable[..., Any]:
        CASES.append(Case(program, sets))
        return program

    return add


def floats(*values: float) -> Any:
    return np.array(values, np.float32)


POSITIVE, NEGATIVE, MIXED = floats(0.5, 1.5, 2.0), floats(-0.5, -1.5, -2.0), floats(0.5, -1.5, 2.0)
SIGNS = (POSITIVE, NEGATIVE, MIXED)


# --- if --------------------------------------------------------------------------------------------------------------


@case(*SIGNS)
def if_else(x: Any) -> Any:
    if tf.reduce_sum(x) > 0:
        y = x * 2.0
    else:
        y = tf.exp(x)
    return y


@case(*SIGNS)
def if_without_else(x: Any) -> Any:
    y = x
    if tf.reduce_sum(x) > 0:
        y = y * x
    return y + 1.0


@case(*SIGNS)
def elif_chain(x: Any) -> Any:
    total = tf.reduce_sum(x)
    if total > 2:
        y = x * total
    elif total > 0.5:
        y = x - 1.0
    elif total < -100:
        y = x
    else:
        y = tf.sin(x)
    return y


@case(*SIGNS)
def early_return(x: Any) -> Any:
    if tf.reduce_sum(x) > 2:
        return x * 2.0
    y = x * x
    if tf.reduce_max(y) > 4:
        return y
    return y - x


@case(*SIGNS)
def return_in_both_branches(x: Any) -> Any:
    if x[0] > 0:
        if x[1] > 0:
            return x
        return x * 3.0
    else:  # noqa: RET505 - both branches return
        return -x


@case(*SIGNS)
def nested_if(x: Any) -> Any:
    y = x
    if x[0] > 0:
        if x[1] > 0:
            y = x * x
        else:
            y = tf.exp(x)
        y = y + 1.0
    else:
        y = -x
    return y


@case(*SIGNS)
def several_variables(x: Any) -> Any:
    a, b = x, x + 1.0
    if tf.reduce_sum(x) > 0:
        a, b = b, a
        c = a * b
    else:
        c = a - b
    return a, b, c


@case(*SIGNS)
def numbers_in_branches(x: Any) -> Any:
    if tf.reduce_sum(x) > 0:
        scale = 2.0
    else:
        scale = 0.5
    return x * scale


@case(*SIGNS)
def a_temporary_of_one_branch(x: Any) -> Any:
    y = x
    if tf.reduce_sum(x) > 0:
        helper = tf.exp(x)
        y = helper * helper
    return y


@case(*SIGNS)
def python_if_around_tensor_if(x: Any) -> Any:
    if x.shape[0] == 3:
        if tf.reduce_sum(x) > 0:
            x = x + 1.0
    else:
        raise AssertionError
    return x


@case(*SIGNS)
def dictionaries(x: Any) -> Any:
    state = {"a": x, "b": x * 2.0}
    if tf.reduce_sum(x) > 0:
        state = {"a": state["b"], "b": state["a"]}
    return state


@case(*SIGNS)
def items_assigned_in_a_branch(x: Any) -> Any:
    state = {"a": x}
    if tf.reduce_sum(x) > 0:
        state["a"] = x * 2.0
    return state["a"]


# --- expressions -----------------------------------------------------------------------------------------------------


@case(*SIGNS)
def conditional_expression(x: Any) -> Any:
    return x * 2.0 if tf.reduce_sum(x) > 0 else tf.exp(x)


@case(*SIGNS)
def and_or_not(x: Any) -> Any:
    if x[0] > 0 and not x[1] > 0:
        return x * 2.0
    if x[0] < 0 or x[2] > 1.9:
        return x * 3.0
    return x


@case(*SIGNS)
def a_chain_of_comparisons(x: Any) -> Any:
    if -1 < x[0] < 1 < x[2]:
        return x * 2.0
    return x


@case(*SIGNS)
def python_and_tensor(x: Any) -> Any:
    flag = True
    if flag and x[0] > 0:
        return x * 2.0
    return x if not flag or x[1] > 0 else -x


@case(*SIGNS)
def a_value_of_and(x: Any) -> Any:
    both = (x[0] > 0) and (x[1] > 0)
    either = (x[0] > 0) or (x[1] > 0)
    return tf.cast(both, tf.float32) + 2.0 * tf.cast(either, tf.float32)


# --- while -----------------------------------------------------------------------------------------------------------


@case(1, 6, 27)
def collatz(n: Any) -> Any:
    steps = 0
    while n != 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps


@case((48, 18), (7, 5), (0, 3))
def greatest_common_divisor(a: Any, b: Any) -> Any:
    while b != 0:
        a, b = b, a % b
    return a


@case(0, 3, 40)
def break_in_while(n: Any) -> Any:
    total = 0
    i = 0
    while True:
        if i >= n:
            break
        i += 1
        if i % 3 == 0:
            continue
        total += i
        if total > 50:
            break
    return total, i


@case(0, 4, 100)
def return_in_while(n: Any) -> Any:
    i = 0
    while i < n:
        i += 1
        if i * i > 50:
            return i
    return -i


@case(0, 4, 100)
def else_of_while(n: Any) -> Any:
    i = 0
    while i < n:
        i += 1
        if i > 10:
            break
    else:
        i = -i
    return i


@case(2, 5)
def nested_while(n: Any) -> Any:
    total = 0
    i = 0
    while i < n:
        j = 0
        while j < i:
            total += i * j
            j += 1
        i += 1
    return total


@case(*SIGNS)
def python_while_with_a_counter(x: Any) -> Any:
    i = 0
    while i < 3:
        x = tf.sin(x) + float(i)
        i += 1
    return x


# --- for -------------------------------------------------------------------------------------------------------------


@case(*SIGNS)
def for_over_a_tensor(x: Any) -> Any:
    total = 0.0
    for row in x:
        total += row * row
    return total


@case(*SIGNS)
def for_with_if(x: Any) -> Any:
    total = tf.zeros(())
    for row in x:
        if row > 0:
            total = total + row * row
        else:
            total = total * row
    return total


@case(*SIGNS)
def for_over_range(x: Any) -> Any:
    y = x
    for i in tf.range(4):
        y = y * x + tf.cast(i, tf.float32)
    return y


@case((POSITIVE, 0), (MIXED, 3))
def for_over_a_range_of_open_length(x: Any, n: Any) -> Any:
    y = x
    for _ in tf.range(n):
        y = tf.sin(y) * x
    return tf.stop_gradient(y)


@case((POSITIVE, 2), (MIXED, 3))
def for_over_builtin_range(x: Any, n: Any) -> Any:
    y = x
    for i in range(n):
        y = y + tf.cast(i, tf.float32)
    return tf.stop_gradient(y)


@case(0, 3, 20)
def break_and_continue(n: Any) -> Any:
    total = 0
    for i in tf.range(n):
        if i % 2 == 0:
            continue
        if i > 7:
            break
        total += i
    return total


@case(*SIGNS)
def return_in_for(x: Any) -> Any:
    for row in x:
        if row < 0:
            return row
    return tf.constant(100.0)


@case(*SIGNS)
def else_of_for(x: Any) -> Any:
    found = -1.0
    for row in x:
        if row < 0:
            found = row
            break
    else:
        found = 7.0
    return found


@case(*SIGNS)
def tensor_break_in_a_python_loop(x: Any) -> Any:
    total = tf.zeros(())
    for i in range(3):
        if x[i] < 0:
            break
        total = total + x[i]
    return total


@case(*SIGNS)
def tensor_continue_in_a_python_loop(x: Any) -> Any:
    total = tf.zeros(())
    for i in range(3):
        if x[i] < 0:
            continue
        total = total + x[i]
    return total * 2.0


@case(*SIGNS)
def tensor_return_in_a_python_loop(x: Any) -> Any:
    for i in range(3):
        if x[i] < 0:
            return x * float(i)
    return x


@case(*SIGNS)
def nested_for(x: Any) -> Any:
    total = tf.zeros(())
    for a in x:
        for b in x:
            if a > b:
                total += a * b
    return total


@case(*SIGNS)
def enumerate_and_zip(x: Any) -> Any:
    total = 0.0
    for i, (a, b) in enumerate(zip(x, x + 1.0)):  # noqa: B905
        total += a * b * tf.cast(i + 1, tf.float32)
    return total


@case(0, 5)
def tensor_array_in_a_loop(n: Any) -> Any:
    squares = tf.TensorArray(tf.int32, size=5)
    for i in tf.range(n):
        squares = squares.write(i, i * i)
    return squares.stack() if n > 0 else tf.zeros((5,), tf.int32)


@case(*SIGNS)
def a_list_of_known_length(x: Any) -> Any:
    found = []
    for i in range(3):
        found.append(x[i] * 2.0)
    return tf.stack(found)


@case(*SIGNS)
def a_growing_dtype(x: Any) -> Any:
    count = 0
    for row in x:
        count += tf.cast(row > 0, tf.int32)
    return count


# --- functions -------------------------------------------------------------------------------------------------------


def relu(x: Any) -> Any:
    if x > 0:
        return x
    return x * 0.1


@case(*SIGNS)
def a_called_function(x: Any) -> Any:
    return relu(x[0]) + relu(x[1])


@case(*SIGNS)
def nested_functions_and_nonlocal(x: Any) -> Any:
    count = 0.0

    def add(value: Any) -> None:
        nonlocal count
        if value > 0:
            count = count + value
        else:
            count = count - 1.0

    for i in range(3):
        add(x[i])
    return count


@case(*SIGNS)
def a_lambda(x: Any) -> Any:
    pick = lambda v: v if v > 0 else -v  # noqa: E731
    return pick(x[0]) + pick(x[1])


@case(*SIGNS)
def a_function_for_map_fn(x: Any) -> Any:
    def leaky(v: Any) -> Any:
        return v if v > 0 else v * 0.5

    return tf.map_fn(leaky, x)


class Counter:
    """An object with state that converted methods change."""

    def __init__(self) -> None:
        self.total = tf.zeros(())

    def add(self, x: Any) -> None:
        if x > 0:
            self.total = self.total + x
        else:
            self.total = self.total - 2.0 * x

    def __call__(self, x: Any) -> Any:
        return self.total if x > 1 else x


@case(*SIGNS)
def methods_and_attributes(x: Any) -> Any:
    counter = Counter()
    for i in range(3):
        counter.add(x[i])
    return counter(x[2])


def _positive(x: Any) -> Iterator[Any]:
    for i in range(3):
        yield x[i] if x[i] > 0 else -x[i]


@case(*SIGNS)
def generators(x: Any) -> Any:
    return tf.stack(list(_positive(x)))


@case(*SIGNS)
def comprehensions(x: Any) -> Any:
    return tf.stack([v if v > 0 else v * v for v in [x[0], x[1]]])
