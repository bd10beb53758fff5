"""A cluster of element-wise ops as one op."""

from __future__ import annotations

from graphc_ir.ops.call import Call


class Fused(Call):
    """Runs a region of element-wise ops. Backends may compile it into one kernel, or write the region in place.

    Passes leave it together: it is a call that is not to be inlined.
    """

    makes_sizes = False

    @property
    def is_inlinable(self) -> bool:  # type: ignore[override]
        return False
