"""What a layer demands of its inputs, checked before every call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.keras.config import standardize_dtype
from graphc.keras.registry import publish
from graphc.pytree import leaves_of
from graphc_ir.errors import ArgumentError, ShapeError

__all__ = ["InputSpec", "check_inputs"]


class InputSpec:
    """Rank (``ndim``, ``min_ndim``, ``max_ndim``), ``dtype``, ``shape`` (None for any size) or sizes of single
    ``axes`` that an input must have.

    ``optional`` inputs may be None. ``allow_last_axis_squeeze`` lets a last axis of size 1 be missing or added.
    """

    def __init__(
        self,
        dtype: Any = None,
        shape: Sequence[int | None] | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: dict[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.dtype = None if dtype is None else standardize_dtype(dtype)
        self.shape = None if shape is None else tuple(shape)
        self.ndim = ndim if self.shape is None else len(self.shape)
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = {int(k): v for k, v in (axes or {}).items()}
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name = name
        self.optional = optional

    def get_config(self) -> dict[str, Any]:
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes", "optional")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> InputSpec:
        return cls(**config)

    def __repr__(self) -> str:
        shown = {key: value for key, value in self.get_config().items() if value}
        return f"InputSpec({', '.join(f'{k}={v!r}' for k, v in shown.items())})"

    def problem_with(self, x: Any) -> str | None:
        """What is wrong with a tensor, in words; None if nothing is."""
        shape = tuple(x.shape)
        if self.dtype is not None and x.dtype != self.dtype:
            return f"expected dtype {self.dtype}, found dtype {x.dtype.name}"
        return self._rank_problem(len(shape)) or self._size_problem(shape)

    def _rank_problem(self, rank: int) -> str | None:
        if self.ndim is not None and rank != self.ndim and not self.allow_last_axis_squeeze:
            return f"expected ndim={self.ndim}, found ndim={rank}"
        if self.min_ndim is not None and rank < self.min_ndim:
            return f"expected min_ndim={self.min_ndim}, found ndim={rank}"
        if self.max_ndim is not None and rank > self.max_ndim:
            return f"expected max_ndim={self.max_ndim}, found ndim={rank}"
        return None

    def _size_problem(self, shape: tuple[Any, ...]) -> str | None:
        for axis, size in self.axes.items():
            found = shape[axis] if -len(shape) <= axis < len(shape) else None
            if size is not None and found not in (size, None):
                return f"expected axis {axis} of the input shape to have value {size}, found shape {shape}"
        if self.shape is None:
            return None
        wanted, given = self.shape, shape
        if self.allow_last_axis_squeeze:
            wanted, given = _without_last_one(wanted), _without_last_one(given)
        fits = len(wanted) == len(given) and all(
            a is None or b is None or a == b for a, b in zip(wanted, given, strict=True)
        )
        return None if fits else f"expected shape={self.shape}, found shape={shape}"


def _without_last_one(shape: tuple[Any, ...]) -> tuple[Any, ...]:
    return shape[:-1] if shape and shape[-1] == 1 else shape


def check_inputs(spec: Any, inputs: Any, layer_name: str) -> None:
    """Compares inputs with an InputSpec or a structure of them. Raises ShapeError that names the layer, or
    ArgumentError for inputs that are no tensors."""
    specs = [s for s in leaves_of(spec) if isinstance(s, InputSpec)]
    if not specs:
        return
    if isinstance(inputs, dict) and all(s.name in inputs for s in specs):
        tensors = [inputs[s.name] for s in specs]
    else:
        tensors = leaves_of(inputs, none_is_leaf=True)
    if len(tensors) != len(specs):
        raise ShapeError(f"layer {layer_name!r} expects {len(specs)} input(s), but it received {len(tensors)} input "
                         "tensors; call it on each of them, or join them with Concatenate or Add first")  # fmt: skip
    for i, (one, tensor) in enumerate(zip(specs, tensors, strict=True)):
        if tensor is None:
            if not one.optional:
                raise ShapeError(f"layer {layer_name!r}: input {i} is None, but the layer needs {one!r}")
            continue
        if not hasattr(tensor, "shape"):
            raise ArgumentError(f"Inputs to a layer should be tensors or arrays. Layer {layer_name!r} got "
                                f"{tensor!r} ({type(tensor).__name__})")  # fmt: skip
        problem = one.problem_with(tensor)
        if problem:
            raise ShapeError(f"Input {i} of layer {layer_name!r} is incompatible with the layer: {problem}. Full "
                             f"shape received: {tuple(tensor.shape)}; reshape the input or build the layer for "
                             "this shape")  # fmt: skip


publish("keras", {"InputSpec": InputSpec}, ["InputSpec"])
