"""Attention (Luong) and AdditiveAttention (Bahdanau) between a query sequence and a value sequence."""

from __future__ import annotations

from typing import Any

from graphc import draws
from graphc.keras.engine.layer import Layer
from graphc.keras.layers.attention.scores import Visible, all_of, attend_whole, causal_mask, with_hidden
from graphc.keras.random.seed_generator import SeedGenerator
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import Operand, lift, shape_of
from graphc_ir.ops.elementwise import add, cast, mul, tanh
from graphc_ir.ops.linalg import matmul, swap_last
from graphc_ir.ops.movement import expand_dims
from graphc_ir.ops.nn import softmax
from graphc_ir.ops.reduction import reduce_sum

__all__ = ["AdditiveAttention", "Attention"]

_MODES = ("dot", "concat")


class Attention(Layer):
    """Each query position gets a mean of the values, weighted by the softmax of its scores against the keys.

    Called on ``[query, value]`` or ``[query, value, key]``: [batch, queries, dim], [batch, keys, dim] and the keys' own
    data (by default the values). ``score_mode``: "dot" products, or "concat": the sum of ``tanh(query + key)``.
    ``use_scale`` makes a trainable factor. ``mask`` is ``[query_mask, value_mask]``, each None or bool: masked values
    get no weight, masked queries give 0. ``use_causal_mask``: position i attends up to position i. ``dropout`` of the
    weights in training. ``return_attention_scores`` gives the weights [batch, queries, keys] as well.
    """

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if score_mode not in _MODES:
            raise ArgumentError(f"{type(self).__name__}: got score_mode={score_mode!r}, expected one of {_MODES}")
        self.use_scale = use_scale
        self.score_mode = score_mode
        self.dropout = dropout
        self.seed = seed
        if dropout > 0:
            self.seed_generator = SeedGenerator(seed)
        self.scale: Any = None
        self.concat_score_weight: Any = None
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        self._check_inputs(input_shape)
        if self.use_scale:
            self.scale = self.add_weight(name="scale", shape=(), initializer="ones")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight(name="concat_score_weight", shape=(), initializer="ones")

    def call(
        self,
        inputs: Any,
        mask: Any = None,
        training: bool | None = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        self._check_inputs(inputs, mask)
        query, value, key = inputs[0], inputs[1], inputs[-1] if len(inputs) > 2 else inputs[1]
        query_mask, value_mask = (None, None) if mask is None else mask[:2]
        dropping = bool(training) and self.dropout > 0
        if self.score_mode == "dot" and not return_attention_scores and not dropping:
            visible = self._visible(query, key, value_mask, use_causal_mask)
            return _without_masked(attend_whole(self._scaled(query), key, value, 1.0, visible), query_mask)
        scores = self._calculate_scores(query, key)
        causal = causal_mask(shape_of(query)[1], shape_of(key)[1]) if use_causal_mask else None
        weights = softmax(with_hidden(scores, all_of(_over_queries(value_mask), causal)))
        if dropping:
            weights = draws.dropout(self.seed_generator.next, weights, self.dropout)
        result = _without_masked(matmul(weights, value), query_mask)
        return (result, weights) if return_attention_scores else result

    def _visible(self, query: Operand, key: Operand, value_mask: Any, causal: bool) -> Visible:
        if value_mask is None:
            return Visible(causal=causal)
        before = causal_mask(shape_of(query)[1], shape_of(key)[1]) if causal else None
        return Visible(all_of(_over_queries(value_mask), before))

    def _scaled(self, x: Operand) -> Operand:
        return x if self.scale is None else mul(x, self.scale)

    def _calculate_scores(self, query: Operand, key: Operand) -> Operand:
        """How much each query [batch, queries, dim] has to do with each key: [batch, queries, keys]."""
        if self.score_mode == "dot":
            return matmul(self._scaled(query), swap_last(key))
        pairs = add(expand_dims(query, 2), expand_dims(key, 1))
        return mul(reduce_sum(tanh(self._scaled(pairs)), -1), self.concat_score_weight)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The query's mask."""
        self._check_inputs(inputs, mask)
        return None if mask is None or mask[0] is None else lift(mask[0])

    def _check_inputs(self, inputs: Any, mask: Any = None) -> None:
        name = type(self).__name__
        if not isinstance(inputs, (list, tuple)) or all(d is None or isinstance(d, int) for d in inputs):
            raise ArgumentError(f"{name} must be called on a list, [query, value] or [query, value, key]; got {inputs}")
        if len(inputs) not in (2, 3):
            raise ArgumentError(f"{name} takes inputs of length 2 or 3, [query, value] or [query, value, key]; got "
                                f"{len(inputs)}")  # fmt: skip
        if mask is None:
            return
        if not isinstance(mask, (list, tuple)):
            raise ArgumentError(f"the {name} layer mask must be a list, [query_mask, value_mask]; got {mask}")
        if len(mask) not in (2, 3):
            raise ArgumentError(f"{name} takes a mask of length 2 or 3, [query_mask, value_mask]; got {len(mask)}")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "use_scale": self.use_scale,
            "score_mode": self.score_mode,
            "dropout": self.dropout,
            "seed": self.seed,
        }


def _over_queries(value_mask: Any) -> Any:
    return None if value_mask is None else expand_dims(value_mask, 1)


def _without_masked(result: Operand, query_mask: Any) -> Operand:
    return result if query_mask is None else mul(result, expand_dims(cast(query_mask, result.dtype), 2))


class AdditiveAttention(Attention):
    """Attention with the scores ``sum(scale * tanh(query + key))``, where ``scale`` is a trainable vector if
    ``use_scale``. Calls as in :class:`Attention`."""

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(use_scale=use_scale, score_mode="concat", dropout=dropout, **kwargs)

    def build(self, input_shape: Any) -> None:
        self._check_inputs(input_shape)
        if self.use_scale:
            dim = input_shape[0][-1]
            self.scale = self.add_weight(name="scale", shape=(dim,), initializer="glorot_uniform")

    def _calculate_scores(self, query: Operand, key: Operand) -> Operand:
        pairs = tanh(add(expand_dims(query, 2), expand_dims(key, 1)))
        return reduce_sum(self._scaled(pairs), -1)

    def get_config(self) -> dict[str, Any]:
        return {key: value for key, value in super().get_config().items() if key != "score_mode"}
