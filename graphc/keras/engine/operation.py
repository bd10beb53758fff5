"""Operations: what can be called on KerasTensors and is then part of a functional model.

Layers are operations; so are the functions of ``keras.ops`` (:func:`operation`), and any IR op that a
TensorFlow-style function applies to a KerasTensor (:class:`IrOperation`).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from graphc.keras.config import standardize_data_format, standardize_dtype
from graphc.keras.engine.call_context import collecting_losses, enter_call
from graphc.keras.engine.captured import Arguments, captured_config, takes_argument
from graphc.keras.engine.inference import infer_op, infer_outputs
from graphc.keras.engine.keras_tensor import KerasTensor, any_symbolic, carrier_of
from graphc.keras.engine.node import connect
from graphc.keras.engine.rematerialization import RematScope, current_remat_scope, output_size, remat
from graphc.keras.engine.symbolic_scope import in_symbolic_scope
from graphc.keras.naming import auto_name, to_snake_case
from graphc.keras.registry import publish
from graphc.keras.serialization import deserialize_keras_object
from graphc.pytree import map_leaves
from graphc.tensor import Tensor
from graphc_ir.dims import Assumptions, Dim, DimExpr, free_symbols
from graphc_ir.errors import ArgumentError
from graphc_ir.evaluate import specialize
from graphc_ir.graph import Graph
from graphc_ir.ops.base import Op, bind, lift, type_of
from graphc_ir.parser import parse_graph
from graphc_ir.printer import print_graph
from graphc_ir.types import TensorType

__all__ = ["FunctionOperation", "IrOperation", "NoCallError", "Operation", "checked_name", "operation"]

F = TypeVar("F", bound=Callable[..., Any])


class NoCallError(ArgumentError, AttributeError):
    """``input`` or ``output`` of a layer or operation that was never called on KerasTensors.

    As an AttributeError it makes ``hasattr(layer, "input")`` False.
    """


def checked_name(name: Any, obj: Any) -> str:
    """The name, or a new one made of the class's. Raises ArgumentError for what cannot be part of a path."""
    if name is None:
        return auto_name(to_snake_case(type(obj).__name__))
    if not isinstance(name, str) or "/" in name:
        raise ArgumentError(f"the name of a {type(obj).__name__} must be a string and cannot contain character `/`, "
                            f"got {name!r}")  # fmt: skip
    return name


class Operation:
    """Base: ``call`` computes on tensors; calling on KerasTensors records a node and gives KerasTensors."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        instance = super().__new__(cls)
        instance._inbound_nodes = []
        instance._init_arguments = Arguments(args, kwargs)
        instance._remat_scope = current_remat_scope()
        return instance

    _inbound_nodes: list[Any]
    _init_arguments: Arguments
    _remat_scope: RematScope | None
    """The scope that the operation was made in."""

    def __init__(self, name: str | None = None) -> None:
        self.name = checked_name(name, self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if any_symbolic(args, kwargs):
            return self.symbolic_call(*args, **kwargs)
        if self._remat_scope is None:
            return self.call(*args, **kwargs)
        return self.rematerialized_call(self.call, *args, **kwargs)(*args, **kwargs)

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """The call on KerasTensors, recorded."""
        return connect(self, args, kwargs, self.compute_output_spec(*args, **kwargs))

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the results. Subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} must define call()")

    def rematerialized_call(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        """What to call on these arguments in place of ``fn``: :func:`keras.remat` of it if the RematScope that the
        operation was made in says so."""
        scope = self._remat_scope
        if scope is None or in_symbolic_scope():
            return fn
        if scope.mode == "full" or self._exceeds(scope, args, kwargs):
            return remat(fn)
        return fn

    def _exceeds(self, scope: RematScope, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        if scope.mode != "larger_than":
            return False
        args, kwargs = map_leaves(_described, (args, kwargs), none_is_leaf=True)
        with enter_call(self, None), collecting_losses():  # those of the description are of no use
            outputs = self.compute_output_spec(*args, **kwargs)
        return output_size(outputs) > scope.output_size_threshold

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """KerasTensors like the results of ``call`` on these."""
        return infer_outputs(self.call, args, kwargs)

    @property
    def input(self) -> Any:
        """The KerasTensors of the first call. Raises NoCallError if there was none."""
        tensors = self._first_node("input").input_tensors
        return tensors[0] if len(tensors) == 1 else tensors

    @property
    def output(self) -> Any:
        """The KerasTensors that the first call gave. Raises NoCallError if there was none."""
        tensors = self._first_node("output").output_tensors
        return tensors[0] if len(tensors) == 1 else tensors

    def _first_node(self, what: str) -> Any:
        if not self._inbound_nodes:
            raise NoCallError(f"{self.name} has never been called on a KerasTensor and thus has no {what}; call it on "
                              "keras.Input(shape=...) or on another layer's result")  # fmt: skip
        return self._inbound_nodes[0]

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal operation. Raises NotImplementedError for arguments that cannot be
        written; a subclass with such arguments overrides this."""
        cls = type(self)
        name = {"name": self.name} if takes_argument(cls, "name") else {}
        if cls.get_config is not Operation.get_config or cls.__init__ is Operation.__init__:
            return name
        return captured_config(self, self._init_arguments) | name

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """An operation from what ``get_config`` returned."""
        return cls(**config)


def _described(leaf: Any) -> Any:
    return KerasTensor.of_type(leaf.type) if isinstance(leaf, Tensor) else leaf


class OperationSpec:
    """A function of ``keras.ops`` as a kind of operation: what files name it, and which parameters are tensors.

    None for a parameter in ``settings`` means a setting of the process, which files hold as it is now.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        class_name: str,
        module: str,
        tensors: tuple[str, ...],
        settings: tuple[str, ...] = (),
    ) -> None:
        self.function = function
        self.settings = settings
        self.__name__ = class_name
        self.module = module
        self.tensors = tensors
        self.signature = inspect.signature(function)
        parameters = list(self.signature.parameters.values())
        self.variadic = next((i for i, p in enumerate(parameters) if p.kind is p.VAR_POSITIONAL), None)

    def from_config(self, config: dict[str, Any]) -> FunctionOperation:
        """The operation of a saved config: the non-tensor arguments and a name."""
        given = {key: config[key] for key in self.signature.parameters if key in config and key != "name"}
        arguments = {key: deserialize_keras_object(value) for key, value in given.items()}
        return FunctionOperation(self, arguments, config.get("name"))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Records a call: tensors (and whatever is symbolic) as inputs, all else as configuration."""
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        given = dict(bound.arguments)
        inputs = [given.pop(name) for name in self.tensors]
        rest = () if self.variadic is None else given.pop(list(self.signature.parameters)[self.variadic])
        extra = {key: given.pop(key) for key in list(given) if any_symbolic(given[key])}
        return FunctionOperation(self, self._settled(given))(*inputs, *rest, **extra)

    def _settled(self, given: dict[str, Any]) -> dict[str, Any]:
        """The configuration with dtypes and data formats by name."""
        for name, standardize in (("dtype", standardize_dtype), ("data_format", standardize_data_format)):
            if given.get(name) is not None or name in self.settings:
                given[name] = standardize(given[name])
        return given

    def run(self, inputs: tuple[Any, ...], arguments: dict[str, Any]) -> Any:
        """The function of tensors in the order of ``tensors``, then those of its variadic parameter."""
        named = {**arguments, **dict(zip(self.tensors, inputs, strict=False))}
        leading = [named.pop(name) for name in list(self.signature.parameters)[: self.variadic or 0]]
        return self.function(*leading, *inputs[len(self.tensors) :], **named)


class FunctionOperation(Operation):
    """One use of a ``keras.ops`` function with fixed non-tensor arguments."""

    def __init__(self, spec: OperationSpec, arguments: dict[str, Any], name: str | None = None) -> None:
        self.name = name or auto_name(to_snake_case(spec.__name__))
        self.spec = spec
        self.arguments = arguments

    def call(self, *args: Any, **kwargs: Any) -> Any:
        return self.spec.run(args, {**self.arguments, **kwargs})

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, **self.arguments}

    def serialized_class(self) -> dict[str, Any]:
        """Keras names the class of every function, in the module where Keras keeps it."""
        name = self.spec.__name__
        return {"module": self.spec.module, "class_name": name, "registered_name": name}


def operation(module: str, tensors: str = "x", class_name: str | None = None, settings: str = "") -> Callable[[F], F]:
    """Decorator of ``keras.ops`` functions: on KerasTensors, the call becomes part of the functional model.

    ``module`` is the last part of ``keras.src.ops.<module>``, under which files keep it, or a full path; ``tensors``
    names the tensor parameters, separated by blanks; ``class_name`` is the function's name in camel case unless it is
    irregular; ``settings`` names parameters (``dtype``, ``data_format``) for which None means the process's setting.
    """

    def decorate(function: F) -> F:
        name = class_name or "".join(part.capitalize() for part in function.__name__.split("_"))
        path = module if "." in module else f"keras.src.ops.{module}"
        spec = OperationSpec(function, name, path, tuple(tensors.split()), tuple(settings.split()))
        publish(path, {name: spec}, [name])

        @functools.wraps(function)
        def dispatch(*args: Any, **kwargs: Any) -> Any:
            if any_symbolic(args, kwargs):
                return spec(*args, **kwargs)
            return function(*args, **kwargs)

        return dispatch  # type: ignore[return-value]

    return decorate


class IrOperation(Operation):
    """One IR op as part of a functional model, saved as IR text.

    ``types`` are those of the inputs when it was recorded: the op's operands, then ``references`` tensors of which only
    the sizes count. Sizes that were open are bound again at each call.
    """

    def __init__(
        self,
        op: Op,
        types: tuple[TensorType, ...],
        regions: tuple[Graph, ...] = (),
        references: int = 0,
        name: str | None = None,
    ) -> None:
        super().__init__(name or auto_name(op.name))
        self.op = op
        self.types = types
        self.regions = regions
        self.references = references

    def call(self, *inputs: Any) -> Any:
        lifted = [lift(x) for x in inputs]
        bindings: dict[str, Dim] = {}
        for tensor, recorded in zip(lifted, self.types, strict=True):
            _bind_sizes(recorded, type_of(tensor), bindings)
        operands = lifted[: len(lifted) - self.references]
        return bind(self.op.substitute_dims(bindings), *operands, regions=self.regions)

    def get_config(self) -> dict[str, Any]:
        graph = Graph(self.op.name)
        values = tuple(graph.add_input(t) for t in self.types)
        operands = values[: len(values) - self.references]
        with Assumptions() as assumptions:
            results = self.op.infer_node([v.type for v in operands], self.regions)
        node = graph.append(self.op, operands, results, self.regions)
        graph.set_outputs(list(node.results))
        return {"name": self.name, "graph": print_graph(specialize(graph, assumptions.bindings), locations=False)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> IrOperation:
        """The op of saved IR text. Raises ParseError for text that is no graph of one op."""
        graph = parse_graph(config["graph"])
        (node,) = graph.nodes()
        types = tuple(v.type for v in graph.inputs)
        return cls(node.op, types, tuple(node.regions), len(types) - len(node.operands), config["name"])


def _bind_sizes(recorded: TensorType, actual: TensorType, bindings: dict[str, Dim]) -> None:
    for size, found in zip(recorded.shape, actual.shape, strict=True):
        if not isinstance(size, int):
            bindings.setdefault(str(size), found)


def _apply(op: Op, operands: tuple[Any, ...], regions: tuple[Graph, ...]) -> Any:
    results = infer_op(op, operands, regions)
    types = tuple(type_of(operand) for operand in operands)
    references = _references(op, types)
    all_types = (*types, *(tensor.type for tensor in references))
    recorded = IrOperation(op, all_types, regions, len(references))
    connect(recorded, (*operands, *references), {}, results)
    return results[0] if op.num_results == 1 else results


def _references(op: Op, types: tuple[TensorType, ...]) -> list[KerasTensor]:
    """KerasTensors that carry the open sizes of the op's attributes which its operands lack."""
    at_hand = {str(size) for t in types for size in t.shape}
    found: dict[str, KerasTensor] = {}
    for value in op.__dict__.values():
        sizes = value if isinstance(value, tuple) else ()
        for symbol in sorted(s for size in sizes if isinstance(size, DimExpr) for s in free_symbols(size)):
            carrier = None if symbol in at_hand else carrier_of(symbol)
            if carrier is not None:
                found[symbol] = carrier
    return list(found.values())


# Here and not in its class: operations build on KerasTensors.
KerasTensor.apply = staticmethod(_apply)  # type: ignore[method-assign]
publish("graphc", {"IrOperation": IrOperation}, ["IrOperation"])
