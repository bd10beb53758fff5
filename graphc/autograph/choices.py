"""Traces both ways of a condition that a tensor decides, and joins what they leave behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from graphc.autograph.exits import Exit
from graphc.autograph.merge import Join, Mismatch, Recipe, constant, describe
from graphc.autograph.slots import ABSENT, Slot, Snapshot
from graphc.autograph.undefined import Undefined
from graphc.regions import Region
from graphc.tensor import Tensor
from graphc_ir.errors import TracingError
from graphc_ir.ops.logical import logical_or

Way = Callable[[], Exit]


@dataclass(frozen=True)
class Label:
    """How messages name a choice: the statement, and where it stands."""

    what: str
    place: str
    line: int


class Chooser:
    """One choice.

    ``follow`` runs what comes after the statement, as far as that belongs to the same piece of code: where only one way
    always jumps, it becomes part of the other one.
    """

    def __init__(self, label: Label, slots: Sequence[Slot], follow: Callable[[Exit], Exit] | None = None) -> None:
        self._label = label
        self._before = Snapshot(slots)
        self._follow = follow
        self._regions = Region("true_fn", ()), Region("false_fn", ())
        self._exits: list[Exit] = []
        self._after: list[Snapshot] = []
        self.has_followed = False

    def choose(self, predicate: Tensor, ways: tuple[Way, Way], is_kept: Callable[[Slot, Exit], bool]) -> Exit:
        """Traces the ways and applies the Cond. ``is_kept`` tells which variables may be read after an exit."""
        for region, way in zip(self._regions, ways, strict=True):
            self._trace(region, way)
        self._trace_follow()
        join = Join(*self._regions)
        exit_ = self._join_exits(join)
        recipes = {slot: recipe for slot in self._before.values if (recipe := self._join_slot(join, slot, is_kept))}
        results = join.bind(predicate)
        for slot, recipe in recipes.items():
            slot.set(recipe(results))
        return exit_(results)

    def _trace(self, region: Region, way: Way) -> None:
        try:
            self._exits.append(region.run(way))
            self._after.append(Snapshot(self._before.values))
        finally:
            self._before.restore()

    def _trace_follow(self) -> None:
        jumps = [exit_.is_static and exit_.leaves for exit_ in self._exits]
        follow = self._follow
        if follow is None or jumps[0] == jumps[1]:
            return
        side = jumps.index(False)
        self._after[side].restore()
        try:
            self._exits[side] = self._regions[side].run(lambda: follow(self._exits[side]))
            self._after[side] = Snapshot(self._before.values)
        finally:
            self._before.restore()
        self.has_followed = True

    # --- joining -------------------------------------------------------------------------------------------------

    def _join_slot(self, join: Join, slot: Slot, is_kept: Callable[[Slot, Exit], bool]) -> Recipe | None:
        before = self._before.values[slot]
        a, b = (after.values[slot] for after in self._after)
        if slot.is_same(a, before) and slot.is_same(b, before):
            return None
        kept = [is_kept(slot, exit_) for exit_ in self._exits]
        if not any(kept):
            return constant(self._undefined(slot, "is not kept"))
        if not all(kept):
            return join.padded((a, b)[kept.index(True)], kept.index(True))
        try:
            return self._joined(join, slot, a, b)
        except Mismatch as mismatch:
            if slot.is_content:
                raise TracingError(self._content_message(slot, a, b)) from mismatch
            return constant(self._undefined(slot, str(mismatch)))

    def _joined(self, join: Join, slot: Slot, a: Any, b: Any) -> Recipe:
        if (a is ABSENT) == (b is ABSENT):
            return join.join(a, b)
        return constant(Undefined(
            f"{slot.label!r} has a value in only one branch of the {self._label.what!r} of line {self._label.line}, "
            "which a tensor decides about; give it one of the same dtype and shape in both branches, or before it"
        ))  # fmt: skip

    def _undefined(self, slot: Slot, why: str) -> Undefined:
        return Undefined(
            f"{slot.label!r} {why} after the {self._label.what!r} of line {self._label.line}, which a tensor decides "
            "about; both branches must leave a value of the same structure, dtype and shape: cast or reshape one, or "
            "use another name"
        )

    def _content_message(self, slot: Slot, a: Any, b: Any) -> str:
        return (f"{self._label.place}: {slot.label!r} holds {describe(a)} after one branch of this "
                f"{self._label.what!r} and {describe(b)} after the other, and a tensor decides which one runs; change "
                "it in both branches alike, or collect tensors in a tf.TensorArray")  # fmt: skip

    def _join_exits(self, join: Join) -> Callable[[Sequence[Any]], Exit]:
        a, b = self._exits
        returned, broken, continued = (join.flag(x, y) for x, y in zip(a.flags, b.flags, strict=True))
        value, line = self._join_values(join, a, b), a.line or b.line
        return lambda results: Exit(returned(results), broken(results), continued(results), value(results), line)

    def _join_values(self, join: Join, a: Exit, b: Exit) -> Recipe:
        if a.returned is False:
            return constant(None) if b.returned is False else join.padded(b.value, 1)
        if b.returned is False:
            return join.padded(a.value, 0)
        try:
            return join.join(a.value, b.value)
        except Mismatch as mismatch:
            raise TracingError(self._value_message(a, b)) from mismatch

    def _value_message(self, a: Exit, b: Exit) -> str:
        if not a.line:
            return (f"{self._label.place}: this {self._label.what!r}, which a tensor decides about, gives "
                    f"{describe(a.value)} or {describe(b.value)}; both must have the same structure, dtype and "
                    "shape: cast or reshape one")  # fmt: skip
        return (f"{self._label.place}: a tensor decides whether line {a.line} returns {describe(a.value)} or line "
                f"{b.line} returns {describe(b.value)}; all must return the same structure, dtype and shape: cast or "
                "reshape one")  # fmt: skip


def left_by(exit_: Exit) -> Any:
    """Whether any jump was taken, as a predicate."""
    flags = [flag for flag in exit_.flags if flag is not False]
    total = flags[0]
    for flag in flags[1:]:
        total = logical_or(total, flag)
    return total


def having_left(exit_: Exit) -> Exit:
    """The same, where it is known that a jump was taken: the only possible one is certain then."""
    returned, broken, continued = (flag is not False for flag in exit_.flags)
    if returned + broken + continued != 1:
        return exit_
    return Exit(returned, broken, continued, exit_.value, exit_.line)
