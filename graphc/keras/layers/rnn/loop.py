"""Running a cell over the steps of a sequence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from graphc.control import scan_steps
from graphc.pytree import map_leaves
from graphc_ir.ops.base import Operand, rank_of, shape_of
from graphc_ir.ops.creation import zeros_like
from graphc_ir.ops.elementwise import select
from graphc_ir.ops.movement import reshape, transpose

__all__ = ["Result", "Walk", "swap_time", "walk"]

Step = Callable[[Any, Any], tuple[Any, Any]]
"""(inputs of a step, states) -> (output, next states)."""


class Walk(NamedTuple):
    """How to go over the steps, and what to keep of them."""

    reverse: bool = False
    unroll: bool = False
    keep_sequence: bool = False
    zero_output: bool = False


class Result(NamedTuple):
    """``output``: that of all steps [batch, time, ...] if they are kept, in the order of time, else the last one."""

    output: Any
    states: list[Any]


def walk(step: Step, x: Operand, mask: Operand | None, states: Any, nothing: Any, how: Walk) -> Result:
    """Runs ``step`` over ``x`` [batch, time, ...] from the given states.

    ``mask`` bool [batch, time]: steps where it is False leave the states alone and show the output before them (0 if
    ``zero_output``); before the first one that is ``nothing``, zeros like an output.
    """
    elements = [swap_time(x)] if mask is None else [swap_time(x), swap_time(mask)]
    start = (states, nothing) if mask is not None or not how.keep_sequence else (states,)

    def advance(carry: Any, element: Any) -> tuple[Any, Any]:
        output, following = step(element[0], carry[0])
        if mask is not None:
            before = map_leaves(zeros_like, output) if how.zero_output else carry[1]
            output = _where(element[1], output, before)
            following = _where(element[1], following, carry[0])
        kept = (following, output) if len(carry) == 2 else (following,)
        return kept, output if how.keep_sequence else ()

    last, sequence = scan_steps(advance, start, elements, how.reverse, how.unroll)
    return Result(map_leaves(swap_time, sequence) if how.keep_sequence else last[1], last[0])


def swap_time(x: Operand) -> Operand:
    """[batch, time, ...] to [time, batch, ...] and back."""
    return transpose(x, (1, 0, *range(2, rank_of(x))))


def _where(keep: Operand, new: Any, old: Any) -> Any:
    def choose(a: Operand, b: Operand) -> Operand:
        return select(reshape(keep, (shape_of(keep)[0], *(1,) * (rank_of(a) - 1))), a, b)

    return map_leaves(choose, new, old)
