"""``keras.ops.nn``: the functions of ``keras.ops`` that layers are made of."""

from __future__ import annotations

from graphc.keras.ops import activation, crossentropy, ctc, normalization, windows
from graphc.keras.ops.activation import *
from graphc.keras.ops.crossentropy import *
from graphc.keras.ops.ctc import *
from graphc.keras.ops.math import polar
from graphc.keras.ops.normalization import *
from graphc.keras.ops.windows import *

__all__ = ["polar"]
__all__ += activation.__all__
__all__ += crossentropy.__all__
__all__ += ctc.__all__
__all__ += normalization.__all__
__all__ += windows.__all__
