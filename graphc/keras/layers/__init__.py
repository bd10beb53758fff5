"""Layers."""

from graphc.keras.engine.input_spec import InputSpec
from graphc.keras.engine.layer import Layer
from graphc.keras.layers.activation.rectifiers import ELU, LeakyReLU, PReLU, ReLU, ThresholdedReLU
from graphc.keras.layers.activation.softmax import Softmax
from graphc.keras.layers.core.activation import Activation
from graphc.keras.layers.core.dense import Dense
from graphc.keras.layers.core.einsum_dense import EinsumDense
from graphc.keras.layers.core.embedding import Embedding
from graphc.keras.layers.core.identity import Identity
from graphc.keras.layers.core.input_layer import Input, InputLayer
from graphc.keras.layers.core.lambda_layer import Lambda
from graphc.keras.layers.core.masking import Masking
from graphc.keras.layers.core.reversible_embedding import ReversibleEmbedding
from graphc.keras.layers.core.wrapper import Wrapper
from graphc.keras.layers.normalization.batch_normalization import BatchNormalization
from graphc.keras.layers.normalization.group_normalization import GroupNormalization
from graphc.keras.layers.normalization.layer_normalization import LayerNormalization
from graphc.keras.layers.normalization.rms_normalization import RMSNormalization
from graphc.keras.layers.normalization.spectral_normalization import SpectralNormalization
from graphc.keras.layers.normalization.unit_normalization import UnitNormalization
from graphc.keras.layers.regularization.activity_regularization import ActivityRegularization
from graphc.keras.layers.regularization.alpha_dropout import AlphaDropout
from graphc.keras.layers.regularization.dropout import Dropout, SpatialDropout1D, SpatialDropout2D, SpatialDropout3D
from graphc.keras.layers.regularization.gaussian import GaussianDropout, GaussianNoise
from graphc.keras.registry import publish

__all__ = [
    "ELU", "Activation", "ActivityRegularization", "AlphaDropout", "BatchNormalization", "Dense", "Dropout",
    "EinsumDense", "Embedding", "GaussianDropout", "GaussianNoise", "GroupNormalization", "Identity", "Input",
    "InputLayer", "InputSpec", "Lambda", "Layer", "LayerNormalization", "LeakyReLU", "Masking", "PReLU",
    "RMSNormalization", "ReLU", "ReversibleEmbedding", "Softmax", "SpatialDropout1D", "SpatialDropout2D",
    "SpatialDropout3D", "SpectralNormalization", "ThresholdedReLU", "UnitNormalization", "Wrapper",
]  # fmt: skip

publish("keras.layers", vars(), __all__)
