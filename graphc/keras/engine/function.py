"""The graph of a functional model: which calls lead from its inputs to its outputs, in which order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from graphc.keras.engine.keras_tensor import KerasTensor
from graphc.keras.engine.node import Node, node_of
from graphc.keras.engine.operation import Operation
from graphc.pytree import flatten, leaves_of, unflatten
from graphc_ir.errors import ArgumentError

__all__ = ["Function", "FunctionGraph"]


class FunctionGraph:
    """``nodes`` in an order in which they can run; ``operations`` as Keras orders them: farthest from the outputs
    first, then by when a walk from the outputs meets them.

    ``stand_ins`` maps (by id) tensors inside the graph to inputs that take their place, for a graph that begins there.

    Raises ArgumentError when an output does not follow from the inputs, or two operations share a name.
    """

    def __init__(
        self,
        inputs: list[KerasTensor],
        outputs: list[KerasTensor],
        stand_ins: Mapping[int, KerasTensor] | None = None,
    ) -> None:
        self.inputs = inputs
        self.outputs = outputs
        self._stand_ins = dict(stand_ins or {})
        self._boundary = {id(t) for t in inputs}
        self.nodes, met = self._walk()
        self.operations = self._ordered(met)
        self._check_names()

    def _walk(self) -> tuple[list[Node], dict[int, int]]:
        """Nodes after those they need, and the number at which each operation was met first."""
        done: list[Node] = []
        state: dict[int, bool] = {}  # True: finished
        met: dict[int, int] = {}
        for output in self.outputs:
            pending: list[tuple[Node, bool]] = [(self.node_of(output), False)]
            while pending:
                node, entered = pending.pop()
                if entered:
                    state[id(node)] = True
                    done.append(node)
                elif id(node) not in state:
                    state[id(node)] = False
                    met.setdefault(id(node.operation), len(met))
                    pending.append((node, True))
                    pending.extend((parent, False) for parent in reversed(self._parents(node)))
        return done, met

    def _parents(self, node: Node) -> list[Node]:
        if self._is_boundary(node):
            return []
        return [self.node_of(tensor) for tensor in node.input_tensors]

    def real(self, tensor: KerasTensor) -> KerasTensor:
        """The input that stands in for a tensor, if one does; else the tensor."""
        return self._stand_ins.get(id(tensor), tensor)

    def node_of(self, tensor: KerasTensor) -> Node:
        """The call that gives a tensor within this graph."""
        return node_of(self.real(tensor))

    def _is_boundary(self, node: Node) -> bool:
        return any(id(t) in self._boundary for t in node.output_tensors)

    def _ordered(self, met: dict[int, int]) -> list[Any]:
        depths: dict[int, int] = {}
        of_operation: dict[int, int] = {}
        operations: dict[int, Any] = {}
        for node in reversed(self.nodes):
            key = id(node.operation)
            operations[key] = node.operation
            depth = max(depths.get(id(node), 0), of_operation.get(key, 0))
            depths[id(node)] = of_operation[key] = depth
            for parent in self._parents(node):
                depths[id(parent)] = max(depth + 1, depths.get(id(parent), 0))
        for tensor in self.inputs:
            operation = node_of(tensor).operation
            if id(operation) not in operations:  # an input that no output needs
                operations[id(operation)] = operation
                of_operation[id(operation)], met[id(operation)] = 0, -1
        by_depth: dict[int, list[int]] = defaultdict(list)
        for key, depth in of_operation.items():
            by_depth[depth].append(key)
        ordered = [k for d in sorted(by_depth, reverse=True) for k in sorted(by_depth[d], key=met.__getitem__)]
        return [operations[key] for key in ordered]

    def _check_names(self) -> None:
        counts = Counter(operation.name for operation in self.operations)
        repeated = [name for name, count in counts.items() if count > 1]
        if repeated:
            raise ArgumentError(f"the name {repeated[0]!r} is used {counts[repeated[0]]} times in the model; all "
                                "layers need names of their own: pass name=... to one of them")  # fmt: skip
        for node in self.nodes:
            if node.is_input and not self._is_boundary(node):
                raise ArgumentError(f"the outputs need the tensor {node.output_tensors[0]!r} of {node.operation.name!r}"
                                    f", which is not among the inputs {[t.name for t in self.inputs]}; add it to the "
                                    "model's inputs")  # fmt: skip

    def run(self, values: list[Any], call: Callable[[Any], Callable[..., Any]] = lambda operation: operation) -> Any:
        """The output values for input values, each in order. ``call`` gives what is called for an operation."""
        known = {id(t): value for t, value in zip(self.inputs, values, strict=True)}
        for node in self.nodes:
            if self._is_boundary(node):
                continue
            args, kwargs = node.fill(lambda tensor: known[id(self.real(tensor))])
            results = leaves_of(call(node.operation)(*args, **kwargs), none_is_leaf=True)
            described = leaves_of(node.outputs, none_is_leaf=True)
            known.update({id(t): r for t, r in zip(described, results, strict=True)})
        return [known[id(self.real(t))] for t in self.outputs]


class Function(Operation):
    """A functional graph as an operation: ``Function(inputs, outputs)`` of (structures of) KerasTensors."""

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None) -> None:
        super().__init__(name)
        self.inputs = leaves_of(inputs)
        flat, self._output_structure = flatten(outputs)
        self.outputs = flat
        self.graph = FunctionGraph(self.inputs, self.outputs)

    @property
    def operations(self) -> list[Any]:
        return self.graph.operations

    def call(self, inputs: Any) -> Any:
        return unflatten(self._output_structure, self.graph.run(leaves_of(inputs)))
