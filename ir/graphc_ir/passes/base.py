"""What a pass is, and the passes known by name."""

from __future__ import annotations

import dataclasses
import re
from typing import Any, ClassVar, Final, TypeVar, dataclass_transform

from graphc_ir.errors import ArgumentError
from graphc_ir.graph import Graph

PASSES: Final[dict[str, type[Pass]]] = {}
"""Every registered pass class by its name."""


@dataclass_transform(frozen_default=True)
class Pass:
    """A transformation of graphs. Subclasses become frozen dataclasses by themselves; their fields are the options.

    A pass takes a valid graph, changes it in place, leaves it valid and says whether it changed anything.
    """

    name: ClassVar[str] = ""
    enters_regions: ClassVar[bool] = True
    """Whether the pass also runs on the regions of control-flow ops, innermost first."""

    def __init_subclass__(cls, *, name: str = "") -> None:
        super().__init_subclass__()
        dataclasses.dataclass(frozen=True)(cls)
        cls.name = name or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()

    def run(self, graph: Graph) -> bool:
        """Transforms the graph (regions not included); returns whether anything changed."""
        raise NotImplementedError

    def __call__(self, graph: Graph) -> bool:
        """Transforms the graph, and its regions if the pass enters them."""
        changed = self._regions(graph) if self.enters_regions else False
        return self.run(graph) or changed

    def _regions(self, graph: Graph) -> bool:
        changed = False
        for node in graph.nodes():
            for region in node.regions:
                changed = self(region) or changed
        return changed


PassClass = TypeVar("PassClass", bound=type[Pass])


def register_pass(cls: PassClass) -> PassClass:
    """Class decorator: makes a pass known by its name, e.g. for pipelines and the command line.

    Raises ArgumentError when the name is taken.
    """
    if PASSES.setdefault(cls.name, cls) is not cls:
        raise ArgumentError(f"there is a pass named {cls.name!r} already; choose another name")
    return cls


def get_pass(name: str, **options: Any) -> Pass:
    """The pass of that name with these options. Raises ArgumentError for an unknown name or option."""
    cls = PASSES.get(name)
    if cls is None:
        raise ArgumentError(f"unknown pass {name!r}; there are {', '.join(sorted(PASSES))}")
    known = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
    unknown = [option for option in options if option not in known]
    if unknown:
        raise ArgumentError(f"pass {name!r} has no option {unknown[0]!r}; its options: {', '.join(known) or 'none'}")
    return cls(**options)


def replace_contents(graph: Graph, other: Graph) -> None:
    """Makes ``graph`` what ``other`` is, for passes that build anew. ``other`` has the same inputs, and maybe more."""
    graph.set_outputs(())
    for node in graph.nodes_reversed():
        graph.erase(node)
    for value in other.inputs[len(graph.inputs) :]:
        graph.add_input(value.type, value.name)
    graph.states = list(other.states)
    graph.output_names = list(other.output_names)
    graph.set_outputs(other.copy_into(graph, graph.inputs))
