"""ReversibleEmbedding: from integers to vectors, and from vectors to a score for every integer."""

from __future__ import annotations

from typing import Any

from graphc.keras.layers.arguments import make_weight
from graphc.keras.layers.core.embedding import Embedding
from graphc_ir.ops.base import Operand
from graphc_ir.ops.elementwise import cast, div, mul, tanh
from graphc_ir.ops.linalg import matmul
from graphc_ir.ops.movement import transpose

__all__ = ["ReversibleEmbedding"]


class ReversibleEmbedding(Embedding):
    """An embedding whose matrix also projects back: with ``reverse=True``, vectors ``[..., output_dim]`` give logits
    ``[..., input_dim]``.

    ``tie_weights=False`` gives the way back a matrix of its own. ``reverse_dtype``: the dtype of the way back.
    ``logit_soft_cap``: logits ``z`` become ``cap * tanh(z / cap)``.
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        tie_weights: bool = True,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        reverse_dtype: Any = None,
        logit_soft_cap: float | None = None,
        **kwargs: Any,
    ) -> None:
        self.tie_weights = tie_weights  # before the base, which builds at once if it is given weights
        super().__init__(
            input_dim, output_dim, embeddings_initializer, embeddings_regularizer, embeddings_constraint, mask_zero,
            **kwargs,
        )  # fmt: skip
        self.reverse_dtype = reverse_dtype
        self.logit_soft_cap = logit_soft_cap

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        self.reverse_embeddings: Any = None
        if not self.tie_weights:
            shape = (self.output_dim, self.input_dim)
            self.reverse_embeddings = make_weight(self, "embeddings", shape, name="reverse_embeddings")

    def call(self, inputs: Any, reverse: bool = False) -> Any:
        if reverse:
            return self._logits(inputs)
        outputs = super().call(inputs)
        if self.mask_zero:
            outputs._keras_mask = super().compute_mask(inputs)
        return outputs

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """None: only the way there has a mask, which its outputs carry already."""

    def _logits(self, inputs: Any) -> Operand:
        dtype = self.reverse_dtype or self.compute_dtype
        back = self.reverse_embeddings if self.reverse_embeddings is not None else transpose(self.embeddings)
        logits = matmul(cast(inputs, dtype), cast(back, dtype))
        cap = self.logit_soft_cap
        return logits if cap is None else mul(tanh(div(logits, cap)), cap)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "tie_weights": self.tie_weights,
            "reverse_dtype": self.reverse_dtype,
            "logit_soft_cap": self.logit_soft_cap,
        }
