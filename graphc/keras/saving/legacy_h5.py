"""Keras 2 files (``model.save("x.h5")``): config and weights in one HDF5 file, weights by layer name."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graphc.keras.registry import CustomObjectScope
from graphc.keras.saving.errors import ModelFileError, making_model
from graphc.keras.saving.files import replacing, require_writable
from graphc.keras.saving.hdf5 import open_h5, read_dataset
from graphc.keras.serialization import deserialize_keras_object, serialize_keras_object, sharing_objects

if TYPE_CHECKING:
    import h5py

__all__ = ["has_legacy_weights", "read_legacy", "read_legacy_weights", "write_legacy"]

_WEIGHTS = "model_weights"


def write_legacy(model: Any, path: Path, overwrite: bool, include_optimizer: bool = True) -> None:
    """Writes a functional or sequential model as Keras 2 does; the file appears whole or not at all."""
    require_writable(path, overwrite)
    with replacing(path) as temporary, open_h5(temporary, "w") as file:
        config = serialize_keras_object(model)
        compiled = config.pop("compile_config", None)
        file.attrs["keras_version"] = "3.15.1"
        file.attrs["backend"] = "graphc"
        file.attrs["model_config"] = json.dumps(config)
        if compiled and include_optimizer:
            file.attrs["training_config"] = json.dumps(compiled)
        _write_weights(file.create_group(_WEIGHTS), model)


def _write_weights(group: h5py.Group, model: Any) -> None:
    group.attrs["layer_names"] = np.array([layer.name.encode() for layer in model.layers], "S")
    group.attrs["keras_version"] = "3.15.1"
    group.attrs["backend"] = "graphc"
    for layer in model.layers:
        own = group.create_group(layer.name)
        weights = _in_order(layer)
        own.attrs["weight_names"] = np.array([v.path.encode() for v in weights], "S") if weights else []
        for variable in weights:
            own[variable.path] = variable.numpy()
    top = group.create_group("top_level_model_weights")
    top.attrs["weight_names"] = []


def _in_order(layer: Any) -> list[Any]:
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def read_legacy(path: Path, custom_objects: Mapping[str, Any] | None, compile: bool) -> Any:
    """The model of a Keras 2 file. Raises ModelFileError for a file without a model, or one that does not fit."""
    with open_h5(path, "r") as file:
        text = file.attrs.get("model_config")
        if text is None:
            raise ModelFileError(f"{path} holds no model, only weights at best; build the model in code and call "
                                 "load_weights")  # fmt: skip
        with CustomObjectScope(custom_objects), sharing_objects(), making_model(str(path)):
            model = deserialize_keras_object(_parsed(text, path))
            training = file.attrs.get("training_config")
            if compile and training is not None:
                model.compile_from_config(_modern(_parsed(training, path)))
        read_legacy_weights(model, file)
    return model


def _parsed(text: Any, path: Path) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ModelFileError(f"{path}: its config is no JSON: {error}") from error


def _modern(training: dict[str, Any]) -> dict[str, Any]:
    """Keras 2 calls the parts of a compile config otherwise."""
    if "optimizer_config" not in training:
        return training
    known = ("loss", "metrics", "weighted_metrics", "loss_weights")
    return {"optimizer": training["optimizer_config"], **{key: training[key] for key in known if key in training}}


def has_legacy_weights(file: h5py.File) -> bool:
    """Whether weights stand by layer name, as in Keras 2."""
    return _WEIGHTS in file or "layer_names" in file.attrs


def read_legacy_weights(model: Any, file: h5py.Group, skip_mismatch: bool = False, by_name: bool = False) -> None:
    """Weights of the layers that have any, in their order, or with ``by_name`` of those that the file knows.

    Raises ModelFileError before anything is changed when weights do not fit; with ``skip_mismatch``, such layers keep
    theirs, with a warning.
    """
    group = file.get(_WEIGHTS, file)
    pairs: list[tuple[Any, Any]] = []
    for layer, name in _matched_by_name(model, group) if by_name else _matched_in_order(model, group):
        try:
            pairs += _layer_pairs(layer, group[name])
        except ModelFileError as error:
            if not skip_mismatch:
                raise
            warnings.warn(f"skipped: {error}", stacklevel=4)
    for variable, array in pairs:
        variable.assign(array)


def _matched_by_name(model: Any, group: h5py.Group) -> list[tuple[Any, str]]:
    return [(layer, layer.name) for layer in model.layers if layer.name in group and _in_order(layer)]


def _matched_in_order(model: Any, group: h5py.Group) -> list[tuple[Any, str]]:
    layers = [layer for layer in model.layers if _in_order(layer)]
    names = [name for name in _texts(group, "layer_names") if name in group and _texts(group[name], "weight_names")]
    if len(layers) != len(names):
        raise ModelFileError(f"the model has {len(layers)} layers with weights ({', '.join(x.name for x in layers)}), "
                             f"but the file has {len(names)} ({', '.join(names)})")  # fmt: skip
    return list(zip(layers, names, strict=True))


def _texts(group: h5py.Group, attribute: str) -> list[str]:
    return [n.decode() if isinstance(n, bytes) else str(n) for n in group.attrs.get(attribute, ())]


def _layer_pairs(layer: Any, group: h5py.Group) -> list[tuple[Any, Any]]:
    weights, names = _in_order(layer), _texts(group, "weight_names")
    if len(names) != len(weights):
        raise ModelFileError(f"layer {layer.name!r} has {len(weights)} weights, the file has {len(names)} for it")
    arrays = [read_dataset(group[name]) for name in names]
    for variable, array in zip(weights, arrays, strict=True):
        if tuple(variable.shape) != tuple(array.shape):
            raise ModelFileError(f"weight {variable.path} has shape {variable.shape}, the file has {array.shape}")
    return list(zip(weights, arrays, strict=True))
