"""Control flow in ONNX: If, Loop and Scan. Calls are written in place.

Sub-graphs read what they need of the graph around them by its name there, so constants of a loop are no loop variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from graphc_backends.onnx.reader import ImportContext
from graphc_backends.onnx.rules import exports, imports
from graphc_backends.onnx.writer import OnnxWriter, plain_symbol
from graphc_ir.builder import GraphBuilder
from graphc_ir.dims import Dim, evaluate
from graphc_ir.dtypes import bool_, int64
from graphc_ir.errors import DTypeError, ShapeError
from graphc_ir.graph import Graph, Node, Value
from graphc_ir.ops import control as ops
from graphc_ir.ops.base import Operand, bind, lift, shape_of, type_of, using
from graphc_ir.ops.call import Call, CustomVjp
from graphc_ir.ops.constant import Constant
from graphc_ir.ops.elementwise import add, less
from graphc_ir.ops.fused import Fused
from graphc_ir.ops.logical import logical_and
from graphc_ir.ops.movement import reshape
from graphc_ir.ops.regions import set_inputs, specialize
from graphc_ir.types import TensorType

_TRIP = TensorType(int64, ())
_FLAG = TensorType(bool_, ())


def _inline(writer: OnnxWriter, node: Node, operands: list[str]) -> list[str]:
    return writer.write_inline(node.regions[0], operands)


exports(Fused)(_inline)
exports(CustomVjp)(_inline)


@exports(Call)
def _call(writer: OnnxWriter, node: Node, operands: list[str]) -> list[str]:
    """In place; an isolated call as a loop of one round, since runtimes merge equal nodes, but not across loops."""
    op, region = cast(Call, node.op), node.regions[0]
    if not op.isolated:
        return _inline(writer, node, operands)
    round_ = writer.subgraph(_single_round(region), region.name, [("iteration", _TRIP), ("condition", _FLAG)], operands)
    stacked = writer.emit("Loop", [writer.constant(np.array(1, np.int64)), ""], op.results, body=round_)
    axis = writer.constant(np.array([0], np.int64))
    return [writer.emit("Squeeze", [name, axis]) for name in ([stacked] if isinstance(stacked, str) else stacked)]


def _single_round(region: Graph) -> Graph:
    """The region as the body of a loop that stacks what it computes."""
    graph = Graph(region.name)
    outputs = region.copy_into(graph, [graph.add_input(value.type, value.name) for value in region.inputs])
    with using(GraphBuilder(graph)):
        graph.set_outputs([lift(np.array(True)), *outputs])
    return graph


# --- If --------------------------------------------------------------------------------------------------------------


@exports(ops.Cond)
def _cond(writer: OnnxWriter, node: Node, operands: list[str]) -> Any:
    chosen, other = (writer.subgraph(region, region.name, captured=operands[1:]) for region in node.regions)
    return writer.emit("If", operands[:1], node.op.num_results, then_branch=chosen, else_branch=other)


@imports("If")
def _read_cond(context: ImportContext) -> Operand:
    chosen, from_chosen = context.subgraph("then_branch")
    other, from_other = context.subgraph("else_branch")
    captured = list(dict.fromkeys([*from_chosen, *from_other]))
    for region, own in ((chosen, from_chosen), (other, from_other)):
        _add_captures(region, own, captured)
    op = ops.Cond(len(chosen.outputs))
    try:
        return bind(op, _scalar(context.operands[0]), *captured, regions=(chosen, other))
    except (DTypeError, ShapeError) as error:
        raise context.decline(str(error)) from error


def _add_captures(region: Graph, own: Sequence[Value], wanted: Sequence[Value]) -> None:
    """Makes ``wanted`` the captures of a region that has those in ``own``."""
    position = {value: i for i, value in enumerate(own)}
    inputs = list(region.inputs)
    set_inputs(region, [inputs[position[v]] if v in position else region.add_input(v.type) for v in wanted])


def _scalar(operand: Operand) -> Operand:
    """Conditions and trip counts may come with one element in any rank."""
    return reshape(operand, ()) if shape_of(operand) else operand


# --- Loop ------------------------------------------------------------------------------------------------------------


@exports(ops.While)
def _while(writer: OnnxWriter, node: Node, operands: list[str]) -> Any:
    op, (cond, body) = cast(ops.While, node.op), node.regions
    trips = "" if op.max_trips is None else writer.constant(np.array(op.max_trips, np.int64))
    start = writer.write_inline(specialize(cond, _first_sizes(node, cond)), operands)
    round_ = writer.subgraph(
        _round(op, cond, body), body.name, [("iteration", _TRIP), ("condition", _FLAG)], operands[op.carries :]
    )
    return writer.emit("Loop", [trips, *start, *operands[: op.carries]], op.num_results, body=round_)


def _first_sizes(node: Node, cond: Graph) -> dict[str, Dim]:
    """Sizes of loop variables that may change from round to round, as they are before the first."""
    pairs = [(o.type.shape, v.type.shape) for o, v in zip(node.operands, cond.inputs, strict=True)]
    sizes = [(have, plain_symbol(want)) for haves, wants in pairs for have, want in zip(haves, wants, strict=True)]
    return {symbol: have for have, symbol in sizes if symbol is not None and symbol != plain_symbol(have)}


def _round(op: ops.While, cond: Graph, body: Graph) -> Graph:
    """The loop variables' next values, preceded by whether to go on."""
    graph = Graph(body.name)
    inputs = [graph.add_input(value.type, value.name) for value in body.inputs]
    following = body.copy_into(graph, inputs)
    again = cond.copy_into(graph, [*following, *inputs[op.carries :]])
    graph.set_outputs([*again, *following])
    return graph


@imports("Loop")
def _read_loop(context: ImportContext) -> Operand:
    """A scan where the trip count is known beforehand, a while loop elsewhere."""
    trips, start = context.array(0), context.array(1)
    carries = context.operands[2:]
    body, captured = context.subgraph("body", [_TRIP, _FLAG, *map(type_of, carries)])
    endless = (context.operand(1) is None or (start is not None and bool(start))) and _never_stops(body)
    stacks = len(body.outputs) - 1 > len(carries)
    try:
        if trips is not None and endless:
            return _counted(body, int(trips), carries, captured)
        if stacks:
            raise context.decline("a loop that stacks results needs a trip count that is known without running it")
        return _conditional(context, body, carries, captured)
    except (DTypeError, ShapeError) as error:
        raise context.decline(str(error)) from error


def _never_stops(body: Graph) -> bool:
    again = body.outputs[0]
    constant = again.op if isinstance(again.op, Constant) else None
    return again is body.inputs[1] or (constant is not None and bool(constant.value.array))


def _counted(body: Graph, trips: int, carries: Sequence[Operand], captured: Sequence[Operand]) -> Operand:
    iteration, condition, *rest = body.inputs
    if condition.users:
        with using(GraphBuilder(body, before=next(body.nodes(), None))):
            condition.replace_all_uses_with(lift(np.array(True)))
    body.set_outputs(body.outputs[1:])
    count = len(carries)
    set_inputs(body, [*rest[:count], iteration, *rest[count:]])
    numbers = lift(np.arange(trips, dtype=np.int64))
    return bind(ops.Scan(count, 1, len(body.outputs)), *carries, numbers, *captured, regions=(body,))


def _conditional(
    context: ImportContext, body: Graph, carries: Sequence[Operand], captured: Sequence[Operand]
) -> Operand:
    trips = context.array(0)
    limit = None if context.operand(0) is None or trips is not None else _scalar(context.operands[0])
    iteration, *_ = body.inputs
    with using(GraphBuilder(body)):
        body.set_outputs([add(iteration, lift(np.array(1, np.int64))), *body.outputs])
    constants = [*captured] if limit is None else [*captured, limit]
    if limit is not None:
        body.add_input(_TRIP)
    start = lift(np.array(True)) if context.operand(1) is None else _scalar(context.operands[1])
    op = ops.While(2 + len(carries), None if trips is None else int(trips))
    first = lift(np.array(0, np.int64))
    found = bind(op, first, start, *carries, *constants, regions=(_condition(body, limit is not None), body))
    return tuple(found[2:])


def _condition(body: Graph, is_limited: bool) -> Graph:
    """Goes on while the carried flag holds, and the iteration number is below the last constant if there is a limit."""
    graph = Graph("condition")
    inputs = [graph.add_input(value.type) for value in body.inputs]
    again = inputs[1]
    if is_limited:
        with using(GraphBuilder(graph)):
            again = logical_and(again, less(inputs[0], inputs[-1]))
    graph.set_outputs([again])
    return graph


# --- Scan ------------------------------------------------------------------------------------------------------------


@exports(ops.Scan)
def _scan(writer: OnnxWriter, node: Node, operands: list[str]) -> Any:
    """A Scan; inside of an If where the number of rounds is computed by the graph, or one less than a size: ONNX
    Runtime has no Scan over nothing."""
    op = cast(ops.Scan, node.op)
    rows = node.operands[op.carries]
    if not op.scanned or not (writer.is_computed(rows.type.shape[0]) or _may_vanish(rows.type.shape[0])):
        return _write_scan(writer, node, operands)
    any_rows = writer.emit("Greater", [writer.sizes(rows.type.shape[:1]), writer.constant(np.array([0], np.int64))])
    types = [result.type for result in node.results]
    scan = writer.branch("rounds", types, lambda inner: _write_scan(inner, node, operands))
    skip = writer.branch("no_rounds", types, lambda inner: _no_rounds(inner, op, types, operands))
    return writer.emit("If", [any_rows], op.results, then_branch=scan, else_branch=skip)


def _may_vanish(size: Dim) -> bool:
    """Whether a size is 0 though those that it follows from are not."""
    return not isinstance(size, int) and evaluate(size, dict.fromkeys(size.symbols, 1)) <= 0


def _no_rounds(writer: OnnxWriter, op: ops.Scan, types: Sequence[TensorType], operands: list[str]) -> list[str]:
    """The results of a Scan over nothing: the carries as they are, and nothing stacked."""
    empty = [(writer.constant(np.zeros((), t.dtype.np)), writer.sizes((0, *t.shape[1:]))) for t in types[op.carries :]]
    return [*operands[: op.carries], *(writer.emit("Expand", [zero, shape]) for zero, shape in empty)]


def _write_scan(writer: OnnxWriter, node: Node, operands: list[str]) -> Any:
    op, body = cast(ops.Scan, node.op), node.regions[0]
    last, stacked = op.carries + op.scanned, op.results - op.carries
    return writer.emit(
        "Scan", operands[:last], op.results,
        body=writer.subgraph(body, body.name, captured=operands[last:]),
        num_scan_inputs=op.scanned,
        scan_input_directions=[1] * op.scanned if op.reverse else None,
        scan_output_directions=[1] * stacked if op.reverse and stacked else None,
    )  # fmt: skip


@imports("Scan", since=9)
def _read_scan(context: ImportContext) -> Operand:
    scanned = int(context.attribute("num_scan_inputs"))
    count = len(context.operands) - scanned
    axes = [*context.attribute("scan_input_axes", []), *context.attribute("scan_output_axes", [])]
    if any(axes):
        raise context.decline("it goes over other axes than the first; transpose before and after it")
    carries, arrays = context.operands[:count], context.operands[count:]
    elements = [type_of(x).with_shape(shape_of(x)[1:]) for x in arrays]
    body, captured = context.subgraph("body", [*map(type_of, carries), *elements])
    stacked = len(body.outputs) - count
    directions = {
        *context.attribute("scan_input_directions", [0] * scanned),
        *context.attribute("scan_output_directions", [0] * stacked),
    }
    if len(directions) > 1:
        raise context.decline("it goes forward over some arrays and backward over others")
    op = ops.Scan(count, scanned, len(body.outputs), directions == {1})
    return bind(op, *carries, *arrays, *captured, regions=(body,))
