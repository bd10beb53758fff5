"""Variables: tensors whose value can be assigned."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from graphc.mode import init_scope, mode
from graphc.shape import TensorShape
from graphc.tensor import Reference, Tensor, wrap
from graphc_backends.base import StateCell
from graphc_ir.dtypes import DType, as_dtype
from graphc_ir.errors import ArgumentError, DTypeError, ShapeError
from graphc_ir.ops import gather
from graphc_ir.ops.base import Array, lift, to_array
from graphc_ir.ops.movement import expand_dims
from graphc_ir.types import TensorType

_TEXT = re.compile(r"[^A-Za-z0-9_./-]")


class _ThroughCreators(type):
    """Lets the creators of open scopes make the Variable."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if not mode.creators or cls is not Variable:
            return super().__call__(*args, **kwargs)
        bound = inspect.signature(Variable.__init__).bind(None, *args, **kwargs)
        bound.apply_defaults()
        del bound.arguments["self"]
        creator = super().__call__
        for outer in mode.creators:
            creator = functools.partial(outer, creator)
        return creator(**bound.arguments)


class Variable(metaclass=_ThroughCreators):
    """A tensor that can be assigned. Behaves as its value in every operation.

    ``initial_value``: data, a tensor, or a function without arguments that returns one. Reads inside a GradientTape
    are watched if ``trainable``.
    """

    __array_priority__ = 100

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        import_scope: Any = None,
        constraint: Callable[[Any], Any] | None = None,
        synchronization: Any = None,
        aggregation: Any = None,
        shape: Any = None,
    ) -> None:
        if initial_value is None:
            raise ArgumentError("a Variable needs an initial_value, e.g. tf.Variable(tf.zeros((2, 2)))")
        array = _initial(initial_value, dtype)
        if shape is not None and not TensorShape(shape).is_compatible_with(array.shape):
            raise ShapeError(f"the initial value has shape {array.shape}, but shape={tuple(shape)} is asked for")
        self._cell = StateCell(array)
        self._type = TensorType.of(array)
        self._tensor = wrap(array)
        self._trainable = self._type.dtype.is_differentiable if trainable is None else bool(trainable)
        self._name = _TEXT.sub("_", name or "Variable")
        self.constraint = constraint
        if mode.tracer is not None:
            mode.tracer.created.append(self)

    @property
    def dtype(self) -> DType:
        return self._type.dtype

    @property
    def shape(self) -> TensorShape:
        return TensorShape(self._type.shape)

    @property
    def type(self) -> TensorType:
        """The IR type."""
        return self._type

    @property
    def ndim(self) -> int:
        return self._type.rank

    @property
    def name(self) -> str:
        return f"{self._name}:0"

    @property
    def path(self) -> str:
        """What graphs and exported files call the Variable."""
        return self._name

    @property
    def trainable(self) -> bool:
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)

    @property
    def device(self) -> str:
        return self._tensor.device

    def get_shape(self) -> TensorShape:
        return self.shape

    def read_value(self) -> Tensor:
        """The current value as a tensor; it does not change when the Variable is assigned later."""
        tensor = self.snapshot() if mode.tracer is None else mode.tracer.read_variable(self)
        for tape in mode.tapes:
            tape.note_read(self, tensor)
        return tensor

    def value(self) -> Tensor:
        """The same as :meth:`read_value`."""
        return self.read_value()

    def snapshot(self) -> Tensor:
        """The current value outside of any trace, unwatched."""
        array = self._cell.read()
        if self._tensor._array is not array:
            self._tensor = wrap(array)
        return self._tensor

    def peek(self) -> Array:
        """The array of the current value outside of any trace, unwatched; never write to it."""
        return self._cell.read()

    def put(self, array: Array) -> None:
        """Sets the value outside of any trace, unchecked: an array of the Variable's type that is given away."""
        self.will_change()
        self._cell.write(array)

    def will_change(self) -> None:
        """Must be called before the value changes outside of any trace: an open :class:`Journal` notes it."""
        if mode.journal is not None:
            mode.journal.note(self)

    def hold(self, tensor: Tensor) -> None:
        """Sets the value outside of any trace, unchecked, to a tensor of the Variable's type, which reads then give:
        tapes follow it back to where it came from."""
        self.will_change()
        self._cell.write(tensor._array)
        self._tensor = tensor

    def numpy(self) -> Any:
        """The value as a NumPy array."""
        return Variable.read_value(self).numpy()

    def assign(
        self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Variable:
        """Sets a new value of the same shape and dtype. Returns the Variable.

        Raises ShapeError or DTypeError when it does not fit; the old value then stays.
        """
        tensor = lift(value, self._type.dtype)
        kind = tensor.type
        if kind.dtype is not self._type.dtype:
            raise DTypeError(f"cannot assign a {kind.dtype.name} value to {self.name} of dtype {self.dtype.name}; "
                             f"cast it: tf.cast(value, tf.{self.dtype.name})")  # fmt: skip
        if kind.shape != self._type.shape and not self.shape.is_compatible_with(kind.shape):
            raise ShapeError(f"cannot assign a value of shape {tensor.shape} to {self.name} of shape {self.shape}; "
                             "reshape or broadcast it")  # fmt: skip
        if mode.tracer is None:
            self.will_change()
            self._cell.write(tensor._array)
        else:
            mode.tracer.assign_variable(self, tensor)
        return self

    def assign_add(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Variable:
        """Adds ``delta`` to the value. Returns the Variable."""
        return self.assign(Variable.read_value(self) + delta)

    def assign_sub(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Variable:
        """Subtracts ``delta`` from the value. Returns the Variable."""
        return self.assign(Variable.read_value(self) - delta)

    def scatter_nd_update(self, indices: Any, updates: Any, name: str | None = None) -> Variable:
        """Sets the elements at index tuples (the last axis of ``indices``). Returns the Variable."""
        return self.assign(gather.tensor_scatter_nd_update(self.read_value(), indices, updates))

    def scatter_nd_add(self, indices: Any, updates: Any, name: str | None = None) -> Variable:
        """Adds to the elements at index tuples, as often as each is named. Returns the Variable."""
        return self.assign(gather.tensor_scatter_nd_add(self.read_value(), indices, updates))

    def scatter_nd_sub(self, indices: Any, updates: Any, name: str | None = None) -> Variable:
        """Subtracts from the elements at index tuples, as often as each is named. Returns the Variable."""
        return self.assign(gather.tensor_scatter_nd_sub(self.read_value(), indices, updates))

    def scatter_nd_max(self, indices: Any, updates: Any, name: str | None = None) -> Variable:
        """Raises the elements at index tuples to the updates where these are larger. Returns the Variable."""
        return self.assign(gather.tensor_scatter_nd_max(self.read_value(), indices, updates))

    def scatter_nd_min(self, indices: Any, updates: Any, name: str | None = None) -> Variable:
        """Lowers the elements at index tuples to the updates where these are smaller. Returns the Variable."""
        return self.assign(gather.tensor_scatter_nd_min(self.read_value(), indices, updates))

    def scatter_update(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Variable:
        """Sets the rows that a ``tf.IndexedSlices`` names. Returns the Variable."""
        return self.scatter_nd_update(*_rows(sparse_delta))

    def scatter_add(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Variable:
        """Adds the rows of a ``tf.IndexedSlices``. Returns the Variable."""
        return self.scatter_nd_add(*_rows(sparse_delta))

    def scatter_sub(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Variable:
        """Subtracts the rows of a ``tf.IndexedSlices``. Returns the Variable."""
        return self.scatter_nd_sub(*_rows(sparse_delta))

    def scatter_max(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Variable:
        """Takes the maximum with the rows of a ``tf.IndexedSlices``. Returns the Variable."""
        return self.scatter_nd_max(*_rows(sparse_delta))

    def scatter_min(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Variable:
        """Takes the minimum with the rows of a ``tf.IndexedSlices``. Returns the Variable."""
        return self.scatter_nd_min(*_rows(sparse_delta))

    def sparse_read(self, indices: Any, name: str | None = None) -> Any:
        """The rows of these numbers."""
        return gather.gather(self.read_value(), indices, 0)

    def gather_nd(self, indices: Any, name: str | None = None) -> Any:
        """The elements or slices at index tuples."""
        return gather.gather_nd(self.read_value(), indices)

    def ref(self) -> Reference:
        return Reference(self)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self.read_value().__array__(dtype, copy)

    def __bool__(self) -> bool:
        return bool(self.read_value())

    def __int__(self) -> int:
        return int(self.read_value())

    def __float__(self) -> float:
        return float(self.read_value())

    def __index__(self) -> int:
        return self.read_value().__index__()

    def __len__(self) -> int:
        return len(self.read_value())

    def __iter__(self) -> Any:
        return iter(self.read_value())

    def __getitem__(self, key: Any) -> Any:
        return self.read_value()[key]

    def __hash__(self) -> int:
        return id(self)

    # Installed below; declared for type checkers.
    __add__: Callable[..., Any]
    __radd__: Callable[..., Any]
    __sub__: Callable[..., Any]
    __rsub__: Callable[..., Any]
    __mul__: Callable[..., Any]
    __rmul__: Callable[..., Any]
    __truediv__: Callable[..., Any]
    __rtruediv__: Callable[..., Any]
    __matmul__: Callable[..., Any]
    __rmatmul__: Callable[..., Any]
    __pow__: Callable[..., Any]
    __neg__: Callable[..., Any]
    __lt__: Callable[..., Any]
    __le__: Callable[..., Any]
    __gt__: Callable[..., Any]
    __ge__: Callable[..., Any]

    def __repr__(self) -> str:
        if mode.tracer is not None:
            return f"<tf.Variable '{self.name}' shape={self.shape} dtype={self.dtype.name}>"
        shown = repr(self._cell.read()) if self._type.shape else str(self._cell.read())
        text = "\n" + shown if "\n" in shown else shown
        return f"<tf.Variable '{self.name}' shape={self.shape} dtype={self.dtype.name}, numpy={text}>"

    def __deepcopy__(self, memo: Any) -> Variable:
        copied = Variable(np.array(self._cell.read()), trainable=self._trainable, name=self._name)
        memo[id(self)] = copied
        return copied


class Journal:
    """Notes what Variables are before a block assigns them outside of traces; :meth:`restore` makes them so again."""

    def __init__(self) -> None:
        self._before: dict[int, tuple[Variable, Array]] = {}
        self._outer: Journal | None = None

    def __enter__(self) -> Journal:
        self._outer, mode.journal = mode.journal, self
        return self

    def __exit__(self, *error: object) -> None:
        mode.journal = self._outer

    def note(self, variable: Variable) -> None:
        self._before.setdefault(id(variable), (variable, variable.peek()))
        if self._outer is not None:
            self._outer.note(variable)

    def restore(self) -> None:
        """Gives the noted Variables the values that they had."""
        for variable, array in self._before.values():
            variable.put(array)


def _rows(slices: Any) -> tuple[Any, Any]:
    """Index tuples and updates of an IndexedSlices."""
    return expand_dims(slices.indices, -1), slices.values


def _initial(value: Any, dtype: Any) -> Array:
    if callable(value):
        with init_scope():
            return _initial(value(), dtype)
    if isinstance(value, Variable):
        value = value.read_value()
    if isinstance(value, Tensor):
        return _of_tensor(value, dtype)
    # A caller's array may change later; a Variable's value must not.
    return np.array(to_array(value, dtype=None if dtype is None else as_dtype(dtype)))


def _of_tensor(tensor: Tensor, dtype: Any) -> Array:
    if dtype is not None and as_dtype(dtype) is not tensor.dtype:
        raise DTypeError(f"the initial value has dtype {tensor.dtype.name}, but dtype={as_dtype(dtype).name} is asked "
                         "for; cast it")  # fmt: skip
    if mode.tracer is None:
        return np.asarray(tensor._array)
    array: Array | None = mode.tracer.static_value(tensor)
    if array is None:
        raise ArgumentError("a Variable's initial value is only known when the function being traced runs (it depends "
                            "on arguments, Variables or random numbers); create the Variable outside of it, or "
                            "give its initial value as a function: tf.Variable(lambda: ...)")  # fmt: skip
    return array


_OPERATORS = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor")


def _delegate(name: str) -> Callable[..., Any]:
    def operator(self: Variable, *operands: Any) -> Any:
        return getattr(self.read_value(), name)(*operands)

    operator.__name__ = name
    return operator


def _install_operators() -> None:
    names = [f"__{p}{name}__" for name in _OPERATORS for p in ("", "r")]
    names += [f"__{name}__" for name in ("lt", "le", "gt", "ge", "eq", "ne", "neg", "pos", "abs", "invert")]
    for name in names:
        if hasattr(Tensor, name):
            setattr(Variable, name, _delegate(name))


_install_operators()
