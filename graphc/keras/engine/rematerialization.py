"""Rematerialization: activations that are computed again when gradients need them, instead of being kept."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from graphc import autograph
from graphc.custom_gradient import recompute_grad
from graphc.keras.engine.call_context import collecting_losses, current_call, enter_call
from graphc.keras.engine.keras_tensor import any_symbolic
from graphc.keras.variable import autocast_dtype, autocast_to
from graphc.mode import mode
from graphc.pytree import flatten, leaves_of, unflatten
from graphc.regions import check_callable
from graphc.tensor import Tensor
from graphc_ir.errors import ArgumentError

__all__ = ["RematScope", "current_remat_scope", "output_size", "remat"]

_MODES: Final = ("full", "activations", "larger_than", "list_of_layers", None)


class _Running(threading.local):
    scopes: tuple[RematScope, ...] = ()


_running = _Running()


class RematScope:
    """Layers made inside the block compute again what their gradients need, which takes less memory and more time.

    ``mode``: ``"full"`` for all layers and operations; ``"activations"`` for the ``activation`` of layers that have
    one; ``"larger_than"`` for layers whose outputs have more than ``output_size_threshold`` elements (open sizes count
    as 1); ``"list_of_layers"`` for those named in ``layer_names``; None for none. The innermost scope counts.
    Raises ArgumentError for another mode.
    """

    def __init__(
        self, mode: str | None = "full", output_size_threshold: int = 1024, layer_names: Iterable[str] | None = None
    ) -> None:
        if mode not in _MODES:
            raise ArgumentError(f"RematScope: Invalid mode {mode!r}; expected one of "
                                f"{', '.join(map(repr, _MODES))}")  # fmt: skip
        self.mode = mode
        self.output_size_threshold = output_size_threshold
        self.layer_names = list(layer_names or ())
        self._outer: list[tuple[RematScope, ...]] = []

    def __enter__(self) -> RematScope:
        self._outer.append(_running.scopes)
        _running.scopes = (*_running.scopes, self)
        return self

    def __exit__(self, *error: object) -> None:
        _running.scopes = self._outer.pop()

    def __repr__(self) -> str:
        return f"<RematScope mode={self.mode!r}>"


def current_remat_scope() -> RematScope | None:
    """The innermost open scope of this thread."""
    return _running.scopes[-1] if _running.scopes else None


def remat(f: Callable[..., Any]) -> Callable[..., Any]:
    """``f``, a function or layer, whose gradient runs it again instead of keeping what it computed.

    Random draws are the same in both runs, and Variables are assigned once. Raises ArgumentError when called on
    KerasTensors: use it in the ``call`` of a layer, or in a ``Lambda`` layer.
    """
    check_callable(f, "the argument of keras.remat")

    @functools.wraps(f, updated=())
    def rematerialized(*args: Any, **kwargs: Any) -> Any:
        if any_symbolic(args, kwargs):
            raise ArgumentError(f"keras.remat({getattr(f, '__name__', f)}) was called on a KerasTensor; call it in a "
                                "layer, e.g. keras.layers.Lambda(keras.remat(f))(x)")  # fmt: skip
        if mode.tracer is None and not mode.tapes:
            return f(*args, **kwargs)
        return _Run(f, args, kwargs).result()

    return rematerialized


class _Run:
    """One call. What leaves it besides the result, the masks on it and the losses added inside, leaves as results too:
    tensors of the region that is computed twice are of no use outside."""

    def __init__(self, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.f = autograph.convert(f)
        self.leaves, self.structure = flatten((args, kwargs))
        self.positions = [i for i, leaf in enumerate(self.leaves) if isinstance(leaf, Tensor)]
        self.tensors = [self.leaves[i] for i in self.positions]
        context = current_call()
        self.training = None if context is None else context.training
        self.autocast = autocast_dtype()
        self.outcome: _Outcome | None = None

    def result(self) -> Any:
        found = recompute_grad(self._tensors)(*self.tensors)
        assert self.outcome is not None
        result, losses = self.outcome.of(found)
        with enter_call(self.f, None):
            for layer, loss in losses:
                layer.add_loss(loss)
        return result

    def _tensors(self, *inner: Any) -> tuple[Any, ...]:
        leaves = list(self.leaves)
        for i, outside, tensor in zip(self.positions, self.tensors, inner, strict=True):
            _put_mask(tensor, getattr(outside, "_keras_mask", None))
            leaves[i] = tensor
        args, kwargs = unflatten(self.structure, leaves)
        # The second run happens when all calls are over: it needs to be told what they told the first.
        with enter_call(self.f, self.training), autocast_to(self.autocast), collecting_losses() as losses:
            result = self.f(*args, **kwargs)
        outcome = _Outcome(result, losses)
        self.outcome = self.outcome or outcome
        return outcome.tensors


class _Outcome:
    """What a function returned, taken apart: ``tensors`` are those of the result, their masks and the losses."""

    def __init__(self, result: Any, losses: Sequence[tuple[Any, Any]]) -> None:
        self.leaves, self.structure = flatten(result)
        self.positions = [i for i, leaf in enumerate(self.leaves) if isinstance(leaf, Tensor)]
        outputs = [self.leaves[i] for i in self.positions]
        masks = [getattr(tensor, "_keras_mask", None) for tensor in outputs]
        self.masked = [i for i, mask in zip(self.positions, masks, strict=True) if mask is not None]
        self.layers = [layer for layer, _ in losses]
        self.tensors = (*outputs, *(m for m in masks if m is not None), *(loss for _, loss in losses))

    def of(self, tensors: Sequence[Any]) -> tuple[Any, list[tuple[Any, Any]]]:
        """The result and the losses with these tensors in place of the function's."""
        following = iter(tensors)
        leaves = list(self.leaves)
        for i in self.positions:
            leaves[i] = next(following)
        for i in self.masked:
            _put_mask(leaves[i], next(following))
        return unflatten(self.structure, leaves), list(zip(self.layers, following, strict=True))


def _put_mask(tensor: Tensor, mask: Any) -> None:
    if mask is not None:
        tensor._keras_mask = mask


def output_size(outputs: Any) -> int:
    """The number of elements of tensors; open sizes count as 1."""
    total = 0
    for tensor in leaves_of(outputs):
        sizes = [size if isinstance(size, int) else 1 for size in tensor.type.shape]
        total += functools.reduce(int.__mul__, sizes, 1)
    return total
