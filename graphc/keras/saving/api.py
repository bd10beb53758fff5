"""``save_model`` and ``load_model``: which format a file has, by its name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graphc.keras.saving.archive import read_archive, read_archive_weights, write_archive
from graphc.keras.saving.errors import ModelFileError
from graphc.keras.saving.hdf5 import open_h5
from graphc.keras.saving.legacy_h5 import has_legacy_weights, read_legacy, read_legacy_weights, write_legacy
from graphc.keras.saving.weights import load_weights as load_h5_weights
from graphc.keras.saving.weights import save_weights
from graphc_ir.errors import ArgumentError

__all__ = ["load_model", "load_weights", "save_model", "save_weights"]

_LEGACY = (".h5", ".hdf5")


def save_model(model: Any, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
    """Writes a model: config, weights, how it was compiled and the optimizer's state.

    ``NAME.keras`` is Keras 3's format (a folder with ``zipped=False``), ``NAME.h5`` that of Keras 2. Raises
    ArgumentError for another name, and for a file that exists unless ``overwrite``.
    """
    path = Path(filepath)
    if path.suffix == ".keras" or zipped is False:
        write_archive(model, path, overwrite, zipped is not False)
    elif path.suffix in _LEGACY and not path.name.endswith(".weights.h5"):
        write_legacy(model, path, overwrite)
    else:
        raise ArgumentError(f"a model is saved as NAME.keras (or NAME.h5 for Keras 2), got {path.name!r}; for weights "
                            "alone call save_weights, for deployment export")  # fmt: skip


def load_model(
    filepath: Any, custom_objects: Mapping[str, Any] | None = None, compile: bool = True, safe_mode: bool = True
) -> Any:
    """The model of a ``.keras`` file or folder, or of a Keras 2 ``.h5`` file.

    ``custom_objects`` maps names to the user's classes and functions, besides the registered ones. Nothing in a file
    is ever executed, whatever ``safe_mode`` says. Raises ModelFileError for a missing or damaged file.
    """
    path = Path(filepath)
    if not path.exists():
        raise ModelFileError(f"there is no file {path}")
    if path.suffix in _LEGACY:
        return read_legacy(path, custom_objects, compile)
    return read_archive(path, custom_objects, compile)


def load_weights(model: Any, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> None:
    """Reads the weights of a ``.weights.h5``, ``.keras`` or Keras 2 ``.h5`` file into a built model.

    Raises ModelFileError for a missing or damaged file and for weights that do not fit; nothing is changed then.
    """
    path = Path(filepath)
    if path.suffix == ".keras" or path.is_dir():
        read_archive_weights(model, path, skip_mismatch)
        return
    if path.exists() and path.suffix in _LEGACY:
        with open_h5(path, "r") as file:
            if has_legacy_weights(file):
                read_legacy_weights(model, file.get("model_weights", file))
                return
    load_h5_weights(model, path, skip_mismatch)
