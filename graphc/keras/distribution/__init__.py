"""Distribution over devices: meshes, layouts and strategies. graphc trains on one device: larger meshes can be
described, but not used."""

from graphc.keras.distribution.devices import get_device_count, initialize, list_devices
from graphc.keras.distribution.layouts import DeviceMesh, LayoutMap, TensorLayout
from graphc.keras.distribution.strategies import (
    DataParallel,
    ModelParallel,
    distribute_tensor,
    distribution,
    set_distribution,
)
from graphc.keras.registry import publish

__all__ = [
    "DataParallel",
    "DeviceMesh",
    "LayoutMap",
    "ModelParallel",
    "TensorLayout",
    "distribute_tensor",
    "distribution",
    "get_device_count",
    "initialize",
    "list_devices",
    "set_distribution",
]

publish("keras.distribution", vars(), ["DataParallel", "DeviceMesh", "LayoutMap", "ModelParallel", "TensorLayout"])
