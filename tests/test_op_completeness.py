"""No op is without a sample row, a written gradient decision and an ONNX form or the reason for none."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import graphc_backends.onnx.families  # noqa: F401  (fills the rule tables)
import graphc_ir.ops
from graphc_backends.onnx.rules import EXPORTS, NO_ONNX_FORM
from graphc_ir.ops.base import OPS, NotDifferentiable, Op
from graphc_ir.ops.constant import Constant
from tests.samples.table import SAMPLES

for _module in pkgutil.iter_modules(graphc_ir.ops.__path__):
    importlib.import_module(f"graphc_ir.ops.{_module.name}")

PUBLIC_OPS = sorted((op for op in OPS.values() if op.__module__.startswith("graphc_ir.ops.")), key=lambda op: op.name)
SAMPLED = {type(sample.op) for sample in SAMPLES}

every_op = pytest.mark.parametrize("op", PUBLIC_OPS, ids=[op.name for op in PUBLIC_OPS])


def has_regions(op: type[Op]) -> bool:
    """Control flow: its tests need graphs as regions and stand apart from the table."""
    return op.infer_node is not Op.infer_node


@every_op
def test_op_has_a_sample_row(op: type[Op]) -> None:
    assert op in SAMPLED or has_regions(op), f"add a row for {op.name} to tests/samples/"


@every_op
def test_op_has_an_onnx_form_or_a_reason(op: type[Op]) -> None:
    if op is Constant:  # the writer makes initializers of constants
        return
    forms = [bool(EXPORTS.get(op)), op.decompose is not None]
    if op in NO_ONNX_FORM:
        assert not any(forms), f"{op.name} has an ONNX form, but also a reason for none"
        assert len(NO_ONNX_FORM[op]) > 10
        return
    assert any(forms), f"{op.name} needs an export rule, a decomposition or a reason in NO_ONNX_FORM"


@every_op
def test_op_decides_its_gradient(op: type[Op]) -> None:
    assert callable(op.vjp) or isinstance(op.vjp, NotDifferentiable)
    if isinstance(op.vjp, NotDifferentiable):
        assert op.vjp.reason


@pytest.mark.parametrize("op", PUBLIC_OPS, ids=[op.name for op in PUBLIC_OPS])
def test_rows_are_exported_unless_there_is_no_form(op: type[Op]) -> None:
    rows = [sample for sample in SAMPLES if type(sample.op) is op and not has_regions(op)]
    if op in NO_ONNX_FORM:
        assert all(row.min_opset is None for row in rows)
    elif rows:
        assert any(row.min_opset is not None for row in rows)
