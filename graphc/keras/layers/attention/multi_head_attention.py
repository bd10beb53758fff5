"""MultiHeadAttention."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

from graphc.keras.layers.attention.projections import Heads, ProjectedAttention, positive_integer
from graphc_ir.dims import Shape, element_count
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import Operand, normalize_axis, rank_of, shape_of
from graphc_ir.ops.movement import expand_dims, reshape, transpose

__all__ = ["MultiHeadAttention"]


class MultiHeadAttention(ProjectedAttention):
    """Attention of ``num_heads`` heads: each has projections of its own and attends by scaled dot products.

    Called as ``layer(query, value, key=value)`` with [batch, ..., dim]. ``key_dim`` and ``value_dim`` are the sizes per
    head; ``output_shape`` (by default the query's last size) is what each position gives. ``attention_axes`` are the
    axes of the positions, by default all between the first and the last. ``sliding_window``: positions attend only to
    those less than so many steps away. ``use_gate`` multiplies what the heads give by a sigmoid projection of the
    query.

    Masks: ``query_mask``, ``value_mask`` and ``key_mask`` [batch, positions] (taken from the tensors if they carry
    one), ``attention_mask`` [batch, queries, keys] (or with fewer axes, or with one for heads); ``use_causal_mask``:
    position i attends up to position i. ``return_attention_scores`` gives the weights [batch, heads, queries, keys] as
    well. ``flash_attention`` is accepted and makes no difference.
    """

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: int | Sequence[int] | None = None,
        attention_axes: int | Sequence[int] | None = None,
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
        self._num_heads = positive_integer(num_heads, "num_heads", self)
        self._key_dim = positive_integer(key_dim, "key_dim", self)
        self._value_dim = key_dim if value_dim is None else positive_integer(value_dim, "value_dim", self)
        self._output_shape = _output_sizes(output_shape)
        self._attention_axes: tuple[int, ...] | None = _axes(attention_axes)

    @property
    def num_heads(self) -> int:
        return self._num_heads

    @property
    def key_dim(self) -> int:
        return self._key_dim

    @property
    def value_dim(self) -> int:
        return self._value_dim

    @property
    def attention_axes(self) -> tuple[int, ...] | None:
        return self._attention_axes

    # Weights files name the projections by these.

    @property
    def query_dense(self) -> Any:
        return self._query_dense

    @property
    def key_dense(self) -> Any:
        return self._key_dense

    @property
    def value_dense(self) -> Any:
        return self._value_dense

    @property
    def output_dense(self) -> Any:
        return self._output_dense

    def depth(self) -> int:
        return self._key_dim

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:
        keys = value_shape if key_shape is None else key_shape
        self.check_shapes(value_shape, keys)
        rank = len(query_shape)
        given = range(1, rank - 1) if self._attention_axes is None else self._attention_axes
        self._attention_axes = tuple(normalize_axis(axis, rank) for axis in given)
        self._query_dense = self._built("query", query_shape, self._key_dim)
        self._key_dense = self._built("key", keys, self._key_dim)
        if self._use_gate:
            self._gate_dense = self._built("gate", query_shape, self._value_dim)
        self._value_dense = self._built("value", value_shape, self._value_dim)
        self._build_output(query_shape)

    def _built(self, name: str, shape: Any, size: int) -> Any:
        """A projection of the last axis into (heads, size)."""
        letters = string.ascii_lowercase[: len(shape)]
        heads = string.ascii_lowercase[len(shape) : len(shape) + 2]
        equation = f"{letters},{letters[-1]}{heads}->{letters[:-1]}{heads}"
        dense = self.projection(name, equation, (*(None,) * (len(shape) - 2), self._num_heads, size), heads)
        dense.build(shape)
        return dense

    def _build_output(self, query_shape: Any) -> None:
        rank, sizes = len(query_shape) + 1, self._output_shape or (query_shape[-1],)
        letters = string.ascii_lowercase[:rank]
        new = string.ascii_lowercase[rank : rank + len(sizes)]
        equation = f"{letters},{letters[-2:]}{new}->{letters[:-2]}{new}"
        self._output_dense = self.projection("attention_output", equation, (*(None,) * (rank - 3), *sizes), new)
        self._output_dense.build((*query_shape[:-1], self._num_heads, self._value_dim))

    # --- arrangement ---------------------------------------------------------------------------------------------

    def _order(self, rank: int) -> tuple[int, ...]:
        """Axes of a projected tensor as [batch, rest, heads, positions, depth]."""
        axes = self._positions()
        rest = [axis for axis in range(1, rank - 2) if axis not in axes]
        return (0, *rest, rank - 2, *axes, rank - 1)

    def _positions(self) -> tuple[int, ...]:
        return self._attention_axes or ()

    def to_heads(self, query: Operand, key: Operand, value: Operand) -> Heads:
        return Heads(self._arranged(query), self._arranged(key), self._arranged(value))

    def _arranged(self, x: Operand) -> Operand:
        return self._merged(transpose(x, self._order(rank_of(x))))

    def _merged(self, x: Operand) -> Operand:
        """[..., positions, depth] with one axis of positions."""
        count = len(self._positions())
        if count == 1:
            return x
        shape = shape_of(x)
        return reshape(x, (*shape[: -count - 1], element_count(shape[-count - 1 : -1]), shape[-1]))

    def from_heads(self, attended: Operand, query: Operand) -> Operand:
        order = self._order(rank_of(query))
        sizes = [shape_of(query)[axis] for axis in order]
        spread = reshape(attended, (*sizes[:-1], shape_of(attended)[-1]))
        return transpose(spread, [order.index(axis) for axis in range(len(order))])

    def fitting_mask(self, mask: Operand, heads: Heads) -> Operand:
        count = len(self._positions())
        missing = rank_of(heads.query) - 2 + 2 * count - rank_of(mask)
        mask = expand_dims(mask, [rank_of(mask) - 2 * count + i for i in range(missing)]) if missing > 0 else mask
        if count == 1:
            return mask
        return reshape(mask, (*shape_of(mask)[: -2 * count], *heads.positions))

    def shown_weights(self, weights: Operand, query: Operand, key: Operand) -> Operand:
        if len(self._positions()) == 1:
            return weights
        return reshape(weights, (*shape_of(weights)[:-2], *self._sizes(query), *self._sizes(key)))

    def _sizes(self, x: Operand) -> Shape:
        return tuple(shape_of(x)[axis] for axis in self._positions())

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_heads": self._num_heads,
            "key_dim": self._key_dim,
            "value_dim": self._value_dim,
            "dropout": self._dropout,
            "use_bias": self._use_bias,
            "use_gate": self._use_gate,
            "output_shape": self._output_shape,
            "attention_axes": self._attention_axes,
            "sliding_window": self._sliding_window,
            **self.projection_config(),
        }


def _output_sizes(shape: Any) -> tuple[int, ...] | None:
    if shape is None:
        return None
    sizes = (shape,) if isinstance(shape, int) else tuple(shape) if isinstance(shape, (list, tuple)) else None
    if sizes is None or not all(isinstance(size, int) for size in sizes):
        raise ArgumentError(f"Invalid `output_shape` of MultiHeadAttention: {shape!r}; pass an integer, a tuple of "
                            "them, or None")  # fmt: skip
    return sizes


def _axes(axes: Any) -> tuple[int, ...] | None:
    if axes is None:
        return None
    found = (axes,) if isinstance(axes, int) else tuple(axes)
    if not found or not all(isinstance(axis, int) for axis in found):
        raise ArgumentError(f"MultiHeadAttention: got attention_axes={axes!r}, expected an axis or a tuple of them")
    return found
