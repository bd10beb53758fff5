"""Rewrites expressions: calls, ``and``, ``or``, ``not``, chained comparisons and conditional expressions.

Operands stay where they are, in the user's own frame; an operator only looks at a value and says how to go on. What it
hands over is kept on a stack between two steps of one expression: ``a and b`` becomes
``b if ag__.and_(site, a, names) else ag__.pop()``.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from graphc.autograph.names import mentioned
from graphc.autograph.plan import Block, Choice, Scope, Tables

OPERATORS: Final = "ag__"
FRAME: Final = "ag__f"
_Node = TypeVar("_Node", bound=ast.AST)


def call(path: str, *arguments: ast.expr) -> ast.Call:
    """``owner.method(arguments)``, given as ``"owner.method"``."""
    owner, _, name = path.partition(".")
    method = ast.Attribute(ast.Name(owner, ast.Load()), name, ast.Load())
    return ast.Call(method, list(arguments), [])


def probe(names: Sequence[str]) -> ast.Lambda:
    """A function that is never called: its closure holds the variables with these names."""
    arguments = ast.arguments([], [], None, [], [], None, [])
    return ast.Lambda(arguments, ast.Tuple([ast.Name(name, ast.Load()) for name in names], ast.Load()))


def at(new: _Node, old: ast.AST) -> _Node:
    """The new node, with its parts that have no place yet, on the line where the old one begins."""
    ast.copy_location(new, old)
    if getattr(old, "end_lineno", None) != getattr(old, "lineno", None):
        # Python shows some errors of a node on its last line; our operators stand for its first.
        new.end_lineno, new.end_col_offset = old.lineno, old.col_offset + 1  # type: ignore[attr-defined]
    return ast.fix_missing_locations(new)


class Expressions(ast.NodeTransformer):
    """Rewrites a copy of an expression or simple statement. ``in_piece``: it is compiled apart from its function."""

    def __init__(self, tables: Tables, scope: Scope, in_piece: bool) -> None:
        self._tables = tables
        self._scope = scope
        self._in_piece = in_piece

    def rewrite(self, node: ast.AST) -> ast.AST:
        """The rewritten copy of any expression or simple statement."""
        found: ast.AST = self.visit(copy.deepcopy(node))
        return found

    def test(self, node: ast.expr) -> ast.expr:
        """The rewritten copy of a condition: only its truth matters."""
        return self._truth(copy.deepcopy(node))

    def _truth(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.BoolOp):
            return self._bool_op(node, as_truth=True)
        found: ast.expr = self.visit(node)
        return found

    def _site(self, node: ast.expr, what: str, body: ast.expr, orelse: ast.expr, as_truth: bool) -> ast.expr:
        blocks = [Block(self._scope, [_returning(value)], is_value=True, is_branch=True) for value in (body, orelse)]
        site = Choice(self._scope, what, node.lineno, blocks[0], blocks[1], as_truth=as_truth)
        return ast.Constant(self._tables.add_site(site))

    # --- and, or, not, comparisons -------------------------------------------------------------------------------

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        return self._bool_op(node, as_truth=False)

    def _bool_op(self, node: ast.BoolOp, as_truth: bool) -> ast.expr:
        first, *others = node.values
        rest = others[0] if len(others) == 1 else ast.copy_location(ast.BoolOp(node.op, others), others[0])
        is_and = isinstance(node.op, ast.And)
        return self._short_circuit(node, "and_" if is_and else "or_", first, rest, as_truth)

    def _short_circuit(
        self, node: ast.expr, operator: str, first: ast.expr, rest: ast.expr, as_truth: bool
    ) -> ast.expr:
        names = probe(mentioned([rest]))
        site = self._site(node, operator.removesuffix("_"), copy.deepcopy(rest), ast.Constant(None), as_truth)
        visit: Callable[[ast.expr], ast.expr] = self._truth if as_truth else self.visit
        condition = call(f"{OPERATORS}.{operator}", site, visit(first), names)
        ways = [visit(rest), call(f"{OPERATORS}.pop")]
        body, orelse = reversed(ways) if operator == "or_" else ways
        return at(ast.IfExp(condition, body, orelse), node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        if not isinstance(node.op, ast.Not):
            return self.generic_visit(node)
        return at(call(f"{OPERATORS}.not_", self._truth(node.operand)), node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        if len(node.ops) == 1 or all(isinstance(op, (ast.Is, ast.IsNot, ast.In, ast.NotIn)) for op in node.ops):
            return self.generic_visit(node)
        # a < b < c: the value of b is kept for the second comparison.
        kept = at(call(f"{OPERATORS}.keep", node.comparators[0]), node.comparators[0])
        first = at(ast.Compare(node.left, node.ops[:1], [kept]), node)
        taken = at(call(f"{OPERATORS}.pop"), node.comparators[0])
        rest = at(ast.Compare(taken, node.ops[1:], node.comparators[1:]), node)
        return self._short_circuit(node, "chain", first, rest, False)

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        names = probe(mentioned([node.body, node.orelse]))
        site = self._site(node, "if", copy.deepcopy(node.body), copy.deepcopy(node.orelse), False)
        chosen = call(f"{OPERATORS}.chose", site, self._truth(node.test), names)
        plain = ast.IfExp(call(f"{OPERATORS}.pop"), self.visit(node.body), self.visit(node.orelse))
        return at(ast.IfExp(chosen, call(f"{OPERATORS}.pop"), plain), node)

    # --- calls ---------------------------------------------------------------------------------------------------

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id == "super":
            return self._super(node)
        is_ours = isinstance(node.func, ast.Attribute) and _is_operators(node.func.value)
        self.generic_visit(node)
        if not is_ours:
            node.func = at(call(f"{OPERATORS}.call", node.func), node.func)
        return node

    def _super(self, node: ast.Call) -> ast.AST:
        """``super()`` finds its class and instance in the method's own frame; apart from it they are spelled out."""
        first = self._scope.first_parameter
        if self._in_piece and not node.args and first is not None:
            node.args = [ast.Name("__class__", ast.Load()), ast.Name(first, ast.Load())]
            ast.fix_missing_locations(node)
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        outer, self._in_piece = self._in_piece, False
        self.generic_visit(node)
        self._in_piece = outer
        return node

    # --- what is no expression at run time -----------------------------------------------------------------------

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.target = self.visit(node.target)
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        node.test = at(call(f"{OPERATORS}.assert_", self._truth(node.test)), node.test)
        if node.msg is not None:
            node.msg = self.visit(node.msg)
        return node


def _returning(value: ast.expr) -> ast.stmt:
    return at(ast.Return(value), value)


def _is_operators(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in (OPERATORS, FRAME)
