"""GradientTape: records eager or traced ops and differentiates them in reverse."""

from __future__ import annotations

import enum
import functools
import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import TracebackType
from typing import Any

import numpy as np

from graphc.mode import mode
from graphc.pytree import flatten, leaves_of, unflatten
from graphc.tensor import Tensor, wrap
from graphc.variable import Variable
from graphc_ir.autodiff.engine import Record, pull_back, zeros_like
from graphc_ir.dims import element_count
from graphc_ir.errors import GradientError
from graphc_ir.graph import Graph
from graphc_ir.ops.base import ARRAYS, Op, lift, using
from graphc_ir.ops.movement import broadcast_to, concat, expand_dims, reshape


class AggregationMethod:
    """How parts of a gradient are added up: accepted for TensorFlow code, the sum is the same."""

    ADD_N = 0
    DEFAULT = 0
    EXPERIMENTAL_TREE = 1
    EXPERIMENTAL_ACCUMULATE_N = 2


class UnconnectedGradients(enum.Enum):
    """What a gradient is when the target does not depend on the source."""

    NONE = "none"
    ZERO = "zero"


class GradientTape:
    """Records the ops on watched tensors inside its ``with`` block and computes gradients from them.

    Trainable Variables are watched by themselves unless ``watch_accessed_variables=False``. A tape that is not
    ``persistent`` gives one gradient.
    """

    __slots__ = (
        "__weakref__", "_persistent", "_reads", "_records", "_tracked", "_used", "_watch_variables", "_watched",
    )  # fmt: skip

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent = persistent
        self._watch_variables = watch_accessed_variables
        self._used = False
        self._clear()

    def _clear(self) -> None:
        # Operands and results are kept alive here, so that their ids stay theirs.
        self._records: list[Record] = []
        self._tracked: set[int] = set()
        self._watched: list[Any] = []
        self._reads: dict[int, tuple[Variable, list[Any]]] = {}

    # --- recording -----------------------------------------------------------------------------------------------

    def __enter__(self) -> GradientTape:
        tapes = mode.tapes
        if self in tapes:
            raise GradientError("this GradientTape is already recording; open a second one to nest")
        if self._used and not self._persistent:
            self.reset()
        tapes.append(self)
        mode.refresh()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self in mode.tapes:
            self._stop()

    def _start(self) -> None:
        mode.tapes.append(self)
        mode.refresh()

    def _stop(self) -> None:
        mode.tapes.remove(self)
        mode.refresh()

    def record(
        self,
        op: Op,
        operands: tuple[Any, ...],
        results: tuple[Any, ...],
        regions: tuple[Graph, ...],
        arrays: Sequence[Any] | None = None,
        outputs: Sequence[Any] | None = None,
    ) -> None:
        """Called by interpreters for every op while this tape is open.

        ``arrays`` and ``outputs`` are the arrays behind eager operands and results, where they are at hand.
        """
        tracked = self._tracked
        for operand in operands:
            if id(operand) in tracked:
                break
        else:
            return
        if arrays is None or outputs is None:
            bare = mode.tracer is None
            arrays = [o._array for o in operands] if bare else operands
            outputs = [r._array for r in results] if bare else results
        self._records.append((op, operands, results, regions, arrays, outputs))
        for result in results:
            tracked.add(id(result))

    def operands_of(self, result: Any) -> tuple[Any, ...] | None:
        """The operands of the recorded op that gave this very tensor; None if none did."""
        for _, operands, results, *_ in reversed(self._records):
            if any(r is result for r in results):
                return operands
        return None

    def note_read(self, variable: Variable, tensor: Any) -> None:
        """Called when a Variable is read while this tape is open."""
        if not (self._watch_variables and variable.trainable) and id(variable) not in self._reads:
            return
        reads = self._reads.setdefault(id(variable), (variable, []))[1]
        if id(tensor) not in self._tracked:
            self._tracked.add(id(tensor))
            reads.append(tensor)

    def watch(self, tensor: Any) -> None:
        """Makes gradients with respect to a tensor, a Variable, or a structure of them possible."""
        flat = _flat(tensor)
        for leaf in leaves_of(tensor) if flat is None else flat:
            self._watch_leaf(leaf)

    def _watch_leaf(self, leaf: Any) -> None:
        if isinstance(leaf, Tensor):
            if leaf.dtype.kind not in "fc":
                raise GradientError(f"cannot watch a tensor of dtype {leaf.dtype.name}: only floating-point tensors "
                                    "have gradients; cast it first")  # fmt: skip
            self._tracked.add(id(leaf))
            self._watched.append(leaf)
        elif isinstance(leaf, Variable):
            self._reads.setdefault(id(leaf), (leaf, []))
        else:
            raise GradientError(f"watch takes tensors and Variables, got {type(leaf).__name__}; convert it with "
                                "tf.convert_to_tensor first and compute with the result")  # fmt: skip

    def watched_variables(self) -> tuple[Variable, ...]:
        """The Variables that were read or watched, in order."""
        return tuple(variable for variable, _ in self._reads.values())

    @contextmanager
    def stop_recording(self) -> Iterator[None]:
        """Ops inside the block are not recorded."""
        if self not in mode.tapes:
            raise GradientError("stop_recording is for an open tape: call it inside the tape's with block")
        self._stop()
        try:
            yield
        finally:
            self._start()

    def reset(self) -> None:
        """Forgets all that was recorded."""
        self._clear()
        self._used = False

    # --- differentiation -----------------------------------------------------------------------------------------

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
    ) -> Any:
        """The gradient of (the sum of) ``target`` by every source, in the structure of ``sources``.

        None, or zeros with ``unconnected_gradients="zero"``, where the target does not depend on the source.
        Raises GradientError for a target that is no float, and for a tape that was used before.
        """
        self._check_unused()
        targets = [_target(target)] if isinstance(target, Tensor) else [self._read(t) for t in leaves_of(target)]
        leaves, rebuild = _opened(sources)
        seeds = [None] * len(targets) if output_gradients is None else _seed_leaves(output_gradients, targets)
        if self._persistent or self not in mode.tapes:
            found = self._pull(targets, leaves, seeds)
        else:
            with self.stop_recording():
                found = self._pull(targets, leaves, seeds)
        self._finish_use()
        kind = unconnected_gradients
        if kind is not UnconnectedGradients.NONE and UnconnectedGradients(kind) is UnconnectedGradients.ZERO:
            found = [zeros_like(lift(s)) if g is None else g for s, g in zip(leaves, found, strict=True)]
        return rebuild(found)

    def _read(self, target: Any) -> Any:
        """The tensor of a target. A Variable is its value, and depends on itself."""
        tensor = _target(target)
        if isinstance(target, Variable):
            self.note_read(target, tensor)
        return tensor

    def _check_unused(self) -> None:
        if self._used and not self._persistent:
            raise GradientError("a non-persistent GradientTape gives one gradient only; use "
                                "tf.GradientTape(persistent=True) to call it again")  # fmt: skip

    def _finish_use(self) -> None:
        if not self._persistent:
            self._clear()
            self._used = True

    def _paused(self) -> AbstractContextManager[None]:
        """A gradient computed inside the tape's own block is recorded only by a persistent tape."""
        return _NOTHING if self._persistent or self not in mode.tapes else self.stop_recording()

    def jacobian(
        self,
        target: Any,
        sources: Any,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """The derivative of every element of ``target`` by every source: shape ``target.shape + source.shape``.

        One backward pass per element of the target, whose shape must be known.
        """
        tensor = _target(target)
        count = _static_size(tensor.type.shape, "jacobian")
        leaves, rebuild = _opened(sources)
        identity = np.eye(count, dtype=tensor.dtype.np).reshape(count, *tensor.type.shape)
        rows = self._pull_many(tensor, leaves, identity)
        found = [
            self._stacked(column, source, unconnected_gradients, 0, (*tensor.type.shape, *source.type.shape))
            for column, source in zip(zip(*rows, strict=True), leaves, strict=True)
        ]
        return rebuild(found)

    def batch_jacobian(
        self,
        target: Any,
        source: Any,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """The Jacobian of each example: shape ``[batch, *target.shape[1:], *source.shape[1:]]``.

        Row ``i`` of the target must depend on row ``i`` of the source alone.
        """
        tensor, shape = _target(target), _target(target).type.shape
        if not shape or not source.type.shape or shape[0] != source.type.shape[0]:
            raise GradientError(f"batch_jacobian needs a target and a source with the same batch size, got shapes "
                                f"{tensor.shape} and {source.shape}")  # fmt: skip
        count = _static_size(shape[1:], "batch_jacobian")
        ones = np.eye(count, dtype=tensor.dtype.np).reshape(count, 1, *shape[1:])
        seeds = [broadcast_to(lift(row), shape) for row in ones]
        rows = self._pull_many(tensor, [source], seeds)
        column = [row[0] for row in rows]
        return self._stacked(column, source, unconnected_gradients, 1, (*shape, *source.type.shape[1:]))

    def _pull_many(self, target: Any, sources: list[Any], seeds: Any) -> list[list[Any]]:
        self._check_unused()
        with self._paused():
            rows = [self._pull([target], sources, [seed]) for seed in seeds]
        self._finish_use()
        return rows

    def _stacked(self, column: Any, source: Any, unconnected: Any, axis: int, shape: Any) -> Any:
        kind = UnconnectedGradients(unconnected)
        if all(g is None for g in column):
            return None if kind is UnconnectedGradients.NONE else broadcast_to(lift(0, source.dtype), shape)
        filled = [zeros_like(lift(source)) if g is None else g for g in column]
        return reshape(concat([expand_dims(g, axis) for g in filled], axis), shape)

    def _pull(self, targets: list[Any], sources: list[Any], seeds: list[Any]) -> list[Any]:
        symbolic = mode.tracer is not None
        if symbolic or mode.tapes:
            return self._pull_tensors(targets, sources, seeds)
        # Nobody records: work on bare arrays, which spares the tensor layer.
        return self._pull_arrays(targets, sources, seeds)

    def _pull_tensors(self, targets: list[Any], sources: list[Any], seeds: list[Any]) -> list[Any]:
        cotangents: dict[int, Any] = {}
        for target, seed in zip(targets, seeds, strict=True):
            given = broadcast_to(lift(1, target.dtype), target.type.shape) if seed is None else lift(seed, target.dtype)
            before = cotangents.get(id(target))
            cotangents[id(target)] = given if before is None else before + given
        records = ((r[0], r[1], r[2], r[3], r[1], r[2]) for r in reversed(self._records))
        pull_back(records, cotangents, self._tracked)
        return [self._collect(source, cotangents, lambda a, b: a + b) for source in sources]

    def _pull_arrays(self, targets: list[Any], sources: list[Any], seeds: list[Any]) -> list[Any]:
        cotangents: dict[int, Any] = {}
        for target, seed in zip(targets, seeds, strict=True):
            array = target._array
            given = _ones(array) if seed is None else lift(seed, target.dtype)._array
            before = cotangents.get(id(target))
            cotangents[id(target)] = given if before is None else before + given
        with using(ARRAYS):
            pull_back(reversed(self._records), cotangents, self._tracked)
        found = [self._collect(source, cotangents, np.add) for source in sources]
        return [None if g is None else wrap(g) for g in found]

    def _collect(self, source: Any, cotangents: dict[int, Any], add: Any) -> Any:
        if not isinstance(source, Variable):
            return cotangents.get(id(source))
        total = None
        for tensor in self._reads.get(id(source), (source, []))[1]:
            g = cotangents.get(id(tensor))
            if g is not None:
                total = g if total is None else add(total, g)
        return total


def _static_size(shape: Any, what: str) -> int:
    count = element_count(shape)
    if not isinstance(count, int):
        raise GradientError(f"{what} makes one backward pass per target element, but the target's shape "
                            f"({', '.join(map(str, shape))}) is not known; give the input a fixed size")  # fmt: skip
    return count


def _ones(like: Any) -> Any:
    ones = np.empty(like.shape, like.dtype)
    ones.fill(1)  # a third of the time of np.ones
    return ones


def _opened(sources: Any) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    """The leaves of gradient sources, and what puts results into the same structure. Raises GradientError for leaves
    that are no tensors or Variables."""
    flat = _flat(sources)
    if flat is not None:
        return flat, list if flat is sources else operator.itemgetter(0)
    leaves, structure = flatten(sources, none_is_leaf=False)
    for leaf in leaves:
        _check_source(leaf)
    return leaves, functools.partial(unflatten, structure)


def _flat(tensors: Any) -> list[Any] | None:
    """The leaves of the two most frequent structures, one tensor and a list of tensors; None for another one."""
    if isinstance(tensors, _SOURCES):
        return [tensors]
    if type(tensors) is not list:
        return None
    for leaf in tensors:
        if not isinstance(leaf, _SOURCES):
            return None
    return tensors


_SOURCES = (Tensor, Variable)
_NOTHING = nullcontext()


def _target(target: Any) -> Any:
    tensor = lift(target)
    if not tensor.dtype.is_differentiable:
        raise GradientError(f"cannot differentiate a target of dtype {tensor.dtype.name} and shape {tensor.shape}; "
                            "only floating-point targets have gradients: cast it before the computation")  # fmt: skip
    return tensor


def _check_source(source: Any) -> None:
    if not isinstance(source, (Tensor, Variable)):
        raise GradientError(f"gradient sources must be tensors or Variables that the tape watched, got "
                            f"{type(source).__name__}; None stands for no source and must be left out")  # fmt: skip


def _seed_leaves(output_gradients: Any, targets: list[Any]) -> list[Any]:
    seeds = leaves_of(output_gradients, none_is_leaf=True)
    if len(seeds) != len(targets):
        raise GradientError(
            f"output_gradients has {len(seeds)} tensors for {len(targets)} targets; give one per target"
        )
    return list(seeds)


def gradients(ys: Any, xs: Any, *arguments: Any, **options: Any) -> Any:
    """TensorFlow 1's gradients of a finished graph. Raises GradientError that shows the rewrite with a tape."""
    raise GradientError("tf.gradients needs a graph that is there before the question; compute inside a tape: "
                        "with tf.GradientTape() as tape: tape.watch(xs); ys = f(xs), then "
                        "tape.gradient(ys, xs)")  # fmt: skip


def hessians(ys: Any, xs: Any, *arguments: Any, **options: Any) -> Any:
    """TensorFlow 1's second derivatives of a finished graph. Raises GradientError that shows the rewrite with tapes."""
    raise GradientError("tf.hessians needs a graph that is there before the question; compute inside two tapes: "
                        "with tf.GradientTape() as outer: outer.watch(xs), and inside with tf.GradientTape() as inner: "
                        "inner.watch(xs); y = f(xs), g = inner.gradient(y, xs); then "
                        "outer.jacobian(g, xs)")  # fmt: skip
