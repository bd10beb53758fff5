"""The tensor that users hold: an immutable NumPy array (eager) or a value of a graph that is being traced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from graphc.location import user_location, why_unconverted
from graphc.mode import busy, mode
from graphc.shape import TensorShape
from graphc_ir.dtypes import DType, of_numpy
from graphc_ir.errors import ArgumentError, DTypeError, TracingError
from graphc_ir.graph import Value
from graphc_ir.ops import arithmetic, elementwise, indexing, linalg, logical, movement
from graphc_ir.ops import complex as complex_ops
from graphc_ir.ops.base import Array, Op
from graphc_ir.types import TensorSpec, TensorType

__all__ = ["SymbolicTensor", "Tensor", "TensorShape", "TensorSpec", "TensorType", "wrap"]

_FLOAT32: Final = np.dtype(np.float32)
_OUTSIDE: Final = "use tf.* ops, or return the tensor and use its value outside"


class Tensor:
    """A multi-dimensional array of one dtype. Immutable: operators and functions give new tensors."""

    # ``_keras_mask`` is set by layers that mark time steps to be skipped; most tensors have none.
    __slots__ = ("__weakref__", "_array", "_keras_mask")
    _array: Array
    _keras_mask: Any
    # NumPy must leave ``array + tensor`` to our reflected operators.
    __array_priority__ = 100

    @property
    def dtype(self) -> DType:
        return of_numpy(self._array.dtype)

    @property
    def shape(self) -> TensorShape:
        return TensorShape(self._array.shape)

    @property
    def type(self) -> TensorType:
        """The IR type."""
        return TensorType.of(self._array)

    @property
    def ndim(self) -> int:
        return len(self._array.shape)

    @property
    def size(self) -> int:
        return int(self._array.size)

    @property
    def device(self) -> str:
        return "/job:localhost/replica:0/task:0/device:CPU:0"

    @property
    def name(self) -> str:
        raise AttributeError("eager tensors have no name; only values inside a traced function have one")

    @property
    def T(self) -> Any:
        return movement.transpose(self)

    def numpy(self) -> Any:
        """The value as a NumPy array (a NumPy scalar for rank 0)."""
        array = self._array
        if not array.shape:
            return array[()]
        return array if array.flags.writeable else array.copy()

    def get_shape(self) -> TensorShape:
        return self.shape

    def set_shape(self, shape: Any) -> None:
        """Checks that the shape fits. Raises ArgumentError when it does not."""
        if not self.shape.is_compatible_with(shape):
            raise ArgumentError(f"set_shape({shape}): this tensor has shape {self.shape}")

    def ref(self) -> Reference:
        """A hashable reference: tensors themselves compare element by element and cannot be hashed."""
        return Reference(self)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if dtype is not None and np.dtype(dtype) != self._array.dtype:
            return np.asarray(self._array).astype(dtype)
        return np.array(self._array) if copy else np.asarray(self._array)

    def __bool__(self) -> bool:
        if self._array.size != 1:
            raise ArgumentError(f"the truth value of a tensor of shape {self.shape} is ambiguous; reduce it with "
                                "tf.reduce_any or tf.reduce_all")  # fmt: skip
        return bool(self._array)

    def __int__(self) -> int:
        return int(self._single("int"))

    def __float__(self) -> float:
        return float(self._single("float"))

    def __complex__(self) -> complex:
        return complex(self._single("complex"))

    def _single(self, kind: str) -> Any:
        if self._array.size != 1:
            raise ArgumentError(f"{kind}() needs a tensor of one element, got shape {self.shape}")
        return self._array.reshape(())[()]

    def __index__(self) -> int:
        if self._array.shape or self._array.dtype.kind not in "iu":
            raise DTypeError(f"only an integer scalar can be an index, got {self.type}")
        return int(self._array)

    def __len__(self) -> int:
        if not self._array.shape:
            raise TypeError("a scalar tensor has no length")
        return int(self._array.shape[0])

    def __iter__(self) -> Iterator[Any]:
        if not self.type.shape:
            raise TypeError("a scalar tensor cannot be iterated")
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: Any) -> Any:
        if not busy.count and self.__class__ is Tensor and indexing.is_basic(key):
            try:
                return wrap(self._array[key])
            except IndexError:
                pass  # the long way explains it
        return indexing.getitem(self, key)

    def __str__(self) -> str:
        return f"tf.Tensor({_text(str(self._array))}, shape={self.shape}, dtype={self.dtype.name})"

    def __repr__(self) -> str:
        shown = repr(self._array) if self._array.shape else str(self._array)
        return f"<tf.Tensor: shape={self.shape}, dtype={self.dtype.name}, numpy={_text(shown)}>"

    def __format__(self, spec: str) -> str:
        return format(self._array[()], spec) if spec and not self._array.shape else format(str(self), spec)

    def __deepcopy__(self, memo: Any) -> Tensor:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return wrap, (np.asarray(self._array),)

    __hash__ = None  # type: ignore[assignment]

    # Installed below; declared for type checkers.
    __add__: Callable[..., Any]
    __radd__: Callable[..., Any]
    __sub__: Callable[..., Any]
    __rsub__: Callable[..., Any]
    __mul__: Callable[..., Any]
    __rmul__: Callable[..., Any]
    __truediv__: Callable[..., Any]
    __rtruediv__: Callable[..., Any]
    __floordiv__: Callable[..., Any]
    __rfloordiv__: Callable[..., Any]
    __mod__: Callable[..., Any]
    __rmod__: Callable[..., Any]
    __pow__: Callable[..., Any]
    __rpow__: Callable[..., Any]
    __matmul__: Callable[..., Any]
    __rmatmul__: Callable[..., Any]
    __and__: Callable[..., Any]
    __rand__: Callable[..., Any]
    __or__: Callable[..., Any]
    __ror__: Callable[..., Any]
    __xor__: Callable[..., Any]
    __rxor__: Callable[..., Any]
    __neg__: Callable[..., Any]
    __pos__: Callable[..., Any]
    __abs__: Callable[..., Any]
    __invert__: Callable[..., Any]
    __lt__: Callable[..., Any]
    __le__: Callable[..., Any]
    __gt__: Callable[..., Any]
    __ge__: Callable[..., Any]


_new = object.__new__


def wrap(array: Array) -> Tensor:
    """An eager tensor of an array that the caller gives away (no copy, no check)."""
    tensor = _new(Tensor)
    tensor._array = array
    return tensor


class SymbolicTensor(Tensor):
    """A tensor inside a function that is being traced: it has a type, but no value yet."""

    __slots__ = ("value",)
    value: Value

    def __init__(self, value: Value) -> None:
        self.value = value

    @property
    def _array(self) -> Array:  # type: ignore[override]
        raise TracingError(_no_value(self, "its value is asked for", _OUTSIDE))

    @property
    def dtype(self) -> DType:
        return self.value.type.dtype

    @property
    def shape(self) -> TensorShape:
        return TensorShape(self.value.type.shape)

    @property
    def type(self) -> TensorType:
        return self.value.type

    @property
    def ndim(self) -> int:
        return len(self.value.type.shape)

    @property
    def name(self) -> str:
        return self.value.name or "tensor"

    def numpy(self) -> Any:
        fix = "return the tensor and call .numpy() outside, or use tf.* ops"
        raise TracingError(_no_value(self, ".numpy() is called", fix))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        fix = "use the tf.* op instead of NumPy's, or return the tensor and use NumPy outside"
        raise TracingError(_no_value(self, "NumPy is given it", fix))

    def __bool__(self) -> bool:
        fix = "write tf.cond(pred, true_fn, false_fn), tf.while_loop(cond, body, vars) or tf.where instead"
        raise TracingError(_no_value(self, "Python needs its truth (if, while, and, or, not)", fix + why_unconverted()))

    def _single(self, kind: str) -> Any:
        fix = f"use tf.cast(x, dtype), or return the tensor and call {kind}() outside"
        raise TracingError(_no_value(self, f"{kind}() is called", fix))

    def __index__(self) -> int:
        fix = ("use tf.gather(x, i), tf.range(n), tf.while_loop or tf.scan, or pass a Python int, whose value a trace "
               "knows")  # fmt: skip
        raise TracingError(_no_value(self, "Python uses it as an index or a range bound", fix))

    def __len__(self) -> int:
        size = self.value.type.shape[0] if self.value.type.shape else None
        if isinstance(size, int):
            return size
        if size is None:
            raise TypeError("a scalar tensor has no length")
        raise TracingError(_no_value(self, f"len() is called and its first size is {size}", "use tf.shape(x)[0]"))

    def __str__(self) -> str:
        return f"Tensor({self.name!r}, shape={self.shape}, dtype={self.dtype.name})"

    def __repr__(self) -> str:
        return f"<tf.Tensor {self.name!r} shape={self.shape} dtype={self.dtype.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        raise TracingError(_no_value(self, "it is pickled", _OUTSIDE))


class NoArrayError(TracingError):
    """A tensor that only describes an input or a result of a model is used as if it had a value."""


class DeferredTensor(Tensor):
    """A tensor that only describes one of a model being put together: it has a type, and never a value.

    Ops that eager execution meets with such an operand are handed to :meth:`apply`.
    """

    __slots__ = ()

    @property
    def _array(self) -> Array:  # type: ignore[override]
        raise NoArrayError(f"{user_location()}: {self!r} stands for an input or a result of a model and has no value; "
                           "build a Model from it and call that on data")  # fmt: skip

    @property
    def known_dims(self) -> tuple[Any, ...] | None:
        """The elements of an integer tensor of rank 0 or 1 as dims, if they are known."""
        return None

    @classmethod
    def apply(cls, op: Op, operands: tuple[Any, ...], regions: tuple[Any, ...]) -> Any:
        """What the op gives on operands of which one is deferred, or where a size in the op's attributes is open."""
        raise NotImplementedError


def _no_value(tensor: SymbolicTensor, what: str, fix: str) -> str:
    where = f"{user_location()}: a tensor {tensor.type} of a traced function"
    if mode.tracer is None or not mode.tracer.knows(tensor):
        return (f"{where} is used outside of it, where it never gets a value ({what}); return it from the function, or "
                "keep it in a tf.Variable")  # fmt: skip
    return f"{where} has no value yet, but {what}; {fix}"


class Reference:
    """Compares and hashes by identity of the tensor or Variable it refers to."""

    __slots__ = ("_target",)

    def __init__(self, target: Any) -> None:
        self._target = target

    def deref(self) -> Any:
        return self._target

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reference) and self._target is other._target

    def __hash__(self) -> int:
        return id(self._target)


def _text(shown: str) -> str:
    return "\n" + shown if "\n" in shown else shown


def _fast_operator(op: Op, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """An operator that goes straight to NumPy in the most frequent case: two eager float32 tensors.

    For float32 the op's kernel, a ufunc, needs no check but that of the shapes; its failure takes the long way for the
    error message.
    """
    ufunc = op.kernel

    def operator(self: Tensor, other: Any) -> Any:
        if type(other) is not Tensor or (busy.count and mode.tracer is not None):
            return function(self, other)
        a, b = self._array, other._array
        if a.dtype is not _FLOAT32 or b.dtype is not _FLOAT32:
            return function(self, other)
        try:
            array = ufunc(a, b)
        except ValueError:
            return function(self, other)
        result = _new(Tensor)
        result._array = array
        if busy.count:
            for tape in mode.tapes:
                tape.record(op, (self, other), (result,), (), (a, b), (array,))
        return result

    return operator


def _reflected(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda self, other: function(other, self)


def _install_operators() -> None:
    fast = {"add": (elementwise.Add(), elementwise.add), "sub": (elementwise.Sub(), elementwise.sub),
            "mul": (elementwise.Mul(), elementwise.mul)}  # fmt: skip
    for name, (op, function) in fast.items():
        setattr(Tensor, f"__{name}__", _fast_operator(op, function))
        setattr(Tensor, f"__r{name}__", _reflected(function))
    plain: dict[str, Callable[[Any, Any], Any]] = {
        "truediv": arithmetic.truediv, "floordiv": arithmetic.floordiv, "mod": arithmetic.floormod,
        "pow": arithmetic.pow, "matmul": linalg.matmul, "and": logical.tensor_and, "or": logical.tensor_or,
        "xor": logical.tensor_xor,
    }  # fmt: skip
    for name, plain_function in plain.items():
        setattr(Tensor, f"__{name}__", plain_function)
        setattr(Tensor, f"__r{name}__", _reflected(plain_function))
    compared = {"lt": elementwise.less, "le": elementwise.less_equal, "gt": elementwise.greater,
                "ge": elementwise.greater_equal}  # fmt: skip
    for name, comparison in compared.items():
        setattr(Tensor, f"__{name}__", comparison)
    Tensor.__eq__ = _equality(elementwise.equal, False)  # type: ignore[method-assign]
    Tensor.__ne__ = _equality(elementwise.not_equal, True)  # type: ignore[method-assign]
    unary = {"neg": elementwise.neg, "pos": lambda x: x, "abs": complex_ops.abs, "invert": logical.tensor_not}
    for name, unary_function in unary.items():
        setattr(Tensor, f"__{name}__", unary_function)


def _equality(function: Callable[[Any, Any], Any], if_foreign: bool) -> Callable[[Any, Any], Any]:
    def operator(self: Tensor, other: Any) -> Any:
        # Text compared with text is a question that deserves an answer, if only an error.
        is_foreign = other is None or (isinstance(other, str) and self.dtype.kind != "s")
        return if_foreign if is_foreign else function(self, other)

    return operator


_install_operators()
