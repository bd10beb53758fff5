"""A transformer block as a Layer of one's own: trained, saved, loaded again and exported to ONNX."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime as ort

import graphc as tf
from graphc import keras
from graphc.keras import layers

LENGTH, SYMBOLS = 12, 8


@keras.saving.register_keras_serializable(package="examples")
class TransformerBlock(layers.Layer):
    """Attention and a gelu network, each behind a layer normalization and around a residual connection."""

    def __init__(self, heads: int, width: int, hidden: int, rate: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.sizes = {"heads": heads, "width": width, "hidden": hidden, "rate": rate}
        self.norms = [layers.LayerNormalization(epsilon=1e-6), layers.LayerNormalization(epsilon=1e-6)]
        self.attention = layers.MultiHeadAttention(num_heads=heads, key_dim=width // heads, dropout=rate)
        self.hidden = layers.Dense(hidden, activation="gelu")
        self.out = layers.Dense(width)
        self.dropout = layers.Dropout(rate)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        y = self.norms[0](x)
        x = x + self.dropout(self.attention(y, y))
        return x + self.dropout(self.out(self.hidden(self.norms[1](x))))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.sizes}


def build() -> keras.Model:
    """Symbols to a number per position."""
    symbols = keras.Input((LENGTH,), dtype="int32", name="symbols")
    places = layers.Embedding(LENGTH, 32)(keras.ops.arange(LENGTH))
    x = layers.Embedding(SYMBOLS, 32)(symbols) + places
    x = TransformerBlock(heads=4, width=32, hidden=64, rate=0.1)(x)
    x = layers.LayerNormalization(epsilon=1e-6)(x)
    return keras.Model(symbols, layers.Dense(SYMBOLS, name="logits")(x))


def main() -> dict[str, Any]:
    """Learns to write sequences backwards; returns accuracy and what the saved and the exported model say."""
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).integers(0, SYMBOLS, size=(2048, LENGTH)).astype("int32")
    y = x[:, ::-1]
    model = build()
    model.compile(
        optimizer=keras.optimizers.AdamW(0.005),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    history = model.fit(x, y, batch_size=64, epochs=6, verbose=2, validation_split=0.125)
    expected = model.predict(x[:5], verbose=0)

    model.save("reverser.keras")
    loaded = keras.models.load_model("reverser.keras")
    model.export("reverser.onnx")
    session = ort.InferenceSession("reverser.onnx", providers=["CPUExecutionProvider"])
    (exported,) = session.run(None, {"symbols": x[:5]})
    return {
        "accuracy": history.history["val_accuracy"][-1],
        "loaded": float(np.abs(loaded.predict(x[:5], verbose=0) - expected).max()),
        "exported": float(np.abs(exported - expected).max()),
    }


if __name__ == "__main__":
    print(main())
