"""The network of the TensorFlow 2 overview and its training step, as a user writes them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Final

import graphc as tf
from graphc.cli.demo.data import CLASSES, PIXELS

SIZES: Final = (PIXELS, 256, 256, CLASSES)
IMAGES: Final = tf.TensorSpec(["batch", PIXELS], tf.float32, name="images")
LABELS: Final = tf.TensorSpec(["batch"], tf.int32, name="labels")


class Dense(tf.Module):
    """``x @ kernel + bias``. The kernel starts uniform in the bounds of Glorot and Bengio, 2010."""

    def __init__(self, inputs: int, units: int, name: str) -> None:
        super().__init__(name)
        bound = (6 / (inputs + units)) ** 0.5
        self.kernel = tf.Variable(tf.random.uniform((inputs, units), -bound, bound), name=f"{name}/kernel")
        self.bias = tf.Variable(tf.zeros(units), name=f"{name}/bias")

    def __call__(self, x: Any) -> Any:
        return x @ self.kernel + self.bias


class Classifier(tf.Module):
    """Dense layers with relu between them; gives logits."""

    def __init__(self, sizes: Sequence[int] = SIZES) -> None:
        super().__init__()
        pairs = enumerate(itertools.pairwise(sizes))
        self.layers = [Dense(inputs, units, f"dense_{i}") for i, (inputs, units) in pairs]

    def __call__(self, x: Any) -> Any:
        *hidden, last = self.layers
        for layer in hidden:
            x = tf.nn.relu(layer(x))
        return last(x)


class Training:
    """A new network with its optimizer, and two compiled functions: ``step`` and ``predict``."""

    def __init__(self, seed: int, backend: str = "auto") -> None:
        tf.random.set_seed(seed)
        self.model = Classifier()
        self.optimizer = tf.keras.optimizers.Adam(name="adam")
        self.optimizer.build(self.model.trainable_variables)
        self.step = tf.function(self.training_step, input_signature=[IMAGES, LABELS], backend=backend)
        self.predict = tf.function(self.probabilities, input_signature=[IMAGES], backend=backend)

    @property
    def variables(self) -> list[tf.Variable]:
        """Weights, then the optimizer's state."""
        return [*self.model.variables, *self.optimizer.variables]

    def training_step(self, images: Any, labels: Any) -> tuple[Any, Any]:
        """One step of Adam on a batch. Returns its mean loss and accuracy before the step."""
        with tf.GradientTape() as tape:
            logits = self.model(images)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
        weights = self.model.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        correct = tf.equal(tf.argmax(logits, axis=1, output_type=tf.int32), labels)
        return loss, tf.reduce_mean(tf.cast(correct, tf.float32))

    def probabilities(self, images: Any) -> Any:
        """Class probabilities, float32 [batch, 10]."""
        return tf.nn.softmax(self.model(images))
