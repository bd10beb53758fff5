"""Layers: what models are made of."""

from graphc.keras.engine.input_spec import InputSpec
from graphc.keras.engine.layer import Layer
from graphc.keras.layers.activation.rectifiers import ELU, LeakyReLU, PReLU, ReLU, ThresholdedReLU
from graphc.keras.layers.activation.softmax import Softmax
from graphc.keras.layers.attention.attention import AdditiveAttention, Attention
from graphc.keras.layers.attention.grouped_query_attention import GroupedQueryAttention
from graphc.keras.layers.attention.multi_head_attention import MultiHeadAttention
from graphc.keras.layers.convolutional.conv import Conv1D, Conv2D, Conv3D
from graphc.keras.layers.convolutional.depthwise import DepthwiseConv1D, DepthwiseConv2D
from graphc.keras.layers.convolutional.separable import SeparableConv1D, SeparableConv2D
from graphc.keras.layers.convolutional.transpose import Conv1DTranspose, Conv2DTranspose, Conv3DTranspose
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
from graphc.keras.layers.lookup import deserialize, serialize
from graphc.keras.layers.merging.concatenate import Concatenate, concatenate
from graphc.keras.layers.merging.dot import Dot, dot
from graphc.keras.layers.merging.elementwise import (
    Add,
    Average,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    maximum,
    minimum,
    multiply,
    subtract,
)
from graphc.keras.layers.normalization.batch_normalization import BatchNormalization
from graphc.keras.layers.normalization.group_normalization import GroupNormalization
from graphc.keras.layers.normalization.layer_normalization import LayerNormalization
from graphc.keras.layers.normalization.rms_normalization import RMSNormalization
from graphc.keras.layers.normalization.spectral_normalization import SpectralNormalization
from graphc.keras.layers.normalization.unit_normalization import UnitNormalization
from graphc.keras.layers.pooling.adaptive import (
    AdaptiveAveragePooling1D,
    AdaptiveAveragePooling2D,
    AdaptiveAveragePooling3D,
    AdaptiveMaxPooling1D,
    AdaptiveMaxPooling2D,
    AdaptiveMaxPooling3D,
)
from graphc.keras.layers.pooling.whole import (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
)
from graphc.keras.layers.pooling.windows import (
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
)
from graphc.keras.layers.preprocessing.category_encoding import CategoryEncoding
from graphc.keras.layers.preprocessing.discretization import Discretization
from graphc.keras.layers.preprocessing.hashing import Hashing
from graphc.keras.layers.preprocessing.integer_lookup import IntegerLookup
from graphc.keras.layers.preprocessing.normalization import Normalization
from graphc.keras.layers.preprocessing.random_colors import RandomBrightness, RandomContrast
from graphc.keras.layers.preprocessing.random_geometry import (
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
)
from graphc.keras.layers.preprocessing.rescaling import Rescaling
from graphc.keras.layers.preprocessing.resizing import CenterCrop, Resizing
from graphc.keras.layers.preprocessing.string_lookup import StringLookup
from graphc.keras.layers.preprocessing.text_vectorization import TextVectorization
from graphc.keras.layers.regularization.activity_regularization import ActivityRegularization
from graphc.keras.layers.regularization.alpha_dropout import AlphaDropout
from graphc.keras.layers.regularization.dropout import Dropout, SpatialDropout1D, SpatialDropout2D, SpatialDropout3D
from graphc.keras.layers.regularization.gaussian import GaussianDropout, GaussianNoise
from graphc.keras.layers.reshaping.borders import (
    Cropping1D,
    Cropping2D,
    Cropping3D,
    ZeroPadding1D,
    ZeroPadding2D,
    ZeroPadding3D,
)
from graphc.keras.layers.reshaping.shapes import Flatten, Permute, RepeatVector, Reshape
from graphc.keras.layers.reshaping.up_sampling import UpSampling1D, UpSampling2D, UpSampling3D
from graphc.keras.layers.rnn.bidirectional import Bidirectional
from graphc.keras.layers.rnn.conv_lstm import ConvLSTM1D, ConvLSTM2D, ConvLSTM3D
from graphc.keras.layers.rnn.gru import GRU, GRUCell
from graphc.keras.layers.rnn.lstm import LSTM, LSTMCell
from graphc.keras.layers.rnn.rnn import RNN
from graphc.keras.layers.rnn.simple_rnn import SimpleRNN, SimpleRNNCell
from graphc.keras.layers.rnn.stacked_rnn_cells import StackedRNNCells
from graphc.keras.layers.rnn.time_distributed import TimeDistributed
from graphc.keras.registry import publish

GroupQueryAttention = GroupedQueryAttention

Convolution1D = Conv1D
Convolution1DTranspose = Conv1DTranspose
Convolution2D = Conv2D
Convolution2DTranspose = Conv2DTranspose
Convolution3D = Conv3D
Convolution3DTranspose = Conv3DTranspose
SeparableConvolution1D = SeparableConv1D
SeparableConvolution2D = SeparableConv2D

AvgPool1D = AveragePooling1D
AvgPool2D = AveragePooling2D
AvgPool3D = AveragePooling3D
GlobalAvgPool1D = GlobalAveragePooling1D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
GlobalMaxPool1D = GlobalMaxPooling1D
GlobalMaxPool2D = GlobalMaxPooling2D
GlobalMaxPool3D = GlobalMaxPooling3D
MaxPool1D = MaxPooling1D
MaxPool2D = MaxPooling2D
MaxPool3D = MaxPooling3D

__all__ = [
    "ELU", "GRU", "LSTM", "RNN", "Activation", "ActivityRegularization", "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D", "AdaptiveAveragePooling3D", "AdaptiveMaxPooling1D", "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D", "Add", "AdditiveAttention", "AlphaDropout", "Attention", "Average", "AveragePooling1D",
    "AveragePooling2D", "AveragePooling3D", "AvgPool1D", "AvgPool2D", "AvgPool3D", "BatchNormalization",
    "Bidirectional", "CategoryEncoding", "CenterCrop", "Concatenate", "Conv1D", "Conv1DTranspose", "Conv2D",
    "Conv2DTranspose", "Conv3D", "Conv3DTranspose", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "Convolution1D",
    "Convolution1DTranspose", "Convolution2D", "Convolution2DTranspose", "Convolution3D", "Convolution3DTranspose",
    "Cropping1D", "Cropping2D", "Cropping3D", "Dense", "DepthwiseConv1D", "DepthwiseConv2D", "Discretization", "Dot",
    "Dropout", "EinsumDense", "Embedding", "Flatten", "GRUCell", "GaussianDropout", "GaussianNoise",
    "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D", "GlobalAvgPool1D", "GlobalAvgPool2D",
    "GlobalAvgPool3D", "GlobalMaxPool1D", "GlobalMaxPool2D", "GlobalMaxPool3D", "GlobalMaxPooling1D",
    "GlobalMaxPooling2D", "GlobalMaxPooling3D", "GroupNormalization", "GroupQueryAttention", "GroupedQueryAttention",
    "Hashing", "Identity", "Input", "InputLayer", "InputSpec", "IntegerLookup", "LSTMCell", "Lambda", "Layer",
    "LayerNormalization", "LeakyReLU", "Masking", "MaxPool1D", "MaxPool2D", "MaxPool3D", "MaxPooling1D",
    "MaxPooling2D", "MaxPooling3D", "Maximum", "Minimum", "MultiHeadAttention", "Multiply", "Normalization", "PReLU",
    "Permute", "RMSNormalization", "RandomBrightness", "RandomContrast", "RandomCrop", "RandomFlip", "RandomRotation",
    "RandomTranslation", "RandomZoom", "ReLU", "RepeatVector", "Rescaling", "Reshape", "Resizing",
    "ReversibleEmbedding", "SeparableConv1D", "SeparableConv2D", "SeparableConvolution1D", "SeparableConvolution2D",
    "SimpleRNN", "SimpleRNNCell", "Softmax", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D",
    "SpectralNormalization", "StackedRNNCells", "StringLookup", "Subtract", "TextVectorization", "ThresholdedReLU",
    "TimeDistributed", "UnitNormalization", "UpSampling1D", "UpSampling2D", "UpSampling3D", "Wrapper", "ZeroPadding1D",
    "ZeroPadding2D", "ZeroPadding3D", "add", "average", "concatenate", "deserialize", "dot", "maximum", "minimum",
    "multiply", "serialize", "subtract",
]  # fmt: skip

publish("keras.layers", vars(), set(__all__) - {"deserialize", "serialize"})
