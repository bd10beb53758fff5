"""The base of optimizers: from gradients to updated weights."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

from graphc.control import cond
from graphc.keras.config import floatx
from graphc.keras.optimizers.gradients import active_pairs, clipped, is_replaced
from graphc.keras.optimizers.options import check_options, known_options, learning_rate_of
from graphc.keras.optimizers.state import OptimizerState, values_of
from graphc.keras.serialization import deserialize_keras_object, serialize_keras_object
from graphc.mode import mode
from graphc.tape import GradientTape
from graphc.tensor import SymbolicTensor
from graphc.variable import Variable
from graphc_ir.dtypes import DType, as_dtype, float32, float64
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.arithmetic import floormod
from graphc_ir.ops.base import Operand, lift
from graphc_ir.ops.creation import zeros_like
from graphc_ir.ops.elementwise import add, cast, div, equal, maximum, mul, not_equal, select, sub

__all__ = ["Optimizer", "store"]


class Optimizer(OptimizerState):
    """Base of optimizers. One of your own makes its slots in ``build`` and updates a weight in ``update_step``.

    ``learning_rate``: a number, a LearningRateSchedule, or a function without arguments. ``weight_decay``: before each
    update, weights lose this share times the learning rate. One way of clipping gradients at most: ``clipnorm`` (the
    length of each), ``global_clipnorm`` (the length of all together), ``clipvalue`` (their elements).
    ``use_ema``: moving averages of the weights with ``ema_momentum``, which replace the weights every
    ``ema_overwrite_frequency`` steps and in :meth:`finalize_variable_values`. ``loss_scale_factor``: what the loss is
    multiplied by in :meth:`scale_loss`, and the gradients divided by. ``gradient_accumulation_steps``: weights are
    updated once in so many steps, with the mean gradient. TensorFlow 2.0's ``lr`` is accepted, ``decay`` ignored.

    Raises ArgumentError for unknown arguments and values out of their ranges.
    """

    config_keys: ClassVar[tuple[str, ...]] = ()
    """The constructor's arguments beyond those of all optimizers, each an attribute; :meth:`get_config` has them."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **older: Any,
    ) -> None:
        super().__init__(learning_rate_of(learning_rate, older, type(self).__init__), name)
        clips = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        check_options(clips, use_ema, ema_momentum, ema_overwrite_frequency, gradient_accumulation_steps)
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self.moving_averages: list[Variable] = []
        self._accumulators: list[Variable] = []
        self._undecayed: set[Variable] = set()
        self._undecayed_names: re.Pattern[str] | None = None
        self._shared: dict[tuple[int, DType], tuple[Any, tuple[Operand, ...]]] | None = None

    def build(self, variables: Sequence[Variable]) -> None:
        """Makes the slots of these weights; done by the first step if not before. Does nothing a second time."""
        if self.built:
            return
        variables = list(variables)
        if self.use_ema:
            self.moving_averages = self.add_optimizer_variables(variables, "average")
        if self.gradient_accumulation_steps:
            self._accumulators = self.add_optimizer_variables(variables, "gradient_accumulator")
        self._trainable_variables = variables
        self._index = {variable: i for i, variable in enumerate(variables)}
        self.built = True

    # --- one step ------------------------------------------------------------------------------------------------

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]], name: str | None = None) -> Any:
        """One step from pairs of a gradient and its weight. Returns :attr:`iterations`.

        A weight whose gradient is None keeps its value, with a warning. Raises ArgumentError when no pair has a
        gradient, or for a weight that the optimizer was not built with.
        """
        pairs = list(grads_and_vars)
        if not pairs:
            raise ArgumentError("no gradients for no Variables: the list of (gradient, Variable) pairs is empty")
        self.apply([g for g, _ in pairs], [v for _, v in pairs])
        return self.iterations

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None) -> None:
        """One step from gradients in the order of ``trainable_variables``, or else of what it was built with."""
        grads = list(grads)
        if not grads:
            return
        grads, variables = active_pairs(grads, self._weights_for(grads, trainable_variables))
        following = add(self._iterations, 1)
        grads, variables = self._replace(grads, variables, following)
        if variables:
            self._step(grads, variables, following)
        self._iterations.assign(following)

    def _step(self, grads: list[Operand], variables: list[Variable], following: Operand) -> None:
        if self.loss_scale_factor is not None:
            grads = [div(g, self.loss_scale_factor) for g in grads]
        if self.gradient_accumulation_steps:
            self._accumulate(grads, variables, following)
        else:
            self._update(grads, variables)
        if self.use_ema:
            self._follow_averages()
        for variable in variables:
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable))

    def _weights_for(self, grads: Sequence[Any], given: Sequence[Variable] | None) -> Sequence[Variable]:
        if given is None and not self.built:
            raise ArgumentError(f"{self.name} is not built, so the weights must be given: apply(grads, variables)")
        variables = self._trainable_variables if given is None else list(given)
        if len(variables) != len(grads):
            raise ArgumentError(f"got {len(grads)} gradients for {len(variables)} variables; give one each, None for "
                                "a variable without a gradient")  # fmt: skip
        if not self.built:  # A subclass may not ask.
            self.build(variables)
        for variable in variables:
            self._get_variable_index(variable)
        return variables

    def _update(self, grads: list[Operand], variables: list[Variable]) -> None:
        grads = clipped(grads, self.clipnorm, self.global_clipnorm, self.clipvalue)
        rate = lift(self.learning_rate, as_dtype(floatx()))
        self._shared = {}
        try:
            self.begin_update(variables, rate)
            self.update_all(grads, variables, rate)
        finally:
            self._shared = None

    def begin_update(self, variables: Sequence[Variable], learning_rate: Operand) -> None:
        """What comes before the updates of one step: by default, weight decay."""
        for variable in variables:
            decay = self.decay_of(variable)
            if decay is not None:
                share = cast(mul(learning_rate, decay), variable.dtype)
                variable.assign(sub(variable, mul(variable, share)))

    def update_all(self, grads: Sequence[Operand], variables: Sequence[Variable], learning_rate: Operand) -> None:
        """The updates of one step."""
        for gradient, variable in zip(grads, variables, strict=True):
            self.update_step(gradient, variable, learning_rate)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Assigns the new values of one weight and its slots. ``gradient`` is dense and of the weight's dtype."""
        raise NotImplementedError(f"{type(self).__name__} does not define update_step(gradient, variable, "
                                  "learning_rate)")  # fmt: skip

    def assign(self, variable: Variable, value: Any) -> None:
        """Sets a Variable of the model or of the optimizer; the value is cast to its dtype."""
        variable.assign(cast(lift(value, variable.dtype), variable.dtype))

    def assign_add(self, variable: Variable, value: Any) -> None:
        """Adds to a Variable of the model or of the optimizer."""
        variable.assign_add(cast(lift(value, variable.dtype), variable.dtype))

    def assign_sub(self, variable: Variable, value: Any) -> None:
        """Subtracts from a Variable of the model or of the optimizer."""
        variable.assign_sub(cast(lift(value, variable.dtype), variable.dtype))

    # --- what the updates of one step share ----------------------------------------------------------------------

    def step_scalars(self, learning_rate: Any, step: Callable[[], Any]) -> tuple[Any, ...]:
        """Scalars that depend on nothing but the learning rate and ``step()``, the number of the update from 1.

        Both are NumPy numbers, or tensors of a graph: written with operators, this serves both.
        """
        return (learning_rate,)

    def scalars_for(self, variable: Variable, learning_rate: Any) -> tuple[Operand, ...]:
        """:meth:`step_scalars` as tensors of a weight's dtype; computed once for all weights of a step.

        Narrow floats take part only at the end: powers of a decay rate near 1 need at least float32.
        """
        dtype = variable.dtype
        key = (id(learning_rate), dtype)
        found = None if self._shared is None else self._shared.get(key)
        if found is None:
            wide = float64 if dtype is float64 else float32
            scalars = self.step_scalars(_number(learning_rate, wide), lambda: _number(self.iterations, wide) + 1)
            found = (learning_rate, tuple([cast(lift(s), dtype) for s in scalars]))
            if self._shared is not None:
                self._shared[key] = found
        return found[1]

    # --- weight decay --------------------------------------------------------------------------------------------

    def exclude_from_weight_decay(
        self, var_list: Iterable[Variable] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Spares these weights the decay, and those whose name contains one of ``var_names`` (regular expressions).

        Steps that were compiled before do not change.
        """
        self._undecayed = set(var_list or ())
        names = list(var_names or ())
        self._undecayed_names = re.compile("|".join(names)) if names else None

    def decay_of(self, variable: Variable) -> float | None:
        """The weight decay of this weight; None for none."""
        return None if self._is_spared(variable) else self.weight_decay

    def _is_spared(self, variable: Variable) -> bool:
        names = self._undecayed_names
        return variable in self._undecayed or (names is not None and names.search(variable.name) is not None)

    # --- accumulation and averages -------------------------------------------------------------------------------

    def _accumulate(self, grads: list[Operand], variables: list[Variable], following: Operand) -> None:
        steps = self.gradient_accumulation_steps
        sums = [self._accumulators[self._index[v]] for v in variables]

        def update() -> None:
            self._update([div(add(g, s), steps) for g, s in zip(grads, sums, strict=True)], variables)
            for each in self._accumulators:
                each.assign(zeros_like(each))

        def wait() -> None:
            for gradient, each in zip(grads, sums, strict=True):
                each.assign(add(each, gradient))

        cond(equal(floormod(following, steps), 0), update, wait)

    def _replace(
        self, grads: list[Operand], variables: list[Variable], following: Operand
    ) -> tuple[list[Operand], list[Variable]]:
        """Sets the weights that are replaced by their gradients; gives the other pairs.

        With gradient accumulation, by the largest gradient of the steps.
        """
        steps = self.gradient_accumulation_steps
        others = [(g, v) for g, v in zip(grads, variables, strict=True) if not is_replaced(v)]
        for gradient, variable in zip(grads, variables, strict=True):
            if not is_replaced(variable):
                continue
            if not steps:
                variable.assign(gradient)
                continue
            kept = self._accumulators[self._index[variable]]
            largest, due = maximum(gradient, kept), equal(floormod(following, steps), 0)
            variable.assign(select(due, largest, variable))
            kept.assign(select(due, zeros_like(kept), largest))
        return [g for g, _ in others], [v for _, v in others]

    def _follow_averages(self) -> None:
        """Moves the averages towards the weights; the first step sets them to the weights."""
        started = not_equal(self.iterations, 0)
        for variable, average in zip(self._trainable_variables, self.moving_averages, strict=True):
            kept = mul(cast(started, variable.dtype), self.ema_momentum)
            average.assign(add(mul(average, kept), mul(variable, sub(1, kept))))
        if self.ema_overwrite_frequency:
            due = equal(floormod(add(self.iterations, 1), self.ema_overwrite_frequency), 0)
            cond(due, lambda: self.finalize_variable_values(self._trainable_variables), lambda: None)

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """Replaces weights by their moving averages, if there are any; called at the end of training."""
        if self.moving_averages:
            for variable in var_list:
                variable.assign(self.moving_averages[self._get_variable_index(variable)])

    # --- other ways to call it -----------------------------------------------------------------------------------

    def scale_loss(self, loss: Any) -> Any:
        """The loss times ``loss_scale_factor``: what to differentiate so that small gradients do not vanish."""
        return loss if self.loss_scale_factor is None else mul(loss, self.loss_scale_factor)

    def minimize(
        self,
        loss: Any,
        var_list: Sequence[Variable] | Callable[[], Sequence[Variable]],
        grad_loss: Any = None,
        name: str | None = None,
        tape: GradientTape | None = None,
    ) -> Any:
        """One step down a loss: a function without arguments, or a tensor with the tape that recorded it.

        Returns :attr:`iterations`. Raises ArgumentError for a tensor without a tape.
        """
        if callable(loss):
            tape = GradientTape() if tape is None else tape
            with tape:
                loss = loss()
        if tape is None:
            raise ArgumentError("minimize: a loss that is a tensor needs the tape that recorded it: tape=...; or give "
                                "a function without arguments that computes it")  # fmt: skip
        variables = var_list() if callable(var_list) else var_list
        return self.apply_gradients(zip(tape.gradient(loss, variables, grad_loss), variables, strict=True))

    def stateless_apply(
        self, optimizer_variables: Sequence[Any], grads: Sequence[Any], trainable_variables: Sequence[Any]
    ) -> tuple[list[Any], list[Any]]:
        """New values of weights and optimizer state from given ones; the Variables themselves keep theirs.

        Raises ArgumentError before :meth:`build` or for another number of values than there are Variables.
        """
        self._check_count(optimizer_variables, self.variables, "optimizer variables")
        self._check_count(trainable_variables, self._trainable_variables, "trainable variables")
        owners = [*self._trainable_variables, *self.variables]
        with values_of(owners, [*trainable_variables, *optimizer_variables]):
            self.apply(grads)
            found = [Variable.read_value(v) for v in owners]
        return found[: len(trainable_variables)], found[len(trainable_variables) :]

    def _check_count(self, values: Sequence[Any], variables: Sequence[Variable], what: str) -> None:
        if not self.built:
            raise ArgumentError(f"{self.name} is not built; call build(trainable_variables) before stateless_apply")
        if len(values) != len(variables):
            raise ArgumentError(f"{self.name} has {len(variables)} {what}, got {len(values)} values")

    # --- configs -------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments as plain data; a schedule as its own config."""
        rate = self._learning_rate
        common = ("weight_decay", "clipnorm", "global_clipnorm", "clipvalue", "use_ema", "ema_momentum",
                  "ema_overwrite_frequency", "loss_scale_factor", "gradient_accumulation_steps")  # fmt: skip
        return {
            "name": self.name,
            "learning_rate": float(rate.snapshot()) if isinstance(rate, Variable) else serialize_keras_object(rate),
            **{key: getattr(self, key) for key in (*common, *self.config_keys)},
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Self:
        """The optimizer of a config of :meth:`get_config`, or of one that Keras 2 or 3 wrote."""
        arguments = known_options(config)
        if isinstance(arguments.get("learning_rate"), dict):
            arguments["learning_rate"] = deserialize_keras_object(arguments["learning_rate"], custom_objects)
        return cls(**arguments)


def _number(scalar: Any, dtype: DType) -> Any:
    """A scalar that is known as a NumPy number, one of a graph as a tensor of the dtype."""
    tensor = cast(lift(scalar), dtype) if mode.tracer is not None else lift(scalar)
    return tensor if isinstance(tensor, SymbolicTensor) else dtype.np.type(tensor.numpy())


def store(variables: Sequence[Variable], values: Sequence[Operand]) -> None:
    """Assigns the results of an update, which have the Variables' types already."""
    for variable, value in zip(variables, values, strict=True):
        Variable.assign(variable, value)
