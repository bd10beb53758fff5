"""Finds the syntax tree of a function: parses its file once and looks its code up by name, line and column."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Mapping
from dataclasses import dataclass
from types import CodeType
from typing import Any

from graphc.autograph.names import FUNCTIONS, Function


class SourceError(Exception):
    """The source of a function cannot be found; the message says why."""


@dataclass(frozen=True)
class Source:
    """A function in its file. ``owner`` is the class around it, whose name mangles private names."""

    node: Function
    filename: str
    owner: str | None


class _Index(ast.NodeVisitor):
    """All functions of a module by name and first line."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, int], list[tuple[Function, str | None]]] = {}
        self._owner: str | None = None

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, FUNCTIONS):
            self.found.setdefault((_name(node), _first_line(node)), []).append((node, self._owner))
        outer = self._owner
        if isinstance(node, ast.ClassDef):
            self._owner = node.name
        self.generic_visit(node)
        self._owner = outer


_files: dict[str, tuple[list[str], _Index]] = {}


def find_source(code: CodeType, module: Mapping[str, Any]) -> Source:
    """The syntax tree that ``code`` was compiled from. Raises SourceError."""
    index = _index(code.co_filename, module)
    candidates = [
        (node, owner)
        for node, owner in index.found.get((code.co_name, code.co_firstlineno), [])
        if _has_parameters(node, code.co_varnames[: code.co_argcount])
    ]
    if len(candidates) > 1:
        candidates = [(node, owner) for node, owner in candidates if _spans(node, code)]
    if len(candidates) != 1:
        what = "does not match what runs" if not candidates else "is ambiguous: more than one lambda fits"
        raise SourceError(f"its source in {code.co_filename} {what}")
    node, owner = candidates[0]
    return Source(node, code.co_filename, owner)


def _index(filename: str, module: Mapping[str, Any]) -> _Index:
    lines = linecache.getlines(filename, dict(module))
    if not lines:
        raise SourceError("its source is not available")
    known = _files.get(filename)
    if known is not None and known[0] == lines:
        return known[1]
    index = _Index()
    try:
        index.visit(ast.parse("".join(lines), filename))
    except (SyntaxError, ValueError, RecursionError) as error:
        raise SourceError(f"its source in {filename} cannot be parsed ({error})") from error
    _files[filename] = lines, index
    return index


def _name(node: Function) -> str:
    return "<lambda>" if isinstance(node, ast.Lambda) else node.name


def _first_line(node: Function) -> int:
    """Code objects count from the first decorator."""
    decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _has_parameters(node: Function, names: tuple[str, ...]) -> bool:
    """Whether these are the positional parameters. Private ones are mangled in code objects."""
    declared = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
    return len(declared) == len(names) and all(a == b or is_private(a) for a, b in zip(declared, names, strict=True))


def is_private(name: str) -> bool:
    """Whether a class mangles this name."""
    return name.startswith("__") and not name.endswith("__") and "." not in name


def _spans(node: Function, code: CodeType) -> bool:
    """Whether the code returns what stands at the place of a lambda's body."""
    if not isinstance(node, ast.Lambda):
        return True
    body = node.body
    return (body.lineno, body.end_lineno, body.col_offset, body.end_col_offset) in code.co_positions()


class Mangler(ast.NodeTransformer):
    """Writes private names as the class around a function would: ``__x`` becomes ``_Owner__x``."""

    def __init__(self, owner: str) -> None:
        self._prefix = "_" + owner.lstrip("_")

    def _mangled(self, name: str) -> str:
        return self._prefix + name if is_private(name) else name

    def generic_visit(self, node: ast.AST) -> ast.AST:
        # The names of keyword arguments are no names of the class's scope.
        for field in () if isinstance(node, ast.keyword) else ("id", "attr", "arg", "name", "asname"):
            name = getattr(node, field, None)
            if isinstance(name, str):
                setattr(node, field, self._mangled(name))
        if isinstance(node, (ast.Global, ast.Nonlocal)):
            node.names = [self._mangled(name) for name in node.names]
        return super().generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """The inside of a nested class is mangled with that class's own name, when it is compiled."""
        node.name = self._mangled(node.name)
        return node
