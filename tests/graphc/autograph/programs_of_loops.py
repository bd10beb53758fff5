"""Programs with loops whose rounds tensors decide about.

Each runs as plain Python on eager tensors, and must give the same values and gradients inside ``tf.function``.
"""

# ruff: noqa: SIM108, B007, B905 - the statements are what this is about

from __future__ import annotations

from typing import Any

import graphc as tf
from tests.graphc.autograph.table import MATRIX, VECTOR, case

# --- while -----------------------------------------------------------------------------------------------------------


@case(1.0, 20.0)
def while_on_a_tensor(x: Any) -> Any:
    while x < 10:
        x = x * x + 1
    return x


@case((1.0, 3), (2.0, 0))
def while_with_a_counter(x: Any, n: Any) -> Any:
    i = 0
    while i < n:
        x = tf.sin(x) * 2
        i += 1
    return x


@case(0.5)
def while_with_a_constant_counter(x: Any) -> Any:
    i = tf.constant(0)
    while i < 3:
        x = x * 1.5 + 1
        i = i + 1
    return x


@case((1.0, 4), (1.0, 0))
def a_whole_number_becomes_a_float(x: Any, n: Any) -> Any:
    total: Any = 0
    for _ in tf.range(n):
        total = total + 0.5
    return total * x


@case((1.0, 4), (1.0, 0))
def a_python_sum_becomes_a_tensor(x: Any, n: Any) -> Any:
    i, total = 0, 0
    while i < n:
        total = total + x * x
        i = i + 1
    return total + x


@case(1.0, 50.0)
def break_in_a_while(x: Any) -> Any:
    i = 0
    while i < 5:
        x = x * 2
        if x > 20:
            break
        i += 1
    return x * x


@case(1.0, 50.0)
def while_true_with_break(x: Any) -> Any:
    while True:
        x = x * 2 + 1
        if x > 20:
            break
    return x * x


@case((1.0, 6), (1.0, 1))
def continue_in_a_while(x: Any, n: Any) -> Any:
    i = 0
    while i < n:
        i += 1
        if i % 2 == 0:
            continue
        x = x * 2
    return x


@case((1.0, 8), (7.0, 8), (1.0, 2))
def break_and_continue(x: Any, n: Any) -> Any:
    i, y = 0, x
    while i < n:
        i += 1
        if i == 2:
            continue
        y = y + x * x
        if y > 30:
            break
        y = y * 1.25
    return y


@case((1.0, 8), (7.0, 8), (1.0, 0))
def return_from_a_while(x: Any, n: Any) -> Any:
    i = 0
    while i < n:
        x = x * 2
        if x > 20:
            return x * x
        i += 1
    return x - 1


@case((1.0, 3), (1.0, 0))
def nested_whiles(x: Any, n: Any) -> Any:
    i = 0
    while i < n:
        j = 0
        while j < i:
            x = x * 1.5
            j += 1
        x = x + 1
        i += 1
    return x


@case((1.0, 3), (9.0, 3))
def while_with_else(x: Any, n: Any) -> Any:
    i = 0
    while i < n:
        x = x * 2
        if x > 15:
            break
        i += 1
    else:
        x = x + 100
    return x


@case((1.0, 3), (1.0, 0))
def a_counter_meets_floats(x: Any, n: Any) -> Any:
    i, step = 0, 1
    while i < n:
        x = x * (i + 1) / 2 - i
        i += step
    return x * i


@case((1.0, 3), (1.0, 0))
def numbers_of_built_ins_meet_floats(x: Any, n: Any) -> Any:
    for i in range(n):
        x = x * i + 0.5 * i
    return x * int(n) - float(n)


@case((1.0, 5.0), (7.0, 5.0))
def while_with_and(x: Any, limit: Any) -> Any:
    i = 0
    while i < 4 and x < limit:
        x = x * 2
        i += 1
    return x


@case(1.0)
def a_condition_that_assigns(x: Any) -> Any:
    while (y := x * 2) < 20:
        x = y + 1
    return x + y


@case((1.0, 3))
def the_condition_becomes_a_tensor(x: Any, n: Any) -> Any:
    go = True
    i = 0
    while go:
        x = x * 2
        i += 1
        go = n > i
    return x


@case((1.0, 3), (1.0, 0))
def a_flag_variable(x: Any, n: Any) -> Any:
    first, i = True, 0
    while i < n:
        if first:
            x = x * 10
        else:
            x = x + 1
        first = False
        i += 1
    return x


@case(([1.0, 2.0], 3), ([1.0, 2.0], 0), has_gradient=False)
def the_size_changes(x: Any, n: Any) -> Any:
    i = 0
    while i < n:
        x = tf.concat([x, x[:1] * 2], 0)
        i += 1
    return tf.reduce_sum(x)


@case((1.0, 3))
def structures_in_a_loop(x: Any, n: Any) -> Any:
    state = {"x": x, "pair": (x, x * 2)}
    i = 0
    while i < n:
        a, b = state["pair"]
        state = {"x": state["x"] + a, "pair": (b, a + b)}
        i += 1
    return state["x"] * state["pair"][0]


@case((1.0, 3))
def containers_changed_in_a_loop(x: Any, n: Any) -> Any:
    items, state = [x, x * 2], {"sum": x}
    alias, i = items, 0
    while i < n:
        items[0], items[1] = items[1], items[0] + items[1]
        state["sum"] += items[0]
        i += 1
    return alias[0] * state["sum"]


@case((1.0, 3))
def an_attribute_in_a_loop(x: Any, n: Any) -> Any:
    class Counter:
        total = x

    counter, i = Counter(), 0
    while i < n:
        counter.total = counter.total * 2 + x
        i += 1
    return counter.total


@case((1.0, 3))
def a_closure_in_a_loop(x: Any, n: Any) -> Any:
    total, i = x, 0

    def step() -> None:
        nonlocal total
        total = total * 2 + 1

    while i < n:
        step()
        i += 1
    return total


@case((1.0, 3))
def temporaries_in_a_loop(x: Any, n: Any) -> Any:
    t = tf.stack([x, x])
    y, i = tf.reduce_sum(t), 0
    while i < n:
        t = y * 2
        if t > 10:
            u = t - 1
        else:
            u = t + 1
        y = u
        i += 1
    return y


# --- for -------------------------------------------------------------------------------------------------------------


@case(VECTOR)
def for_over_a_vector(xs: Any) -> Any:
    total = tf.constant(0.0)
    for x in xs:
        total = total * 0.5 + x * x
    return total


@case(MATRIX)
def for_over_rows(xs: Any) -> Any:
    state = tf.zeros([2])
    for row in xs:
        state = tf.tanh(state + row)
    return tf.reduce_sum(state)


@case((1.0, 4), (1.0, 0))
def for_over_tf_range(x: Any, n: Any) -> Any:
    for i in tf.range(n):
        x = x * 1.5 + tf.cast(i, "float32")
    return x


@case(1.5)
def for_over_a_constant_range(x: Any) -> Any:
    for i in tf.range(3):
        x = x * x - tf.cast(i, "float32")
    return x


@case((1.0, 4), (1.0, 0))
def for_over_range_of_a_tensor(x: Any, n: Any) -> Any:
    for i in range(1, n):
        x = x + x * tf.cast(i, "float32")
    return x


@case((VECTOR, MATRIX))
def zip_and_enumerate(xs: Any, rows: Any) -> Any:
    total = tf.zeros([2])
    for i, (x, row) in enumerate(zip(xs, rows)):
        total = total + x * row * tf.cast(i + 1, "float32")
    return tf.reduce_sum(total * total)


@case((VECTOR, 1.0), (VECTOR, 100.0))
def break_in_a_for(xs: Any, limit: Any) -> Any:
    total = tf.constant(1.0)
    for x in xs:
        total = total + x * x
        if total > limit:
            break
        total = total * 2
    return total


@case(VECTOR)
def continue_in_a_for(xs: Any) -> Any:
    total = tf.constant(1.0)
    for x in xs:
        if x < 0:
            continue
        total = total * x
    return total


@case((VECTOR, 1.0), (VECTOR, 100.0))
def return_from_a_for(xs: Any, limit: Any) -> Any:
    total = tf.constant(1.0)
    for x in xs:
        total = total + x * x
        if total > limit:
            return total * x
    return total


@case((VECTOR, 1.0), (VECTOR, 100.0))
def for_with_else(xs: Any, limit: Any) -> Any:
    total = tf.constant(1.0)
    for x in xs:
        total = total + x * x
        if total > limit:
            break
    else:
        total = -total
    return total


@case((MATRIX, 0.5))
def nested_fors(rows: Any, w: Any) -> Any:
    total = tf.constant(0.0)
    for row in rows:
        part = tf.constant(1.0)
        for x in row:
            part = part * x + w
        total = total + part * part
    return total


@case((MATRIX, 1.0), (MATRIX, -9.0))
def return_from_nested_fors(rows: Any, limit: Any) -> Any:
    total = tf.constant(0.0)
    for row in rows:
        for x in row:
            total = total + x
            if total > limit:
                return total * x
        total = total * 2
    return total - 1


@case((1.0, 20.0), (9.0, 20.0), (1.0, 2.0))
def break_in_a_python_loop(x: Any, limit: Any) -> Any:
    for i in range(4):
        x = x * (i + 1)
        if x > limit:
            break
        x = x + 1
    return x * x


@case((1.0, 20.0), (9.0, 20.0), (1.0, 2.0))
def return_from_a_python_loop(x: Any, limit: Any) -> Any:
    for i in range(4):
        x = x * (i + 1)
        if x > limit:
            return x * x
        x = x + 1
    return -x


@case((1.0, 2.0), (9.0, 5.0))
def continue_in_a_python_loop(x: Any, limit: Any) -> Any:
    for i in range(4):
        if x > limit:
            x = x - 1
            continue
        x = x * (i + 1)
    return x * x


@case((1.0, 4.0), (3.0, 8.0), (1.0, 1000.0))
def nested_python_loops(x: Any, limit: Any) -> Any:
    for i in range(2):
        for j in range(3):
            x = x + j
            if x > limit:
                break
            x = x * 1.5
        else:
            x = x + 10
        x = x + i
    return x * x


@case((1.0, 4.0), (3.0, 8.0), (1.0, 1000.0))
def break_out_of_two_python_loops(x: Any, limit: Any) -> Any:
    for i in range(3):
        for j in range(2):
            x = x + j
            if x > limit:
                break
            x = x * 1.5
        else:
            x = x + i
            continue
        break
    return x * x


@case((VECTOR, 1.0), (VECTOR, 100.0))
def break_in_an_else_clause(xs: Any, limit: Any) -> Any:
    total = tf.constant(0.0)
    for row in tf.stack([xs, xs * 2]):
        for x in row:
            total = total + x
            if total > limit:
                break
        else:
            break
        total = total * 2
    return total


@case((1.0, 4.0), (3.0, 8.0), (1.0, 1000.0))
def return_from_nested_python_loops(x: Any, limit: Any) -> Any:
    for i in range(2):
        for j in range(3):
            x = x + j
            if x > limit:
                return x * i
            x = x * 1.5
        x = x + i
    return x * x


@case((VECTOR, 1.0), (VECTOR, 100.0))
def a_tensor_loop_in_a_python_loop(xs: Any, limit: Any) -> Any:
    total = tf.constant(0.0)
    for scale in (1.0, 2.0):
        for x in xs:
            total = total + x * scale
            if total > limit:
                return total
        total = total * 2
    return total - 1


@case((VECTOR, 1.0), (VECTOR, 100.0))
def a_python_loop_in_a_tensor_loop(xs: Any, limit: Any) -> Any:
    total = tf.constant(0.0)
    for x in xs:
        for scale in (1.0, 2.0):
            total = total + x * scale
            if total > limit:
                break
            total = total + 0.5
        total = total * 2
    return total - 1


@case((1.0, 3), (1.0, 0))
def target_defined_before(x: Any, n: Any) -> Any:
    i = tf.constant(7)
    for i in tf.range(n):
        x = x * 2
    return x * tf.cast(i, "float32")


@case((MATRIX, VECTOR))
def a_recurrent_network(xs: Any, h0: Any) -> Any:
    w = tf.reshape(tf.range(9.0), [3, 3]) * 0.1
    outputs = tf.TensorArray("float32", size=tf.shape(xs)[0])
    h = h0
    for t in tf.range(tf.shape(xs)[0]):
        h = tf.tanh(tf.linalg.matvec(w, h) + tf.reduce_sum(xs[t]))
        outputs = outputs.write(t, h)
    return tf.reduce_sum(outputs.stack() * h)


@case((VECTOR, 2))
def a_tensor_array_in_a_branch(xs: Any, n: Any) -> Any:
    array = tf.TensorArray("float32", size=3, element_shape=[])
    for i in tf.range(n):
        if xs[i] > 0:
            array = array.write(i, xs[i] * 2)
        else:
            array = array.write(i, -xs[i])
    return tf.reduce_sum(array.stack() * xs)


# --- state -----------------------------------------------------------------------------------------------------------


@case((2.0, 3), (-2.0, 3))
def a_tape_inside(x: Any, n: Any) -> Any:
    y = x
    for _ in tf.range(n):
        with tf.GradientTape() as tape:
            tape.watch(y)
            if y > 0:
                loss = y * y
            else:
                loss = -y
        y = y - 0.1 * tape.gradient(loss, y)
    return y


# --- whole numbers ---------------------------------------------------------------------------------------------------


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
def two_breaks_and_a_continue(n: Any) -> Any:
    total, i = 0, 0
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
def return_of_a_counter(n: Any) -> Any:
    i = 0
    while i < n:
        i += 1
        if i * i > 50:
            return i
    return -i
