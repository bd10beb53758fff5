"""A classifier of handwritten digits (8x8 pixels), trained with Adam, tested on unseen images."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

import graphc as tf

CLASSES = 10


class Mlp(tf.Module):
    """Two hidden layers of ``width`` with relu; logits of ten classes."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        sizes = [inputs, width, width, CLASSES]
        self.layers = []
        for i, (n, m) in enumerate(pairwise(sizes)):
            start = tf.random.normal([n, m], stddev=(2 / n) ** 0.5)
            self.layers.append((tf.Variable(start, name=f"w{i}"), tf.Variable(tf.zeros([m]), name=f"b{i}")))

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        *hidden, (w, b) = self.layers
        for weights, bias in hidden:
            x = tf.nn.relu(x @ weights + bias)
        return x @ w + b


def load() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Images as float32[count, 64] in 0..1, labels int32[count]: training, then test."""
    (x, y), (x_test, y_test) = tf.keras.datasets.digits.load_data()
    images = [np.reshape(a / np.float32(16), (-1, 64)).astype(np.float32) for a in (x, x_test)]
    return images[0], y.astype(np.int32), images[1], y_test.astype(np.int32)


def main(epochs: int = 15) -> dict[str, float]:
    """Trains, and returns the last training loss and the accuracy on the test images."""
    tf.random.set_seed(1)
    x, y, x_test, y_test = load()
    model = Mlp(64, 128)
    optimizer = tf.keras.optimizers.Adam(0.001)
    variables = list(model.trainable_variables)

    @tf.function(input_signature=[tf.TensorSpec([None, 64]), tf.TensorSpec([None], tf.int32)])
    def train(images, labels):
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=model(images))
            loss = tf.reduce_mean(losses)
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    @tf.function
    def accuracy(images, labels):
        hits = tf.argmax(model(images), axis=1, output_type=tf.int32) == labels
        return tf.reduce_mean(tf.cast(hits, tf.float32))

    dataset = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x), seed=1).batch(64)
    for epoch in range(epochs):
        losses = [float(train(images, labels)) for images, labels in dataset]
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1:2}: loss {np.mean(losses):.4f}")
    found = {"loss": float(np.mean(losses)), "accuracy": float(accuracy(x_test, y_test))}
    print(f"test accuracy {found['accuracy']:.3f}")
    return found


if __name__ == "__main__":
    main()
