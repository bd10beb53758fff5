"""The options that all optimizers share, and older spellings of them."""

from __future__ import annotations

import difflib
import inspect
import warnings
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any, Final, TypedDict

import numpy as np

from graphc.tensor import Tensor
from graphc.variable import Variable
from graphc_ir.errors import ArgumentError

__all__ = ["CommonOptions", "Options", "check_options", "known_options", "learning_rate_of", "number"]

_KERAS_2: Final = ("decay", "jit_compile", "is_legacy_optimizer")


class CommonOptions(TypedDict, total=False):
    """What :class:`Optimizer` takes, of optimizers that have a ``weight_decay`` of their own."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    name: str | None
    lr: Any
    decay: Any


class Options(CommonOptions, total=False):
    """What every optimizer takes by name, documented at :class:`Optimizer`."""

    weight_decay: float | None


def learning_rate_of(learning_rate: Any, older: Mapping[str, Any], constructor: Callable[..., Any]) -> Any:
    """The learning rate, which TensorFlow 2.0 also calls ``lr``.

    Warns of ``decay``, which is ignored; raises ArgumentError for any other unknown argument.
    """
    if older.get("decay"):
        warnings.warn("the argument decay of optimizers is ignored; use a schedule: "
                      "learning_rate=keras.optimizers.schedules.InverseTimeDecay(...)", stacklevel=4)  # fmt: skip
    for name in older:
        if name not in ("lr", "decay"):
            raise ArgumentError(f"unknown argument {name!r} of an optimizer{_hint(name, constructor)}")
    return older.get("lr", learning_rate)


def _hint(name: str, constructor: Callable[..., Any]) -> str:
    known = [p for p in inspect.signature(constructor).parameters if p != "self"] + list(Options.__annotations__)
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(dict.fromkeys(known))}"


def known_options(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config without what Keras 2 wrote and nothing needs any more."""
    return {key: value for key, value in config.items() if key not in _KERAS_2}


def number(value: Any, what: str) -> float:
    """A number given as Python or NumPy number or scalar tensor. Raises ArgumentError for anything else."""
    if isinstance(value, Variable):
        raise ArgumentError(f"{what} is the Variable {value.name}, whose later changes an optimizer would not see; "
                            "pass its number, float(v), or a function that reads it, lambda: v")  # fmt: skip
    scalar = isinstance(value, (np.ndarray, Tensor)) and value.ndim == 0
    if scalar or (isinstance(value, Real) and not isinstance(value, bool)):
        return float(value)
    raise ArgumentError(f"{what} must be a number, a LearningRateSchedule or a function without arguments, got "
                        f"{value!r} ({type(value).__name__})")  # fmt: skip


def check_options(
    clips: Mapping[str, float | None],
    use_ema: bool,
    ema_momentum: float,
    ema_overwrite_frequency: int | None,
    gradient_accumulation_steps: int | None,
) -> None:
    """Raises ArgumentError for values out of their ranges, and for more than one way of clipping."""
    given = {name: value for name, value in clips.items() if value is not None}
    if len(given) > 1:
        shown = ", ".join(f"{name}={value}" for name, value in given.items())
        raise ArgumentError(f"gradients are clipped in one way, got {shown}; keep one of them")
    if gradient_accumulation_steps and gradient_accumulation_steps < 2:
        raise ArgumentError("gradient_accumulation_steps must be an integer >= 2, or None for no accumulation; got "
                            f"{gradient_accumulation_steps}")  # fmt: skip
    if not use_ema:
        return
    if not 0 <= ema_momentum <= 1:
        raise ArgumentError(f"ema_momentum must lie in [0, 1], got {ema_momentum}")
    frequency = ema_overwrite_frequency
    if frequency and (not isinstance(frequency, int) or frequency < 1):
        raise ArgumentError(f"ema_overwrite_frequency must be an integer >= 1 or None, got {frequency!r}")
