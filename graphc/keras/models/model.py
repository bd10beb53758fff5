"""Model: a layer that can be trained and saved; Functional: one made of KerasTensors."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import graphc
from graphc.keras.engine.function import FunctionGraph
from graphc.keras.engine.keras_tensor import KerasTensor
from graphc.keras.engine.layer import Layer
from graphc.keras.engine.node import node_of
from graphc.keras.layers.core.input_layer import InputLayer
from graphc.keras.models.exporting import inference_function, training_function
from graphc.keras.models.functional_config import graph_config, read_graph
from graphc.keras.models.inputs import arrange_inputs
from graphc.keras.models.state_tree import get_state_tree, set_state_tree
from graphc.keras.registry import CustomObjectScope, publish
from graphc.keras.saving.api import load_weights, save_model, save_weights
from graphc.keras.saving.pickling import custom_objects_of, pickled, unpickled
from graphc.keras.serialization import serialize_keras_object
from graphc.keras.trainers.trainer import Trainer
from graphc.keras.utils.messages import print_message
from graphc.keras.utils.summary import print_summary
from graphc.pytree import flatten, leaves_of, map_leaves, unflatten
from graphc_ir.errors import ArgumentError

__all__ = ["Functional", "Model"]


class Model(Trainer):
    """``Model(inputs, outputs)`` of KerasTensors is a functional model; a subclass with a ``call`` is a model too.

    Raises ArgumentError when the outputs do not follow from the inputs.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        kind = Functional if cls is Model and _is_functional_call(args, kwargs) else cls
        model = super().__new__(kind, *args, **kwargs)
        model._graph = None
        return model

    _graph: FunctionGraph | None
    _with_losses: FunctionGraph
    """The graph that calls run: that of the outputs, and the losses of :meth:`add_loss`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not _is_functional_call(args, kwargs):
            super().__init__(*args, **kwargs)
            return
        bound = _FUNCTIONAL.bind(*args, **kwargs)
        bound.apply_defaults()
        super().__init__(name=bound.arguments["name"], **bound.arguments["options"])
        self._connect(bound.arguments["inputs"], bound.arguments["outputs"])
        if not bound.arguments["trainable"]:
            self.trainable = False

    # --- functional ----------------------------------------------------------------------------------------------

    def _connect(self, inputs: Any, outputs: Any) -> None:
        """Makes the model compute ``outputs`` from ``inputs``, structures of KerasTensors."""
        _check_tensors(inputs, "inputs")
        _check_tensors(outputs, "outputs")
        stand_ins: dict[int, KerasTensor] = {}
        inputs = map_leaves(lambda tensor: _beginning(tensor, stand_ins), inputs)
        self._inputs_structure = inputs
        self._outputs_structure = outputs
        self.inputs = leaves_of(inputs)
        flat, self._output_treedef = flatten(outputs)
        self.outputs = flat
        self._stand_ins = stand_ins
        self._symbolic_losses: list[KerasTensor] = []
        self._graph = self._with_losses = FunctionGraph(self.inputs, self.outputs, stand_ins)
        self._operations = self._graph.operations
        self.input_names = [node_of(t).operation.name for t in self.inputs]
        self.output_names = _output_names(outputs, [self._graph.real(t) for t in self.outputs])
        self.built = True

    _untracked = Trainer._untracked | {"inputs", "outputs", "_inputs_structure", "_outputs_structure", "_stand_ins",
                                       "_symbolic_losses"}  # fmt: skip

    if TYPE_CHECKING:

        def call(self, *args: Any, **kwargs: Any) -> Any:
            """Declared open: a subclass chooses its arguments."""

    else:

        def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
            """Computes the outputs. Subclasses that are not made of KerasTensors define it."""
            return self._call_graph(inputs, mask)

    def _call_graph(self, inputs: Any, mask: Any) -> Any:
        if self._graph is None:
            raise NotImplementedError(f"{type(self).__name__} must define call(self, inputs), or be made of inputs and "
                                      "outputs: Model(inputs, outputs)")  # fmt: skip
        tensors = arrange_inputs(inputs, self._inputs_structure, self.input_names, self.name)
        if mask is not None:
            for tensor, one in zip(tensors, leaves_of(mask, none_is_leaf=True), strict=False):
                tensor._keras_mask = one
        outputs, losses = _split(self._with_losses.run(tensors), len(self.outputs))
        if losses:
            super().add_loss(losses)
        return unflatten(self._output_treedef, outputs)

    def add_loss(self, loss: Any, **kwargs: Any) -> None:
        """Adds to the loss of the model, as in a layer. A functional model also takes KerasTensors made from its
        inputs: each call computes them. They are not part of the config; losses to be saved belong into a layer.

        Raises ArgumentError for KerasTensors that do not follow from the inputs.
        """
        given = leaves_of(loss)
        symbolic = [one for one in given if isinstance(one, KerasTensor)]
        if symbolic and self._graph is None:
            raise ArgumentError(f"model {self.name!r} is not made of KerasTensors, so add_loss cannot use one: call "
                                "add_loss in its call() method")  # fmt: skip
        if symbolic:
            losses = [*self._symbolic_losses, *symbolic]
            self._with_losses = FunctionGraph(self.inputs, [*self.outputs, *losses], self._stand_ins)
            self._operations = self._with_losses.operations
            self._symbolic_losses = losses
            self._steps = {}
        super().add_loss([one for one in given if not isinstance(one, KerasTensor)], **kwargs)

    def _mark(self, inputs: Any, outputs: Any, mask: Any) -> None:
        """The layers inside have marked the outputs."""

    def _names_of_outputs(self) -> Sequence[str] | None:
        return self.__dict__.get("output_names")

    @property
    def input(self) -> Any:
        """The KerasTensors that the model begins with."""
        return self._inputs_structure if self._graph is not None else super().input

    @property
    def output(self) -> Any:
        """The KerasTensors that the model ends with."""
        return self._outputs_structure if self._graph is not None else super().output

    @property
    def input_shape(self) -> Any:
        return map_leaves(lambda t: tuple(t.shape), self.input)

    @property
    def output_shape(self) -> Any:
        return map_leaves(lambda t: tuple(t.shape), self.output)

    # --- layers --------------------------------------------------------------------------------------------------

    @property
    def layers(self) -> list[Any]:
        """The layers directly in the model, in order."""
        return [x for x in self._sublayers() if isinstance(x, Layer)]

    @layers.setter
    def layers(self, value: Any) -> None:
        raise AttributeError("`Model.layers` attribute is reserved: it lists the layers in the model's attributes; "
                             "keep layers of your own in an attribute of another name")  # fmt: skip

    @property
    def operations(self) -> list[Any]:
        """All layers and operations of a functional model, inputs included, in order."""
        return [] if self._graph is None else list(self._operations)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Any:
        """The layer of that name or position. Raises ArgumentError when there is none."""
        layers = self.layers
        if (name is None) is (index is None):
            raise ArgumentError("get_layer takes a name or an index, one of them")
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ArgumentError(f"get_layer: got index {index}, but the model has {len(layers)} layers")
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        raise ArgumentError(f"there is no layer {name!r}; the layers are {', '.join(x.name for x in layers)}")

    def build(self, input_shape: Any) -> None:
        """Builds the layers of a subclassed model for inputs of this shape, by tracing ``call``."""
        if self._graph is None:
            super().build(input_shape)

    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Any = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Sequence[str] | None = None,
    ) -> None:
        """Prints the layers with their output shapes and numbers of parameters."""
        print_summary(self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range)

    # --- files ---------------------------------------------------------------------------------------------------

    @property
    def _layers_are_the_model(self) -> bool:
        """Whether ``layers`` is all there is to save: in weights files they then come first."""
        return self._graph is not None

    def save(self, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
        """Writes the model to ``NAME.keras``; see :func:`graphc.keras.saving.save_model`."""
        save_model(self, filepath, overwrite, zipped, **kwargs)

    def save_weights(self, filepath: Any, overwrite: bool = True, **kwargs: Any) -> None:
        """Writes the weights to ``NAME.weights.h5``."""
        save_weights(self, filepath, overwrite, **kwargs)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> None:
        """Reads weights. Raises ModelFileError, with nothing changed, when they do not fit."""
        load_weights(self, filepath, skip_mismatch, **kwargs)

    def export_function(
        self,
        train: bool,
        specs: Any = None,
        input_names: Sequence[str] | None = None,
        output_names: Sequence[str] | None = None,
    ) -> Any:
        """What :func:`graphc.export_onnx` exports: the inference or the training step, and the names of its values."""
        function, inputs, outputs = (training_function if train else inference_function)(self, specs)
        return function, input_names or inputs, output_names or outputs

    def export(
        self,
        filepath: Any,
        format: str = "onnx",
        verbose: Any = None,
        input_signature: Any = None,
        opset_version: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Writes the model's inference as an ONNX file, checked against the model itself.

        Raises ArgumentError for another format, ExportError for a model without an ONNX form.
        """
        if format != "onnx":
            raise ArgumentError(f"graphc exports models as format='onnx', got {format!r}")
        if opset_version is not None:
            kwargs["opset"] = opset_version
        graphc.export_onnx(self, filepath, specs=input_signature, **kwargs)
        if verbose or verbose is None:
            print_message(f"Saved artifact at '{filepath}'.")

    def __reduce__(self) -> Any:
        """Pickles and deep copies hold what files do."""
        return unpickled, (pickled(self), custom_objects_of(self))

    def get_state_tree(self, value_format: str = "backend_tensor") -> dict[str, Any]:
        """The values of all Variables (trainable, other, the optimizer's, the metrics') as nested dicts by path.

        ``value_format`` is ``"backend_tensor"`` or ``"numpy_array"``. Raises ArgumentError for two Variables of the
        same path.
        """
        return get_state_tree(self, value_format)

    def set_state_tree(self, state_tree: Mapping[str, Any]) -> None:
        """Sets the Variables that ``state_tree``, of :meth:`get_state_tree`'s shape, has values for. Raises
        ArgumentError, before any is set, for a path that the model does not have."""
        set_state_tree(self, state_tree)

    # --- configuration -------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The model as a config. Raises NotImplementedError for a subclass whose arguments cannot be written."""
        if self._graph is None or _own_constructor(type(self)):
            return super().get_config()
        layout = graph_config(self._graph, self._inputs_structure, self._outputs_structure, _is_functional)
        return {"name": self.name, "trainable": self.trainable, **layout}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """The model of a config, with new weights."""
        if not {"layers", "input_layers", "output_layers"} <= config.keys():
            return cls(**config)
        with CustomObjectScope(custom_objects or {}):
            inputs, outputs = read_graph(config, _is_functional)
        options = {key: config[key] for key in ("name", "trainable") if key in config}
        return cls(inputs=inputs, outputs=outputs, **options)

    def get_build_config(self) -> dict[str, Any] | None:
        return super().get_build_config() if self._graph is None else {"input_shape": None}

    def to_json(self, **kwargs: Any) -> str:
        """The config as JSON, for ``keras.models.model_from_json``."""
        return json.dumps(serialize_keras_object(self), **kwargs)


Model.build._traces_call = True  # type: ignore[attr-defined]
Model.get_config._captures_arguments = True  # type: ignore[attr-defined]


class Functional(Model):
    """A model made of KerasTensors; ``Model(inputs, outputs)`` gives one."""

    def serialized_class(self) -> dict[str, Any]:
        """Where Keras files place functional models."""
        return {"module": "keras.src.models.functional", "class_name": "Functional", "registered_name": "Functional"}


def _functional(inputs: Any, outputs: Any, name: str | None = None, trainable: bool = True, **options: Any) -> None:
    """The signature of the functional constructor."""


_FUNCTIONAL = inspect.signature(_functional)


def _is_functional_call(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    given = len(args) + len(kwargs.keys() & {"inputs", "outputs"})
    tensors = [*args[:2], kwargs.get("inputs"), kwargs.get("outputs")]
    return given >= 2 and any(isinstance(leaf, KerasTensor) for leaf in leaves_of(tensors))


def _is_functional(operation: Any) -> bool:
    return isinstance(operation, Model) and operation._graph is not None


def _own_constructor(cls: type) -> bool:
    """Whether a functional subclass takes arguments of its own, which then are its config."""
    constructor: Any = vars(cls).get("__init__", Model.__init__)
    return constructor is not Model.__init__ and "inputs" not in inspect.signature(constructor).parameters


def _beginning(tensor: KerasTensor, stand_ins: dict[int, KerasTensor]) -> KerasTensor:
    """The tensor itself if it is an Input; for one inside a graph, an Input that takes its place."""
    if node_of(tensor).is_input:
        return tensor
    found: KerasTensor = InputLayer(batch_shape=tuple(tensor.shape), dtype=tensor.dtype.name).output
    stand_ins[id(tensor)] = found
    return found


def _split(values: list[Any], count: int) -> tuple[list[Any], list[Any]]:
    return values[:count], values[count:]


def _check_tensors(tree: Any, what: str) -> None:
    for tensor in leaves_of(tree, none_is_leaf=True):
        if not isinstance(tensor, KerasTensor):
            raise ArgumentError(f"Model: All `{what}` values must be KerasTensors, got {tensor!r} of class "
                                f"{type(tensor).__name__}; begin with keras.Input(shape=...) and call layers "
                                "on it")  # fmt: skip


def _output_names(structure: Any, tensors: list[KerasTensor]) -> list[str]:
    if isinstance(structure, dict) and len(structure) == len(tensors):
        return [str(key) for key in sorted(structure)]
    return [node_of(t).operation.name for t in tensors]


publish("keras", {"Model": Model, "Functional": Functional}, ["Model", "Functional"])
publish("keras.models", {"Model": Model}, ["Model"])
publish("keras.src.models.functional", {"Functional": Functional}, ["Functional"])
publish("keras.src.models.model", {"Model": Model}, ["Model"])
