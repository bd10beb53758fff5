"""Code that no tensor decides about runs as plain Python: the same objects, exceptions, closures and names."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
import traceback
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest

import graphc as tf

LIMIT = 3


def traced_value(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function returns while it is traced."""
    found = []

    @tf.function
    def trace(x: Any) -> Any:
        found.append(function(*arguments))
        return x

    trace(tf.constant(0.0))
    return found[0]


def control_flow(items: Any) -> Any:
    out: list[Any] = []
    for i, item in enumerate(items):
        if item is None:
            continue
        if isinstance(item, str):
            out.append(item.upper())
        else:
            while item > LIMIT:
                item -= 1
                if item == 7:
                    break
            else:
                out.append(i)
            out.append(item)
    else:
        out.append("end")
    return out and (out[0] or "none"), not out, [a for a in out if a], 1 < len(out) < 10 <= 12


def test_control_flow_on_python_values() -> None:
    items = [1, None, "a", 5, 12, ""]
    assert traced_value(control_flow, items) == control_flow(items)


def test_values_are_the_same_objects() -> None:
    kept = object()
    empty: list[Any] = []

    def choose(a: Any, b: Any) -> Any:
        return (a or b), (a and b), (b if a else a), [b if b else a]

    found = traced_value(choose, empty, kept)
    assert found[0] is kept
    assert found[1] is empty
    assert found[2] is empty
    assert found[3][0] is kept


def test_truth_is_asked_once() -> None:
    class Answer:
        def __init__(self) -> None:
            self.count = 0

        def __bool__(self) -> bool:
            self.count += 1
            return True

    def ask(a: Any, b: Any, c: Any) -> Any:
        if a:
            pass
        return (b and 1), (1 if c else 2)

    answers = [Answer(), Answer(), Answer()]
    assert traced_value(ask, *answers) == (1, 1)
    assert [answer.count for answer in answers] == [1, 1, 1]


def test_exceptions_and_tracebacks() -> None:
    def fails(items: Any) -> Any:
        for item in items:
            if item > 1:
                raise KeyError(item)

    with pytest.raises(KeyError, match="2") as caught:
        traced_value(fails, [1, 2, 3])
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert (frames[-1].filename, frames[-1].name) == (__file__, "fails")
    assert frames[-1].line == "raise KeyError(item)"


def test_try_with_and_finally() -> None:
    events: list[str] = []

    @contextlib.contextmanager
    def noted(name: str) -> Iterator[None]:
        events.append(f"enter {name}")
        yield
        events.append(f"leave {name}")

    def run() -> Any:
        for i in range(3):
            try:
                with noted(str(i)):
                    if i == 1:
                        continue
                    if i == 2:
                        return i
            finally:
                events.append("finally")
        return None

    assert traced_value(run) == 2
    assert events == ["enter 0", "leave 0", "finally", "enter 1", "leave 1", "finally", "enter 2", "leave 2", "finally"]


def test_closures_are_the_original_cells() -> None:
    count = 0

    def inner() -> int:
        nonlocal count
        if count >= 0:
            count += 1
        return count

    assert traced_value(inner) == 1
    assert count == 1
    count = 10
    assert inner() == 11


written = 0


def test_globals_defaults_and_keywords() -> None:
    def f(a: Any, b: Any = LIMIT, *rest: Any, key: Any = "k", **options: Any) -> Any:
        global written
        written = a
        return a, b, rest, key, options

    assert traced_value(functools.partial(f, 1, key=2)) == (1, LIMIT, (), 2, {})
    assert globals()["written"] == 1


class Base:
    __secret = "base"

    def describe(self, prefix: str = "") -> str:
        return f"{prefix}{self.__secret}"


class Derived(Base):
    @property
    def loud(self) -> str:
        return self.describe("!")

    def describe(self, prefix: str = "") -> str:
        if prefix:
            return super().describe(prefix) + "+"
        return str(__class__.__name__)  # type: ignore[name-defined]

    @staticmethod
    def double(x: int) -> int:
        return 2 * x if x else x

    @classmethod
    def make(cls) -> Derived:
        return cls()


def test_methods_properties_super_and_private_names() -> None:
    def use() -> Any:
        made = Derived.make()
        return made.describe("a "), made.describe(), made.loud, Derived.double(4), type(made)

    assert traced_value(use) == ("a base+", "Derived", "!base+", 8, Derived)


def test_generators_decorators_lambdas_and_comprehensions() -> None:
    def use() -> Any:
        @functools.lru_cache
        def cached(n: int) -> int:
            return n if n < 2 else cached(n - 1) + cached(n - 2)

        def numbers() -> Generator[int, Any, None]:
            received = yield 1
            yield received if received else 5

        running = numbers()
        next(running)
        pick: Any = lambda a, *b, c=3: a if a else (b, c)  # noqa: E731
        return cached(10), running.send(8), list(numbers()), pick(0, 1), {k: v for k, v in [(1, 2)] if v}

    assert traced_value(use) == use()


def test_match_and_walrus_and_star_targets() -> None:
    def use(value: Any) -> Any:
        match value:
            case {"kind": "pair", "items": [first, *others]} if len(others) > 0:
                return first, others
            case [a, b]:
                return a + b
        if (size := len(value)) > 2:
            return size
        head, *tail = value
        return head, tail

    for value in ({"kind": "pair", "items": [1, 2]}, [1, 2], [1, 2, 3], [1]):
        assert traced_value(use, value) == use(value)


def test_the_standard_library_and_builtins_are_left_alone() -> None:
    def use() -> Any:
        return (inspect.signature, sorted([3, 1], key=lambda v: -v), max(1, 2), list(zip([1], [2], strict=True)),
                int("3"), list(map(str, [1])), sys._getframe().f_code.co_name, any([0, 1]), bool([]))  # fmt: skip

    assert traced_value(use) == use()


def test_names_of_a_function_survive() -> None:
    def documented(x: int) -> int:
        """Doubles."""
        return 2 * x

    def use() -> Any:
        inner = documented
        return inner.__name__, inner.__doc__, inner is documented

    assert traced_value(use) == ("documented", "Doubles.", True)


def test_side_effects_happen_once_per_trace() -> None:
    seen: list[int] = []

    @tf.function
    def f(x: Any) -> Any:
        seen.append(1)
        if len(seen) > 100:
            return x
        return x + 1.0

    f(tf.constant(1.0))
    f(tf.constant(2.0))
    assert seen == [1]


def test_unbound_names_raise_as_in_python() -> None:
    def use(flag: bool) -> Any:
        if flag:
            value = 1
        return value

    with pytest.raises(UnboundLocalError):
        use(False)
    with pytest.raises(UnboundLocalError):
        traced_value(use, False)
