"""What every application is made of: arguments, an input, features, a classifier, weights."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar

from graphc.keras.applications.blocks import global_pool
from graphc.keras.applications.pretrained import FilePair, Weights, check_weights, weights_path
from graphc.keras.config import image_data_format
from graphc.keras.engine.keras_tensor import KerasTensor
from graphc.keras.layers import Dense, Input
from graphc.keras.models import Model
from graphc.keras.utils.source_inputs import get_source_inputs
from graphc_ir.errors import ArgumentError, ShapeError

__all__ = ["ARGUMENTS", "Application", "Architecture", "Options", "application", "classifier", "described",
           "input_shape_of", "make_model", "pooled_unnamed", "pretrained_size", "refuse_channels_first",
           "square_size"]  # fmt: skip

Shape: TypeAlias = Sequence[int | None]
FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Options:
    """The arguments that every application takes."""

    include_top: bool
    weights: Weights
    input_tensor: Any
    input_shape: Shape | None
    pooling: str | None
    classes: int
    classifier_activation: Any
    name: str


Layers: TypeAlias = Callable[[Any], Any]
Head: TypeAlias = Callable[[Any, Options], Any]


def classifier(x: Any, options: Options) -> Any:
    """Averages over the picture, then a dense layer of the classes."""
    x = global_pool(x, "avg", name="avg_pool")
    return Dense(options.classes, activation=options.classifier_activation, name="predictions")(x)


def pooled(x: Any, options: Options) -> Any:
    """The features as ``pooling`` wants them: maps, or one vector per picture."""
    return global_pool(x, options.pooling, name=f"{options.pooling}_pool")


def pooled_unnamed(x: Any, options: Options) -> Any:
    """:func:`pooled` by a layer that has no name of its own."""
    return global_pool(x, options.pooling)


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network: ``features`` of the input, then ``top`` of those, or ``no_top`` without the classifier."""

    features: Layers
    files: FilePair
    default_size: int = 224
    min_size: int = 32
    top: Head = classifier
    no_top: Head = pooled
    needs_size: bool = True
    """Whether the network with its classifier works for one size of pictures only."""


def make_model(options: Options, architecture: Architecture) -> Any:
    """The model. Raises ArgumentError and ShapeError for arguments that do not fit it or each other, DownloadError for
    weights that cannot be had."""
    check_weights(options.weights, options.include_top, options.classes, options.classifier_activation)
    shape = input_shape_of(options, architecture.default_size, architecture.min_size, architecture.needs_size)
    _warn_of_channels(shape)
    path = weights_path(options.weights, architecture.files, options.include_top)
    x = _input(options, shape)
    head = architecture.top if options.include_top else architecture.no_top
    outputs = head(architecture.features(x), options)
    model = Model(x if options.input_tensor is None else get_source_inputs(x), outputs, name=options.name)
    if path is not None:
        model.load_weights(path)
    return model


def refuse_channels_first(family: str) -> None:
    """Raises ArgumentError while the default data format is channels_first."""
    if image_data_format() == "channels_first":
        raise ArgumentError(f"{family} does not support the `channels_first` image data format; call "
                            "keras.config.set_image_data_format('channels_last')")  # fmt: skip


# --- input -------------------------------------------------------------------------------------------------------


def _input(options: Options, shape: Shape) -> Any:
    tensor = options.input_tensor
    if tensor is None:
        return Input(shape)
    if not isinstance(tensor, KerasTensor):
        raise ArgumentError(f"input_tensor must be a KerasTensor, such as keras.Input(...) gives, got "
                            f"{type(tensor).__name__}; pass values to the model itself")  # fmt: skip
    sizes = zip(tensor.shape[1:], options.input_shape or (), strict=False)
    if any(None not in pair and pair[0] != pair[1] for pair in sizes):
        raise ShapeError(f"input_shape={options.input_shape} is not that of one picture of input_tensor, whose shape "
                         f"is {tuple(tensor.shape)}; leave it out")  # fmt: skip
    return tensor


def input_shape_of(options: Options, default_size: int, least: int = 32, needs_size: bool = True) -> Shape:
    """The shape of one picture, None for open sizes. ``needs_size``: with its classifier the network works for one
    size of pictures only.

    Raises ShapeError for an ``input_shape`` that does not fit.
    """
    given = None if options.input_shape is None else tuple(options.input_shape)
    is_fixed = options.include_top and needs_size
    default = _shape_of_size(default_size, _channels(given, options.weights))
    if options.weights == "imagenet" and is_fixed and given not in (None, default):
        raise ShapeError("When setting `include_top=True` and loading `imagenet` weights, `input_shape` should be "
                         f"{default}, got input_shape={given}; use include_top=False for other sizes")  # fmt: skip
    if not given:
        return default if is_fixed else _shape_of_size(None, default[_channel_axis()])
    _check_shape(given, options.weights, least)
    if is_fixed and None in given:
        raise ShapeError("If `include_top` is True, you should specify a static `input_shape`, got "
                         f"input_shape={given}; use include_top=False for open sizes")  # fmt: skip
    return given


def _channel_axis() -> int:
    return 0 if image_data_format() == "channels_first" else -1


def _shape_of_size(size: int | None, channels: int | None) -> tuple[int | None, ...]:
    return (channels, size, size) if _channel_axis() == 0 else (size, size, channels)


def _channels(given: Shape | None, weights: Weights) -> int | None:
    return 3 if weights == "imagenet" or not given or len(given) != 3 else given[_channel_axis()]


def _warn_of_channels(shape: Shape) -> None:
    channels = shape[_channel_axis()]
    if channels not in (1, 3):
        warnings.warn("This model usually expects 1 or 3 input channels. However, it was passed an input_shape with "
                      f"{channels} input channels.", stacklevel=4)  # fmt: skip


def _check_shape(given: Shape, weights: Weights, least: int) -> None:
    """Raises ShapeError unless these are a height, a width and channels that the network can take."""
    if len(given) != 3:
        raise ShapeError(f"`input_shape` must be a tuple of three integers, without the batch; got {given}")
    if weights == "imagenet" and given[_channel_axis()] != 3:
        raise ShapeError("The input must have 3 channels with `imagenet` weights, "
                         f"got `input_shape={given}`")  # fmt: skip
    if any(size is not None and size < least for size in _height_and_width(given)):
        raise ShapeError(f"Input size must be at least {least}x{least}, got input_shape={given}; smaller pictures "
                         "vanish on the way: enlarge them with keras.layers.Resizing")  # fmt: skip


def square_size(shape: Shape | None, sizes: Sequence[int]) -> int:
    """The height of square pictures if it is one of ``sizes``, the last of them otherwise."""
    rows, columns = _height_and_width(shape) if shape else (None, None)
    return rows if rows is not None and rows == columns and rows in sizes else sizes[-1]


def _height_and_width(shape: Shape) -> Shape:
    return shape[1:] if _channel_axis() == 0 else shape[:-1]


def pretrained_size(options: Options, shape: Shape, sizes: Sequence[int]) -> int | None:
    """The height of pictures of that shape; with ``imagenet`` weights, which are there for ``sizes``, one of these.

    Warns where the weights are those of the last size because there are none for this shape.
    """
    rows, columns = _height_and_width(shape)
    if options.weights != "imagenet" or (rows == columns and rows in sizes):
        return rows
    warnings.warn(f"`input_shape` is undefined or non-square, or its size is not in {list(sizes)}. Weights for input "
                  f"shape ({sizes[-1]}, {sizes[-1]}) will be loaded as the default.", stacklevel=3)  # fmt: skip
    return sizes[-1]


# --- functions ---------------------------------------------------------------------------------------------------

ARGUMENTS = """
    Args:
        include_top: whether the classifier of ImageNet stands on top of the features.
        weights: ``"imagenet"`` downloads Keras's weights to ``~/.keras/models``; a path reads a file; None leaves the
            initial values.
        input_tensor: a KerasTensor to begin with instead of an input of the model's own.
        input_shape: of one picture, e.g. ``(224, 224, 3)``.
        pooling: without the classifier: ``"avg"`` or ``"max"`` makes a vector of each picture; None keeps the maps.
        classes: how many there are, if not those of ImageNet.
        classifier_activation: of the classifier; None gives logits.
        name: of the model.

    Raises:
        ArgumentError, ShapeError: arguments do not fit the network or each other.
        DownloadError: the weights are not in the cache and cannot be downloaded; says where to put the file by hand.
    """


class Application(Protocol):
    """A function that makes one network."""

    def __call__(
        self,
        include_top: bool = True,
        weights: Weights = "imagenet",
        input_tensor: Any = None,
        input_shape: Shape | None = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: Any = "softmax",
        name: str = ...,
    ) -> Any: ...


def application(
    title: str, about: str, module: str, architecture: Callable[[Options], Architecture], default_name: str
) -> Application:
    """The function ``title`` of ``module``; ``about`` is the first sentence of its docstring."""

    def build(
        include_top: bool = True,
        weights: Weights = "imagenet",
        input_tensor: Any = None,
        input_shape: Shape | None = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: Any = "softmax",
        name: str = default_name,
    ) -> Any:
        options = Options(
            include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name
        )
        return make_model(options, architecture(options))

    return described(build, title, about, module)


def described(function: FunctionT, title: str, about: str, module: str) -> FunctionT:
    """The function with its public name and docstring."""
    function.__name__ = function.__qualname__ = title
    function.__module__ = module
    function.__doc__ = f"{about}\n{ARGUMENTS}"
    return function
