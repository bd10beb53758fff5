"""What can be known of a graph without running it: cost, lifetimes, views."""

from graphc_ir.analysis.cost import Cost, CostModel, flop_rule, graph_cost
from graphc_ir.analysis.liveness import Lifetime, last_uses, lifetimes, peak_bytes, storage_roots
from graphc_ir.analysis.views import OpSummary, summary_by_op, to_networkx

__all__ = [
    "Cost", "CostModel", "Lifetime", "OpSummary", "flop_rule", "graph_cost", "last_uses", "lifetimes", "peak_bytes",
    "storage_roots", "summary_by_op", "to_networkx",
]  # fmt: skip
