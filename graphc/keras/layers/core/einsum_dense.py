"""EinsumDense: a linear map between tensors of any rank, written as an einsum equation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from graphc.keras import activations, constraints, initializers, regularizers
from graphc.keras.engine.input_spec import InputSpec
from graphc.keras.engine.layer import Layer
from graphc.keras.layers.arguments import make_weight, refuse_quantization, weight_config
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.einsum import einsum
from graphc_ir.ops.elementwise import add, cast

__all__ = ["EinsumDense"]

_FORM = re.compile(r"(?P<front>\.\.\.)?(?P<input>[a-zA-Z]+)(?P<back>\.\.\.)?,(?P<kernel>[a-zA-Z]+)->"
                   r"(?P<to_front>\.\.\.)?(?P<output>[a-zA-Z]+)(?P<to_back>\.\.\.)?")  # fmt: skip


class EinsumDense(Layer):
    """``activation(einsum(equation, inputs, kernel) + bias)``.

    ``equation`` is ``"X,Y->Z"`` with letters for the axes of inputs, kernel and outputs; ``...`` in front of or behind
    both X and Z stands for axes that stay as they are. ``output_shape`` gives the sizes of Z without the batch axis
    (or without the axes of a leading ``...``), None for sizes that the inputs have. ``bias_axes`` names the axes of Z
    that the bias has; without it there is no bias.
    """

    def __init__(
        self,
        equation: str,
        output_shape: int | Sequence[int | None],
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: int | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        refuse_quantization(self, lora_rank=lora_rank, lora_alpha=lora_alpha, quantization_config=quantization_config)
        self.equation = equation
        self.partial_output_shape = (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
        self.bias_axes = bias_axes
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.bias: Any = None

    def build(self, input_shape: Any) -> None:
        sizes = _Sizes(self.equation, self.partial_output_shape, tuple(input_shape))
        self.kernel = self.add_weight(
            name="kernel",
            shape=sizes.kernel(),
            initializer=self._kernel_start(sizes),
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.bias_axes:
            self.bias = make_weight(self, "bias", sizes.bias(self.bias_axes))
        self.input_spec = InputSpec(ndim=len(input_shape))

    def _kernel_start(self, sizes: _Sizes) -> Any:
        """The initializer of the kernel, told which axes belong to the inputs."""
        start = self.kernel_initializer
        return start.counting(*sizes.kernel_axes()) if isinstance(start, initializers.VarianceScaling) else start

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        outputs = einsum(self.equation, cast(inputs, self.compute_dtype), self.kernel)
        if self.bias is not None:
            outputs = add(outputs, self.bias)
        return self.activation(outputs)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "output_shape": self.partial_output_shape,
            "equation": self.equation,
            "activation": activations.serialize(self.activation),
            "bias_axes": self.bias_axes,
            **weight_config(self, "kernel", "bias"),
            "quantization_config": None,
        }


class _Sizes:
    """The size that each letter of an equation stands for. Raises ArgumentError where the parts do not fit."""

    def __init__(self, equation: str, output_shape: Sequence[int | None], input_shape: Sequence[int | None]) -> None:
        self.equation = equation
        form = _FORM.fullmatch(equation.replace(" ", ""))
        if form is None or (form["front"], form["back"]) != (form["to_front"], form["to_back"]):
            raise ArgumentError(f"EinsumDense: the equation {equation!r} does not have the form 'X,Y->Z', "
                                "'...X,Y->...Z' or 'X...,Y->Z...'")  # fmt: skip
        self.labels, self.kernel_labels, self.result = form["input"], form["kernel"], form["output"]
        self.in_front, self.behind = form["front"] is not None, form["back"] is not None
        self.elided = len(input_shape) - len(self.labels)
        if self.elided < 0 or (self.elided and not self.in_front and not self.behind):
            raise ArgumentError(f"EinsumDense: {self.labels!r} of {equation!r} does not name the axes of inputs of "
                                f"shape {input_shape}")  # fmt: skip
        offset = self.elided if self.in_front else 0
        self.known: dict[str, int | None] = dict(zip(self.labels, input_shape[offset:], strict=False))
        self._add_outputs(output_shape)

    def _add_outputs(self, output_shape: Sequence[int | None]) -> None:
        # Without a leading ellipsis the first letter is the batch axis, which output_shape leaves out.
        labels = self.result if self.in_front else self.result[1:]
        given = output_shape[max(len(output_shape) - len(labels), 0) :] if self.in_front else output_shape
        if len(given) < len(labels):
            raise ArgumentError(f"EinsumDense: output_shape {output_shape} must give a size (or None) for each of the "
                                f"axes {labels!r} of {self.equation!r}")  # fmt: skip
        for label, size in zip(labels, given, strict=False):
            known = self.known.get(label)
            if size is not None and known is not None and size != known:
                raise ArgumentError(f"EinsumDense: axis {label!r} of {self.equation!r} is {known} in the inputs but "
                                    f"{size} in output_shape {output_shape}; give None there")  # fmt: skip
            if known is None:
                self.known[label] = size

    def kernel(self) -> tuple[int, ...]:
        return tuple(self._size(label) for label in self.kernel_labels)

    def kernel_axes(self) -> tuple[list[int], list[int]]:
        """Which axes of the kernel are summed over, and which are axes of the outputs."""
        of_outputs = [label in self.result for label in self.kernel_labels]
        return [i for i, kept in enumerate(of_outputs) if not kept], [i for i, kept in enumerate(of_outputs) if kept]

    def bias(self, axes: str) -> tuple[int, ...]:
        """Broadcastable against the outputs, from the first of the axes on."""
        for label in axes:
            if label not in self.result:
                raise ArgumentError(f"EinsumDense: bias axis {label!r} is no axis of the outputs {self.result!r} of "
                                    f"{self.equation!r}")  # fmt: skip
        first = min(self.result.index(label) for label in axes)
        sizes = tuple(self._size(label) if label in axes else 1 for label in self.result[first:])
        return sizes + (1,) * (self.elided if self.behind else 0)

    def _size(self, label: str) -> int:
        size = self.known.get(label)
        if size is None:
            raise ArgumentError(f"EinsumDense: the size of axis {label!r} of {self.equation!r} is not known; give it "
                                "in output_shape or in the shape of the inputs")  # fmt: skip
        return size
