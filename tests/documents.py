"""Runs the code blocks of a Markdown document, and writes what they print back into it.

A ``python`` block runs; the ``text`` block right below it is what it prints. All blocks of a document share
one namespace. The durations in the progress lines of ``fit`` may differ, and their metrics by a few percent.
``python -m tests.documents --update [FILE ...]`` puts the present output into the documents.
"""

from __future__ import annotations

import contextlib
import io
import json
import linecache
import math
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_RESULT = re.compile(r"\s*^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PROGRESS = re.compile(r"\d+/\d+ .*\d[mu]?s/step")
_DURATION = re.compile(r"\b\d+[mu]?s\b")
_VALUE = re.compile(r"(?<=: )\d+\.\d+(?:e[+-]\d+)?")


@dataclass(frozen=True)
class Block:
    """A python block: its code, what it is said to print (None: nothing is said), and where that stands."""

    code: str
    line: int
    expected: str | None
    span: tuple[int, int]


def python_blocks(text: str) -> list[Block]:
    """The python blocks of a document in order."""
    blocks = []
    for match in _FENCE.finditer(text):
        if match[1] != "python":
            continue
        result = _RESULT.match(text, match.end())
        line = text.count("\n", 0, match.start()) + 1
        expected, span = (result[1], result.span(1)) if result else (None, (0, 0))
        blocks.append(Block(match[2], line, expected, span))
    return blocks


def console_lines(text: str) -> list[str]:
    """The commands in the console blocks, without the prompt."""
    blocks = [match[2] for match in _FENCE.finditer(text) if match[1] == "console"]
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines if line]


def run_blocks(path: Path, folder: Path) -> list[str]:
    """What each python block prints. They run one after the other in a process of its own, in ``folder``."""
    command = [sys.executable, "-m", "tests.documents", "--run", str(path)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "default"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"{path.name}: {done.stderr}")
    printed: list[str] = json.loads(done.stdout)
    return printed


def stripped(text: str) -> str:
    """The text without spaces at the ends of lines."""
    return "\n".join(line.rstrip() for line in text.rstrip("\n").splitlines())


def settled(output: str, expected: str) -> str:
    """The output, with the expected lines of progress in place of those that differ in time or rounding only."""
    lines, wanted = stripped(output).splitlines(), stripped(expected).splitlines()
    if len(lines) != len(wanted):
        return "\n".join(lines)
    return "\n".join(old if _is_same_progress(new, old) else new for new, old in zip(lines, wanted, strict=True))


def _is_same_progress(found: str, expected: str) -> bool:
    if not (_PROGRESS.match(found) and _PROGRESS.match(expected)):
        return False
    shapes = [_VALUE.sub("", _DURATION.sub("", line)) for line in (found, expected)]
    values = zip(_VALUE.findall(found), _VALUE.findall(expected), strict=True)
    return shapes[0] == shapes[1] and all(math.isclose(float(a), float(b), rel_tol=0.05) for a, b in values)


def _run_here(path: Path) -> list[str]:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    printed = []
    for block in python_blocks(path.read_text(encoding="utf-8")):
        output = io.StringIO()
        # The source is there as that of a file would be.
        linecache.cache["example.py"] = len(block.code), None, block.code.splitlines(keepends=True), "example.py"
        try:
            with contextlib.redirect_stdout(output):
                exec(compile(block.code, "example.py", "exec"), namespace)
        except Exception as error:
            raise RuntimeError(f"the block at line {block.line} of {path.name} failed") from error
        printed.append(output.getvalue())
    return printed


def update(path: Path) -> bool:
    """Puts what the blocks print now into the document; True if that changed it."""
    text = path.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        printed = run_blocks(path, Path(folder))
    new = text
    for block, output in reversed(list(zip(python_blocks(text), printed, strict=True))):
        if block.expected is not None:
            shown = settled(output, block.expected)
            new = new[: block.span[0]] + (f"{shown}\n" if shown else "") + new[block.span[1] :]
    path.write_text(new, encoding="utf-8")
    return new != text


if __name__ == "__main__":
    mode, *names = sys.argv[1:] or ["--update"]
    if mode == "--run":
        print(json.dumps(_run_here(Path(names[0]))))
    else:
        for document in [Path(name).resolve() for name in names] or DOCUMENTS:
            print(document.name, "changed" if update(document) else "unchanged")
