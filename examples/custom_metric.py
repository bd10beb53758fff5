"""A stateful metric of your own, beside a built-in one."""

from __future__ import annotations

from typing import Any

import graphc as tf


class BinaryTruePositives(tf.keras.metrics.Metric):
    """Counts the examples that are true and predicted so."""

    def __init__(self, name: str = "binary_true_positives", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.count = self.add_weight(name="tp", initializer="zeros")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        hits = tf.logical_and(tf.cast(y_true, tf.bool), tf.cast(y_pred, tf.bool))
        values = tf.cast(hits, self.dtype)
        if sample_weight is not None:
            values = tf.multiply(values, tf.cast(sample_weight, self.dtype))
        self.count.assign_add(tf.reduce_sum(values))

    def result(self) -> Any:
        return self.count

    def reset_states(self) -> None:
        self.count.assign(0)


def main() -> dict[str, list[float]]:
    """The results after one and two updates, and after a reset."""
    found: dict[str, list[float]] = {}
    for metric in (BinaryTruePositives(), tf.keras.metrics.AUC()):
        values = []
        for y_true, y_pred in (([0, 1, 1, 1], [0, 1, 0, 0]), ([1, 1, 1, 1], [0, 1, 1, 0])):
            metric.update_state(y_true, y_pred)
            values.append(float(metric.result().numpy()))
        metric.reset_states()
        values.append(float(metric.result().numpy()))
        found[metric.name.partition("_")[0]] = values
    print(found)
    return found


if __name__ == "__main__":
    main()
