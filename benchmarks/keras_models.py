"""The models whose export is compared with that of Keras: layers of every kind, and whole networks."""

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


def _application(name: str) -> Any:
    return getattr(keras.applications, name)(weights=None, input_shape=(96, 96, 3), classes=10)


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
    "MobileNetV2": (lambda: _application("MobileNetV2"), 123),
    "ResNet50": (lambda: _application("ResNet50"), 125),
    "EfficientNetB0": (lambda: _application("EfficientNetB0"), 312),
}
"""Each model, and how many nodes Keras 3.15.1 exports for it through TensorFlow; None where that fails."""
