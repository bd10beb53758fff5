"""What layers on images have in common."""

from __future__ import annotations

from typing import Any

from graphc import draws
from graphc.keras.config import standardize_data_format
from graphc.keras.engine.layer import Layer
from graphc.keras.random.seed_generator import SeedGenerator
from graphc_ir.dims import Dim
from graphc_ir.errors import ArgumentError, ShapeError
from graphc_ir.ops.base import Operand, dtype_of, lift, rank_of, shape_of
from graphc_ir.ops.elementwise import cast
from graphc_ir.ops.movement import expand_dims, squeeze

__all__ = ["ImageLayer", "RandomImageLayer", "bounds_of", "value_range_of"]


class ImageLayer(Layer):
    """Base of layers on images [batch, height, width, channels] (or channels first), or on a single one.

    A dict with the images under ``"images"`` is taken as well; what else it holds stays as it is.
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.built = type(self).build is Layer.build

    def transform(self, images: Operand, training: bool) -> Operand:
        """A batch of images for a batch of images. Subclasses define it."""
        raise NotImplementedError

    def call(self, data: Any, training: bool | None = True) -> Any:
        if not isinstance(data, dict):
            return self._of_images(data, bool(training))
        refused = [key for key in ("bounding_boxes", "segmentation_masks") if key in data]
        if refused or "images" not in data:
            raise ArgumentError(f"{type(self).__name__} takes images, or a dict with 'images' and 'labels'; got a dict "
                                f"with {', '.join(map(repr, data))}")  # fmt: skip
        return {**data, "images": self._of_images(data["images"], bool(training))}

    def _of_images(self, images: Any, training: bool) -> Operand:
        x = self.converted(lift(images))
        if rank_of(x) not in (3, 4):
            raise ShapeError(f"{type(self).__name__} {self.name!r} takes images [batch, height, width, channels] or a "
                             f"single one, got shape {list(shape_of(x))}")  # fmt: skip
        if rank_of(x) == 4:
            return self.transform(x, training)
        return squeeze(self.transform(expand_dims(x, 0), training), 0)

    def converted(self, images: Operand) -> Operand:
        """The images in the dtype of the result."""
        return cast(images, self.compute_dtype)

    @property
    def spatial_axes(self) -> tuple[int, int]:
        """The axes of height and width in a batch."""
        return (1, 2) if self.data_format == "channels_last" else (2, 3)

    def sizes(self, images: Operand) -> tuple[Dim, Dim]:
        """Height and width."""
        height, width = (shape_of(images)[axis] for axis in self.spatial_axes)
        return height, width

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


class RandomImageLayer(ImageLayer):
    """Base of layers that change images at random in training, each image for itself, and leave them alone else."""

    def __init__(self, seed: int | None = None, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        self.seed = seed
        self.generator = SeedGenerator(seed)

    def transform(self, images: Operand, training: bool) -> Operand:
        return self.disturb(images) if training else images

    def disturb(self, images: Operand) -> Operand:
        """A changed batch of images. Subclasses define it."""
        raise NotImplementedError

    def drawn(self, images: Operand, low: float, high: float) -> Operand:
        """One uniform number per image, [batch, 1, 1, 1]."""
        shape = (shape_of(images)[0], 1, 1, 1)
        return draws.uniform(self.generator.next(), shape, low, high, dtype_of(images))


def bounds_of(factor: Any, what: str, lowest: float, highest: float) -> tuple[float, float]:
    """The range that a factor gives: a pair of numbers, or -f to f for one, within ``lowest`` to ``highest``.

    Raises ArgumentError for other values.
    """
    if isinstance(factor, (int, float)):
        bounds: tuple[Any, ...] = max(lowest, -abs(factor)), abs(factor)
    else:
        bounds = tuple(factor) if isinstance(factor, (list, tuple)) else ()
    is_pair = len(bounds) == 2 and all(isinstance(bound, (int, float)) for bound in bounds)
    if not is_pair or not lowest <= bounds[0] <= bounds[1] <= highest:
        raise ArgumentError(f"{what} must be a number, or a pair of rising numbers, in the range [{lowest}, "
                            f"{highest}]; got {factor!r}")  # fmt: skip
    return bounds[0], bounds[1]


def value_range_of(value_range: Any, what: str) -> list[float]:
    """The lowest and the highest value of pixels. Raises ArgumentError unless it is a pair of numbers."""
    is_pair = isinstance(value_range, (list, tuple)) and len(value_range) == 2
    if not is_pair or not all(isinstance(bound, (int, float)) for bound in value_range):
        raise ArgumentError(f"{what}: value_range must be a pair of numbers such as (0, 255), got {value_range!r}")
    return sorted(value_range)
