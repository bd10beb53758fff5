"""``ag__``: what converted code asks about values, calls and conditions inside of expressions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import FunctionType
from typing import Any

from graphc.autograph.choices import Chooser, Label
from graphc.autograph.exits import BREAK, CONTINUE, Exit, returned
from graphc.autograph.frame import Frame
from graphc.autograph.plan import Block, Choice, Tables
from graphc.autograph.truth import negation_of, predicate_of, truth_of
from graphc.autograph.undefined import Undefined
from graphc.tensor import SymbolicTensor


class _Kept(threading.local):
    """What one step of an expression hands to the next."""

    def __init__(self) -> None:
        self.values: list[Any] = []


_kept = _Kept()


class Operators:
    """The operators of one converted function. ``call`` gives the callable to call in place of another one."""

    BREAK = BREAK
    CONTINUE = CONTINUE

    def __init__(self, tables: Tables, call: Callable[[Any], Any]) -> None:
        self._tables = tables
        self.call = call

    def frame(self, number: int, probe: Callable[..., Any]) -> Frame:
        """The variables of the call that begins."""
        return Frame(self._tables.scopes[number], self._tables, self, probe)

    def returned(self, value: Any, line: int) -> Exit:
        """A ``return`` of a piece of a function."""
        if isinstance(value, Undefined):
            value.use()
        return returned(value, line)

    def result(self, value: Any) -> Any:
        """What the function returns. Raises TracingError for a variable without a value on every path."""
        for part in value if type(value) in (tuple, list) else (value,):
            if isinstance(part, Undefined):
                part.use()
        return value

    def keep(self, value: Any) -> Any:
        """The value itself, which ``pop`` gives again."""
        _kept.values.append(value)
        return value

    def pop(self) -> Any:
        """What the step before handed over."""
        return _kept.values.pop()

    def not_(self, value: Any) -> Any:
        return negation_of(value)

    def assert_(self, value: Any) -> Any:
        """What an ``assert`` tests: a condition without a value yet is no part of the graph, so it passes."""
        return True if predicate_of(value) is not None else value

    def chose(self, number: int, test: Any, probe: Callable[..., Any]) -> bool:
        """Whether a tensor chose a value, which is handed over; else the truth of the test is."""
        predicate = predicate_of(test)
        if predicate is None:
            self.keep(bool(test))
            return False
        self.keep(self._choose(number, predicate, probe))
        return True

    def and_(self, number: int, first: Any, probe: Callable[..., Any]) -> bool:
        """Whether the second operand is to be evaluated; if not, the result is handed over."""
        predicate = predicate_of(first)
        if predicate is None:
            return self._stop_at(first, not first)
        self.keep(self._choose(number, predicate, probe, otherwise=first))
        return False

    def or_(self, number: int, first: Any, probe: Callable[..., Any]) -> bool:
        """Whether the result is known and handed over; if not, the second operand is to be evaluated."""
        predicate = predicate_of(first)
        if predicate is None:
            return not self._stop_at(first, bool(first))
        self.keep(self._choose(number, negation_of(predicate), probe, otherwise=first))
        return True

    def chain(self, number: int, first: Any, probe: Callable[..., Any]) -> bool:
        """``and_`` in a chain of comparisons, where the value in the middle is kept for the second one."""
        predicate = predicate_of(first)
        if predicate is None:
            if first:
                return True
            self.pop()
            return self._stop_at(first, True)
        self.keep(self._choose(number, predicate, probe, otherwise=first))
        return False

    def _stop_at(self, value: Any, is_known: bool) -> bool:
        """Hands the value over if it is the result. Whether it is not."""
        if is_known:
            self.keep(value)
        return not is_known

    def _choose(self, number: int, predicate: SymbolicTensor, probe: Callable[..., Any], **otherwise: Any) -> Any:
        """The value of the first piece where the predicate holds, else of the second or ``otherwise``."""
        site = self._tables.sites[number]
        assert isinstance(site, Choice)
        assert isinstance(probe, FunctionType)
        frame = Frame(site.scope, self._tables, self, probe)

        def value_of(block: Block) -> Exit:
            value = frame.run(block)
            return Exit(returned=True, value=truth_of(value) if site.as_truth else value)

        def other() -> Exit:
            if "otherwise" not in otherwise:
                return value_of(site.orelse)
            first = otherwise["otherwise"]
            return Exit(returned=True, value=truth_of(first) if site.as_truth else first)

        chooser = Chooser(Label(site.what, site.place, site.line), frame.slots([site.body, site.orelse]))
        return chooser.choose(predicate, (lambda: value_of(site.body), other), lambda slot, exit_: True).value
