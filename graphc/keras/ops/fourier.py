"""``keras.ops.math``: Fourier transforms, of complex numbers given as pairs (real, imaginary).

A transform of length ``a * b`` is made of ``b`` transforms of length ``a`` and ``a`` of length ``b`` (Cooley and Tukey
1965); short ones, and those of prime length, are products with the matrix of the transform.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from graphc.keras.engine.operation import operation
from graphc.keras.ops.creation import hamming, hanning
from graphc.keras.ops.math import check_stride, extract_sequences
from graphc.keras.ops.promotion import convert, floats, promoted
from graphc_ir.dims import Dim, Shape, known_equal
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.base import Operand, current, dtype_of, rank_of, shape_of
from graphc_ir.ops.creation import zeros_like
from graphc_ir.ops.elementwise import add, div, mul, neg, sub
from graphc_ir.ops.linalg import matmul
from graphc_ir.ops.movement import concat, pad_with, reshape, reverse, slice_axis
from graphc_ir.ops.padding import pad
from graphc_ir.ops.rearrange import swapaxes

__all__ = ["fft", "fft2", "ifft2", "irfft", "istft", "rfft", "stft"]

Pair = tuple[Operand, Operand]

_SHORT: Final = 32
"""Up to this length a product with the matrix is the faster way."""


# --- the transform along the last axis -------------------------------------------------------------------------------


def _transform(x: Pair) -> Pair:
    size = _known(shape_of(x[0])[-1])
    first = _factor(size)
    if size <= _SHORT or first == size:
        return _times(x, _roots(size, size, size), _rows_times)
    return _combined(x, first, size // first)


def _factor(size: int) -> int:
    """The largest factor up to the short length; the whole if it has none."""
    return next((f for f in range(min(_SHORT, size - 1), 1, -1) if size % f == 0), size)


def _combined(x: Pair, a: int, b: int) -> Pair:
    """Element ``n = b * i + j`` in row i and column j; the result ``k = a * q + p`` likewise turned."""
    *lead, size = shape_of(x[0])
    grid = tuple(reshape(part, (*lead, a, b)) for part in x)
    columns = _transform(tuple(swapaxes(part, -1, -2) for part in grid))  # (..., j, p)
    twisted = _times(columns, _roots(b, a, a * b), mul)
    rows = _transform(tuple(swapaxes(part, -1, -2) for part in twisted))  # (..., p, q)
    real, imaginary = (reshape(swapaxes(part, -1, -2), (*lead, size)) for part in rows)
    return real, imaginary


def _roots(rows: int, columns: int, period: int) -> Any:
    """``exp(-2 pi i r c / period)``."""
    # Reduced before the division: the angle of a large product would lose digits.
    steps = np.outer(np.arange(rows), np.arange(columns)) % period
    return np.exp(-2j * np.pi * steps / period)


def _times(x: Pair, factor: Any, product: Callable[[Any, Any], Any]) -> Pair:
    """The complex product with known numbers."""
    dtype = dtype_of(x[0]).np
    c, s = (current().constant(part.astype(dtype)) for part in (factor.real, factor.imag))
    a, b = x
    return sub(product(a, c), product(b, s)), add(product(a, s), product(b, c))


def _rows_times(x: Operand, matrix: Operand) -> Operand:
    """The last axis times a matrix, for any rank."""
    size = shape_of(x)[-1]
    return reshape(matmul(reshape(x, (-1, size)), matrix), shape_of(x))


def _known(size: Dim) -> int:
    if not isinstance(size, int):
        raise ShapeError(f"a Fourier transform needs an axis of known size, got {size}; give it in the Input")
    return size


def inverse(x: Pair) -> Pair:
    """The inverse transform: that of the conjugate, conjugated, divided by the length."""
    real, imaginary = _transform((x[0], neg(x[1])))
    size = _known(shape_of(x[0])[-1])
    return div(real, size), neg(div(imaginary, size))


def _over_both(x: Any, compute: Callable[[Pair], Pair]) -> Pair:
    """A transform along the last axis, then along the one before it."""
    turned = tuple(swapaxes(part, -1, -2) for part in compute(_pair(x)))
    real, imaginary = (swapaxes(part, -1, -2) for part in compute((turned[0], turned[1])))
    return real, imaginary


def _pair(x: Any) -> Pair:
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise ArgumentError("a Fourier transform takes a pair (real, imaginary) of tensors of one shape")
    real, imaginary = promoted(*x, at_least=(float,))
    if not rank_of(real) or not _agree(shape_of(real), shape_of(imaginary)):
        raise ShapeError(f"a Fourier transform takes real and imaginary parts of one shape with at least one axis, got "
                         f"{tuple(shape_of(real))} and {tuple(shape_of(imaginary))}")  # fmt: skip
    return real, imaginary


def _agree(a: Shape, b: Shape) -> bool:
    return len(a) == len(b) and all(known_equal(m, n) is not False for m, n in zip(a, b, strict=True))


@operation("math", class_name="FFT")
def fft(x: Any) -> Any:
    """The Fourier transform along the last axis of ``(real, imaginary)``, as such a pair.

    Raises ArgumentError for anything but a pair, ShapeError for an axis of unknown size.
    """
    return _transform(_pair(x))


@operation("math", class_name="FFT2")
def fft2(x: Any) -> Any:
    """The Fourier transform along the last two axes of ``(real, imaginary)``."""
    return _over_both(x, _transform)


@operation("math", class_name="IFFT2")
def ifft2(x: Any) -> Any:
    """The inverse Fourier transform along the last two axes of ``(real, imaginary)``."""
    return _over_both(x, inverse)


# --- of real numbers -------------------------------------------------------------------------------------------------


@operation("math", class_name="RFFT")
def rfft(x: Any, fft_length: int | None = None) -> Any:
    """The first half of the Fourier transform of real numbers along the last axis, ``(real, imaginary)``.

    ``fft_length`` cuts the axis off, or fills it up with zeros.
    """
    tensor = floats(x)
    if not rank_of(tensor):
        raise ShapeError("rfft: got a scalar, expected a tensor with an axis to transform")
    samples = _fitted(tensor, fft_length)
    size = _known(shape_of(samples)[-1])
    real, imaginary = _transform((samples, zeros_like(samples)))
    return _first(real, size // 2 + 1), _first(imaginary, size // 2 + 1)


def _first(x: Operand, count: int) -> Operand:
    return slice_axis(x, rank_of(x) - 1, 0, count)


def _fitted(x: Operand, length: int | None) -> Operand:
    """The last axis cut off or filled up to a length."""
    size = _known(shape_of(x)[-1])
    if length is None or length == size:
        return x
    if length < size:
        return _first(x, length)
    return pad_with(x, (0,) * rank_of(x), (*(0,) * (rank_of(x) - 1), length - size))


@operation("math", class_name="IRFFT")
def irfft(x: Any, fft_length: int | None = None) -> Any:
    """The real numbers whose :func:`rfft` is ``(real, imaginary)``; by default ``2 * (size - 1)`` of them."""
    pair = _pair(x)
    length = 2 * (_known(shape_of(pair[0])[-1]) - 1) if fft_length is None else fft_length
    real, imaginary = (_fitted(part, length // 2 + 1) for part in pair)
    # The other half mirrors the first, conjugated.
    mirrored = (length - 1) // 2
    axis = rank_of(real) - 1
    rest = [reverse(slice_axis(part, axis, 1, mirrored + 1), axis) for part in (real, imaginary)]
    # The first element, and of an even length the one in the middle, have no imaginary part.
    alone = np.array([0.0 if k == 0 or 2 * k == length else 1.0 for k in range(length // 2 + 1)])
    kept = mul(imaginary, current().constant(alone.astype(dtype_of(real).np)))
    return inverse((concat([real, rest[0]], axis), concat([kept, neg(rest[1])], axis)))[0]


# --- short-time transforms -------------------------------------------------------------------------------------------


def _window(window: Any, length: int, fft_length: int, like: Operand) -> Operand:
    """The window's samples, in the middle of the transform's length."""
    if window is None:
        samples = convert(np.ones(length), dtype_of(like))
    elif isinstance(window, str):
        if window not in ("hann", "hamming"):
            raise ArgumentError(f"got window={window!r}, expected 'hann', 'hamming', None or samples")
        # Periodic: one point more than the window has, without the last.
        make = hanning if window == "hann" else hamming
        samples = convert(slice_axis(make(length + 1), 0, 0, length), dtype_of(like))
    else:
        samples = convert(window, dtype_of(like))
    left = (fft_length - length) // 2
    return pad_with(samples, (left,), (fft_length - length - left,))


def _check_lengths(what: str, sequence_length: int, sequence_stride: int, fft_length: int) -> None:
    check_stride(what, sequence_stride)
    if fft_length < sequence_length:
        raise ArgumentError(f"{what}: got fft_length={fft_length}, expected at least sequence_length={sequence_length}")


@operation("math", class_name="STFT")
def stft(x: Any, sequence_length: int, sequence_stride: int, fft_length: int, window: Any = "hann",
         center: bool = True) -> Any:  # fmt: skip
    """The :func:`rfft` of windows along the last axis: (..., windows, frequencies), as a pair.

    ``window``: "hann", "hamming", None, or ``sequence_length`` samples. ``center`` reflects the borders, so that
    windows are centred on their samples. Raises ArgumentError for an ``fft_length`` below ``sequence_length``
    or a stride that is no positive integer.
    """
    _check_lengths("stft", sequence_length, sequence_stride, fft_length)
    samples = floats(x)
    if center:
        border = fft_length // 2
        samples = pad(samples, [(0, 0)] * (rank_of(samples) - 1) + [(border, border)], "reflect")
    frames = extract_sequences(samples, fft_length, sequence_stride)
    return rfft(mul(frames, _window(window, sequence_length, fft_length, samples)), fft_length)


@operation("math", class_name="ISTFT")
def istft(
    x: Any,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window: Any = "hann",
    center: bool = True,
) -> Any:
    """The samples whose :func:`stft` this is: the inverse transforms added up, divided by the windows' energy.

    ``length`` cuts the result off. Raises ArgumentError for an ``fft_length`` below ``sequence_length``
    or a stride that is no positive integer.
    """
    _check_lengths("istft", sequence_length, sequence_stride, fft_length)
    frames = irfft(x, fft_length)
    if rank_of(frames) < 2:
        raise ShapeError("istft: got one transform, expected them along the axis before the last")
    weights = _window(window, sequence_length, fft_length, frames)
    summed = overlapped(mul(frames, weights), sequence_stride)
    energy = overlapped(add(zeros_like(frames), mul(weights, weights)), sequence_stride)
    found = div(summed, energy)
    total = shape_of(found)[-1]
    start = fft_length // 2 if center else 0
    stop = total - start if length is None else start + length
    return slice_axis(found, rank_of(found) - 1, start, stop)


def overlapped(frames: Operand, stride: int, exact: bool = False) -> Operand:
    """The frames (..., count, length) added up, each ``stride`` places after the one before.

    The result may be longer than the frames reach, unless ``exact``.
    """
    *lead, count, length = shape_of(frames)
    pieces = -(-_known(length) // stride)
    blocks = reshape(_fitted(frames, pieces * stride), (*lead, count, pieces, stride))
    rank = len(lead)
    total = None
    for piece in range(pieces):
        block = reshape(slice_axis(blocks, rank + 1, piece, piece + 1), (*lead, count, stride))
        placed = pad_with(block, (*(0,) * rank, piece, 0), (*(0,) * rank, pieces - 1 - piece, 0))
        total = placed if total is None else add(total, placed)
    summed = reshape(total, (*lead, (count + pieces - 1) * stride))
    return slice_axis(summed, rank, 0, (count - 1) * stride + length) if exact else summed
