"""The compiler's heart: types, graphs, ops, differentiation, rewriting, passes. Knows NumPy only.

What most programs need is here by name; ops and the rest stand in the modules.
"""

import importlib
import warnings
from typing import TYPE_CHECKING, Any

# At once, since modules have these names too: what is imported last stays.
from graphc_ir.evaluate import evaluate
from graphc_ir.printer import print_graph as _print_graph  # noqa: F401  (registers itself: print(graph) works)
from graphc_ir.verify import verify

if TYPE_CHECKING:
    from graphc_ir.autodiff.transform import grad, value_and_grad, vjp
    from graphc_ir.builder import GraphBuilder
    from graphc_ir.dtypes import DType, as_dtype
    from graphc_ir.graph import Graph, Location, Node, State, Value
    from graphc_ir.ops.base import ARRAYS, NotDifferentiable, Op, bind, lift, using
    from graphc_ir.parser import parse_graph
    from graphc_ir.passes import (
        Pass,
        PassManager,
        Rewrites,
        bisect,
        optimize,
        pipeline,
        register_pass,
        register_pipeline,
    )
    from graphc_ir.printer import print_graph
    from graphc_ir.rewrite import Const, Match, P, Var, register_rewrite, rewrite_rule
    from graphc_ir.types import TensorSpec, TensorType, parse_type

# Division by zero, overflow and the like give inf and NaN without a word, as in TensorFlow. Only computations of this
# project are quiet: the filter looks at the module that calls NumPy.
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"graphc(_ir|_backends)?(\.|$)")

_NAMES = {
    "autodiff.transform": ("grad", "value_and_grad", "vjp"),
    "builder": ("GraphBuilder",),
    "dtypes": ("DType", "as_dtype"),
    "graph": ("Graph", "Location", "Node", "State", "Value"),
    "ops.base": ("ARRAYS", "NotDifferentiable", "Op", "bind", "lift", "using"),
    "parser": ("parse_graph",),
    "passes": (
        "Pass", "PassManager", "Rewrites", "bisect", "optimize", "pipeline", "register_pass", "register_pipeline",
    ),
    "printer": ("print_graph",),
    "rewrite": ("Const", "Match", "P", "Var", "register_rewrite", "rewrite_rule"),
    "types": ("TensorSpec", "TensorType", "parse_type"),
}  # fmt: skip
# Loaded at first use: the passes need the ops, the parser all of them.
_LAZY = {name: f"graphc_ir.{module}" for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'graphc_ir' has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(_LAZY[name]), name)
    return found


__all__ = [
    "ARRAYS",
    "Const",
    "DType",
    "Graph",
    "GraphBuilder",
    "Location",
    "Match",
    "Node",
    "NotDifferentiable",
    "Op",
    "P",
    "Pass",
    "PassManager",
    "Rewrites",
    "State",
    "TensorSpec",
    "TensorType",
    "Value",
    "Var",
    "as_dtype",
    "bind",
    "bisect",
    "evaluate",
    "grad",
    "lift",
    "optimize",
    "parse_graph",
    "parse_type",
    "pipeline",
    "print_graph",
    "register_pass",
    "register_pipeline",
    "register_rewrite",
    "rewrite_rule",
    "using",
    "value_and_grad",
    "verify",
    "vjp",
]
