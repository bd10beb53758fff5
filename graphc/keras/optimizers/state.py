"""What an optimizer remembers: the step count, the learning rate and slots per weight; and how that is saved."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any, overload

import numpy as np

from graphc.keras.config import floatx
from graphc.keras.engine.tracking import Stateful
from graphc.keras.initializers import get as get_initializer
from graphc.keras.naming import auto_name, to_snake_case
from graphc.keras.optimizers.options import number
from graphc.keras.optimizers.schedules.schedule import LearningRateSchedule
from graphc.keras.variable import Variable as KerasVariable
from graphc.mode import init_scope, mode
from graphc.variable import Variable
from graphc_ir.dtypes import as_dtype, int64
from graphc_ir.errors import ArgumentError, DTypeError
from graphc_ir.ops.arithmetic import floordiv
from graphc_ir.ops.base import Operand
from graphc_ir.ops.elementwise import cast

__all__ = ["OptimizerState", "values_of"]


class OptimizerState(Stateful):
    """The Variables of an optimizer, in the order in which files hold them.

    The step count and a learning rate given as a number are Variables, so that a compiled step sees their changes.
    """

    gradient_accumulation_steps: int | None = None

    def __init__(self, learning_rate: Any, name: str | None) -> None:
        self.name = name or auto_name(to_snake_case(type(self).__name__))
        self.built = False
        self._variables: list[Variable] = []
        self._trainable_variables: list[Variable] = []
        self._index: dict[Variable, int] = {}
        self._iterations: Variable = self._add(np.int64(0), "iteration")
        self._learning_rate: Variable | LearningRateSchedule | Callable[[], Any] = (
            learning_rate if callable(learning_rate) else self._rate_variable(learning_rate)
        )

    def _rate_variable(self, learning_rate: Any) -> Variable:
        return self._add(as_dtype(floatx()).np.type(number(learning_rate, "learning_rate")), "learning_rate")

    @property
    def variables(self) -> list[Variable]:
        """The step count (int64), the learning rate (only one given as a number), then the slots."""
        return list(self._variables)

    @property
    def iterations(self) -> Any:
        """How many updates were applied, int64: a Variable, which can be set; a tensor with gradient accumulation."""
        steps = self.gradient_accumulation_steps
        return floordiv(self._iterations, steps) if steps else self._iterations

    @iterations.setter
    def iterations(self, value: Any) -> None:
        if not isinstance(value, Variable):
            self._iterations.assign(value)
            return
        if value.dtype is not int64:
            raise DTypeError(f"iterations must be an int64 Variable, got {value.dtype.name}")
        self._variables[self._position(self._iterations)] = value
        self._iterations = value

    @property
    def learning_rate(self) -> Any:
        """The Variable of a learning rate given as a number (set it to change it), else the current value."""
        rate = self._learning_rate
        if isinstance(rate, Variable):
            return rate
        # A float step, so that a schedule can compute with it without casts.
        return rate(cast(self._iterations, floatx())) if isinstance(rate, LearningRateSchedule) else rate()

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        previous = self._learning_rate
        if callable(value):
            self._learning_rate = value
            if isinstance(previous, Variable):
                del self._variables[self._position(previous)]
        elif isinstance(previous, Variable):
            previous.assign(value)
        else:
            raise DTypeError("This optimizer was created with a `LearningRateSchedule`: the learning rate of "
                             f"{self.name} is computed by {previous!r} and cannot be set to {value!r}; make the "
                             "optimizer with a number, or set another schedule")  # fmt: skip

    @property
    def lr(self) -> Any:
        """TensorFlow 2.0's name of :attr:`learning_rate`."""
        return self.learning_rate

    @lr.setter
    def lr(self, value: Any) -> None:
        self.learning_rate = value

    def _position(self, variable: Variable) -> int:
        return next(i for i, v in enumerate(self._variables) if v is variable)

    # --- making Variables ----------------------------------------------------------------------------------------

    def _add(self, initializer: Any, name: str | None, **options: Any) -> Variable:
        with init_scope(), _named(self.name):
            variable = KerasVariable(initializer, trainable=False, name=name, **options)
        self._variables.append(variable)
        return variable

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str | None = None,
        layout: Any = None,
        name: str | None = None,
    ) -> Variable:
        """A new Variable of the optimizer. ``initializer``: a name, or a function of ``(shape, dtype)``."""
        return self._add(get_initializer(initializer), name, shape=shape, dtype=dtype, aggregation=aggregation)

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """A new Variable like a weight: same shape and dtype, called ``<path of the weight>_<name>``."""
        full = f"{reference_variable.path.replace('/', '_')}_{name or 'var'}"
        return self.add_variable(reference_variable.shape, initializer, reference_variable.dtype, name=full)

    @overload
    def add_optimizer_variables(
        self, trainable_variables: Sequence[Variable], name: str, initializer: Any = "zeros"
    ) -> list[Variable]: ...

    @overload
    def add_optimizer_variables(
        self, trainable_variables: Sequence[Variable], name: list[str] | tuple[str, ...], initializer: Any = "zeros"
    ) -> tuple[list[Variable], ...]: ...

    def add_optimizer_variables(
        self,
        trainable_variables: Sequence[Variable],
        name: str | list[str] | tuple[str, ...],
        initializer: Any = "zeros",
    ) -> list[Variable] | tuple[list[Variable], ...]:
        """One new Variable per weight; of several names, a list each (one weight's Variables stand together in files).

        ``initializer``: one for all names, or a list of one per name. Raises ArgumentError if their numbers differ.
        """
        names = [name] if isinstance(name, str) else list(name)
        makers = list(initializer) if isinstance(initializer, (list, tuple)) else [initializer] * len(names)
        if len(makers) != len(names):
            raise ArgumentError(f"{len(names)} names {names} need as many initializers, got {len(makers)}")
        rows = [[self.add_variable_from_reference(v, n, make) for n, make in zip(names, makers, strict=True)]
                for v in trainable_variables]  # fmt: skip
        lists = tuple([row[i] for row in rows] for i in range(len(names)))
        return lists[0] if isinstance(name, str) else lists

    def _get_variable_index(self, variable: Variable) -> int:
        """The position of a weight among those that the optimizer was built with."""
        if variable not in self._index:
            raise ArgumentError(f"{variable.path} is an unknown variable: {self.name} was built with "
                                f"{', '.join(v.path for v in self._trainable_variables) or 'none'}; "
                                "make a new optimizer for new variables, or build it with all of them")  # fmt: skip
        return self._index[variable]

    # --- saving --------------------------------------------------------------------------------------------------

    def get_weights(self) -> list[Any]:
        """The values of :attr:`variables` as NumPy arrays."""
        return [v.numpy() for v in self.variables]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Sets :attr:`variables` from arrays in the same order. Raises ArgumentError for another number of them, or
        before :meth:`build`; ShapeError for other shapes.
        """
        variables = self.variables
        if not self.built:
            raise ArgumentError(f"{self.name} has no slots yet; call build(trainable_variables) before set_weights")
        if len(weights) != len(variables):
            raise ArgumentError(f"{self.name} has {len(variables)} variables, got {len(weights)} weights")
        for variable, weight in zip(variables, weights, strict=True):
            variable.assign(np.asarray(weight, variable.dtype.np))

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Puts the values of :attr:`variables` under the keys "0", "1", ..."""
        store.update({str(i): value for i, value in enumerate(self.get_weights())})

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Sets :attr:`variables` from the keys "0", "1", ... Warns and changes nothing if their number differs."""
        variables = self.variables
        if len(store.keys()) != len(variables):
            warnings.warn(f"the state of the optimizer {self.name} was not loaded: it has {len(variables)} variables, "
                          f"the file {len(store.keys())}{'' if self.built else ' (it is not built yet)'}",
                          stacklevel=2)  # fmt: skip
            return
        for i, variable in enumerate(variables):
            variable.assign(np.asarray(store[str(i)], variable.dtype.np))


@contextmanager
def _named(scope: str) -> Iterator[None]:
    """Variables made inside the block are called ``scope/name``, wherever they are made."""
    outer, mode.scope = mode.scope, scope
    try:
        yield
    finally:
        mode.scope = outer


@contextmanager
def values_of(variables: Sequence[Variable], values: Sequence[Any]) -> Iterator[None]:
    """Inside the block, the Variables have these values."""
    before: list[Operand] = [Variable.read_value(v) for v in variables]
    try:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        yield
    finally:
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)
