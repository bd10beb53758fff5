"""What a piece of a function's syntax tree binds, reads, changes in place and where it jumps to."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Final

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
LOOPS: Final = (ast.For, ast.AsyncFor, ast.While)
_COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

# Methods that change a list, dict, set or deque in place.
_MUTATORS: Final = frozenset((
    "add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "popitem", "popleft", "remove",
    "reverse", "scatter", "setdefault", "sort", "split", "unstack", "update", "write",
))  # fmt: skip


def own_nodes(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes that belong to the scope of ``nodes``: nested functions and classes only with their names, decorators
    and defaults, comprehensions without their targets."""
    pending = list(nodes)
    while pending:
        node = pending.pop()
        yield node
        pending += _children(node)


def _children(node: ast.AST) -> list[ast.AST]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return [*node.decorator_list, *_defaults(node.args)]
        case ast.Lambda():
            return _defaults(node.args)
        case ast.ClassDef():
            return [*node.decorator_list, *node.bases, *node.keywords]
        case ast.comprehension():
            return [node.iter, *node.ifs]
    return list(ast.iter_child_nodes(node))


def _defaults(arguments: ast.arguments) -> list[ast.AST]:
    return [default for default in (*arguments.defaults, *arguments.kw_defaults) if default is not None]


def stored(nodes: Iterable[ast.AST]) -> frozenset[str]:
    """The names that the scope's own code binds or deletes."""
    return frozenset(name for node in own_nodes(nodes) for name in _bound(node))


def _bound(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.MatchMapping(rest=str(name)):
            yield name
        case ast.alias(name=name, asname=asname):
            yield asname or name.partition(".")[0]


def loaded(nodes: Iterable[ast.AST]) -> frozenset[str]:
    """The names that are read, in nested scopes too."""
    return frozenset(name for root in nodes for node in ast.walk(root) for name in _read(node))


def _read(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Load() | ast.Del()):
            yield name
        case ast.AugAssign(target=ast.Name(id=name)):
            yield name


def captured(function: Function) -> frozenset[str]:
    """The names that nested functions, comprehensions and classes read: they may do so at any time."""
    body = [function.body] if isinstance(function, ast.Lambda) else function.body
    inner: list[ast.AST] = []
    for node in own_nodes(body):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            inner += node.body
        elif isinstance(node, ast.Lambda):
            inner.append(node.body)
        elif isinstance(node, ast.GeneratorExp):
            inner.append(node)
    return loaded(inner)


def declared(nodes: Iterable[ast.AST]) -> frozenset[str]:
    """The names that ``global`` and ``nonlocal`` statements of the scope name."""
    found = [node.names for node in own_nodes(nodes) if isinstance(node, (ast.Global, ast.Nonlocal))]
    return frozenset(name for names in found for name in names)


def mentioned(nodes: Iterable[ast.AST]) -> tuple[str, ...]:
    """Every name in some code, nested scopes and parameters included, sorted."""
    found: set[str] = set()
    for child in (node for root in nodes for node in ast.walk(root)):
        found.update(_bound(child), _read(child))
        if isinstance(child, ast.arg):
            found.add(child.arg)
        elif isinstance(child, (ast.Global, ast.Nonlocal)):
            found.update(child.names)
    return tuple(sorted(found | ({"__class__"} if "super" in found else set())))


def escapes(statements: Iterable[ast.stmt]) -> frozenset[str]:
    """How control may leave these statements other than at their end: "return", "break", "continue"."""
    return frozenset[str]().union(*map(_escapes_of, statements))


def _escapes_of(statement: ast.stmt) -> frozenset[str]:
    match statement:
        case ast.Return():
            return frozenset({"return"})
        case ast.Break():
            return frozenset({"break"})
        case ast.Continue():
            return frozenset({"continue"})
        case ast.For() | ast.While() | ast.AsyncFor():
            return (escapes(statement.body) & {"return"}) | escapes(statement.orelse)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return frozenset()
    return frozenset[str]().union(*(escapes(block) for block in blocks_of(statement)))


def blocks_of(statement: ast.stmt) -> list[list[ast.stmt]]:
    """The lists of statements inside a compound statement."""
    if isinstance(statement, ast.Match):
        return [case.body for case in statement.cases]
    blocks = [getattr(statement, field, []) for field in ("body", "orelse", "finalbody")]
    return blocks + [handler.body for handler in getattr(statement, "handlers", [])]


def yield_line(nodes: Iterable[ast.AST]) -> int | None:
    """The line of a ``yield`` or ``await`` of the scope itself; None without one."""
    suspended = (ast.Yield, ast.YieldFrom, ast.Await, ast.AsyncFor, ast.AsyncWith)
    return next((n.lineno for n in own_nodes(nodes) if isinstance(n, suspended)), None)


def path_of(node: ast.AST) -> str | None:
    """``"self.cell.state"`` for a chain of attributes of a name; None for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = path_of(node.value)
        return None if base is None else f"{base}.{node.attr}"
    return None


def stored_attributes(nodes: Iterable[ast.AST]) -> frozenset[str]:
    """The attributes that are assigned, as paths."""
    targets = [n for n in own_nodes(nodes) if isinstance(n, ast.Attribute) and not isinstance(n.ctx, ast.Load)]
    return frozenset(path for path in map(path_of, targets) if path is not None)


def mutated(nodes: Iterable[ast.AST]) -> frozenset[str]:
    """The paths of the objects whose items are assigned or that a method changes in place."""
    changed = [node for found in own_nodes(nodes) for node in _changed(found)]
    return frozenset(path for path in map(path_of, changed) if path is not None)


def _changed(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Subscript(value=value, ctx=ast.Store() | ast.Del()):
            yield value
        case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in _MUTATORS:
            yield value
        case ast.AugAssign(target=ast.Name() | ast.Attribute() as target):
            yield target


def inspects_frame(function: Function) -> str | None:
    """The call by which a function looks at its own variables, such as ``locals()``; None if it does not."""
    body = [function.body] if isinstance(function, ast.Lambda) else function.body
    for node in own_nodes(body):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and _is_inspecting(node.func.id, node):
            return f"{node.func.id}()"
    return None


def _is_inspecting(name: str, call: ast.Call) -> bool:
    count = len(call.args) + len(call.keywords)
    return (name in ("locals", "vars", "dir") and not count) or (name in ("eval", "exec") and count == 1)
