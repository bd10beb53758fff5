"""The documents are true: their code runs, prints what they say, and their commands and links exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import graphc_ir.ops.families  # noqa: F401  (fills the table of ops)
from docs.generate_api import outdated
from graphc_ir.ops.base import OPS
from tests.documents import DOCUMENTS, ROOT, console_lines, python_blocks, run_blocks, settled, stripped

every_document = pytest.mark.parametrize("path", DOCUMENTS, ids=[path.name for path in DOCUMENTS])


@every_document
def test_code_runs_and_prints_what_the_document_says(path: Path, tmp_path: Path) -> None:
    blocks = python_blocks(path.read_text(encoding="utf-8"))
    if not blocks:
        return
    for block, output in zip(blocks, run_blocks(path, tmp_path), strict=True):
        # A block with output but no text block below it would leave the reader guessing.
        expected = block.expected or ""
        assert settled(output, expected) == stripped(expected), f"line {block.line}; see tests/documents.py --update"


@every_document
def test_commands_exist(path: Path) -> None:
    for line in console_lines(path.read_text(encoding="utf-8")):
        for command in line.split("&&"):
            assert _exists(shlex.split(command, comments=True)), f"{path.name}: {command}"


def _exists(words: list[str]) -> bool:
    program, *arguments = [word for word in words if not re.fullmatch(r"[A-Z_]+=\S*", word)]
    if program == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        return all(name in targets for name in arguments if "=" not in name)
    if program == "python" and arguments[0] == "-m":
        return _is_module(arguments[1])
    if program == "python":
        return (ROOT / arguments[0]).is_file()
    if program == "graphc":
        return _is_command(arguments[0])
    return program in ("pip", "git", "cd")


def _is_module(name: str) -> bool:
    path = name.replace(".", "/")
    return any((ROOT / f"{path}{end}").is_file() for end in (".py", "/__main__.py"))


def _is_command(name: str) -> bool:
    known = (ROOT / "graphc/cli/commands").glob("*.py")
    return name == "--help" or name in {file.stem for file in known}


@every_document
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:", target):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_every_document_is_in_the_index() -> None:
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    for path in DOCUMENTS[1:]:
        assert path.name == "README.md" or f"({path.name})" in index


def test_every_op_family_is_in_the_table() -> None:
    text = (ROOT / "docs/ir.md").read_text(encoding="utf-8")
    families = {op.__module__ for op in OPS.values() if op.__module__.startswith("graphc_ir.ops.")}
    missing = {name for name in families if f"| `{name.rpartition('.')[2]}` |" not in text}
    assert not missing, f"docs/ir.md does not list the op families {missing}"


def test_the_pages_of_names_are_up_to_date() -> None:
    assert not outdated(), "run `make docs`"
