"""Inception, version 3: convolutions of several shapes side by side (Szegedy et al., 2015)."""

from __future__ import annotations

from typing import Any, Final

from graphc.keras.applications.application import Architecture, application, pooled_unnamed
from graphc.keras.applications.imagenet_utils import decode_predictions
from graphc.keras.applications.inception import (
    Conv,
    averaged,
    branches,
    concatenated,
    conv_norm_relu,
    halved,
    inception_stem,
)
from graphc.keras.applications.pretrained import KERAS_FILES, file_pair
from graphc.keras.applications.scaling import preprocessing

__all__ = ["InceptionV3", "decode_predictions", "preprocess_input"]


def _features(x: Any) -> Any:
    x = inception_stem(x)
    for i, pooled in enumerate((32, 64, 64)):
        x = _mixed_35(x, pooled, f"mixed{i}")
    x = _reduced_17(x, "mixed3")
    for i, narrow in enumerate((128, 160, 160, 192), start=4):
        x = _mixed_17(x, narrow, f"mixed{i}")
    x = _reduced_8(x, "mixed8")
    for i in range(2):
        x = _mixed_8(x, f"mixed9_{i}", f"mixed{9 + i}")
    return x


# The numbers are the rows of pixels that are left of 299.


def _mixed_35(x: Any, pooled: int, name: str) -> Any:
    results = branches(
        x,
        [Conv(64)],
        [Conv(48), Conv(64, (5, 5))],
        [Conv(64), Conv(96, (3, 3)), Conv(96, (3, 3))],
    )
    return concatenated([*results, averaged(x, pooled)], name)


def _reduced_17(x: Any, name: str) -> Any:
    results = branches(
        x,
        [Conv(384, (3, 3), strides=2)],
        [Conv(64), Conv(96, (3, 3)), Conv(96, (3, 3), strides=2)],
    )
    return concatenated([*results, halved(x)], name)


def _mixed_17(x: Any, narrow: int, name: str) -> Any:
    row, column = (1, 7), (7, 1)
    results = branches(
        x,
        [Conv(192)],
        [Conv(narrow), Conv(narrow, row), Conv(192, column)],
        [Conv(narrow), Conv(narrow, column), Conv(narrow, row), Conv(narrow, column), Conv(192, row)],
    )
    return concatenated([*results, averaged(x, 192)], name)


def _reduced_8(x: Any, name: str) -> Any:
    results = branches(
        x,
        [Conv(192), Conv(320, (3, 3), strides=2)],
        [Conv(192), Conv(192, (1, 7)), Conv(192, (7, 1)), Conv(192, (3, 3), strides=2)],
    )
    return concatenated([*results, halved(x)], name)


def _mixed_8(x: Any, split_name: str, name: str) -> Any:
    (single,) = branches(x, [Conv(320)])
    plain = _split(conv_norm_relu(x, Conv(384)), split_name)
    (double,) = branches(x, [Conv(448), Conv(384, (3, 3))])
    return concatenated([single, plain, _split(double), averaged(x, 192)], name)


def _split(x: Any, name: str | None = None) -> Any:
    """By rows and by columns."""
    return concatenated(branches(x, [Conv(384, (1, 3))], [Conv(384, (3, 1))]), name)


_FILES: Final = file_pair(f"{KERAS_FILES}inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels",
                          ("9a0d58056eeedaa3f26cb7ebd46da564", "bcbd6486424b2319ff4ef7d526e38f63"))  # fmt: skip
_ARCHITECTURE: Final = Architecture(_features, _FILES, default_size=299, min_size=75, no_top=pooled_unnamed)

InceptionV3 = application(
    "InceptionV3", "Inception, version 3: 23.9 million parameters.", __name__, lambda options: _ARCHITECTURE,
    "inception_v3",
)  # fmt: skip
preprocess_input = preprocessing("tf", "Pixels for InceptionV3: from -1 to 1")
