"""What a row of the op samples table says.

The table has one file per op family, each with ``SAMPLES`` and ``ERRORS``; ``tests/test_op_samples.py`` turns every row
into tests: kernel against infer, vjp against finite differences (first and second order), export and run against the
kernel, export-import identity, print-parse identity, error texts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from graphc_ir.dims import evaluate
from graphc_ir.ops.base import Op
from graphc_ir.types import TensorType, parse_type


@dataclass(frozen=True)
class Sample:
    """One use of an op.

    ``operands``: types as IR text (``"f64[2, n]"``; use f64 where a gradient is to be checked). ``sizes`` gives values
    to symbolic dims. ``ranges``: per operand (low, high) for random values, default (-2, 2), integers included;
    ``values`` overrides some of them with explicit arrays. ``gradient``: compare vjp with finite differences (choose
    ranges away from kinks); ``differentiable`` results of them, all by default (further ones may serve the gradient
    only). ``min_opset``: oldest opset with an ONNX form, None where ``NO_ONNX_FORM`` gives a reason.
    ``round_trip``: importing the export gives the same op again (False where ONNX spells it as several operators).
    ``runtime_hole``: why ONNX Runtime cannot run the export (a missing kernel for the dtype); the ONNX reference
    implementation runs it instead. ``reference_hole``: why that implementation cannot; opsets too new for ONNX Runtime
    are then left out.
    """

    op: Op
    operands: tuple[str, ...]
    sizes: Mapping[str, int] = field(default_factory=dict)
    ranges: tuple[tuple[float, float], ...] | None = None
    values: tuple[Any, ...] | None = None
    gradient: bool = True
    second_order: bool = True
    differentiable: int | None = None
    min_opset: int | None = 13
    round_trip: bool = True
    runtime_hole: str = ""
    reference_hole: str = ""
    rtol: float = 1e-5
    atol: float = 1e-6
    label: str = ""

    @property
    def id(self) -> str:
        return f"{self.op.name}-{self.label or '-'.join(self.operands)}".replace(" ", "")

    def types(self) -> tuple[TensorType, ...]:
        return tuple(parse_type(text) for text in self.operands)

    def arrays(self, seed: int = 0) -> list[npt.NDArray[Any]]:
        """Random operand values, the same for the same seed."""
        rng = np.random.default_rng(seed)
        return [np.asarray(self._array(i, type, rng)) for i, type in enumerate(self.types())]

    def _array(self, i: int, type: TensorType, rng: np.random.Generator) -> npt.NDArray[Any]:
        shape = tuple(evaluate(d, self.sizes) for d in type.shape)
        if self.values is not None and self.values[i] is not None:
            return np.broadcast_to(np.asarray(self.values[i], type.dtype.np), shape).copy()
        low, high = self.ranges[i] if self.ranges else (-2.0, 2.0)
        if type.dtype.is_bool:
            return rng.random(shape) < 0.5
        if type.dtype.is_integer:
            return rng.integers(max(int(low), int(type.dtype.min)), int(high) + 1, shape).astype(type.dtype.np)
        if type.dtype.is_complex:
            real, imaginary = rng.uniform(low, high, shape), rng.uniform(low, high, shape)
            return (real + 1j * imaginary).astype(type.dtype.np)
        return rng.uniform(low, high, shape).astype(type.dtype.np)


@dataclass(frozen=True)
class ErrorCase:
    """A wrong call and the error it must raise; ``match`` is a regular expression found in the message."""

    call: Callable[[], Any]
    error: type[Exception]
    match: str
    label: str
