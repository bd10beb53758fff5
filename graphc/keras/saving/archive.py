"""``.keras`` files: a zip of the config, the weights, the date and the assets."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

from graphc.keras.registry import CustomObjectScope
from graphc.keras.saving.assets import FOLDER, assets_of, load_assets
from graphc.keras.saving.errors import ModelFileError, making_model
from graphc.keras.saving.files import replacing, require_writable
from graphc.keras.saving.weights import read_state, write_state
from graphc.keras.serialization import (
    deserialize_keras_object,
    only_shared_ids,
    serialize_keras_object,
    sharing_objects,
)
from graphc.version import VERSION

__all__ = ["read_archive", "read_archive_weights", "write_archive"]

FORMAT: Final = "3.15.1"
"""The version of Keras whose format is written."""

_METADATA, _CONFIG, _WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
_MAX_BYTES: Final = 4 << 30
_MAX_RATIO: Final = 100

Source = Path | IO[bytes]


def write_archive(model: Any, target: Source, overwrite: bool = True, zipped: bool = True) -> None:
    """Writes a model; the file (or, with ``zipped=False``, each file of the folder) appears whole or not at all."""
    if isinstance(target, Path) and zipped:
        require_writable(target, overwrite)
    parts = _parts_of(model)
    if not isinstance(target, Path):
        _write_zip(parts, target)
    elif zipped:
        with replacing(target) as temporary:
            _write_zip(parts, temporary)
    else:
        for name, data in parts.items():
            with replacing(target / name) as temporary:
                temporary.write_bytes(data)


def _parts_of(model: Any) -> dict[str, bytes]:
    with sharing_objects():
        config = json.dumps(only_shared_ids(serialize_keras_object(model)))
    saved = datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    metadata = json.dumps({"keras_version": FORMAT, "date_saved": saved, "written_by": f"graphc {VERSION}"})
    weights = io.BytesIO()
    write_state(model, weights)
    parts = {_METADATA: metadata.encode(), _CONFIG: config.encode(), _WEIGHTS: weights.getvalue()}
    return parts | assets_of(model)


def _write_zip(parts: Mapping[str, bytes], target: Source) -> None:
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


def read_archive(source: Source, custom_objects: Mapping[str, Any] | None, compile: bool) -> Any:
    """The model of a ``.keras`` file or folder. Raises ModelFileError for a damaged one."""
    parts = _read_parts(source, (_CONFIG, _WEIGHTS))
    try:
        config = json.loads(parts[_CONFIG])
    except ValueError as error:
        raise ModelFileError(f"{_shown(source)}: {_CONFIG} is no JSON: {error}") from error
    if not isinstance(config, dict) or "class_name" not in config:
        raise ModelFileError(f"{_shown(source)}: {_CONFIG} describes no model")
    if not compile:
        config.pop("compile_config", None)
    with CustomObjectScope(custom_objects), sharing_objects(), making_model(_shown(source)):
        model = deserialize_keras_object(config)
    read_state(model, io.BytesIO(parts[_WEIGHTS]))
    load_assets(model, {name: data for name, data in parts.items() if name.startswith(FOLDER)})
    return model


def read_archive_weights(model: Any, source: Source, skip_mismatch: bool = False, objects_to_skip: Any = None) -> None:
    """The weights alone, into a model that is there already."""
    read_state(model, io.BytesIO(_read_parts(source, (_WEIGHTS,))[_WEIGHTS]), skip_mismatch, objects_to_skip)


def _read_parts(source: Source, required: tuple[str, ...]) -> dict[str, bytes]:
    """The members of these names, and all assets."""
    if isinstance(source, Path) and source.is_dir():
        return _read_folder(source, required)
    try:
        with zipfile.ZipFile(source) as archive:
            assets = [name for name in archive.namelist() if name.startswith(FOLDER) and not name.endswith("/")]
            _require(required, archive.namelist().__contains__, source)
            _check_sizes([archive.getinfo(name) for name in (*required, *assets)], source)
            return {name: archive.read(name) for name in (*required, *assets)}
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError) as error:
        raise ModelFileError(f"{_shown(source)} is no .keras file (a zip archive): {error}") from error


def _read_folder(folder: Path, required: tuple[str, ...]) -> dict[str, bytes]:
    _require(required, lambda name: (folder / name).is_file(), folder)
    assets = [file for file in (folder / FOLDER).rglob("*") if file.is_file() and not file.is_symlink()]
    names = [*required, *(file.relative_to(folder).as_posix() for file in assets)]
    return {name: (folder / name).read_bytes() for name in names}


def _require(names: tuple[str, ...], has: Callable[[str], bool], source: Source) -> None:
    missing = [name for name in names if not has(name)]
    if missing:
        raise ModelFileError(f"{_shown(source)} has no {' and no '.join(missing)}; it is no saved model, or a damaged "
                             "one")  # fmt: skip


def _check_sizes(members: list[zipfile.ZipInfo], source: Source) -> None:
    for group in (members, *([member] for member in members)):
        size, stored = sum(m.file_size for m in group), sum(m.compress_size for m in group)
        if size > _MAX_BYTES and size > _MAX_RATIO * max(stored, 1):
            raise ModelFileError(f"{_shown(source)} claims to hold {size} bytes in {stored} compressed ones: a "
                                 "decompression bomb, made to exhaust the memory, or a damaged file")  # fmt: skip


def _shown(source: Source) -> str:
    return str(source) if isinstance(source, Path) else "the file object"
