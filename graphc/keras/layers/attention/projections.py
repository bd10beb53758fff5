"""What the multi-head attention layers have in common: arguments, projections, masks, gate and dropout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypedDict

from graphc.keras import constraints, initializers, regularizers
from graphc.keras.engine.layer import Layer
from graphc.keras.layers.attention.scores import Visible, all_of, attend, attend_whole, causal_mask, window_mask
from graphc.keras.layers.core.einsum_dense import EinsumDense
from graphc.keras.layers.regularization.dropout import Dropout
from graphc_ir.dims import Dim
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.activation import sigmoid
from graphc_ir.ops.base import Operand, lift, shape_of
from graphc_ir.ops.elementwise import mul
from graphc_ir.ops.movement import expand_dims

__all__ = ["Heads", "MaskSources", "ProjectedAttention", "ProjectionOptions", "positive_integer"]


class ProjectionOptions(TypedDict):
    """Dropout, window and gate; how the projections' weights start and what is asked of them."""

    dropout: float
    use_bias: bool
    sliding_window: int | None
    kernel_initializer: Any
    bias_initializer: Any
    kernel_regularizer: Any
    bias_regularizer: Any
    activity_regularizer: Any
    kernel_constraint: Any
    bias_constraint: Any
    use_gate: bool
    seed: int | None


class MaskSources(NamedTuple):
    """What of a call says who may attend to whom: masks of positions, a mask of pairs, and causality."""

    query: Any
    value: Any
    key: Any
    pairs: Any
    causal: bool


class Heads(NamedTuple):
    """Queries, keys and values per head: [..., positions, depth]."""

    query: Operand
    key: Operand
    value: Operand

    @property
    def positions(self) -> tuple[Dim, Dim]:
        """How many positions ask, and how many are asked."""
        return shape_of(self.query)[-2], shape_of(self.key)[-2]


class ProjectedAttention(Layer):
    """Base: queries, keys and values are projected into heads, each head attends, a last projection joins them.

    Subclasses make the projections in ``build`` and say how positions and heads are arranged.
    """

    _query_dense: EinsumDense
    _key_dense: EinsumDense
    _value_dense: EinsumDense
    _output_dense: EinsumDense
    _gate_dense: EinsumDense

    def __init__(self, options: ProjectionOptions, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._dropout = options["dropout"]
        self._use_bias = options["use_bias"]
        self._use_gate = options["use_gate"]
        self._sliding_window = options["sliding_window"]
        if self._sliding_window is not None:
            positive_integer(self._sliding_window, "sliding_window", self)
        self._kernel_initializer = initializers.get(options["kernel_initializer"])
        self._bias_initializer = initializers.get(options["bias_initializer"])
        self._kernel_regularizer = regularizers.get(options["kernel_regularizer"])
        self._bias_regularizer = regularizers.get(options["bias_regularizer"])
        self._activity_regularizer = regularizers.get(options["activity_regularizer"])
        self._kernel_constraint = constraints.get(options["kernel_constraint"])
        self._bias_constraint = constraints.get(options["bias_constraint"])
        self.seed = options["seed"]
        self._dropout_layer = Dropout(self._dropout, seed=self.seed, dtype=self.dtype_policy)
        self.supports_masking = True

    @property
    def dropout(self) -> float:
        return self._dropout

    @property
    def use_bias(self) -> bool:
        return self._use_bias

    @property
    def sliding_window(self) -> int | None:
        return self._sliding_window

    # --- to be defined -------------------------------------------------------------------------------------------

    def depth(self) -> int:
        """The size of queries and keys per head."""
        raise NotImplementedError

    def to_heads(self, query: Operand, key: Operand, value: Operand) -> Heads:
        """The projections arranged for attention over the last two axes."""
        raise NotImplementedError

    def from_heads(self, attended: Operand, query: Operand) -> Operand:
        """The results of all heads arranged as the projected ``query``."""
        raise NotImplementedError

    def fitting_mask(self, mask: Operand, heads: Heads) -> Operand:
        """A mask [..., queries, keys] so that it broadcasts to the scores."""
        raise NotImplementedError

    def shown_weights(self, weights: Operand, query: Operand, key: Operand) -> Operand:
        """The attention weights as the caller sees them."""
        raise NotImplementedError

    # --- projections ---------------------------------------------------------------------------------------------

    def projection(self, name: str, equation: str, output_shape: Sequence[int | None], bias_axes: str) -> EinsumDense:
        """A projection with initial values of its own."""
        dense = EinsumDense(
            equation,
            output_shape,
            bias_axes=bias_axes if self._use_bias else None,
            kernel_initializer=_own(self._kernel_initializer),
            bias_initializer=_own(self._bias_initializer),
            kernel_regularizer=self._kernel_regularizer,
            bias_regularizer=self._bias_regularizer,
            activity_regularizer=self._activity_regularizer,
            kernel_constraint=self._kernel_constraint,
            bias_constraint=self._bias_constraint,
            name=name,
            dtype=self.dtype_policy,
        )
        dense.supports_masking = True  # it maps positions one by one
        return dense

    def check_shapes(self, value_shape: Sequence[Any], key_shape: Sequence[Any]) -> None:
        """Raises ShapeError unless keys and values have the same positions."""
        if tuple(value_shape[1:-1]) != tuple(key_shape[1:-1]):
            raise ShapeError(f"{type(self).__name__} {self.name!r}: value and key must have the same sizes except for "
                             f"the last one, got {tuple(value_shape)} and {tuple(key_shape)}")  # fmt: skip

    # --- computing -----------------------------------------------------------------------------------------------

    def call(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        use_causal_mask: bool = False,
    ) -> Any:
        projected = self._query_dense(query)
        keys = self._key_dense(value if key is None else key)
        heads = self.to_heads(projected, keys, self._value_dense(value))
        sources = MaskSources(query_mask, value_mask, key_mask, attention_mask, use_causal_mask)
        visible = self._visible(heads, sources)
        attended, weights = self._attended(heads, visible, bool(training), return_attention_scores)
        outputs = self.from_heads(attended, projected)
        if self._use_gate:
            outputs = mul(outputs, sigmoid(self._gate_dense(query)))
        outputs = self._output_dense(outputs)
        return (outputs, self.shown_weights(weights, projected, keys)) if return_attention_scores else outputs

    def _attended(self, heads: Heads, visible: Visible, training: bool, wants_weights: bool) -> tuple[Operand, Any]:
        scale = self.depth() ** -0.5
        dropping = training and self._dropout > 0
        # Keras computes layers with dropout in another way, which shows where a query may attend to nobody.
        same_either_way = self._dropout == 0 or visible.mask is None
        if not dropping and not wants_weights and same_either_way:
            return attend_whole(*heads, scale, visible), None
        drop = (lambda weights: self._dropout_layer(weights, training=True)) if dropping else None
        return attend(*heads, scale, visible, drop)

    def _visible(self, heads: Heads, sources: MaskSources) -> Visible:
        queries, keys = heads.positions
        of_positions = [_expanded(sources.query, -1), _expanded(sources.value, -2), _expanded(sources.key, -2)]
        pairs = None if sources.pairs is None else lift(sources.pairs)
        window = None if self._sliding_window is None else window_mask(queries, keys, self._sliding_window)
        given = [mask for mask in (*of_positions, pairs, window) if mask is not None]
        if not given:
            return Visible(causal=sources.causal)
        if sources.causal:
            given.append(causal_mask(queries, keys))
        return Visible(all_of(*(self.fitting_mask(mask, heads) for mask in given)))

    def projection_config(self) -> dict[str, Any]:
        """Initializers, regularizers, constraints and seed."""
        return {
            "kernel_initializer": initializers.serialize(self._kernel_initializer),
            "bias_initializer": initializers.serialize(self._bias_initializer),
            "kernel_regularizer": regularizers.serialize(self._kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self._bias_regularizer),
            "activity_regularizer": regularizers.serialize(self._activity_regularizer),
            "kernel_constraint": constraints.serialize(self._kernel_constraint),
            "bias_constraint": constraints.serialize(self._bias_constraint),
            "seed": self.seed,
        }


def _own(initializer: Any) -> Any:
    """A new initializer of the same kind: one object gives the same values each time."""
    return initializer.clone() if hasattr(initializer, "clone") else initializer


def _expanded(mask: Any, axis: int) -> Any:
    return None if mask is None else expand_dims(mask, axis)


def positive_integer(value: Any, what: str, layer: Layer) -> int:
    """Raises ArgumentError unless ``value`` is a positive integer."""
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise ArgumentError(f"{type(layer).__name__}: `{what}` must be a positive integer, got {value!r}")
    return value
