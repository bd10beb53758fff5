"""tf.train: checkpoints and moving averages."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import keras
from graphc.train import latest_checkpoint
from graphc_ir.errors import ArgumentError


def trained(seed: int) -> tuple[Any, Any]:
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(np.ones((8, 3), "f"), np.ones((8, 1), "f"), verbose=0)
    return model, model.optimizer


def test_save_and_restore(tmp_path: Path) -> None:
    model, optimizer = trained(0)
    step = tf.Variable(7)
    saved = tf.train.Checkpoint(model=model, optimizer=optimizer, step=step).save(tmp_path / "ckpt")
    assert saved == str(tmp_path / "ckpt-1")
    assert latest_checkpoint(tmp_path) == saved
    other, other_optimizer = trained(1)
    counter = tf.Variable(0)
    checkpoint = tf.train.Checkpoint(model=other, optimizer=other_optimizer, step=counter)
    checkpoint.restore(tmp_path).assert_consumed()
    for a, b in zip(model.variables + optimizer.variables, other.variables + other_optimizer.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert int(counter) == 7
    assert int(checkpoint.save_counter) == 1
    assert checkpoint.save(tmp_path / "ckpt").endswith("ckpt-2")


def test_names_and_nesting(tmp_path: Path) -> None:
    class Pair(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = tf.Variable(1.0), tf.Variable([2.0, 3.0])

    v = tf.Variable([1, 2])
    inner = tf.train.Checkpoint(w=tf.Variable(5.0))
    checkpoint = tf.train.Checkpoint(pair=Pair(), items=[v, {"x": tf.Variable(True)}], again=v, inner=inner,
                                     generator=tf.random.Generator.from_seed(1))  # fmt: skip
    prefix = checkpoint.write(tmp_path / "deep" / "one")
    assert dict(tf.train.list_variables(prefix)) == {
        "again": [2], "generator/state": [2], "inner/save_counter": [], "inner/w": [], "items/1/x": [], "pair/0": [],
        "pair/1": [2], "save_counter": [],
    }  # fmt: skip
    np.testing.assert_array_equal(tf.train.load_variable(prefix, "again"), [1, 2])
    reader = tf.train.load_checkpoint(prefix)
    assert reader.get_variable_to_dtype_map()["items/1/x"] == "bool"
    with pytest.raises(ArgumentError, match="the checkpoint has no 'nothing'; it has again, "):
        reader.get_tensor("nothing")


def test_bfloat16(tmp_path: Path) -> None:
    v = tf.Variable(tf.cast([1.5, 2.5], "bfloat16"))
    checkpoint = tf.train.Checkpoint(v=v)
    prefix = checkpoint.write(tmp_path / "x")
    v.assign(tf.cast([0.0, 0.0], "bfloat16"))
    checkpoint.read(prefix)
    np.testing.assert_array_equal(v.numpy().astype(np.float32), [1.5, 2.5])


def test_what_does_not_match(tmp_path: Path) -> None:
    prefix = tf.train.Checkpoint(a=tf.Variable([1.0]), b=tf.Variable(1)).write(tmp_path / "x")
    status = tf.train.Checkpoint(a=tf.Variable([0.0]), c=tf.Variable(1)).restore(prefix).expect_partial()
    assert (status.unused, status.missing) == (["b"], ["c"])
    with pytest.raises(ArgumentError, match="also has b, which the objects do not; build them"):
        status.assert_consumed()
    with pytest.raises(ArgumentError, match="has no value for c"):
        status.assert_existing_objects_matched()
    with pytest.raises(ArgumentError, match=r"a is float32\[1\] in the checkpoint, but float32\[2\] here"):
        tf.train.Checkpoint(a=tf.Variable([0.0, 0.0])).restore(prefix)
    with pytest.raises(ArgumentError, match=r"b is int32\[\] in the checkpoint, but int64\[\] here"):
        tf.train.Checkpoint(b=tf.Variable(np.int64(1))).restore(prefix)
    with pytest.raises(ArgumentError, match="there is no checkpoint at"):
        tf.train.Checkpoint(a=tf.Variable(1.0)).restore(tmp_path / "nothing")
    with pytest.raises(ArgumentError, match="there is no checkpoint at"):
        tf.train.Checkpoint(a=tf.Variable(1.0)).restore(tmp_path)
    assert tf.train.Checkpoint(a=tf.Variable(1.0)).restore(None).missing == []


def test_a_damaged_file(tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(b"no archive")
    with pytest.raises(ArgumentError, match="is no checkpoint of graphc, or is damaged"):
        tf.train.load_checkpoint(tmp_path / "x")
    with zipfile.ZipFile(tmp_path / "y.npz", "w") as archive:
        archive.writestr("dtypes.npy", b"\x93NUMPY\x01\x00")
    with pytest.raises(ArgumentError, match="is no checkpoint of graphc, or is damaged"):
        tf.train.load_checkpoint(tmp_path / "y")


def test_the_manager_keeps_the_newest(tmp_path: Path) -> None:
    v, step = tf.Variable(0.0), tf.Variable(0)
    manager = tf.train.CheckpointManager(
        tf.train.Checkpoint(v=v), tmp_path, 2, step_counter=step, checkpoint_interval=2
    )
    assert manager.restore_or_initialize() is None
    saved = []
    for i in range(6):
        step.assign(i)
        v.assign(float(i))
        saved.append(manager.save())
    assert [s is not None for s in saved] == [True, False] * 3
    assert manager.checkpoints == [str(tmp_path / f"ckpt-{i}") for i in (2, 3)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint", "ckpt-2.npz", "ckpt-3.npz"]
    v.assign(-1.0)
    assert manager.restore_or_initialize() == manager.latest_checkpoint == str(tmp_path / "ckpt-3")
    assert float(v) == 4.0
    assert manager.save(checkpoint_number=10, check_interval=False) == str(tmp_path / "ckpt-10")
    started = []
    empty = tf.train.CheckpointManager(tf.train.Checkpoint(v=v), tmp_path / "new", 1, init_fn=lambda: started.append(1))
    assert empty.restore_or_initialize() is None
    assert started == [1]
    with pytest.raises(ArgumentError, match="max_to_keep=0"):
        tf.train.CheckpointManager(tf.train.Checkpoint(v=v), tmp_path, 0)


def test_moving_averages() -> None:
    v = tf.Variable([1.0, 2.0])
    average = tf.train.ExponentialMovingAverage(0.75)
    assert average.average(v) is None
    average.apply([v])
    v.assign([5.0, 2.0])
    average.apply([v])
    np.testing.assert_allclose(average.average(v).numpy(), [2.0, 2.0])
    slow = tf.train.ExponentialMovingAverage(0.9, num_updates=0, zero_debias=False)
    slow.apply([v])
    v.assign([15.0, 2.0])
    slow.apply([v])
    np.testing.assert_allclose(slow.average(v).numpy(), [14.0, 2.0])
    from_zero = tf.train.ExponentialMovingAverage(0.75, zero_debias=True)
    from_zero.apply([v])
    np.testing.assert_allclose(from_zero.average(v).numpy(), v.numpy())


def test_what_takes_the_place_of_the_rest() -> None:
    with pytest.raises(AttributeError, match=r"no tf\.train\.Example.*from_tensor_slices"):
        tf.train.Example  # noqa: B018
    with pytest.raises(tf.errors.ExportError, match=r"export_onnx.*model\.save"):
        tf.saved_model.save(tf.Module(), "there")
    with pytest.raises(tf.errors.ImportModelError, match=r"tf\.import_onnx.*load_model"):
        tf.saved_model.load("there")
