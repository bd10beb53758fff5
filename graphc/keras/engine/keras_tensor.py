"""KerasTensor: describes an input or a result of a model that is being put together, and how it came about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Self
from weakref import WeakValueDictionary

from graphc.keras.config import standardize_dtype
from graphc.keras.naming import auto_name
from graphc.pytree import leaves_of
from graphc.tensor import DeferredTensor, TensorShape
from graphc_ir.dims import Dim, free_symbols, fresh_symbol
from graphc_ir.dtypes import DType, as_dtype
from graphc_ir.types import TensorType

__all__ = ["History", "KerasTensor", "any_symbolic", "carrier_of", "is_keras_tensor", "type_of_shape"]

_carriers: WeakValueDictionary[str, KerasTensor] = WeakValueDictionary()


class History(NamedTuple):
    """Where a KerasTensor comes from: result ``tensor_index`` of call ``node_index`` of an operation."""

    operation: Any
    node_index: int
    tensor_index: int


class KerasTensor(DeferredTensor):
    """A tensor without a value: ``shape`` (None for sizes that are not known), ``dtype`` and a history.

    Layers, ``keras.ops``, operators and TensorFlow-style functions take it and give KerasTensors again.
    """

    __slots__ = ("_condition", "_known_dims", "_name", "_type", "history")

    def __init__(
        self,
        shape: Sequence[Any] = (),
        dtype: Any = "float32",
        sparse: bool | None = None,
        ragged: bool | None = None,
        record_history: bool = True,
        name: str | None = None,
        ragged_rank: int | None = None,
    ) -> None:
        self._setup(type_of_shape(shape, dtype), name)

    @classmethod
    def of_type(cls, type: TensorType, name: str | None = None, known_dims: tuple[Dim, ...] | None = None) -> Self:
        """One of an IR type, whose symbolic sizes stay what they are."""
        tensor = cls.__new__(cls)
        tensor._setup(type, name, known_dims)
        return tensor

    def _setup(self, type: TensorType, name: str | None, known_dims: tuple[Dim, ...] | None = None) -> None:
        self._type = type
        self._name = name or auto_name("keras_tensor")
        self._known_dims = known_dims
        self.history: History | None = None
        self._condition: bool | None = None
        for size in type.shape:
            for name in free_symbols(size):
                _carriers.setdefault(name, self)

    @property
    def _keras_history(self) -> History | None:
        return self.history

    @property
    def type(self) -> TensorType:
        return self._type

    @property
    def dtype(self) -> DType:
        return self._type.dtype

    @property
    def shape(self) -> TensorShape:
        return TensorShape(self._type.shape)

    @property
    def ndim(self) -> int:
        return self._type.rank

    @property
    def name(self) -> str:
        return self._name

    @property
    def known_dims(self) -> tuple[Any, ...] | None:
        return self._known_dims

    sparse = False
    ragged = False

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype.name}, name={self.name}>"

    __str__ = __repr__

    def __len__(self) -> int:
        size = self._type.shape[0] if self._type.shape else None
        if not isinstance(size, int):
            raise TypeError(f"{self!r} has no known length")
        return size

    def __bool__(self) -> bool:
        if self._condition is not None:
            return self._condition
        return bool(self._array)  # raises: it has no value

    def decide(self, condition: bool) -> KerasTensor:
        """Lets the tensor be used as a condition that is known already; returns it."""
        self._condition = condition
        return self

    __hash__ = object.__hash__  # type: ignore[assignment]


def type_of_shape(shape: Sequence[Any], dtype: Any = None) -> TensorType:
    """The IR type of a shape with Nones: each is a size of its own until two of them have to agree."""
    return TensorType(as_dtype(standardize_dtype(dtype)), tuple(_dim(d) for d in shape))


def carrier_of(symbol: str) -> KerasTensor | None:
    """The first KerasTensor with that open size; None if it is gone."""
    return _carriers.get(symbol)


def _dim(size: Any) -> Dim:
    if size is None:
        return fresh_symbol()
    return size if isinstance(size, int) or hasattr(size, "symbols") else int(size)


def is_keras_tensor(x: Any) -> bool:
    """Whether ``x`` is a KerasTensor."""
    return isinstance(x, KerasTensor)


def any_symbolic(*trees: Any) -> bool:
    """Whether there is a KerasTensor anywhere in nested lists, tuples and dicts."""
    return any(isinstance(leaf, KerasTensor) for leaf in leaves_of(trees))
