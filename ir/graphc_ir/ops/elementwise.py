"""Element-wise ops: one result element per (broadcast) operand element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from graphc_ir.dims import broadcast_shapes
from graphc_ir.dtypes import DType, as_dtype, bool_
from graphc_ir.errors import DTypeError, ShapeError
from graphc_ir.ops.base import (
    KIND_ORDER,
    Array,
    NotDifferentiable,
    Op,
    Operand,
    bind,
    bind_binary,
    bind_unary,
    dtype_of,
    lift,
    promote,
)
from graphc_ir.types import TensorType

NUMERIC = "iufc"
REAL = "iuf"
FLOAT = "fc"


def check_kind(op: Op, kinds: str, *types: TensorType) -> None:
    """Raises DTypeError unless all operands share one dtype of the given kinds."""
    first = types[0].dtype
    for other in types[1:]:
        if other.dtype is not first:
            raise DTypeError(f"{op.name} got operands of dtypes {first.name} and {other.dtype.name}; both must be the "
                             f"same: cast {_which_cast(first, other.dtype)}")  # fmt: skip
    if first.kind not in kinds:
        wanted = {"b": "bool", "i": "integers", "u": "unsigned integers", "f": "floats", "c": "complex"}
        raise DTypeError(f"{op.name} does not take dtype {first.name}; it takes "
                         f"{', '.join(wanted[k] for k in kinds)}: cast with tf.cast(x, dtype)")  # fmt: skip


def _which_cast(a: DType, b: DType) -> str:
    """The cast that loses nothing where one does: from the narrower kind to the wider."""
    order = KIND_ORDER[a.kind] - KIND_ORDER[b.kind]
    if order == 0:
        return f"one of them, e.g. tf.cast(x, tf.{a.name})"
    narrow, wide = (b, a) if order > 0 else (a, b)
    return f"the {narrow.name} one, tf.cast(x, tf.{wide.name})"


def broadcast(op: Op, *types: TensorType) -> tuple[Any, ...]:
    """The common shape. Raises ShapeError that shows all operand shapes."""
    first = types[0].shape
    if all(t.shape == first for t in types):
        return first
    try:
        return broadcast_shapes(*(t.shape for t in types))
    except ValueError as error:
        raise ShapeError(f"{op.name}: {error}") from error


class Elementwise(Op, abstract=True):
    """One operand dtype, result shape by broadcasting. ``ufunc`` is the NumPy function where one fits exactly."""

    accepts: ClassVar[str] = FLOAT
    ufunc: ClassVar[Callable[..., Any] | None] = None
    is_elementwise = True

    def __init_subclass__(cls, **options: Any) -> None:
        # The kernel of an op with a ufunc is the ufunc itself: one Python call less for every eager op.
        if "ufunc" in cls.__dict__ and "kernel" not in cls.__dict__:
            cls.kernel = staticmethod(cls.ufunc)  # type: ignore[method-assign, arg-type]
        super().__init_subclass__(**options)

    def result_dtype(self, dtype: DType) -> DType:
        return dtype

    def infer(self, *types: TensorType) -> TensorType:
        check_kind(self, self.accepts, *types)
        return TensorType(self.result_dtype(types[0].dtype), broadcast(self, *types))

    def numpy_function(self) -> Callable[..., Any]:
        return self.ufunc or self.kernel

    def accepts_out(self) -> bool:
        return isinstance(self.ufunc, np.ufunc)


class Unary(Elementwise, abstract=True):
    pass


class Binary(Elementwise, abstract=True):
    accepts = NUMERIC


class Predicate(Elementwise, abstract=True):
    """Result bool; no gradient."""

    vjp = NotDifferentiable("a comparison is piecewise constant")

    def result_dtype(self, dtype: DType) -> DType:
        return bool_


class Add(Binary):
    ufunc = np.add

    def vjp(self, g: Operand, y: Operand, a: Operand, b: Operand) -> Any:
        return g, g


class Sub(Binary):
    ufunc = np.subtract

    def vjp(self, g: Operand, y: Operand, a: Operand, b: Operand) -> Any:
        return g, neg(g)


class Mul(Binary):
    ufunc = np.multiply

    def vjp(self, g: Operand, y: Operand, a: Operand, b: Operand) -> Any:
        return mul(g, adjoint(b)), mul(g, adjoint(a))


class Div(Binary):
    """True division of floats."""

    accepts = FLOAT
    ufunc = np.divide

    def vjp(self, g: Operand, y: Operand, a: Operand, b: Operand) -> Any:
        ga = div(g, adjoint(b))
        return ga, neg(mul(ga, adjoint(y)))


class Maximum(Binary):
    """The larger of two; NaN if either is. At a tie the gradient goes to the first operand, as in TensorFlow."""

    accepts = REAL
    ufunc = np.maximum

    def vjp(self, g: Operand, y: Operand, a: Operand, b: Operand) -> Any:
        first = cast(greater_equal(a, b), dtype_of(g))
        return mul(g, first), mul(g, sub(1, first))


class Minimum(Binary):
    """The smaller of two; NaN if either is. At a tie the gradient goes to the first operand, as in TensorFlow."""

    accepts = REAL
    ufunc = np.minimum

    def vjp(self, g: Operand, y: Operand, a: Operand, b: Operand) -> Any:
        first = cast(less_equal(a, b), dtype_of(g))
        return mul(g, first), mul(g, sub(1, first))


class Neg(Unary):
    accepts = NUMERIC
    ufunc = np.negative

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return neg(g)


class Conj(Unary):
    """The complex conjugate."""

    accepts = "c"
    ufunc = np.conjugate

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return conj(g)


class Exp(Unary):
    ufunc = np.exp

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return mul(g, adjoint(y))


class Log(Unary):
    ufunc = np.log

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return div(g, adjoint(x))


class Sin(Unary):
    ufunc = np.sin

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return mul(g, adjoint(cos(x)))


class Cos(Unary):
    ufunc = np.cos

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return neg(mul(g, adjoint(sin(x))))


class Tanh(Unary):
    ufunc = np.tanh

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return mul(g, sub(1, square(adjoint(y))))


class Sqrt(Unary):
    ufunc = np.sqrt

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return div(mul(g, 0.5), adjoint(y))


class Square(Unary):
    accepts = NUMERIC
    ufunc = np.square

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return mul(g, mul(adjoint(x), 2))


class Relu(Unary):
    """max(x, 0). The gradient at 0 is 0."""

    accepts = REAL

    def kernel(self, x: Array, out: Array | None = None) -> Any:
        return np.maximum(x, np.zeros((), x.dtype), out=out)

    def accepts_out(self) -> bool:
        return True

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        return mul(g, cast(greater(y, 0), dtype_of(g)))


class Greater(Predicate):
    accepts = REAL
    ufunc = np.greater


class GreaterEqual(Predicate):
    accepts = REAL
    ufunc = np.greater_equal


class Less(Predicate):
    accepts = REAL
    ufunc = np.less


class LessEqual(Predicate):
    accepts = REAL
    ufunc = np.less_equal


class Equal(Predicate):
    accepts = "biufc"
    ufunc = np.equal


class NotEqual(Predicate):
    accepts = "biufc"
    ufunc = np.not_equal


class Cast(Op):
    """Another dtype. Floats to integers truncate towards zero; anything to bool is ``!= 0``."""

    dtype: DType
    is_elementwise = True

    def infer(self, x: TensorType) -> TensorType:
        return TensorType(self.dtype, x.shape)

    def kernel(self, x: Array) -> Any:
        with np.errstate(invalid="ignore"):
            return x.astype(self.dtype.np)

    def vjp(self, g: Operand, y: Operand, x: Operand) -> Any:
        source = dtype_of(x)
        if not (source.is_differentiable and self.dtype.is_differentiable):
            return NotDifferentiable("a cast from or to integers or bool")
        return cast(g, source)


class Select(Op):
    """``condition ? a : b`` element by element, all three broadcast."""

    is_elementwise = True

    def infer(self, condition: TensorType, a: TensorType, b: TensorType) -> TensorType:
        if condition.dtype is not bool_:
            raise DTypeError(f"where needs a bool condition, got {condition.dtype.name}; compare first, e.g. x != 0")
        check_kind(self, "biufcs", a, b)
        return TensorType(a.dtype, broadcast(self, condition, a, b))

    def kernel(self, condition: Array, a: Array, b: Array) -> Any:
        return np.where(condition, a, b)

    def vjp(self, g: Operand, y: Operand, condition: Operand, a: Operand, b: Operand) -> Any:
        zero = lift(0, dtype_of(g))
        return NotDifferentiable("the condition of where"), select(condition, g, zero), select(condition, zero, g)


# Made once: gradients are full of these.
_ADD, _SUB, _MUL, _DIV, _NEG = Add(), Sub(), Mul(), Div(), Neg()
_SQRT, _SQUARE, _EXP, _LOG, _RELU, _TANH = Sqrt(), Square(), Exp(), Log(), Relu(), Tanh()


def add(x: Any, y: Any) -> Operand:
    """``x + y`` with broadcasting."""
    return bind_binary(_ADD, x, y)


def sub(x: Any, y: Any) -> Operand:
    """``x - y`` with broadcasting."""
    return bind_binary(_SUB, x, y)


def mul(x: Any, y: Any) -> Operand:
    """``x * y`` with broadcasting."""
    return bind_binary(_MUL, x, y)


def div(x: Any, y: Any) -> Operand:
    """``x / y`` of floats with broadcasting."""
    return bind_binary(_DIV, x, y)


def maximum(x: Any, y: Any) -> Operand:
    """The larger of ``x`` and ``y``, element by element."""
    return bind_binary(Maximum(), x, y)


def minimum(x: Any, y: Any) -> Operand:
    """The smaller of ``x`` and ``y``, element by element."""
    return bind_binary(Minimum(), x, y)


def neg(x: Any) -> Operand:
    """``-x``."""
    return bind_unary(_NEG, x)


def conj(x: Any) -> Operand:
    """The complex conjugate; real tensors are their own."""
    return adjoint(lift(x))


def adjoint(x: Operand) -> Operand:
    """What a cotangent is multiplied with where the derivative is ``x``: its conjugate, as TensorFlow defines the
    gradient of complex functions."""
    return bind(Conj(), x) if dtype_of(x).kind == "c" else x


def exp(x: Any) -> Operand:
    """e to the power of ``x``."""
    return bind_unary(_EXP, x)


def log(x: Any) -> Operand:
    """The natural logarithm."""
    return bind_unary(_LOG, x)


def sin(x: Any) -> Operand:
    """Sine; ``x`` in radians."""
    return bind_unary(Sin(), x)


def cos(x: Any) -> Operand:
    """Cosine; ``x`` in radians."""
    return bind_unary(Cos(), x)


def tanh(x: Any) -> Operand:
    """Hyperbolic tangent."""
    return bind_unary(_TANH, x)


def sqrt(x: Any) -> Operand:
    """Square root; NaN for negative numbers."""
    return bind_unary(_SQRT, x)


def square(x: Any) -> Operand:
    """``x * x``."""
    return bind_unary(_SQUARE, x)


def relu(x: Any) -> Operand:
    """``max(x, 0)``."""
    return bind_unary(_RELU, x)


def greater(x: Any, y: Any) -> Operand:
    """``x > y``, element by element."""
    return bind_binary(Greater(), x, y)


def greater_equal(x: Any, y: Any) -> Operand:
    """``x >= y``, element by element."""
    return bind_binary(GreaterEqual(), x, y)


def less(x: Any, y: Any) -> Operand:
    """``x < y``, element by element."""
    return bind_binary(Less(), x, y)


def less_equal(x: Any, y: Any) -> Operand:
    """``x <= y``, element by element."""
    return bind_binary(LessEqual(), x, y)


def equal(x: Any, y: Any) -> Operand:
    """``x == y``, element by element."""
    return bind_binary(Equal(), x, y)


def not_equal(x: Any, y: Any) -> Operand:
    """``x != y``, element by element."""
    return bind_binary(NotEqual(), x, y)


def cast(x: Any, dtype: Any) -> Operand:
    """``x`` with another dtype; the same operand if it has it already."""
    wanted, operand = as_dtype(dtype), lift(x)
    return operand if dtype_of(operand) is wanted else bind(Cast(wanted), operand)


def select(condition: Any, a: Any, b: Any) -> Operand:
    """``a`` where ``condition`` holds, else ``b``; all broadcast."""
    return bind(Select(), lift(condition), *promote(a, b))
