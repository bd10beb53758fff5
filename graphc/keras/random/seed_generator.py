"""SeedGenerator: a stream of random numbers that belongs to a layer."""

from __future__ import annotations

from typing import Any

from graphc.generator import Generator, derive_seed
from graphc.keras.engine.tracking import Stateful
from graphc.keras.naming import auto_name
from graphc.keras.registry import publish
from graphc.mode import init_scope
from graphc.variable import Variable
from graphc_ir.errors import ArgumentError
from graphc_ir.random_bits import seed_from

__all__ = ["SeedGenerator", "generator_of"]


class SeedGenerator(Stateful):
    """Random state ``[seed, counter]`` that moves on at each draw. ``seed`` None: follows from the global seed.

    Raises ArgumentError for a seed that is no integer.
    """

    def __init__(self, seed: int | None = None, name: str | None = None) -> None:
        if seed is not None and not isinstance(seed, int):
            raise ArgumentError(f"SeedGenerator: got seed={seed!r}, expected an integer or None")
        self.name = name or auto_name("seed_generator")
        self._given = seed
        with init_scope():
            self.generator = Generator.from_seed(self._start(), name=f"{self.name}/seed_generator_state")

    def _start(self) -> int:
        if self._given is not None:
            return self._given
        derived = derive_seed()
        return (seed_from() if derived is None else derived) & 0x7FFFFFFF

    @property
    def state(self) -> Variable:
        return self.generator.state

    @property
    def variables(self) -> list[Variable]:
        return [self.generator.state]

    def next(self, ordered: bool = True) -> Any:
        """The key of the next draw, int64[2]; the state moves on."""
        return self.generator.next_key()

    def get_config(self) -> dict[str, Any]:
        return {"seed": self._given}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SeedGenerator:
        return cls(**config)


def generator_of(seed: Any) -> SeedGenerator:
    """A SeedGenerator of a seed, or the one given."""
    return seed if isinstance(seed, SeedGenerator) else SeedGenerator(seed)


publish("keras.random", {"SeedGenerator": SeedGenerator}, ["SeedGenerator"])
