"""How Variables are made: creators around ``tf.Variable``, and the enums that its arguments take."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from graphc.mode import mode

__all__ = ["VariableAggregation", "VariableSynchronization", "variable_creator_scope"]


class VariableSynchronization(enum.Enum):
    """When replicas agree on a Variable. There is one replica here, so all mean the same."""

    AUTO = 0
    NONE = 1
    ON_WRITE = 2
    ON_READ = 3


class VariableAggregation(enum.Enum):
    """How replicas join their assignments. There is one replica here, so all mean the same."""

    NONE = 0
    SUM = 1
    MEAN = 2
    ONLY_FIRST_REPLICA = 3


@contextmanager
def variable_creator_scope(variable_creator: Callable[..., Any]) -> Iterator[None]:
    """Inside the block ``tf.Variable(...)`` is ``variable_creator(next_creator, **kwargs)``.

    ``kwargs`` are all arguments of ``tf.Variable`` by name; ``next_creator(**kwargs)`` makes the Variable, through the
    scopes around this one.
    """
    outer = mode.creators
    mode.creators = (*outer, variable_creator)
    try:
        yield
    finally:
        mode.creators = outer
