"""``keras.ops``: functions of tensors with Keras's names, arguments and dtype promotion.

On KerasTensors each records itself, as Keras does, so that functional models with them can be saved and exchanged.
"""

from __future__ import annotations

from graphc.keras.ops import (
    activation,
    arithmetic,
    comparison,
    control,
    core,
    creation,
    crossentropy,
    ctc,
    einops,
    fourier,
    functions,
    image,
    indexing,
    linalg,
    math,
    movement,
    nan,
    nn,
    normalization,
    numpy,
    products,
    reductions,
    statistics,
    vectorizing,
    windows,
)
from graphc.keras.ops.activation import *
from graphc.keras.ops.arithmetic import *
from graphc.keras.ops.comparison import *
from graphc.keras.ops.control import *
from graphc.keras.ops.core import *
from graphc.keras.ops.creation import *
from graphc.keras.ops.crossentropy import *
from graphc.keras.ops.ctc import *
from graphc.keras.ops.einops import *
from graphc.keras.ops.fourier import *
from graphc.keras.ops.functions import *
from graphc.keras.ops.indexing import *
from graphc.keras.ops.linalg import *
from graphc.keras.ops.math import *
from graphc.keras.ops.movement import *
from graphc.keras.ops.nan import *
from graphc.keras.ops.normalization import *
from graphc.keras.ops.operators import install_operators
from graphc.keras.ops.products import *
from graphc.keras.ops.reductions import *
from graphc.keras.ops.statistics import *
from graphc.keras.ops.vectorizing import *
from graphc.keras.ops.windows import *
from graphc.keras.registry import publish

__all__ = ["image", "linalg", "nn", "numpy"]
__all__ += activation.__all__
__all__ += arithmetic.__all__
__all__ += comparison.__all__
__all__ += control.__all__
__all__ += core.__all__
__all__ += creation.__all__
__all__ += crossentropy.__all__
__all__ += ctc.__all__
__all__ += einops.__all__
__all__ += fourier.__all__
__all__ += functions.__all__
__all__ += indexing.__all__
__all__ += linalg.__all__
__all__ += math.__all__
__all__ += movement.__all__
__all__ += nan.__all__
__all__ += normalization.__all__
__all__ += products.__all__
__all__ += reductions.__all__
__all__ += statistics.__all__
__all__ += vectorizing.__all__
__all__ += windows.__all__

install_operators()
publish("keras.ops", vars(), __all__)
