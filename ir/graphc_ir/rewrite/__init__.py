"""Pattern rewriting: patterns, rewrites and the driver that applies them."""

from graphc_ir.rewrite.driver import Fuel, apply_rewrites, limited_rewrites
from graphc_ir.rewrite.pattern import COMMUTATIVE, Const, Match, P, Pattern, Var, constant_array, is_uniform
from graphc_ir.rewrite.rule import HAZARDS, REWRITES, Hazard, Rewrite, register_rewrite, rewrite_rule

__all__ = [
    "COMMUTATIVE", "HAZARDS", "REWRITES", "Const", "Fuel", "Hazard", "Match", "P", "Pattern", "Rewrite", "Var",
    "apply_rewrites", "constant_array", "is_uniform", "limited_rewrites", "register_rewrite", "rewrite_rule",
]  # fmt: skip
