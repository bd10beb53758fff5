"""The base of metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from graphc.autograph import convert
from graphc.framework import name_scope
from graphc.keras import dtype_policies, initializers
from graphc.keras.config import floatx
from graphc.keras.engine.tracking import MetricBase, held, unique
from graphc.keras.naming import auto_name, to_snake_case
from graphc.keras.variable import Variable
from graphc.mode import init_scope
from graphc.variable import Variable as CoreVariable
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.creation import zeros

__all__ = ["Metric"]

_TF2_ORDER = ("name", "shape", "aggregation", "synchronization", "initializer", "dtype")
_KERAS3_ORDER = ("shape", "initializer", "dtype", "aggregation", "name", "synchronization")


class Metric(MetricBase):
    """Base: a quantity accumulated over batches in Variables.

    A subclass makes its Variables with :meth:`add_weight`, and defines ``update_state(y_true, y_pred, sample_weight)``
    and ``result()``; both may run eagerly or inside a traced function. ``reset_state`` sets all Variables to 0 unless
    overridden, under this name or TensorFlow 2.0's, ``reset_states``.
    """

    _direction: str | None = None
    """Whether training should move the result ``"up"`` or ``"down"``; None if that is not known."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Of the two names of a reset, the one that a class leaves out is the other one."""
        super().__init_subclass__(**kwargs)
        own = vars(cls)
        if ("reset_state" in own) != ("reset_states" in own):
            given, other = ("reset_state", "reset_states") if "reset_state" in own else ("reset_states", "reset_state")
            setattr(cls, other, own[given])

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        self.name = name or auto_name(to_snake_case(type(self).__name__))
        self._dtype = dtype_policies.get(dtype or floatx()).compute_dtype

    @property
    def dtype(self) -> str:
        """The dtype that values are accumulated in."""
        return self._dtype

    def add_variable(self, *args: Any, **kwargs: Any) -> Variable:
        """Makes a Variable of the metric, in Keras's order ``(shape, initializer, dtype, aggregation, name)`` or
        TensorFlow 2.0's ``(name, shape, aggregation, synchronization, initializer, dtype)``; all by keyword too.

        Without a shape it is a scalar, without an initializer it starts at 0. Raises ArgumentError for an unknown
        argument.
        """
        return self._add(_TF2_ORDER if args and isinstance(args[0], str) else _KERAS3_ORDER, args, kwargs)

    def add_weight(self, *args: Any, **kwargs: Any) -> Variable:
        """:meth:`add_variable`, in Keras's order without ``aggregation``."""
        keras3 = ("shape", "initializer", "dtype", "name")
        return self._add(_TF2_ORDER if args and isinstance(args[0], str) else keras3, args, kwargs)

    def _add(self, order: Sequence[str], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Variable:
        if "_dtype" not in vars(self):
            raise ArgumentError(f"{type(self).__name__} makes a Variable before super().__init__(); call that first")
        given = {**dict(zip(order, args, strict=False)), **kwargs}
        unknown = set(given) - set(_KERAS3_ORDER)
        if unknown:
            raise ArgumentError(f"add_weight of metric {self.name!r} got unknown arguments {sorted(unknown)}; it takes "
                                f"{', '.join(sorted(_KERAS3_ORDER))}")  # fmt: skip
        shape, initializer = given.get("shape"), given.get("initializer")
        # A metric may learn its shapes from the first batch of a traced step, and lives on after that.
        with init_scope(), name_scope(self.name):
            variable = Variable(
                initializers.get("zeros" if initializer is None else initializer),
                shape=() if shape is None else shape if isinstance(shape, Sequence) else (shape,),
                dtype=given.get("dtype"),
                trainable=False,
                autocast=False,
                name=given.get("name"),
            )
        # Held here too, for subclasses that keep it nowhere else.
        self.__dict__.setdefault("_added", []).append(variable)
        return variable

    @property
    def variables(self) -> list[CoreVariable]:
        """The Variables of the metric, in the order in which they were added, then those of metrics inside it."""
        inner = [variable for metric in held(self, MetricBase) for variable in metric.variables]
        return unique([*held(self, CoreVariable), *inner])

    def update_state(self, *args: Any, **kwargs: Any) -> Any:
        """Takes a batch into account. Subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} must define update_state(y_true, y_pred, sample_weight=None)")

    def result(self) -> Any:
        """The value of the metric over all batches so far. Subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} must define result()")

    def reset_state(self) -> None:
        """Forgets all batches."""
        for variable in self.variables:
            variable.assign(zeros(variable.shape, variable.dtype))

    reset_states = reset_state

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """:meth:`update_state`, then :meth:`result`."""
        convert(self.update_state)(*args, **kwargs)
        return self.result()

    # --- without side effects ------------------------------------------------------------------------------------

    def stateless_update_state(self, metric_variables: Sequence[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """The values of :attr:`variables` after an update that starts from ``metric_variables``."""
        return self._on(metric_variables, lambda: convert(self.update_state)(*args, **kwargs))[1]

    def stateless_result(self, metric_variables: Sequence[Any]) -> Any:
        """The result for these values of :attr:`variables`."""
        return self._on(metric_variables, self.result)[0]

    def stateless_reset_state(self) -> list[Any]:
        """The values of :attr:`variables` after a reset."""
        return self._on(self.variables, self.reset_state)[1]

    def _on(self, values: Sequence[Any], action: Callable[[], Any]) -> tuple[Any, list[Any]]:
        variables = self.variables
        if len(values) != len(variables):
            raise ArgumentError(f"metric {self.name!r} has {len(variables)} variables, got metric_variables of length "
                                f"{len(values)}; give one value for each of metric.variables")  # fmt: skip
        with _restored(variables):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
            result = action()
            if isinstance(result, CoreVariable):
                result = result.read_value()
            return result, [variable.read_value() for variable in variables]

    # --- configuration -------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A metric from what ``get_config`` returned."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


@contextmanager
def _restored(variables: Sequence[CoreVariable]) -> Iterator[None]:
    """The Variables have their values again after the block."""
    values = [variable.read_value() for variable in variables]
    try:
        yield
    finally:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
