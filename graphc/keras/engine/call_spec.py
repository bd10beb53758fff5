"""How a layer's ``call`` wants its arguments: which it has, which of a call's arguments are tensors."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from graphc.pytree import leaves_of
from graphc.tensor import Tensor
from graphc.variable import Variable
from graphc_ir.errors import ArgumentError

__all__ = ["CallSignature", "signature_of_call"]

_CONTEXT = ("training", "mask")


class CallSignature:
    """The parameters of one ``call`` function (without self)."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self.signature = inspect.signature(call)
        parameters = list(self.signature.parameters.values())[1:]
        kinds = {p.name: p.kind for p in parameters}
        self.names = [n for n, k in kinds.items() if k not in (inspect.Parameter.VAR_KEYWORD,
                                                               inspect.Parameter.VAR_POSITIONAL)]  # fmt: skip
        self.required = [p.name for p in parameters if p.name in self.names and p.default is p.empty]
        self.takes_any_keyword = inspect.Parameter.VAR_KEYWORD in kinds.values()
        self.takes_training = "training" in kinds
        self.takes_mask = "mask" in kinds
        training = self.signature.parameters.get("training")
        self.default_training = None if training is None or training.default is training.empty else training.default

    def bind(self, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> inspect.BoundArguments:
        """The arguments by parameter, the layer first. Raises ArgumentError for a call that does not fit."""
        try:
            return self.signature.bind(layer, *args, **kwargs)
        except TypeError as error:
            raise ArgumentError(f"{type(layer).__name__}.call{self.signature} of layer {layer.name!r} does not take "
                                f"these arguments: {error}") from error  # fmt: skip

    def tensors_of(self, bound: inspect.BoundArguments) -> dict[str, Any]:
        """The arguments that hold tensors, by parameter name, in order; ``mask`` is none."""
        given = list(bound.arguments.items())[1:]
        return {name: value for name, value in given if name not in _CONTEXT and _holds_tensors(value)}


def _holds_tensors(value: Any) -> bool:
    if isinstance(value, (Tensor, Variable, np.ndarray)):
        return True
    if not isinstance(value, (list, tuple, dict)):
        return False
    return any(isinstance(leaf, (Tensor, Variable, np.ndarray)) for leaf in leaves_of(value))


@functools.lru_cache(maxsize=4096)
def signature_of_call(call: Callable[..., Any]) -> CallSignature:
    """The signature of a class's ``call``, read once."""
    return CallSignature(call)
