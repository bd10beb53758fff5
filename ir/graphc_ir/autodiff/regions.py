"""The derivatives of ops with regions: again ops with regions, so that they can be differentiated again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np

from graphc_ir.autodiff.engine import pull_back, zeros_like
from graphc_ir.autodiff.transform import reachable, records_towards
from graphc_ir.builder import GraphBuilder
from graphc_ir.dtypes import int32
from graphc_ir.errors import GradientError
from graphc_ir.graph import Graph, Value
from graphc_ir.liveness import erase_removable
from graphc_ir.ops.base import Op, Operand, bind, current, dtype_of, lift, using
from graphc_ir.ops.call import Call, CustomVjp
from graphc_ir.ops.control import Cond, Scan, While
from graphc_ir.ops.creation import arange
from graphc_ir.ops.elementwise import add
from graphc_ir.ops.fused import Fused
from graphc_ir.ops.regions import VJP_RULES, VjpRule, set_inputs
from graphc_ir.types import TensorType

_CACHED_CALLS: Final = 256


def vjp_rule(op: type[Op]) -> Callable[[VjpRule], VjpRule]:
    """Registers how an op with regions is differentiated. The rule gets the op, one cotangent per result, the operands
    and the regions; it returns one cotangent or None per operand."""

    def register(rule: VjpRule) -> VjpRule:
        VJP_RULES[op] = rule
        return rule

    return register


class Pullback:
    """A region's derivative in the making: a copy of the region with inputs for the cotangents of its floating-point
    outputs appended, and the cotangents of the inputs ``wrt`` (None where none flows)."""

    def __init__(self, region: Graph, wrt: Sequence[int]) -> None:
        self.graph = region.copy()
        self.graph.name = f"vjp_{region.name}"
        self.inputs = list(self.graph.inputs)
        targets = [output for output in self.graph.outputs if output.type.dtype.is_differentiable]
        self.seeds = [self.graph.add_input(target.type) for target in targets]
        sources = [self.inputs[i] for i in wrt]
        with using(GraphBuilder(self.graph)):
            found = self._pull(targets, sources)
        self.cotangents: list[Value | None] = [found.get(id(source)) for source in sources]

    def _pull(self, targets: Sequence[Value], sources: Sequence[Value]) -> dict[int, Any]:
        wanted = reachable(self.graph, sources)
        cotangents: dict[int, Any] = {}
        for target, seed in zip(targets, self.seeds, strict=True):
            before = cotangents.get(id(target))
            cotangents[id(target)] = seed if before is None else add(before, seed)
        return pull_back(records_towards(self.graph, wanted), cotangents, wanted)

    def finish(self, outputs: Sequence[Value], inputs: Sequence[Value] | None = None) -> Graph:
        """The graph with these outputs, and its inputs in the order given."""
        self.graph.set_outputs(outputs)
        erase_removable(self.graph)
        if inputs is not None:
            set_inputs(self.graph, inputs)
        return self.graph


def _differentiable(operands: Sequence[Operand]) -> list[int]:
    return [i for i, operand in enumerate(operands) if dtype_of(operand).is_differentiable]


def _floats(region: Graph, received: Sequence[Operand]) -> list[Operand]:
    """The cotangents of a region's floating-point outputs."""
    return [g for g, output in zip(received, region.outputs, strict=True) if output.type.dtype.is_differentiable]


def _listed(results: Any) -> list[Operand]:
    return list(results) if isinstance(results, tuple) else [results]


def _spread(found: Sequence[Operand], positions: Sequence[int], count: int) -> tuple[Any, ...]:
    """``found[k]`` at ``positions[k]`` of ``count`` items, None elsewhere."""
    spread: list[Any] = [None] * count
    for position, g in zip(positions, found, strict=True):
        spread[position] = g
    return tuple(spread)


@vjp_rule(Cond)
def _cond(
    op: Op, received: Sequence[Operand], operands: Sequence[Operand], regions: Sequence[Graph]
) -> tuple[Any, ...]:
    predicate, *arguments = operands
    wrt = _differentiable(arguments)
    sides = [Pullback(region, wrt) for region in regions]
    connected = [k for k in range(len(wrt)) if any(side.cotangents[k] is not None for side in sides)]
    if not connected:
        return (None,) * len(operands)
    backward = tuple(side.finish([_filled(side, wrt, k) for k in connected]) for side in sides)
    found = bind(Cond(len(connected)), predicate, *arguments, *_floats(regions[0], received), regions=backward)
    return _spread(_listed(found), [1 + wrt[k] for k in connected], len(operands))


def _filled(side: Pullback, wrt: Sequence[int], k: int) -> Value:
    found = side.cotangents[k]
    if found is not None:
        return found
    with using(GraphBuilder(side.graph)):
        zeros: Value = zeros_like(side.inputs[wrt[k]])
    return zeros


@vjp_rule(Fused)
@vjp_rule(Call)
def _call(
    op: Op, received: Sequence[Operand], operands: Sequence[Operand], regions: Sequence[Graph]
) -> tuple[Any, ...]:
    assert isinstance(op, Call)
    backward, connected = _call_backward(regions[0])
    if not connected:
        return (None,) * len(operands)
    given = _floats(regions[0], received)
    found = bind(Call(len(connected), op.keep, isolated=op.keep), *operands, *given, regions=(backward,))
    return _spread(_listed(found), connected, len(operands))


@lru_cache(_CACHED_CALLS)
def _call_backward(region: Graph) -> tuple[Graph, tuple[int, ...]]:
    """The backward graph and the inputs whose cotangents it gives. Kept, since a function is called again and again."""
    wrt = [i for i, value in enumerate(region.inputs) if value.type.dtype.is_differentiable]
    side = Pullback(region, wrt)
    connected = [(i, g) for i, g in zip(wrt, side.cotangents, strict=True) if g is not None]
    return side.finish([g for _, g in connected]), tuple(i for i, _ in connected)


@vjp_rule(CustomVjp)
def _custom_vjp(
    op: Op, received: Sequence[Operand], operands: Sequence[Operand], regions: Sequence[Graph]
) -> tuple[Any, ...]:
    assert isinstance(op, CustomVjp)
    forward, backward = regions
    if not op.wrt:
        return (None,) * len(operands)
    found = bind(Call(len(op.wrt)), *operands, *_floats(forward, received), regions=(backward,))
    return _spread(_listed(found), op.wrt, len(operands))


@vjp_rule(Scan)
def _scan(
    op: Op, received: Sequence[Operand], operands: Sequence[Operand], regions: Sequence[Graph]
) -> tuple[Any, ...]:
    """A scan against the direction of the first one. Its loop variables are the cotangents of the loop variables and
    the sums so far of the constants' cotangents; it goes over the saved loop variables and what the first went over."""
    assert isinstance(op, Scan)
    body, first, last = regions[0], op.carries, op.carries + op.scanned
    wrt = _differentiable(operands)
    side = Pullback(body, wrt)
    carries = [k for k, i in enumerate(wrt) if i < first]
    elements = [k for k, i in enumerate(wrt) if first <= i < last and side.cotangents[k] is not None]
    constants = [k for k, i in enumerate(wrt) if i >= last and side.cotangents[k] is not None]
    backward = _scan_backward(side, wrt, (carries, elements, constants), first, last)
    given = [*_floats(body, received)]
    sums = [zeros_like(operands[wrt[k]]) for k in constants]
    saved = _saved_carries(op, operands, body)
    found = _listed(
        bind(
            Scan(
                len(carries) + len(constants),
                last + len(given) - len(carries),
                len(carries) + len(constants) + len(elements),
                not op.reverse,
            ),
            *given[: len(carries)], *sums, *saved, *operands[first:last], *given[len(carries) :], *operands[last:],
            regions=(backward,),
        )
    )  # fmt: skip
    return _spread(found, [wrt[k] for k in (*carries, *constants, *elements)], len(operands))


def _scan_backward(
    side: Pullback, wrt: Sequence[int], groups: tuple[list[int], list[int], list[int]], first: int, last: int
) -> Graph:
    carries, elements, constants = groups
    next_carries = [_filled(side, wrt, k) for k in carries]
    sums, totals = [], []
    with using(GraphBuilder(side.graph)):
        for k in constants:
            sums.append(side.graph.add_input(side.inputs[wrt[k]].type))
            totals.append(add(sums[-1], side.cotangents[k]))
    from_carries, from_stacked = side.seeds[: len(carries)], side.seeds[len(carries) :]
    inputs = [*from_carries, *sums, *side.inputs[:last], *from_stacked, *side.inputs[last:]]
    return side.finish([*next_carries, *totals, *(_filled(side, wrt, k) for k in elements)], inputs)


def _saved_carries(op: Scan, operands: Sequence[Operand], body: Graph) -> list[Operand]:
    """The loop variables before every round, stacked."""
    if not op.carries:
        return []
    saving = body.copy()
    saving.set_outputs([*saving.outputs[: op.carries], *saving.inputs[: op.carries]])
    erase_removable(saving)
    found = bind(Scan(op.carries, op.scanned, 2 * op.carries, op.reverse), *operands, regions=(saving,))
    return list(found[op.carries :])


@vjp_rule(While)
def _while(
    op: Op, received: Sequence[Operand], operands: Sequence[Operand], regions: Sequence[Graph]
) -> tuple[Any, ...]:
    """The derivative of the same loop as a scan."""
    assert isinstance(op, While)
    cond, body = regions
    changed = [
        i for i, (a, b) in enumerate(zip(body.inputs, body.outputs, strict=False)) if a.type.shape != b.type.shape
    ]
    if changed:
        i = changed[0]
        raise GradientError(f"the gradient of a while loop needs loop variables of one shape, but loop variable {i} is "
                            f"{body.inputs[i].type} before a round and {body.outputs[i].type} after it")  # fmt: skip
    derivative = _while_counted if op.max_trips is None else _while_bounded
    return derivative(op, received, operands, cond, body)


def _while_counted(
    op: While, received: Sequence[Operand], operands: Sequence[Operand], cond: Graph, body: Graph
) -> tuple[Any, ...]:
    """The loop runs once to count its rounds; the scan then goes over just as many."""
    start = current().lift(np.array(0, np.int32))
    counted = _with_counter(cond, counts=False), _with_counter(body, counts=True)
    trips = bind(While(op.carries + 1, None), start, *operands, regions=counted)[0]
    rounds = arange(trips)
    scan = Scan(op.carries, 1, op.carries)
    scanned = (*operands[: op.carries], rounds, *operands[op.carries :])
    found = _scan(scan, received, scanned, (_as_scan_body(op, body),))
    return (*found[: op.carries], *found[op.carries + 1 :])


def _while_bounded(
    op: While, received: Sequence[Operand], operands: Sequence[Operand], cond: Graph, body: Graph
) -> tuple[Any, ...]:
    """The scan goes over ``max_trips`` rounds, the last ones of which do nothing."""
    assert op.max_trips is not None
    constants = operands[op.carries :]
    active = bind(Call(1), *operands, regions=(cond,))
    rounds = current().lift(np.arange(op.max_trips, dtype=np.int32))
    scan = Scan(op.carries + 1, 1, op.carries + 1)
    all_operands = (active, *operands[: op.carries], rounds, *constants)
    found = _scan(scan, (None, *received), all_operands, (_guarded_round(op, cond, body),))
    return (*found[1 : op.carries + 1], *found[op.carries + 2 :])


def _with_counter(region: Graph, counts: bool) -> Graph:
    """A region of a while loop with the number of the round as a first loop variable; the body ``counts``."""
    graph = Graph(region.name)
    trip = graph.add_input(TensorType(int32, ()))
    outputs = region.copy_into(graph, [graph.add_input(value.type) for value in region.inputs])
    with using(GraphBuilder(graph)):
        graph.set_outputs([add(trip, 1), *outputs] if counts else outputs)
    return graph


def _as_scan_body(op: While, body: Graph) -> Graph:
    """The body of a while loop as that of a scan, which also takes the number of the round."""
    graph = body.copy()
    trip = graph.add_input(TensorType(int32, ()))
    set_inputs(graph, [*graph.inputs[: op.carries], trip, *graph.inputs[op.carries : -1]])
    return graph


def _guarded_round(op: While, cond: Graph, body: Graph) -> Graph:
    """One round of the loop as a scan body: (active, loop variables, round, constants) -> (active, loop variables)."""
    run, skip = _active_round(op, cond, body), _idle_round(op, body)
    graph = Graph(f"round_{body.name}")
    active = graph.add_input(cond.outputs[0].type)
    carries = [graph.add_input(value.type) for value in body.inputs[: op.carries]]
    graph.add_input(cond.outputs[0].type.with_dtype(int32))
    constants = [graph.add_input(value.type) for value in body.inputs[op.carries :]]
    with using(GraphBuilder(graph)):
        graph.set_outputs(bind(Cond(op.carries + 1), active, *carries, *constants, regions=(run, skip)))
    return graph


def _active_round(op: While, cond: Graph, body: Graph) -> Graph:
    graph = Graph(body.name)
    inputs = [graph.add_input(value.type) for value in body.inputs]
    following = body.copy_into(graph, inputs)
    again = cond.copy_into(graph, [*following, *inputs[op.carries :]])
    graph.set_outputs([*again, *following])
    return graph


def _idle_round(op: While, body: Graph) -> Graph:
    graph = Graph(f"idle_{body.name}")
    inputs = [graph.add_input(value.type) for value in body.inputs]
    with using(GraphBuilder(graph)):
        stop: Value = lift(np.array(False))
    graph.set_outputs([stop, *inputs[: op.carries]])
    return graph
