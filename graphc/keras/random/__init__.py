"""Random numbers: generators that layers own."""

from graphc.keras.random.seed_generator import SeedGenerator

__all__ = ["SeedGenerator"]
