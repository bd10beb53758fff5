"""Symbolic dimensions: algebra, text, decisions, assumptions, broadcasting and shape matching."""

from __future__ import annotations

import copy
import operator
import pickle
import re
import threading
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from graphc_ir.dims import (
    Assumptions,
    Dim,
    DimExpr,
    Shape,
    UndecidableDimError,
    broadcast_dim,
    broadcast_shapes,
    element_count,
    evaluate,
    free_symbols,
    fresh_symbol,
    known_equal,
    known_ge,
    normalise,
    parse_dim,
    require_equal,
    solve,
    substitute,
    symbol,
)

n, m, b, t = (symbol(name) for name in "nmbt")
OPERATIONS = (operator.add, operator.sub, operator.mul, operator.floordiv, operator.mod)
NAMES = ("n", "m", "?0", "layer.k")


@st.composite
def dims(draw: st.DrawFn, depth: int = 3) -> Dim:
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(st.one_of(st.integers(-5, 9), st.sampled_from(NAMES).map(parse_dim)))
    left, right = draw(dims(depth=depth - 1)), draw(dims(depth=depth - 1))
    operation = draw(st.sampled_from(OPERATIONS))
    if operation in (operator.floordiv, operator.mod) and right == 0:
        return left
    result: Dim = operation(left, right)
    return result


positive = st.fixed_dictionaries({name: st.integers(1, 12) for name in NAMES})
tiny = st.fixed_dictionaries({name: st.integers(0, 2) for name in NAMES})


def value_of(dim: Dim, sizes: dict[str, int]) -> int:
    try:
        return evaluate(dim, sizes)
    except ZeroDivisionError:
        assume(False)
        raise


@pytest.mark.parametrize("operation", OPERATIONS)
@settings(deadline=None)
@given(left=dims(), right=dims(), sizes=positive)
def test_operators_agree_with_int_arithmetic(
    operation: Callable[[Dim, Dim], Dim], left: Dim, right: Dim, sizes: dict[str, int]
) -> None:
    x, y = value_of(left, sizes), value_of(right, sizes)
    assume(y != 0 or operation not in (operator.floordiv, operator.mod))
    assert value_of(operation(left, right), sizes) == operation(x, y)


@settings(deadline=None)
@given(a=dims(depth=2), b=dims(depth=2), c=dims(depth=2))
def test_ring_laws_hold_structurally(a: Dim, b: Dim, c: Dim) -> None:
    assert a + b == b + a
    assert hash(a + b) == hash(b + a)
    assert (a + b) + c == a + (b + c)
    assert a * b == b * a
    assert (a * b) * c == a * (b * c)
    assert a * (b + c) == a * b + a * c
    assert a - a == 0
    assert 0 - (0 - a) == a


@settings(deadline=None)
@given(dim=dims())
def test_printed_text_parses_back(dim: Dim) -> None:
    assert parse_dim(str(dim)) == dim


@settings(deadline=None)
@given(dim=dims(), sizes=positive)
def test_substituting_ints_for_all_symbols_evaluates(dim: Dim, sizes: dict[str, int]) -> None:
    expected = value_of(dim, sizes)
    assert substitute(dim, sizes) == expected


@settings(deadline=None)
@given(dim=dims(depth=2), inner=dims(depth=1), sizes=positive)
def test_substitution_commutes_with_evaluation(dim: Dim, inner: Dim, sizes: dict[str, int]) -> None:
    replaced = {**sizes, "n": value_of(inner, sizes)}
    expected = value_of(dim, replaced)
    try:
        substituted = substitute(dim, {"n": inner})
    except ZeroDivisionError:
        assume(False)
        raise
    assert value_of(substituted, sizes) == expected


@settings(deadline=None)
@given(a=dims(depth=2), b=dims(depth=2), sizes=positive)
def test_decisions_hold_for_every_size(a: Dim, b: Dim, sizes: dict[str, int]) -> None:
    x, y = value_of(a, sizes), value_of(b, sizes)
    assert known_equal(a, b) in (None, x == y)
    assert known_ge(a, b) in (None, x >= y)


@settings(deadline=None)
@given(a=dims(depth=2), b=dims(depth=2), sizes=tiny)
def test_equality_decisions_hold_for_empty_axes(a: Dim, b: Dim, sizes: dict[str, int]) -> None:
    assert known_equal(a, b) in (None, value_of(a, sizes) == value_of(b, sizes))


@pytest.mark.parametrize(
    ("dim", "text"),
    [
        (n, "n"),
        (2 * n + 1, "2*n + 1"),
        (1 - n, "-n + 1"),
        ((n + 1) // 2, "(n + 1)//2"),
        (b * t, "b*t"),
        (t * b * 2 - n // 2, "2*b*t - (n//2)"),
        (-1 * (n // 2), "-(n//2)"),
        (-1 * (n // 2) - m // 3, "-(m//3) - (n//2)"),
        (2 * (n // 2) + 3, "2*(n//2) + 3"),
        (n * (m // 2), "n*(m//2)"),
        (n % 2, "n - 2*(n//2)"),
        (n // m, "n//m"),
        (7 // n, "7//n"),
        (n // (m + 1), "n//(m + 1)"),
        (n * n, "n*n"),
        (symbol("?3", anonymous=True) + 1, "?3 + 1"),
    ],
)
def test_text(dim: Dim, text: str) -> None:
    assert str(dim) == text
    assert parse_dim(text) == dim
    assert repr(dim) == f"DimExpr({text!r})"


@pytest.mark.parametrize(
    ("dim", "expected"),
    [
        (n - n, 0),
        (n + 3 - n, 3),
        (0 * n, 0),
        (n // n, 1),
        (0 // n, 0),
        ((2 * n) // n, 2),
        (n % n, 0),
        (n % 1, 0),
        ((4 * n) % 2, 0),
    ],
)
def test_constants_collapse_to_int(dim: Dim, expected: int) -> None:
    assert type(dim) is int
    assert dim == expected


@pytest.mark.parametrize(
    ("dim", "expected"),
    [
        (n // 1, n),
        (n // -1, -n),
        ((6 * n + 4 * m) // 2, 3 * n + 2 * m),
        ((4 * n + 5) // 4, n + 1),
        ((4 * n + m) // 4, n + m // 4),
        ((2 * n) // 4, n // 2),
        ((2 * n + 1) // 4, n // 2),
        ((n // 2) // 3, n // 6),
        ((n // 2 + 1) // 2, (n + 2) // 4),
        ((n - 1) // 2 + 1, (n + 1) // 2),
        (-(-n // 2), (n + 1) // 2),
        (n // -2, -1 * ((n + 1) // 2)),
        ((b * t) // t, b),
        ((6 * b * t * n) // (2 * t * b), 3 * n),
        (((n + 1) * (t + 2)) // (n + 1), t + 2),
        ((n * n + 2 * n + 1) // (n + 1), n + 1),
    ],
)
def test_floor_division_simplifies(dim: Dim, expected: Dim) -> None:
    assert dim == expected


def test_division_by_zero_names_the_dimension() -> None:
    with pytest.raises(ZeroDivisionError, match="dimension n is divided by 0"):
        n // 0
    with pytest.raises(ZeroDivisionError, match=r"dimension n//m divides by m, which is 0"):
        evaluate(n // m, {"n": 4, "m": 0})


def test_a_dim_is_no_number() -> None:
    with pytest.raises(TypeError, match="truth value of dimension n "):
        bool(n)
    for convert in (int, operator.index, range):
        with pytest.raises(TypeError, match="n is symbolic, not an int"):
            convert(n)
    for compare in (operator.lt, operator.le, operator.gt, operator.ge):
        with pytest.raises(TypeError, match="n has no order relative to 3; ask known_ge"):
            compare(n, 3)


@pytest.mark.parametrize("value", [1.5, "2", True, None, np.ones(2)])
@pytest.mark.parametrize("operation", OPERATIONS[:4])
def test_arithmetic_takes_ints_and_dims_only(operation: Callable[..., Dim], value: object) -> None:
    with pytest.raises(TypeError, match="expected an int"):
        operation(n, value)
    with pytest.raises(TypeError, match="expected an int"):
        operation(value, n)


def test_numpy_integers_join_in() -> None:
    double = operator.mul(np.int64(2), n) + np.int32(1)
    assert double == 2 * n + 1
    assert type(substitute(double, {"n": 3})) is int


def test_equality_and_hash_are_structural() -> None:
    assert symbol("n") == n
    assert hash(symbol("n")) == hash(n)
    assert n != m
    assert n != 3
    assert not operator.eq(3, n)
    assert n != "n"
    assert len({n + 1, 1 + n, n * 2, 2 * n}) == 2


def test_copies_and_pickles_are_equal() -> None:
    dim = (n + fresh_symbol()) // 2 * m
    assert pickle.loads(pickle.dumps(dim)) == dim
    assert copy.deepcopy(dim) == dim


@pytest.mark.parametrize("name", ["", "2n", "a b", "n-1", "?", "?x", "?0", "n\n"])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="bad dimension name"):
        symbol(name)


def test_anonymous_names_are_numbers() -> None:
    with pytest.raises(ValueError, match=r"bad dimension name 'n'; expected '\?' and digits"):
        symbol("n", anonymous=True)


def test_fresh_symbols_differ_from_all_before() -> None:
    known = parse_dim("?1000")
    first, second, named = fresh_symbol(), fresh_symbol(), fresh_symbol("batch")
    assert len({known, first, second, named}) == 4
    assert int(str(first)[1:]) > 1000
    assert str(named).startswith("batch.")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" 12 ", 12),
        ("-n//2", (-n) // 2),
        ("n-m-1", n - m - 1),
        ("2*n//3*m", (2 * n // 3) * m),
        ("--n", n),
        ("n%4", n % 4),
        ("((n))", n),
        ("7//2*2", 6),
    ],
)
def test_parsing_follows_python_precedence(text: str, expected: Dim) -> None:
    assert parse_dim(text) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "unexpected end of text"),
        ("n +", "unexpected end of text"),
        ("n m", "unexpected 'm'"),
        ("(n", "')' is missing"),
        ("(n + 1 m)", "')' is missing"),
        ("n)", "unexpected ')'"),
        ("* n", "unexpected '*'"),
        ("n / 2", "unexpected '/'"),
        ("n // 0", "division by 0"),
        ("n ! 2", "unexpected '!'"),
        ("?", "unexpected '?'"),
        ("2n", "unexpected 'n'"),
        ("(" * 5000 + "n", "more than 100 levels"),
        ("-" * 5000 + "n", "more than 100 levels"),
    ],
)
def test_parse_errors(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=f"cannot read dimension .*{re.escape(problem)}"):
        parse_dim(text)


def test_free_symbols_looks_below_divisions() -> None:
    assert free_symbols(7) == frozenset()
    assert free_symbols(b * ((n + 1) // m)) == {"b", "n", "m"}


def test_substitution_is_simultaneous_and_partial() -> None:
    assert substitute(n + 2 * m, {"n": m, "m": n}) == m + 2 * n
    assert substitute((n + 1) // 2 + b, {"n": 5}) == b + 3
    assert substitute(n, {"m": 3}) is n
    assert substitute(4, {"n": 3}) == 4


def test_evaluate_names_the_unbound_symbol() -> None:
    assert evaluate(b * t + n // 2, {"b": 2, "t": 3, "n": 5}) == 8
    with pytest.raises(ValueError, match=r"dimension b\*t needs a value for 't'; bound are \['b'\]"):
        evaluate(b * t, {"b": 2})


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (3, 3, True),
        (3, 4, False),
        (n, n, True),
        (2 * n - n, n, True),
        (n, n + 1, False),
        (n + m + 1, 0, False),
        (0, 2 * n + 3, False),
        (2 * n, 3, False),
        (2 * n + 4 * m, 2 * t + 1, False),
        (n, m, None),
        (n, 3, None),
        (n + 1, 1, None),
        (2 * n, n, None),
    ],
)
def test_known_equal(left: Dim, right: Dim, expected: bool | None) -> None:
    assert known_equal(left, right) is expected
    assert known_equal(right, left) is expected


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (3, 2, True),
        (2, 3, False),
        (n, 1, True),
        (n, n, True),
        (n + 1, n, True),
        (n, n + 1, False),
        (0, n, False),
        (1, n, None),
        (n, 2, None),
        (n, m, None),
        (n * m, 1, True),
        (n, n // 2, True),
        (n % 4, 0, True),
        (n // m, 0, True),
        ((n + 1) // 2, 1, True),
        ((n - 5) // 2, -2, True),
        (n, m // 2, None),
        (n * (m // 2), -1, True),
        (n - n * (m // 2), 0, None),
    ],
)
def test_known_ge(left: Dim, right: Dim, expected: bool | None) -> None:
    assert known_ge(left, right) is expected


def test_require_equal() -> None:
    require_equal(3, 3, "rows")
    require_equal(n + 1, 1 + n, "rows")
    with pytest.raises(ValueError, match=r"^rows: dimensions differ, 3 vs 4; they must be equal$"):
        require_equal(3, 4, "rows")
    with pytest.raises(ValueError, match=r"^rows: dimensions differ, n vs n \+ 1;"):
        require_equal(n, n + 1, "rows")


def test_undecidable_error_names_the_assumption() -> None:
    with pytest.raises(UndecidableDimError) as caught:
        require_equal(n, m, "inner dimension of matmul")
    assert (caught.value.a, caught.value.b) == (n, m)
    assert str(caught.value) == (
        "cannot decide whether dimension n equals m (inner dimension of matmul); "
        "if they are always equal, give both the same name, e.g. TensorSpec(['n', ...])"
    )
    with pytest.raises(UndecidableDimError, match=r"if n is always 3, declare .* TensorSpec\(\[3, "):
        require_equal(3, n, "rows")


def test_named_symbols_are_never_assumed_equal() -> None:
    with Assumptions() as scope, pytest.raises(UndecidableDimError):
        require_equal(n, m, "rows")
    assert scope.bindings == {}
    assert scope.equalities == []


def test_assumptions_bind_the_anonymous_symbol() -> None:
    x, y = fresh_symbol(), fresh_symbol()
    with Assumptions() as scope:
        require_equal(x, y, "younger goes")
        assert normalise(y) == x
        require_equal(2 - y, -n, "through the older")
        require_equal(x, n + 2, "known by now")
        assert known_equal(x, y) is True
        assert known_equal(y, n) is False
        with pytest.raises(ValueError, match=r"dimensions differ, n \+ 2 vs n"):
            require_equal(y, n, "contradiction")
    assert scope.bindings == {str(x): n + 2, str(y): n + 2}
    assert scope.equalities == [(x, y, "younger goes"), (2 - y, -n, "through the older")]
    assert scope.normalise(x * y) == (n + 2) * (n + 2)
    assert known_equal(x, y) is None


def test_only_linear_unit_occurrences_are_solved() -> None:
    x = fresh_symbol()
    for left in (2 * x, x * n, x // 2, x + x // 2):
        with Assumptions(), pytest.raises(UndecidableDimError):
            require_equal(left, m, "rows")


def test_scopes_nest_and_record_in_the_inner_one() -> None:
    x, y = fresh_symbol(), fresh_symbol()
    with Assumptions() as outer:
        require_equal(x, y + 1, "outer")
        with Assumptions() as inner:
            require_equal(x, 5, "inner")
            assert (normalise(x), normalise(y)) == (5, 4)
        assert normalise(x) == x
    assert outer.bindings == {str(y): x - 1}
    assert inner.bindings == {str(x): 5}


def test_scopes_belong_to_their_thread() -> None:
    x = fresh_symbol()
    seen: list[Dim] = []
    with Assumptions():
        require_equal(x, 3, "rows")
        thread = threading.Thread(target=lambda: seen.append(normalise(x)))
        thread.start()
        thread.join()
    assert seen == [x]


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [(3, 3, 3), (1, 4, 4), (4, 1, 4), (1, 0, 0), (n, 1, n), (1, n, n), (n, n, n), (n + 1, 1 + n, n + 1)],
)
def test_broadcast_dim(left: Dim, right: Dim, expected: Dim) -> None:
    assert broadcast_dim(left, right, "add") == expected


def test_broadcast_dim_refuses() -> None:
    with pytest.raises(ValueError, match=r"^add: dimensions differ, 3 vs 4"):
        broadcast_dim(3, 4, "add")
    with pytest.raises(UndecidableDimError, match="if n is always 4"):
        broadcast_dim(n, 4, "add")
    with pytest.raises(UndecidableDimError):
        broadcast_dim(n, m, "add")


def test_broadcast_dim_under_assumptions_prefers_the_number() -> None:
    x, y = fresh_symbol(), fresh_symbol()
    with Assumptions() as scope:
        assert broadcast_dim(x, 4, "add") == 4
        assert broadcast_dim(x, 1, "add") == 4
        assert broadcast_dim(y, n, "add") == n
    assert scope.equalities == [(x, 4, "add"), (y, n, "add")]


@settings(deadline=None)
@given(
    st.lists(st.lists(st.sampled_from([1, 1, 2, 3]), max_size=4).map(tuple), min_size=1, max_size=3),
)
def test_broadcast_shapes_agrees_with_numpy(shapes: list[tuple[int, ...]]) -> None:
    try:
        expected = np.broadcast_shapes(*shapes)
    except ValueError:
        with pytest.raises(ValueError, match="broadcasting shapes"):
            broadcast_shapes(*shapes)
    else:
        assert broadcast_shapes(*shapes) == expected


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        ((), ()),
        (((2, 3),), (2, 3)),
        (((), (n, 3)), (n, 3)),
        (((n, 1), (1, m)), (n, m)),
        (((3,), (n, 3), (t, 1, 1)), (t, n, 3)),
    ],
)
def test_broadcast_symbolic_shapes(shapes: tuple[Shape, ...], expected: Shape) -> None:
    assert broadcast_shapes(*shapes) == expected


def test_broadcast_error_shows_shapes_and_axis() -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        broadcast_shapes((2, 3), (4, 1, 5))
    assert str(caught.value) == (
        "broadcasting shapes (2, 3) and (4, 1, 5), axis -1 (neither is 1): "
        "dimensions differ, 3 vs 5; they must be equal"
    )
    with pytest.raises(UndecidableDimError, match=r"shapes \(n,\) and \(2, m\), axis -1"):
        broadcast_shapes((n,), (2, m))


def test_solve_binds_and_checks() -> None:
    bindings: dict[str, int] = {}
    solve((2 * n + 1, n, 3), (9, 4, 3), bindings)
    assert bindings == {"n": 4}
    solve((b * t,), (6,), bindings)
    assert bindings == {"n": 4}
    solve((n, b), (4, 2), bindings)
    assert bindings == {"n": 4, "b": 2}


@pytest.mark.parametrize(
    ("template", "actual", "message"),
    [
        ((n, 3), (4,), r"expected rank 2, received rank 1: shapes \(n, 3\) and \(4,\)"),
        ((n, 3), (4, 5), r"expected shape \(n, 3\), received \(4, 5\): axis 1 must be 3 and is 5"),
        ((n, n), (4, 5), r"axis 1 must be 4 \(= n\) and is 5"),
        ((n, 2 * n), (4, 7), r"axis 1 must be 8 \(= 2\*n\) and is 7"),
    ],
)
def test_solve_errors(template: Shape, actual: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        solve(template, actual, {})


def test_element_count() -> None:
    assert element_count(()) == 1
    assert element_count((2, 3, 4)) == 24
    assert element_count((n, 3, m)) == 3 * n * m
    assert element_count((n, 0)) == 0
    assert isinstance(element_count((n, 2)), DimExpr)
