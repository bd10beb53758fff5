"""Text-to-text tests of passes: an input graph, the passes, and the graph that must come out.

A file in ``cases/`` holds cases separated by lines of ``=``. A case starts with ``# title`` and a line
``# passes: simplify, dce`` (passes or pipelines) or ``# rewrites: pow_two`` (rewrites by name, whatever their hazards);
the input follows, then a line of ``-`` and the expected graph, or the word ``unchanged`` where nothing may fire.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from graphc_ir.parser import parse_graph
from graphc_ir.passes import Rewrites, resolve_passes
from graphc_ir.passes.base import Pass
from graphc_ir.printer import print_graph
from graphc_ir.verify import verify

FOLDER = Path(__file__).parent / "cases"
CASE_LINE = "=" * 40
EXPECTED_LINE = "-" * 40


@dataclass(frozen=True)
class Case:
    path: Path
    index: int
    title: str
    kind: str
    names: tuple[str, ...]
    text: str
    expected: str

    def passes(self) -> tuple[Pass, ...]:
        return (Rewrites(self.names),) if self.kind == "rewrites" else resolve_passes(self.names)


def read_case(path: Path, index: int, source: str) -> Case:
    match = re.fullmatch(r"\s*# ([^\n]+)\n# (passes|rewrites): ([^\n]+)\n(.*?)\n-{10,}\n(.*)", source, re.DOTALL)
    assert match, f"{path.name}, case {index}: expected a title, passes, a graph, a line of -, and a graph"
    title, kind, names, text, expected = match.groups()
    return Case(path, index, title, kind, tuple(names.split(", ")), text.strip(), expected.strip())


def read_cases(path: Path) -> list[Case]:
    parts = re.split(r"^={10,}\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [read_case(path, i, part) for i, part in enumerate(parts)]


CASES = [case for path in sorted(FOLDER.glob("*.txt")) for case in read_cases(path)]


def result_of(case: Case) -> str:
    graph = parse_graph(case.text)
    before = print_graph(graph)
    changed = False
    for each in case.passes():
        changed = each(graph) or changed
    verify(graph)
    after = print_graph(graph)
    assert changed == (after != before), "a pass says whether it changed anything"
    return after.strip() if changed else "unchanged"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.path.stem}-{case.title}".replace(" ", "-"))
def test_case(case: Case, request: pytest.FixtureRequest) -> None:
    result = result_of(case)
    if request.config.getoption("--update", default=False):
        update(case, result)
    else:
        assert result == case.expected


def update(case: Case, result: str) -> None:
    cases = [
        f"# {c.title}\n# {c.kind}: {', '.join(c.names)}\n{c.text}\n{EXPECTED_LINE}\n"
        f"{result if c.index == case.index else c.expected}\n"
        for c in read_cases(case.path)
    ]
    case.path.write_text(f"{CASE_LINE}\n".join(cases), encoding="utf-8")


def test_every_rewrite_of_the_standard_passes_has_a_case() -> None:
    texts = " ".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.txt"))
    assert CASES
    for name in ("simplify", "dce", "cse", "fold", "inline", "sink", "fuse_composites", "fold_weights", "O2"):
        assert re.search(rf"# passes: .*\b{name}\b", texts), f"no case for {name}"
