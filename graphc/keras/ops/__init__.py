"""``keras.ops``: functions of tensors with Keras's names, arguments and dtype promotion.

On KerasTensors each records itself, as Keras does, so that functional models with them can be saved and exchanged.
"""

# ruff: noqa: F403

from __future__ import annotations

from graphc.keras.ops import control, core, fourier, image, linalg, math, nn, numpy, operators
from graphc.keras.ops.control import *
from graphc.keras.ops.core import *
from graphc.keras.ops.einops import rearrange
from graphc.keras.ops.fourier import *
from graphc.keras.ops.linalg import *
from graphc.keras.ops.math import *
from graphc.keras.ops.nn import *
from graphc.keras.ops.numpy import *
from graphc.keras.registry import publish

__all__: list[str] = ["image", "linalg", "nn", "numpy", "rearrange"]
__all__ += control.__all__
__all__ += core.__all__
__all__ += fourier.__all__
__all__ += linalg.__all__
__all__ += math.__all__
__all__ += nn.__all__
__all__ += numpy.__all__
__all__ += operators.__all__

publish("keras.ops", vars(), __all__)
