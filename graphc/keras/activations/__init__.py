"""``keras.activations``: functions of a tensor that layers apply to their results."""

from __future__ import annotations

from graphc.keras.activations.lookup import deserialize, get, serialize
from graphc.keras.activations.normalizing import log_softmax, softmax, sparse_plus, sparse_sigmoid, sparsemax
from graphc.keras.activations.rectified import (
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    linear,
    relu,
    relu6,
    soft_shrink,
    threshold,
)
from graphc.keras.activations.smooth import (
    celu,
    elu,
    exponential,
    gelu,
    glu,
    log_sigmoid,
    mish,
    selu,
    sigmoid,
    silu,
    softplus,
    softsign,
    squareplus,
    tanh,
    tanh_shrink,
)
from graphc.keras.registry import publish

hard_swish = hard_silu
swish = silu

__all__ = [
    "celu", "deserialize", "elu", "exponential", "gelu", "get", "glu", "hard_shrink", "hard_sigmoid", "hard_silu",
    "hard_swish", "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu",
    "serialize", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid",
    "sparsemax", "squareplus", "swish", "tanh", "tanh_shrink", "threshold",
]  # fmt: skip

publish("keras.activations", vars(), [name for name in __all__ if name not in ("deserialize", "get", "serialize")])
