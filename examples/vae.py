"""A variational autoencoder: sampling in a layer, the KL divergence by add_loss, trained by fit."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc import keras
from graphc.keras import layers


class Sampling(layers.Layer):
    """Draws from the normal distribution that mean and log variance describe."""

    def call(self, inputs: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        mean, log_variance = inputs
        noise = tf.random.normal(shape=tf.shape(mean))
        return mean + tf.exp(0.5 * log_variance) * noise


class Encoder(layers.Layer):
    """Images to mean, log variance and a sample of the latent variables."""

    def __init__(self, latent: int, hidden: int) -> None:
        super().__init__()
        self.hidden = layers.Dense(hidden, activation="relu")
        self.mean = layers.Dense(latent)
        self.log_variance = layers.Dense(latent)
        self.sampling = Sampling()

    def call(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        h = self.hidden(x)
        mean, log_variance = self.mean(h), self.log_variance(h)
        return mean, log_variance, self.sampling((mean, log_variance))


class VariationalAutoencoder(keras.Model):
    """Encoder and decoder; the divergence of the latent variables from the prior is a loss of its own."""

    def __init__(self, size: int, latent: int = 8, hidden: int = 64) -> None:
        super().__init__()
        self.encoder = Encoder(latent, hidden)
        self.decoder = keras.Sequential([layers.Dense(hidden, activation="relu"), layers.Dense(size, "sigmoid")])

    def call(self, x: tf.Tensor) -> tf.Tensor:
        mean, log_variance, z = self.encoder(x)
        divergence = -0.5 * tf.reduce_mean(log_variance - tf.square(mean) - tf.exp(log_variance) + 1)
        self.add_loss(0.01 * divergence)
        return self.decoder(z)


def main() -> dict[str, Any]:
    """Trains on digits; returns the losses and the error of a constant guess to compare with."""
    keras.utils.set_random_seed(3)
    (x, _), _ = keras.datasets.digits.load_data()
    x = x.reshape(-1, 64).astype("float32") / 16
    model = VariationalAutoencoder(64)
    model.compile(optimizer=keras.optimizers.Adam(0.003), loss="mse")
    history = model.fit(x, x, epochs=15, batch_size=64, verbose=2)
    new_images = model.decoder(tf.random.normal((4, 8)))
    guess = float(((x - x.mean(0)) ** 2).mean())
    return {"losses": history.history["loss"], "guess": guess, "new images": list(new_images.shape)}


if __name__ == "__main__":
    main()
