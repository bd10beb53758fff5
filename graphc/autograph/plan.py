"""What is known about a function before it runs: its control-flow sites and the pieces of code that belong to them.

A piece (a branch, a loop body, the rest of a function after an early return) is compiled when a tensor first decides
about it; see ``emit``.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cached_property
from types import CodeType

from graphc.autograph.liveness import Liveness
from graphc.autograph.names import (
    Function,
    escapes,
    mentioned,
    mutated,
    stored,
    stored_attributes,
)


class Scope:
    """One function as the user wrote it."""

    def __init__(self, function: Function, filename: str, qualname: str) -> None:
        self.function = function
        self.filename = filename
        self.qualname = qualname
        self.name = "<lambda>" if isinstance(function, ast.Lambda) else function.name
        self.needs_frame = False
        self.running = 0
        """How many of its pieces are being traced around each other: it counts recursion."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every name that the function mentions, parameters included."""
        function = self.function
        return mentioned([function.args, *([function.body] if isinstance(function, ast.Lambda) else function.body)])

    @cached_property
    def bound(self) -> frozenset[str]:
        """The names that the function itself binds, parameters included."""
        parameters = {node.arg for node in ast.walk(self.function.args) if isinstance(node, ast.arg)}
        return stored([] if isinstance(self.function, ast.Lambda) else self.function.body) | parameters

    @cached_property
    def liveness(self) -> Liveness:
        return Liveness(self.function)

    @property
    def first_parameter(self) -> str | None:
        """What a method calls ``self``."""
        parameters = [*self.function.args.posonlyargs, *self.function.args.args]
        return parameters[0].arg if parameters else None

    def place(self, line: int) -> str:
        return f"{self.filename}:{line}"


@dataclass(eq=False)
class Block:
    """A piece of a function that can run as the code of a region.

    ``target`` is what a for loop assigns before the statements. ``is_value`` marks an expression, whose value counts.
    ``is_branch`` marks code that a tensor may keep from running at all.
    """

    scope: Scope
    statements: list[ast.stmt]
    target: ast.expr | None = None
    is_value: bool = False
    is_branch: bool = False
    code: CodeType | None = None

    @property
    def nodes(self) -> list[ast.AST]:
        return [*self.statements, *([] if self.target is None else [self.target])]

    @property
    def line(self) -> int:
        return self.statements[0].lineno if self.statements else 0

    @cached_property
    def stored(self) -> frozenset[str]:
        return stored(self.nodes)

    @cached_property
    def attributes(self) -> frozenset[str]:
        return stored_attributes(self.nodes)

    @cached_property
    def mutated(self) -> frozenset[str]:
        return mutated(self.nodes)

    @cached_property
    def escapes(self) -> frozenset[str]:
        return escapes(self.statements)


@dataclass(eq=False)
class Choice:
    """Two pieces of which a condition takes one: an ``if``, a conditional expression, ``and``, ``or``.

    ``live``: the variables that may be read afterwards; None for all of them.
    """

    scope: Scope
    what: str
    line: int
    body: Block
    orelse: Block
    live: frozenset[str] | None = None
    as_truth: bool = False

    @property
    def place(self) -> str:
        return self.scope.place(self.line)


@dataclass(eq=False)
class Loop:
    """A ``for`` or ``while``. ``live`` and ``head``: the variables that may be read after it and by its next round."""

    scope: Scope
    line: int
    body: Block
    test: Block | None
    orelse: Block
    live: frozenset[str]
    head: frozenset[str]
    number: int = 0
    resumable: bool = False
    """Whether code inside may hand the iteration over in the middle."""

    @property
    def what(self) -> str:
        return "for" if self.test is None else "while"

    @property
    def place(self) -> str:
        return self.scope.place(self.line)

    @property
    def parts(self) -> list[Block]:
        return [self.body] if self.test is None else [self.test, self.body]


@dataclass(eq=False)
class Rest:
    """What follows a place in the code: ``block``, then the next rounds of ``loop`` and what comes ``after`` it.

    ``barrier`` is the line of a ``with`` or ``try`` that ends before the code goes on.
    """

    block: Block
    loop: Loop | None = None
    after: Rest | None = None
    barrier: int | None = None


@dataclass(eq=False)
class Tables:
    """What the generated code refers to by number. ``flags``: the ``__future__`` features of the user's file."""

    flags: int = 0
    sites: list[Choice | Loop] = field(default_factory=list)
    rests: list[Rest] = field(default_factory=list)
    scopes: list[Scope] = field(default_factory=list)

    def add_site(self, site: Choice | Loop) -> int:
        self.sites.append(site)
        return len(self.sites) - 1

    def add_rest(self, rest: Rest) -> int:
        self.rests.append(rest)
        return len(self.rests) - 1

    def add_scope(self, scope: Scope) -> int:
        self.scopes.append(scope)
        return len(self.scopes) - 1
