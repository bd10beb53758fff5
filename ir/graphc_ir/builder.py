"""Appends nodes to a graph: the interpreter whose operands are graph values."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc_ir.dims import Shape
from graphc_ir.dtypes import DType
from graphc_ir.graph import UNKNOWN, Graph, Location, Node, Value
from graphc_ir.ops.base import Array, Interpreter, Op, Operand
from graphc_ir.ops.constant import ArrayAttribute, Constant
from graphc_ir.symbolic import symbolic_value
from graphc_ir.types import TensorType


class GraphBuilder(Interpreter):
    """Builds into ``graph``, at its end or right before the node ``before``."""

    operand_type = Value

    def __init__(self, graph: Graph, before: Node | None = None) -> None:
        self.graph = graph
        self.before = before
        self.location: Location = UNKNOWN

    def bind(self, op: Op, operands: tuple[Operand, ...], regions: tuple[Graph, ...] = ()) -> Any:
        types = op.infer_node([operand.type for operand in operands], regions)
        node = self.graph.append(op, operands, types, regions, self.location, self.before)
        return node.results[0] if op.num_results == 1 else node.results

    def type_of(self, operand: Operand) -> TensorType:
        return operand.type  # type: ignore[no-any-return]

    def dtype_of(self, operand: Operand) -> DType:
        return operand.type.dtype  # type: ignore[no-any-return]

    def shape_of(self, operand: Operand) -> Shape:
        return operand.type.shape  # type: ignore[no-any-return]

    def constant(self, array: Array) -> Value:
        result: Value = self.bind(Constant(ArrayAttribute(np.asarray(array))), ())
        return result

    def symbolic_dims(self, operand: Operand) -> Shape | None:
        return symbolic_value(operand)
