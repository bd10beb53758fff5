"""Hashing: categories as bins, without a vocabulary."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.keras.engine.inference import infer_outputs
from graphc.keras.engine.keras_tensor import KerasTensor
from graphc.keras.layers.arguments import integer, one_of
from graphc.keras.layers.preprocessing.encoding import MODES, encode
from graphc.keras.layers.preprocessing.fingerprints import farm_hash, sip_hash
from graphc.keras.layers.preprocessing.strings import StringLayer
from graphc.tensor import SymbolicTensor, Tensor
from graphc_ir.dtypes import as_dtype, int64
from graphc_ir.errors import ArgumentError, TracingError
from graphc_ir.ops.base import Operand, lift
from graphc_ir.ops.elementwise import cast

__all__ = ["Hashing"]


class Hashing(StringLayer):
    """Strings and integers (as their decimals) as one of ``num_bins`` bins, by their hash.

    ``salt``, an integer or two, makes it a keyed hash. ``mask_value`` has bin 0 for itself. ``output_mode``: "int", or
    vectors as in :class:`CategoryEncoding`. Hashes are no part of graphs: apply the layer to data before the model.
    """

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: Any = None,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        if kwargs.get("dtype") is None:
            kwargs["dtype"] = "int64" if output_mode == "int" else None
        super().__init__(**kwargs)
        if sparse:
            raise ArgumentError("Hashing: sparse tensors do not exist in graphc; leave sparse=False")
        self.num_bins = integer(num_bins, "Hashing: `num_bins`", least=1)
        self.mask_value = mask_value
        self.salt = _salt(salt)
        self.output_mode = one_of(output_mode, ("int", *MODES), "Hashing: `output_mode`")

    def call(self, inputs: Any) -> Any:
        if isinstance(inputs, SymbolicTensor):
            raise TracingError("Hashing works outside of graphs; apply it to the data before, e.g. with Dataset.map")
        values = np.asarray(inputs.numpy() if isinstance(inputs, Tensor) else inputs)
        distinct, which = np.unique(values, return_inverse=True)
        bins = np.array([self._bin(value) for value in distinct.tolist()], np.int64)
        return self._encoded(lift(bins[which].reshape(values.shape)))

    def _bin(self, value: Any) -> int:
        first = 0 if self.mask_value is None else 1
        if first and value == self.mask_value:
            return 0
        if self.num_bins == first:
            return 0
        data = str(value).encode("utf-8")
        code = farm_hash(data) if self.salt is None else sip_hash(data, self.salt)
        return first + code % (self.num_bins - first)

    def _encoded(self, bins: Operand) -> Operand:
        if self.output_mode == "int":
            kind = as_dtype(self.compute_dtype)
            return cast(bins, kind if kind.is_integer else int64)
        return encode(bins, self.output_mode, self.num_bins, self.compute_dtype)

    def compute_output_spec(self, inputs: Any) -> Any:
        """A description of the result for described inputs."""
        return infer_outputs(self._encoded, (KerasTensor.of_type(inputs.type.with_dtype(int64)),), {})

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_bins": self.num_bins,
            "salt": None if self.salt is None else list(self.salt),
            "mask_value": self.mask_value,
            "output_mode": self.output_mode,
            "sparse": False,
        }


def _salt(salt: Any) -> tuple[int, int] | None:
    if salt is None:
        return None
    pair = (salt, salt) if isinstance(salt, int) else tuple(salt) if isinstance(salt, (list, tuple)) else ()
    if len(pair) != 2 or not all(isinstance(part, int) for part in pair):
        raise ArgumentError(f"Hashing: `salt` must be an integer or two of them, got {salt!r}")
    return pair[0], pair[1]
