"""Writes ``docs/api``: a page per namespace of ``graphc.keras``, a line per name, from signatures and docstrings.

``python docs/generate_api.py`` (or ``make docs``) brings the pages up to date; ``--check`` only says which are not.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from graphc import keras

FOLDER = Path(__file__).resolve().parent / "api"
ROOT = "keras"
_ROLE = re.compile(r":\w+:`~?([^`]+)`")
_OWN_NAME = re.compile(r"^`keras[\w.]*`: ")
_SENTENCE_END = re.compile(r"(?<!e\.g)(?<!i\.e)(?<!\.)\.(?=\s|$)")


# --- namespaces --------------------------------------------------------------------------------------------------


def namespaces() -> dict[str, ModuleType]:
    """The public modules by name, ``keras`` first; each is listed in the one above it."""
    found = {ROOT: keras}
    pending = [ROOT]
    while pending:
        name = pending.pop()
        inner = {f"{name}.{part}": module for part, module in _modules(found[name])}
        found |= inner
        pending += inner
    return dict(sorted(found.items()))


def _modules(module: ModuleType) -> Iterator[tuple[str, ModuleType]]:
    for name in module.__all__:
        value = getattr(module, name)
        if inspect.ismodule(value) and hasattr(value, "__all__"):
            yield name, value


# --- pages -------------------------------------------------------------------------------------------------------


def pages() -> dict[str, str]:
    """The text of every page by file name."""
    modules = namespaces()
    texts = {f"{name}.md": _page(name, module) for name, module in modules.items()}
    return {"README.md": _index(modules)} | texts


def _index(modules: dict[str, ModuleType]) -> str:
    rows = [f"| [`{name}`]({name}.md) | {summary(module)} |" for name, module in modules.items()]
    return "\n".join([
        "# The names of graphc.keras",
        "",
        "One page per namespace, made from signatures and docstrings by `make docs`.",
        "",
        "| namespace | what |",
        "|---|---|",
        *rows,
        "",
    ])  # fmt: skip


def _page(name: str, module: ModuleType) -> str:
    inner = dict(_modules(module))
    entries = {each: getattr(module, each) for each in sorted(module.__all__, key=str.lower) if each not in inner}
    kinds: dict[str, Callable[[Any], bool]] = {
        "Classes": inspect.isclass,
        "Functions": lambda value: callable(value) and not inspect.isclass(value),
        "Values": lambda value: not callable(value),
    }
    lines = [f"# {name}", "", f"{summary(module)}.", ""]
    links = [f"- [`{name}.{each}`]({name}.{each}.md): {summary(inner[each])}" for each in sorted(inner)]
    lines += _section("Namespaces", links)
    for title, belongs in kinds.items():
        chosen = {each: value for each, value in entries.items() if belongs(value)}
        listed = [_entry(each, value, chosen, name == ROOT) for each, value in chosen.items()]
        lines += _section(title, [line for entry in listed for line in entry])
    return "\n".join(lines)


def _section(title: str, lines: list[str]) -> list[str]:
    return [f"## {title}", "", *lines, ""] if lines else []


def _entry(name: str, value: Any, others: dict[str, Any], in_full: bool) -> list[str]:
    """The line of a name; below a class, the methods that it adds to its public bases (unless it has any and not
    ``in_full``: then it is one of many, and its base is described elsewhere)."""
    original = getattr(value, "__name__", name)
    if original != name and others.get(original) is value:
        return [f"- `{name}`: the same as `{original}`"]
    if not callable(value):
        return [f"- `{name}`"]
    lines = [_line(name, value)]
    if inspect.isclass(value):
        bases = [base for base in value.__mro__[1:] if base.__name__ in _PUBLIC]
        if in_full or not bases:
            lines += [f"  {_line(each, method)}" for each, method in _added_methods(value, bases)]
    return lines


def _line(name: str, value: Any) -> str:
    sentence = first_sentence(value)
    return f"- `{name}{signature(value)}`" + (f": {sentence}" if sentence else "")


def _added_methods(cls: type, bases: list[type]) -> Iterator[tuple[str, Any]]:
    known = {name for base in bases for name in dir(base)}
    for name, method in inspect.getmembers(cls, lambda value: inspect.isfunction(value) or inspect.ismethod(value)):
        if not name.startswith("_") and name not in known and method.__doc__:
            yield name, method


_PUBLIC = {name for module in namespaces().values() for name in module.__all__}


# --- signatures and sentences ------------------------------------------------------------------------------------


def signature(value: Any) -> str:
    """The parameters with their defaults, without annotations and ``self``."""
    is_class = inspect.isclass(value) and value.__init__ is not object.__init__
    try:
        found = inspect.signature(value.__init__ if is_class else value)
    except ValueError:  # some functions of C code do not tell
        return "(...)"
    named = [p for name, p in found.parameters.items() if name != "self"]
    shown = [p.replace(annotation=p.empty, default=_shown_default(p)) for p in named]
    return str(found.replace(parameters=shown, return_annotation=found.empty))


class _Shown:
    """A default in the words of its source, or its name."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _shown_default(parameter: inspect.Parameter) -> Any:
    value = parameter.default
    if value is parameter.empty or isinstance(value, (bool, int, float, str, tuple, list, dict, type(None))):
        return value
    return _Shown(getattr(value, "__name__", "..."))


def first_sentence(value: Any) -> str:
    """The first sentence of a docstring, in Markdown, without its full stop; empty for no docstring."""
    text = inspect.cleandoc(getattr(value, "__doc__", None) or "").split("\n\n")[0].replace("\n", " ")
    text = _ROLE.sub(r"`\1`", text).replace("``", "`")
    end = _SENTENCE_END.search(text)
    return (text if end is None else text[: end.start()]).strip().rstrip(":")


def summary(module: ModuleType) -> str:
    """The first sentence about a module, which need not say its name again."""
    sentence = _OWN_NAME.sub("", first_sentence(module))
    return sentence[:1].upper() + sentence[1:]


# --- files -------------------------------------------------------------------------------------------------------


def outdated() -> list[str]:
    """The pages that differ from what the code says now, and those that nothing stands behind any more."""
    wanted = pages()
    present = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.md")}
    return sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))


def write() -> list[str]:
    """Brings the folder up to date; returns the names of the pages that changed."""
    FOLDER.mkdir(exist_ok=True)
    wanted, changed = pages(), outdated()
    for name in changed:
        if name in wanted:
            (FOLDER / name).write_text(wanted[name], encoding="utf-8")
        else:
            (FOLDER / name).unlink()
    return changed


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        stale = outdated()
        sys.exit(f"out of date, run `make docs`: {', '.join(stale)}" if stale else 0)
    print(*write() or ["docs/api is up to date"], sep="\n")
