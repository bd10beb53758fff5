"""Steps as compiled functions: one trace serves every batch size, and the usual one gets code of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.autograph import traced
from graphc.function import ConcreteFunction, trace_call
from graphc.mode import mode
from graphc.pytree import flatten, map_leaves
from graphc.signature import Call, signature_of
from graphc.tensor import Tensor
from graphc.tracing import is_undecidable
from graphc_ir.dims import UndecidableDimError, symbol
from graphc_ir.dtypes import of_numpy
from graphc_ir.errors import ShapeError
from graphc_ir.evaluate import specialize
from graphc_ir.ops.base import lift
from graphc_ir.types import TensorType

__all__ = ["CompiledStep"]

BATCH = "batch"


class CompiledStep:
    """Runs ``function(data)`` as a graph. ``data`` is a structure of arrays whose first axis is the batch.

    The first batch size of a signature is compiled in, since most batches have it; all others share one executable
    with an open size. Where an open size cannot be traced (the function asks for it), each size is traced. Steps on
    strings, for models that begin with TextVectorization or a lookup, run as plain Python.
    """

    def __init__(self, function: Callable[[Any], Any], name: str) -> None:
        self._function = function
        self._name = name
        self._general: dict[Any, ConcreteFunction | None] = {}
        self._by_size: dict[Any, ConcreteFunction] = {}

    def __call__(self, data: Any) -> Any:
        leaves, structure = flatten(data)
        arrays = [leaf._array if type(leaf) is Tensor else leaf for leaf in leaves if leaf is not None]
        key = (mode.device, structure, tuple((a.dtype, a.shape) for a in arrays))
        concrete = self._by_size.get(key)
        if concrete is None:
            if any(a.dtype.kind in "OSU" for a in arrays):  # graphs hold no strings
                return self._function(map_leaves(lift, data))
            concrete = self._by_size[key] = self._find(data, arrays, structure)
        return concrete.call(arrays)

    def _find(self, data: Any, arrays: list[Any], structure: Any) -> ConcreteFunction:
        size = _batch_size(arrays)
        static = [TensorType(of_numpy(a.dtype), a.shape) for a in arrays]
        if size is None:
            return self._trace(data, static)
        signature = (mode.device, structure, tuple((a.dtype, a.shape[1:]) for a in arrays))
        if signature in self._general:
            found = self._general[signature]
            return self._trace(data, static) if found is None else found
        general = self._general[signature] = self._trace_open(data, static)
        return self._trace(data, static) if general is None else _at_size(general, size)

    def _trace_open(self, data: Any, static: list[TensorType]) -> ConcreteFunction | None:
        """A trace with an open batch size; None when the function needs the size while it is traced."""
        types = [t.with_shape((symbol(BATCH), *t.shape[1:])) for t in static]
        try:
            return self._trace(data, types)
        except (ShapeError, UndecidableDimError) as error:
            if is_undecidable(error):
                return None
            raise

    def _trace(self, data: Any, types: list[TensorType]) -> ConcreteFunction:
        call = Call((data,), {})
        names = call.tensor_names(signature_of(self._function))
        return trace_call(traced(self._function, True), call, types, names, self._name, device=mode.device)


def _batch_size(arrays: list[Any]) -> int | None:
    """The common first size of all arrays, if they have one."""
    sizes = {a.shape[0] if a.ndim else None for a in arrays}
    found = sizes.pop() if len(sizes) == 1 else None
    return None if found is None else int(found)


def _at_size(general: ConcreteFunction, size: int) -> ConcreteFunction:
    graph = specialize(general.graph, {BATCH: size})
    return general.with_graph(graph)
