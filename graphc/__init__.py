"""graphc: a graph-IR compiler with a TensorFlow 2 / Keras style front end."""

from graphc.eager import EAGER  # installs eager execution
from graphc.function import function
from graphc.tape import GradientTape
from graphc.tensor import Tensor, TensorSpec
from graphc.variable import Variable
from graphc_ir.ops.constant import constant
from graphc_ir.ops.elementwise import add, sqrt, square
from graphc_ir.ops.linalg import matmul
from graphc_ir.ops.reduction import reduce_mean

__version__ = "0.1.0"
__all__ = ["EAGER", "GradientTape", "Tensor", "TensorSpec", "Variable", "add", "constant", "function", "matmul", "reduce_mean", "sqrt", "square"]
