"""A rewrite and a pass of one's own, used by name, measured and checked."""

from __future__ import annotations

from collections import Counter

import numpy as np

import graphc as tf
from graphc_ir import Graph, Match, P, Pass, Rewrites, Var, register_pass, rewrite_rule
from graphc_ir.ops.elementwise import Exp, Mul, add, exp


@rewrite_rule(P(Mul, P(Exp, Var("a")), P(Exp, Var("b"))), hazards=["changes_rounding"])
def product_of_exponentials(m: Match) -> object:
    """exp(a) * exp(b) is exp(a + b): one exponential less."""
    return exp(add(m.a, m.b))


@register_pass
class CountOps(Pass):
    """Changes nothing; prints how many nodes of each op a graph has."""

    label: str = "graph"

    def run(self, graph: Graph) -> bool:
        counts = Counter(node.op.name for node in graph.nodes())
        print(f"{self.label}: {', '.join(f'{n} {name}' for name, n in sorted(counts.items()))}")
        return False


def model(x: tf.Tensor) -> tf.Tensor:
    """The product of three exponentials."""
    return tf.exp(x) * tf.exp(2.0 * x) * tf.exp(-x)


def main() -> dict[str, float]:
    """Optimizes; returns the numbers of ops and the largest relative difference of the results."""
    graph = tf.trace(model, tf.TensorSpec(["n"]))
    passes = [CountOps("before"), Rewrites(("product_of_exponentials",)), "dce", CountOps("after")]
    optimized, report = tf.optimize(graph, passes=passes)
    print(optimized)
    print(report)

    x = np.linspace(-1, 1, 100, dtype=np.float32)
    (expected,), (result,) = tf.compile(graph)(x), tf.compile(optimized)(x)
    difference = float(np.max(np.abs(result - expected) / expected))
    print(f"largest relative difference: {difference:.1e}")
    return {"before": len(graph), "after": len(optimized), "difference": difference}


if __name__ == "__main__":
    main()
