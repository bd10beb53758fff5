"""The automatic choice between backends: an estimate of the time of one run on each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from graphc_backends.base import Backend, CompileOptions, DeviceValue, Executable, get_backend
from graphc_ir.analysis.cost import CostModel
from graphc_ir.errors import BackendError, ExportError
from graphc_ir.graph import Graph, Node
from graphc_ir.ops.constant import Constant
from graphc_ir.ops.control import Cond, Scan, While
from graphc_ir.ops.recurrence import OverTime, Recurrent

_ASSUMED_SIZE: Final = 32
"""What a size counts as that is only known at run time."""

_ASSUMED_TRIPS: Final = 16
"""Rounds of a loop without a bound."""

_CACHE: Final = 8 << 20
"""Bytes: a node that moves less finds most of it in a cache."""

_PRODUCT: Final = 2.0
"""Operations per byte from which on arithmetic, not memory, decides."""


@dataclass(frozen=True)
class Rates:
    """How fast a backend is on a CPU of two cores (measured; only the ratios matter).

    Fixed costs in microseconds: ``call``, ``port`` (per input and output), ``node``, ``region_node``, ``step``
    (of a recurrent layer). Work per microsecond: ``flops`` of matrix products and convolutions, bytes moved by
    all other ops, of data that fits the ``cache`` and of data in ``memory``.
    """

    call: float
    port: float
    node: float
    region_node: float
    step: float
    flops: float
    cache: float
    memory: float


NUMPY: Final = Rates(1.5, 0.15, 0.45, 2.0, 22.0, 180_000, 60_000, 12_000)
ONNXRUNTIME: Final = Rates(4.0, 0.5, 1.0, 1.5, 5.0, 250_000, 100_000, 20_000)


@dataclass(frozen=True)
class Choice:
    """The backend that was chosen, why, and the estimates in microseconds per run."""

    backend: str
    reason: str
    estimates: dict[str, float]

    def __str__(self) -> str:
        shown = ", ".join(f"{name} {time:.3g} us" for name, time in self.estimates.items())
        assumed = f"; sizes unknown until the run count as {_ASSUMED_SIZE}"
        return f"{self.backend}: {self.reason}" + (f" (estimates: {shown}{assumed})" if shown else "")


def estimate(graph: Graph, rates: Rates) -> float:
    """Microseconds of one run."""
    ports = len(graph.inputs) + len(graph.outputs)
    return rates.call + rates.port * ports + _body(graph, rates, CostModel(default=_ASSUMED_SIZE), rates.node)


def _body(graph: Graph, rates: Rates, model: CostModel, per_node: float) -> float:
    return sum(_node(node, rates, model, per_node) for node in graph.nodes())


def _node(node: Node, rates: Rates, model: CostModel, per_node: float) -> float:
    op = node.op
    if isinstance(op, Constant) or op.is_view:
        return 0.1
    if node.regions:
        inside = [_body(region, rates, model, rates.region_node) for region in node.regions]
        return per_node + _trips(node, model) * (sum(inside) / 2 if isinstance(op, Cond) else sum(inside))
    if isinstance(op, OverTime):
        per_node += _steps(node, model) * rates.step
    cost = model.node(node)
    flops, moved = _number(cost.flops), _number(cost.bytes)
    if flops > _PRODUCT * moved:
        return per_node + flops / rates.flops
    return per_node + moved / (rates.cache if moved <= _CACHE else rates.memory)


def _steps(node: Node, model: CostModel) -> float:
    """The steps of a recurrent layer; its gradient does about twice as much in each."""
    op = node.op
    assert isinstance(op, OverTime)
    _, time = op.sizes(node.operands[0].type)
    return _number(model.dim(time)) * (1 if isinstance(op, Recurrent) else 2)


def _number(count: Any) -> float:
    return float(count)


def _trips(node: Node, model: CostModel) -> float:
    op = node.op
    if isinstance(op, Scan):
        return _number(model.dim(node.operands[op.carries].type.shape[0]))
    if isinstance(op, While):
        return float(_ASSUMED_TRIPS if op.max_trips is None else op.max_trips)
    return 1.0


class AutoExecutable(Executable):
    """The executable of the chosen backend; ``choice`` says which and why."""

    def __init__(self, chosen: Executable, choice: Choice) -> None:
        super().__init__(chosen.graph, chosen.backend, chosen.options)
        self.chosen: Final = chosen
        self.choice: Final = choice
        # The hot paths, without a frame of our own in between.
        self.run = chosen.run  # type: ignore[method-assign]
        self.step = chosen.step  # type: ignore[method-assign]

    def run_device(self, *inputs: Any, **named: Any) -> Sequence[DeviceValue]:
        return self.chosen.run_device(*inputs, **named)

    def __repr__(self) -> str:
        return f"<AutoExecutable {self.graph.name} on {self.choice}>"


class AutoBackend(Backend):
    """NumPy or ONNX Runtime, whichever the cost model finds faster; NumPy where ONNX Runtime cannot run the
    graph.
    """

    name = "auto"

    def compile(self, graph: Graph, options: CompileOptions) -> Executable:
        if options.device != "cpu":
            reason = f"device {options.device!r} is only known to ONNX Runtime"
            return _compiled(graph, options, Choice("onnxruntime", reason, {}))
        estimates = {"numpy": estimate(graph, NUMPY), "onnxruntime": estimate(graph, ONNXRUNTIME)}
        if estimates["numpy"] <= estimates["onnxruntime"]:
            return _compiled(graph, options, Choice("numpy", "the lower estimate", estimates))
        try:
            return _compiled(graph, options, Choice("onnxruntime", "the lower estimate", estimates))
        except (ExportError, BackendError) as error:
            return _compiled(graph, options, Choice("numpy", f"ONNX Runtime cannot run it: {error}", estimates))


def _compiled(graph: Graph, options: CompileOptions, choice: Choice) -> Executable:
    return AutoExecutable(get_backend(choice.backend).compile(graph, options), choice)
