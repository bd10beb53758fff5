"""``tf.signal``: Fourier transforms of complex tensors, frames and windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphc.keras.ops import fourier
from graphc.keras.ops.math import extract_sequences
from graphc_ir.dtypes import as_dtype
from graphc_ir.errors import DTypeError
from graphc_ir.ops.base import Operand, current, dtype_of, lift, normalize_axis, rank_of, shape_of
from graphc_ir.ops.complex import complex, imag, real
from graphc_ir.ops.elementwise import cast, mul
from graphc_ir.ops.movement import pad_with, slice_axis
from graphc_ir.ops.rearrange import moveaxis, roll

__all__ = [
    "fft", "fft2d", "fftshift", "frame", "hamming_window", "hann_window", "ifft", "ifft2d", "ifftshift", "inverse_stft",
    "inverse_stft_window_fn", "irfft", "kaiser_window", "overlap_and_add", "rfft", "stft",
]  # fmt: skip


# --- transforms ------------------------------------------------------------------------------------------------------


def _parts(what: str, x: Any) -> tuple[Operand, Operand]:
    """Real and imaginary part. Raises DTypeError for real tensors."""
    tensor = lift(x)
    if not dtype_of(tensor).is_complex:
        raise DTypeError(f"tf.signal.{what}: got dtype {dtype_of(tensor).name}, expected complex numbers; use rfft for "
                         "real ones, or tf.cast(x, tf.complex64)")  # fmt: skip
    return real(tensor), imag(tensor)


def fft(input: Any, name: str | None = None) -> Any:
    """The Fourier transform along the last axis of complex numbers."""
    return complex(*fourier.fft(_parts("fft", input)))


def ifft(input: Any, name: str | None = None) -> Any:
    """The inverse Fourier transform along the last axis of complex numbers."""
    return complex(*fourier.inverse(_parts("ifft", input)))


def fft2d(input: Any, name: str | None = None) -> Any:
    """The Fourier transform along the last two axes of complex numbers."""
    return complex(*fourier.fft2(_parts("fft2d", input)))


def ifft2d(input: Any, name: str | None = None) -> Any:
    """The inverse Fourier transform along the last two axes of complex numbers."""
    return complex(*fourier.ifft2(_parts("ifft2d", input)))


def rfft(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Any:
    """The first half of the Fourier transform of real numbers, complex; the last axis is cut or filled up to
    ``fft_length``."""
    return complex(*fourier.rfft(input_tensor, _length(fft_length)))


def irfft(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Any:
    """The real numbers whose :func:`rfft` this is; by default ``2 * (size - 1)`` of them."""
    return fourier.irfft(_parts("irfft", input_tensor), _length(fft_length))


def _length(fft_length: Any) -> int | None:
    return None if fft_length is None else int(np.reshape(np.asarray(fft_length), ()))


def _shift(x: Any, axes: Any, places: Callable[[Any], Any]) -> Operand:
    tensor = lift(x)
    rank = rank_of(tensor)
    which = range(rank) if axes is None else [axes] if isinstance(axes, int) else axes
    moved = [normalize_axis(axis, rank) for axis in which]
    return roll(tensor, [places(shape_of(tensor)[axis]) for axis in moved], moved)


def fftshift(x: Any, axes: Any = None, name: str | None = None) -> Any:
    """The frequency 0 moved to the middle of the axes (None: all)."""
    return _shift(x, axes, lambda size: size // 2)


def ifftshift(x: Any, axes: Any = None, name: str | None = None) -> Any:
    """Undoes :func:`fftshift`."""
    return _shift(x, axes, lambda size: -(size // 2))


# --- windows ---------------------------------------------------------------------------------------------------------


def _raised_cosine(length: Any, periodic: bool, dtype: Any, a: float, b: float) -> Operand:
    count = int(length)
    # As in TensorFlow, windows of odd length are symmetric whatever ``periodic`` says.
    period = count if periodic and count % 2 == 0 else count - 1
    samples = a - b * np.cos(2 * np.pi * np.arange(count) / period) if count > 1 else np.ones(count)
    return current().constant(samples.astype(as_dtype(dtype).np))


def hann_window(window_length: Any, periodic: bool = True, dtype: Any = "float32", name: str | None = None) -> Any:
    """Hann's window."""
    return _raised_cosine(window_length, periodic, dtype, 0.5, 0.5)


def hamming_window(window_length: Any, periodic: bool = True, dtype: Any = "float32", name: str | None = None) -> Any:
    """Hamming's window."""
    return _raised_cosine(window_length, periodic, dtype, 0.54, 0.46)


def kaiser_window(window_length: Any, beta: float = 12.0, dtype: Any = "float32", name: str | None = None) -> Any:
    """Kaiser's window with shape ``beta``."""
    return current().constant(np.kaiser(int(window_length), beta).astype(as_dtype(dtype).np))


# --- frames ----------------------------------------------------------------------------------------------------------


def frame(signal: Any, frame_length: int, frame_step: int, pad_end: bool = False, pad_value: Any = 0, axis: int = -1,
          name: str | None = None) -> Any:  # fmt: skip
    """Windows of ``frame_length`` elements along an axis, ``frame_step`` apart: its place takes (frames, length).

    ``pad_end`` fills the last ones up with ``pad_value``, so that one begins at each step.
    """
    tensor = lift(signal)
    place = normalize_axis(axis, rank_of(tensor))
    last = moveaxis(tensor, place, -1)
    if pad_end:
        last = _padded_end(last, frame_length, frame_step, pad_value)
    frames = extract_sequences(last, frame_length, frame_step)
    return moveaxis(frames, (-2, -1), (place, place + 1))


def _padded_end(x: Operand, length: int, step: int, value: Any) -> Operand:
    size = shape_of(x)[-1]
    frames = -(-size // step)
    missing = (frames - 1) * step + length - size
    missing = max(missing, 0) if isinstance(missing, int) else missing
    none = (0,) * (rank_of(x) - 1)
    return pad_with(x, (*none, 0), (*none, missing), cast(value, dtype_of(x)))


def overlap_and_add(signal: Any, frame_step: int, name: str | None = None) -> Any:
    """Frames (..., frames, length) added up, each ``frame_step`` places after the one before."""
    return fourier.overlapped(lift(signal), frame_step, exact=True)


def stft(
    signals: Any,
    frame_length: int,
    frame_step: int,
    fft_length: int | None = None,
    window_fn: Any = hann_window,
    pad_end: bool = False,
    name: str | None = None,
) -> Any:
    """The :func:`rfft` of windowed frames of the last axis: (..., frames, frequencies), complex.

    ``fft_length`` is by default the smallest power of two that holds a frame.
    """
    frames = frame(signals, frame_length, frame_step, pad_end)
    windowed = frames if window_fn is None else mul(frames, window_fn(frame_length, dtype=dtype_of(frames)))
    return rfft(windowed, fft_length or _power_of_two(frame_length))


def _power_of_two(length: int) -> int:
    return 1 << (int(length) - 1).bit_length()


def inverse_stft(
    stfts: Any,
    frame_length: int,
    frame_step: int,
    fft_length: int | None = None,
    window_fn: Any = hann_window,
    name: str | None = None,
) -> Any:
    """The frames of an :func:`stft` transformed back, windowed and added up.

    With ``window_fn=inverse_stft_window_fn(frame_step)`` the signal itself, but for its ends.
    """
    frames = irfft(stfts, fft_length or _power_of_two(frame_length))
    size = shape_of(frames)[-1]
    axis = rank_of(frames) - 1
    if size > frame_length:
        frames = slice_axis(frames, axis, 0, frame_length)
    windowed = frames if window_fn is None else mul(frames, window_fn(frame_length, dtype=dtype_of(frames)))
    return overlap_and_add(windowed, frame_step)


def inverse_stft_window_fn(frame_step: int, forward_window_fn: Any = hann_window,
                           name: str | None = None) -> Any:  # fmt: skip
    """The window that makes :func:`inverse_stft` undo an :func:`stft` with ``forward_window_fn``."""

    def window(frame_length: int, dtype: Any = "float32") -> Any:
        forward = np.asarray(forward_window_fn(frame_length, dtype=dtype)._array).astype(np.float64)
        overlaps = -(-frame_length // frame_step)
        padded = np.pad(forward**2, (0, overlaps * frame_step - frame_length))
        energy = np.tile(padded.reshape(overlaps, frame_step).sum(0), overlaps)[:frame_length]
        return current().constant((forward / energy).astype(as_dtype(dtype).np))

    return window
