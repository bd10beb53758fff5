"""Which local variables may still be read after a statement, and at the head of a loop."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from graphc.autograph.names import Function, captured, declared, loaded, stored

Names = frozenset[str]
_NONE: Names = frozenset()


class Liveness:
    """Backward data flow over one function.

    ``after`` holds the names that are live after a statement, ``head`` those live where a loop decides about its next
    round. What nested functions read or other scopes own (``lasting``) counts as live everywhere.
    """

    def __init__(self, function: Function) -> None:
        self.after: dict[ast.stmt, Names] = {}
        self.head: dict[ast.stmt, Names] = {}
        self._loops: list[tuple[Names, Names]] = []
        self.lasting = captured(function) | declared([] if isinstance(function, ast.Lambda) else function.body)
        """What nested functions read, or belongs to a scope around this one."""
        self._always = self.lasting
        if not isinstance(function, ast.Lambda):
            self._block(function.body, self._always)

    def _block(self, statements: Sequence[ast.stmt], live: Names) -> Names:
        for statement in reversed(statements):
            self.after[statement] = self.after.get(statement, _NONE) | live
            live = self._before(statement, live) | self._always
        return live

    def _before(self, statement: ast.stmt, live: Names) -> Names:
        match statement:
            case ast.Return():
                return loaded([statement])
            case ast.Break():
                return self._loops[-1][0]
            case ast.Continue():
                return self._loops[-1][1]
            case ast.If():
                branches = self._block(statement.body, live) | self._block(statement.orelse, live)
                return loaded([statement.test]) | branches
            case ast.While():
                return self._loop(statement, loaded([statement.test]), _NONE, live)
            case ast.For() | ast.AsyncFor():
                return self._for(statement, live)
            case ast.With() | ast.AsyncWith():
                # A context manager may swallow an exception, so the body may end anywhere.
                with self._kept(live):
                    return loaded(statement.items) | self._block(statement.body, live)
            case ast.Try() | ast.TryStar():
                return self._try(statement, live)
            case ast.Match():
                cases = [self._block(case.body, live) | loaded(_patterns(case)) for case in statement.cases]
                return live.union(loaded([statement.subject]), *cases)
        return (live - _certainly_bound(statement)) | loaded([statement])

    def _for(self, statement: ast.For | ast.AsyncFor, live: Names) -> Names:
        targets = stored([statement.target])
        return loaded([statement.iter]) | self._loop(statement, loaded([statement.target]), targets, live)

    def _loop(self, statement: ast.For | ast.AsyncFor | ast.While, read: Names, bound: Names, live: Names) -> Names:
        """``read`` and ``bound``: the names that the head of every round reads and binds."""
        head = read | self._block(statement.orelse, live) | live
        while head != self.head.get(statement):
            self.head[statement] = head
            self._loops.append((live, head))
            head = head | (self._block(statement.body, head) - bound)
            self._loops.pop()
        return head

    def _try(self, statement: ast.Try | ast.TryStar, live: Names) -> Names:
        after = self._block(statement.finalbody, live)
        with self._kept(loaded(statement.finalbody)):
            handlers = _NONE.union(*(self._block(handler.body, after) for handler in statement.handlers))
            caught = loaded([h.type for h in statement.handlers if h.type is not None])
            with self._kept(handlers | caught):
                return self._block(statement.body, self._block(statement.orelse, after))

    @contextmanager
    def _kept(self, live: Names) -> Iterator[None]:
        """These names are live all through the block."""
        outer = self._always
        self._always = outer | live
        yield
        self._always = outer


def _patterns(case: ast.match_case) -> list[ast.AST]:
    return [case.pattern, *([case.guard] if case.guard is not None else [])]


def _certainly_bound(statement: ast.stmt) -> Names:
    match statement:
        case ast.Assign(targets=targets):
            return stored(targets)
        case ast.AnnAssign(target=target, value=ast.expr()):
            return stored([target])
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return frozenset({name})
        case ast.Import() | ast.ImportFrom():
            return stored([statement])
    return _NONE
