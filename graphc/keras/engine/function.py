"""The graph of a functional model: which calls lead from its inputs to its outputs, in which order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from graphc.keras.engine.keras_tensor import KerasTensor
from graphc.keras.engine.node import Node, node_of
from graphc.keras.engine.operation import Operation
from graphc.keras.engine.shapes import described, shapes_of
from graphc.pytree import flatten, leaves_of, unflatten
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.base import lift

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
        self.nodes, met = self._walk(outputs)
        self.operations = self._ordered(met)
        self._check()

    def _walk(self, outputs: list[KerasTensor]) -> tuple[list[Node], dict[int, int]]:
        """Nodes after those they need, and the number at which each operation was met first."""
        done: list[Node] = []
        state: dict[int, bool] = {}  # True: finished
        met: dict[int, int] = {}
        for output in outputs:
            pending: list[tuple[Node, bool]] = [(node, False) for node in self._makers([output])]
            while pending:
                node, entered = pending.pop()
                if entered:
                    state[id(node)] = True
                    done.append(node)
                elif id(node) not in state:
                    state[id(node)] = False
                    met.setdefault(id(node.operation), len(met))
                    pending.append((node, True))
                    pending.extend((maker, False) for maker in reversed(self._makers(node.input_tensors)))
        return done, met

    def _makers(self, tensors: list[KerasTensor]) -> list[Node]:
        """The calls within this graph that give these tensors."""
        real = [self.real(tensor) for tensor in tensors]
        return [node_of(tensor) for tensor in real if not self._is_from_outside(tensor)]

    def _is_from_outside(self, tensor: KerasTensor) -> bool:
        """Whether the graph begins with a tensor that is no Input of its own."""
        return id(tensor) in self._boundary and (tensor.history is None or not node_of(tensor).is_input)

    def real(self, tensor: KerasTensor) -> KerasTensor:
        """The input that stands in for a tensor, if one does; else the tensor."""
        return self._stand_ins.get(id(tensor), tensor)

    def node_of(self, tensor: KerasTensor) -> Node:
        """The call that gives a tensor within this graph."""
        return node_of(self.real(tensor))

    def _ordered(self, met: dict[int, int]) -> list[Any]:
        depths: dict[int, int] = {}
        of_operation: dict[int, int] = {}
        operations: dict[int, Any] = {}
        for node in reversed(self.nodes):
            key = id(node.operation)
            operations[key] = node.operation
            depth = max(depths.get(id(node), 0), of_operation.get(key, 0))
            depths[id(node)] = of_operation[key] = depth
            for parent in self._makers(node.input_tensors):
                depths[id(parent)] = max(depth + 1, depths.get(id(parent), 0))
        for node in self._makers(self.inputs):
            operation = node.operation
            if id(operation) not in operations:  # an input that no output needs
                operations[id(operation)] = operation
                of_operation[id(operation)], met[id(operation)] = 0, -1
        by_depth: dict[int, list[int]] = defaultdict(list)
        for key, depth in of_operation.items():
            by_depth[depth].append(key)
        ordered = [k for d in sorted(by_depth, reverse=True) for k in sorted(by_depth[d], key=met.__getitem__)]
        return [operations[key] for key in ordered]

    def _check(self) -> None:
        counts = Counter(operation.name for operation in self.operations)
        repeated = [name for name, count in counts.items() if count > 1]
        if repeated:
            raise ArgumentError(f"the name {repeated[0]!r} is used {counts[repeated[0]]} times in the model; all "
                                "layers need names of their own: pass name=... to one of them")  # fmt: skip
        for node in self.nodes:
            if node.is_input and not any(id(t) in self._boundary for t in node.output_tensors):
                raise self._not_connected(node)

    def _not_connected(self, source: Node) -> ArgumentError:
        output = next(t for t in self.outputs if source in self._walk([t])[0])
        return ArgumentError(f"Output {output.name!r} is not connected to `inputs`: it follows from the tensor "
                             f"{source.output_tensors[0]!r} of {source.operation.name!r}, which is not among the "
                             f"inputs {[t.name for t in self.inputs]}; add it to them")  # fmt: skip

    def run(self, values: list[Any], call: Callable[[Any], Callable[..., Any]] = lambda operation: operation) -> Any:
        """The output values for input values, each in order. ``call`` gives what is called for an operation."""
        known = {id(t): value for t, value in zip(self.inputs, values, strict=True)}
        for node in self.nodes:
            if node.is_input:
                continue
            args, kwargs = node.fill(lambda tensor: known[id(self.real(tensor))])
            results = leaves_of(call(node.operation)(*args, **kwargs), none_is_leaf=True)
            described = leaves_of(node.outputs, none_is_leaf=True)
            known.update({id(t): r for t, r in zip(described, results, strict=True)})
        return [known[id(self.real(t))] for t in self.outputs]


class Function(Operation):
    """A functional graph as an operation: ``Function(inputs, outputs)`` of (structures of) KerasTensors.

    Unlike a Model it may begin anywhere, and has no weights of its own. Raises ArgumentError for empty structures and
    for outputs that do not follow from the inputs.
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None) -> None:
        super().__init__(name)
        self.inputs, self._input_structure = _tensors(inputs, "inputs")
        self.outputs, self._output_structure = _tensors(outputs, "outputs")
        self.graph = FunctionGraph(self.inputs, self.outputs)

    @property
    def operations(self) -> list[Any]:
        """The operations between inputs and outputs."""
        return self.graph.operations

    def call(self, inputs: Any) -> Any:
        """The outputs. Raises ArgumentError for another structure, ShapeError for shapes that do not fit."""
        values, structure = flatten(inputs)
        if len(values) != len(self.inputs) or (len(values) > 1 and structure != self._input_structure):
            raise ArgumentError(f"{self.name} was called with an invalid input structure: expected "
                                f"{self._input_structure}, got {structure}")  # fmt: skip
        tensors = [lift(value) for value in values]
        for tensor, wanted in zip(tensors, self.inputs, strict=True):
            if not _fits(tensor.shape, wanted.shape):
                raise ShapeError(f"{self.name} was called with incompatible inputs: expected shape {wanted.shape} for "
                                 f"{wanted.name}, got {tensor.shape}")  # fmt: skip
        return unflatten(self._output_structure, self.graph.run(tensors))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shapes of the outputs for inputs of these shapes."""
        return shapes_of(self.compute_output_spec(described(input_shape, self.inputs[0].dtype)))


def _tensors(tree: Any, what: str) -> tuple[list[KerasTensor], Any]:
    tensors, structure = flatten(tree)
    if not tensors:
        raise ArgumentError(f"Function: the `{what}` argument cannot be empty")
    for tensor in tensors:
        if not isinstance(tensor, KerasTensor):
            raise ArgumentError(f"Function: All `{what}` values must be KerasTensors, got {type(tensor).__name__}; "
                                "begin with keras.Input(shape=...) and call layers on it")  # fmt: skip
    return tensors, structure


def _fits(shape: Any, wanted: Any) -> bool:
    pairs = zip(shape, wanted, strict=False)
    return len(shape) == len(wanted) and all(a is None or b is None or a == b for a, b in pairs)
