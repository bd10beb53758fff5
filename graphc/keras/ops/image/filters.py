"""Images blurred, their edges, and how alike two of them look."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.keras.engine.operation import operation
from graphc.keras.ops.image.layout import as_batch, on_batches
from graphc.keras.ops.promotion import floats, promoted
from graphc_ir.errors import ShapeError
from graphc_ir.ops.base import Operand, current, dtype_of, rank_of, shape_of
from graphc_ir.ops.conv import depthwise_conv
from graphc_ir.ops.elementwise import add, cast, div, mul, square, sub
from graphc_ir.ops.movement import broadcast_to, reshape
from graphc_ir.ops.padding import pad
from graphc_ir.ops.reduction import reduce_mean

__all__ = ["gaussian_blur", "sobel_edges", "ssim"]


def _bell(size: int, deviation: float) -> Any:
    """Samples of the normal distribution around the middle, which sum to 1."""
    offsets = np.arange(size) - (size - 1) / 2
    values = np.exp(-(offsets**2) / (2 * deviation**2))
    return values / values.sum()


def _filtered(images: Operand, kernels: Any, padding: str) -> Operand:
    """Every channel with each of the kernels (height, width, number): channels * number channels."""
    channels = shape_of(images)[-1]
    if not isinstance(channels, int):
        raise ShapeError(f"filtering needs a known number of channels, got images of shape {tuple(shape_of(images))}")
    filters = current().constant(np.asarray(kernels).astype(dtype_of(images).np)[:, :, None, :])
    height, width, _, number = shape_of(filters)
    return depthwise_conv(images, broadcast_to(filters, (height, width, channels, number)), 1, padding)


@operation("image", "images")
def gaussian_blur(images: Any, kernel_size: Any = (3, 3), sigma: Any = (1.0, 1.0),
                  data_format: str | None = None) -> Any:  # fmt: skip
    """Images of which each pixel is the mean of those around it, weighted by a normal distribution.

    ``kernel_size``: (height, width); ``sigma``: the standard deviations, as in Keras that across first and that down
    second. Black lies outside.
    """
    kernel = np.outer(_bell(kernel_size[0], sigma[1]), _bell(kernel_size[1], sigma[0]))[..., None]

    def blurred(batch: Operand) -> Operand:
        return cast(_filtered(floats(batch), kernel, "same"), dtype_of(batch))

    return on_batches("gaussian_blur", images, data_format, blurred)


_SMOOTH, _STEP = np.array([1.0, 2.0, 1.0]), np.array([-1.0, 0.0, 1.0])


@operation("image", "images")
def sobel_edges(images: Any, data_format: str | None = None) -> Any:
    """How steeply images rise downwards and to the right, along a new last axis of size 2 (Sobel's operator)."""
    kernels = np.stack([np.outer(_STEP, _SMOOTH), np.outer(_SMOOTH, _STEP)], -1)

    def edges(batch: Operand) -> Operand:
        framed = pad(floats(batch), [(0, 0), (1, 1), (1, 1), (0, 0)], "reflect")
        return reshape(_filtered(framed, kernels, "valid"), (*shape_of(batch), 2))

    return on_batches("sobel_edges", images, data_format, edges)


@operation("image", "image1 image2", class_name="SSIM")
def ssim(
    image1: Any,
    image2: Any,
    max_val: float = 1.0,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    data_format: str | None = None,
) -> Any:
    """The structural similarity (Wang et al., 2004) of images: 1 for equal ones; one number per image.

    ``max_val`` is the largest possible value; windows of ``filter_size`` are weighted by a normal distribution of
    ``filter_sigma``. Raises ShapeError for images of another rank than 3 and 4.
    """
    pair = promoted(image1, image2, at_least=(float,))
    a, b = (as_batch("ssim", x, data_format) for x in pair)
    window = np.outer(_bell(filter_size, filter_sigma), _bell(filter_size, filter_sigma))[..., None]
    similarity = reduce_mean(_similarity(a, b, window, (k1 * max_val) ** 2, (k2 * max_val) ** 2), (1, 2, 3))
    return similarity if rank_of(pair[0]) == 4 else reshape(similarity, ())


def _similarity(a: Operand, b: Operand, window: Any, c1: float, c2: float) -> Operand:
    """How alike brightness, contrast and structure are in each window."""
    means = [_filtered(x, window, "valid") for x in (a, b)]
    product, squares = mul(*means), add(*map(square, means))
    of_product, of_squares = (_filtered(x, window, "valid") for x in (mul(a, b), add(square(a), square(b))))
    brightness = div(add(mul(product, 2), c1), add(squares, c1))
    structure = div(add(mul(sub(of_product, product), 2), c2), add(sub(of_squares, squares), c2))
    return mul(brightness, structure)
