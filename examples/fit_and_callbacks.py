"""compile, fit, evaluate, predict; callbacks that stop, save and report; the saved model loaded again."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import keras
from graphc.keras import layers


class Worst(keras.callbacks.Callback):
    """Remembers the largest loss of a batch in each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.losses: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.losses.append(0.0)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.losses[-1] = max(self.losses[-1], logs["loss"])


def main() -> dict[str, Any]:
    """Trains until the validation loss rises; returns what happened."""
    keras.utils.set_random_seed(2)
    (x, y), (x_test, y_test) = keras.datasets.digits.load_data()
    x, x_test = x.reshape(-1, 64).astype("float32") / 16, x_test.reshape(-1, 64).astype("float32") / 16

    model = keras.Sequential([
        keras.Input((64,)),
        layers.Dense(256, activation="relu"),
        layers.Dense(256, activation="relu"),
        layers.Dense(10),
    ])  # fmt: skip
    model.compile(
        optimizer=keras.optimizers.Adam(0.003),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )
    worst = Worst()
    history = model.fit(
        x, y, epochs=30, batch_size=64, verbose=2, validation_data=(x_test, y_test),
        callbacks=[
            keras.callbacks.EarlyStopping(patience=2),
            keras.callbacks.ModelCheckpoint(filepath="best.keras", save_best_only=True),
            keras.callbacks.CSVLogger("log.csv"),
            worst,
        ],
    )  # fmt: skip

    best = keras.models.load_model("best.keras")
    loss, accuracy = best.evaluate(x_test, y_test, verbose=0)
    predicted = best.predict(x_test, verbose=0).argmax(-1)
    return {
        "epochs": len(history.epoch),
        "logged": sorted(history.history),
        "best validation loss": min(history.history["val_loss"]),
        "reloaded": [loss, accuracy],
        "predict agrees": bool(abs(np.mean(predicted == y_test) - accuracy) < 1e-6),
        "worst batches": worst.losses,
    }


if __name__ == "__main__":
    main()
