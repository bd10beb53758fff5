"""``tf.test``: unit tests with tensors."""

from __future__ import annotations

import tempfile
import unittest
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc.config import list_physical_devices
from graphc.pytree import map_leaves
from graphc.tape import GradientTape
from graphc_ir.ops.base import lift

__all__ = [
    "TestCase", "compute_gradient", "gpu_device_name", "is_built_with_cuda", "is_built_with_gpu_support",
    "is_gpu_available", "main",
]  # fmt: skip

main = unittest.main


class TestCase(unittest.TestCase):
    """A ``unittest.TestCase`` whose assertions take tensors, arrays and nested lists of them."""

    __test__ = False  # itself no test

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.__test__ = True

    def evaluate(self, tensors: Any) -> Any:
        """The values as NumPy arrays, in the same structure."""
        return map_leaves(lambda x: lift(x).numpy(), tensors)

    def get_temp_dir(self) -> str:
        """A folder that is gone after the test."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return folder.name

    def assertAllEqual(self, a: Any, b: Any, msg: str | None = None) -> None:
        """All elements are equal; NaNs are."""
        np.testing.assert_array_equal(self._array(a), self._array(b), msg or "")

    def assertAllClose(self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: str | None = None) -> None:
        """``|a - b| <= atol + rtol * |b|`` for all elements; dicts and lists are compared item by item."""
        if isinstance(a, dict):
            if sorted(a) != sorted(b):
                self.fail(msg or f"the keys differ: {sorted(a)} and {sorted(b)}")
            for key in a:
                self.assertAllClose(a[key], b[key], rtol, atol, msg)
            return
        np.testing.assert_allclose(self._array(a), self._array(b), rtol, atol, err_msg=msg or "")

    def assertNotAllClose(self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: str | None = None) -> None:
        """At least one element differs by more."""
        if np.allclose(self._array(a), self._array(b), rtol, atol):
            self.fail(msg or f"all elements are close: {a} and {b}")

    def assertShapeEqual(self, input_a: Any, input_b: Any, msg: str | None = None) -> None:
        """Both have one shape."""
        first, second = self._array(input_a).shape, self._array(input_b).shape
        if first != second:
            self.fail(msg or f"the shapes differ: {first} and {second}")

    def assertAllInRange(self, target: Any, lower_bound: Any, upper_bound: Any) -> None:
        """All elements lie within the bounds, both included."""
        array = self._array(target)
        if not np.all((array >= lower_bound) & (array <= upper_bound)):
            self.fail(f"expected elements in [{lower_bound}, {upper_bound}], got {array}")

    def assertAllInSet(self, target: Any, expected_set: Any) -> None:
        """All elements are among the expected ones."""
        array = self._array(target)
        if not np.isin(array, list(expected_set)).all():
            self.fail(f"expected elements of {expected_set}, got {array}")

    @staticmethod
    def _array(value: Any) -> Any:
        return np.asarray(lift(value)._array)


def compute_gradient(f: Callable[..., Any], x: Sequence[Any], delta: float | None = None) -> tuple[Any, Any]:
    """The Jacobians of ``f(*x)`` by each ``x``, flattened to matrices: (from the tape, from finite differences)."""
    operands = [lift(part) for part in x]
    with GradientTape(persistent=True) as tape:
        tape.watch(operands)
        y = f(*operands)
    size = int(np.size(y.numpy()))
    exact = [tape.jacobian(y, part).numpy().reshape(size, -1) for part in operands]
    return exact, [_differences(f, operands, i, delta or 1 / 1024) for i in range(len(operands))]


def _differences(f: Callable[..., Any], operands: Sequence[Any], position: int, delta: float) -> Any:
    base = [np.array(part.numpy()) for part in operands]
    columns = []
    for place in np.ndindex(base[position].shape):
        values = []
        for step in (delta, -delta):
            moved = [array.copy() for array in base]
            moved[position][place] += step
            values.append(np.asarray(f(*map(lift, moved)).numpy()).reshape(-1))
        columns.append((values[0] - values[1]) / (2 * delta))
    return np.stack(columns, -1)


def gpu_device_name() -> str:
    """The first GPU that ONNX Runtime can use; an empty string without one."""
    return "/device:GPU:0" if list_physical_devices("GPU") else ""


def is_gpu_available(cuda_only: bool = False, min_cuda_compute_capability: Any = None) -> bool:
    """Whether ONNX Runtime can use a GPU."""
    return bool(list_physical_devices("GPU"))


def is_built_with_cuda() -> bool:
    """Whether ONNX Runtime can use a CUDA device here."""
    return bool(list_physical_devices("GPU"))


is_built_with_gpu_support = is_built_with_cuda
