"""``keras.losses``: what training minimises, as classes (one number per batch) and functions (one per sample)."""

from __future__ import annotations

from typing import Any

from graphc.keras.losses.base import Loss, LossFunctionWrapper
from graphc.keras.losses.circle import Circle, circle
from graphc.keras.losses.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from graphc.keras.losses.ctc import CTC, ctc
from graphc.keras.losses.divergence import KLDivergence, Poisson, kl_divergence, poisson
from graphc.keras.losses.focal import (
    BinaryFocalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    binary_focal_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
)
from graphc.keras.losses.hinge import (
    CategoricalHinge,
    Hinge,
    SquaredHinge,
    categorical_hinge,
    hinge,
    squared_hinge,
)
from graphc.keras.losses.reduction import Reduction
from graphc.keras.losses.regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    cosine_similarity,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from graphc.keras.losses.segmentation import Dice, Tversky, dice, tversky
from graphc.keras.registry import CustomObjectScope, publish
from graphc.keras.serialization import resolve, serialize_keras_object

KLD = kld = kullback_leibler_divergence = kl_divergence
MAE = mae = mean_absolute_error
MAPE = mape = mean_absolute_percentage_error
MSE = mse = mean_squared_error
MSLE = msle = mean_squared_logarithmic_error
logcosh = log_cosh

__all__ = [
    "CTC", "KLD", "MAE", "MAPE", "MSE", "MSLE", "BinaryCrossentropy", "BinaryFocalCrossentropy",
    "CategoricalCrossentropy", "CategoricalFocalCrossentropy", "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge", "Circle", "CosineSimilarity", "Dice", "Hinge", "Huber", "KLDivergence", "LogCosh", "Loss",
    "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError", "MeanSquaredLogarithmicError", "Poisson",
    "Reduction", "SparseCategoricalCrossentropy", "SquaredHinge", "Tversky", "binary_crossentropy",
    "binary_focal_crossentropy", "categorical_crossentropy", "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy", "categorical_hinge", "circle", "cosine_similarity", "ctc", "deserialize",
    "dice", "get", "hinge", "huber", "kl_divergence", "kld", "kullback_leibler_divergence", "log_cosh", "logcosh",
    "mae", "mape", "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_error",
    "mean_squared_logarithmic_error", "mse", "msle", "poisson", "serialize", "sparse_categorical_crossentropy",
    "squared_hinge", "tversky",
]  # fmt: skip


def get(identifier: Any) -> Any:
    """The loss of a name (``"mse"``: a function, ``"MeanSquaredError"``: an instance), a config, a class or a callable.

    None stays None. Raises ArgumentError for anything else.
    """
    return resolve(identifier, _ROOM)


def serialize(loss: Any) -> Any:
    """The config of a loss."""
    return serialize_keras_object(loss)


def deserialize(name: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The loss of what :func:`serialize` gave, or of a name."""
    with CustomObjectScope(custom_objects or {}):
        return get(name)


_ROOM = "keras.losses"
publish(_ROOM, vars(), [name for name in __all__ if name not in ("Reduction", "deserialize", "get", "serialize")])
# Known to get() and to files, but no public names.
publish(_ROOM, {"LossFunctionWrapper": LossFunctionWrapper, "bce": binary_crossentropy, "BCE": binary_crossentropy},
        ["LossFunctionWrapper", "bce", "BCE"])  # fmt: skip
