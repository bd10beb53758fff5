"""Random draws in ONNX: the generator's integer arithmetic, written out.

ONNX's own RandomUniform and its kin have hidden state and differ from runtime to runtime, so they are not used. The
arithmetic is modulo 2**64 on uint64. Right shifts are BitShift nodes: on the CPU a division by a power of two gives the
same at three to four times the cost.
"""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
from onnx import TensorProto

from graphc_backends.onnx.dtypes import to_onnx
from graphc_backends.onnx.rules import NO_ONNX_FORM, exports
from graphc_backends.onnx.writer import OnnxWriter
from graphc_ir import random_bits as bits
from graphc_ir.dims import Dim, Shape, element_count
from graphc_ir.dtypes import DType, float32, float64
from graphc_ir.graph import Node, Value
from graphc_ir.ops import random as ops
from graphc_ir.ops.constant import Constant

_MASK = (1 << 64) - 1
_UINT64 = TensorProto.UINT64

_REJECTION = "it is drawn by rejection, which has no fixed graph; draw it with the NumPy backend and feed it"
NO_ONNX_FORM.update(dict.fromkeys((ops.RandomGamma, ops.RandomPoisson, ops.RandomBinomial), _REJECTION))


# --- bits ------------------------------------------------------------------------------------------------------------


def _words(writer: OnnxWriter, key: str, count: Dim, derive: bool = False, start: str = "") -> str:
    """uint64[count] whose upper halves are ``random_bits.bits32(key, count)``.

    With ``derive`` for the children of the key; ``start`` names a uint64 scalar, the index of the first word.
    """
    steps = 1 + (bits.DERIVE_OFFSET if derive else 0)
    strides = writer.constant(np.array([bits.SEED_STRIDE, bits.COUNTER_STRIDE], np.uint64))
    offsets = writer.constant(np.array([bits.SEED_OFFSET, steps * bits.COUNTER_STRIDE & _MASK], np.uint64))
    mixed = writer.emit("Add", [writer.emit("Mul", [_cast(writer, key, _UINT64), strides]), offsets])
    k, base = (writer.emit("Gather", [mixed, _int(writer, i)], axis=0) for i in (0, 1))
    if start:
        base = writer.emit("Add", [base, start])
    index = writer.emit("Range", [_int(writer, 0), _scalar_size(writer, count), _int(writer, 1)])
    y = writer.emit("Mul", [writer.emit("Add", [_cast(writer, index, _UINT64), base]), k])
    z = writer.emit("Add", [y, k])
    x = writer.emit("Add", [writer.emit("Mul", [y, y]), y])
    for addend in (z, y, z):
        swapped = writer.emit("Add", [_right(writer, x, 32), _left(writer, x, 32)])
        x = writer.emit("Add", [writer.emit("Mul", [swapped, swapped]), addend])
    return str(x)


def _halves(writer: OnnxWriter, words: str) -> list[str]:
    """The two halves of a vector."""
    table = writer.emit("Reshape", [words, writer.constant(np.array([2, -1], np.int64))])
    return [writer.emit("Gather", [table, _int(writer, i)], axis=0) for i in (0, 1)]


def _bits64(writer: OnnxWriter, key: str, count: Dim) -> str:
    high, low = _halves(writer, _right(writer, _words(writer, key, 2 * count), 32))
    return str(writer.emit("Add", [_left(writer, high, 32), low]))


def _right(writer: OnnxWriter, x: str, count: int) -> str:
    return str(writer.emit("BitShift", [x, writer.constant(np.uint64(count))], direction="RIGHT"))


def _left(writer: OnnxWriter, x: str, count: int) -> str:
    return str(writer.emit("Mul", [x, writer.constant(np.uint64(1 << count))]))


def _cast(writer: OnnxWriter, x: str, number: int) -> str:
    return str(writer.emit("Cast", [x], to=number))


def _int(writer: OnnxWriter, value: int) -> str:
    return writer.constant(np.int64(value))


def _scalar_size(writer: OnnxWriter, size: Dim) -> str:
    if isinstance(size, int):
        return _int(writer, size)
    return str(writer.emit("Reshape", [writer.sizes((size,)), writer.constant(np.zeros(0, np.int64))]))


def _shaped(writer: OnnxWriter, x: str, shape: Shape, dtype: int = 0) -> str:
    """A vector as a tensor of ``shape`` and, if given, of the ONNX ``dtype``."""
    converted = _cast(writer, x, dtype) if dtype else x
    if len(shape) == 1:
        return converted
    if 0 in shape:
        return _empty(writer, converted, shape)
    return str(writer.emit("Reshape", [converted, writer.sizes(shape)]))


def _empty(writer: OnnxWriter, x: str, shape: Shape) -> str:
    """An empty vector as a tensor of ``shape``. To Reshape a size of 0 means another thing before opset 14."""
    line = [1] * len(shape)
    line[shape.index(0)] = -1
    spread = writer.emit("Reshape", [x, writer.constant(np.array(line, np.int64))])
    return str(writer.emit("Expand", [spread, writer.sizes(shape)]))


# --- floats ----------------------------------------------------------------------------------------------------------


class _Floats:
    """Arithmetic on the floats that draws are computed in: float64 for float64, else float32."""

    def __init__(self, writer: OnnxWriter, dtype: DType) -> None:
        self.writer = writer
        self.work = float64 if dtype is float64 else float32
        self.result = 0 if dtype is self.work else to_onnx(dtype)

    def number(self, value: float) -> str:
        return self.writer.constant(np.asarray(value, self.work.np))

    def of(self, integers: str) -> str:
        return _cast(self.writer, integers, to_onnx(self.work))

    def emit(self, operator: str, *operands: str | float) -> str:
        names = [self.number(o) if isinstance(o, float) else o for o in operands]
        return str(self.writer.emit(operator, names))

    def finish(self, x: str, shape: Shape) -> str:
        return _shaped(self.writer, x, shape, self.result)


@exports(ops.RandomUniform)
def _uniform(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    op = cast(ops.RandomUniform, node.op)
    floats, width, count = _Floats(writer, op.dtype), bits.float_bits(op.dtype.np), element_count(op.shape)
    words = (_bits64 if op.dtype is float64 else _words)(writer, operands[0], count)
    scaled = floats.emit("Mul", floats.of(_right(writer, words, 64 - width)), 2.0**-width)
    return floats.finish(scaled, op.shape)


@exports(ops.RandomNormal)
def _normal(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    op = cast(ops.RandomNormal, node.op)
    floats, count = _Floats(writer, op.dtype), element_count(op.shape)
    half = (count + 1) // 2
    words = floats.of(_right(writer, _words(writer, operands[0], 2 * half), 32))
    first, second = _halves(writer, words)
    u = floats.emit("Mul", floats.emit("Add", first, 1.0), 2.0**-32)
    radius = floats.emit("Sqrt", floats.emit("Mul", floats.emit("Log", u), -2.0))
    angle = floats.emit("Mul", second, 2 * math.pi * 2.0**-32)
    pairs = writer.emit("Concat", [floats.emit("Mul", radius, floats.emit(w, angle)) for w in ("Cos", "Sin")], axis=0)
    if isinstance(count, int) and count % 2 == 0:
        return floats.finish(pairs, op.shape)
    zero = writer.constant(np.zeros(1, np.int64))
    return floats.finish(writer.emit("Slice", [pairs, zero, writer.sizes((count,)), zero]), op.shape)


@exports(ops.RandomTruncatedNormal)
def _truncated_normal(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    op = cast(ops.RandomTruncatedNormal, node.op)
    floats = _Floats(writer, op.dtype)
    u = _open_uniform(floats, _words(writer, operands[0], element_count(op.shape)))
    v = floats.emit("Sub", floats.emit("Mul", u, 2 * bits.ERF_SQRT2), bits.ERF_SQRT2)
    w = floats.emit("Neg", floats.emit("Log", floats.emit("Sub", 1.0, floats.emit("Mul", v, v))))
    ratio: str | float = bits.TRUNCATED_COEFFICIENTS[-1]
    for coefficient in bits.TRUNCATED_COEFFICIENTS[-2::-1]:
        ratio = floats.emit("Add", floats.emit("Mul", ratio, w), coefficient)
    return floats.finish(floats.emit("Mul", ratio, v), op.shape)


def _open_uniform(floats: _Floats, words: str) -> str:
    """``random_bits.open_uniform`` of words."""
    upper = floats.of(_right(floats.writer, words, 41))
    return floats.emit("Add", floats.emit("Mul", upper, 2.0**-23), 2.0**-24)


@exports(ops.RandomBernoulli)
def _bernoulli(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    op = cast(ops.RandomBernoulli, node.op)
    floats = _Floats(writer, float32)
    words = _words(writer, operands[0], element_count(op.shape))
    draws = _shaped(writer, floats.of(_right(writer, words, 40)), op.shape)
    # A power of two scales exactly: scaling the probability costs less than scaling every draw.
    return floats.emit("Less", draws, floats.emit("Mul", operands[1], 2.0**24))


# --- integers and choices --------------------------------------------------------------------------------------------


@exports(ops.RandomFullInt)
def _full_int(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    op = cast(ops.RandomFullInt, node.op)
    count = element_count(op.shape)
    wide = op.dtype.size == 8
    words = _bits64(writer, operands[0], count) if wide else _right(writer, _words(writer, operands[0], count), 32)
    return _shaped(writer, words, op.shape, to_onnx(op.dtype))


@exports(ops.RandomUniformInt)
def _uniform_int(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    op = cast(ops.RandomUniformInt, node.op)
    low, width = _interval(writer, node, operands)
    rest = writer.emit("Mod", [_bits64(writer, operands[0], element_count(op.shape)), width])
    return _shaped(writer, writer.emit("Add", [rest, low]), op.shape, to_onnx(op.dtype))


def _interval(writer: OnnxWriter, node: Node, operands: list[str]) -> tuple[str, str]:
    """The lower bound and the width of an integer interval, as uint64 scalars."""
    known = [_known_integer(value) for value in node.operands[1:]]
    if None not in known:
        low, high = cast("list[int]", known)
        return writer.constant(np.uint64(low & _MASK)), writer.constant(np.uint64(max(high - low, 1) & _MASK))
    names = [_cast(writer, name, _UINT64) for name in operands[1:]]
    width = writer.emit("Sub", [names[1], names[0]])
    # An empty interval must not become a division by zero, which ends the process.
    return names[0], writer.emit("Max", [width, writer.constant(np.uint64(1))])


def _known_integer(value: Value) -> int | None:
    known = value.node is not None and isinstance(value.node.op, Constant)
    return int(cast(Any, value.node).op.value.array) if known else None


@exports(ops.RandomPermutation)
def _permutation(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    (count,) = cast(ops.RandomPermutation, node.op).shape
    words = _cast(writer, _right(writer, _bits64(writer, operands[0], count), 1), TensorProto.INT64)
    return str(writer.emit("TopK", [words, writer.sizes((count,))], outputs=2, largest=0)[1])


@exports(ops.RandomCategorical)
def _categorical(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    op, logits = cast(ops.RandomCategorical, node.op), node.operands[1].type
    floats = _Floats(writer, float32)
    shape = (*logits.shape[:-1], *op.samples, logits.shape[-1])
    u = _open_uniform(floats, _words(writer, operands[0], element_count(shape)))
    gumbel = floats.emit("Neg", floats.emit("Log", floats.emit("Neg", floats.emit("Log", u))))
    scores = operands[1] if logits.dtype is float32 else floats.of(operands[1])
    rows = writer.emit("Unsqueeze", [scores, writer.constant(np.array([logits.rank - 1], np.int64))])
    noisy = writer.emit("Add", [_shaped(writer, gumbel, shape), rows])
    classes = writer.emit("ArgMax", [noisy], axis=len(shape) - 1, keepdims=0)
    return str(classes) if op.dtype.name == "int64" else _cast(writer, classes, to_onnx(op.dtype))


# --- keys ------------------------------------------------------------------------------------------------------------


@exports(ops.SplitKey)
def _split_key(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    num = cast(ops.SplitKey, node.op).num
    seeds = _child_seeds(writer, _words(writer, operands[0], 2 * num, derive=True), num)
    return str(writer.emit("Concat", [seeds, writer.constant(np.zeros((num, 1), np.int64))], axis=1))


@exports(ops.FoldInKey)
def _fold_in_key(writer: OnnxWriter, node: Node, operands: list[str]) -> str:
    start = _left(writer, _cast(writer, operands[1], _UINT64), 1)
    seed = _child_seeds(writer, _words(writer, operands[0], 2, derive=True, start=start), 1)
    flat = writer.emit("Reshape", [seed, writer.constant(np.array([1], np.int64))])
    return str(writer.emit("Concat", [flat, writer.constant(np.zeros(1, np.int64))], axis=0))


def _child_seeds(writer: OnnxWriter, words: str, num: int) -> str:
    """int64[num, 1]: the 63-bit seeds that each two words make."""
    pairs = writer.emit("Reshape", [_right(writer, words, 32), writer.constant(np.array([num, 2], np.int64))])
    columns = [writer.emit("Gather", [pairs, writer.constant(np.array([i], np.int64))], axis=1) for i in (0, 1)]
    joined = writer.emit("Add", [_left(writer, columns[0], 31), _right(writer, columns[1], 1)])
    return _cast(writer, joined, TensorProto.INT64)
