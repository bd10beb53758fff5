"""Functions of ``tf.keras.backend`` on tensors and Variables, mostly ``keras.ops`` under other names and defaults."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc.arrays import constant as make_constant
from graphc.control import foldl, foldr, map_fn
from graphc.keras import activations, ops, random
from graphc.keras.config import floatx, standardize_dtype
from graphc.keras.ops import (
    abs,
    all,
    any,
    binary_crossentropy,
    cast,
    categorical_crossentropy,
    cos,
    elu,
    equal,
    exp,
    greater,
    greater_equal,
    less,
    less_equal,
    log,
    max,
    maximum,
    mean,
    min,
    minimum,
    ndim,
    not_equal,
    ones_like,
    prod,
    reshape,
    round,
    sigmoid,
    sign,
    sin,
    softmax,
    softplus,
    softsign,
    sparse_categorical_crossentropy,
    square,
    squeeze,
    stack,
    std,
    stop_gradient,
    sum,
    tanh,
    tile,
    transpose,
    var,
    zeros_like,
)
from graphc.keras.variable import Variable
from graphc.linalg import l2_normalize as unit_length
from graphc_ir.errors import ArgumentError, GradientError
from graphc_ir.ops import shape as shape_ops
from graphc_ir.ops.base import lift, normalize_axis

__all__ = [
    "abs", "all", "any", "arange", "argmax", "argmin", "batch_dot", "batch_flatten", "batch_get_value",
    "batch_set_value", "binary_crossentropy", "cast", "cast_to_floatx", "categorical_crossentropy", "clip",
    "concatenate", "constant", "cos", "count_params", "cumprod", "cumsum", "dot", "dropout", "dtype", "elu", "equal",
    "eval", "exp", "expand_dims", "eye", "flatten", "foldl", "foldr", "gather", "get_value", "gradients", "greater",
    "greater_equal", "hard_sigmoid", "in_top_k", "int_shape", "is_sparse", "l2_normalize", "less", "less_equal", "log",
    "map_fn", "max", "maximum", "mean", "min", "minimum", "moving_average_update", "ndim", "not_equal", "one_hot",
    "ones", "ones_like", "permute_dimensions", "pow", "prod", "random_bernoulli", "random_normal",
    "random_normal_variable", "random_uniform", "random_uniform_variable", "relu", "repeat", "repeat_elements",
    "reshape", "reverse", "round", "set_value", "shape", "sigmoid", "sign", "sin", "softmax", "softplus", "softsign",
    "sparse_categorical_crossentropy", "sqrt", "square", "squeeze", "stack", "std", "stop_gradient", "sum", "switch",
    "tanh", "tile", "to_dense", "transpose", "truncated_normal", "update", "update_add", "update_sub", "var",
    "variable", "zeros", "zeros_like",
]  # fmt: skip

random_normal = random.normal
random_uniform = random.uniform
truncated_normal = random.truncated_normal


# --- values and Variables --------------------------------------------------------------------------------------------


def variable(value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None) -> Variable:
    """A Variable with this value, of the default float dtype unless told otherwise."""
    return Variable(value, dtype=standardize_dtype(dtype), name=name, constraint=constraint)


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Any:
    """A tensor with this value, of the default float dtype unless told otherwise."""
    return make_constant(value, standardize_dtype(dtype), shape)


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """A Variable full of zeros."""
    return variable(ops.zeros(shape, dtype), dtype, name)


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """A Variable full of ones."""
    return variable(ops.ones(shape, dtype), dtype, name)


def eye(size: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """A Variable with an identity matrix."""
    rows, columns = size if isinstance(size, (list, tuple)) else (size, None)
    return variable(ops.eye(rows, columns, dtype=dtype), dtype, name)


def random_normal_variable(shape: Any, mean: float, scale: float, dtype: Any = None, name: str | None = None,
                           seed: Any = None) -> Variable:  # fmt: skip
    """A Variable of normal floats."""
    return variable(random.normal(shape, mean, scale, dtype, seed), dtype, name)


def random_uniform_variable(shape: Any, low: float, high: float, dtype: Any = None, name: str | None = None,
                            seed: Any = None) -> Variable:  # fmt: skip
    """A Variable of uniform floats in [low, high)."""
    return variable(random.uniform(shape, low, high, dtype, seed), dtype, name)


def random_bernoulli(shape: Any, p: float = 0.0, dtype: Any = None, seed: Any = None) -> Any:
    """1 with probability ``p``, else 0."""
    return ops.cast(random.uniform(shape, seed=seed) < p, standardize_dtype(dtype))


def get_value(x: Any) -> Any:
    """The value of a tensor or Variable as a NumPy array."""
    return ops.convert_to_numpy(x)


eval = get_value


def set_value(x: Any, value: Any) -> None:
    """Sets the value of a Variable."""
    x.assign(np.asarray(value).astype(x.dtype.np))


def batch_get_value(tensors: Sequence[Any]) -> list[Any]:
    """The values of tensors and Variables as NumPy arrays."""
    return [get_value(x) for x in tensors]


def batch_set_value(tuples: Sequence[tuple[Any, Any]]) -> None:
    """Sets the values of several Variables, given as (Variable, value) pairs."""
    for x, value in tuples:
        set_value(x, value)


def update(x: Any, new_x: Any) -> Any:
    """Sets a Variable; returns it."""
    return x.assign(new_x)


def update_add(x: Any, increment: Any) -> Any:
    """Adds to a Variable; returns it."""
    return x.assign_add(increment)


def update_sub(x: Any, decrement: Any) -> Any:
    """Subtracts from a Variable; returns it."""
    return x.assign_sub(decrement)


def moving_average_update(x: Any, value: Any, momentum: float) -> Any:
    """Sets a Variable to ``x * momentum + value * (1 - momentum)``; returns it."""
    return x.assign(ops.add(ops.multiply(x, momentum), ops.multiply(value, 1 - momentum)))


def gradients(loss: Any, variables: Any) -> Any:
    """Raises GradientError: gradients need a tape."""
    raise GradientError("K.gradients differentiates a finished graph, which eager code has not; compute the loss "
                        "inside `with tf.GradientTape() as tape:` and call tape.gradient(loss, variables)")  # fmt: skip


def cast_to_floatx(x: Any) -> Any:
    """A tensor, or a NumPy array, in the default float dtype."""
    if isinstance(x, (np.ndarray, np.generic, list, tuple, int, float)):
        return np.asarray(x, floatx())
    return ops.cast(x, floatx())


# --- shape -----------------------------------------------------------------------------------------------------------


def dtype(x: Any) -> str:
    """The name of the dtype."""
    return ops.dtype(x)


def int_shape(x: Any) -> tuple[int | None, ...]:
    """The sizes, None where they are not known."""
    return tuple(x.shape)


def shape(x: Any) -> Any:
    """The sizes as a tensor."""
    return shape_ops.shape(x)


def count_params(x: Any) -> int:
    """The number of elements."""
    return math.prod(x.shape)


def is_sparse(tensor: Any) -> bool:
    """False: there are no sparse tensors."""
    return False


def to_dense(tensor: Any) -> Any:
    """The tensor itself: all are dense."""
    return tensor


def expand_dims(x: Any, axis: int = -1) -> Any:
    """An axis of size 1 put in."""
    return ops.expand_dims(x, axis)


def flatten(x: Any) -> Any:
    """The elements as a vector."""
    return ops.reshape(x, (-1,))


def batch_flatten(x: Any) -> Any:
    """A matrix with a row for each item of the batch."""
    return ops.reshape(x, (-1, math.prod(x.shape[1:])))


def permute_dimensions(x: Any, pattern: Any) -> Any:
    """The axes in another order."""
    return ops.transpose(x, pattern)


def repeat(x: Any, n: int) -> Any:
    """Rows (batch, features) repeated as steps: (batch, n, features)."""
    return ops.repeat(ops.expand_dims(x, 1), n, 1)


def repeat_elements(x: Any, rep: int, axis: int) -> Any:
    """Each element repeated along an axis."""
    return ops.repeat(x, rep, axis)


def reverse(x: Any, axes: Any) -> Any:
    """The elements in opposite order along the axes."""
    return ops.flip(x, axes)


def concatenate(tensors: Any, axis: int = -1) -> Any:
    """Tensors one after the other along an axis, by default the last."""
    return ops.concatenate(tensors, axis)


def gather(reference: Any, indices: Any) -> Any:
    """Rows by number."""
    return ops.take(reference, indices, 0)


def one_hot(indices: Any, num_classes: int) -> Any:
    """Vectors that are 1 at the class number and 0 elsewhere."""
    return ops.one_hot(indices, num_classes)


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = "int32") -> Any:
    """``start, start + step, ...`` before ``stop``; with one number, from 0 up to before it."""
    return ops.arange(start, stop, step, dtype)


# --- arithmetic ------------------------------------------------------------------------------------------------------


def argmax(x: Any, axis: int = -1) -> Any:
    """The index of the largest element along an axis, by default the last."""
    return ops.argmax(x, axis)


def argmin(x: Any, axis: int = -1) -> Any:
    """The index of the smallest element along an axis, by default the last."""
    return ops.argmin(x, axis)


def cumsum(x: Any, axis: int = 0) -> Any:
    """The running sum along an axis, by default the first."""
    return ops.cumsum(x, axis)


def cumprod(x: Any, axis: int = 0) -> Any:
    """The running product along an axis, by default the first."""
    return ops.cumprod(x, axis)


def clip(x: Any, min_value: Any, max_value: Any) -> Any:
    """The elements limited to ``[min_value, max_value]``; None means no limit."""
    return ops.clip(x, -math.inf if min_value is None else min_value, math.inf if max_value is None else max_value)


def sqrt(x: Any) -> Any:
    """The square root; of negative elements 0."""
    return ops.sqrt(ops.maximum(x, 0))


def pow(x: Any, a: Any) -> Any:
    """``x**a``."""
    return ops.power(x, a)


def l2_normalize(x: Any, axis: Any = None) -> Any:
    """``x / sqrt(sum(x**2))`` over the axes."""
    return unit_length(x, axis)


def dot(x: Any, y: Any) -> Any:
    """The sums of products over the last axis of ``x`` and the last but one of ``y``."""
    return ops.dot(x, y)


def batch_dot(x: Any, y: Any, axes: Any = None) -> Any:
    """:func:`dot` for each item of a batch: ``axes`` names the axis of either that is summed over.

    By default the last of ``x`` and, of ``y``, the last but one (the last of a matrix). Vectors give (batch, 1).
    """
    a, b = (ops.convert_to_tensor(t) for t in (x, y))
    ranks = a.ndim, b.ndim
    if axes is None:
        axes = (ranks[0] - 1, ranks[1] - 2 if ranks[1] > 2 else 1)
    first, second = (axes, axes) if isinstance(axes, int) else axes
    left = ops.moveaxis(a, normalize_axis(first, ranks[0]), -1)
    right = ops.moveaxis(b, normalize_axis(second, ranks[1]), 1)
    letters = "cdefgh"[: ranks[0] - 2], "ijklmn"[: ranks[1] - 2]
    found = ops.einsum(f"a{letters[0]}s,as{letters[1]}->a{letters[0]}{letters[1]}", left, right)
    return ops.expand_dims(found, 1) if found.ndim == 1 else found


# --- networks --------------------------------------------------------------------------------------------------------


def relu(x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """``x`` from ``threshold`` on, at most ``max_value``; ``alpha * (x - threshold)`` below."""
    return activations.relu(x, alpha, max_value, threshold)


def hard_sigmoid(x: Any) -> Any:
    """``0.2 * x + 0.5``, clipped to [0, 1]: the slope of Keras 2, where ``keras.ops`` has 1 / 6."""
    return ops.clip(ops.add(ops.multiply(x, 0.2), 0.5), 0.0, 1.0)


def dropout(x: Any, level: float, noise_shape: Any = None, seed: Any = None) -> Any:
    """``x`` with a fraction ``level`` of the elements set to 0 and the others scaled up."""
    return random.dropout(x, level, noise_shape, seed)


def in_top_k(predictions: Any, targets: Any, k: int) -> Any:
    """Whether the target is among the ``k`` best predictions."""
    return ops.in_top_k(targets, predictions, k)


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """One of two expressions (tensors, or functions without arguments) by a scalar condition, or element by element.

    Raises ArgumentError for functions with a condition that is no scalar.
    """
    test = lift(condition)
    if test.ndim == 0:
        return ops.cond(test, _as_function(then_expression), _as_function(else_expression))
    if callable(then_expression) or callable(else_expression):
        raise ArgumentError(f"K.switch: got a condition of shape {test.shape} and functions; element by element it "
                            "chooses between tensors: call the functions")  # fmt: skip
    rank = ops.ndim(then_expression)
    if test.ndim < rank:
        test = ops.reshape(test, (*test.shape, *(1,) * (rank - test.ndim)))
    return ops.where(test, then_expression, else_expression)


def _as_function(expression: Any) -> Callable[[], Any]:
    return expression if callable(expression) else lambda: expression
