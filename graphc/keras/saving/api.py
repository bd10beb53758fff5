"""``save_model`` and ``load_model``: which format a file has, by its name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


def save_model(
    model: Any,
    filepath: Any,
    overwrite: bool = True,
    zipped: bool | None = None,
    include_optimizer: bool = True,
    save_format: str | None = None,
    **kwargs: Any,
) -> None:
    """Writes a model: config, weights, how it was compiled and the optimizer's state.

    ``NAME.keras`` (or a file object) is Keras 3's format, with ``zipped=False`` a folder of any other name; ``NAME.h5``
    is that of Keras 2, where ``include_optimizer`` counts. Raises ArgumentError for another name, and for a file that
    exists unless ``overwrite``.
    """
    _refuse_unknown(kwargs)
    if hasattr(filepath, "write"):
        write_archive(model, filepath)
        return
    path = Path(filepath)
    is_legacy = path.suffix in _LEGACY and not path.name.endswith(".weights.h5")
    _check_format(save_format, path.suffix)
    if zipped is False and path.suffix == ".keras":
        raise ArgumentError(f"with zipped=False the name of the folder should not end in .keras, got {path.name!r}")
    if path.suffix == ".keras" or zipped is False:
        write_archive(model, path, overwrite, zipped is not False)
    elif is_legacy:
        write_legacy(model, path, overwrite, include_optimizer)
    else:
        raise ArgumentError(f"Invalid filepath extension for saving: a model is saved as NAME.keras (or NAME.h5 for "
                            f"Keras 2), got {path.name!r}; for weights alone call save_weights, for deployment "
                            "export")  # fmt: skip


def _refuse_unknown(kwargs: dict[str, Any]) -> None:
    if kwargs:
        raise ArgumentError(f"The following argument(s) are not supported: {', '.join(kwargs)}")


def _check_format(save_format: str | None, suffix: str) -> None:
    """TensorFlow 2's ``save_format`` may say again what the file name says."""
    endings = {"keras": (".keras",), "h5": _LEGACY, "hdf5": _LEGACY}.get(str(save_format), ())
    if save_format is not None and suffix not in endings:
        raise ArgumentError("The `save_format` argument is deprecated: the file name says the format. Got "
                            f"save_format={save_format!r} for a name that ends in {suffix!r}; save as NAME.keras or "
                            "NAME.h5")  # fmt: skip


def load_model(
    filepath: Any, custom_objects: Mapping[str, Any] | None = None, compile: bool = True, safe_mode: bool = True
) -> Any:
    """The model of a ``.keras`` file, folder or file object, or of a Keras 2 ``.h5`` file.

    ``custom_objects`` maps names to the user's classes and functions, besides the registered ones. Nothing in a file
    is ever executed, whatever ``safe_mode`` says. Raises ModelFileError for a missing or damaged file.
    """
    if hasattr(filepath, "read"):
        return read_archive(filepath, custom_objects, compile)
    path = Path(filepath)
    if path.suffix in _LEGACY and path.exists():
        return read_legacy(path, custom_objects, compile)
    _require_file(path, path.suffix in (".keras", *_LEGACY))
    return read_archive(path, custom_objects, compile)


def _require_file(path: Path, has_known_ending: bool) -> None:
    if path.exists():
        return
    if not has_known_ending:
        raise ModelFileError(f"File format not supported: {path} does not exist, and ends in none of .keras, .h5")
    raise ModelFileError(f"File not found: {path}. Please ensure the file is an accessible `.keras` or `.h5` file")


def load_weights(
    model: Any,
    filepath: Any,
    skip_mismatch: bool = False,
    by_name: bool = False,
    objects_to_skip: Iterable[Any] | None = None,
    **kwargs: Any,
) -> None:
    """Reads the weights of a ``.weights.h5``, ``.keras`` or Keras 2 ``.h5`` file into a built model.

    ``by_name`` (Keras 2 files only) takes the layers that the file knows and leaves the others; ``objects_to_skip``
    (Keras 3 files only) are layers to leave alone. Raises ModelFileError for a missing or damaged file and for weights
    that do not fit; nothing is changed then.
    """
    _refuse_unknown(kwargs)
    path = Path(filepath)
    is_folder_or_archive = path.suffix == ".keras" or path.is_dir()
    _require_file(path, path.suffix in (".keras", *_LEGACY))
    if not is_folder_or_archive and _is_legacy(path):
        _refuse_argument(objects_to_skip is not None, "objects_to_skip", "'.weights.h5' files", path)
        with open_h5(path, "r") as file:
            read_legacy_weights(model, file, skip_mismatch, by_name)
        return
    _refuse_argument(by_name, "by_name", "legacy '.h5' or '.hdf5' files", path)
    if is_folder_or_archive:
        read_archive_weights(model, path, skip_mismatch, objects_to_skip)
    else:
        load_h5_weights(model, path, skip_mismatch, objects_to_skip)


def _is_legacy(path: Path) -> bool:
    with open_h5(path, "r") as file:
        return has_legacy_weights(file)


def _refuse_argument(is_given: bool, argument: str, files: str, path: Path) -> None:
    if is_given:
        raise ArgumentError(f"`{argument}` only supports loading {files}. Got {path.name}")
