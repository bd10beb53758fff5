"""Which interpreter ops run under."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from graphc_ir.builder import GraphBuilder
from graphc_ir.graph import Graph, Value
from graphc_ir.ops.base import ARRAYS, current, using
from graphc_ir.ops.elementwise import add


def test_blocks_nest_and_end() -> None:
    outer = current()
    with using(ARRAYS):
        assert isinstance(add(np.ones(2), 1), np.ndarray)
        with using(GraphBuilder(Graph())) as builder:
            assert current() is builder
            assert isinstance(add(1, 2), Value)
        assert current() is ARRAYS
    assert current() is outer


def test_a_block_before_the_front_end_is_imported_does_not_pin_the_default() -> None:
    program = """
from graphc_ir.ops.base import ARRAYS, using
with using(ARRAYS):
    pass
import graphc as tf
print(type(tf.add(1.0, 2.0)).__name__)
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "Tensor"
