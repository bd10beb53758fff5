"""Switching AutoGraph off, its public functions, and what happens without source."""

from __future__ import annotations

import logging
import subprocess
import sys
from typing import Any

import pytest

import graphc as tf
from graphc_ir.errors import ArgumentError, TracingError
from graphc_ir.ops.control import Cond, Scan, While


def absolute(x: Any) -> Any:
    """The absolute value."""
    if x > 0:
        return x
    return -x


def test_autograph_can_be_switched_off() -> None:
    assert float(tf.function(absolute)(tf.constant(-2.0))) == 2.0
    assert float(tf.function(autograph=True)(absolute)(tf.constant(-2.0))) == 2.0
    with pytest.raises(TracingError, match=r"test_api\.py:19: .* Python needs its truth"):
        tf.function(absolute, autograph=False)(tf.constant(-2.0))


def test_do_not_convert_holds_for_all_that_is_called() -> None:
    for mark in (tf.autograph.experimental.do_not_convert, tf.autograph.experimental.do_not_convert()):

        @mark  # type: ignore[untyped-decorator]
        def outer(x: Any) -> Any:
            return absolute(x)

        with pytest.raises(TracingError, match="Python needs its truth"):
            tf.function(lambda x, outer=outer: outer(x))(tf.constant(1.0))
        assert float(outer(tf.constant(-3.0))) == 3.0
    with pytest.raises(ArgumentError, match="takes a function, got int"):
        tf.autograph.experimental.do_not_convert(3)  # type: ignore[arg-type]


def test_an_inner_function_decides_for_itself() -> None:
    inner = tf.function(absolute, autograph=False)
    with pytest.raises(TracingError, match="Python needs its truth"):
        tf.function(lambda x: inner(x))(tf.constant(1.0))
    on = tf.function(absolute)
    assert float(tf.function(lambda x: on(x), autograph=False)(tf.constant(-1.0))) == 1.0


def test_to_code_and_to_graph() -> None:
    code = tf.autograph.to_code(absolute)
    assert code.startswith("def absolute(x: Any)")
    assert "match ag__f.if_(" in code
    assert tf.autograph.to_code(tf.function(absolute)) == code
    converted = tf.autograph.to_graph(absolute)
    assert (converted.__name__, converted.__doc__, float(converted(-1.0))) == ("absolute", "The absolute value.", 1.0)
    with pytest.raises(ArgumentError, match="converts Python functions and methods, got builtin_function_or_method"):
        tf.autograph.to_code(len)
    with pytest.raises(ArgumentError, match=r"hidden cannot be converted: its source is not available"):
        tf.autograph.to_code(without_source())


def without_source() -> Any:
    """A function whose text is nowhere to be found."""
    space: dict[str, Any] = {}
    exec("def hidden(x):\n    return x if x > 0 else -x", space)
    return space["hidden"]


def test_functions_without_source_run_as_they_are() -> None:
    assert float(tf.function(lambda: 1.0)()) == 1.0
    with pytest.raises(TracingError, match=r"left hidden as it is: its source is not available"):
        tf.function(without_source())(tf.constant(1.0))


def test_verbosity(caplog: pytest.LogCaptureFixture) -> None:
    tf.autograph.set_verbosity(1)
    try:
        with caplog.at_level(logging.INFO, "graphc.autograph"):

            @tf.function
            def fresh(x: Any) -> Any:
                return x

            fresh(tf.constant(1.0))
        assert any("converted" in line and "fresh" in line for line in caplog.messages)
    finally:
        tf.autograph.set_verbosity(0)


def test_loops_take_options() -> None:
    @tf.function
    def f(x: Any) -> Any:
        while x < 100.0:
            tf.autograph.experimental.set_loop_options(maximum_iterations=3, parallel_iterations=1)
            x = x * 2.0
        return x

    x = tf.constant(1.5)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    assert float(y) == 12.0
    assert float(tape.gradient(y, x)) == 8.0
    tf.autograph.experimental.set_loop_options(maximum_iterations=3)


def test_loop_options_are_checked() -> None:
    @tf.function
    def f(x: Any) -> Any:
        for _ in tf.range(3):
            tf.autograph.experimental.set_loop_options(maximum_iterations="3")  # type: ignore[arg-type]
        return x

    with pytest.raises(ArgumentError, match="maximum_iterations is an integer, got str"):
        f(tf.constant(1.0))


def test_ops_and_places() -> None:
    @tf.function
    def f(x: Any) -> Any:
        total = tf.zeros(())
        for row in x:
            total += row
        while total > 1.0:
            total = total / 2.0
        if total > 0.5:
            total = total + 1.0
        return total

    graph = f.get_concrete_function(tf.TensorSpec([None], tf.float32)).graph
    first = f.python_function.__code__.co_firstlineno
    places = {type(node.op): node.location for node in graph.nodes() if node.regions}
    assert {Scan, While, Cond} == set(places)
    assert {place.file for place in places.values()} == {__file__}
    inside = [node for outer in graph.nodes() for region in outer.regions for node in region.nodes()]
    assert {node.location.line for node in inside if node.op.name == "add"} >= {first + 4}
    assert {node.location.line for node in inside if node.op.name == "div"} == {first + 6}


def test_traced_functions_convert_once_per_code() -> None:
    def make(scale: float) -> Any:
        def f(x: Any) -> Any:
            return x * scale if x > 0 else x

        return f

    assert [float(tf.function(make(scale))(tf.constant(2.0))) for scale in (1.0, 3.0)] == [2.0, 6.0]


def test_importing_graphc_loads_no_converter() -> None:
    code = "import sys, graphc; print([m for m in sys.modules if m == 'graphc.autograph.conversion'])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
