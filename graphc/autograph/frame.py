"""What a call of a converted function asks at its control-flow statements."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import CellType, FunctionType
from typing import Any, Final

from graphc.autograph.choices import Chooser, Label, having_left, left_by
from graphc.autograph.elements import elements_of
from graphc.autograph.emit import compile_block
from graphc.autograph.exits import BREAK, CONTINUE, NEXT, Exit
from graphc.autograph.expressions import FRAME, OPERATORS
from graphc.autograph.loops import LoopRun
from graphc.autograph.names import declared, yield_line
from graphc.autograph.plan import Block, Choice, Loop, Rest, Scope, Tables
from graphc.autograph.slots import ABSENT, Cell, Global, Slot, attribute_slots, content_slots, follow
from graphc.autograph.truth import predicate_of, truth_of
from graphc.data.structure import DatasetBase
from graphc.mode import mode
from graphc_ir.errors import TracingError

_RECURSION: Final = 24


class Resumable:
    """The iteration of a for loop, which can be gone on with from outside of the loop."""

    def __init__(self, iterable: Any) -> None:
        self._iterator = iter(iterable)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return next(self._iterator)


class Frame:
    """The variables of one call, as closure cells, and what happens where a tensor decides.

    ``probe`` is a function whose closure holds them. ``item`` is what a for loop assigns next.
    """

    def __init__(self, scope: Scope, tables: Tables, operators: Any, probe: Callable[..., Any]) -> None:
        assert isinstance(probe, FunctionType)
        self._scope = scope
        self._tables = tables
        self._operators = operators
        self._probe = probe
        self._exit: Exit | None = None
        self.item: Any = None

    # --- statements ------------------------------------------------------------------------------------------------

    def if_(self, number: int, test: Any, rest: int | None = None, iterators: Sequence[Any] = ()) -> Any:
        """The truth of the condition where Python knows it. For a tensor, None after both branches were traced, or an
        Exit if they jump."""
        predicate = predicate_of(test)
        if predicate is None:
            return bool(test)
        site = self._tables.sites[number]
        assert isinstance(site, Choice)
        if rest is None:
            self._choose(site, predicate, None)
            return None
        following = self._tables.rests[rest]
        exit_, has_followed = self._choose(site, predicate, following)
        if not has_followed and not exit_.leaves:
            return None
        return self._leave(exit_, following, iterators, has_followed)

    def for_(self, number: int, iterable: Any) -> Any:
        """What Python iterates; nothing after a loop over tensors was traced."""
        loop = self._tables.sites[number]
        assert isinstance(loop, Loop)
        elements = elements_of(iterable)
        if elements is None:
            if isinstance(iterable, DatasetBase) and mode.tracer is not None:
                raise TracingError(self._dataset_message(loop))
            return Resumable(iterable) if loop.resumable else iterable
        with self._traced(loop.place):
            exit_ = LoopRun(self, loop, elements, NEXT, None).run()
        self._end_loop(loop, exit_)
        return ()

    def while_(self, number: int, test: Any) -> bool:
        """The truth of the condition where Python knows it; False after a loop that a tensor decides was traced."""
        predicate = predicate_of(test)
        if predicate is None:
            return bool(test)
        loop = self._tables.sites[number]
        assert isinstance(loop, Loop)
        with self._traced(loop.place):
            exit_ = LoopRun(self, loop, None, NEXT, predicate).run()
        self._end_loop(loop, exit_)
        return False

    def _end_loop(self, loop: Loop, exit_: Exit) -> None:
        found = self._run_else(loop, exit_)
        self._exit = found if found.leaves or loop.orelse.statements else None

    def left(self, rest: int, iterators: Sequence[Any]) -> Any:
        """How the loop just run was left: None if Python ran it, False if the code goes on after it, or an Exit."""
        exit_, self._exit = self._exit, None
        if exit_ is None:
            return None
        return self._leave(exit_, self._tables.rests[rest], iterators, False) if exit_.leaves else False

    def value(self, exit_: Exit) -> Any:
        """What the function returns."""
        return exit_.value

    def refuse_raise(self, line: int) -> TracingError:
        """The error in place of one that a tensor may keep from being raised."""
        return TracingError(f"{self._scope.place(line)}: whether this 'raise' is reached depends on a tensor, and a "
                            "graph cannot raise; check the value outside of the function, or mark it in the result, "
                            "e.g. with tf.where and NaN")  # fmt: skip

    # --- going on after a jump -------------------------------------------------------------------------------------

    def _leave(self, exit_: Exit, rest: Rest, iterators: Sequence[Any], has_followed: bool) -> Exit:
        """Runs what follows a place as far as needed; says how the code there is left."""
        if exit_.is_static and not has_followed:
            return _at_once(exit_)
        if not has_followed:
            exit_ = self._guarded(exit_, rest.block)
        if rest.barrier is not None:
            self._check_barrier(exit_, exit_.leaves, rest)
            return _at_once(exit_)
        if rest.loop is None:
            return exit_
        exit_ = _without_continue(exit_)
        if exit_.is_static:
            return _at_once(exit_) if exit_.leaves else CONTINUE
        return self._finish(exit_, rest, iterators)

    def _finish(self, exit_: Exit, rest: Rest, iterators: Sequence[Any]) -> Exit:
        """Runs all further rounds of the loops around a place, and what follows those."""
        while rest.loop is not None and rest.after is not None:
            exit_, iterators = self._rest_of_loop(rest.loop, exit_, iterators[0]), iterators[1:]
            rest = rest.after
            exit_ = self._guarded(exit_, rest.block)
            exit_ = exit_ if rest.loop is None else _without_continue(exit_)
        if rest.barrier is not None:
            self._check_barrier(exit_, exit_.returned is True, rest)
        # A copy: it is no jump inside the loops around the place, even if it is one around this piece.
        return replace(exit_)

    def _check_barrier(self, exit_: Exit, leaves: bool, rest: Rest) -> None:
        if not (exit_.is_static and leaves):
            raise TracingError(f"{self._scope.place(rest.barrier or 0)}: a tensor decides whether a 'return', 'break' "
                               "or 'continue' leaves this block early; compute a value inside of it, and jump after "
                               "it")  # fmt: skip

    def _rest_of_loop(self, loop: Loop, exit_: Exit, iterator: Any) -> Exit:
        if loop.test is None:
            for self.item in iterator:
                exit_ = _without_continue(self._guarded(exit_, loop.body))
                if exit_.is_static and exit_.leaves:
                    break
        else:
            exit_ = self._rest_of_while(loop, loop.test, exit_)
        return self._run_else(loop, exit_)

    def _run_else(self, loop: Loop, exit_: Exit) -> Exit:
        """Runs the else clause where the loop was not left; its jumps are those of the code around the loop."""
        if not exit_.leaves:
            found: Exit = self.run(loop.orelse)
            return found
        left = replace(having_left(exit_), broken=False, continued=False)
        if exit_.is_static or not loop.orelse.statements:
            return left if exit_.is_static else replace(exit_, broken=False)
        return self._unless(exit_, left, loop.orelse)

    def _rest_of_while(self, loop: Loop, test: Block, exit_: Exit) -> Exit:
        def again() -> Exit:
            return Exit(returned=True, value=truth_of(self.run(test)))

        stop = Exit(returned=True, value=False)
        chooser = Chooser(self._label("while", loop.line), self.slots([test]))
        go = chooser.choose(left_by(exit_), (lambda: stop, again), lambda slot, left: True).value
        if go is False:
            return exit_
        with self._traced(loop.place):
            return LoopRun(self, loop, None, exit_, go).run()

    def _guarded(self, exit_: Exit, block: Block) -> Exit:
        """Runs a piece where no jump was taken before."""
        if not exit_.leaves:
            found: Exit = self.run(block)
            return found
        if exit_.is_static or not block.statements:
            return exit_
        return self._unless(exit_, having_left(exit_), block)

    def _unless(self, exit_: Exit, left: Exit, block: Block) -> Exit:
        """Runs a piece unless a jump was taken before: then the way is ``left``."""
        chooser = Chooser(self._label("jump", exit_.line or block.line), self.slots([block]))
        ways = (lambda: left), (lambda: self.run(block))
        with self._traced(self._scope.place(block.line)):
            return chooser.choose(left_by(exit_), ways, self._is_kept(None))

    # --- branches --------------------------------------------------------------------------------------------------

    def _choose(self, site: Choice, predicate: Any, rest: Rest | None) -> tuple[Exit, bool]:
        """Traces both branches; also tells whether what follows became part of one of them."""
        blocks = [site.body, site.orelse, *([] if rest is None else [rest.block])]
        follow_ = None if rest is None else (lambda exit_: self._guarded(exit_, rest.block))
        chooser = Chooser(self._label(site.what, site.line), self.slots(blocks), follow_)
        ways = (lambda: self.run(site.body)), (lambda: self.run(site.orelse))
        with self._traced(site.place):
            exit_ = chooser.choose(predicate, ways, self._is_kept(site.live))
        return exit_, chooser.has_followed

    def _is_kept(self, live: frozenset[str] | None) -> Callable[[Slot, Exit], bool]:
        """Which variables may still be read after an exit: all, unless they are known to be this call's alone."""
        lasting = self._scope.liveness.lasting

        def is_kept(slot: Slot, exit_: Exit) -> bool:
            if not isinstance(slot, Cell) or slot.label in lasting or slot.label not in self._scope.bound:
                return True
            if exit_.returned is True:
                return False
            return live is None or exit_.leaves or slot.label in live

        return is_kept

    def _label(self, what: str, line: int) -> Label:
        return Label(what, self._scope.place(line), line)

    @contextmanager
    def _traced(self, place: str) -> Iterator[None]:
        """Counts how deep tensors decide about recursion: tracing both branches of that would never end."""
        if self._scope.running >= _RECURSION:
            raise TracingError(f"{place}: {self._scope.name} calls itself as long as a tensor says so, which tracing "
                               "cannot follow; write a while loop, or decide by a Python number")  # fmt: skip
        self._scope.running += 1
        try:
            yield
        finally:
            self._scope.running -= 1

    # --- pieces and variables --------------------------------------------------------------------------------------

    def run(self, block: Block) -> Any:
        """Runs a piece on the variables. Says how it was left; for an expression, gives its value."""
        if not block.statements:
            return NEXT
        code = block.code
        if code is None:
            self._check_piece(block)
            code = block.code = compile_block(block, self._tables, self._cells)
        own = {OPERATORS: CellType(self._operators), FRAME: CellType(self)}
        closure = tuple(own[name] if name in own else self._cells[name] for name in code.co_freevars)
        result = FunctionType(code, self._probe.__globals__, code.co_name, None, closure)()
        return NEXT if result is None and not block.is_value else result

    def _check_piece(self, block: Block) -> None:
        line = yield_line(block.nodes)
        if line is not None:
            raise TracingError(f"{self._scope.place(line)}: whether this 'yield' is reached depends on a tensor, which "
                               "a graph cannot wait for; yield outside of the statement that a tensor "
                               "decides")  # fmt: skip

    @property
    def _cells(self) -> dict[str, CellType]:
        return dict(zip(self._probe.__code__.co_freevars, self._probe.__closure__ or (), strict=True))

    def slots(self, blocks: Sequence[Block]) -> list[Slot]:
        """All that these pieces may write to."""
        cells = [Cell(name, cell) for name, cell in self._cells.items() if not name.startswith(OPERATORS)]
        variables = self._variables(cells)
        written = frozenset[str]().union(*(block.stored | declared(block.nodes) for block in blocks))
        globals_ = [Global(name, self._probe.__globals__) for name in sorted(written - self._cells.keys())]
        paths = frozenset[str]().union(*(block.attributes for block in blocks))
        changed = sorted(frozenset[str]().union(*(block.mutated for block in blocks)))
        owners = {path: follow(path, variables) for path in changed} | {c.label: c.get() for c in cells}
        return [*cells, *globals_, *attribute_slots(paths, variables, written), *content_slots(owners)]

    def _variables(self, cells: Sequence[Cell]) -> Mapping[str, Any]:
        found = {cell.label: value for cell in cells if (value := cell.get()) is not ABSENT}
        return ChainMap(found, self._probe.__globals__)

    # --- messages --------------------------------------------------------------------------------------------------

    def _dataset_message(self, loop: Loop) -> str:
        return (f"{loop.place}: a traced function cannot iterate over a Dataset, whose elements are made outside of "
                "the graph; loop outside, and call the function for each element")  # fmt: skip


def _at_once(exit_: Exit) -> Exit:
    """A jump that the code at hand takes itself."""
    return BREAK if exit_.broken is True else CONTINUE if exit_.continued is True else exit_


def _without_continue(exit_: Exit) -> Exit:
    """At the end of a round, ``continue`` is the same as reaching it."""
    return Exit(exit_.returned, exit_.broken, False, exit_.value, exit_.line)
