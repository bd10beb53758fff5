"""The base of losses, and losses made from functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.autograph import convert
from graphc.framework import name_scope
from graphc.keras import dtype_policies
from graphc.keras.config import floatx
from graphc.keras.losses.arguments import align_ranks, convert_structure
from graphc.keras.losses.reduction import mask_of, reduce_weighted, standardize_reduction
from graphc.keras.naming import auto_name, to_snake_case
from graphc.keras.serialization import deserialize_keras_object, serialize_keras_object
from graphc.tensor import Tensor

__all__ = ["FunctionLoss", "Loss", "LossFunctionWrapper"]


class Loss:
    """Base: ``loss(y_true, y_pred, sample_weight=None)`` gives a number to minimise.

    A subclass defines ``call(y_true, y_pred)``, which gives a loss per element. ``reduction`` says what becomes of
    them: ``"sum_over_batch_size"`` or ``"mean"`` (their mean), ``"sum"``, ``"mean_with_sample_weight"`` (their sum
    divided by that of the weights), ``"none"`` or None (all of them). A mask that the predictions carry leaves elements
    out. ``dtype`` is that of the computation, by default :func:`keras.config.floatx`; targets and predictions are cast
    to it. Raises ArgumentError for another reduction.
    """

    def __init__(
        self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: Any = None
    ) -> None:
        self.name = name or auto_name(to_snake_case(type(self).__name__))
        self.reduction = standardize_reduction(reduction)
        self._dtype = dtype_policies.get(dtype or floatx()).compute_dtype

    @property
    def dtype(self) -> str:
        """The dtype of the computation."""
        return self._dtype

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        with name_scope(self.name):
            prediction = convert_structure(y_pred, self._dtype)
            losses = convert(self.call)(self._targets(y_true), prediction)
            mask = mask_of(y_pred, losses)
            return reduce_weighted(losses, sample_weight, mask, self.reduction, self._dtype)

    def _targets(self, y_true: Any) -> Any:
        """The targets as ``call`` gets them."""
        return convert_structure(y_true, self._dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The losses before weighting and reduction. Subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} must define call(y_true, y_pred)")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal loss."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        """A loss from what ``get_config`` returned."""
        return cls(**config)


class LossFunctionWrapper(Loss):
    """A function ``fn(y_true, y_pred, **kwargs)`` as a loss."""

    def __init__(self, fn: Callable[..., Any], reduction: str | None = "sum_over_batch_size", name: str | None = None,
                 dtype: Any = None, **kwargs: Any) -> None:  # fmt: skip
        super().__init__(name, reduction, dtype)
        self.fn = fn
        self._fn_kwargs = kwargs

    def call(self, y_true: Any, y_pred: Any) -> Any:
        if isinstance(y_true, Tensor) and isinstance(y_pred, Tensor):
            y_true, y_pred = align_ranks(y_true, y_pred)
        return convert(self.fn)(y_true, y_pred, **self._fn_kwargs)

    def get_config(self) -> dict[str, Any]:
        function = {"fn": serialize_keras_object(self.fn)}
        return {**super().get_config(), **function, **serialize_keras_object(self._fn_kwargs)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        return cls(**deserialize_keras_object(config))

    def __repr__(self) -> str:
        arguments = "".join(f", {key}={value!r}" for key, value in self._fn_kwargs.items())
        return f"<{type(self).__name__} {self.name!r}: reduction={self.reduction!r}{arguments}>"


class FunctionLoss(LossFunctionWrapper):
    """Base of the built-in losses: the function is that of the class, its arguments are attributes."""

    def __init__(self, fn: Callable[..., Any], reduction: str | None, name: str | None, dtype: Any,
                 **kwargs: Any) -> None:  # fmt: skip
        super().__init__(fn, reduction, name, dtype, **kwargs)
        self.__dict__.update(kwargs)

    def get_config(self) -> dict[str, Any]:
        return {**Loss.get_config(self), **self._fn_kwargs}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        return cls(**config)
