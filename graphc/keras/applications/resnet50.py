"""ResNet50 under the name that it had before the deeper ones."""

from __future__ import annotations

from graphc.keras.applications.resnet import ResNet50, decode_predictions, preprocess_input

__all__ = ["ResNet50", "decode_predictions", "preprocess_input"]
