"""Runs passes in order: checks, times and counts them, and finds the one that breaks a graph."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from graphc_ir.analysis.cost import Cost, graph_cost
from graphc_ir.errors import ArgumentError, GraphcError, PassError
from graphc_ir.graph import Graph
from graphc_ir.passes.base import Pass
from graphc_ir.passes.report import PassRecord, Report
from graphc_ir.printer import print_graph
from graphc_ir.rewrite.driver import limited_rewrites
from graphc_ir.verify import verify

Verify = Literal["always", "changed", "never"]
OnError = Literal["raise", "rollback"]

_UNLIMITED = 1 << 62


@dataclass(frozen=True)
class PassManager:
    """Runs ``passes`` on a graph.

    ``verify``: check the IR after every pass, only after those that changed something, or not at all.
    ``on_error``: ``"raise"`` a PassError that names the pass, or ``"rollback"``: go on with the graph as it was before.
    ``print_before``, ``print_after``: names of passes around which to print the graph (``"*"``: all); ``output`` gets
    the text. ``cost``: count FLOPs and bytes, with ``sizes`` for symbolic dims (default 1).
    """

    passes: Sequence[Pass]
    verify: Verify = "changed"
    on_error: OnError = "raise"
    print_before: Collection[str] = ()
    print_after: Collection[str] = ()
    output: Callable[[str], object] = print
    cost: bool = True
    sizes: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.verify not in ("always", "changed", "never"):
            raise ArgumentError(f"verify={self.verify!r}; expected 'always', 'changed' or 'never'")
        if self.on_error not in ("raise", "rollback"):
            raise ArgumentError(f"on_error={self.on_error!r}; expected 'raise' or 'rollback'")

    def run(self, graph: Graph) -> tuple[Graph, Report]:
        """Transforms the graph in place and reports. After a rollback the graph returned is another object."""
        report = Report(graph.name)
        cost = self._cost(graph)
        for each in self.passes:
            graph, record = self._run_one(each, graph, cost)
            report.records.append(record)
            cost = record.after
        return graph, report

    def _run_one(self, each: Pass, graph: Graph, before: Cost) -> tuple[Graph, PassRecord]:
        backup = graph.copy() if self.on_error == "rollback" else None
        self._print(each, graph, self.print_before, "before")
        start = time.perf_counter()
        try:
            changed = each(graph)
            seconds = time.perf_counter() - start
            self._check(graph, changed)
        except Exception as error:
            if backup is None:
                raise _failure(each, graph, error) from error
            return backup, PassRecord(each.name, time.perf_counter() - start, before, before, False, _text(error))
        self._print(each, graph, self.print_after, "after")
        after = self._cost(graph) if changed else before
        return graph, PassRecord(each.name, seconds, before, after, changed)

    def _check(self, graph: Graph, changed: bool) -> None:
        if self.verify == "always" or (self.verify == "changed" and changed):
            verify(graph)

    def _cost(self, graph: Graph) -> Cost:
        return graph_cost(graph, self.sizes, default=1) if self.cost else Cost(nodes=len(graph))

    def _print(self, each: Pass, graph: Graph, wanted: Collection[str], when: str) -> None:
        if each.name in wanted or "*" in wanted:
            self.output(f"// {when} {each.name}\n{print_graph(graph, abridged=True)}")


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _failure(each: Pass, graph: Graph, error: Exception) -> PassError:
    remedy = "leave it out of the pipeline, or run with on_error='rollback'"
    return PassError(f"pass {each.name} ({each}) failed on graph {graph.name}: {_text(error)}; {remedy}")


@dataclass(frozen=True)
class Culprit:
    """What breaks a graph: pass number ``index``, and within it application number ``application`` of ``rewrite``
    (None and empty if the pass does not work by rewrites, or not by one of them alone)."""

    index: int
    name: str
    application: int | None = None
    rewrite: str = ""

    def __str__(self) -> str:
        where = f", application {self.application} of its rewrites: {self.rewrite}" if self.rewrite else ""
        return f"pass {self.index} ({self.name}){where}"


def bisect(graph: Graph, passes: Sequence[Pass], check: Callable[[Graph], bool]) -> Culprit | None:
    """The first pass after which ``check`` (True: the graph is right) fails, and the rewrite in it that is to blame.

    The graph itself is not changed. A pass that raises counts as breaking. Returns None when the whole pipeline is
    right. Raises ArgumentError if the graph is wrong to begin with.
    """
    if not check(graph.copy()):
        raise ArgumentError(f"the check already fails on {graph.name} before any pass; bisecting needs a graph that is "
                            "right before the passes")  # fmt: skip
    if _is_right(graph, passes, check):
        return None
    index = _first(len(passes), lambda count: not _is_right(graph, passes[: count + 1], check))
    return _blame_rewrite(_after(graph, passes[:index]), index, passes[index], check)


def _first(count: int, holds: Callable[[int], bool]) -> int:
    """The smallest number for which a condition holds that, once it holds, keeps holding; it holds for the last."""
    low, high = 0, count - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _after(graph: Graph, passes: Sequence[Pass]) -> Graph:
    result = graph.copy()
    for each in passes:
        each(result)
    return result


def _is_right(graph: Graph, passes: Sequence[Pass], check: Callable[[Graph], bool]) -> bool:
    try:
        result = _after(graph, passes)
        verify(result)
    except GraphcError:
        return False
    return check(result)


def _blame_rewrite(graph: Graph, index: int, each: Pass, check: Callable[[Graph], bool]) -> Culprit:
    applied = _applied(graph, each)

    def breaks(limit: int) -> bool:
        with limited_rewrites(limit):
            return not _is_right(graph, [each], check)

    if not applied or breaks(0) or not breaks(len(applied)):
        return Culprit(index, each.name)
    number = _first(len(applied) + 1, breaks)
    return Culprit(index, each.name, number, applied[number - 1])


def _applied(graph: Graph, each: Pass) -> list[str]:
    """The rewrites that the pass applies, as far as it comes."""
    with limited_rewrites(_UNLIMITED) as fuel:
        try:
            each(graph.copy())
        except GraphcError:
            return fuel.applied
    return fuel.applied
