"""Differentiation as passes, so that pipelines can contain it."""

from __future__ import annotations

from graphc_ir.autodiff import transform
from graphc_ir.graph import Graph
from graphc_ir.passes.base import Pass, register_pass, replace_contents


class _Differentiation(Pass):
    wrt: tuple[int, ...] | None = None
    enters_regions = False

    def derive(self, graph: Graph) -> Graph:
        raise NotImplementedError

    def run(self, graph: Graph) -> bool:
        derived = self.derive(graph)
        replace_contents(graph, derived)
        graph.name = derived.name
        return True


@register_pass
class Grad(_Differentiation):
    """Replaces the outputs by the gradient of the first one with respect to the inputs ``wrt`` (None: every
    differentiable argument)."""

    def derive(self, graph: Graph) -> Graph:
        return transform.grad(graph, self.wrt)


@register_pass
class ValueAndGrad(_Differentiation):
    """Appends the gradient of the first output to the outputs."""

    def derive(self, graph: Graph) -> Graph:
        return transform.value_and_grad(graph, self.wrt)


@register_pass
class Vjp(_Differentiation):
    """Appends inputs for cotangents of the outputs, and the vector-Jacobian product to the outputs."""

    def derive(self, graph: Graph) -> Graph:
        return transform.vjp(graph, self.wrt)
