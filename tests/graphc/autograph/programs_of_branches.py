"""Programs with branches, early returns, conditions in expressions, and calls.

Each runs as plain Python on eager tensors, and must give the same values and gradients inside ``tf.function``.
"""

# ruff: noqa: SIM108 - the statements are what this is about

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import graphc as tf
from tests.graphc.autograph.table import VECTOR, case

# --- if --------------------------------------------------------------------------------------------------------------


@case(2.0, -2.0)
def if_else(x: Any) -> Any:
    if x > 0:
        y = x * 2
    else:
        y = -x * x
    return y


@case(2.0, -2.0)
def if_without_else(x: Any) -> Any:
    y = x
    if x > 0:
        y = x * x
    return y + 1


@case(2.0, -2.0, 0.5, -0.5)
def elif_chain(x: Any) -> Any:
    if x > 1:
        y = x * x
    elif x > 0:
        y = tf.sin(x)
    elif x > -1:
        y = tf.exp(x)
    else:
        y = -x
    return y


@case((1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0))
def nested_ifs(x: Any, y: Any) -> Any:
    if x > 0:
        if y > 0:
            z = x * y
        else:
            z = x - y * y
        z = z * 2
    else:
        z = tf.exp(x)
        if y > 0:
            z = z + y
    return z


@case(2.0, -2.0)
def branches_assign_several(x: Any) -> Any:
    a, b = x, x * 2
    if x > 0:
        a, b = b * b, a
        c = a + b
    else:
        c = a * b
    return a + b * c


@case(2.0, -2.0)
def a_number_in_one_branch(x: Any) -> Any:
    if x > 0:
        y = x * x
    else:
        y = 0
    return y + x


@case(2.0, -2.0)
def python_floats_in_both(x: Any) -> Any:
    if x > 0:
        rate = 0.5
    else:
        rate = 2
    return x * rate


@case(2.0, -2.0)
def a_sign(x: Any) -> Any:
    sign: Any = 1 if x > 0 else -1
    if x > 1:
        power = sign * 2
    else:
        power = 0.5
    return x * sign + tf.maximum(power, x) - power


@case(2.0, -2.0)
def structures(x: Any) -> Any:
    state = {"a": x, "b": [x * 2, (x, 1.0)]}
    if x > 0:
        state = {"a": x * x, "b": [x, (x + 1, 2.0)]}
    return state["a"] + state["b"][0] * state["b"][1][0] * state["b"][1][1]


@case(2.0, -2.0)
def dict_changed_in_place(x: Any) -> Any:
    state = {"a": x, "n": x}
    alias = state
    if x > 0:
        state["a"] = x * x
    else:
        state["n"] = -x
    return alias["a"] + alias["n"] * 3


@case(2.0, -2.0)
def list_changed_in_place(x: Any) -> Any:
    items = [x, x]
    if x > 0:
        items[0] = x * x
        items.append(x)
    else:
        items.append(x * 3)
    return items[0] + items[1] + items[2] * 2


@case(2.0, -2.0)
def a_temporary_of_another_type(x: Any) -> Any:
    if x > 0:
        t = tf.stack([x, x])
        y = tf.reduce_sum(t)
    else:
        t = x > -1
        y = x * 3
    return y


@case(2.0, -2.0)
def a_temporary_that_the_other_branch_lacks(x: Any) -> Any:
    y = x
    if x > 0:
        t = x * 2
        y = t * t
    return y


@case(1, 0, -3)
def an_integer_as_condition(n: Any) -> Any:
    if n:
        return n * 2
    return n - 1


@case([2.0], [-2.0])
def one_element_of_rank_one_as_condition(x: Any) -> Any:
    if x > 0:
        return tf.reduce_sum(x * x)
    return tf.reduce_sum(x)


@case(2.0, -2.0)
def an_attribute_in_a_branch(x: Any) -> Any:
    class Box:
        value = x

    box = Box()
    if x > 0:
        box.value = x * x
    return box.value + x


@case(2.0, -2.0)
def a_nested_function_changes_a_variable(x: Any) -> Any:
    total = x

    def double() -> None:
        nonlocal total
        total = total * 2

    if x > 0:
        double()
        double()
    return total + x


@case(2.0, -2.0)
def a_closure_reads_what_a_branch_assigns(x: Any) -> Any:
    y = x

    def read() -> Any:
        return y * 2

    if x > 0:
        y = x * x
    return read()


@case(2.0, -2.0)
def a_function_defined_in_a_branch(x: Any) -> Any:
    if x > 0:

        def f(v: Any) -> Any:
            return v * x

        y = f(x)
    else:
        y = x
    return y


@case(2.0, -2.0)
def with_around_an_if(x: Any) -> Any:
    with tf.name_scope("scope"):
        if x > 0:
            y = x * x
        else:
            y = x
    return y


@case(2.0, -2.0)
def return_inside_a_with(x: Any) -> Any:
    with tf.name_scope("scope"):
        if x > 0:
            return x * x
        return x - 1


@case(2.0, -2.0)
def try_around_an_if(x: Any) -> Any:
    y = x
    try:
        if x > 0:
            y = x * x
    finally:
        y = y + 1
    return y


# --- return ----------------------------------------------------------------------------------------------------------


@case(2.0, -2.0)
def early_return(x: Any) -> Any:
    if x > 0:
        return x * x
    y = x * 3
    return y - 1


@case(3.0, 1.5, 0.5, -1.0)
def early_returns(x: Any) -> Any:
    if x > 2:
        return x
    y = x * x
    if x > 1:
        return y * 2
    y = y + x
    if x > 0:
        return tf.exp(y)
    return y


@case((2.0, 1.0), (2.0, -1.0), (-2.0, 1.0), (-2.0, -1.0))
def return_in_a_nested_if(x: Any, y: Any) -> Any:
    z = x
    if x > 0:
        if y > 0:
            return x * y
        z = z * 2
    else:
        z = z - y
    return z * z


@case((2.0, 1.0), (2.0, -1.0), (-2.0, 1.0), (-2.0, -1.0))
def return_from_an_else(x: Any, y: Any) -> Any:
    if x > 0:
        z = x
    elif y > 0:
        return y * x
    else:
        z = y * 2
    return z + x


@case(2.0, -2.0)
def return_of_structures(x: Any) -> Any:
    if x > 0:
        return {"a": x, "b": (x * 2, None)}
    return {"a": x * x, "b": (x, None)}


@case(2.0, -2.0)
def returns_of_a_number(x: Any) -> Any:
    if x > 0:
        return 1.0
    return x


@case(2.0, 0.5, -2.0)
def return_after_python_if(x: Any, flag: bool = True) -> Any:
    if flag:
        if x > 1:
            return x * x
        x = x + 1
    if not flag or x < 0:
        return -x
    return x


# --- and, or, not, comparisons, conditional expressions --------------------------------------------------------------


@case((1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0))
def and_or_not(x: Any, y: Any) -> Any:
    if x > 0 and y > 0:
        z = x * y
    elif not (x > 0 or y > 0):
        z = x - y
    else:
        z = x + y
    return z


@case((1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0))
def and_as_a_value(x: Any, y: Any) -> Any:
    both = x > 0 and y > 0
    either = x > 0 or y > 0
    return tf.where(both, x * y, x) + tf.where(not either, x, y)


@case((1.0, 1.0), (1.0, -1.0))
def mixed_with_python(x: Any, y: Any) -> Any:
    enabled = True
    nothing = None
    if enabled and y > 0 and nothing is None:
        return x * y
    return nothing or x


@case(0.5, 2.0, -1.0)
def a_chain_of_comparisons(x: Any) -> Any:
    if 0 < x * 1 < 1:
        return x * x
    return -x


@case((1.0, 2.0, 3.0), (1.0, 3.0, 2.0), (3.0, 2.0, 1.0))
def a_longer_chain(x: Any, y: Any, z: Any) -> Any:
    inside = x < y + 0 < z + 0 != 7.0
    return x * y if inside else z


@case(2.0, -2.0)
def a_conditional_expression(x: Any) -> Any:
    return x * x if x > 0 else -x


@case(2.0, 0.5, -2.0)
def nested_conditional_expressions(x: Any) -> Any:
    return (x * x if x > 1 else tf.sin(x)) if x > 0 else -x


@case(2.0, -2.0)
def a_conditional_expression_in_a_comprehension(x: Any) -> Any:
    parts = [v * 2 if v > 1 else v * x for v in (x, x + 1, x * 3)]
    return parts[0] + parts[1] * parts[2]


@case(2.0, -2.0)
def a_lambda(x: Any) -> Any:
    relu: Any = lambda v: v if v > 0 else v * 0.1  # noqa: E731
    return relu(x) + relu(-x)


@case(2.0, -2.0)
def a_walrus_in_a_condition(x: Any) -> Any:
    if (y := x * 2) > 0 and y < 10:
        return y * y
    return y


@case(([1.0, 2.0], 1), ([1.0, 2.0], 5))
def and_guards_an_index(x: Any, i: Any) -> Any:
    if i < 2 and tf.gather(x, i) > 1.5:
        return tf.reduce_sum(x) * 2
    return tf.reduce_sum(x)


# --- calls -----------------------------------------------------------------------------------------------------------


def _leaky(x: Any, slope: Any = 0.1) -> Any:
    if x > 0:
        return x
    return x * slope


@case(2.0, -2.0)
def a_called_function(x: Any) -> Any:
    return _leaky(x) + _leaky(-x, slope=0.5)


class _Scaler:
    def __init__(self, scale: float) -> None:
        self.scale = scale
        self.__private = 3.0

    def __call__(self, x: Any) -> Any:
        return self._scaled(x) if x > 0 else self.apply(x)

    def _scaled(self, x: Any) -> Any:
        while x < 10:
            x = x * self.scale
        return x

    def apply(self, x: Any) -> Any:
        if x < -1:
            return x * self.__private
        return x


class _Shifted(_Scaler):
    def __call__(self, x: Any) -> Any:
        if x > 5:
            return x
        return super().__call__(x) + 1


@case(2.0, -2.0, -0.5)
def a_callable_object(x: Any) -> Any:
    return _Scaler(2.0)(x)


@case(2.0, 6.0, -2.0)
def super_in_a_piece(x: Any) -> Any:
    return _Shifted(2.0)(x)


@case(2.0, -2.0)
def functions_given_to_functions(x: Any) -> Any:
    xs = tf.stack([x, x * 2, -x])
    return tf.reduce_sum(tf.map_fn(_leaky, xs)) + sum(map(_leaky, [x, -x]))


@case((2.0, True), (2.0, False))
def a_python_condition(x: Any, flag: bool) -> Any:
    return _leaky(x) if flag else _leaky(-x)


@case(5.0, 2.0)
def a_conditional_call_in_a_loop(x: Any) -> Any:
    for _ in range(3):
        x = _leaky(x - 3)
    return x


class _Counter:
    """An object with state that converted methods change."""

    def __init__(self) -> None:
        self.total = tf.zeros([])

    def add(self, x: Any) -> None:
        if x > 0:
            self.total = self.total + x
        else:
            self.total = self.total - 2.0 * x


@case(VECTOR)
def methods_that_change_attributes(xs: Any) -> Any:
    counter = _Counter()
    for i in range(3):
        counter.add(xs[i])
    return counter.total


def _absolutes(xs: Any) -> Iterator[Any]:
    for i in range(3):
        yield xs[i] if xs[i] > 0 else -xs[i]


@case(VECTOR)
def generators(xs: Any) -> Any:
    return tf.stack(list(_absolutes(xs)))


@case(VECTOR)
def a_list_of_known_length(xs: Any) -> Any:
    found = []
    for i in range(3):
        found.append(xs[i] * 2.0)
    return tf.stack(found)


# --- built-ins -------------------------------------------------------------------------------------------------------


@case((2.7, 3), (-2.7, 1))
def conversions(x: Any, n: Any) -> Any:
    return float(n) * x + float(int(x)) + (1.0 if bool(n > 2) else 0.0)


@case((1.0, 2.0), (2.0, 1.0))
def extremes(x: Any, y: Any) -> Any:
    return max(x, y) * 2 + min(x, y, 1.5) + abs(x)


@case(VECTOR, [1.0, 2.0])
def quantifiers(xs: Any) -> Any:
    if all(xs > 0):
        return sum(xs)
    if any(xs > 1):
        return max(xs)
    return min(xs)


@case(VECTOR)
def lengths(xs: Any) -> Any:
    return tf.reduce_sum(xs) * len(xs)
