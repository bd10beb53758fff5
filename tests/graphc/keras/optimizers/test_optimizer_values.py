"""Updates of every optimizer against literal values of Keras 3.15, eagerly and as one compiled step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import keras

Options = dict[str, Any]

CASES: list[tuple[str, Options, list[float]]] = [
    ("SGD", {}, [0.9875, -2.05, 0.3, 2.925, 0.5, -0.95]),
    ("SGD", {"momentum": 0.9}, [0.947, -1.924, -0.132, 2.88225, 0.329, -0.653]),
    ("SGD", {"momentum": 0.9, "nesterov": True}, [0.9398, -1.9816, -0.2688, 2.819025, 0.3461, -0.6377]),
    ("Adam", {}, [0.898142, -1.900637, 0.267114, 2.752705, 0.341583, -0.848311]),
    ("Adam", {"beta_1": 0.5, "epsilon": 0.01}, [0.961774, -1.978515, 0.339767, 2.871451, 0.4311, -0.922298]),
    ("Adam", {"amsgrad": True}, [0.898142, -1.900637, 0.267114, 2.752738, 0.341616, -0.848311]),
    ("Adam", {"weight_decay": 0.1}, [0.870379, -1.843491, 0.255185, 2.666262, 0.329392, -0.82107]),
    ("AdamW", {}, [0.897021, -1.898329, 0.266631, 2.749213, 0.34109, -0.84721]),
    ("Adamax", {}, [0.899353, -1.902542, 0.298142, 2.800739, 0.359595, -0.862612]),
    ("Nadam", {}, [0.942867, -2.001966, 0.375412, 2.787465, 0.456647, -0.95332]),
    ("RMSprop", {}, [0.853808, -2.05289, 0.175812, 2.3954, 0.418823, -0.914009]),
    ("RMSprop", {"momentum": 0.5}, [0.731345, -1.88944, -0.135079, 2.158231, 0.181652, -0.717129]),
    ("RMSprop", {"centered": True}, [0.83672, -2.039086, 0.147512, 2.351245, 0.401952, -0.898781]),
    ("Adagrad", {}, [0.964103, -2.01292, 0.397435, 2.860133, 0.47366, -0.968434]),
    ("Adadelta", {}, [0.999958, -2.000099, 0.49986, 2.99968, 0.500002, -1.000001]),
    ("Adafactor", {}, [1.001843, -2.219258, 0.341159, 2.845855, 0.507198, -1.004785]),
    ("Ftrl", {}, [0.429581, -1.409897, 0.319348, 0.506739, 0.322905, -0.81226]),
    (
        "Ftrl",
        {
            "l1_regularization_strength": 0.05,
            "l2_regularization_strength": 0.1,
            "beta": 0.1,
            "l2_shrinkage_regularization_strength": 0.2,
        },
        [0.271043, -1.133975, 0.281231, 0.119512, 0.258023, -0.722395],
    ),
    ("Lion", {}, [0.9, -2.1, 0.4, 2.7, 0.4, -1.1]),
    ("Lamb", {}, [0.802058, -1.827481, -0.09887, 2.337522, 0.419129, -0.818031]),
    ("Muon", {}, [1.011222, -2.01615, 0.437266, 2.977165, 0.34109, -0.84721]),
    ("Muon", {"nesterov": False, "rms_rate": None}, [0.994713, -1.865311, 0.290425, 2.946372, 0.34109, -0.84721]),
    ("SGD", {"weight_decay": 0.1}, [0.958294, -1.992088, 0.29013, 2.836395, 0.487139, -0.923779]),
    ("SGD", {"clipnorm": 1.0}, [1.010827, -2.063875, 0.398015, 2.955935, 0.525989, -1.031268]),
    ("SGD", {"clipvalue": 0.5}, [0.9875, -2.05, 0.45, 2.925, 0.5, -1.05]),
    ("SGD", {"global_clipnorm": 1.0}, [1.016174, -2.055075, 0.410545, 2.968006, 0.517278, -1.023935]),
    ("SGD", {"loss_scale_factor": 2.0}, [0.99375, -2.025, 0.4, 2.9625, 0.5, -0.975]),
    ("SGD", {"gradient_accumulation_steps": 2}, [1.0, -1.975, 0.35, 2.9875, 0.45, -0.925]),
    (
        "SGD",
        {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 2},
        [0.9625, -2.025, 0.35, 2.925, 0.5, -0.925],
    ),
    (
        "Adam",
        {"gradient_accumulation_steps": 2, "use_ema": True, "weight_decay": 0.1},
        [0.99, -1.880002, 0.395001, 2.870003, 0.395001, -0.890001],
    ),
]

KERNEL, BIAS = [[1.0, -2.0], [0.5, 3.0]], [0.5, -1.0]
GRADIENTS = [
    ([[0.5, -1.0], [2.0, 0.25]], [1.0, -2.0]),
    ([[-0.5, 0.5], [1.0, 0.0]], [0.0, 0.5]),
    ([[0.125, 1.0], [-1.0, 0.5]], [-1.0, 1.0]),
]


def weights() -> list[Any]:
    return [keras.Variable(KERNEL, name="kernel"), keras.Variable(BIAS, name="bias")]


def flat(variables: list[Any]) -> list[float]:
    return [float(x) for v in variables for x in v.numpy().ravel()]


@pytest.mark.parametrize(("name", "options", "expected"), CASES)
def test_three_steps_give_the_values_of_keras(name: str, options: Options, expected: list[float]) -> None:
    variables = weights()
    optimizer = getattr(keras.optimizers, name)(learning_rate=0.1, **options)
    for grads in GRADIENTS:
        optimizer.apply_gradients(zip(map(tf.constant, grads), variables, strict=True))
    np.testing.assert_allclose(flat(variables), expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("backend", ["numpy", "onnxruntime"])
@pytest.mark.parametrize(("name", "options", "expected"), CASES)
def test_a_compiled_step_gives_the_same(backend: str, name: str, options: Options, expected: list[float]) -> None:
    variables = weights()
    optimizer = getattr(keras.optimizers, name)(learning_rate=0.1, **options)

    @tf.function(backend=backend)
    def step(kernel: Any, bias: Any) -> Any:
        return optimizer.apply_gradients([(kernel, variables[0]), (bias, variables[1])])

    for kernel, bias in GRADIENTS:
        step(tf.constant(kernel), tf.constant(bias))
    assert step.experimental_get_tracing_count() == 1
    np.testing.assert_allclose(flat(variables), expected, rtol=2e-5, atol=2e-6)
