"""``preprocess_input`` of each family."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from graphc.keras.applications.imagenet_utils import preprocess_input

__all__ = ["preprocessing", "unchanged_input"]

Preprocessing: TypeAlias = Callable[..., Any]


def preprocessing(mode: str, about: str) -> Preprocessing:
    """``preprocess_input`` of the networks that were trained with ``mode``."""

    def preprocess(x: Any, data_format: str | None = None) -> Any:
        return preprocess_input(x, data_format, mode)

    preprocess.__name__ = preprocess.__qualname__ = "preprocess_input"
    preprocess.__doc__ = f"""{about}.

    ``x`` is an image or a batch of them, with values of 0 to 255; ``data_format`` is ``"channels_last"`` or
    ``"channels_first"``, by default ``keras.config.image_data_format()``. Raises ArgumentError for another one.
    """
    return preprocess


def unchanged_input(x: Any, data_format: str | None = None) -> Any:
    """Returns ``x``: the model scales pixels of 0 to 255 itself."""
    return x


unchanged_input.__name__ = unchanged_input.__qualname__ = "preprocess_input"
