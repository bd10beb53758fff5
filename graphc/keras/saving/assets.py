"""Files that objects within a model keep beside their weights, e.g. the words of a vocabulary."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

from graphc.keras.saving.errors import ModelFileError
from graphc.keras.saving.state import places

__all__ = ["FOLDER", "assets_of", "load_assets"]

FOLDER: Final = "assets/"


def assets_of(root: Any) -> dict[str, bytes]:
    """The files that ``save_assets(folder)`` of the objects within ``root`` wrote, by their names in the archive."""
    found: dict[str, bytes] = {}
    for path, obj in places(root):
        if hasattr(obj, "save_assets"):
            with tempfile.TemporaryDirectory() as folder:
                obj.save_assets(folder)
                files = sorted(file for file in Path(folder).rglob("*") if file.is_file())
                found |= {_member(path, file.relative_to(folder)): file.read_bytes() for file in files}
    return found


def _member(path: str, file: Path) -> str:
    return f"{FOLDER}{path}/{file.as_posix()}" if path else f"{FOLDER}{file.as_posix()}"


def load_assets(root: Any, files: Mapping[str, bytes]) -> None:
    """Calls ``load_assets(folder)`` of the objects within ``root`` that define it. Raises ModelFileError for names that
    lead out of the folder."""
    for path, obj in places(root):
        if hasattr(obj, "load_assets"):
            prefix = _member(path, Path("x"))[:-1]
            own = {name.removeprefix(prefix): data for name, data in files.items() if name.startswith(prefix)}
            with tempfile.TemporaryDirectory() as folder:
                for name, data in own.items():
                    _write(Path(folder), name, data)
                obj.load_assets(folder)


def _write(folder: Path, name: str, data: bytes) -> None:
    inside = PurePosixPath(name)
    if inside.is_absolute() or ".." in inside.parts or "\\" in name or ":" in name:
        raise ModelFileError(f"the file keeps an asset {name!r}, which leads out of its folder; it is damaged or made "
                             "to overwrite other files")  # fmt: skip
    target = folder / inside
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
