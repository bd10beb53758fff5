"""The Keras-style part of graphc: layers, models, training, saving."""

from graphc.devices import device
from graphc.keras import (
    activations,
    applications,
    backend,
    callbacks,
    config,
    constraints,
    datasets,
    distribution,
    dtype_policies,
    export,
    initializers,
    layers,
    losses,
    metrics,
    mixed_precision,
    models,
    ops,
    optimizers,
    preprocessing,
    random,
    regularizers,
    saving,
    tree,
    utils,
)
from graphc.keras.dtype_policies import DTypePolicy, FloatDTypePolicy
from graphc.keras.engine.function import Function
from graphc.keras.engine.input_spec import InputSpec
from graphc.keras.engine.keras_tensor import KerasTensor
from graphc.keras.engine.layer import Layer
from graphc.keras.engine.operation import Operation
from graphc.keras.engine.rematerialization import RematScope, remat
from graphc.keras.engine.symbolic_scope import SymbolicScope
from graphc.keras.initializers import Initializer
from graphc.keras.layers import Input
from graphc.keras.losses import Loss
from graphc.keras.metrics import Metric
from graphc.keras.models import Functional, Model, Sequential
from graphc.keras.name_scopes import name_scope
from graphc.keras.optimizers import Optimizer
from graphc.keras.regularizers import Regularizer
from graphc.keras.stateless_scope import StatelessScope
from graphc.keras.variable import Variable
from graphc.keras.versions import __version__, version

__all__ = [
    "DTypePolicy",
    "FloatDTypePolicy",
    "Function",
    "Functional",
    "Initializer",
    "Input",
    "InputSpec",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Operation",
    "Optimizer",
    "Regularizer",
    "RematScope",
    "Sequential",
    "StatelessScope",
    "SymbolicScope",
    "Variable",
    "__version__",
    "activations",
    "applications",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "device",
    "distribution",
    "dtype_policies",
    "export",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "name_scope",
    "ops",
    "optimizers",
    "preprocessing",
    "random",
    "regularizers",
    "remat",
    "saving",
    "tree",
    "utils",
    "version",
]
