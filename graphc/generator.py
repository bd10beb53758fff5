"""Random state: a Generator is one Variable ``[seed, counter]``, and the global one serves ``tf.random``.

Every draw reads the key and moves the counter on. Inside a traced function the Variable is a state input and output
like any other, so a program draws the same numbers eagerly, traced, and exported.
"""

from __future__ import annotations

import operator
import threading
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from graphc import draws
from graphc.data.shuffle import set_global_seed_provider
from graphc.mode import init_scope, mode
from graphc.tensor import Tensor, wrap
from graphc.variable import Variable
from graphc_backends.base import STATE_LOCK
from graphc_ir import random_bits
from graphc_ir.dtypes import float32, int32, int64, uint64
from graphc_ir.errors import ArgumentError
from graphc_ir.ops import random as ops
from graphc_ir.ops.base import lift
from graphc_ir.ops.elementwise import add, cast, mul
from graphc_ir.ops.movement import transpose

__all__ = ["Generator", "derive_seed", "generator_for", "get_global_generator", "set_global_generator", "set_seed"]

ALGORITHM: Final = "squares"
_STEP: Final = np.array([0, 1], np.int64)


class Generator:
    """A stream of random numbers with its own state.

    ``state`` is ``[seed, counter]``. Make one with :meth:`from_seed` or :meth:`from_non_deterministic_state`. ``alg``
    is accepted for compatibility: all streams come from one algorithm, which every backend computes alike.
    """

    def __init__(
        self, copy_from: Generator | None = None, state: Any = None, alg: Any = None, name: str = "random_state"
    ) -> None:
        if (copy_from is None) is (state is None):
            raise ArgumentError("Generator() needs copy_from= or state=, and not both; or use Generator.from_seed(1)")
        given = copy_from.state.read_value() if copy_from is not None else draws.as_key(_unwrapped(state))
        self._state = Variable(given, trainable=False, name=name)

    @classmethod
    def from_seed(cls, seed: Any, alg: Any = None, name: str = "random_state") -> Generator:
        """The stream of an integer (or a sequence of integers). ``name`` is that of its state in graphs."""
        return cls(state=_seeded(seed), name=name)

    @classmethod
    def from_non_deterministic_state(cls, alg: Any = None) -> Generator:
        """A stream that differs in every run, from the operating system's entropy."""
        return cls(state=random_bits.make_key(random_bits.seed_from()))

    @classmethod
    def from_state(cls, state: Any, alg: Any = None) -> Generator:
        """A stream that goes on from ``[seed, counter]``."""
        return cls(state=state)

    @classmethod
    def from_key_counter(cls, key: Any, counter: Any, alg: Any = None) -> Generator:
        """The stream of a key, from a counter on (its lowest word if it has several)."""
        return cls(state=_key_counter(key, counter))

    @property
    def state(self) -> Variable:
        """The Variable ``[seed, counter]``; assign it to go back or on."""
        return self._state

    @property
    def key(self) -> Any:
        """The seed, an int64 scalar."""
        return self._state.read_value()[0]

    @property
    def algorithm(self) -> str:
        return ALGORITHM

    def reset(self, state: Any) -> None:
        """Goes to ``[seed, counter]``."""
        self._state.assign(draws.as_key(_unwrapped(state)))

    def reset_from_seed(self, seed: Any) -> None:
        """Starts over with the stream of an integer."""
        self.reset(_seeded(seed))

    def reset_from_key_counter(self, key: Any, counter: Any) -> None:
        self.reset(_key_counter(key, counter))

    def next_key(self) -> Any:
        """The key of the next draw, int64[2]; the state moves on."""
        state = self._state
        if mode.tracer is not None:
            key = state.read_value()
            state.assign(ops.advance_key(key))
            return key
        state.will_change()
        cell = state._cell
        with STATE_LOCK:  # two threads never get one key
            array = cell.read()
            cell.write(array + _STEP)
        return wrap(array)

    def skip(self, delta: Any) -> Any:
        """Leaves out ``delta`` draws. Returns the new state."""
        self._state.assign(add(self._state.read_value(), mul(cast(lift(delta, int64), int64), wrap(_STEP))))
        return self._state.read_value()

    def split(self, count: int = 1) -> list[Generator]:
        """``count`` new generators, independent of each other and of this one."""
        keys = ops.split_key(self.next_key(), count)
        return [Generator(state=keys[i]) for i in range(count)]

    def make_seeds(self, count: int = 1) -> Any:
        """Seeds for the stateless functions, int64[2, count]: one per column."""
        return transpose(ops.split_key(self.next_key(), count))

    def normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32, name: str | None = None
    ) -> Any:
        """Normal floats. Gradients flow to ``mean`` and ``stddev``."""
        return draws.normal(self.next_key(), shape, mean, stddev, dtype)

    def truncated_normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = float32, name: str | None = None
    ) -> Any:
        """Normal floats within two standard deviations of the mean."""
        return draws.truncated_normal(self.next_key(), shape, mean, stddev, dtype)

    def uniform(
        self, shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = float32, name: str | None = None
    ) -> Any:
        """Floats (by default in [0, 1)) or integers in [minval, maxval)."""
        return draws.uniform(self.next_key(), shape, minval, maxval, dtype)

    def uniform_full_int(self, shape: Any, dtype: Any = uint64, name: str | None = None) -> Any:
        """Integers uniform over all values of the dtype."""
        return ops.uniform_full_int(self.next_key(), shape, dtype)

    def binomial(self, shape: Any, counts: Any, probs: Any, dtype: Any = int32, name: str | None = None) -> Any:
        """Successes among ``counts`` trials; the parameters broadcast to ``shape``. NumPy backend only."""
        return ops.binomial(self.next_key(), shape, counts, probs, dtype)

    def __repr__(self) -> str:
        return f"<graphc.random.Generator {self._state!r}>"


def _unwrapped(state: Any) -> Any:
    """The value of a Variable; anything else as it is."""
    return state.read_value() if isinstance(state, Variable) else state


def _seeded(seed: Any) -> Any:
    """The key of an integer seed or of several."""
    if isinstance(seed, (Sequence, np.ndarray, Tensor)) and np.ndim(seed):
        state = 0
        for part in np.asarray(seed).reshape(-1).tolist():
            state = random_bits.seed_from(state, _integer(part))
        return random_bits.make_key(state)
    return random_bits.make_key(random_bits.seed_from(_integer(seed)))


def _key_counter(key: Any, counter: Any) -> Any:
    return random_bits.make_key(_integer(np.asarray(key).reshape(-1)[0]), _integer(np.asarray(counter).reshape(-1)[0]))


def _integer(seed: Any) -> int:
    try:
        return operator.index(seed)
    except TypeError as error:
        raise ArgumentError(f"a seed must be an integer, got {seed!r} ({type(seed).__name__})") from error


# --- the global state ------------------------------------------------------------------------------------------------


class _GlobalState:
    """The global seed and the generators that follow from it."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.forget()

    def forget(self) -> None:
        """As in a new process: no seed, no generators."""
        self.seed: int | None = None
        self.generator: Generator | None = None
        self.by_op_seed: dict[int, Generator] = {}
        self.derived = 0


_global: Final = _GlobalState()


def set_seed(seed: Any) -> None:
    """Sets the global seed. All numbers drawn afterwards, with or without a seed of their own, follow from it.

    The generators start over in place, so functions traced before follow too.
    """
    with _global.lock:
        _global.seed = _integer(seed)
        _global.derived = 0
        if _global.generator is not None:
            _global.generator.reset(_key_of(None))
        for op_seed, generator in _global.by_op_seed.items():
            generator.reset(_key_of(op_seed))


def _key_of(op_seed: int | None) -> Any:
    return random_bits.make_key(random_bits.seed_from(_global.seed, op_seed))


def get_global_generator() -> Generator:
    """The generator behind the functions of ``tf.random``."""
    found = _global.generator
    return found if found is not None else _create_global()


def _create_global() -> Generator:
    # Made outside of a trace: it outlives the function that happens to draw first.
    with _global.lock, init_scope():
        if _global.generator is None:
            _global.generator = Generator(state=_key_of(None))
        return _global.generator


def set_global_generator(generator: Generator) -> None:
    """Replaces the global generator. Functions traced before keep the old one."""
    _global.generator = generator


def generator_for(op_seed: Any) -> Generator:
    """The stream of calls with ``seed=op_seed``: it depends on the global seed and has a counter of its own."""
    if op_seed is None:
        return get_global_generator()
    number = _integer(op_seed)
    found = _global.by_op_seed.get(number)
    return found if found is not None else _create_for(number)


def _create_for(op_seed: int) -> Generator:
    with _global.lock, init_scope():
        if op_seed not in _global.by_op_seed:
            _global.by_op_seed[op_seed] = Generator(state=_key_of(op_seed))
        return _global.by_op_seed[op_seed]


def derive_seed() -> int | None:
    """A fresh seed that follows from the global one, for a consumer with its own stream; None if none is set."""
    with _global.lock:
        if _global.seed is None:
            return None
        _global.derived += 1
        return random_bits.seed_from(random_bits.seed_from(_global.seed), _global.derived)


set_global_seed_provider(derive_seed)
