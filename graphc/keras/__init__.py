"""The Keras-style part of graphc: layers, models, training, saving."""

from graphc.keras import (
    activations,
    callbacks,
    config,
    constraints,
    datasets,
    dtype_policies,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    random,
    regularizers,
    saving,
    utils,
)
from graphc.keras.dtype_policies import DTypePolicy, FloatDTypePolicy
from graphc.keras.engine.input_spec import InputSpec
from graphc.keras.engine.keras_tensor import KerasTensor
from graphc.keras.engine.layer import Layer
from graphc.keras.engine.operation import Operation
from graphc.keras.layers import Input
from graphc.keras.models import Functional, Model, Sequential
from graphc.keras.variable import Variable

__all__ = [
    "DTypePolicy",
    "FloatDTypePolicy",
    "Functional",
    "Input",
    "InputSpec",
    "KerasTensor",
    "Layer",
    "Model",
    "Operation",
    "Sequential",
    "Variable",
    "activations",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "dtype_policies",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "random",
    "regularizers",
    "saving",
    "utils",
]
