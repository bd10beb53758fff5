"""Running compiled graphs, training steps included."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from graphc_backends.base import Executable, StateCell
from graphc_ir.ops.base import Array


def repeated_run(executable: Executable, inputs: Sequence[Array]) -> Callable[[], list[Array]]:
    """A call that runs once on these inputs. State inputs are the start of a state that every run updates."""
    count = executable.graph.num_arguments
    arguments = list(inputs[:count])
    cells = [StateCell(np.array(array)) for array in inputs[count:]]
    if not cells:
        return lambda: executable.run(arguments)
    return lambda: executable.step(arguments, cells)
