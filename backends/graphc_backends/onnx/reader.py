"""What import rules work with: one ONNX node, its operands and its sub-graphs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from onnx import AttributeProto, GraphProto, NodeProto, TensorProto, defs, helper

from graphc_backends.onnx.rules import WITHOUT_EFFECT
from graphc_ir.dims import Shape
from graphc_ir.errors import ImportModelError
from graphc_ir.graph import Graph, Value
from graphc_ir.ops.base import Array, Op, Operand, bind, current
from graphc_ir.ops.constant import Constant
from graphc_ir.types import TensorType


class SubgraphReader(Protocol):
    """The enclosing importer, as far as rules of control flow need it."""

    def subgraph(self, proto: GraphProto, types: Sequence[TensorType] | None) -> tuple[Graph, list[Value]]: ...

    def tensor(self, proto: TensorProto) -> Array: ...


class ImportContext:
    """One ONNX node while it is read. ``operands`` holds None for absent optional inputs.

    ``opset`` is the version of the node's own domain. A rule that has no form for what the node asks calls
    :meth:`decline`; the node then stays as it is. So does a node with an attribute that the rule never looked
    at, unless it has its default value.
    """

    def __init__(
        self,
        node: NodeProto,
        operands: Sequence[Operand | None],
        opset: int,
        reader: SubgraphReader | None = None,
    ) -> None:
        self.node = node
        self.operands: list[Any] = list(operands)
        self.opset = opset
        self._reader = reader
        self._attributes = {a.name: a for a in node.attribute}
        self._seen: set[str] = set()

    @property
    def where(self) -> str:
        """The node as error messages name it."""
        return describe(self.node)

    def decline(self, reason: str) -> ImportModelError:
        """``raise context.decline("...")``: there is no op for this use of the operator."""
        return ImportModelError(f"{self.where}: {reason}")

    # --- attributes -----------------------------------------------------------------------------------------

    def has(self, name: str) -> bool:
        self._seen.add(name)
        return name in self._attributes

    def attribute(self, name: str, *default: Any) -> Any:
        """An attribute's value. Raises ImportModelError when it is missing and there is no default."""
        self._seen.add(name)
        found = self._attributes.get(name)
        if found is not None:
            value = helper.get_attribute_value(found)
            if isinstance(value, float):  # the shortest decimal of a float32: 0.2, not 0.20000000298
                return float(str(np.float32(value)))
            return value.decode() if isinstance(value, bytes) else value
        if default:
            return default[0]
        raise ImportModelError(f"{self.where} lacks the attribute {name!r}")

    def tensor(self, name: str) -> Array:
        """The array of a tensor attribute. Raises ImportModelError for damaged data."""
        assert self._reader is not None, "tensor attributes are read by the importer"
        return self._reader.tensor(self.attribute(name))

    def unseen(self) -> list[str]:
        """Attributes that nobody asked for and that say something other than their default."""
        names = self._attributes.keys() - self._seen - WITHOUT_EFFECT.get(self.node.op_type, frozenset())
        return sorted(name for name in names if not self._is_default(self._attributes[name])) if names else []

    def _is_default(self, attribute: AttributeProto) -> bool:
        domain = self.node.domain
        if not defs.has(self.node.op_type, domain):
            return False
        declared = defs.get_schema(self.node.op_type, self.opset, domain).attributes.get(attribute.name)
        if declared is None or not declared.default_value.name:
            return False
        same: bool = helper.get_attribute_value(declared.default_value) == helper.get_attribute_value(attribute)
        return same

    # --- operands -------------------------------------------------------------------------------------------

    def operand(self, index: int) -> Operand | None:
        """An optional operand, None when absent."""
        return self.operands[index] if index < len(self.operands) else None

    def array(self, index: int) -> Array | None:
        """The value of an operand that is a constant of the model; None when it is absent or computed."""
        operand = self.operand(index)
        op = operand.op if isinstance(operand, Value) else None
        return op.value.array if isinstance(op, Constant) else None

    def sizes(self, index: int) -> Shape:
        """The values of an integer operand, known while reading (constants and computed sizes)."""
        known = self.sizes_or_none(index)
        if known is None:
            raise ImportModelError(
                f"{self.where}: input {index} must be known without running the model, but it depends on data"
            )
        return known

    def sizes_or_none(self, index: int) -> Shape | None:
        operand = self.operand(index)
        return None if operand is None else current().symbolic_dims(operand)

    def axes_operand_or_attribute(self) -> list[int] | None:
        """Axes given as second operand (newer versions) or attribute (older ones); None if absent."""
        if self.operand(1) is not None:
            return [int(a) for a in self.sizes(1)]
        return list(self.attribute("axes")) if self.has("axes") else None

    # --- results --------------------------------------------------------------------------------------------

    @property
    def num_outputs(self) -> int:
        """How many outputs the node lists; absent ones in the middle count."""
        return len(self.node.output)

    def wants(self, index: int) -> bool:
        """Whether the model uses an optional output."""
        return index < len(self.node.output) and bool(self.node.output[index])

    def fold(self, function: Callable[[Any, Any], Any]) -> Operand:
        """A variadic operator as repeated application of a binary function."""
        result = self.operands[0]
        for operand in self.operands[1:]:
            result = function(result, operand)
        return result

    def bind(self, op: Op, *operands: Operand) -> Any:
        return bind(op, *operands)

    # --- sub-graphs -----------------------------------------------------------------------------------------

    def subgraph(self, name: str, types: Sequence[TensorType] | None = None) -> tuple[Graph, list[Value]]:
        """The sub-graph in an attribute as a closed region, and the outer values that it captures.

        The region's inputs are its own (typed by ``types`` where given, else as the model declares them),
        followed by one per captured value. Constants of the outer graph are copied in, not captured.
        """
        assert self._reader is not None, "sub-graphs are read by the importer"
        proto: GraphProto = self.attribute(name)
        return self._reader.subgraph(proto, types)


def describe(node: NodeProto) -> str:
    """A node as error messages name it."""
    name = node.name or (node.output[0] if node.output else "")
    return f"{node.op_type} node {name!r}"
