"""Discretization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.keras.engine.layer import Layer
from graphc.keras.engine.symbolic_scope import in_symbolic_scope
from graphc.keras.layers.arguments import integer, one_of
from graphc.keras.layers.preprocessing.adapting import batches_of
from graphc.keras.layers.preprocessing.encoding import MODES, encode
from graphc.keras.layers.preprocessing.quantiles import Summary
from graphc_ir.dtypes import as_dtype, int32
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import lift
from graphc_ir.ops.elementwise import cast, greater_equal
from graphc_ir.ops.movement import expand_dims
from graphc_ir.ops.reduction import reduce_sum

__all__ = ["Discretization"]


class Discretization(Layer):
    """Numbers as the index of the bin that they fall into: bin i holds what is at least boundary i - 1 and below i.

    ``bin_boundaries`` in rising order; or ``num_bins``, whose boundaries :meth:`adapt` finds, so that the bins hold
    about equally many numbers (``epsilon``: how exactly). ``output_mode``: "int" for the index, else as in
    :class:`CategoryEncoding`. Raises ArgumentError unless one of ``bin_boundaries`` and ``num_bins`` is given.
    """

    def __init__(
        self,
        bin_boundaries: Sequence[float] | None = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, dtype=dtype, **kwargs)
        if sparse:
            raise ArgumentError("Discretization: sparse tensors do not exist in graphc; leave sparse=False")
        if num_bins is not None and bin_boundaries is not None:
            raise ArgumentError("Discretization: Both `num_bins` and `bin_boundaries` are given; give one of them")
        if num_bins is None and bin_boundaries is None:
            raise ArgumentError("Discretization needs either `num_bins` or `bin_boundaries`")
        self.num_bins = None if num_bins is None else integer(num_bins, "Discretization: `num_bins`", least=1)
        self.bin_boundaries: list[float] | None = None if bin_boundaries is None else [float(b) for b in bin_boundaries]
        self.epsilon = epsilon
        self.output_mode = one_of(output_mode, ("int", *MODES), "Discretization: output_mode")
        self._summary: Summary | None = None

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Finds the boundaries from an array, or from (the first ``steps``) batches of a data set.

        Raises ArgumentError when they were given.
        """
        if self.num_bins is None:
            raise ArgumentError(f"Discretization {self.name!r} was given its `bin_boundaries`, so there is nothing to "
                                "adapt; give num_bins to find them")  # fmt: skip
        self.reset_state()
        for batch in batches_of(data, steps):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Takes note of one more batch."""
        found = Summary.of(np.asarray(data, np.float32), self.epsilon)
        before = self._summary
        self._summary = found.compressed(self.epsilon) if before is None else before.with_more(found, self.epsilon)

    def finalize_state(self) -> None:
        """Makes the boundaries from the batches so far."""
        if self._summary is not None and self.num_bins is not None:
            self.bin_boundaries = self._summary.boundaries(self.num_bins).astype(np.float32).tolist()

    def reset_state(self) -> None:
        """Forgets the batches so far."""
        self._summary = None

    def call(self, inputs: Any) -> Any:
        kind = as_dtype(self.compute_dtype)
        boundaries = self._boundaries()
        reached = greater_equal(expand_dims(cast(inputs, kind), -1), lift(np.asarray(boundaries, kind.np)))
        indices = reduce_sum(cast(reached, int32), -1)
        if self.output_mode == "int":
            return indices
        return encode(indices, self.output_mode, len(boundaries) + 1, self.compute_dtype)

    def _boundaries(self) -> list[float]:
        if self.bin_boundaries is not None:
            return self.bin_boundaries
        if self.num_bins is not None and in_symbolic_scope():
            return [0.0] * (self.num_bins - 1)  # shapes do not depend on their values
        raise ArgumentError(f"Discretization {self.name!r} has no boundaries yet. You need to call `adapt` with data "
                            "first, or pass bin_boundaries")  # fmt: skip

    def get_config(self) -> dict[str, Any]:
        return {
            "bin_boundaries": self.bin_boundaries,
            "num_bins": self.num_bins,
            "epsilon": self.epsilon,
            "output_mode": self.output_mode,
            "sparse": False,
            "name": self.name,
            "dtype": self.dtype,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A layer from what :meth:`get_config` returned, with boundaries that were found too."""
        arguments = dict(config)
        found = arguments.pop("bin_boundaries", None) if config.get("num_bins") is not None else None
        layer = cls(**arguments)
        if found is not None:
            layer.bin_boundaries = list(found)
        return layer
