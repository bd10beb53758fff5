"""``keras.ops.numpy``: the functions of ``keras.ops`` that NumPy has too."""

from __future__ import annotations

from graphc.keras.ops import (
    arithmetic,
    comparison,
    creation,
    functions,
    indexing,
    movement,
    nan,
    products,
    reductions,
    statistics,
    vectorizing,
)
from graphc.keras.ops.arithmetic import *
from graphc.keras.ops.comparison import *
from graphc.keras.ops.creation import *
from graphc.keras.ops.functions import *
from graphc.keras.ops.indexing import *
from graphc.keras.ops.movement import *
from graphc.keras.ops.nan import *
from graphc.keras.ops.products import *
from graphc.keras.ops.reductions import *
from graphc.keras.ops.statistics import *
from graphc.keras.ops.vectorizing import *

__all__: list[str] = []
__all__ += arithmetic.__all__
__all__ += comparison.__all__
__all__ += creation.__all__
__all__ += functions.__all__
__all__ += indexing.__all__
__all__ += movement.__all__
__all__ += nan.__all__
__all__ += products.__all__
__all__ += reductions.__all__
__all__ += statistics.__all__
__all__ += vectorizing.__all__
# What NumPy does not have.
__all__.remove("rsqrt")
__all__.remove("erf")
__all__.remove("erfc")
__all__.remove("erfinv")
__all__.remove("logsumexp")
