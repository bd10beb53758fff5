"""``keras.initializers``: the first values of weights."""

from __future__ import annotations

from graphc.keras.initializers.base import Initializer
from graphc.keras.initializers.constants import Constant, Identity, Ones, Zeros
from graphc.keras.initializers.draws import Orthogonal, RandomNormal, RandomUniform, TruncatedNormal
from graphc.keras.initializers.lookup import deserialize, get, serialize
from graphc.keras.initializers.scaling import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    VarianceScaling,
)
from graphc.keras.registry import publish

constant = Constant
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
identity = IdentityInitializer = Identity
lecun_normal = LecunNormal
lecun_uniform = LecunUniform
ones = Ones
orthogonal = OrthogonalInitializer = Orthogonal
random_normal = RandomNormal
random_uniform = RandomUniform
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling
zeros = Zeros

__all__ = [
    "Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Identity", "IdentityInitializer",
    "Initializer", "LecunNormal", "LecunUniform", "Ones", "Orthogonal", "OrthogonalInitializer", "RandomNormal",
    "RandomUniform", "TruncatedNormal", "VarianceScaling", "Zeros", "constant", "deserialize", "get", "glorot_normal",
    "glorot_uniform", "he_normal", "he_uniform", "identity", "lecun_normal", "lecun_uniform", "ones", "orthogonal",
    "random_normal", "random_uniform", "serialize", "truncated_normal", "variance_scaling", "zeros",
]  # fmt: skip

_ROOM = "keras.initializers"
publish(_ROOM, vars(), [name for name in __all__ if name not in ("deserialize", "get", "serialize")])
# Short names of old, for get("normal") alone.
publish(_ROOM, {"normal": RandomNormal, "one": Ones, "uniform": RandomUniform, "zero": Zeros},
        ["normal", "one", "uniform", "zero"])  # fmt: skip
