"""``keras.ops.numpy`` and ``keras.ops.math``: elementary functions. Integers become the default float dtype."""

from __future__ import annotations

import math

from graphc.keras.ops.families import unary
from graphc_ir.ops import special
from graphc_ir.ops import transcendental as ir
from graphc_ir.ops.base import Operand
from graphc_ir.ops.elementwise import cos as cosine
from graphc_ir.ops.elementwise import div, equal, mul, select
from graphc_ir.ops.elementwise import exp as exponential
from graphc_ir.ops.elementwise import log as logarithm
from graphc_ir.ops.elementwise import sin as sine
from graphc_ir.ops.elementwise import sqrt as square_root
from graphc_ir.ops.elementwise import tanh as hyperbolic_tangent

__all__ = [
    "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctanh", "cos", "cosh", "erf", "erfc", "erfinv", "exp",
    "exp2", "expm1", "log", "log1p", "log2", "log10", "sin", "sinc", "sinh", "sqrt", "tan", "tanh",
]  # fmt: skip


def _exp2(x: Operand) -> Operand:
    """``2**x``."""
    return exponential(mul(x, math.log(2)))


def _sinc(x: Operand) -> Operand:
    """``sin(pi x) / (pi x)``, and 1 at 0."""
    # A safe denominator, since the gradient of the branch not taken must be finite too.
    angle = mul(select(equal(x, 0), 1, x), math.pi)
    return select(equal(x, 0), 1, div(sine(angle), angle))


sqrt = unary("sqrt", square_root)
exp = unary("exp", exponential)
exp2 = unary("exp2", _exp2)
expm1 = unary("expm1", ir.expm1)
log = unary("log", logarithm)
log2 = unary("log2", ir.log2)
log10 = unary("log10", ir.log10)
log1p = unary("log1p", ir.log1p)
sin = unary("sin", sine)
cos = unary("cos", cosine)
tan = unary("tan", ir.tan)
arcsin = unary("arcsin", ir.asin)
arccos = unary("arccos", ir.acos)
arctan = unary("arctan", ir.atan)
sinh = unary("sinh", ir.sinh)
cosh = unary("cosh", ir.cosh)
tanh = unary("tanh", hyperbolic_tangent)
arcsinh = unary("arcsinh", ir.asinh)
arccosh = unary("arccosh", ir.acosh)
arctanh = unary("arctanh", ir.atanh)
sinc = unary("sinc", _sinc)
erf = unary("erf", special.erf, module="math")
erfc = unary("erfc", special.erfc, module="math")
erfinv = unary("erfinv", special.erfinv, module="math")
