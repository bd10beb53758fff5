"""Symbolic dimensions: integer polynomials over named sizes, with floor division.

A `Dim` is a plain `int` wherever the size is known and a `DimExpr` otherwise; arithmetic on `DimExpr`
collapses to `int` as soon as the symbols cancel. Questions about symbolic sizes are three-valued (`True`,
`False`, `None` for "depends on the sizes"). Dividing by a symbolic dimension presumes that it is not zero.
"""

from __future__ import annotations

import math
import operator
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import Any, NamedTuple, NoReturn, TypeAlias

import numpy as np

__all__ = [
    "Assumptions", "Dim", "DimExpr", "FloorDiv", "Shape", "Symbol", "UndecidableDimError",
    "broadcast_dim", "broadcast_shapes", "element_count", "evaluate", "free_symbols", "fresh_symbol",
    "known_equal", "known_ge", "normalise", "parse_dim", "require_equal", "solve", "substitute", "symbol",
]  # fmt: skip


class Symbol(NamedTuple):
    """A named size. Anonymous ones (`?0`, `?1`, ...) stand for sizes that the user left open."""

    name: str
    anonymous: bool


class FloorDiv(NamedTuple):
    """A floor division that does not simplify; an int denominator is at least 2."""

    numerator: Dim
    denominator: Dim


Atom: TypeAlias = Symbol | FloorDiv
Monomial: TypeAlias = tuple[Atom, ...]


class DimExpr:
    """A size that is not known yet: an immutable integer polynomial in normal form, never a constant.

    Terms stand highest degree first, the constant last, so equal polynomials are equal structurally.
    It is no number: truth value, ordering and conversion to int raise `TypeError`.
    """

    __slots__ = ("_hash", "_symbols", "_terms", "_text")
    __array_ufunc__ = None  # NumPy scalars then leave `np.int64(2) * n` to the reflected operator

    def __init__(self, terms: tuple[tuple[Monomial, int], ...]) -> None:
        self._terms = terms
        self._hash = hash(terms)
        self._symbols: frozenset[str] | None = None
        self._text: str | None = None

    @property
    def terms(self) -> tuple[tuple[Monomial, int], ...]:
        """Monomials with their coefficients, highest degree first; the constant's monomial is empty."""
        return self._terms

    @property
    def symbols(self) -> frozenset[str]:
        """Names of all symbols inside, also those below a floor division."""
        if self._symbols is None:
            atoms = {atom for monomial, _ in self._terms for atom in monomial}
            self._symbols = frozenset().union(*map(_atom_symbols, atoms))
        return self._symbols

    def __add__(self, other: Dim) -> Dim:
        return _build((*self._terms, *_terms_of(other)))

    def __neg__(self) -> DimExpr:
        return DimExpr(tuple((monomial, -coeff) for monomial, coeff in self._terms))

    def __sub__(self, other: Dim) -> Dim:
        return _build((*self._terms, *((monomial, -coeff) for monomial, coeff in _terms_of(other))))

    def __rsub__(self, other: Dim) -> Dim:
        return -self + other

    def __mul__(self, other: Dim) -> Dim:
        terms = _terms_of(other)
        return _build((_monomial(m1 + m2), c1 * c2) for m1, c1 in self._terms for m2, c2 in terms)

    def __floordiv__(self, other: Dim) -> Dim:
        return _floordiv(self, _build(_terms_of(other)))

    def __rfloordiv__(self, other: Dim) -> Dim:
        return _floordiv(_build(_terms_of(other)), self)

    def __mod__(self, other: Dim) -> Dim:
        return self - (self // other) * other

    def __rmod__(self, other: Dim) -> Dim:
        return other - self * (other // self)

    __radd__, __rmul__ = __add__, __mul__

    def __eq__(self, other: object) -> bool:
        if isinstance(other, DimExpr):
            return self is other or (self._hash == other._hash and self._terms == other._terms)
        return NotImplemented

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        if self._text is None:
            self._text = _text_of(self._terms)
        return self._text

    def __repr__(self) -> str:
        return f"DimExpr({str(self)!r})"

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return parse_dim, (str(self),)

    def __bool__(self) -> NoReturn:
        raise TypeError(f"the truth value of dimension {self} is not known; compare with known_equal()")

    def __int__(self) -> NoReturn:
        raise TypeError(f"dimension {self} is symbolic, not an int; give its symbols values with evaluate()")

    __index__ = __int__

    def _unordered(self, other: object) -> NoReturn:
        raise TypeError(f"dimension {self} has no order relative to {other}; ask known_ge()")

    __lt__ = __le__ = __gt__ = __ge__ = _unordered


Dim: TypeAlias = int | DimExpr
Shape: TypeAlias = tuple[Dim, ...]


def _terms_of(value: object) -> tuple[tuple[Monomial, int], ...]:
    if isinstance(value, DimExpr):
        return value._terms
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return (((), int(value)),)
    raise TypeError(f"cannot combine a dimension with {value!r} ({type(value).__name__}); expected an int")


def _atom_key(atom: Atom) -> tuple[int, str]:
    return (0, atom.name) if isinstance(atom, Symbol) else (1, _floordiv_text(atom))


def _monomial(atoms: Monomial) -> Monomial:
    return atoms if len(atoms) < 2 else tuple(sorted(atoms, key=_atom_key))


def _build(terms: Iterable[tuple[Monomial, int]]) -> Dim:
    coeffs: dict[Monomial, int] = {}
    for monomial, coeff in terms:
        coeffs[monomial] = coeffs.get(monomial, 0) + coeff
    kept = [(monomial, coeff) for monomial, coeff in coeffs.items() if coeff]
    if len(kept) > 1:  # graded lexicographic order, which exact polynomial division relies on
        kept.sort(key=lambda term: (-len(term[0]), [*map(_atom_key, term[0])]))
    return DimExpr(tuple(kept)) if kept and kept[0][0] else sum(coeff for _, coeff in kept)


def _atom_symbols(atom: Atom) -> frozenset[str]:
    if isinstance(atom, Symbol):
        return frozenset((atom.name,))
    return free_symbols(atom.numerator) | free_symbols(atom.denominator)


def _text_of(terms: tuple[tuple[Monomial, int], ...]) -> str:
    text = "".join(f" {'-' if coeff < 0 else '+'} {_term_text(m, coeff)}" for m, coeff in terms)
    return f"-{text[3:]}" if text.startswith(" - ") else text[3:]


def _term_text(monomial: Monomial, coeff: int) -> str:
    if coeff == 1 and len(monomial) == 1 and isinstance(monomial[0], FloorDiv):
        return _floordiv_text(monomial[0])
    factors = [a.name if isinstance(a, Symbol) else f"({_floordiv_text(a)})" for a in monomial]
    return "*".join(factors if abs(coeff) == 1 and factors else [str(abs(coeff)), *factors])


def _floordiv_text(atom: FloorDiv) -> str:
    operands = (str(atom.numerator), str(atom.denominator))
    return "//".join(text if re.fullmatch(r"[\w.?]+", text) else f"({text})" for text in operands)


def _floordiv(numerator: Dim, denominator: Dim) -> Dim:
    if isinstance(denominator, DimExpr):
        quotient = _exact_quotient(numerator, denominator)
        return _of_atom(FloorDiv(numerator, denominator)) if quotient is None else quotient
    if denominator == 0:
        raise ZeroDivisionError(f"dimension {numerator} is divided by 0; the divisor must not be 0")
    if isinstance(numerator, int):
        return numerator // denominator
    return _floordiv_int(numerator if denominator > 0 else -numerator, abs(denominator))


def _exact_quotient(numerator: Dim, denominator: DimExpr) -> Dim | None:
    """Polynomial division; None if a rest remains."""
    lead, lead_coeff = denominator._terms[0]
    quotient: Dim = 0
    while isinstance(numerator, DimExpr):
        monomial, coeff = numerator._terms[0]
        if coeff % lead_coeff or Counter(lead) - Counter(monomial):
            return None
        left = _monomial(tuple((Counter(monomial) - Counter(lead)).elements()))
        factor = _build([(left, coeff // lead_coeff)])
        quotient, numerator = quotient + factor, numerator - factor * denominator
    return quotient if numerator == 0 else None


def _floordiv_int(numerator: DimExpr, k: int) -> Dim:
    """Divide by k > 0: multiples of k come out, common factors cancel, nested divisions merge."""
    constant = sum(coeff for monomial, coeff in numerator._terms if not monomial)
    varying = [(monomial, coeff) for monomial, coeff in numerator._terms if monomial]
    quotient = _build([((), constant // k), *((m, c // k) for m, c in varying if c % k == 0)])
    rest = [(m, c) for m, c in varying if c % k]
    if not rest:
        return quotient
    g = math.gcd(k, *(c for _, c in rest))
    return quotient + _floordiv_rest([(m, c // g) for m, c in rest], constant % k // g, k // g)


def _floordiv_rest(varying: list[tuple[Monomial, int]], constant: int, k: int) -> Dim:
    if varying[0][1] < 0:  # floor(-e / k) = -floor((e + k - 1) / k): one form for both ways to write a ceil
        return -1 * _floordiv_rest([(m, -c) for m, c in varying], k - 1 - constant, k)
    rest = _build([*varying, ((), constant)])
    for monomial, coeff in varying:
        inner = monomial[0]
        if coeff != 1 or len(monomial) > 1 or not isinstance(inner, FloorDiv):
            continue
        if isinstance(b := inner.denominator, int):
            # floor((floor(e / b) + r) / k) = floor((e + b*r) / (b*k))
            return _floordiv(inner.numerator + b * (rest - _of_atom(inner)), b * k)
    return _of_atom(FloorDiv(rest, k))


def _of_atom(atom: Atom) -> DimExpr:
    return DimExpr((((atom,), 1),))


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_ANONYMOUS = re.compile(r"\?[0-9]+")
_TOKEN = re.compile(r"\s*([0-9]+|\?[0-9]+|[A-Za-z_][A-Za-z0-9_.]*|//|[-+*%()]|$)")
_OPERATORS: dict[str, tuple[int, Callable[[Any, Any], Any]]] = {
    "+": (1, operator.add), "-": (1, operator.sub), "*": (2, operator.mul),
    "//": (2, operator.floordiv), "%": (2, operator.mod),
}  # fmt: skip
_MAX_NESTING = 100
_counter_lock = threading.Lock()
_next_number = 0


def symbol(name: str, *, anonymous: bool = False) -> DimExpr:
    """The size `name`: an identifier (dots allowed), `?` and digits if anonymous, else a ValueError."""
    if not (_ANONYMOUS if anonymous else _NAME).fullmatch(name):
        expected = "'?' and digits, e.g. '?0'" if anonymous else "an identifier, e.g. 'n' or 'encoder.n'"
        raise ValueError(f"bad dimension name {name!r}; expected {expected}")
    if anonymous:
        _fresh_number(at_least=int(name[1:]) + 1)  # fresh symbols stay apart from those that came as text
    return _of_atom(Symbol(name, anonymous))


def fresh_symbol(prefix: str = "?") -> DimExpr:
    """A symbol not handed out before in this process: `?7`, or `prefix.7` for another prefix."""
    number = _fresh_number(count=1)
    return _of_atom(Symbol(f"?{number}", True)) if prefix == "?" else symbol(f"{prefix}.{number}")


def _fresh_number(at_least: int = 0, count: int = 0) -> int:
    global _next_number
    with _counter_lock:
        number = max(_next_number, at_least)
        _next_number = number + count
    return number


def parse_dim(text: str) -> Dim:
    """Read what `str(dim)` prints: ints, symbols, + - * // % and parentheses. Raises ValueError."""
    parser = _Parser(text)
    try:
        dim = parser.expression(1, 0)
    except ZeroDivisionError:
        parser.fail("division by 0")
    if parser.tokens[-1]:
        parser.fail(f"unexpected {parser.tokens[-1]!r}")
    return dim


class _Parser:
    """Precedence climbing over the tokens, which are kept in reverse; the empty token ends the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[str] = []
        position = 0
        while self.tokens[-1:] != [""]:
            match = _TOKEN.match(text, position) or self.fail(f"unexpected {text[position:].strip()[0]!r}")
            self.tokens.append(match[1])
            position = match.end()
        self.tokens.reverse()

    def fail(self, problem: str) -> NoReturn:
        raise ValueError(f"cannot read dimension {self.text!r}: {problem}; expected e.g. '2*n + 1'") from None

    def expression(self, level: int, depth: int) -> Dim:
        left = self.operand(depth)
        while self.tokens[-1] in _OPERATORS and _OPERATORS[self.tokens[-1]][0] >= level:
            precedence, apply = _OPERATORS[self.tokens.pop()]
            left = apply(left, self.expression(precedence + 1, depth))
        return left

    def operand(self, depth: int) -> Dim:
        token = self.tokens.pop() if self.tokens[-1] else ""
        if depth > _MAX_NESTING:
            self.fail(f"more than {_MAX_NESTING} levels of nesting")
        if token.isdecimal():
            return int(token)
        if token == "-":
            return -self.operand(depth + 1)
        if token == "(":
            dim = self.expression(1, depth + 1)
            if self.tokens.pop() != ")":
                self.fail("')' is missing")
            return dim
        if token in _OPERATORS or token in ("", ")"):
            self.fail(f"unexpected {token!r}" if token else "unexpected end of text")
        return symbol(token, anonymous=token.startswith("?"))


def free_symbols(dim: Dim) -> frozenset[str]:
    """Names of the symbols in `dim`."""
    return dim.symbols if isinstance(dim, DimExpr) else frozenset()


def substitute(dim: Dim, bindings: Mapping[str, Dim]) -> Dim:
    """Replace the bound symbols, all at once; the others stay."""
    if not isinstance(dim, DimExpr) or dim.symbols.isdisjoint(bindings):
        return dim
    total: Dim = 0
    for monomial, coeff in dim._terms:
        total = total + reduce(operator.mul, (_substitute_atom(atom, bindings) for atom in monomial), coeff)
    return total


def _substitute_atom(atom: Atom, bindings: Mapping[str, Dim]) -> Dim:
    if isinstance(atom, FloorDiv):
        return _floordiv(substitute(atom.numerator, bindings), substitute(atom.denominator, bindings))
    return bindings[atom.name] if atom.name in bindings else _of_atom(atom)


def evaluate(dim: Dim, bindings: Mapping[str, int]) -> int:
    """The value of `dim`; raises ValueError naming a symbol that `bindings` lacks."""
    if not isinstance(dim, DimExpr):
        return dim
    total = 0
    for monomial, coeff in dim._terms:
        for atom in monomial:
            coeff *= _evaluate_atom(atom, bindings, dim)
        total += coeff
    return total


def _evaluate_atom(atom: Atom, bindings: Mapping[str, int], whole: DimExpr) -> int:
    if isinstance(atom, FloorDiv):
        divisor = evaluate(atom.denominator, bindings)
        if divisor == 0:
            raise ZeroDivisionError(f"dimension {whole} divides by {atom.denominator}, which is 0 here")
        return evaluate(atom.numerator, bindings) // divisor
    if atom.name not in bindings:
        raise ValueError(f"dimension {whole} needs a value for {atom.name!r}; bound are {sorted(bindings)}")
    return bindings[atom.name]


def element_count(shape: Shape) -> Dim:
    """The number of elements of a tensor of this shape: the product of its dims."""
    return reduce(operator.mul, shape, 1)


class UndecidableDimError(ValueError):
    """The equality of two dims depends on sizes that are not known while tracing.

    The message names the assumption that settles it: give both dims one name, or the dim its number.
    """

    def __init__(self, a: Dim, b: Dim, what: str) -> None:
        self.a, self.b, self.what = a, b, what
        super().__init__(f"cannot decide whether dimension {a} equals {b} ({what}); {_remedy(a, b)}")


def _remedy(a: Dim, b: Dim) -> str:
    number, other = (a, b) if isinstance(a, int) else (b, a)
    if isinstance(number, int):
        return f"if {other} is always {number}, declare the number, e.g. TensorSpec([{number}, ...])"
    named = [name for name in (str(a), str(b)) if _NAME.fullmatch(name)] or ["n"]
    return f"if they are always equal, give both the same name, e.g. TensorSpec(['{named[0]}', ...])"


class Assumptions:
    """A scope (`with Assumptions() as scope:`) in which open equalities are recorded instead of refused.

    Only anonymous symbols are ever solved for. `bindings` maps each solved symbol to a dim free of solved
    symbols; `equalities` holds the (a, b, what) triples that must be checked when the sizes are known.
    Scopes nest per thread: inner ones see what outer ones hold and record for themselves.
    """

    def __init__(self) -> None:
        self.bindings: dict[str, Dim] = {}
        self.equalities: list[tuple[Dim, Dim, str]] = []

    def __enter__(self) -> Assumptions:
        _active.scopes.append(self)
        return self

    def __exit__(self, *exc_info: object) -> None:
        _active.scopes.pop()

    def normalise(self, dim: Dim) -> Dim:
        """`dim` with this scope's solved symbols replaced."""
        return substitute(dim, self.bindings)

    def record(self, a: Dim, b: Dim, what: str) -> bool:
        """Assume a == b if that can be solved for an anonymous symbol; say whether it could."""
        solution = _solve_anonymous(normalise(a) - normalise(b))
        if not solution:
            return False
        self.bindings = {name: substitute(dim, solution) for name, dim in self.bindings.items()} | solution
        self.equalities.append((a, b, what))
        return True


class _ActiveScopes(threading.local):
    def __init__(self) -> None:
        self.scopes: list[Assumptions] = []


_active = _ActiveScopes()


def _solve_anonymous(difference: Dim) -> dict[str, Dim]:
    """Solve difference == 0 for its youngest anonymous symbol of coefficient +-1 that occurs nowhere else."""
    terms = difference._terms if isinstance(difference, DimExpr) else ()
    singles = [(m[0], coeff) for m, coeff in terms if len(m) == 1 and abs(coeff) == 1]
    open_sizes = [(a, coeff) for a, coeff in singles if isinstance(a, Symbol) and a.anonymous]
    for atom, coeff in sorted(open_sizes, key=lambda pair: int(pair[0].name[1:]), reverse=True):
        rest = difference - coeff * _of_atom(atom)
        if atom.name not in free_symbols(rest):
            return {atom.name: -coeff * rest}
    return {}


def normalise(dim: Dim) -> Dim:
    """`dim` with the symbols replaced that the active `Assumptions` have solved."""
    if isinstance(dim, DimExpr):
        for scope in _active.scopes:
            dim = substitute(dim, scope.bindings)
    return dim


def known_equal(a: Dim, b: Dim) -> bool | None:
    """Whether a equals b for all (True), no (False) or only some sizes (None), all symbols being >= 0."""
    if a == b:
        return True
    difference = normalise(a) - normalise(b)
    if isinstance(difference, int):
        return difference == 0
    constant = sum(coeff for monomial, coeff in difference._terms if not monomial)
    if constant % math.gcd(*(coeff for monomial, coeff in difference._terms if monomial)):
        return False  # such as 2*n and 3
    return False if _exceeds(difference, 1, 0) or _exceeds(-difference, 1, 0) else None


def known_ge(a: Dim, b: Dim) -> bool | None:
    """Whether a >= b for all, no or only some sizes, presuming that every symbol is >= 1 (no empty axis)."""
    difference = normalise(a) - normalise(b)
    if _exceeds(difference, 0, 1):
        return True
    return False if _exceeds(-difference, 1, 1) else None


def _exceeds(dim: Dim, bound: int, least: int) -> bool:
    lowest = _lower_bound(dim, least)
    return lowest is not None and lowest >= bound


def _lower_bound(dim: Dim, least: int) -> int | None:
    """A lower bound of `dim` when all symbols are >= least; None if none was found."""
    if isinstance(dim, int):
        return dim
    total = 0
    for monomial, coeff in dim._terms:
        if coeff < 0 and monomial:
            return _relaxed_bound(dim, monomial, coeff, least)
        bounds = [_atom_bound(atom, least) for atom in monomial]
        known = [bound for bound in bounds if bound is not None]
        if len(known) < len(bounds) or (len(known) > 1 and min(known) < 0):
            return None
        total += coeff * math.prod(known)
    return total


def _relaxed_bound(dim: DimExpr, monomial: Monomial, coeff: int, least: int) -> int | None:
    """The bound of dim = rest + coeff * (e//k) with coeff < 0, by way of e//k <= e/k."""
    atom = monomial[0]
    if len(monomial) > 1 or isinstance(atom, Symbol) or isinstance(atom.denominator, DimExpr):
        return None
    rest, k = dim - coeff * _of_atom(atom), atom.denominator
    lowest = _lower_bound(k * rest + coeff * atom.numerator, least)
    return None if lowest is None else -(-lowest // k)


def _atom_bound(atom: Atom, least: int) -> int | None:
    if isinstance(atom, Symbol):
        return least
    lowest = _lower_bound(atom.numerator, least)
    if lowest is None:
        return None
    if isinstance(atom.denominator, int):
        return lowest // atom.denominator
    return 0 if lowest >= 0 and _exceeds(atom.denominator, 0, least) else None


def require_equal(a: Dim, b: Dim, what: str) -> None:
    """Demand a == b; `what` says in a few words which dims these are.

    An open question is recorded in the active `Assumptions` if one can be solved for an anonymous symbol.
    Raises ValueError if the two always differ, UndecidableDimError if that depends on the sizes.
    """
    if (equal := known_equal(a, b)) is True:
        return
    if equal is False:
        raise ValueError(f"{what}: dimensions differ, {normalise(a)} vs {normalise(b)}; they must be equal")
    if not (_active.scopes and _active.scopes[-1].record(a, b, what)):
        raise UndecidableDimError(normalise(a), normalise(b), what)


def broadcast_dim(a: Dim, b: Dim, what: str) -> Dim:
    """The dim that NumPy broadcasting makes of a and b; raises as `require_equal`.

    A symbolic dim is not taken to be 1: against anything but the int 1 it must be equal to the other.
    """
    x, y = normalise(a), normalise(b)
    if x == y or y == 1:
        return x
    if x == 1:
        return y
    require_equal(a, b, what)
    return normalise(y if isinstance(y, int) else x)


def broadcast_shapes(*shapes: Shape) -> Shape:
    """The shape that NumPy broadcasting makes of all `shapes`; `()` for none. Raises as `broadcast_dim`."""
    result = shapes[0] if shapes else ()
    for shape in shapes[1:]:
        if shape != result:
            result = _broadcast_two(result, shape)
    return result


def _broadcast_two(a: Shape, b: Shape) -> Shape:
    dims = list(a if len(a) >= len(b) else b)
    for axis in range(-min(len(a), len(b)), 0):
        x, y = a[axis], b[axis]
        if x == y or y == 1:
            dims[axis] = x
        elif x == 1:
            dims[axis] = y
        else:
            where = f"broadcasting shapes {_shape_text(a)} and {_shape_text(b)}, axis {axis} (neither is 1)"
            dims[axis] = broadcast_dim(x, y, where)
    return tuple(dims)


def _shape_text(shape: Shape) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def solve(template: Shape, actual: tuple[int, ...], bindings: dict[str, int]) -> None:
    """Match a concrete shape against `template`, adding the values of its plain symbols to `bindings`.

    Composite dims such as `2*n` are checked if all their symbols are bound by then, and bind nothing.
    Raises ValueError on a mismatch of rank, of a number, or of a symbol bound before.
    """
    if len(template) != len(actual):
        ranks = f"expected rank {len(template)}, received rank {len(actual)}"
        raise ValueError(f"{ranks}: shapes {_shape_text(template)} and {_shape_text(actual)}")
    for dim, size in zip(template, actual, strict=True):
        if isinstance(dim, DimExpr) and dim.symbols == {str(dim)}:
            bindings.setdefault(str(dim), size)
    for axis, (dim, size) in enumerate(zip(template, actual, strict=True)):
        if free_symbols(dim) <= bindings.keys() and (expected_size := evaluate(dim, bindings)) != size:
            reason = f" (= {dim})" if isinstance(dim, DimExpr) else ""
            shapes = f"expected shape {_shape_text(template)}, received {_shape_text(actual)}"
            raise ValueError(f"{shapes}: axis {axis} must be {expected_size}{reason} and is {size}")
