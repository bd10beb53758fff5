"""A stage of a pipeline. Datasets are thin handles on stages; stages know nothing of tensors or datasets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from optree import PyTreeSpec

from graphc.data.plan import Plan
from graphc.data.shuffle import EpochSeeds
from graphc.data.structure import LeafSpec, Leaves


class Node(ABC):
    """Makes elements, any number of times.

    A stage that can say its elements as rows of columns gives a ``plan``; the stages after it then work on
    row numbers. Every other stage streams elements.
    """

    name: str = ""
    """The dataset method that makes such a stage, for messages and printing."""

    inputs: tuple[Node, ...] = ()

    seeds: EpochSeeds | None = None
    """Where a stage that is random takes the generator of each pass."""

    @property
    @abstractmethod
    def treedef(self) -> PyTreeSpec:
        """The structure of the elements; once an element has been made, it is known without further work."""

    @property
    @abstractmethod
    def leaf_specs(self) -> tuple[LeafSpec, ...]:
        """What is known of each leaf; after user functions this makes elements to find out."""

    @property
    @abstractmethod
    def cardinality(self) -> int:
        """The number of elements, or ``cardinality.INFINITE`` or ``cardinality.UNKNOWN``."""

    def plan(self) -> Plan | None:
        """The elements as rows of columns, where they are that."""
        return None

    @abstractmethod
    def stream(self) -> Iterator[Leaves]:
        """The elements of one pass, one by one."""

    def elements(self) -> Iterator[Leaves]:
        """The elements of one pass, by the fastest way."""
        plan = self.plan()
        return self.stream() if plan is None else plan.elements()

    @property
    def is_static(self) -> bool:
        """Whether structure and specs are known without running user functions."""
        return all(source.is_static for source in self.inputs)

    @property
    def resumable(self) -> bool:
        """Whether iterating goes on with the next element after one raised an error."""
        return False


class Source(Node):
    """A stage without inputs whose structure is known from the start."""

    def __init__(self, treedef: PyTreeSpec, leaf_specs: tuple[LeafSpec, ...], cardinality: int) -> None:
        self._treedef = treedef
        self._leaf_specs = leaf_specs
        self._cardinality = cardinality

    @property
    def treedef(self) -> PyTreeSpec:
        return self._treedef

    @property
    def leaf_specs(self) -> tuple[LeafSpec, ...]:
        return self._leaf_specs

    @property
    def cardinality(self) -> int:
        return self._cardinality


class Unary(Node):
    """A stage with one input; its elements are like those of the input unless it says otherwise."""

    def __init__(self, source: Node) -> None:
        self.source = source
        self.inputs = (source,)

    @property
    def treedef(self) -> PyTreeSpec:
        return self.source.treedef

    @property
    def leaf_specs(self) -> tuple[LeafSpec, ...]:
        return self.source.leaf_specs

    @property
    def cardinality(self) -> int:
        return self.source.cardinality


class Routing(Unary):
    """A Unary stage that hands on elements of its input one for one, so that errors pass through it."""

    @property
    def resumable(self) -> bool:
        return self.source.resumable


def ancestors(node: Node) -> Iterator[Node]:
    """The node and every stage before it; one that several stages share comes several times."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(current.inputs)
