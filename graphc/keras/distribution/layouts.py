"""How devices are arranged, and how tensors lie on them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any

import numpy as np

from graphc.keras.distribution.devices import list_devices
from graphc_ir.errors import ArgumentError, ShapeError

__all__ = ["DeviceMesh", "LayoutMap", "TensorLayout", "single_device"]


class DeviceMesh:
    """Devices in a grid with named axes. ``devices`` are names like ``"gpu:0"``, by default :func:`list_devices`.

    Raises ArgumentError when ``shape``, ``axis_names`` and the number of devices do not fit together.
    """

    def __init__(self, shape: Sequence[int], axis_names: Sequence[str], devices: Any = None) -> None:
        if not shape or not axis_names:
            raise ArgumentError("DeviceMesh: Shape and axis_names cannot be empty; got "
                                f"shape={shape}, axis_names={axis_names!r}")  # fmt: skip
        if len(shape) != len(axis_names):
            raise ArgumentError("DeviceMesh: Shape and axis_names should have same size; got "
                                f"shape={shape}, axis_names={axis_names!r}")  # fmt: skip
        if len(set(axis_names)) != len(axis_names):
            raise ArgumentError(f"DeviceMesh: got axis_names={axis_names!r}, expected a different name for each axis")
        listed = np.array(list_devices() if devices is None else devices)
        if math.prod(shape) != listed.size:
            raise ArgumentError(f"DeviceMesh: Shape does not match the number of devices; shape={shape} has "
                                f"{math.prod(shape)} places for {listed.size} devices: {listed.tolist()}")  # fmt: skip
        self._shape = shape
        self._axis_names = axis_names
        self._devices = listed.reshape(tuple(shape))

    @property
    def shape(self) -> Sequence[int]:
        return self._shape

    @property
    def axis_names(self) -> Sequence[str]:
        return self._axis_names

    @property
    def devices(self) -> Any:
        """The names of the devices, an array of the mesh's shape."""
        return self._devices

    def __repr__(self) -> str:
        return f"<DeviceMesh shape={self.shape}, axis_names={self.axis_names}>"


def single_device(mesh: DeviceMesh, what: str) -> str:
    """The one device of a mesh. Raises ArgumentError, the one of this package, if there are more."""
    names = mesh.devices.reshape(-1).tolist()
    if len(names) != 1:
        shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        raise ArgumentError(f"{what} spans {len(names)} devices ({shown}), but graphc trains on one device; describe a "
                            f"mesh of one, e.g. keras.distribution.DataParallel(devices=[{names[0]!r}]), or use all "
                            "of them under Keras with the JAX backend")  # fmt: skip
    return str(names[0])


class TensorLayout:
    """Which axis of a mesh each axis of a tensor is split along; None for an axis that is not split.

    ``device_mesh`` may be set later, once. Raises ArgumentError for names that are no axes of the mesh.
    """

    def __init__(self, axes: Sequence[str | None], device_mesh: DeviceMesh | None = None) -> None:
        self._axes = tuple(axes)
        self._device_mesh = device_mesh
        self._check_axes()

    @property
    def axes(self) -> tuple[str | None, ...]:
        return self._axes

    @property
    def device_mesh(self) -> DeviceMesh | None:
        return self._device_mesh

    @device_mesh.setter
    def device_mesh(self, device_mesh: DeviceMesh) -> None:
        if self._device_mesh is not None:
            raise ArgumentError("TensorLayout: Cannot override device mesh value. The layout lies on "
                                f"{self._device_mesh} already; make another layout")  # fmt: skip
        self._device_mesh = device_mesh
        self._check_axes()

    def _check_axes(self) -> None:
        if self._device_mesh is None:
            return
        unknown = [axis for axis in self._axes if axis is not None and axis not in self._device_mesh.axis_names]
        if unknown:
            raise ArgumentError(f"TensorLayout: Invalid axis names for Layout: {unknown}; the mesh has the axes "
                                f"{list(self._device_mesh.axis_names)}")  # fmt: skip

    def check_fits(self, shape: Sequence[Any], what: str) -> None:
        """Raises ShapeError for a tensor with fewer axes than the layout has."""
        if len(self._axes) > len(shape):
            raise ShapeError(f"the layout {self._axes} of {what} has {len(self._axes)} axes, but its shape "
                             f"{tuple(shape)} has {len(shape)}; give one entry per axis")  # fmt: skip

    def __repr__(self) -> str:
        return f"<TensorLayout axes={self.axes}, device_mesh={self.device_mesh}>"


class LayoutMap(MutableMapping[str, Any]):
    """Layouts by the paths of weights, e.g. ``layouts[".*dense.*kernel"] = (None, "model")``.

    A key is a path or a regular expression for whole paths. A path that no key matches has None. A tuple of axis names
    stands for a :class:`TensorLayout` on the map's ``device_mesh``.
    """

    def __init__(self, device_mesh: DeviceMesh) -> None:
        if not isinstance(device_mesh, DeviceMesh):
            raise ArgumentError(f"LayoutMap: got device_mesh={device_mesh!r} of type {type(device_mesh).__name__}, "
                                "expected a DeviceMesh")  # fmt: skip
        self._device_mesh = device_mesh
        self._layouts: dict[str, TensorLayout] = {}

    @property
    def device_mesh(self) -> DeviceMesh:
        return self._device_mesh

    def __getitem__(self, key: str) -> TensorLayout | None:
        """The layout of a path. Raises ArgumentError when several regular expressions match it."""
        if key in self._layouts:
            return self._layouts[key]
        matching = [pattern for pattern in self._layouts if re.fullmatch(pattern, key)]
        if len(matching) > 1:
            raise ArgumentError(f"LayoutMap: Path {key!r} matches multiple layout keys: {matching}; make the patterns "
                                "so that at most one matches, or add the path itself as a key")  # fmt: skip
        return self._layouts[matching[0]] if matching else None

    def __setitem__(self, key: str, layout: TensorLayout | tuple[str | None, ...]) -> None:
        """Adds a layout. Raises ArgumentError for a key that is there already, or what is no layout."""
        if key in self._layouts:
            raise ArgumentError(f"LayoutMap: {key} already exist in the LayoutMap with value {self._layouts[key]}; "
                                f"delete it first: del layouts[{key!r}]")  # fmt: skip
        if isinstance(layout, tuple):
            layout = TensorLayout(layout)
        if not isinstance(layout, TensorLayout):
            raise ArgumentError(f"LayoutMap: {layout!r} should be a TensorLayout or a tuple of axis names, got "
                                f"{type(layout).__name__}")  # fmt: skip
        if layout.device_mesh is None:
            layout.device_mesh = self._device_mesh
        self._layouts[key] = layout

    def __delitem__(self, key: str) -> None:
        del self._layouts[key]

    def __len__(self) -> int:
        return len(self._layouts)

    def __iter__(self) -> Iterator[str]:
        return iter(self._layouts)
