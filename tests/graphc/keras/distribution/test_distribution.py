"""``keras.distribution``: descriptions of meshes of any size, training on one device."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from graphc import keras
from graphc.keras.distribution import (
    DataParallel,
    DeviceMesh,
    LayoutMap,
    ModelParallel,
    TensorLayout,
    distribute_tensor,
    distribution,
    get_device_count,
    initialize,
    list_devices,
    set_distribution,
)
from graphc.mode import mode
from graphc_ir.errors import ArgumentError, BackendError, ShapeError

EIGHT = [f"cpu:{i}" for i in range(8)]


@pytest.fixture
def grid() -> DeviceMesh:
    return DeviceMesh((4, 2), ["data", "model"], EIGHT)


@pytest.fixture
def one() -> DeviceMesh:
    return DeviceMesh((1, 1), ["data", "model"], ["cpu:0"])


@pytest.fixture(autouse=True)
def _none_in_effect() -> Iterator[None]:
    yield
    set_distribution(None)


# --- devices and processes ---------------------------------------------------------------------------------------


def test_devices_have_names() -> None:
    assert list_devices("CPU") == ["cpu:0"]
    assert list_devices("tpu") == []
    assert get_device_count("cpu") == 1
    with pytest.raises(ArgumentError, match=r"got device_type='xpu', expected one of cpu, gpu, tpu"):
        list_devices("xpu")


def test_a_job_has_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    initialize()
    initialize("10.0.0.1:1234", 1, 0)
    two = r"but graphc trains in one process; leave the call out"
    with pytest.raises(ArgumentError, match=two):
        initialize("10.0.0.1:1234,10.0.0.2:2345")
    monkeypatch.setenv("KERAS_DISTRIBUTION_NUM_PROCESSES", "2")
    with pytest.raises(ArgumentError, match=two):
        initialize()
    initialize(num_processes=1)
    monkeypatch.setenv("KERAS_DISTRIBUTION_NUM_PROCESSES", "two")
    with pytest.raises(ArgumentError, match=r"got num_processes='two', expected an integer"):
        initialize()


# --- meshes and layouts ------------------------------------------------------------------------------------------


def test_a_mesh_arranges_devices(grid: DeviceMesh) -> None:
    assert (grid.shape, grid.axis_names) == ((4, 2), ["data", "model"])
    assert grid.devices.tolist()[1] == ["cpu:2", "cpu:3"]
    assert repr(grid) == "<DeviceMesh shape=(4, 2), axis_names=['data', 'model']>"
    assert DeviceMesh((len(list_devices()),), ["batch"]).devices.tolist() == list_devices()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((4,), "", EIGHT), "Shape and axis_names cannot be empty"),
        (((4, 2), ["data"], EIGHT), "Shape and axis_names should have same size"),
        (((4, 2), ["data", "data"], EIGHT), "expected a different name for each axis"),
        (((3, 2), ["data", "model"], EIGHT), "Shape does not match the number of devices.* 6 places for 8 devices"),
    ],
)
def test_what_a_mesh_refuses(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        DeviceMesh(*arguments)


def test_a_layout_names_axes_of_its_mesh(grid: DeviceMesh) -> None:
    layout = TensorLayout(["data", None])
    layout.device_mesh = grid
    assert (layout.axes, layout.device_mesh) == (("data", None), grid)
    assert TensorLayout(["data"]).device_mesh is None
    with pytest.raises(ArgumentError, match=r"Cannot override device mesh value"):
        layout.device_mesh = grid
    unknown = r"Invalid axis names for Layout: \['x'\]; the mesh has the axes \['data', 'model'\]"
    with pytest.raises(ArgumentError, match=unknown):
        TensorLayout(["data", "x"], grid)
    late = TensorLayout(["x"])
    with pytest.raises(ArgumentError, match=unknown):
        late.device_mesh = grid


def test_a_layout_map_finds_layouts_by_path(grid: DeviceMesh) -> None:
    layouts = LayoutMap(grid)
    layouts["dense/kernel"] = TensorLayout([None, "model"])
    layouts[".*dense.*kernel"] = (None, None)
    layouts[".*bias"] = ("model",)
    exact = layouts["dense/kernel"]
    assert exact is not None
    assert (exact.axes, exact.device_mesh) == ((None, "model"), grid)
    assert layouts["a/dense_2/kernel"].axes == (None, None)  # type: ignore[union-attr]
    assert layouts["conv/kernel"] is None
    layouts["a.*"] = ("model",)
    with pytest.raises(ArgumentError, match=r"Path 'a/bias' matches multiple layout keys: \['\.\*bias', 'a\.\*'\]"):
        layouts["a/bias"]
    with pytest.raises(ArgumentError, match=r"dense/kernel already exist in the LayoutMap"):
        layouts["dense/kernel"] = (None,)
    with pytest.raises(ArgumentError, match=r"should be a TensorLayout or a tuple of axis names, got list"):
        layouts["x"] = ["model"]  # type: ignore[assignment]
    assert layouts.pop("dense/kernel") is exact
    with pytest.raises(KeyError):
        layouts.pop("dense/bias")
    assert list(layouts) == [".*dense.*kernel", ".*bias", "a.*"]
    assert len(layouts) == 3
    with pytest.raises(ArgumentError, match=r"got device_mesh=3 of type int, expected a DeviceMesh"):
        LayoutMap(3)  # type: ignore[arg-type]


# --- distributions -----------------------------------------------------------------------------------------------


def test_data_parallel_describes_any_mesh(grid: DeviceMesh) -> None:
    parallel = DataParallel(devices=EIGHT)
    assert (parallel.batch_dim_name, parallel.num_model_replicas) == ("batch", 8)
    assert (parallel.num_processes, parallel.data_shard_id) == (1, 0)
    assert parallel.get_data_layout((16, 2, 2)).axes == ("batch", None, None)
    assert parallel.get_variable_layout(keras.Variable([1.0, 2.0])).axes == (None,)
    assert parallel.get_tensor_layout("a/b") is None
    data = [1, 2]
    assert parallel.distribute_dataset(data) is data
    with pytest.warns(UserWarning, match=r"expected a mesh with one axis.*split along the first one, 'data'"):
        assert DataParallel(device_mesh=grid).batch_dim_name == "data"
    with pytest.raises(ArgumentError, match=r"got device_mesh and devices; give one of them"):
        DataParallel(grid, EIGHT)
    with pytest.raises(ArgumentError, match=r"got device_mesh=3 of type int, expected a DeviceMesh"):
        DataParallel(3)  # type: ignore[arg-type]


def test_model_parallel_reads_its_map(grid: DeviceMesh) -> None:
    layouts = LayoutMap(grid)
    layouts[".*kernel"] = (None, "model")
    layouts["/model/tensor"] = ("data", None)
    parallel = ModelParallel(layout_map=layouts)
    assert (parallel.batch_dim_name, parallel.num_model_replicas) == ("data", 4)
    assert parallel.get_variable_layout(keras.Variable(np.ones((2, 2)), name="kernel")).axes == (None, "model")
    assert parallel.get_variable_layout(keras.Variable([0, 1], name="seed")).axes == (None,)
    found = parallel.get_tensor_layout("/model/tensor")
    assert found is not None
    assert found.axes == ("data", None)
    assert parallel.get_tensor_layout("/other") is None
    with pytest.raises(ArgumentError, match=r"You must specify a layout_map argument"):
        ModelParallel()
    with pytest.raises(ArgumentError, match=r"must be a `LayoutMap` instance, got \{\}"):
        ModelParallel(layout_map={})  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"got batch_dim_name='x', expected an axis of the mesh: \['data'"):
        ModelParallel(layout_map=layouts, batch_dim_name="x")


def test_scopes_nest() -> None:
    outer, inner = DataParallel(devices=["cpu:0"]), DataParallel(devices=["cpu:0"])
    assert distribution() is None
    with outer.scope():
        assert distribution() is outer
        with inner.scope():
            assert distribution() is inner
        assert distribution() is outer
    assert distribution() is None
    set_distribution(outer)
    assert distribution() is outer


def test_several_devices_are_refused(grid: DeviceMesh) -> None:
    refusal = (r"spans 8 devices \(cpu:0, cpu:1, cpu:2, \.\.\.\), but graphc trains on one device; describe a mesh of "
               r"one, e\.g\. keras\.distribution\.DataParallel\(devices=\['cpu:0'\]\)")  # fmt: skip
    one = DataParallel(devices=["cpu:0"])
    with one.scope():
        with pytest.raises(ArgumentError, match="^DataParallel " + refusal):
            set_distribution(DataParallel(devices=EIGHT))
        assert distribution() is one
    with pytest.raises(ArgumentError, match="^ModelParallel " + refusal):
        set_distribution(ModelParallel(layout_map=LayoutMap(grid)))
    with pytest.raises(ArgumentError, match=refusal):
        distribute_tensor(np.ones((4, 2)), TensorLayout(["data", None], grid))
    with pytest.raises(BackendError, match=r"there are 1 devices of kind cpu"):
        set_distribution(DataParallel(devices=["cpu:1"]))
    with pytest.raises(ArgumentError, match=r"got 'cpu:0', expected a DataParallel, a ModelParallel or None"):
        set_distribution("cpu:0")  # type: ignore[arg-type]


def test_the_device_of_the_mesh_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphc.devices._check_present", lambda name, kind, index: None)
    with DataParallel(devices=["gpu:1"]).scope():
        assert mode.device == "cuda:1"
        with DataParallel(devices=["cpu:0"]).scope():
            assert mode.device == "cpu"
        assert mode.device == "cuda:1"
    assert mode.device == "cpu"


def trained() -> list[Any]:
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, name="a"), keras.layers.Dense(1, name="b")])
    model.compile("adam", "mse")
    x = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
    model.fit(x, x[:, :1], epochs=2, batch_size=4, verbose=0)
    return [*model.get_weights(), model.predict(x, verbose=0)]


def test_training_on_a_mesh_of_one_is_training(one: DeviceMesh) -> None:
    expected = trained()
    layouts = LayoutMap(one)
    layouts[".*a/kernel"] = (None, "model")
    for parallel in (DataParallel(devices=["cpu:0"]), ModelParallel(layout_map=layouts)):
        with parallel.scope():
            found = trained()
        for received, wanted in zip(found, expected, strict=True):
            np.testing.assert_array_equal(received, wanted)


def test_layouts_that_do_not_fit_weights_are_found_on_one_device(one: DeviceMesh) -> None:
    layouts = LayoutMap(one)
    layouts[".*bias"] = (None, "model")
    with ModelParallel(layout_map=layouts).scope():
        layer = keras.layers.Dense(2, name="dense")
        with pytest.raises(ShapeError, match=r"the layout \(None, 'model'\) of dense/bias has 2 axes, but its shape"):
            layer.build((None, 3))


def test_distribute_tensor_on_one_device(one: DeviceMesh) -> None:
    tensor = np.ones((4, 2))
    assert distribute_tensor(tensor, TensorLayout(["data", None], one)) is tensor
    with pytest.raises(ShapeError, match=r"of the tensor has 2 axes, but its shape \(4,\) has 1"):
        distribute_tensor(np.ones(4), TensorLayout(["data", None], one))
    with pytest.raises(ArgumentError, match=r"Cannot create sharding when device mesh is not set"):
        distribute_tensor(tensor, TensorLayout(["data", None]))
    with pytest.raises(ArgumentError, match=r"got layout='data', expected a TensorLayout"):
        distribute_tensor(tensor, "data")  # type: ignore[arg-type]
