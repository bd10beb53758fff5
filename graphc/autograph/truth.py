"""Whether Python or a tensor decides: the truth of a value as a predicate of the graph."""

from __future__ import annotations

from typing import Any

from graphc.location import user_location
from graphc.mode import mode
from graphc.tensor import SymbolicTensor
from graphc.variable import Variable
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import lift
from graphc_ir.ops.elementwise import not_equal
from graphc_ir.ops.logical import logical_not
from graphc_ir.ops.movement import reshape


def predicate_of(value: Any) -> SymbolicTensor | None:
    """A bool scalar of the trace that ``value`` belongs to; None if Python knows the truth of it.

    Like ``bool(tensor)``, it takes tensors of one element and any dtype. Raises ArgumentError for more elements.
    """
    if isinstance(value, Variable) and mode.tracer is not None:
        value = lift(value)
    if not isinstance(value, SymbolicTensor) or mode.tracer is None or not mode.tracer.knows(value):
        return None
    if any(isinstance(size, int) and size != 1 for size in value.type.shape):
        raise ArgumentError(f"{user_location()}: the truth value of a tensor of shape {value.shape} is ambiguous; "
                            "reduce it with tf.reduce_any or tf.reduce_all")  # fmt: skip
    scalar = reshape(value, ()) if value.type.rank else value
    found: SymbolicTensor = scalar if scalar.dtype.is_bool else not_equal(scalar, 0)
    return found


def truth_of(value: Any) -> Any:
    """The predicate, or the bool that Python knows."""
    predicate = predicate_of(value)
    return bool(value) if predicate is None else predicate


def negation_of(value: Any) -> Any:
    """``not value``."""
    predicate = predicate_of(value)
    return (not value) if predicate is None else logical_not(predicate)
