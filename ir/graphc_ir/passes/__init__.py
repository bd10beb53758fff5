"""Passes, the manager that runs them, and pipelines by name."""

from graphc_ir.passes.base import PASSES, Pass, get_pass, register_pass
from graphc_ir.passes.cluster import FuseElementwise
from graphc_ir.passes.convolution import FuseConv
from graphc_ir.passes.cse import CommonSubexpressionElimination
from graphc_ir.passes.dce import DeadCodeElimination
from graphc_ir.passes.fold import ConstantFolding
from graphc_ir.passes.fusion import FuseComposites
from graphc_ir.passes.gemm import FuseGemm
from graphc_ir.passes.grad import Grad, ValueAndGrad, Vjp
from graphc_ir.passes.inline import ForgetGradients, Inline
from graphc_ir.passes.layout import ChannelsFirst
from graphc_ir.passes.manager import Culprit, PassManager, bisect
from graphc_ir.passes.pack import ExpandUpdates, PackUpdates
from graphc_ir.passes.pipelines import PIPELINES, optimize, pipeline, register_pipeline, resolve_passes
from graphc_ir.passes.precision import MixedPrecision
from graphc_ir.passes.report import PassRecord, Report
from graphc_ir.passes.simplify import Rewrites, Simplify, Sink
from graphc_ir.passes.weights import FoldWeights

__all__ = [
    "PASSES",
    "PIPELINES",
    "ChannelsFirst",
    "CommonSubexpressionElimination",
    "ConstantFolding",
    "Culprit",
    "DeadCodeElimination",
    "ExpandUpdates",
    "FoldWeights",
    "ForgetGradients",
    "FuseComposites",
    "FuseConv",
    "FuseElementwise",
    "FuseGemm",
    "Grad",
    "Inline",
    "MixedPrecision",
    "PackUpdates",
    "Pass",
    "PassManager",
    "PassRecord",
    "Report",
    "Rewrites",
    "Simplify",
    "Sink",
    "ValueAndGrad",
    "Vjp",
    "bisect",
    "get_pass",
    "optimize",
    "pipeline",
    "register_pass",
    "register_pipeline",
    "resolve_passes",
]
