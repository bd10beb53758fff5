"""tf.distribute: code for several replicas runs with one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc_ir.errors import ArgumentError


def test_a_training_loop_for_replicas() -> None:
    strategy = tf.distribute.MirroredStrategy()
    assert strategy.num_replicas_in_sync == 1
    with strategy.scope():
        assert tf.distribute.get_strategy() is strategy
        v = tf.Variable(0.0)
    assert not tf.distribute.has_strategy()
    dataset = strategy.experimental_distribute_dataset(tf.data.Dataset.range(4).batch(2))

    @tf.function
    def step(batch: Any) -> Any:
        def on_replica(x: Any) -> Any:
            context = tf.distribute.get_replica_context()
            assert context.strategy is strategy
            return context.all_reduce("sum", tf.reduce_sum(tf.cast(x, "float32")))

        return strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(on_replica, args=(batch,)), axis=None)

    for batch in dataset:
        v.assign_add(step(batch))
    assert float(v) == 6.0


def test_reductions_and_results() -> None:
    strategy = tf.distribute.OneDeviceStrategy("/CPU:0")
    x = tf.constant([[1.0, 2.0], [3.0, 5.0]])
    np.testing.assert_array_equal(strategy.reduce("MEAN", x, axis=0).numpy(), [2.0, 3.5])
    assert strategy.experimental_local_results(x) == (x,)
    assert strategy.gather(x, 0) is x
    made = strategy.distribute_datasets_from_function(lambda context: context.get_per_replica_batch_size(8))
    assert made == 8
    with pytest.raises(ArgumentError, match="reduce_op='max', expected"):
        strategy.reduce("max", x, axis=None)


def test_several_devices() -> None:
    with pytest.raises(ArgumentError, match="graphc trains on one device"):
        tf.distribute.MirroredStrategy(["/GPU:0", "/GPU:1"])
    assert tf.distribute.get_strategy().num_replicas_in_sync == 1
