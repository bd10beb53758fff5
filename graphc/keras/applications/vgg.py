"""VGG: stacks of 3x3 convolutions (Simonyan and Zisserman, 2014)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.keras.applications.application import Application, Architecture, Options, application, pooled_unnamed
from graphc.keras.applications.pretrained import KERAS_FILES, file_pair
from graphc.keras.layers import Conv2D, Dense, Flatten, MaxPooling2D

__all__ = ["vgg"]

_FILTERS = (64, 128, 256, 512, 512)


def vgg(depth: int, convolutions: tuple[int, ...], hashes: tuple[str, str]) -> Application:
    """VGG of ``depth`` layers, with that many convolutions in each of its five blocks."""
    name = f"vgg{depth}"
    files = file_pair(f"{KERAS_FILES}{name}/{name}_weights_tf_dim_ordering_tf_kernels", hashes)
    architecture = Architecture(_features(convolutions), files, top=_classifier, no_top=pooled_unnamed)
    about = f"VGG with {depth} layers of weights."
    return application(f"VGG{depth}", about, f"{__package__}.{name}", lambda options: architecture, name)


def _features(convolutions: tuple[int, ...]) -> Callable[[Any], Any]:
    def features(x: Any) -> Any:
        for block, (count, filters) in enumerate(zip(convolutions, _FILTERS, strict=True), start=1):
            for i in range(1, count + 1):
                x = Conv2D(filters, 3, activation="relu", padding="same", name=f"block{block}_conv{i}")(x)
            x = MaxPooling2D(2, strides=2, name=f"block{block}_pool")(x)
        return x

    return features


def _classifier(x: Any, options: Options) -> Any:
    x = Flatten(name="flatten")(x)
    for name in ("fc1", "fc2"):
        x = Dense(4096, activation="relu", name=name)(x)
    return Dense(options.classes, activation=options.classifier_activation, name="predictions")(x)
