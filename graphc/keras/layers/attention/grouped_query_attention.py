"""GroupedQueryAttention."""

from __future__ import annotations

from typing import Any

from graphc.keras.layers.attention.projections import Heads, ProjectedAttention, positive_integer
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import Operand, rank_of, shape_of
from graphc_ir.ops.movement import expand_dims, reshape, transpose

__all__ = ["GroupedQueryAttention"]


class GroupedQueryAttention(ProjectedAttention):
    """Attention of ``num_query_heads`` heads that share keys and values in ``num_key_value_heads`` groups.

    Called as ``layer(query, value, key=value)`` with [batch, positions, dim]; each head has the size ``head_dim``. With
    one group, all heads share one key and value head; with as many as query heads it is MultiHeadAttention, where masks
    and the other arguments are described. Raises ArgumentError unless the query heads divide into the groups.
    """

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            {
                "dropout": dropout, "use_bias": use_bias, "sliding_window": sliding_window,
                "kernel_initializer": kernel_initializer, "bias_initializer": bias_initializer,
                "kernel_regularizer": kernel_regularizer, "bias_regularizer": bias_regularizer,
                "activity_regularizer": activity_regularizer, "kernel_constraint": kernel_constraint,
                "bias_constraint": bias_constraint, "use_gate": use_gate, "seed": seed,
            },
            **kwargs,
        )  # fmt: skip
        self.head_dim = positive_integer(head_dim, "head_dim", self)
        self.num_query_heads = positive_integer(num_query_heads, "num_query_heads", self)
        self.num_key_value_heads = positive_integer(num_key_value_heads, "num_key_value_heads", self)
        self.num_repeats, rest = divmod(num_query_heads, num_key_value_heads)
        if rest:
            raise ArgumentError(f"GroupedQueryAttention: num_query_heads={num_query_heads} must be a multiple of "
                                f"num_key_value_heads={num_key_value_heads}")  # fmt: skip

    def depth(self) -> int:
        return self.head_dim

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:
        keys = value_shape if key_shape is None else key_shape
        self.check_shapes(value_shape, keys)
        size, asking, asked = self.head_dim, self.num_query_heads, self.num_key_value_heads
        self._query_dense = self.projection("query", "bqm,muh->bquh", (None, asking, size), "uh")
        self._query_dense.build(query_shape)
        self._key_dense = self.projection("key", "bkm,mvh->bkvh", (None, asked, size), "vh")
        self._key_dense.build(keys)
        if self._use_gate:
            self._gate_dense = self.projection("gate", "bqm,muh->bquh", (None, asking, size), "uh")
            self._gate_dense.build(query_shape)
        self._value_dense = self.projection("value", "bkm,mvh->bkvh", (None, asked, size), "vh")
        self._value_dense.build(value_shape)
        self._output_dense = self.projection("attention_output", "bquh,uhm->bqm", (None, query_shape[-1]), "m")
        self._output_dense.build((*query_shape[:-1], asking, size))

    # --- arrangement: [batch, groups, heads of a group, positions, size] -------------------------------------------

    def to_heads(self, query: Operand, key: Operand, value: Operand) -> Heads:
        batch, positions, _, size = shape_of(query)
        grouped = reshape(query, (batch, positions, self.num_key_value_heads, self.num_repeats, size))
        return Heads(transpose(grouped, (0, 2, 3, 1, 4)), _shared(key), _shared(value))

    def from_heads(self, attended: Operand, query: Operand) -> Operand:
        return reshape(transpose(attended, (0, 3, 1, 2, 4)), (*shape_of(query)[:-1], self.head_dim))

    def fitting_mask(self, mask: Operand, heads: Heads) -> Operand:
        if rank_of(mask) < 4:
            return expand_dims(mask, [rank_of(mask) - 2, rank_of(mask) - 1])
        batch, asking, *pairs = shape_of(mask)
        if asking == 1:
            return expand_dims(mask, 1)
        return reshape(mask, (batch, self.num_key_value_heads, self.num_repeats, *pairs))

    def shown_weights(self, weights: Operand, query: Operand, key: Operand) -> Operand:
        batch, _, _, *pairs = shape_of(weights)
        return reshape(weights, (batch, self.num_query_heads, *pairs))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "head_dim": self.head_dim,
            "num_query_heads": self.num_query_heads,
            "num_key_value_heads": self.num_key_value_heads,
            "use_bias": self._use_bias,
            "use_gate": self._use_gate,
            "sliding_window": self._sliding_window,
            "dropout": self._dropout,
            **self.projection_config(),
        }

    def serialized_class(self) -> dict[str, Any]:
        """Keras files have the class under its public name."""
        return {"module": "keras.layers", "class_name": "GroupQueryAttention", "registered_name": None}


def _shared(x: Operand) -> Operand:
    """[batch, positions, groups, size] as [batch, groups, 1, positions, size], one for all heads of a group."""
    return expand_dims(transpose(x, (0, 2, 1, 3)), 2)
