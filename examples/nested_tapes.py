"""Tapes inside tapes: derivatives of any order, the Hessian, and a gradient penalty."""

from __future__ import annotations

import numpy as np

import graphc as tf


def derivatives(x0: float, order: int) -> list[float]:
    """x^4 and its derivatives up to ``order``, at x0."""
    x = tf.Variable(x0)

    def derivative(n: int) -> tf.Tensor:
        if n == 0:
            return x**4
        with tf.GradientTape() as tape:
            y = derivative(n - 1)
        return tape.gradient(y, x)

    return [float(derivative(n)) for n in range(order + 1)]


def rosenbrock(v: tf.Tensor) -> tf.Tensor:
    """The test function (1 - a)^2 + 100 (b - a^2)^2 of v = [a, b]."""
    return (1.0 - v[0]) ** 2 + 100.0 * (v[1] - v[0] ** 2) ** 2


def newton(start: list[float], steps: int) -> np.ndarray:
    """The minimum of the Rosenbrock function by Newton's method, which needs gradient and Hessian."""
    v = tf.Variable(start)
    for _ in range(steps):
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                value = rosenbrock(v)
            gradient = inner.gradient(value, v)
        hessian = outer.jacobian(gradient, v)
        v.assign_sub(tf.linalg.solve(hessian, gradient[:, tf.newaxis])[:, 0])
    return v.numpy()


def gradient_penalty() -> float:
    """The gradient with respect to w of |d(w x^2)/dx|^2, at w = 3 and x = 2: 8 w x^2."""
    w, x = tf.Variable(3.0), tf.Variable(2.0)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            y = w * x * x
        penalty = tf.square(inner.gradient(y, x))
    return float(outer.gradient(penalty, w))


def main() -> dict[str, list[float]]:
    """Prints and returns the results."""
    found = {
        "derivatives of x^4 at 2": derivatives(2.0, 4),
        "minimum by Newton's method": newton([-1.0, 1.0], 6).tolist(),
        "gradient of the penalty": [gradient_penalty()],
    }
    for name, values in found.items():
        print(f"{name}: {', '.join(f'{value:.4g}' for value in values)}")
    return found


if __name__ == "__main__":
    main()
