"""Distributions: which device trains, and how its mesh would split data and weights."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

from graphc.devices import device
from graphc.keras.distribution.devices import list_devices
from graphc.keras.distribution.layouts import DeviceMesh, LayoutMap, TensorLayout, single_device
from graphc_ir.errors import ArgumentError

__all__ = [
    "DataParallel", "Distribution", "ModelParallel", "distribute_tensor", "distribution", "set_distribution",
]  # fmt: skip

_BATCH: Final = "batch"


class _Running(threading.local):
    distribution: Distribution | None = None
    device: device | None = None


_running = _Running()


def distribution() -> Distribution | None:
    """The distribution in effect in this thread, if any."""
    return _running.distribution


def set_distribution(value: Distribution | None) -> None:
    """Puts a distribution into effect: functions traced from now on run on its device. None ends the one in effect.

    Raises ArgumentError for a distribution over several devices, BackendError for a device that is not there; the one
    before then stays.
    """
    if value is not None and not isinstance(value, Distribution):
        raise ArgumentError(f"set_distribution: got {value!r}, expected a DataParallel, a ModelParallel or None")
    chosen = None if value is None else device(single_device(value.device_mesh, type(value).__name__))
    if _running.device is not None:
        _running.device.__exit__()
    _running.distribution, _running.device = value, chosen
    if chosen is not None:
        chosen.__enter__()


class Distribution:
    """Base of distributions over a mesh; ``batch_dim_name`` is the mesh's axis for the batch.

    ``auto_shard_dataset`` concerns jobs of several processes; here there is one.
    """

    num_processes = 1
    data_shard_id = 0

    def __init__(
        self, device_mesh: DeviceMesh, batch_dim_name: str | None = None, auto_shard_dataset: bool = True
    ) -> None:
        if not isinstance(device_mesh, DeviceMesh):
            raise ArgumentError(f"{type(self).__name__}: got device_mesh={device_mesh!r} of type "
                                f"{type(device_mesh).__name__}, expected a DeviceMesh")  # fmt: skip
        if batch_dim_name is not None and batch_dim_name not in device_mesh.axis_names:
            raise ArgumentError(f"{type(self).__name__}: got batch_dim_name={batch_dim_name!r}, expected an axis of "
                                f"the mesh: {list(device_mesh.axis_names)}")  # fmt: skip
        self._device_mesh = device_mesh
        self._batch_dim_name = batch_dim_name
        self.auto_shard_dataset = auto_shard_dataset

    @property
    def device_mesh(self) -> DeviceMesh:
        return self._device_mesh

    @property
    def batch_dim_name(self) -> str | None:
        return self._batch_dim_name

    @property
    def num_model_replicas(self) -> int:
        """How many copies of the model the mesh holds."""
        raise NotImplementedError(f"{type(self).__name__} must define num_model_replicas")

    def get_data_layout(self, data_shape: Sequence[Any]) -> TensorLayout:
        """The layout of a batch of this shape: its first axis is split."""
        return TensorLayout([self.batch_dim_name, *[None] * (len(data_shape) - 1)], self.device_mesh)

    def get_variable_layout(self, variable: Any) -> TensorLayout:
        """The layout of a weight: its own if it has one; by default it is not split."""
        own: TensorLayout | None = getattr(variable, "_layout", None)
        return own or TensorLayout([None] * len(variable.shape), self.device_mesh)

    def get_tensor_layout(self, path: str) -> TensorLayout | None:
        """The layout of an intermediate result; None leaves it as it comes."""
        return None

    def distribute_dataset(self, dataset: Any) -> Any:
        """The part of the data that this process trains on: all of it."""
        return dataset

    @contextmanager
    def scope(self) -> Iterator[None]:
        """The distribution is in effect inside the block; see :func:`set_distribution`."""
        outer = distribution()
        set_distribution(self)
        try:
            yield
        finally:
            set_distribution(outer)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} device_mesh={self.device_mesh}>"


class DataParallel(Distribution):
    """The model on each device of a mesh with one axis, for a part of the batch each.

    Give ``device_mesh`` or ``devices``, by default :func:`list_devices`. Raises ArgumentError for both.
    """

    def __init__(
        self, device_mesh: DeviceMesh | None = None, devices: Any = None, auto_shard_dataset: bool = True
    ) -> None:
        if device_mesh is not None and devices is not None:
            raise ArgumentError("DataParallel: got device_mesh and devices; give one of them")
        if device_mesh is None:
            listed = np.array(list_devices() if devices is None else devices)
            device_mesh = DeviceMesh(listed.shape, [_BATCH], listed)
        super().__init__(device_mesh, None, auto_shard_dataset)
        self._batch_dim_name = device_mesh.axis_names[0]
        if device_mesh.devices.ndim != 1:
            warnings.warn(f"DataParallel: expected a mesh with one axis, got {device_mesh}; the batch is split along "
                          f"the first one, {device_mesh.axis_names[0]!r}", stacklevel=2)  # fmt: skip

    @property
    def num_model_replicas(self) -> int:
        return int(self.device_mesh.devices.size)


class ModelParallel(Distribution):
    """Weights split over a mesh as a :class:`LayoutMap` says, and the batch along the axis ``batch_dim_name`` (by
    default the first). Raises ArgumentError without a map.
    """

    def __init__(
        self,
        *,
        layout_map: LayoutMap | None = None,
        batch_dim_name: str | None = None,
        auto_shard_dataset: bool = True,
        device_mesh: Any = None,
    ) -> None:
        if layout_map is None:
            raise ArgumentError("ModelParallel: You must specify a layout_map argument")
        if not isinstance(layout_map, LayoutMap):
            raise ArgumentError("ModelParallel: Argument `layout_map` must be a `LayoutMap` instance, got "
                                f"{layout_map!r}")  # fmt: skip
        mesh = layout_map.device_mesh
        super().__init__(mesh, batch_dim_name or mesh.axis_names[0], auto_shard_dataset)
        self._layout_map = layout_map

    @property
    def num_model_replicas(self) -> int:
        axis = list(self.device_mesh.axis_names).index(str(self.batch_dim_name))
        return int(self.device_mesh.shape[axis])

    def get_variable_layout(self, variable: Any) -> TensorLayout:
        """The layout of a weight: its own if it has one, else the map's for its path."""
        own: TensorLayout | None = getattr(variable, "_layout", None)
        return own or self._layout_map[variable.path] or super().get_variable_layout(variable)

    def get_tensor_layout(self, path: str) -> TensorLayout | None:
        return self._layout_map[path]


def distribute_tensor(tensor: Any, layout: TensorLayout) -> Any:
    """The tensor with another layout, which on a mesh of one device is the tensor itself.

    Raises ArgumentError for a layout without a mesh or with several devices, ShapeError for one with more axes than
    the tensor has.
    """
    if not isinstance(layout, TensorLayout):
        raise ArgumentError(f"distribute_tensor: got layout={layout!r}, expected a TensorLayout")
    if layout.device_mesh is None:
        raise ArgumentError("distribute_tensor: Cannot create sharding when device mesh is not set; make the layout "
                            "with one: TensorLayout(axes, device_mesh)")  # fmt: skip
    layout.check_fits(np.shape(tensor) if not hasattr(tensor, "shape") else tensor.shape, "the tensor")
    single_device(layout.device_mesh, "distribute_tensor's layout")
    return tensor
