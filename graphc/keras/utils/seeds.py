"""One seed for everything that draws random numbers."""

from __future__ import annotations

import random

import numpy as np

from graphc.generator import set_seed
from graphc_ir.errors import ArgumentError

__all__ = ["set_random_seed"]

_LIMIT = 2**32
"""NumPy's global generator takes seeds below this."""


def set_random_seed(seed: int) -> None:
    """Makes what follows reproducible: seeds Python's ``random``, NumPy's global generator, and graphc.

    Weights, dropout and shuffled datasets that are made afterwards follow from the seed, bit for bit.

    Raises:
        ArgumentError: ``seed`` is no integer from 0 to 2**32 - 1.
    """
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < _LIMIT:
        raise ArgumentError(f"set_random_seed: received {seed!r}, expected an integer from 0 to 2**32 - 1")
    random.seed(seed)
    np.random.seed(seed)
    set_seed(seed)
