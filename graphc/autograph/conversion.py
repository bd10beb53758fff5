"""Which callables are converted, and the converted ones."""

from __future__ import annotations
import __future__

import ast
import copy
import functools
import logging
import os
import sysconfig
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MethodType
from typing import Any, Final

from graphc import control
from graphc.autograph.emit import compile_nested, emit_function, emit_lambda, refusal
from graphc.autograph.experimental import MARK
from graphc.autograph.expressions import OPERATORS
from graphc.autograph.operators import Operators
from graphc.autograph.overloads import OVERLOADS
from graphc.autograph.plan import Scope, Tables
from graphc.autograph.source import Mangler, Source, SourceError, find_source
from graphc.custom_gradient import custom_gradient, recompute_grad
from graphc.location import PACKAGES, unconverted
from graphc_ir.collector import collection_paused
from graphc_ir.errors import ArgumentError

_log = logging.getLogger("graphc.autograph")
_TAKE_FUNCTIONS: Final = frozenset(
    id(function)
    for function in (
        *(getattr(control, name) for name in control.__all__),
        custom_gradient,
        recompute_grad,
        map,
        filter,
        functools.reduce,
    )
)
_OVERLOADS: Final = {id(builtin): overload for builtin, overload in OVERLOADS.items()}


@dataclass(frozen=True)
class Converted:
    """A function's code anew; ``written`` is its syntax tree."""

    code: CodeType
    operators: Operators
    written: ast.FunctionDef | ast.Lambda


_results: dict[int, Converted | None] = {}
"""By identity of the code: code objects of different files may compare equal."""


def to_call(function: Any) -> Any:
    """What converted code calls in place of ``function``: the same, converted if it is the user's own."""
    kind = type(function)
    if kind is FunctionType:
        return _function(function)
    if kind is MethodType:
        inner = to_call(function.__func__)
        return function if inner is function.__func__ else MethodType(inner, function.__self__)
    if kind is BuiltinFunctionType or isinstance(function, type):
        return _builtin(function)
    if kind is functools.partial:
        inner = to_call(function.func)
        return function if inner is function.func else functools.partial(inner, *function.args, **function.keywords)
    return _instance(function)


def to_call_directly(function: Any) -> Any:
    """The same for a function that the user asks to trace: it may stand in any file but our own."""
    if isinstance(function, MethodType):
        inner = to_call_directly(function.__func__)
        return function if inner is function.__func__ else MethodType(inner, function.__self__)
    if type(function) is FunctionType and not hasattr(function, MARK) and not is_ours(function.__code__):
        return convert_function(function)
    return to_call(function)


def is_ours(code: CodeType) -> bool:
    return code.co_filename.startswith(PACKAGES)


def _builtin(function: Any) -> Any:
    # By identity: a class may compare and hash as it likes.
    if id(function) in _TAKE_FUNCTIONS:
        return functools.partial(_call_with_converted, function)
    return _OVERLOADS.get(id(function), function)


def _function(function: FunctionType) -> Any:
    if id(function) in _TAKE_FUNCTIONS:
        return functools.partial(_call_with_converted, function)
    if hasattr(function, MARK) or not _is_users(function.__code__):
        return function
    return convert_function(function)


def _instance(instance: Any) -> Any:
    """An object with a ``__call__`` of the user's."""
    method = getattr(type(instance), "__call__", None)  # noqa: B004 - the function itself is wanted
    if type(method) is not FunctionType:
        return instance
    inner = _function(method)
    return instance if inner is method else MethodType(inner, instance)


def _call_with_converted(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Calls a function that calls functions: those are converted."""
    return function(*map(_argument, args), **{name: _argument(value) for name, value in kwargs.items()})


def _argument(value: Any) -> Any:
    if isinstance(value, (FunctionType, MethodType)):
        return to_call(value)
    if type(value) in (list, tuple):
        return type(value)(map(_argument, value))
    if type(value) is dict:
        return {key: _argument(item) for key, item in value.items()}
    return value


# --- what belongs to the user ----------------------------------------------------------------------------------------

_users_files: dict[str, bool] = {}


def _is_users(code: CodeType) -> bool:
    filename = code.co_filename
    found = _users_files.get(filename)
    if found is None:
        found = _users_files[filename] = not _is_installed(filename)
    return found


def _is_installed(filename: str) -> bool:
    if filename.startswith(("<frozen", *PACKAGES)):
        return True
    path = os.path.realpath(filename)
    parts = path.split(os.sep)
    return path.startswith(_installed_library()) or "site-packages" in parts or "dist-packages" in parts


@functools.cache
def _installed_library() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    kinds = ("stdlib", "platstdlib", "purelib", "platlib")
    return tuple(os.path.join(os.path.realpath(paths[kind]), "") for kind in kinds)


# --- converting ------------------------------------------------------------------------------------------------------


def convert_function(function: FunctionType) -> FunctionType:
    """The function over the same variables, converted; the function itself where that is impossible."""
    converted = _converted(function)
    if converted is None:
        return function
    operators = CellType(converted.operators)
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)) | {OPERATORS: operators}
    closure = tuple(cells[name] for name in converted.code.co_freevars)
    result = FunctionType(converted.code, function.__globals__, function.__name__, function.__defaults__, closure)
    result.__kwdefaults__ = function.__kwdefaults__
    result.__dict__ = function.__dict__
    result.__qualname__, result.__module__ = function.__qualname__, function.__module__
    result.__doc__ = function.__doc__
    return result


def written_form(function: FunctionType) -> ast.FunctionDef | ast.Lambda:
    """The syntax tree of the converted function. Raises ArgumentError with the reason if it cannot be converted."""
    converted = _converted(function)
    if converted is None:
        reason = unconverted.get(function.__code__, "it is converted already")
        raise ArgumentError(f"{function.__qualname__} cannot be converted: {reason}")
    return converted.written


def _converted(function: FunctionType) -> Converted | None:
    code = function.__code__
    key = id(code)
    if OPERATORS in code.co_freevars:
        return None  # converted already, as part of the function around it
    if key not in _results:
        _results[key] = _try(code, function.__globals__)
        weakref.finalize(code, _results.pop, key, None).atexit = False
    return _results[key]


def _try(code: CodeType, module: Mapping[str, Any]) -> Converted | None:
    try:
        with collection_paused():
            return _convert(code, find_source(code, module))
    except SourceError as error:
        unconverted[code] = str(error)
        _log.info("%s (%s:%d) runs as it is: %s", code.co_name, code.co_filename, code.co_firstlineno, error)
        return None


def _convert(code: CodeType, source: Source) -> Converted:
    reason = refusal(source.node)
    if reason is not None:
        raise SourceError(reason)
    tables = Tables(code.co_flags & __future__.annotations.compiler_flag)
    node = _own_copy(source)
    written = (
        emit_lambda(node, tables, source.filename, code.co_qualname)
        if isinstance(node, ast.Lambda)
        else emit_function(node, tables, source.filename, code.co_qualname)
    )
    scope = Scope(node, source.filename, code.co_qualname)
    new = compile_nested(written, {*code.co_freevars, OPERATORS}, scope, tables.flags)
    if not set(new.co_freevars) <= {*code.co_freevars, OPERATORS}:
        raise SourceError(f"its source in {source.filename} does not match what runs")
    _log.info("converted %s (%s:%d)", code.co_name, code.co_filename, code.co_firstlineno)
    return Converted(new, Operators(tables, to_call), written)


def _own_copy(source: Source) -> ast.FunctionDef | ast.Lambda:
    """The function without decorators, with private names as its class writes them."""
    node = copy.deepcopy(source.node)
    assert isinstance(node, (ast.FunctionDef, ast.Lambda))
    if isinstance(node, ast.FunctionDef):
        node.decorator_list = []
    if source.owner is not None:
        Mangler(source.owner).visit(node)
    return node
