"""Optimizers whose update of a weight is one op.

In a graph, passes join the ops of small weights and backends run each as one pass over memory. Eagerly the same is
done here: what an update of a few hundred elements costs is its number of NumPy calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final

import numpy as np

from graphc.keras.optimizers.optimizer import Optimizer, store
from graphc.mode import mode
from graphc.variable import Variable
from graphc_ir.errors import ShapeError
from graphc_ir.ops.base import Array, Operand, bind
from graphc_ir.ops.optim import OptimizerUpdate

__all__ = ["FusedOptimizer"]

_SMALL: Final = 4096  # elements

Row = tuple[list[Variable], Array]
"""A weight with its slots, and its gradient."""


class FusedOptimizer(Optimizer):
    """Base of optimizers with an :class:`OptimizerUpdate`. Subclasses say which op, and which slots a weight has."""

    _one_op: ClassVar[bool] = True
    """No subclass does more in ``update_step`` than the op."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "update_step" in cls.__dict__:
            cls._one_op = False

    def update_op(self) -> OptimizerUpdate | None:
        """The op of an update with the current settings; None if they need :meth:`update_by_ops`."""
        raise NotImplementedError

    def slots_of(self, variable: Variable) -> list[Variable]:
        """The slots of a weight, in the order of the op's operands."""
        raise NotImplementedError

    def operands_for(self, variable: Variable, learning_rate: Any) -> tuple[Operand, ...]:
        """The op's scalar operands: by default, the shared scalars."""
        return self.scalars_for(variable, learning_rate)

    def update_by_ops(self, gradient: Operand, variable: Variable, scalars: tuple[Operand, ...]) -> None:
        """The update in several ops, for settings that the op does not cover."""
        raise NotImplementedError

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        op, scalars = self.update_op(), self.operands_for(variable, learning_rate)
        if op is None:
            self.update_by_ops(gradient, variable, scalars)
            return
        targets = [variable, *self.slots_of(variable)]
        found = bind(op, *[t.read_value() for t in targets], gradient, *scalars)
        store(targets, found if op.slots else (found,))

    def update_all(self, grads: Sequence[Operand], variables: Sequence[Variable], learning_rate: Operand) -> None:
        op = self.update_op() if mode.tracer is None and self._one_op else None
        if op is None:
            super().update_all(grads, variables, learning_rate)
            return
        groups: dict[tuple[Any, ...], tuple[tuple[Operand, ...], list[Row]]] = {}
        for gradient, variable in zip(grads, variables, strict=True):
            scalars = self.operands_for(variable, learning_rate)
            row = [variable, *self.slots_of(variable)], _like(gradient, variable)
            key = (variable.dtype, len(scalars)) if gradient.size <= _SMALL else (id(variable),)
            groups.setdefault(key, (scalars, []))[1].append(row)
        for scalars, rows in groups.values():
            _run(op, rows, [s._array for s in scalars])


def _like(gradient: Operand, variable: Variable) -> Array:
    if gradient._array.shape != variable.type.shape:
        raise ShapeError(f"the gradient of {variable.path} has shape {gradient.shape}, the variable {variable.shape}; "
                         "they must be the same")  # fmt: skip
    array: Array = gradient._array
    return array


def _run(op: OptimizerUpdate, rows: list[Row], scalars: list[Array]) -> None:
    """The op on each row, all at once. The scalars are those of every row."""
    columns = [[v.peek() for v in column] for column in zip(*[targets for targets, _ in rows], strict=True)]
    columns.append([gradient for _, gradient in rows])
    packed = [column[0] if len(rows) == 1 else np.concatenate([a.ravel() for a in column]) for column in columns]
    found = op.kernel(*packed, *scalars)
    results = found if op.slots else (found,)
    end = 0
    for targets, gradient in rows:
        part = slice(end, end := end + gradient.size)
        for variable, joined in zip(targets, results, strict=True):
            variable.put(joined if len(rows) == 1 else joined[part].reshape(gradient.shape))
