"""CategoryEncoding."""

from __future__ import annotations

from typing import Any

from graphc.keras.engine.layer import Layer
from graphc.keras.layers.arguments import integer, one_of
from graphc.keras.layers.preprocessing.encoding import MODES, encode
from graphc_ir.errors import ArgumentError

__all__ = ["CategoryEncoding"]


class CategoryEncoding(Layer):
    """Integers from 0 to ``num_tokens - 1`` as vectors of ``num_tokens`` elements.

    ``output_mode``: "one_hot" (one vector per integer), "multi_hot" (one per row, with 1 for what occurs) or "count"
    (one per row, with how often each occurs; ``count_weights`` of a call weigh them). Raises ArgumentError for another
    mode and without ``num_tokens``.
    """

    def __init__(
        self, num_tokens: int | None = None, output_mode: str = "multi_hot", sparse: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if sparse:
            raise ArgumentError("CategoryEncoding: sparse tensors do not exist in graphc; leave sparse=False")
        if num_tokens is None:
            raise ArgumentError("CategoryEncoding: num_tokens must be set to use this layer; where the number of "
                                "categories is not known, use IntegerLookup")  # fmt: skip
        self.num_tokens = integer(num_tokens, "CategoryEncoding: `num_tokens`", least=1)
        self.output_mode = one_of("multi_hot" if output_mode == "binary" else output_mode, MODES, "output_mode")

    def call(self, inputs: Any, count_weights: Any = None) -> Any:
        if count_weights is not None and self.output_mode != "count":
            raise ArgumentError(f"CategoryEncoding: `count_weights` is not used when `output_mode` is "
                                f"{self.output_mode!r}; set output_mode='count'")  # fmt: skip
        return encode(inputs, self.output_mode, self.num_tokens, self.compute_dtype, count_weights)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_tokens": self.num_tokens, "output_mode": self.output_mode}
