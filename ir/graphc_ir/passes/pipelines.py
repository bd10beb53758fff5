"""Pipelines: lists of passes by name.

``O0`` does nothing, ``O1`` cleans up without changing a digit, ``O2`` (the default) also puts composite ops in place of
their written-out forms, ``O3`` also applies every rewrite that changes only the rounding of results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from graphc_ir.collector import collection_paused
from graphc_ir.errors import ArgumentError
from graphc_ir.graph import Graph
from graphc_ir.passes.base import PASSES, Pass, get_pass
from graphc_ir.passes.convolution import FuseConv
from graphc_ir.passes.cse import CommonSubexpressionElimination
from graphc_ir.passes.dce import DeadCodeElimination
from graphc_ir.passes.fold import ConstantFolding
from graphc_ir.passes.fusion import FuseComposites
from graphc_ir.passes.gemm import FuseGemm
from graphc_ir.passes.inline import ForgetGradients, Inline
from graphc_ir.passes.manager import PassManager, Verify
from graphc_ir.passes.pack import PackUpdates
from graphc_ir.passes.report import Report
from graphc_ir.passes.simplify import EXACT, Simplify, Sink
from graphc_ir.passes.weights import FoldWeights

PIPELINES: Final[dict[str, tuple[Pass, ...]]] = {}
"""Every pipeline by its name."""


def register_pipeline(name: str, passes: Sequence[Pass | str]) -> None:
    """Makes a list of passes (or names of passes) known under a name, for ``optimize(graph, level=name)``.

    Raises ArgumentError for a name that is taken or an unknown pass.
    """
    if name in PIPELINES or name in PASSES:
        raise ArgumentError(f"there is a pipeline or pass named {name!r} already; choose another name")
    PIPELINES[name] = resolve_passes(passes)


def resolve_passes(passes: Sequence[Pass | str]) -> tuple[Pass, ...]:
    """The passes that a list of passes, names of passes and names of pipelines means."""
    found: list[Pass] = []
    for each in passes:
        if isinstance(each, Pass):
            found.append(each)
        elif each in PIPELINES:
            found += PIPELINES[each]
        else:
            found.append(get_pass(each))
    return tuple(found)


def pipeline(level: str) -> tuple[Pass, ...]:
    """The passes of a pipeline. Raises ArgumentError for an unknown name."""
    if level not in PIPELINES:
        raise ArgumentError(f"unknown optimization level {level!r}; there are {', '.join(PIPELINES)}")
    return PIPELINES[level]


def optimize(
    graph: Graph,
    level: str = "O2",
    passes: Sequence[Pass | str] | None = None,
    *,
    differentiable: bool = True,
    verify: Verify = "changed",
    cost: bool = True,
    sizes: Mapping[str, int] | None = None,
) -> tuple[Graph, Report]:
    """An optimized copy of the graph, and what each pass did.

    ``passes`` (passes or names) replaces the pipeline ``level``. ``differentiable=False`` also drops what only
    derivatives need: ``stop_gradient`` and custom derivatives. ``verify`` and ``cost`` are those of PassManager.
    """
    chosen = pipeline(level) if passes is None else resolve_passes(passes)
    if not differentiable:
        chosen = (ForgetGradients(), *chosen)
    with collection_paused():
        return PassManager(chosen, verify=verify, cost=cost, sizes=sizes or {}).run(graph.copy())


_CLEAN: Final = (Inline(), DeadCodeElimination(), Simplify(), ConstantFolding(), CommonSubexpressionElimination())
_RISKY: Final = (*EXACT, "changes_rounding")

register_pipeline("O0", ())
register_pipeline("O1", (*_CLEAN, DeadCodeElimination()))
_FUSE: Final = (FuseComposites(), FoldWeights(), FuseConv(), FuseGemm(), PackUpdates(), Sink())
register_pipeline("O2", (*_CLEAN, *_FUSE, ConstantFolding(), DeadCodeElimination()))
register_pipeline("O3", (*pipeline("O2"), Simplify(_RISKY), ConstantFolding(), CommonSubexpressionElimination(),
                         DeadCodeElimination()))  # fmt: skip
