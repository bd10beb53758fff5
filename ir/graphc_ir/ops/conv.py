"""Convolution of any spatial rank, and its two gradients. The three ops are closed under differentiation.

Layouts (``layout`` attribute, the same two names for every spatial rank):

- ``"NHWC"``: data (batch, spatial..., channels), filters (spatial..., channels / groups, filters), as in
  TensorFlow;
- ``"NCHW"``: data (batch, channels, spatial...), filters (filters, channels / groups, spatial...), as in
  ONNX.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from graphc_ir import dims
from graphc_ir.dims import Dim, Shape
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops import conv_kernels as kernels
from graphc_ir.ops.base import Array, Op, Operand, bind, dtype_of, lift, rank_of, shape_of
from graphc_ir.ops.conv_kernels import Geometry
from graphc_ir.ops.elementwise import check_kind
from graphc_ir.ops.linalg import matmul, swap_last
from graphc_ir.ops.movement import Slice, concat, pad_with, reshape, resolve_shape, transpose
from graphc_ir.ops.reduction import reduce_sum
from graphc_ir.types import TensorType

LAYOUTS: Final = ("NHWC", "NCHW")


class Windowed(Op, abstract=True):
    """Ops that slide a window over the spatial axes. All tuples have one item per spatial axis.

    Padding is symbolic only where "SAME" padding depends on a size that is.
    """

    strides: tuple[int, ...]
    pad_low: Shape
    pad_high: Shape
    dilations: tuple[int, ...]
    layout: str

    @property
    def spatial_rank(self) -> int:
        return len(self.strides)

    @property
    def is_padded(self) -> bool:
        return any(not isinstance(d, int) or d != 0 for d in (*self.pad_low, *self.pad_high))

    def spatial(self, shape: Shape) -> Shape:
        """The spatial sizes of a data shape."""
        return shape[1:-1] if self.layout == "NHWC" else shape[2:]

    def channels(self, shape: Shape) -> Dim:
        return shape[-1] if self.layout == "NHWC" else shape[1]

    def data_shape(self, batch: Dim, spatial: Shape, channels: Dim) -> Shape:
        return (batch, *spatial, channels) if self.layout == "NHWC" else (batch, channels, *spatial)

    def output_spatial(self, spatial: Shape, window: Sequence[int]) -> Shape:
        """How often the window fits. Raises ShapeError when it does not fit at all."""
        sizes: list[Dim] = []
        for i, size in enumerate(spatial):
            reach = (window[i] - 1) * self.dilations[i] + 1
            padded = size + self.pad_low[i] + self.pad_high[i]
            if isinstance(padded, int) and padded < reach:
                raise ShapeError(f"{self.name}: a window of {reach} (size {window[i]}, dilation "
                                 f"{self.dilations[i]}) does "
                                 f"not fit spatial axis {i} of size {size} padded by {self.pad_low[i]} and "
                                 f"{self.pad_high[i]}; use a smaller window or padding='SAME'")  # fmt: skip
            sizes.append((padded - reach) // self.strides[i] + 1)
        return tuple(sizes)

    def check_rank(self, *types: TensorType) -> None:
        rank = self.spatial_rank + 2
        for t in types:
            if t.rank != rank:
                order = "spatial..., channels" if self.layout == "NHWC" else "channels, spatial..."
                raise ShapeError(f"{self.name} over {self.spatial_rank} spatial axes needs rank {rank}, got "
                                 f"{t}; expected (batch, {order})")  # fmt: skip

    def geometry(self) -> Geometry:
        """What kernels need; they run once all sizes are known."""
        return Geometry(self.strides, self.pad_low, self.pad_high, self.dilations)  # type: ignore[arg-type]

    def require_shape(self, what: str, have: Shape, want: Shape) -> None:
        """Raises ShapeError unless the two shapes agree."""
        try:
            for axis, (a, b) in enumerate(zip(have, want, strict=True)):
                dims.require_equal(a, b, f"axis {axis}")
        except ValueError as error:
            raise ShapeError(f"{self.name}: {what} has shape {shape_text(have)}, expected "
                             f"{shape_text(want)}: "
                             f"{error}") from error  # fmt: skip


def shape_text(shape: Shape) -> str:
    return f"[{', '.join(map(str, shape))}]"


class Convolution(Windowed, abstract=True):
    """What the convolution and its gradients share; ``groups`` divides the channels and the filters."""

    groups: int

    def kernel_sizes(self, filters: Shape) -> tuple[int, ...]:
        sizes = filters[:-2] if self.layout == "NHWC" else filters[2:]
        if not all(isinstance(s, int) for s in sizes):
            raise ShapeError(f"{self.name} needs known kernel sizes, got filters of shape {shape_text(filters)}")
        return sizes  # type: ignore[return-value]

    def filter_shape(self, kernel: Shape, channels: Dim, filters: Dim) -> Shape:
        inner = channels // self.groups
        return (*kernel, inner, filters) if self.layout == "NHWC" else (filters, inner, *kernel)

    def filter_count(self, filters: Shape) -> Dim:
        return filters[-1] if self.layout == "NHWC" else filters[0]

    def channel_count(self, filters: Shape) -> Dim:
        return (filters[-2] if self.layout == "NHWC" else filters[1]) * self.groups

    def check_bias(self, bias: tuple[TensorType, ...], size: Dim) -> None:
        if len(bias) > 1:
            raise ShapeError(f"{self.name} takes data, filters and at most one bias, got {len(bias) + 2} operands")
        for vector in bias:
            self.require_shape("the bias", vector.shape, (size,))

    def bias_grad(self, g: Operand) -> Operand:
        """The sum over everything but the channels."""
        rank = rank_of(g)
        channels = rank - 1 if self.layout == "NHWC" else 1
        return reduce_sum(g, [axis for axis in range(rank) if axis != channels])

    def as_conv(self) -> Conv:
        return Conv(self.strides, self.pad_low, self.pad_high, self.dilations, self.layout, self.groups)

    def input_grad(self, spatial: Shape) -> ConvInputGrad:
        parts = (self.strides, self.pad_low, self.pad_high, self.dilations, self.layout, self.groups)
        return ConvInputGrad(*parts, spatial)

    def filter_grad(self, kernel: tuple[int, ...]) -> ConvFilterGrad:
        parts = (self.strides, self.pad_low, self.pad_high, self.dilations, self.layout, self.groups)
        return ConvFilterGrad(*parts, kernel)

    def check_data(self, x: TensorType, channels: Dim, filters: Dim, what: str) -> None:
        try:
            dims.require_equal(self.channels(x.shape), channels, "channels")
        except ValueError as error:
            raise ShapeError(f"{self.name}: data {x} does not have the {channels} channels that {what} of "
                             f"{self.groups} group(s) expects: {error}") from error  # fmt: skip
        if isinstance(filters, int) and filters % self.groups:
            raise ShapeError(f"{self.name}: {filters} filters do not divide into {self.groups} groups")


class Conv(Convolution):
    """Cross-correlation of data with filters: (data, filters) -> data. A third operand, one number per filter, is
    added."""

    def infer(self, x: TensorType, w: TensorType, *bias: TensorType) -> TensorType:
        check_kind(self, "f", x, w, *bias)
        self.check_rank(x, w)
        filters = self.filter_count(w.shape)
        self.check_data(x, self.channel_count(w.shape), filters, f"the filters {w}")
        self.check_bias(bias, filters)
        spatial = self.output_spatial(self.spatial(x.shape), self.kernel_sizes(w.shape))
        return x.with_shape(self.data_shape(x.shape[0], spatial, filters))

    def kernel(self, x: Array, w: Array, *bias: Array) -> Any:
        if self.layout == "NHWC":
            return _with_bias(kernels.convolve(x, w, self.geometry(), self.groups), bias)
        y = kernels.convolve(to_last(x), filters_last(w), self.geometry(), self.groups)
        return to_first(_with_bias(y, bias))

    def vjp(self, g: Operand, y: Operand, x: Operand, w: Operand, *bias: Operand) -> Any:
        spatial, kernel = self.spatial(shape_of(x)), self.kernel_sizes(shape_of(w))
        return (
            lambda: bind(self.input_grad(spatial), g, w),
            lambda: bind(self.filter_grad(kernel), x, g),
            *(lambda: self.bias_grad(g) for _ in bias),
        )


class ConvInputGrad(Convolution):
    """The cotangent of Conv's data (a transposed convolution): (result cotangent, filters) -> data. A third operand,
    one number per channel of that data, is added.

    ``spatial`` holds the spatial sizes of that data.
    """

    spatial_sizes: Shape

    def infer(self, g: TensorType, w: TensorType, *bias: TensorType) -> TensorType:
        check_kind(self, "f", g, w, *bias)
        self.check_rank(g, w)
        channels, filters = self.channel_count(w.shape), self.filter_count(w.shape)
        self.check_data(g, filters, filters, f"the filters {w}")
        self.check_bias(bias, channels)
        spatial = self.output_spatial(self.spatial_sizes, self.kernel_sizes(w.shape))
        self.require_shape("the cotangent", g.shape, self.data_shape(g.shape[0], spatial, filters))
        return g.with_shape(self.data_shape(g.shape[0], self.spatial_sizes, channels))

    def kernel(self, g: Array, w: Array, *bias: Array) -> Any:
        spatial: tuple[int, ...] = self.spatial_sizes  # type: ignore[assignment]
        if self.layout == "NHWC":
            return _with_bias(kernels.input_gradient(g, w, self.geometry(), self.groups, spatial), bias)
        y = kernels.input_gradient(to_last(g), filters_last(w), self.geometry(), self.groups, spatial)
        return to_first(_with_bias(y, bias))

    def vjp(self, g: Operand, y: Operand, dy: Operand, w: Operand, *bias: Operand) -> Any:
        kernel = self.kernel_sizes(shape_of(w))
        return (
            lambda: bind(self.as_conv(), g, w),
            lambda: bind(self.filter_grad(kernel), g, dy),
            *(lambda: self.bias_grad(g) for _ in bias),
        )


class ConvFilterGrad(Convolution):
    """The cotangent of Conv's filters: (data, result cotangent) -> filters of ``kernel_shape``."""

    kernel_shape: tuple[int, ...]

    def infer(self, x: TensorType, g: TensorType) -> TensorType:
        check_kind(self, "f", x, g)
        self.check_rank(x, g)
        spatial = self.output_spatial(self.spatial(x.shape), self.kernel_shape)
        filters, channels = self.channels(g.shape), self.channels(x.shape)
        self.require_shape("the cotangent", g.shape, self.data_shape(x.shape[0], spatial, filters))
        return x.with_shape(self.filter_shape(self.kernel_shape, channels, filters))

    def kernel(self, x: Array, g: Array) -> Any:
        if self.layout == "NHWC":
            return kernels.filter_gradient(x, g, self.geometry(), self.groups, self.kernel_shape)
        w = kernels.filter_gradient(to_last(x), to_last(g), self.geometry(), self.groups, self.kernel_shape)
        return w.transpose(w.ndim - 1, w.ndim - 2, *range(w.ndim - 2))

    def vjp(self, g: Operand, y: Operand, x: Operand, dy: Operand) -> Any:
        spatial = self.spatial(shape_of(x))
        return (lambda: bind(self.input_grad(spatial), dy, g)), (lambda: bind(self.as_conv(), x, g))

    def decompose(self, x: Operand, g: Operand) -> Operand:
        """One batched matrix product of the window taps with the cotangent, summed over the batch."""
        if self.layout == "NHWC":
            w = bind(dataclasses.replace(self, layout="NCHW"), move_channels_first(x), move_channels_first(g))
            return filters_to_last(w)
        batch, channels, *_ = shape_of(x)
        filters, positions = shape_of(g)[1], dims.element_count(shape_of(g)[2:])
        per_group = channels // self.groups
        taps = [
            reshape(t, (batch, self.groups, 1, per_group, positions)) for t in window_taps(self, x, self.kernel_shape)
        ]
        columns = reshape(concat(taps, 2), (batch, self.groups, len(taps) * per_group, positions))
        cotangent = reshape(g, (batch, self.groups, filters // self.groups, positions))
        product = reduce_sum(matmul(cotangent, swap_last(columns)), 0)
        shaped = reshape(product, (filters, len(taps), per_group))
        return reshape(transpose(shaped, (0, 2, 1)), (filters, per_group, *self.kernel_shape))


def _with_bias(y: Array, bias: tuple[Array, ...]) -> Array:
    """Adds to a kernel's own, channels-last result."""
    for vector in bias:
        y += vector
    return y


# --- layouts ------------------------------------------------------------------------------------------------


def to_last(x: Array) -> Array:
    """A channels-first array as a channels-last view."""
    return x.transpose(0, *range(2, x.ndim), 1)


def to_first(x: Array) -> Array:
    return x.transpose(0, x.ndim - 1, *range(1, x.ndim - 1))


def filters_last(w: Array) -> Array:
    return w.transpose(*range(2, w.ndim), 1, 0)


def move_channels_first(x: Operand) -> Operand:
    """(batch, spatial..., channels) to (batch, channels, spatial...)."""
    rank = rank_of(x)
    return transpose(x, (0, rank - 1, *range(1, rank - 1)))


def move_channels_last(x: Operand) -> Operand:
    """(batch, channels, spatial...) to (batch, spatial..., channels)."""
    return transpose(x, (0, *range(2, rank_of(x)), 1))


def filters_to_first(w: Operand) -> Operand:
    """(spatial..., channels, filters) to (filters, channels, spatial...)."""
    rank = rank_of(w)
    return transpose(w, (rank - 1, rank - 2, *range(rank - 2)))


def filters_to_last(w: Operand) -> Operand:
    """(filters, channels, spatial...) to (spatial..., channels, filters)."""
    return transpose(w, (*range(2, rank_of(w)), 1, 0))


def window_taps(op: Windowed, x: Operand, window: Sequence[int], fill: Any = 0) -> list[Operand]:
    """For every window position (row-major) the data elements it meets, one result-shaped slice each."""
    first = 1 if op.layout == "NHWC" else 2
    sizes = op.output_spatial(op.spatial(shape_of(x)), window)
    padded = pad_spatial(op, x, fill)
    return [_tap(op, padded, first, tap, sizes) for tap in kernels.tap_positions(window)]


def pad_spatial(op: Windowed, x: Operand, fill: Any = 0) -> Operand:
    """The data with the op's own padding of ``fill``."""
    return pad_with(x, op.data_shape(0, op.pad_low, 0), op.data_shape(0, op.pad_high, 0), fill)


def _tap(op: Windowed, padded: Operand, first: int, tap: tuple[int, ...], sizes: Shape) -> Operand:
    shape = shape_of(padded)
    starts: list[Dim] = [0] * len(shape)
    stops, steps = list(shape), [1] * len(shape)
    for i, offset in enumerate(tap):
        axis, start = first + i, offset * op.dilations[i]
        starts[axis], steps[axis] = start, op.strides[i]
        stops[axis] = start + (sizes[i] - 1) * op.strides[i] + 1
    return bind(Slice(tuple(starts), tuple(stops), tuple(steps)), padded)


# --- arguments as TensorFlow writes them --------------------------------------------------------------------


class Window(NamedTuple):
    """Normalised arguments of a windowed op."""

    strides: tuple[int, ...]
    pad_low: Shape
    pad_high: Shape
    dilations: tuple[int, ...]
    layout: str


def layout_of(data_format: str | None) -> str:
    """``"NHWC"`` or ``"NCHW"`` of a TensorFlow data format (``"NWC"``, ``"channels_last"``...)."""
    if data_format in (None, "NHWC", "NWC", "NDHWC", "channels_last"):
        return "NHWC"
    if data_format in ("NCHW", "NCW", "NCDHW", "channels_first"):
        return "NCHW"
    raise ArgumentError(f"data_format={data_format!r} is unknown; use 'NHWC' or 'NCHW' (for 1-D 'NWC' or "
                        f"'NCW', for 3-D "
                        "'NDHWC' or 'NCDHW')")  # fmt: skip


def per_axis(value: Any, rank: int, layout: str, what: str, least: int = 1) -> tuple[int, ...]:
    """One int per spatial axis of an int, or of a list with 1, ``rank`` or ``rank + 2`` items.

    Raises ArgumentError for other lengths, small values, and steps along batch or channels.
    """
    listed = [value] if isinstance(value, int) or hasattr(value, "__index__") else list(value)
    items = [int(v) for v in listed]
    if len(items) == rank + 2:
        channel = rank + 1 if layout == "NHWC" else 1
        if items[0] != 1 or items[channel] != 1:
            raise ArgumentError(f"{what}={value!r} must be 1 along batch and channels")
        items = [v for i, v in enumerate(items) if i not in (0, channel)]
    if len(items) == 1:
        items = items * rank
    if len(items) != rank or min(items) < least:
        raise ArgumentError(f"{what}={value!r} is wrong for {rank} spatial axes; expected an int >= {least} "
                            f"or "
                            f"{rank} of them")  # fmt: skip
    return tuple(items)


def window_of(spatial: Shape, window: Sequence[int], strides: Any, padding: Any, dilations: Any, layout: str) -> Window:
    """Normalises strides, padding and dilations for data of these spatial sizes."""
    rank = len(window)
    steps = per_axis(strides, rank, layout, "strides")
    holes = per_axis(dilations, rank, layout, "dilations")
    low, high = paddings_of(padding, spatial, window, steps, holes, layout)
    return Window(steps, low, high, holes, layout)


def paddings_of(
    padding: Any,
    spatial: Shape,
    window: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    layout: str,
) -> tuple[Shape, Shape]:
    """Low and high padding of ``"SAME"``, ``"VALID"`` or explicit pairs."""
    if not isinstance(padding, str):
        return _explicit_paddings(padding, len(window), layout)
    kind = padding.upper()
    if kind == "VALID":
        return (0,) * len(window), (0,) * len(window)
    if kind != "SAME":
        raise ArgumentError(f"padding={padding!r} is unknown; use 'SAME', 'VALID' or one (low, high) pair per axis")
    totals = [_same_total(*parts) for parts in zip(spatial, window, strides, dilations, strict=True)]
    return tuple(t // 2 for t in totals), tuple(t - t // 2 for t in totals)


def _same_total(size: Dim, window: int, stride: int, dilation: int) -> Dim:
    """How much ``"SAME"`` pads in all, so that the result has ``ceil(size / stride)`` elements."""
    reach = (window - 1) * dilation + 1
    total = ((size + stride - 1) // stride - 1) * stride + reach - size
    if isinstance(total, int):
        return max(total, 0)
    if reach >= stride:
        return total
    if reach == 1:
        return 0
    raise ArgumentError(f"padding='SAME' with a window of {reach} and stride {stride} depends on the size {size} in a "
                        "way that is only known when the graph runs; declare that size, use a window of at least the "
                        "stride, or pad explicitly")  # fmt: skip


def _explicit_paddings(padding: Any, rank: int, layout: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    pairs = [(int(low), int(high)) for low, high in padding]
    if len(pairs) == rank + 2:
        channel = rank + 1 if layout == "NHWC" else 1
        if pairs[0] != (0, 0) or pairs[channel] != (0, 0):
            raise ArgumentError(f"padding={padding!r} must be (0, 0) along batch and channels")
        pairs = [p for i, p in enumerate(pairs) if i not in (0, channel)]
    if len(pairs) != rank or any(p < 0 for pair in pairs for p in pair):
        raise ArgumentError(f"padding={padding!r} is wrong for {rank} spatial axes; expected 'SAME', 'VALID' "
                            f"or {rank} "
                            "pairs (low, high) of ints >= 0")  # fmt: skip
    return tuple(low for low, _ in pairs), tuple(high for _, high in pairs)


# --- public functions ---------------------------------------------------------------------------------------


def conv(
    x: Any,
    filters: Any,
    strides: Any = 1,
    padding: Any = "VALID",
    dilations: Any = 1,
    data_format: str | None = None,
    groups: int | None = None,
) -> Operand:
    """Convolution of data (batch..., spatial..., channels), or channels first, with filters (spatial...,
    channels / groups, filters).

    ``padding``: ``"SAME"``, ``"VALID"`` or explicit (low, high) pairs. ``groups`` is found from the shapes if
    not given. Raises ShapeError when channels do not fit, ArgumentError for impossible attributes.
    """
    w = lift(filters)
    data = lift(x, dtype_of(w))
    layout, rank = layout_of(data_format), _spatial_rank(data, w)
    lead, data = _flatten_batch(data, rank)
    shape = shape_of(data)
    channels = shape[-1] if layout == "NHWC" else shape[1]
    spatial = shape[1:-1] if layout == "NHWC" else shape[2:]
    window = window_of(spatial, shape_of(w)[:-2], strides, padding, dilations, layout)  # type: ignore[arg-type]
    op = Conv(*window, _group_count(channels, shape_of(w)) if groups is None else int(groups))
    result = bind(op, data, w if layout == "NHWC" else filters_to_first(w))
    return reshape(result, (*lead, *shape_of(result)[1:])) if lead else result


def _spatial_rank(x: Operand, w: Operand) -> int:
    rank = rank_of(w) - 2
    if rank < 1 or rank_of(x) < rank + 2:
        raise ShapeError(f"convolution got data of shape {shape_text(shape_of(x))} and filters of shape "
                         f"{shape_text(shape_of(w))}; expected (batch, spatial..., channels) and "
                         f"(spatial..., channels, "
                         "filters) with the same number of spatial axes")  # fmt: skip
    return rank


def _flatten_batch(x: Operand, spatial_rank: int) -> tuple[Shape, Operand]:
    """Several leading batch axes as one; returns those axes (none if there was one)."""
    shape = shape_of(x)
    lead = shape[: len(shape) - spatial_rank - 1]
    if len(lead) == 1:
        return (), x
    return lead, reshape(x, (dims.element_count(lead), *shape[len(lead) :]))


def _group_count(channels: Dim, filters: Shape) -> int:
    inner = filters[-2]
    if not isinstance(channels, int) or not isinstance(inner, int) or not inner:
        return 1
    if channels % inner:
        raise ShapeError(f"convolution: data has {channels} channels, which the filters "
                         f"{shape_text(filters)} "
                         f"(their axis -2 takes {inner}) do not divide")  # fmt: skip
    return channels // inner or 1


def conv_transpose(
    x: Any,
    filters: Any,
    output_shape: Any = None,
    strides: Any = 1,
    padding: Any = "SAME",
    dilations: Any = 1,
    data_format: str | None = None,
) -> Operand:
    """Transposed convolution: the data gradient of :func:`conv`. ``filters``: (spatial..., output channels,
    channels).

    ``output_shape`` is the whole result shape, or only its spatial sizes; None takes ``size * stride`` for
    ``"SAME"`` and ``size * stride + max(window - stride, 0)`` for ``"VALID"``.
    """
    w = lift(filters)
    data = lift(x, dtype_of(w))
    layout, rank = layout_of(data_format), _spatial_rank(data, w)
    kernel: tuple[int, ...] = shape_of(w)[:-2]  # type: ignore[assignment]
    steps, holes = per_axis(strides, rank, layout, "strides"), per_axis(dilations, rank, layout, "dilations")
    have = shape_of(data)[1:-1] if layout == "NHWC" else shape_of(data)[2:]
    if output_shape is None:
        spatial = _transposed_sizes(have, kernel, steps, padding, holes)
    else:
        spatial = _spatial_sizes(resolve_shape(output_shape), rank, layout)
    low, high = paddings_of(padding, spatial, kernel, steps, holes, layout)
    op = ConvInputGrad(steps, low, high, holes, layout, 1, spatial)
    return bind(op, data, w if layout == "NHWC" else filters_to_first(w))


def _transposed_sizes(
    have: Shape, kernel: tuple[int, ...], strides: tuple[int, ...], padding: Any, dilations: tuple[int, ...]
) -> Shape:
    if not isinstance(padding, str):
        raise ArgumentError("conv_transpose with explicit padding needs output_shape")
    if padding.upper() == "SAME":
        return tuple(n * s for n, s in zip(have, strides, strict=True))
    reaches = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    return tuple(n * s + max(r - s, 0) for n, s, r in zip(have, strides, reaches, strict=True))


def _spatial_sizes(shape: Shape, rank: int, layout: str) -> Shape:
    if len(shape) == rank:
        return shape
    if len(shape) != rank + 2:
        raise ArgumentError(f"output_shape {shape_text(shape)} is wrong for {rank} spatial axes; expected "
                            f"{rank} or "
                            f"{rank + 2} sizes")  # fmt: skip
    return shape[1:-1] if layout == "NHWC" else shape[2:]


def depthwise_conv(
    x: Any,
    filters: Any,
    strides: Any = 1,
    padding: Any = "VALID",
    dilations: Any = 1,
    data_format: str | None = None,
) -> Operand:
    """Every channel with its own filters (spatial..., channels, multiplier); channels * multiplier channels
    result."""
    w = lift(filters)
    *kernel, channels, multiplier = shape_of(w)
    if not isinstance(channels, int):
        raise ShapeError(f"depthwise_conv needs a known number of channels, got filters {shape_text(shape_of(w))}")
    grouped = reshape(w, (*kernel, 1, channels * multiplier))
    return conv(x, grouped, strides, padding, dilations, data_format, channels)


def separable_conv(
    x: Any,
    depthwise_filters: Any,
    pointwise_filters: Any,
    strides: Any = 1,
    padding: Any = "VALID",
    dilations: Any = 1,
    data_format: str | None = None,
) -> Operand:
    """:func:`depthwise_conv`, then a convolution with ``pointwise_filters`` (1..., channels * multiplier,
    filters)."""
    spread = depthwise_conv(x, depthwise_filters, strides, padding, dilations, data_format)
    return conv(spread, pointwise_filters, 1, "VALID", 1, data_format)
