"""Embedding: a vector for every integer."""

from __future__ import annotations

from typing import Any

from graphc.keras import constraints, initializers, regularizers
from graphc.keras.engine.layer import Layer
from graphc.keras.layers.arguments import integer, make_weight, refuse_quantization, weight_config
from graphc_ir.dtypes import int32
from graphc_ir.ops.base import Operand, dtype_of, lift
from graphc_ir.ops.elementwise import cast, not_equal
from graphc_ir.ops.gather import gather

__all__ = ["Embedding"]


class Embedding(Layer):
    """Looks up rows of a matrix ``[input_dim, output_dim]``: integers ``[...]`` to vectors ``[..., output_dim]``.

    ``mask_zero``: 0 stands for "nothing here" and is masked. ``weights``: the matrix to start from.
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: int | None = None,
        lora_alpha: int | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        # The ids stay what they are: as 16-bit floats, large ones would be rounded.
        super().__init__(autocast=False, **kwargs)
        refuse_quantization(self, lora_rank=lora_rank, lora_alpha=lora_alpha, quantization_config=quantization_config)
        self.input_dim = integer(input_dim, "Embedding: input_dim", least=1)
        self.output_dim = integer(output_dim, "Embedding: output_dim", least=1)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = mask_zero
        self.supports_masking = mask_zero
        if weights is not None:
            self.build(None)
            self.set_weights(weights if isinstance(weights, (list, tuple)) else [weights])

    def build(self, input_shape: Any = None) -> None:
        self.embeddings = make_weight(self, "embeddings", (self.input_dim, self.output_dim))

    def call(self, inputs: Any) -> Any:
        return cast(gather(self.embeddings, _ids(inputs), 0), self.compute_dtype)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """True where the id is not 0, if ``mask_zero``; else None."""
        return not_equal(_ids(inputs), 0) if self.mask_zero else None

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            **weight_config(self, "embeddings"),
            "mask_zero": self.mask_zero,
            "quantization_config": None,
        }


def _ids(inputs: Any) -> Operand:
    """Integers; other numbers are truncated."""
    ids = lift(inputs)
    return ids if dtype_of(ids).is_integer else cast(ids, int32)
