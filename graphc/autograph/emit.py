"""Writes functions anew, so that tensors can decide about their control flow.

Statements stay where they are, with the user's own ``return``, ``break``, ``yield`` and ``with``: a condition is asked
through an operator that says True or False for everything but a symbolic tensor, so plain Python code runs as plain
Python. For a symbolic tensor the operator traces the pieces of the statement as regions and says that nothing is left
to do here, or how control leaves the statement.

    if test: A             match ag__f.if_(0, test):
    else: B                    case True: A
                               case False: B

where a branch returns       match ag__f.if_(0, test, 0, ()):
                                 ...
                                 case None: pass
                                 case ag__x: return ag__f.value(ag__x)

``ag__f`` holds the variables of the call (all of them are closure cells), ``ag__`` the operators without variables.
A piece is a function of its own over the same cells; there, a jump out of it is its result.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Final

from graphc.autograph.expressions import FRAME, OPERATORS, Expressions, at, call, probe
from graphc.autograph.names import declared, escapes, inspects_frame, mentioned
from graphc.autograph.plan import Block, Choice, Loop, Rest, Scope, Tables

EXIT: Final = "ag__x"
ITEM: Final = f"{FRAME}.item"
_PLAIN_CALLS: Final = frozenset({"isinstance", "issubclass", "callable", "hasattr"})


@dataclass(frozen=True)
class _Tail:
    """What follows a statement: statements, then what ``following`` says.

    With ``loop``, it is the next rounds of that loop; with ``barrier``, the end of the ``with`` or ``try`` of a line.
    """

    statements: Sequence[ast.stmt]
    following: _Tail | None
    loop: Loop | None = None
    barrier: int | None = None

    @property
    def flows_on(self) -> bool:
        return self.loop is None and self.barrier is None


def refusal(function: ast.AST) -> str | None:
    """Why a function is left as it is; None if it can be written anew."""
    if isinstance(function, ast.AsyncFunctionDef):
        return "it is a coroutine"
    assert isinstance(function, (ast.FunctionDef, ast.Lambda))
    call_ = inspects_frame(function)
    if call_ is not None:
        return f"it looks at its own variables with {call_}"
    if any(name.startswith(OPERATORS) for name in mentioned([function])):
        return f"names that start with {OPERATORS} are taken"
    return None


def emit_function(function: ast.FunctionDef, tables: Tables, filename: str, qualname: str) -> ast.FunctionDef:
    """The function anew, with the same name and parameters."""
    scope = Scope(function, filename, qualname)
    outside = Expressions(tables, scope, in_piece=False)
    new = copy.copy(function)
    new.args = outside.rewrite(function.args)  # type: ignore[assignment]
    new.decorator_list = [outside.rewrite(decorator) for decorator in function.decorator_list]  # type: ignore[misc]
    end = at(ast.Return(None), function.body[-1])
    body = _Emitter(tables, scope, in_piece=False).block(function.body, _Tail([end], None))
    if scope.needs_frame:
        number = ast.Constant(tables.add_scope(scope))
        frame = ast.Assign([ast.Name(FRAME, ast.Store())], call(f"{OPERATORS}.frame", number, probe(scope.names)))
        body.insert(0, at(frame, function.body[0]))
    new.body = body
    return new


def emit_lambda(function: ast.Lambda, tables: Tables, filename: str, qualname: str) -> ast.Lambda:
    """The lambda anew."""
    found = Expressions(tables, Scope(function, filename, qualname), in_piece=False).rewrite(function)
    assert isinstance(found, ast.Lambda)
    return found


def compile_block(block: Block, tables: Tables, variables: Iterable[str]) -> CodeType:
    """The piece as a function without parameters whose free variables are ``variables`` and our own two."""
    emitter = _Emitter(tables, block.scope, in_piece=True, piece=block)
    target = [] if block.target is None else [_assign_item(emitter, block.target)]
    body: list[ast.stmt] = [*target, *emitter.block(block.statements, None)]
    names = set(variables)
    written = block.stored | declared(block.nodes)
    inside, outside = sorted(written & names), sorted(written - names)
    scopes: list[ast.stmt] = [ast.Nonlocal(inside)] if inside else []
    scopes += [ast.Global(outside)] if outside else []
    body = [s for s in body if not isinstance(s, (ast.Global, ast.Nonlocal))]
    arguments = ast.arguments([], [], None, [], [], None, [])
    function = ast.FunctionDef("piece", arguments, [*scopes, *(body or [ast.Pass()])], [])
    function.lineno, function.col_offset = block.line, 0
    function.end_lineno, function.end_col_offset = block.line, 0
    return compile_nested(ast.fix_missing_locations(function), names | {OPERATORS, FRAME}, block.scope, tables.flags)


def _assign_item(emitter: _Emitter, target: ast.expr) -> ast.stmt:
    item = ast.Attribute(ast.Name(FRAME, ast.Load()), ITEM.partition(".")[2], ast.Load())
    return at(ast.Assign([emitter.expression(target)], item), target)


def compile_nested(function: ast.stmt | ast.expr, variables: Iterable[str], scope: Scope, flags: int) -> CodeType:
    """The code of a function whose free variables may be ``variables``. ``flags`` are those of ``__future__``."""
    parameters = [ast.arg(name) for name in sorted(set(variables))]
    arguments = ast.arguments([], parameters, None, [], [], None, [])
    factory = at(ast.FunctionDef("ag__factory", arguments, [_unnamed(function)], []), function)
    module = ast.Module([factory], [])
    code = _inner(_inner(compile(module, scope.filename, "exec", flags=flags, dont_inherit=True)))
    return _renamed(code, code.co_qualname, scope.qualname).replace(co_name=scope.name)


def _unnamed(function: ast.stmt | ast.expr) -> ast.stmt:
    """The function under a name of ours: its own may be that of a variable that it reads."""
    if isinstance(function, ast.expr):
        return ast.Return(function)
    assert isinstance(function, ast.FunctionDef)
    new = copy.copy(function)
    new.name = "ag__function"
    return new


def _renamed(code: CodeType, old: str, new: str) -> CodeType:
    """The code, and all code inside of it, under the names that the user's functions have."""
    constants = tuple(_renamed(c, old, new) if isinstance(c, CodeType) else c for c in code.co_consts)
    return code.replace(co_qualname=new + code.co_qualname.removeprefix(old), co_consts=constants)


def _inner(code: CodeType) -> CodeType:
    """The last code object among the constants: the function itself, after what its defaults and decorators hold."""
    return [constant for constant in code.co_consts if isinstance(constant, CodeType)][-1]


class _Emitter:
    """Writes the statements of one function, or of one piece of it."""

    def __init__(self, tables: Tables, scope: Scope, in_piece: bool, piece: Block | None = None) -> None:
        self._tables = tables
        self._scope = scope
        self._in_piece = in_piece
        self._piece = piece
        self._expressions = Expressions(tables, scope, in_piece)
        self._loops: list[Loop | None] = []
        self._in_try = False

    def expression(self, node: ast.expr) -> ast.expr:
        found = self._expressions.rewrite(node)
        assert isinstance(found, ast.expr)
        return found

    def block(self, statements: Sequence[ast.stmt], tail: _Tail | None) -> list[ast.stmt]:
        """The statements anew; ``tail`` is what follows them."""
        written: list[ast.stmt] = []
        for i, statement in enumerate(statements):
            written += self._statement(statement, _Tail(statements[i + 1 :], tail))
        return written

    def _statement(self, node: ast.stmt, tail: _Tail) -> list[ast.stmt]:
        match node:
            case ast.If():
                return [self._if(node, tail)]
            case ast.While():
                return self._while(node, tail)
            case ast.For():
                return self._for(node, tail)
            case ast.With():
                return [self._with(node)]
            case ast.Try() | ast.TryStar():
                return [self._try(node)]
            case ast.Match():
                return [self._match(node, tail)]
            case ast.FunctionDef():
                return [self._function(node)]
            case ast.ClassDef():
                return [self._class(node)]
            case ast.Return() | ast.Break() | ast.Continue() | ast.Raise():
                return [self._jump(node)]
            case ast.AsyncFunctionDef() | ast.AsyncFor() | ast.AsyncWith():
                return [copy.deepcopy(node)]
        return [self._expressions.rewrite(node)]  # type: ignore[list-item]

    # --- definitions ---------------------------------------------------------------------------------------------

    def _function(self, node: ast.FunctionDef) -> ast.stmt:
        if refusal(node) is not None:
            return copy.deepcopy(node)
        qualname = f"{self._scope.qualname}.<locals>.{node.name}"
        return emit_function(node, self._tables, self._scope.filename, qualname)

    def _class(self, node: ast.ClassDef) -> ast.stmt:
        """A class with its methods written anew; its own body runs as it is."""
        new = copy.copy(node)
        new.bases = [self.expression(base) for base in node.bases]
        new.keywords = [self._expressions.rewrite(keyword) for keyword in node.keywords]  # type: ignore[misc]
        new.decorator_list = [self.expression(decorator) for decorator in node.decorator_list]
        new.body = [self._function(s) if isinstance(s, ast.FunctionDef) else copy.deepcopy(s) for s in node.body]
        return new

    # --- jumps ---------------------------------------------------------------------------------------------------

    def _jump(self, node: ast.Return | ast.Break | ast.Continue | ast.Raise) -> ast.stmt:
        if isinstance(node, ast.Raise):
            return self._raise(node)
        if isinstance(node, ast.Return) and not self._in_piece and node.value is not None and self._scope.needs_frame:
            return at(ast.Return(call(f"{OPERATORS}.result", self.expression(node.value))), node)
        if not self._in_piece or (self._piece is not None and self._piece.is_value):
            return self._expressions.rewrite(node)  # type: ignore[return-value]
        if isinstance(node, ast.Return):
            value = ast.Constant(None) if node.value is None else self.expression(node.value)
            return at(ast.Return(call(f"{OPERATORS}.returned", value, ast.Constant(node.lineno))), node)
        if self._loops:
            return copy.deepcopy(node)
        name = "BREAK" if isinstance(node, ast.Break) else "CONTINUE"
        return at(ast.Return(ast.Attribute(ast.Name(OPERATORS, ast.Load()), name, ast.Load())), node)

    def _raise(self, node: ast.Raise) -> ast.stmt:
        """Tracing runs a piece that a tensor may keep from running: raising there would say nothing."""
        is_branch = self._piece is not None and self._piece.is_branch
        if node.exc is None or self._in_try or not is_branch:
            return self._expressions.rewrite(node)  # type: ignore[return-value]
        refused = call(f"{FRAME}.refuse_raise", ast.Constant(node.lineno))
        return at(ast.Raise(refused, self.expression(node.exc)), node)

    # --- if ------------------------------------------------------------------------------------------------------

    def _if(self, node: ast.If, tail: _Tail) -> ast.stmt:
        body, orelse = self.block(node.body, tail), self.block(node.orelse, tail)
        test = self._expressions.test(node.test)
        if _is_plain(node.test):
            return at(ast.If(test, body, orelse), node)
        site = ast.Constant(self._choice(node))
        cases = [_case(True, body), _case(False, orelse)]
        if escapes([node]):
            asked = call(f"{FRAME}.if_", site, test, *self._continuation(tail))
            cases += [_case(None, []), ast.match_case(ast.MatchAs(name=EXIT), None, self._leave())]
            return at(ast.Match(asked, cases), node)
        asked = call(f"{FRAME}.if_", site, test)
        return at(ast.Match(asked, cases) if orelse else ast.If(asked, body, []), node)

    def _choice(self, node: ast.If) -> int:
        self._scope.needs_frame = True
        blocks = [Block(self._scope, statements, is_branch=True) for statements in (node.body, node.orelse)]
        live = self._scope.liveness.after.get(node)
        return self._tables.add_site(Choice(self._scope, "if", node.lineno, blocks[0], blocks[1], live))

    def _leave(self) -> list[ast.stmt]:
        """How the code goes on after jumps that a tensor decided about."""
        final = f"return {EXIT}" if self._in_piece else f"return {FRAME}.value({EXIT})"
        if not self._loops:
            return _parsed(final)
        is_ = f"if {EXIT} is {OPERATORS}"
        return _parsed(f"{is_}.BREAK: break\n{is_}.CONTINUE: continue\n{final}")

    def _continuation(self, tail: _Tail) -> list[ast.expr]:
        """What an operator needs to run all that follows: its number, and the iterators of the loops around it."""
        rest = self._tables.add_rest(self._build_rest(tail))
        return [ast.Constant(rest), _parsed_expression(f"({self._iterators()})")]

    def _iterators(self) -> str:
        """The iterators of the loops around this place, the innermost first."""
        for loop in self._loops:
            if loop is not None:
                loop.resumable = True
        found = [_iterator_name(loop) if loop is not None else "None" for loop in reversed(self._loops)]
        return "".join(f"{name}, " for name in found)

    def _build_rest(self, tail: _Tail | None) -> Rest:
        statements: list[ast.stmt] = []
        while tail is not None and tail.flows_on:
            statements += tail.statements
            tail = tail.following
        block = Block(self._scope, statements, is_branch=True)
        if tail is None:
            return Rest(block)
        after = None if tail.loop is None else self._build_rest(tail.following)
        return Rest(block, tail.loop, after, tail.barrier)

    # --- loops ---------------------------------------------------------------------------------------------------

    def _while(self, node: ast.While, tail: _Tail) -> list[ast.stmt]:
        test = Block(self._scope, [at(ast.Return(node.test), node.test)], is_value=True)
        loop = self._loop(node, Block(self._scope, node.body), test)
        body = self._loop_body(node.body, None, _Tail([], tail, loop=loop))
        orelse = self.block(node.orelse, tail)
        condition = self._expressions.test(node.test)
        if _is_plain(node.test):
            return [at(ast.While(condition, body, orelse), node)]
        asked = call(f"{FRAME}.while_", ast.Constant(loop.number), condition)
        orelse, after = self._after_loop(node, tail, orelse)
        return [at(ast.While(asked, body, orelse), node), *after]

    def _for(self, node: ast.For, tail: _Tail) -> list[ast.stmt]:
        loop = self._loop(node, Block(self._scope, node.body, target=node.target), None)
        body = self._loop_body(node.body, loop, _Tail([], tail, loop=loop))
        orelse, after = self._after_loop(node, tail, self.block(node.orelse, tail))
        iterator: ast.expr = call(f"{FRAME}.for_", ast.Constant(loop.number), self.expression(node.iter))
        if loop.resumable:
            # A name keeps what it iterates over alive, so it is let go as soon as the loop ends.
            iterator = ast.NamedExpr(ast.Name(_iterator_name(loop), ast.Store()), iterator)
            after = [at(_parsed(f"{_iterator_name(loop)} = None")[0], node), *after]
        new = ast.For(self.expression(node.target), iterator, body, orelse)
        return [at(new, node), *after]

    def _loop(self, node: ast.For | ast.While, body: Block, test: Block | None) -> Loop:
        self._scope.needs_frame = True
        live, head = self._scope.liveness.after.get(node), self._scope.liveness.head.get(node)
        orelse = Block(self._scope, node.orelse, is_branch=True)
        assert live is not None
        assert head is not None
        loop = Loop(self._scope, node.lineno, body, test, orelse, live, head)
        loop.number = self._tables.add_site(loop)
        return loop

    def _loop_body(self, statements: Sequence[ast.stmt], loop: Loop | None, tail: _Tail) -> list[ast.stmt]:
        self._loops.append(loop)
        body = self.block(statements, tail)
        self._loops.pop()
        return body

    def _after_loop(
        self, node: ast.For | ast.While, tail: _Tail, orelse: list[ast.stmt]
    ) -> tuple[list[ast.stmt], list[ast.stmt]]:
        """The else clause and what stands after the loop. A loop run as a region has run its else clause there."""
        if not orelse and "return" not in escapes(node.body):
            return [], []
        cases = [_case(None, orelse), _case(False, []), ast.match_case(ast.MatchAs(name=EXIT), None, self._leave())]
        asked = ast.Match(call(f"{FRAME}.left", *self._continuation(tail)), cases)
        # Without an else clause, a break must reach the check as well.
        return ([at(asked, node)], []) if orelse else ([], [at(asked, node)])

    # --- with, try, match ----------------------------------------------------------------------------------------

    def _with(self, node: ast.With) -> ast.stmt:
        items = [self._expressions.rewrite(item) for item in node.items]
        body = self.block(node.body, _Tail([], None, barrier=node.lineno))
        return at(ast.With(items, body), node)  # type: ignore[arg-type]

    def _try(self, node: ast.Try | ast.TryStar) -> ast.stmt:
        barrier = _Tail([], None, barrier=node.lineno)
        outer, self._in_try = self._in_try, True
        body = self.block(node.body, barrier)
        self._in_try = outer
        handlers = [self._handler(handler, barrier) for handler in node.handlers]
        orelse, final = self.block(node.orelse, barrier), self.block(node.finalbody, barrier)
        return at(type(node)(body, handlers, orelse, final), node)

    def _handler(self, handler: ast.ExceptHandler, barrier: _Tail) -> ast.ExceptHandler:
        kind = None if handler.type is None else self.expression(handler.type)
        return at(ast.ExceptHandler(kind, handler.name, self.block(handler.body, barrier)), handler)

    def _match(self, node: ast.Match, tail: _Tail) -> ast.stmt:
        cases = []
        for case in node.cases:
            guard = None if case.guard is None else self.expression(case.guard)
            cases.append(ast.match_case(copy.deepcopy(case.pattern), guard, self.block(case.body, tail)))
        return at(ast.Match(self.expression(node.subject), cases), node)


def _iterator_name(loop: Loop) -> str:
    return f"ag__it{loop.number}"


def _case(value: bool | None, body: list[ast.stmt]) -> ast.match_case:
    return ast.match_case(ast.MatchSingleton(value), None, body or [ast.Pass()])


def _parsed(text: str) -> list[ast.stmt]:
    """Statements from text, without places, which they take from the node that they stand for."""
    module = ast.parse(text)
    for node in ast.walk(module):
        for field in ("lineno", "col_offset", "end_lineno", "end_col_offset"):
            if hasattr(node, field):
                delattr(node, field)
    return module.body


def _parsed_expression(text: str) -> ast.expr:
    statement = _parsed(text)[0]
    assert isinstance(statement, ast.Expr)
    return statement.value


def _is_plain(test: ast.expr) -> bool:
    """Whether a condition cannot be a tensor, whatever its parts are."""
    match test:
        case ast.Constant():
            return True
        case ast.Compare(ops=ops):
            return all(isinstance(op, (ast.Is, ast.IsNot)) for op in ops)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _is_plain(operand)
        case ast.BoolOp(values=values):
            return all(map(_is_plain, values))
        case ast.Call(func=ast.Name(id=name)):
            return name in _PLAIN_CALLS
    return False
