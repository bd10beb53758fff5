"""Reads ONNX graphs into IR graphs: the machinery that import rules use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from onnx import NodeProto, helper

from graphc_ir.dims import Shape
from graphc_ir.errors import ImportModelError
from graphc_ir.ops.base import Op, Operand, bind, current


class ImportContext:
    """One ONNX node while it is read. ``operands`` holds None for absent optional inputs."""

    def __init__(self, node: NodeProto, operands: Sequence[Operand | None], opset: int) -> None:
        self.node = node
        self.operands: list[Any] = list(operands)
        self.opset = opset
        self._attributes = {a.name: a for a in node.attribute}

    @property
    def where(self) -> str:
        """The node as error messages name it."""
        return f"{self.node.op_type} node {self.node.name!r}"

    def has(self, name: str) -> bool:
        return name in self._attributes

    def attribute(self, name: str, *default: Any) -> Any:
        """An attribute's value. Raises ImportModelError when it is missing and there is no default."""
        found = self._attributes.get(name)
        if found is not None:
            value = helper.get_attribute_value(found)
            return value.decode() if isinstance(value, bytes) else value
        if default:
            return default[0]
        raise ImportModelError(f"{self.where} lacks the attribute {name!r}")

    def operand(self, index: int) -> Operand | None:
        """An optional operand, None when absent."""
        return self.operands[index] if index < len(self.operands) else None

    def sizes(self, index: int) -> Shape:
        """The values of an integer operand, known while reading (constants and computed sizes)."""
        known = self.sizes_or_none(index)
        if known is None:
            raise ImportModelError(f"{self.where}: input {index} must be known without running the model, but it "
                                   "depends on data")  # fmt: skip
        return known

    def sizes_or_none(self, index: int) -> Shape | None:
        operand = self.operand(index)
        return None if operand is None else current().symbolic_dims(operand)

    def axes_operand_or_attribute(self) -> list[int] | None:
        """Axes given as second operand (newer versions) or attribute (older ones); None if absent."""
        if self.operand(1) is not None:
            return [int(a) for a in self.sizes(1)]  # type: ignore[arg-type]
        return list(self.attribute("axes")) if self.has("axes") else None

    def fold(self, function: Callable[[Any, Any], Any]) -> Operand:
        """A variadic operator as repeated application of a binary function."""
        result = self.operands[0]
        for operand in self.operands[1:]:
            result = function(result, operand)
        return result

    def bind(self, op: Op, *operands: Operand) -> Any:
        return bind(op, *operands)
