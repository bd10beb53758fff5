"""Graphs as regions of ops: running them on arrays, fitting their types, substituting their symbolic dims.

A region is closed: all that it uses comes in as operands. Symbols in its types mean what they mean in the graph around
it; operands whose sizes are numbers bind them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final

import numpy as np

from graphc_ir import dims
from graphc_ir.dims import Dim, DimExpr
from graphc_ir.errors import ArgumentError, DTypeError, GraphcError, ShapeError
from graphc_ir.graph import Graph, Node, Value
from graphc_ir.ops.base import Array, InferResult, Op, Operand
from graphc_ir.types import TensorType

Kernel = Callable[..., Any]
VjpRule = Callable[[Any, Sequence[Operand], Sequence[Operand], Sequence[Graph]], tuple[Any, ...]]

VJP_RULES: Final[dict[type[Op], VjpRule]] = {}
"""Filled by ``graphc_ir.autodiff.regions``: differentiating a region builds graphs, which ops cannot do themselves."""


class RegionOp(Op, abstract=True):
    """An op with regions. Subclasses say how they run in ``bound_kernel`` and how they are typed in ``infer_node``."""

    makes_sizes = True
    is_inlinable: ClassVar[bool] = False
    """Copying the first region in place of the op gives the same results."""

    def infer(self, *types: TensorType) -> InferResult:
        raise NotImplementedError(f"{self.name} is typed by its regions: use infer_node")

    def bound_kernel(self, regions: Sequence[Graph]) -> Kernel:
        """A function of the operand arrays. Whatever can be prepared once for many runs is."""
        raise NotImplementedError

    def kernel(self, *arrays: Any, regions: Sequence[Graph]) -> Any:
        return self.bound_kernel(regions)(*arrays)

    def vjp(self, g: Any, y: Any, *operands: Operand, regions: Sequence[Graph]) -> Any:
        return VJP_RULES[type(self)](self, (g,) if self.num_results == 1 else g, operands, regions)


def one_or_all(results: Sequence[Any]) -> Any:
    """What a kernel returns: the only result itself, several as a tuple."""
    return results[0] if len(results) == 1 else tuple(results)


# --- running ---------------------------------------------------------------------------------------------------------


def evaluate_bound(graph: Graph, inputs: Sequence[Any], bindings: dict[str, int]) -> list[Array]:
    """The outputs for inputs that are known to fit; ``bindings`` gives the symbols (and takes those found)."""
    values: dict[Value, Any] = dict(zip(graph.inputs, inputs, strict=True))
    remaining = {v: sum(v.users.values()) for v in graph.inputs}
    for node in graph.nodes():
        results = run_node(node, [values[o] for o in node.operands], bindings)
        for value, array in zip(node.results, results, strict=True):
            values[value] = array
            remaining[value] = sum(value.users.values())
        for operand in node.operands:
            remaining[operand] -= 1
            if not remaining[operand]:
                del values[operand]
    return [np.asarray(values[o]) for o in graph.outputs]


def run_node(node: Node, operands: Sequence[Any], bindings: dict[str, int]) -> Sequence[Any]:
    """One node's results; symbols of data-dependent results are added to ``bindings``."""
    op = node.op.substitute_dims(bindings) if bindings else node.op  # type: ignore[arg-type]
    try:
        if node.regions:
            regions = tuple(specialize(r, bindings) for r in node.regions)
            result = op.kernel(*operands, regions=regions)
        else:
            result = op.kernel(*operands)
    except GraphcError:
        raise
    except Exception as error:
        raise _failure(node, operands, error) from error
    results: Sequence[Any] = result if op.num_results != 1 else (result,)
    for value, array in zip(node.results, results, strict=True):
        if not value.type.is_static:
            dims.solve(value.type.shape, array.shape, bindings)
    return results


def _failure(node: Node, operands: Sequence[Any], error: Exception) -> ArgumentError:
    shown = ", ".join(str(TensorType.of(a)) for a in operands)
    return ArgumentError(f"{node.op.name}({shown}) failed: {error} [{node.location}]")


def specialize(graph: Graph, bindings: Mapping[str, Dim]) -> Graph:
    """A copy with symbolic dims replaced, in types and attributes. The graph itself if there is nothing to replace."""
    if not bindings:
        return graph

    def remap(
        op: Op, types: tuple[TensorType, ...], regions: tuple[Graph, ...]
    ) -> tuple[Op, tuple[TensorType, ...], tuple[Graph, ...]]:
        new_types = tuple(t.substitute(bindings) for t in types)
        return op.substitute_dims(dict(bindings)), new_types, tuple(specialize(r, bindings) for r in regions)

    return graph.copy(remap, lambda t: t.substitute(bindings))


class RegionRunner:
    """Runs one region many times. Ops are bound once per set of sizes, so that a loop pays for little but kernels."""

    def __init__(self, region: Graph) -> None:
        self._region = region
        self._is_static = all(value.type.is_static for value in region.inputs)
        self._runs: dict[tuple[tuple[str, int], ...], Callable[[Sequence[Any]], Sequence[Any]]] = {}

    def __call__(self, arrays: Sequence[Any]) -> Sequence[Any]:
        bindings = {} if self._is_static else self._bind(arrays)
        key = tuple(sorted(bindings.items()))
        run = self._runs.get(key)
        if run is None:
            run = self._runs[key] = _prepare(specialize(self._region, bindings))
        return run(arrays)

    def _bind(self, arrays: Sequence[Any]) -> dict[str, int]:
        bindings: dict[str, int] = {}
        for value, array in zip(self._region.inputs, arrays, strict=True):
            dims.solve(value.type.shape, array.shape, bindings)
        return bindings

    def output_type(self, index: int, arrays: Sequence[Any]) -> TensorType:
        """The type of an output for these inputs; sizes that only a run would tell count as 0."""
        type = self._region.outputs[index].type.substitute(self._bind(arrays))
        return type.with_shape(tuple(d if isinstance(d, int) else 0 for d in type.shape))


def _prepare(region: Graph) -> Callable[[Sequence[Any]], Sequence[Any]]:
    if all(result.type.is_static for node in region.nodes() for result in node.results):
        return _StraightLine(region)
    return lambda arrays: evaluate_bound(region, arrays, {})


class _StraightLine:
    """The nodes of a region with static types as a list of bound kernels over numbered slots."""

    def __init__(self, region: Graph) -> None:
        slots: dict[Value, int] = {value: i for i, value in enumerate(region.inputs)}
        self._nodes = list(region.nodes())
        self._steps: list[tuple[Kernel, tuple[int, ...], bool]] = []
        last_use: dict[int, int] = {}
        for position, node in enumerate(self._nodes):
            used = tuple(slots[operand] for operand in node.operands)
            last_use.update((slot, position) for slot in used)
            slots.update(zip(node.results, range(len(slots), len(slots) + len(node.results)), strict=True))
            self._steps.append((bound_kernel(node), used, node.op.num_results == 1))
        self._outputs = [slots[output] for output in region.outputs]
        self._dead: list[list[int]] = [[] for _ in self._steps]
        for slot in last_use.keys() - set(self._outputs):
            self._dead[last_use[slot]].append(slot)

    def __call__(self, arrays: Sequence[Any]) -> Sequence[Any]:
        values: list[Any] = list(arrays)
        for position, (kernel, used, is_single) in enumerate(self._steps):
            operands = [values[slot] for slot in used]
            try:
                result = kernel(*operands)
            except GraphcError:
                raise
            except Exception as error:
                raise _failure(self._nodes[position], operands, error) from error
            if is_single:
                values.append(result)
            else:
                values.extend(result)
            for slot in self._dead[position]:
                values[slot] = None
        return [values[slot] for slot in self._outputs]


def bound_kernel(node: Node) -> Kernel:
    """The node's kernel as a function of arrays only."""
    if isinstance(node.op, RegionOp):
        return node.op.bound_kernel(node.regions)
    if node.regions:
        return functools.partial(node.op.kernel, regions=node.regions)
    return node.op.numpy_function()


# --- typing ----------------------------------------------------------------------------------------------------------


def result_types(op: Op, region: Graph, types: Sequence[TensorType]) -> tuple[TensorType, ...]:
    """The types of a region's outputs for operands of these types. Raises when they do not fit its inputs."""
    bindings = match_inputs(op, region, types)
    return tuple(output.type.substitute(bindings) for output in region.outputs)


def match_inputs(op: Op, region: Graph, types: Sequence[TensorType]) -> dict[str, Dim]:
    """What the symbols of the region's inputs are for operands of these types.

    Raises ArgumentError for another number of operands, DTypeError or ShapeError for one that does not fit.
    """
    wanted = [value.type for value in region.inputs]
    if len(wanted) != len(types):
        shown = ", ".join(map(str, wanted)), ", ".join(map(str, types))
        raise ArgumentError(f"{op.name}: region {region.name} takes {len(wanted)} operands ({shown[0]}), "
                            f"got {len(types)} ({shown[1]})")  # fmt: skip
    bindings: dict[str, Dim] = {}
    for i, (want, have) in enumerate(zip(wanted, types, strict=True)):
        _check_operand(op, region, i, want, have)
        for dim, size in zip(want.shape, have.shape, strict=True):
            if isinstance(dim, DimExpr) and dim.symbols == {str(dim)}:
                bindings.setdefault(str(dim), size)
    for i, (want, have) in enumerate(zip(wanted, types, strict=True)):
        _check_sizes(op, region, i, want.substitute(bindings), have)
    return bindings


def _check_operand(op: Op, region: Graph, i: int, want: TensorType, have: TensorType) -> None:
    if want.dtype is not have.dtype:
        raise DTypeError(
            f"{op.name}: input {i} of region {region.name} is {want}, got {have}; cast it to {want.dtype.name}"
        )
    if want.rank != have.rank:
        raise ShapeError(f"{op.name}: input {i} of region {region.name} is {want}, got {have}; the ranks differ")


def _check_sizes(op: Op, region: Graph, i: int, want: TensorType, have: TensorType) -> None:
    if want.shape == have.shape:
        return
    try:
        for axis, (a, b) in enumerate(zip(want.shape, have.shape, strict=True)):
            dims.require_equal(a, b, f"axis {axis}")
    except ValueError as error:
        raise ShapeError(f"{op.name}: input {i} of region {region.name} is {want}, got {have}: {error}") from error


def require_same_type(want: TensorType, have: TensorType, message: str) -> None:
    """Raises DTypeError or ShapeError with ``message`` unless both are the same type for all sizes."""
    if want.dtype is not have.dtype:
        raise DTypeError(message)
    if want.rank != have.rank:
        raise ShapeError(message)
    try:
        for axis, (a, b) in enumerate(zip(want.shape, have.shape, strict=True)):
            dims.require_equal(a, b, f"axis {axis}")
    except ValueError as error:
        raise ShapeError(f"{message} ({error})") from error


# --- building --------------------------------------------------------------------------------------------------------


def set_inputs(graph: Graph, inputs: Sequence[Value]) -> None:
    """Puts the inputs of a graph in another order; those left out must have no users."""
    graph.inputs = list(inputs)
    for i, value in enumerate(graph.inputs):
        value.index = i
