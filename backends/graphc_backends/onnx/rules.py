"""The tables that tie ops to ONNX. Each family file fills them: export and import of an op stand side by
side.

Export rules are keyed by op class and since-opset; the highest not above the wanted opset is used. Import
rules are keyed by ONNX operator (domain and name) and since-version in the same way.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from graphc_ir.graph import Node
from graphc_ir.ops.base import Op

if TYPE_CHECKING:
    from graphc_backends.onnx.reader import ImportContext
    from graphc_backends.onnx.writer import OnnxWriter

ExportRule = Callable[["OnnxWriter", Node, "list[str]"], "str | list[str]"]
ImportRule = Callable[["ImportContext"], Any]

MIN_OPSET: Final = 13
STATE_PAIRS_KEY: Final = "graphc.state_pairs"
"""Model metadata: JSON that maps each state input to the output with its new value."""

EXPORTS: Final[dict[type[Op], dict[int, ExportRule]]] = {}
IMPORTS: Final[dict[str, dict[int, ImportRule]]] = {}
NO_ONNX_FORM: Final[dict[type[Op], str]] = {}
"""Ops without an ONNX form, with the reason (a completeness test reads it)."""

NO_COMPLEX: Final = "the arithmetic operators of ONNX take no complex tensors"


WITHOUT_EFFECT: Final[dict[str, frozenset[str]]] = {
    "BatchNormalization": frozenset({"momentum"}),
    "Cast": frozenset({"saturate", "round_mode"}),
    "CastLike": frozenset({"saturate", "round_mode"}),
    "Conv": frozenset({"kernel_shape"}),
    "ConvInteger": frozenset({"kernel_shape"}),
    "ConvTranspose": frozenset({"kernel_shape"}),
    "Dropout": frozenset({"ratio", "seed"}),
    "GRU": frozenset({"hidden_size"}),
    "LSTM": frozenset({"hidden_size"}),
    "QuantizeLinear": frozenset({"saturate"}),
    "RNN": frozenset({"hidden_size"}),
    "Split": frozenset({"num_outputs"}),
}
"""Attributes that import rules need not read: they repeat what shapes say, or matter only to training and
to dtypes that graphc does not have."""


def exports(op: type[Op], since: int = MIN_OPSET) -> Callable[[ExportRule], ExportRule]:
    """Registers how ``op`` is written from opset ``since`` on. The rule gets the writer, the node and the
    ONNX names of its operands, and returns the name(s) of the result(s)."""

    def register(rule: ExportRule) -> ExportRule:
        EXPORTS.setdefault(op, {})[since] = rule
        return rule

    return register


def imports(operator: str, since: int = 1) -> Callable[[ImportRule], ImportRule]:
    """Registers how the ONNX operator is read, for models of opset ``since`` and later.

    Operators of another domain are written ``"domain.Operator"``, and ``since`` counts that domain's
    versions.
    """

    def register(rule: ImportRule) -> ImportRule:
        IMPORTS.setdefault(operator, {})[since] = rule
        return rule

    return register


def one_to_one(table: dict[type[Op], str], since: int = MIN_OPSET) -> None:
    """Ops without attributes that are one ONNX operator of the same operands, in both directions."""
    for op, operator in table.items():
        exports(op, since)(_direct_export(operator))
        imports(operator)(_direct_import(op))


def _direct_export(operator: str) -> ExportRule:
    return lambda writer, node, operands: writer.emit(operator, operands)


def _direct_import(op: type[Op]) -> ImportRule:
    return lambda context: context.bind(op(), *context.operands)


def pick(rules: dict[int, Any], opset: int) -> Any | None:
    """The rule of the highest version not above ``opset``."""
    versions = sorted(rules)
    position = bisect_right(versions, opset)
    return rules[versions[position - 1]] if position else None
