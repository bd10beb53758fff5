"""The models whose export is compared with that of Keras: layers of every kind, and networks of the usual shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc import keras
from graphc.keras import layers as L

Builder = Callable[[], Any]


def _mlp() -> Any:
    return keras.Sequential([
        keras.Input((20,)), L.Dense(64, activation="relu"), L.Dropout(0.3), L.Dense(64, activation="tanh"),
        L.Dense(10, activation="softmax"),
    ])  # fmt: skip


def _cnn_bn() -> Any:
    return keras.Sequential([
        keras.Input((32, 32, 3)), L.Conv2D(16, 3, padding="same", use_bias=False), L.BatchNormalization(), L.ReLU(),
        L.MaxPooling2D(), L.Conv2D(32, 3, strides=2), L.BatchNormalization(), L.ReLU(), L.GlobalAveragePooling2D(),
        L.Dense(10),
    ])  # fmt: skip


def _separable() -> Any:
    return keras.Sequential([
        keras.Input((32, 32, 3)), L.SeparableConv2D(16, 3, padding="same", activation="relu"),
        L.DepthwiseConv2D(3, dilation_rate=2), L.AveragePooling2D(2), L.Flatten(), L.Dense(4),
    ])  # fmt: skip


def _transposed() -> Any:
    return keras.Sequential([
        keras.Input((8, 8, 4)), L.Conv2DTranspose(8, 3, strides=2, padding="same", activation="relu"),
        L.UpSampling2D(2, interpolation="bilinear"), L.Conv2DTranspose(2, 4, strides=2, padding="valid"),
    ])  # fmt: skip


def _embedding_conv1d() -> Any:
    return keras.Sequential([
        keras.Input((24,), dtype="int32"), L.Embedding(100, 16), L.Conv1D(32, 5, padding="causal", activation="relu"),
        L.GlobalMaxPooling1D(), L.Dense(2),
    ])  # fmt: skip


def _recurrent(*stack: Any, time: int | None = 12) -> Any:
    return keras.Sequential([keras.Input((time, 8)), *stack, L.Dense(3)])


def _stacked_lstm_masked() -> Any:
    return keras.Sequential([
        keras.Input((12,), dtype="int32"), L.Embedding(50, 8, mask_zero=True), L.LSTM(16, return_sequences=True),
        L.LSTM(8), L.Dense(3),
    ])  # fmt: skip


def _convlstm2d() -> Any:
    return keras.Sequential([
        keras.Input((5, 10, 10, 2)), L.ConvLSTM2D(4, 3, padding="same", return_sequences=True), L.ConvLSTM2D(2, 3),
    ])  # fmt: skip


def _mha() -> Any:
    x = keras.Input((10, 16))
    return keras.Model(x, L.MultiHeadAttention(4, 8)(x, x))


def _transformer_block() -> Any:
    tokens = keras.Input((16,), dtype="int32")
    x = L.Embedding(60, 32)(tokens)
    x = L.LayerNormalization(epsilon=1e-6)(x + L.MultiHeadAttention(4, 8)(x, x, use_causal_mask=True))
    y = L.Dense(32)(L.Dense(64, activation="gelu")(x))
    return keras.Model(tokens, L.LayerNormalization()(x + y))


# --- networks ----------------------------------------------------------------------------------------------------


def _conv_bn(
    x: Any, filters: int, size: int, strides: int = 1, activation: Any = "relu", depthwise: bool = False
) -> Any:
    if depthwise:
        x = L.DepthwiseConv2D(size, strides=strides, padding="same", use_bias=False)(x)
    else:
        x = L.Conv2D(filters, size, strides=strides, padding="same", use_bias=False)(x)
    x = L.BatchNormalization()(x)
    return x if activation is None else L.Activation(activation)(x)


def _mobilenet_v2() -> Any:
    """Inverted residuals, as MobileNetV2 arranges them (Sandler et al., 2018)."""
    inputs = keras.Input((96, 96, 3))
    x, channels = _conv_bn(inputs, 32, 3, 2, "relu6"), 32
    for factor, filters, repeats, first in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
                                            (6, 160, 3, 2), (6, 320, 1, 1)):  # fmt: skip
        for i in range(repeats):
            y = x if factor == 1 else _conv_bn(x, channels * factor, 1, 1, "relu6")
            y = _conv_bn(y, 0, 3, first if i == 0 else 1, "relu6", depthwise=True)
            y = _conv_bn(y, filters, 1, 1, None)
            x, channels = (L.Add()([x, y]) if i else y), filters
    x = L.GlobalAveragePooling2D()(_conv_bn(x, 1280, 1, 1, "relu6"))
    return keras.Model(inputs, L.Dense(10, activation="softmax")(x))


def _resnet50() -> Any:
    """Bottleneck blocks, as ResNet50 arranges them (He et al., 2015)."""
    inputs = keras.Input((96, 96, 3))
    x = L.MaxPooling2D(3, strides=2, padding="same")(_conv_bn(inputs, 64, 7, 2))
    for stage, (filters, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3))):
        for i in range(blocks):
            strides = 2 if i == 0 and stage else 1
            shortcut = _conv_bn(x, 4 * filters, 1, strides, None) if i == 0 else x
            y = _conv_bn(_conv_bn(x, filters, 1, strides), filters, 3)
            x = L.ReLU()(L.Add()([shortcut, _conv_bn(y, 4 * filters, 1, 1, None)]))
    return keras.Model(inputs, L.Dense(10, activation="softmax")(L.GlobalAveragePooling2D()(x)))


def _efficientnet_b0() -> Any:
    """Inverted residuals with squeeze and excitation, as EfficientNetB0 arranges them (Tan and Le, 2019)."""
    inputs = keras.Input((96, 96, 3))
    x, channels = _conv_bn(L.Rescaling(1 / 255)(inputs), 32, 3, 2, "swish"), 32
    stages = ((1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5),
              (6, 192, 4, 2, 5), (6, 320, 1, 1, 3))  # fmt: skip
    for factor, filters, repeats, first, size in stages:
        for i in range(repeats):
            wide = channels * factor
            y = x if factor == 1 else _conv_bn(x, wide, 1, 1, "swish")
            y = _conv_bn(y, 0, size, first if i == 0 else 1, "swish", depthwise=True)
            gate = L.Reshape((1, 1, wide))(L.GlobalAveragePooling2D()(y))
            gate = L.Conv2D(wide, 1, activation="sigmoid")(L.Conv2D(max(1, channels // 4), 1, activation="swish")(gate))
            y = _conv_bn(L.Multiply()([y, gate]), filters, 1, 1, None)
            x, channels = (L.Add()([x, y]) if i else y), filters
    x = L.GlobalAveragePooling2D()(_conv_bn(x, 1280, 1, 1, "swish"))
    return keras.Model(inputs, L.Dense(10, activation="softmax")(L.Dropout(0.2)(x)))


MODELS: dict[str, tuple[Builder, int | None]] = {
    "MLP": (_mlp, 6),
    "CNN + batch norm": (_cnn_bn, 9),
    "separable": (_separable, None),
    "transposed": (_transposed, 6),
    "embedding + causal Conv1D": (_embedding_conv1d, 19),
    "LSTM": (lambda: _recurrent(L.LSTM(16)), 13),
    "LSTM, open time": (lambda: _recurrent(L.LSTM(16, return_sequences=True), time=None), 19),
    "GRU": (lambda: _recurrent(L.GRU(16, return_sequences=True), L.GRU(8)), 82),
    "GRU, reset before": (lambda: _recurrent(L.GRU(16, reset_after=False)), 41),
    "BiLSTM + BiGRU": (
        lambda: _recurrent(L.Bidirectional(L.LSTM(16, return_sequences=True)), L.Bidirectional(L.GRU(8), "sum")),
        96,
    ),
    "stacked masked LSTM": (_stacked_lstm_masked, 154),
    "ConvLSTM2D": (_convlstm2d, 129),
    "MultiHeadAttention": (_mha, 58),
    "transformer block": (_transformer_block, None),
    "MobileNetV2": (_mobilenet_v2, 140),
    "ResNet50": (_resnet50, 125),
    "EfficientNetB0": (_efficientnet_b0, None),
}
"""Each model, and how many nodes Keras 3.15.1 exports for it through TensorFlow; None where that fails."""
