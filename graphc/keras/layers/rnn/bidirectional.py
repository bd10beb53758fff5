"""Bidirectional: a recurrent layer forward and backward over the same sequences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphc.keras.engine.layer import Layer
from graphc.keras.registry import CustomObjectScope, builtin_path, get_registered_name
from graphc.keras.serialization import deserialize_keras_object, serialize_keras_object
from graphc.pytree import leaves_of
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import Operand
from graphc_ir.ops.elementwise import add, mul
from graphc_ir.ops.movement import concat, reverse

__all__ = ["Bidirectional"]

_MODES = ("sum", "mul", "ave", "concat", None)
_SHARED = ("stateful", "return_sequences", "return_state")


class Bidirectional(Layer):
    """Runs a recurrent layer from the first step to the last and a copy of it (or ``backward_layer``) from the last to
    the first, and puts the outputs of each step together.

    ``merge_mode``: "concat" (along the features), "sum", "mul", "ave", or None for both outputs as they are. The states
    of ``initial_state`` and those returned are first the forward layer's, then the backward layer's. Raises
    ArgumentError for an unknown mode and for layers that do not go together.
    """

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(layer, Layer) or not hasattr(layer, "go_backwards"):
            raise ArgumentError(f"Bidirectional takes a recurrent layer such as LSTM(32), got {layer!r}")
        if merge_mode not in _MODES:
            raise ArgumentError(f"Bidirectional: got merge_mode={merge_mode!r}, expected one of {_MODES}")
        self.forward_layer = _copied(layer, name=f"forward_{layer.name}")
        if backward_layer is None:
            backward_layer = _copied(layer, name=f"backward_{layer.name}", go_backwards=not layer.go_backwards)
        self.backward_layer = backward_layer
        self._check_pair()
        self.merge_mode = merge_mode
        self.stateful = self.forward_layer.stateful
        self.return_sequences = self.forward_layer.return_sequences
        self.return_state = self.forward_layer.return_state
        if self.return_sequences:  # where one direction has no step, the other one's output stands alone
            self.forward_layer.zero_output_for_mask = self.backward_layer.zero_output_for_mask = True
        self.supports_masking = True
        self._first_weights = weights

    def _check_pair(self) -> None:
        one, other = self.forward_layer, self.backward_layer
        if one.go_backwards == other.go_backwards:
            raise ArgumentError(f"Bidirectional: one layer must go backwards and the other not, but both have "
                                f"go_backwards={one.go_backwards}")  # fmt: skip
        for name in _SHARED:
            if getattr(one, name) != getattr(other, name):
                raise ArgumentError(f"Bidirectional: {name} is {getattr(one, name)} in the forward layer and "
                                    f"{getattr(other, name)} in the backward layer; it must be the same")  # fmt: skip

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                layer.build(sequences_shape)
        if self._first_weights is not None:
            self.set_weights(self._first_weights)

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool | None = None) -> Any:
        ahead, back = self._split(initial_state)
        forward = self.forward_layer(sequences, initial_state=ahead, mask=mask, training=training)
        backward = self.backward_layer(sequences, initial_state=back, mask=mask, training=training)
        if not self.return_state:
            return self._merged(forward, backward)
        merged = self._merged(forward[0], backward[0])
        outputs = merged if self.merge_mode is None else (merged,)
        return (*outputs, *forward[1:], *backward[1:])

    def _split(self, states: Any) -> tuple[Any, Any]:
        if states is None:
            return None, None
        half, odd = divmod(len(states), 2)
        if odd:
            raise ArgumentError(f"Bidirectional {self.name!r}: initial_state must hold the states of both layers, an "
                                f"even number of them; got {len(states)}")  # fmt: skip
        return states[:half], states[half:]

    def _merged(self, forward: Operand, backward: Operand) -> Any:
        if self.return_sequences:
            backward = reverse(backward, 0 if getattr(self.backward_layer, "time_major", False) else 1)
        if self.merge_mode is None:
            return forward, backward
        if self.merge_mode == "concat":
            return concat([forward, backward], -1)
        if self.merge_mode == "mul":
            return mul(forward, backward)
        total = add(forward, backward)
        return mul(total, 0.5) if self.merge_mode == "ave" else total

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of sequences for the output (or both), if it is one; none for the states."""
        given = leaves_of(mask)
        own = given[0] if given and self.return_sequences else None
        masks = [own] if self.merge_mode else [own, own]
        if self.return_state:
            return [*masks, *(None for _ in range(2 * len(self.forward_layer.state_size)))]
        return masks[0] if len(masks) == 1 else masks

    @property
    def states(self) -> Any:
        """The states of both layers if they are stateful, else None."""
        if self.forward_layer.states is None:
            return None
        return (*self.forward_layer.states, *self.backward_layer.states)

    def reset_state(self) -> None:
        """Sets the states of stateful layers back to those that sequences start from."""
        self.reset_states()

    def reset_states(self) -> None:
        """The same as :meth:`reset_state`."""
        self.forward_layer.reset_states()
        self.backward_layer.reset_states()

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "merge_mode": self.merge_mode,
            "layer": serialize_keras_object(self.forward_layer),
            "backward_layer": serialize_keras_object(self.backward_layer),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
        """A layer from what :meth:`get_config` returned, with the names that the two layers have there."""
        arguments = dict(config)
        forward = deserialize_keras_object(arguments.pop("layer"), custom_objects)
        backward = arguments.pop("backward_layer", None)
        if backward is not None:
            arguments["backward_layer"] = deserialize_keras_object(backward, custom_objects)
        made = cls(forward, **arguments)
        made.forward_layer.name = forward.name
        return made


def _copied(layer: Layer, **changes: Any) -> Any:
    """A new layer of the same configuration, except for ``changes``."""
    inside = {type(one) for one in layer._flatten_layers()}
    own = {get_registered_name(cls): cls for cls in inside if builtin_path(cls) is None}
    with CustomObjectScope(own):
        copied = type(layer).from_config({**layer.get_config(), **changes})
    if hasattr(layer, "use_cudnn"):
        copied.use_cudnn = layer.use_cudnn
    return copied
