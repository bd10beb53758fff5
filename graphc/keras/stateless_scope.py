"""StatelessScope: a block in which Variables have other values, and after which all of them are what they were."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from graphc.mode import mode
from graphc.pytree import leaves_of
from graphc.tensor import Tensor
from graphc.variable import Variable
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.base import lift
from graphc_ir.ops.elementwise import cast

__all__ = ["StatelessScope", "note_assignment"]


class _Running(threading.local):
    scope: StatelessScope | None = None


_running = _Running()


class StatelessScope:
    """Inside the block, the Variables of ``state_mapping`` (pairs of a Variable and a value) have these values, and
    what is assigned does not outlast it; :meth:`get_current_value` tells what it was.

    Gradient tapes follow the values that are given. Raises ArgumentError for keys that are no Variables, ShapeError for
    values that do not fit them.
    """

    def __init__(
        self,
        state_mapping: Iterable[tuple[Any, Any]] | None = None,
        collect_losses: bool = False,
        initialize_variables: bool = True,
    ) -> None:
        self.collect_losses = collect_losses
        self.losses: list[Any] = []
        self._given = [_fitting(key, value) for key, value in state_mapping or ()]
        self._before: dict[int, tuple[Variable, Tensor]] = {}
        self._after: dict[int, Tensor] = {}
        self._outer: StatelessScope | None = None

    def __enter__(self) -> StatelessScope:
        self._outer, _running.scope = _running.scope, self
        for variable, value in self._given:
            self.note(variable)
            _set(variable, value)
        return self

    def __exit__(self, *error: object) -> None:
        _running.scope = self._outer
        self._after = {key: _current(variable) for key, (variable, _) in self._before.items()}
        for variable, value in self._before.values():
            _set(variable, value)
        self._before = {}

    def note(self, variable: Variable) -> None:
        """Keeps the value that a Variable has before its first assignment."""
        self._before.setdefault(id(variable), (variable, _current(variable)))

    def add_loss(self, loss: Any) -> None:
        """Collects losses in ``losses``."""
        self.losses.extend(leaves_of(loss))

    def get_current_value(self, variable: Variable) -> Tensor | None:
        """The value of a Variable in the block, or at its end; None if the block did not touch it."""
        if _running.scope is self:
            return _current(variable)
        return self._after.get(id(variable))


def note_assignment(variable: Variable) -> None:
    """Must be called before a Variable is assigned that an open scope may have to restore."""
    if _running.scope is not None:
        _running.scope.note(variable)


def _fitting(key: Any, value: Any) -> tuple[Variable, Any]:
    if not isinstance(key, Variable):
        raise ArgumentError("StatelessScope: all keys in argument `mapping` must be Variable objects, got "
                            f"{key!r}")  # fmt: skip
    tensor = cast(lift(value), key.dtype)
    given, wanted = tuple(tensor.shape), tuple(key.shape)
    if given != wanted:
        raise ShapeError("StatelessScope: all values in argument `mapping` must be tensors with the shapes of the "
                         f"Variables, got {given} for {key.path} of shape {wanted}")  # fmt: skip
    return key, tensor


def _current(variable: Variable) -> Tensor:
    return Variable.read_value(variable)


def _set(variable: Variable, value: Any) -> None:
    if mode.tracer is None:
        variable.hold(value)
    else:
        Variable.assign(variable, value)
