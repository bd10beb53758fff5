"""The op contract and the dispatch.

An op is one frozen dataclass. Its fields are its attributes; ``infer`` gives result types, ``kernel`` computes on NumPy
arrays and ``vjp`` gives the operand cotangents, written with the public op functions so that it serves the eager tape,
the graph transformation and higher orders alike.

Public functions (``add(x, y)``) normalise their arguments and call :func:`bind`; whichever interpreter is current then
computes (arrays), records (tapes) or appends to a graph.
"""

from __future__ import annotations

import dataclasses
import inspect
import operator
import re
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, dataclass_transform

import numpy as np
import numpy.typing as npt

from graphc_ir.dims import Dim, DimExpr, Shape, substitute
from graphc_ir.dtypes import DType, as_dtype, int32, of_numpy
from graphc_ir.errors import ArgumentError, DTypeError, GraphcError
from graphc_ir.types import TensorType

if TYPE_CHECKING:
    from graphc_ir.graph import Graph

Array = npt.NDArray[Any]
Operand = Any  # an array, a tensor or a graph value: whatever the current interpreter works on
InferResult = TensorType | tuple[TensorType, ...]

OPS: Final[dict[str, type[Op]]] = {}
"""Every op class by its IR name."""


class NotDifferentiable:
    """Says that no gradient flows and why. Stands for a whole op (``vjp = NotDifferentiable("...")``) or for one
    operand (as an item of what ``vjp`` returns)."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __repr__(self) -> str:
        return f"NotDifferentiable({self.reason!r})"


@dataclass_transform(frozen_default=True, eq_default=False)
class Op:
    """Base of all ops. Subclasses become frozen dataclasses by themselves and are registered by name.

    Contract:

    - ``infer(*types) -> TensorType | tuple``: strict; raises DTypeError/ShapeError that name what came in.
    - ``kernel(*arrays) -> array | tuple``: NumPy semantics of the op, for types that ``infer`` accepts.
    - ``vjp(g, y, *operands) -> cotangent | tuple``: one item per operand, None or NotDifferentiable where none
      flows; a costly item may be a function without arguments, called only if that cotangent is wanted. Ops with
      regions get them as ``regions=``. ``g`` and ``y`` are tuples when the op has several results. Results may be of a
      broadcast shape: the autodiff engine sums them back.
    - ``decompose(*operands)`` (composite ops only): the same in simpler ops.
    """

    name: ClassVar[str] = ""
    abstract: ClassVar[bool] = True
    vjp: ClassVar[Any]
    decompose: ClassVar[Callable[..., Any] | None] = None
    is_view: ClassVar[bool] = False
    """The kernel's result may share memory with its first operand."""
    is_elementwise: ClassVar[bool] = False
    is_pure: ClassVar[bool] = True
    """Same operands, same results: may be folded, merged and dropped."""
    makes_sizes: ClassVar[bool] = False
    """Sizes of the results may depend on elements of the operands; they are symbols that the op introduces."""
    is_inlinable: ClassVar[bool] = False
    """The op runs its one region on its operands and nothing else, so the region may stand in its place."""

    def __init_subclass__(cls, *, abstract: bool = False, name: str = "") -> None:
        super().__init_subclass__()
        cls.abstract = abstract
        # Making a dataclass takes most of the import time; a class without fields of its own is one by inheritance.
        annotations = inspect.get_annotations(cls).values()
        if cls.__base__ is Op or not all(str(a).startswith("ClassVar") for a in annotations):
            dataclasses.dataclass(frozen=True, eq=False)(cls)
        if abstract:
            return
        cls.name = name or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
        missing = [part for part in ("infer", "kernel", "vjp") if getattr(cls, part, None) is getattr(Op, part, None)]
        if missing:
            raise TypeError(f"op {cls.__name__} lacks {', '.join(missing)}; every op defines infer, kernel and vjp")
        if cls.name in OPS:
            raise TypeError(f"two ops are named {cls.name!r}: {OPS[cls.name].__qualname__} and {cls.__qualname__}")
        OPS[cls.name] = cls

    # Declared with open signatures: each op takes a fixed number of operands.
    def infer(self, *types: Any, **options: Any) -> InferResult:
        raise NotImplementedError

    def kernel(self, *arrays: Any, **options: Any) -> Any:
        raise NotImplementedError

    if TYPE_CHECKING:

        @property
        def num_results(self) -> int: ...
    else:
        num_results = 1  # ops of several results override it by a property; all others save its call

    def infer_node(self, types: Sequence[TensorType], regions: Sequence[Graph]) -> tuple[TensorType, ...]:
        """Result types as a tuple. Ops with regions override this instead of ``infer``."""
        result = self.infer(*types)
        return result if isinstance(result, tuple) else (result,)

    def numpy_function(self) -> Callable[..., Any]:
        """The fastest callable that computes this op on arrays (a ufunc where there is one)."""
        return self.kernel

    def accepts_out(self) -> bool:
        """Whether ``numpy_function`` takes ``out=`` and writes the result there."""
        return False

    def attributes(self) -> dict[str, Any]:
        """Attribute names and values, in order of declaration."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}  # type: ignore[arg-type]

    @property
    def has_open_sizes(self) -> bool:
        """Whether an attribute holds a size that only a run tells."""
        return any(isinstance(d, DimExpr) for a in self.__dict__.values() if type(a) is tuple for d in a)

    def substitute_dims(self, bindings: dict[str, Dim]) -> Op:
        """The op with symbolic dims in its attributes replaced."""
        changed = {
            name: tuple(substitute(d, bindings) if isinstance(d, DimExpr) else d for d in value)
            for name, value in self.__dict__.items()
            if type(value) is tuple and any(isinstance(d, DimExpr) for d in value)
        }
        return dataclasses.replace(self, **changed) if changed else self  # type: ignore[type-var]

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.values()))


class Interpreter:
    """Gives meaning to :func:`bind`. ``operand_type`` is the class of its operands."""

    operand_type: type = object

    def bind(self, op: Op, operands: tuple[Operand, ...], regions: tuple[Graph, ...] = ()) -> Any:
        """Applies the op; returns the result, or a tuple of them if the op has several."""
        raise NotImplementedError

    def type_of(self, operand: Operand) -> TensorType:
        raise NotImplementedError

    def dtype_of(self, operand: Operand) -> DType:
        return self.type_of(operand).dtype

    def shape_of(self, operand: Operand) -> Shape:
        return self.type_of(operand).shape

    def constant(self, array: Array) -> Operand:
        raise NotImplementedError

    def as_operand(self, value: Any) -> Operand | None:
        """The operand that ``value`` is or stands for; None for plain data (numbers, lists, arrays)."""
        return value if isinstance(value, self.operand_type) else None

    def lift(self, value: Any, hint: DType | None = None) -> Operand:
        """Turns anything into an operand; plain data adapts to the dtype ``hint`` where no information is lost."""
        operand = self.as_operand(value)
        return self.constant(to_array(value, hint=hint)) if operand is None else operand

    def weak(self, value: Any, like: Operand) -> Operand:
        """A Python number as an operand of the dtype of another one."""
        return self.constant(to_array(value, hint=self.dtype_of(like)))

    def reconcile(self, x: Operand, y: Operand) -> tuple[Operand, Operand]:
        """Two operands that meet in a binary op. An interpreter may have operands that stand for Python numbers."""
        return x, y

    def symbolic_dims(self, operand: Operand) -> Shape | None:
        """The values of a 1-D or 0-D integer operand as dims, if they are known; else None."""
        raise NotImplementedError


_NUMBERS_LIMIT: Final = 4096


class ArrayInterpreter(Interpreter):
    """Runs kernels on NumPy arrays, no types, no recording."""

    operand_type = np.ndarray

    def __init__(self) -> None:
        self._numbers: dict[tuple[Any, ...], Array] = {}

    def weak(self, value: Any, like: Operand) -> Operand:
        # Gradients are full of numbers; nobody writes to an operand, so one array serves them all.
        key = (value, value.__class__, like.dtype)
        found = self._numbers.get(key)
        if found is None or value == 0:  # 0.0 and -0.0 share a key
            found = to_array(value, hint=self.dtype_of(like))
            if len(self._numbers) >= _NUMBERS_LIMIT:
                self._numbers.clear()
            self._numbers[key] = found
        return found

    def bind(self, op: Op, operands: tuple[Operand, ...], regions: tuple[Graph, ...] = ()) -> Any:
        if regions:
            return op.kernel(*operands, regions=regions)
        return op.kernel(*operands)

    def type_of(self, operand: Operand) -> TensorType:
        return TensorType.of(operand)

    def dtype_of(self, operand: Operand) -> DType:
        return of_numpy(operand.dtype)

    # In C: the engine asks for shapes more often than for anything else.
    shape_of = staticmethod(operator.attrgetter("shape"))  # type: ignore[assignment]

    def constant(self, array: Array) -> Operand:
        return array

    def as_operand(self, value: Any) -> Operand | None:
        # NumPy reductions hand out scalars for rank 0; they are arrays for every kernel.
        return value if isinstance(value, (np.ndarray, np.generic)) else None

    def symbolic_dims(self, operand: Operand) -> Shape | None:
        return tuple(int(d) for d in np.atleast_1d(operand))


ARRAYS: Final = ArrayInterpreter()


class _Context(threading.local):
    interpreter: Interpreter = ARRAYS


_context = _Context()


def current() -> Interpreter:
    """The interpreter of this thread."""
    return _context.interpreter


def set_default_interpreter(interpreter: Interpreter) -> None:
    """What threads start with (the front end installs eager execution)."""
    _Context.interpreter = interpreter


def default_interpreter() -> Interpreter:
    """What threads start with."""
    return _Context.interpreter


class using:
    """``with using(interpreter):`` runs the block under another interpreter."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, interpreter: Interpreter) -> None:
        self._inner = interpreter

    def __enter__(self) -> Interpreter:
        # None: the thread follows the default, which may be another one when the block ends.
        self._outer = _context.__dict__.get("interpreter")
        _context.interpreter = self._inner
        return self._inner

    def __exit__(self, *error: object) -> None:
        if self._outer is None:
            del _context.interpreter
        else:
            _context.interpreter = self._outer


def bind(op: Op, *operands: Operand, regions: tuple[Graph, ...] = ()) -> Any:
    """Applies an op to operands of the current interpreter. Strict: nothing is promoted here."""
    return _context.interpreter.bind(op, operands, regions)


def lift(value: Any, hint: DType | None = None) -> Operand:
    """An operand of the current interpreter."""
    interpreter = _context.interpreter
    return value if type(value) is interpreter.operand_type else interpreter.lift(value, hint)


def promote(x: Any, y: Any) -> tuple[Operand, Operand]:
    """Two operands for a binary op: plain data takes the dtype of the tensor that it meets."""
    interpreter = _context.interpreter
    kind, left, right = interpreter.operand_type, type(x), type(y)
    if left is kind and right is kind:
        return x, y
    if left is kind and right in _WEAK:
        return x, interpreter.weak(y, x)
    if right is kind and left in _WEAK:
        return interpreter.weak(x, y), y
    a, b = interpreter.as_operand(x), interpreter.as_operand(y)
    if a is None and b is None:
        a = interpreter.lift(x)
    if a is None:
        a = interpreter.lift(x, hint=interpreter.dtype_of(b))
    if b is None:
        b = interpreter.lift(y, hint=interpreter.dtype_of(a))
    return interpreter.reconcile(a, b)


def bind_unary(op: Op, x: Any) -> Operand:
    """Applies an op to whatever stands for one operand."""
    interpreter = _context.interpreter
    operand = x if type(x) is interpreter.operand_type else interpreter.lift(x)
    return interpreter.bind(op, (operand,))


def bind_binary(op: Op, x: Any, y: Any) -> Operand:
    """Applies an op to whatever stands for two operands; plain data takes the dtype of the tensor that it meets."""
    interpreter = _context.interpreter
    kind = interpreter.operand_type
    if type(x) is not kind or type(y) is not kind:
        x, y = promote(x, y)
    return interpreter.bind(op, (x, y))


def type_of(operand: Operand) -> TensorType:
    """The type of an operand of the current interpreter."""
    return _context.interpreter.type_of(operand)


def shape_of(operand: Operand) -> Shape:
    return _context.interpreter.shape_of(operand)


def rank_of(operand: Operand) -> int:
    return len(_context.interpreter.shape_of(operand))


def dtype_of(operand: Operand) -> DType:
    return _context.interpreter.dtype_of(operand)


_WEAK: Final = frozenset({int, float})
KIND_ORDER: Final = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3, "s": 9}
"""Dtype kinds by what they can hold: data adapts to a dtype of its own kind or a later one."""


def to_array(value: Any, dtype: DType | None = None, hint: DType | None = None) -> Array:
    """Plain data as an array: Python ints become int32, floats float32, NumPy data keeps its dtype.

    ``dtype`` is final. ``hint`` is taken if the data fits it: same kind, or ints where floats are wanted.
    Raises DTypeError for data that does not fit, ArgumentError for ragged or foreign data.
    """
    array = _raw_array(value)
    if dtype is not None:
        return _cast_exact(array, dtype, value)
    natural = _natural_dtype(array, value)
    if hint is not None and _adapts(natural, hint):
        return _cast_exact(array, hint, value)
    return array if array.dtype == natural.np else _cast_exact(array, natural, value)


def _raw_array(value: Any) -> Array:
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ArgumentError(f"cannot make a tensor of {_short(value)}: nested lists must be rectangular") from error
    if array.dtype == object:
        raise ArgumentError(f"cannot make a tensor of {_short(value)} ({type(value).__name__}); expected numbers, "
                            "booleans, nested lists of them, NumPy arrays or tensors")  # fmt: skip
    return array


def _natural_dtype(array: Array, value: Any) -> DType:
    if isinstance(value, (np.ndarray, np.generic)):
        return of_numpy(array.dtype)
    leaf = value
    while isinstance(leaf, (list, tuple, range)) and leaf:
        leaf = leaf[0]
    if array.dtype.kind == "f" and (type(leaf) in (float, int, bool) or not array.size):
        return as_dtype("float32")
    if array.dtype.kind in "iu" and type(leaf) in (int, bool):
        return int32
    return of_numpy(array.dtype)


def _adapts(natural: DType, hint: DType) -> bool:
    if natural.is_bool or hint.is_bool:
        return natural is hint
    return KIND_ORDER[natural.kind] <= KIND_ORDER[hint.kind]


def _cast_exact(array: Array, dtype: DType, value: Any) -> Array:
    have = of_numpy(array.dtype)
    if have is dtype:
        return array
    if KIND_ORDER[have.kind] > KIND_ORDER[dtype.kind] and array.size:
        natural = _natural_dtype(array, value)
        raise DTypeError(f"cannot make a tensor of dtype {dtype.name} from {natural.name} data {_short(value)}; "
                         f"round or compare it first, or ask for dtype {natural.name}")  # fmt: skip
    if dtype.is_integer and array.size:
        low, high = array.min(), array.max()
        if low < dtype.min or high > dtype.max:
            raise DTypeError(f"value {low if low < dtype.min else high} does not fit {dtype.name} "
                             f"({dtype.min}..{dtype.max}); ask for a wider dtype, e.g. dtype='int64'")  # fmt: skip
    return array.astype(dtype.np)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def normalize_axis(axis: int, rank: int, what: str = "axis") -> int:
    """A non-negative axis. Raises ArgumentError when it is outside [-rank, rank)."""
    position = axis.__index__() if hasattr(axis, "__index__") else None
    if position is None or not -rank <= position < rank:
        raise ArgumentError(f"{what}={axis!r} is out of range for a tensor of rank {rank}; expected an integer in "
                            f"[{-rank}, {rank - 1}]")  # fmt: skip
    return position % rank


def normalize_axes(axis: Any, rank: int) -> tuple[int, ...]:
    """Sorted non-negative axes; None means all of them. Raises ArgumentError for a repeated or impossible axis."""
    if axis is None:
        return tuple(range(rank))
    listed = [axis] if np.ndim(axis) == 0 else list(np.asarray(axis).tolist())
    axes = tuple(sorted(normalize_axis(int(a), rank) for a in listed))
    if len(set(axes)) != len(axes):
        raise ArgumentError(f"axis={axis!r} names the same axis twice (rank {rank})")
    return axes


def explain(op: Op, types: Sequence[TensorType], error: Exception) -> GraphcError:
    """A kernel's failure with the op and the operand types."""
    shown = ", ".join(map(str, types))
    return ArgumentError(f"{op.name}({shown}) failed: {error}")
