"""GradientTape: records eager or traced ops and differentiates them in reverse."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import numpy as np
import optree

from graphc.mode import mode
from graphc.tensor import Tensor, wrap
from graphc.variable import Variable
from graphc_ir.autodiff.engine import pull_back, zeros_like
from graphc_ir.errors import GradientError
from graphc_ir.graph import Graph
from graphc_ir.ops.base import ARRAYS, Op, lift, using
from graphc_ir.ops.movement import broadcast_to


class UnconnectedGradients(enum.Enum):
    """What a gradient is when the target does not depend on the source."""

    NONE = "none"
    ZERO = "zero"


class TapeRecord:
    """One applied op. Operands and results are kept alive, so that their ids stay theirs."""

    __slots__ = ("op", "operands", "regions", "results")

    def __init__(self, op: Op, operands: tuple[Any, ...], results: tuple[Any, ...], regions: tuple[Graph, ...]) -> None:
        self.op = op
        self.operands = operands
        self.results = results
        self.regions = regions


class GradientTape:
    """Records the ops on watched tensors inside its ``with`` block and computes gradients from them.

    Trainable Variables are watched by themselves unless ``watch_accessed_variables=False``. A tape that is not
    ``persistent`` gives one gradient.
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent = persistent
        self._watch_variables = watch_accessed_variables
        self._used = False
        self._clear()

    def _clear(self) -> None:
        self._records: list[TapeRecord] = []
        self._tracked: set[int] = set()
        self._watched: list[Any] = []
        self._reads: dict[int, tuple[Variable, list[Any]]] = {}

    # --- recording -----------------------------------------------------------------------------------------------

    def __enter__(self) -> GradientTape:
        if self in mode.tapes:
            raise GradientError("this GradientTape is already recording; open a second one to nest")
        if self._used and not self._persistent:
            self.reset()
        self._start()
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

    def record(self, op: Op, operands: tuple[Any, ...], results: tuple[Any, ...], regions: tuple[Graph, ...]) -> None:
        """Called by interpreters for every op while this tape is open."""
        tracked = self._tracked
        for operand in operands:
            if id(operand) in tracked:
                break
        else:
            return
        self._records.append(TapeRecord(op, operands, results, regions))
        for result in results:
            tracked.add(id(result))

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
        for leaf in optree.tree_leaves(tensor):
            self._watch_leaf(leaf)

    def _watch_leaf(self, leaf: Any) -> None:
        if isinstance(leaf, Variable):
            self._reads.setdefault(id(leaf), (leaf, []))
        elif isinstance(leaf, Tensor):
            if not leaf.dtype.is_differentiable:
                raise GradientError(f"cannot watch a tensor of dtype {leaf.dtype.name}: only floating-point tensors have "
                                    "gradients; cast it first")  # fmt: skip
            self._tracked.add(id(leaf))
            self._watched.append(leaf)
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
        if self._used and not self._persistent:
            raise GradientError("a non-persistent GradientTape gives one gradient only; use "
                                "tf.GradientTape(persistent=True) to call it again")  # fmt: skip
        unconnected = UnconnectedGradients(unconnected_gradients)
        targets = [_target(t) for t in optree.tree_leaves(target)]
        leaves, structure = optree.tree_flatten(sources)
        for leaf in leaves:
            _check_source(leaf)
        recording = self in mode.tapes
        if recording and not self._persistent:
            self._stop()
        try:
            found = self._pull(targets, leaves, _seed_leaves(output_gradients, targets))
        finally:
            if recording and not self._persistent:
                self._start()
        if not self._persistent:
            self._clear()
            self._used = True
        if unconnected is UnconnectedGradients.ZERO:
            found = [zeros_like(lift(s)) if g is None else g for s, g in zip(leaves, found, strict=True)]
        return optree.tree_unflatten(structure, found)

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
        pull_back(reversed(self._records), cotangents, self._tracked)
        return [self._collect(source, cotangents, lambda a, b: a + b) for source in sources]

    def _pull_arrays(self, targets: list[Any], sources: list[Any], seeds: list[Any]) -> list[Any]:
        arrays: dict[int, Any] = {}
        cotangents: dict[int, Any] = {}

        def array_of(tensor: Any) -> Any:
            # One array object per tensor object, because the engine tells operands apart by id.
            found = arrays.get(id(tensor))
            if found is None:
                found = arrays[id(tensor)] = np.asarray(tensor._array).view()
            return found

        records = [
            TapeRecord(r.op, tuple(map(array_of, r.operands)), tuple(map(array_of, r.results)), r.regions)
            for r in reversed(self._records)
        ]
        for target, seed in zip(targets, seeds, strict=True):
            array = array_of(target)
            given = np.ones(array.shape, array.dtype) if seed is None else lift(seed, target.dtype)._array
            before = cotangents.get(id(array))
            cotangents[id(array)] = given if before is None else before + given
        wanted = {id(arrays[key]) for key in self._tracked if key in arrays}
        with using(ARRAYS):
            pull_back(records, cotangents, wanted)
        by_tensor = {key: cotangents[id(array)] for key, array in arrays.items() if id(array) in cotangents}
        found = [self._collect(source, by_tensor, np.add) for source in sources]
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


def _target(target: Any) -> Any:
    tensor = lift(target)
    if not tensor.dtype.is_differentiable:
        raise GradientError(f"cannot differentiate a target of dtype {tensor.dtype.name} and shape {tensor.shape}; only "
                            "floating-point targets have gradients: cast it before the computation")  # fmt: skip
    return tensor


def _check_source(source: Any) -> None:
    if not isinstance(source, (Tensor, Variable)):
        raise GradientError(f"gradient sources must be tensors or Variables that the tape watched, got "
                            f"{type(source).__name__}; None stands for no source and must be left out")  # fmt: skip


def _seed_leaves(output_gradients: Any, targets: list[Any]) -> list[Any]:
    if output_gradients is None:
        return [None] * len(targets)
    seeds = optree.tree_leaves(output_gradients, none_is_leaf=True)
    if len(seeds) != len(targets):
        raise GradientError(f"output_gradients has {len(seeds)} tensors for {len(targets)} targets; give one per target")
    return list(seeds)


