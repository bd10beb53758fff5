"""``.keras`` files: a zip of the config, the weights and the date."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from graphc.keras.registry import CustomObjectScope
from graphc.keras.saving.errors import ModelFileError
from graphc.keras.saving.files import replacing, require_writable
from graphc.keras.saving.weights import read_state, write_state
from graphc.keras.serialization import deserialize_keras_object, serialize_keras_object, sharing_objects
from graphc.version import VERSION

__all__ = ["read_archive", "read_archive_weights", "write_archive"]

FORMAT: Final = "3.15.1"
"""The version of Keras whose format is written."""

_METADATA, _CONFIG, _WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
_MAX_BYTES: Final = 4 << 30
_MAX_RATIO: Final = 100


def write_archive(model: Any, path: Path, overwrite: bool, zipped: bool) -> None:
    """Writes a model; the file (or, with ``zipped=False``, each file of the folder) appears whole or not at all."""
    if zipped:
        require_writable(path, overwrite)
    config = json.dumps(serialize_keras_object(model))
    saved = datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    metadata = json.dumps({"keras_version": FORMAT, "date_saved": saved, "written_by": f"graphc {VERSION}"})
    weights = io.BytesIO()
    write_state(model, weights)
    parts = {_METADATA: metadata.encode(), _CONFIG: config.encode(), _WEIGHTS: weights.getvalue()}
    if not zipped:
        for name, data in parts.items():
            with replacing(path / name) as temporary:
                temporary.write_bytes(data)
        return
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


def read_archive(path: Path, custom_objects: Mapping[str, Any] | None, compile: bool) -> Any:
    """The model of a ``.keras`` file or folder. Raises ModelFileError for a damaged one."""
    parts = _read_parts(path, (_CONFIG, _WEIGHTS))
    try:
        config = json.loads(parts[_CONFIG])
    except ValueError as error:
        raise ModelFileError(f"{path}: {_CONFIG} is no JSON: {error}") from error
    if not isinstance(config, dict) or "class_name" not in config:
        raise ModelFileError(f"{path}: {_CONFIG} describes no model")
    if not compile:
        config.pop("compile_config", None)
    with CustomObjectScope(custom_objects or {}), sharing_objects():
        model = deserialize_keras_object(config)
    read_state(model, io.BytesIO(parts[_WEIGHTS]))
    return model


def read_archive_weights(model: Any, path: Path, skip_mismatch: bool) -> None:
    """The weights alone, into a model that is there already."""
    read_state(model, io.BytesIO(_read_parts(path, (_WEIGHTS,))[_WEIGHTS]), skip_mismatch)


def _read_parts(path: Path, names: tuple[str, ...]) -> dict[str, bytes]:
    if path.is_dir():
        missing = [name for name in names if not (path / name).is_file()]
        if missing:
            raise ModelFileError(f"the folder {path} lacks {', '.join(missing)} and is no saved model")
        return {name: (path / name).read_bytes() for name in names}
    try:
        with zipfile.ZipFile(path) as archive:
            return {name: _read_member(archive, name, path) for name in names}
    except zipfile.BadZipFile as error:
        raise ModelFileError(f"{path} is no .keras file (a zip archive): {error}") from error


def _read_member(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    try:
        info = archive.getinfo(name)
    except KeyError as error:
        raise ModelFileError(f"{path} has no {name}; it is no .keras file, or a damaged one") from error
    if info.file_size > _MAX_BYTES and info.file_size > _MAX_RATIO * max(info.compress_size, 1):
        raise ModelFileError(f"{path}: {name} claims {info.file_size} bytes in {info.compress_size} compressed ones; "
                             "the file is damaged or made to exhaust the memory")  # fmt: skip
    return archive.read(name)
