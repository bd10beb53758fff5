"""Images changed at random, to train on more of them than there are.

Functions without ``stateless`` draw from the global generator, or with ``seed=`` from a stream of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc import draws
from graphc.draws import as_key
from graphc.generator import generator_for
from graphc.image import colors, sizes
from graphc_ir.dtypes import int64
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops import random as ir
from graphc_ir.ops.base import Operand, lift, rank_of, shape_of
from graphc_ir.ops.creation import iota
from graphc_ir.ops.elementwise import add, cast, less, select
from graphc_ir.ops.gather import gather
from graphc_ir.ops.indexing import getitem
from graphc_ir.ops.movement import reshape
from graphc_ir.ops.shape import size_operand

__all__ = [
    "random_brightness", "random_contrast", "random_crop", "random_flip_left_right", "random_flip_up_down",
    "random_hue", "random_saturation", "stateless_random_brightness", "stateless_random_contrast",
    "stateless_random_crop", "stateless_random_flip_left_right", "stateless_random_flip_up_down",
    "stateless_random_hue", "stateless_random_saturation",
]  # fmt: skip


def _between(what: str, key: Any, lower: float, upper: float) -> Any:
    if upper <= lower or lower < 0:
        raise ArgumentError(f"tf.image.{what}: got lower={lower} and upper={upper}, expected 0 <= lower < upper")
    return draws.uniform(key, (), lower, upper, "float32")


def _around_zero(what: str, key: Any, limit: float, most: float | None = None) -> Any:
    if limit < 0 or (most is not None and limit > most):
        bound = "" if most is None else f" nor above {most}"
        raise ArgumentError(f"tf.image.{what}: got max_delta={limit}, expected it not below 0{bound}")
    return draws.uniform(key, (), -limit, limit, "float32")


def _flipped(key: Any, image: Any, flip: Callable[[Any], Any]) -> Operand:
    """Each image mirrored with probability one half."""
    tensor = lift(image)
    batch = shape_of(tensor)[:1] if rank_of(tensor) == 4 else ()
    heads = less(draws.uniform(key, batch, 0, 1, "float32"), 0.5)
    return select(reshape(heads, (*batch, 1, 1, 1)), flip(tensor), tensor)


def _cropped(what: str, key: Any, value: Any, size: Any) -> Operand:
    tensor, wanted = lift(value), [int(length) for length in size]
    if len(wanted) != rank_of(tensor):
        raise ShapeError(f"tf.image.{what}: got size={wanted} for shape {tuple(shape_of(tensor))}, expected one length "
                         "per axis")  # fmt: skip
    keys = ir.split_key(key, len(wanted))
    for axis, length in enumerate(wanted):
        have = shape_of(tensor)[axis]
        if isinstance(have, int) and length > have:
            raise ArgumentError(f"tf.image.{what}: size {wanted} does not fit into {tuple(shape_of(tensor))}")
        if have == length:
            continue
        room = size_operand(have - length + 1, int64)
        start = draws.uniform(getitem(keys, axis), (), cast(0, int64), room, int64)
        tensor = gather(tensor, add(iota(length, int64), start), axis)
    return tensor


# --- from the global generator ---------------------------------------------------------------------------------------


def random_brightness(image: Any, max_delta: float, seed: Any = None) -> Any:
    """A number in [-max_delta, max_delta) added. Raises ArgumentError for a negative limit."""
    key = generator_for(seed).next_key()
    return colors.adjust_brightness(image, _around_zero("random_brightness", key, max_delta))


def random_contrast(image: Any, lower: float, upper: float, seed: Any = None) -> Any:
    """The contrast multiplied by a factor in [lower, upper). Raises ArgumentError unless 0 <= lower < upper."""
    key = generator_for(seed).next_key()
    return colors.adjust_contrast(image, _between("random_contrast", key, lower, upper))


def random_saturation(image: Any, lower: float, upper: float, seed: Any = None) -> Any:
    """The saturation multiplied by a factor in [lower, upper). Raises ArgumentError unless 0 <= lower < upper."""
    key = generator_for(seed).next_key()
    return colors.adjust_saturation(image, _between("random_saturation", key, lower, upper))


def random_hue(image: Any, max_delta: float, seed: Any = None) -> Any:
    """The hue moved by up to ``max_delta``, in [0, 0.5]."""
    key = generator_for(seed).next_key()
    return colors.adjust_hue(image, _around_zero("random_hue", key, max_delta, 0.5))


def random_flip_left_right(image: Any, seed: Any = None) -> Any:
    """Each image mirrored from left to right, or not."""
    return _flipped(generator_for(seed).next_key(), image, sizes.flip_left_right)


def random_flip_up_down(image: Any, seed: Any = None) -> Any:
    """Each image mirrored from top to bottom, or not."""
    return _flipped(generator_for(seed).next_key(), image, sizes.flip_up_down)


def random_crop(value: Any, size: Any, seed: Any = None, name: str | None = None) -> Any:
    """A block of ``size`` (a length per axis) from anywhere. Raises ArgumentError when it does not fit."""
    return _cropped("random_crop", generator_for(seed).next_key(), value, size)


# --- from a seed -----------------------------------------------------------------------------------------------------


def stateless_random_brightness(image: Any, max_delta: float, seed: Any) -> Any:
    """:func:`random_brightness` from a seed of two integers."""
    return colors.adjust_brightness(image, _around_zero("stateless_random_brightness", as_key(seed), max_delta))


def stateless_random_contrast(image: Any, lower: float, upper: float, seed: Any) -> Any:
    """:func:`random_contrast` from a seed of two integers."""
    return colors.adjust_contrast(image, _between("stateless_random_contrast", as_key(seed), lower, upper))


def stateless_random_saturation(image: Any, lower: float, upper: float, seed: Any = None) -> Any:
    """:func:`random_saturation` from a seed of two integers."""
    return colors.adjust_saturation(image, _between("stateless_random_saturation", as_key(seed), lower, upper))


def stateless_random_hue(image: Any, max_delta: float, seed: Any) -> Any:
    """:func:`random_hue` from a seed of two integers."""
    return colors.adjust_hue(image, _around_zero("stateless_random_hue", as_key(seed), max_delta, 0.5))


def stateless_random_flip_left_right(image: Any, seed: Any) -> Any:
    """:func:`random_flip_left_right` from a seed of two integers."""
    return _flipped(as_key(seed), image, sizes.flip_left_right)


def stateless_random_flip_up_down(image: Any, seed: Any) -> Any:
    """:func:`random_flip_up_down` from a seed of two integers."""
    return _flipped(as_key(seed), image, sizes.flip_up_down)


def stateless_random_crop(value: Any, size: Any, seed: Any, name: str | None = None) -> Any:
    """:func:`random_crop` from a seed of two integers."""
    return _cropped("stateless_random_crop", as_key(seed), value, size)
