"""graphc: a graph-IR compiler with a TensorFlow 2 / Keras style front end.

``import graphc as tf`` for TensorFlow code. The compiler itself: ``trace``, ``optimize``, ``grad``, ``value_and_grad``,
``vjp``, ``compile``, ``export_onnx``, ``import_onnx``, and the packages ``graphc.ir`` and ``graphc.backends``.
"""

# isort: skip_file
from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import graphc_backends as backends
import graphc_ir as ir

import graphc.eager  # noqa: F401  (first: installs eager execution)
from graphc.arrays import (
    argsort, batch_to_space, bitcast, boolean_mask, broadcast_static_shape, broadcast_to, cast,
    clip_by_global_norm, clip_by_norm, clip_by_value, complex, concat, constant, dynamic_partition,
    dynamic_stitch, ensure_shape, expand_dims, eye, fill, gather, gather_nd, linspace, meshgrid, one_hot,
    ones, ones_like, pad, parallel_stack, range, rank, repeat, reshape, reverse, reverse_sequence, roll,
    saturate_cast, scatter_nd, searchsorted, sequence_mask, shape, shape_n, size, slice, sort,
    space_to_batch_nd, split, squeeze, stack, stop_gradient, strided_slice, tensor_scatter_nd_add,
    tensor_scatter_nd_max, tensor_scatter_nd_min, tensor_scatter_nd_sub, tensor_scatter_nd_update, tile,
    transpose, unique, unique_with_counts, unstack, where, zeros, zeros_like,
)
from graphc.compiler import compile, grad, optimize, value_and_grad, vjp
from graphc.control import (
    case, cond, foldl, foldr, map_fn, scan, switch_case, vectorized_map, while_loop,
)
from graphc.conversion import convert_to_tensor
from graphc.custom_gradient import custom_gradient, grad_pass_through, recompute_grad
from graphc.debugging import Assert, assert_equal, assert_greater, assert_less, assert_rank
from graphc.dtypes import (
    DType, as_dtype, bfloat16, bool, complex64, complex128, double, float16, float32, float64, half, int8,
    int16, int32, int64, string, uint8, uint16, uint32, uint64,
)
from graphc.framework import print_tensors as print
from graphc.framework import tuple_of as tuple
from graphc.framework import (
    Module, control_dependencies, executing_eagerly, get_static_value, group, identity, inside_function,
    is_symbolic_tensor, is_tensor, name_scope, no_op, numpy_function, py_function,
)
from graphc.function import function, trace
from graphc.initializers import (
    constant_initializer, ones_initializer, random_normal_initializer, random_uniform_initializer,
    zeros_initializer,
)
from graphc.linalg import einsum, matmul, norm, tensordot
from graphc.math import (
    abs, acos, acosh, add, add_n, argmax, argmin, asin, asinh, atan, atan2, atanh, cos, cosh, cumsum,
    divide, equal, exp, floor, greater, greater_equal, less, less_equal, logical_and, logical_not,
    logical_or, maximum, minimum, multiply, negative, not_equal, pow, reduce_all, reduce_any,
    reduce_logsumexp, reduce_max, reduce_mean, reduce_min, reduce_prod, reduce_sum, round, scalar_mul,
    sigmoid, sign, sin, sinh, sqrt, square, subtract, tan, tanh, truediv, truncatediv, truncatemod,
)
from graphc.tape import GradientTape, UnconnectedGradients
from graphc.tensor import Tensor, TensorShape, TensorSpec
from graphc.tensor_array import TensorArray
from graphc.tracing import init_scope
from graphc.variable import Variable
from graphc import autodiff, bitwise, config, data, debugging, dtypes, errors, initializers
from graphc import linalg, math, nest, nn, random, version

if TYPE_CHECKING:
    from graphc import keras
    from graphc.export import export_onnx, import_onnx

newaxis = None
__version__ = version.VERSION

# Loaded at first use: the ONNX libraries and the Keras-style packages are not needed to compute.
_LAZY = {
    "export_onnx": ("graphc.export", "export_onnx"),
    "import_onnx": ("graphc.export", "import_onnx"),
    "keras": ("graphc.keras", ""),
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'graphc' has no attribute {name!r}")
    module, attribute = _LAZY[name]
    loaded = importlib.import_module(module)
    found = getattr(loaded, attribute) if attribute else loaded
    globals()[name] = found
    return found


__all__ = [
    "Assert", "DType", "GradientTape", "Module", "Tensor", "TensorArray", "TensorShape", "TensorSpec",
    "UnconnectedGradients", "Variable", "__version__", "abs", "acos", "acosh", "add", "add_n", "argmax",
    "argmin", "argsort", "as_dtype", "asin", "asinh", "assert_equal", "assert_greater", "assert_less",
    "assert_rank", "atan", "atan2", "atanh", "autodiff", "backends", "batch_to_space", "bfloat16",
    "bitcast", "bitwise", "bool", "boolean_mask", "broadcast_static_shape", "broadcast_to", "case", "cast",
    "clip_by_global_norm", "clip_by_norm", "clip_by_value", "compile", "complex", "complex128", "complex64",
    "concat", "cond", "config", "constant", "constant_initializer", "control_dependencies",
    "convert_to_tensor", "cos", "cosh", "cumsum", "custom_gradient", "data", "debugging", "divide",
    "double", "dtypes", "dynamic_partition", "dynamic_stitch", "einsum", "ensure_shape", "equal", "errors",
    "executing_eagerly", "exp", "expand_dims", "export_onnx", "eye", "fill", "float16", "float32",
    "float64", "floor", "foldl", "foldr", "function", "gather", "gather_nd", "get_static_value", "grad",
    "grad_pass_through", "greater", "greater_equal", "group", "half", "identity", "import_onnx",
    "init_scope", "initializers", "inside_function", "int16", "int32", "int64", "int8", "ir",
    "is_symbolic_tensor", "is_tensor", "keras", "less", "less_equal", "linalg", "linspace", "logical_and",
    "logical_not", "logical_or", "map_fn", "math", "matmul", "maximum", "meshgrid", "minimum", "multiply",
    "name_scope", "negative", "nest", "newaxis", "nn", "no_op", "norm", "not_equal", "numpy_function",
    "one_hot", "ones", "ones_initializer", "ones_like", "optimize", "pad", "parallel_stack", "pow", "print",
    "py_function", "random", "random_normal_initializer", "random_uniform_initializer", "range", "rank",
    "recompute_grad", "reduce_all", "reduce_any", "reduce_logsumexp", "reduce_max", "reduce_mean",
    "reduce_min", "reduce_prod", "reduce_sum", "repeat", "reshape", "reverse", "reverse_sequence", "roll",
    "round", "saturate_cast", "scalar_mul", "scan", "scatter_nd", "searchsorted", "sequence_mask", "shape",
    "shape_n", "sigmoid", "sign", "sin", "sinh", "size", "slice", "sort", "space_to_batch_nd", "split",
    "sqrt", "square", "squeeze", "stack", "stop_gradient", "strided_slice", "string", "subtract",
    "switch_case", "tan", "tanh", "tensor_scatter_nd_add", "tensor_scatter_nd_max", "tensor_scatter_nd_min",
    "tensor_scatter_nd_sub", "tensor_scatter_nd_update", "tensordot", "tile", "trace", "transpose",
    "truediv", "truncatediv", "truncatemod", "tuple", "uint16", "uint32", "uint64", "uint8", "unique",
    "unique_with_counts", "unstack", "value_and_grad", "vectorized_map", "version", "vjp", "where",
    "while_loop", "zeros", "zeros_initializer", "zeros_like",
]  # fmt: skip
