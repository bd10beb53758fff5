"""``.weights.h5`` files, and the weights inside ``.keras`` files."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from graphc.keras.saving.errors import ModelFileError
from graphc.keras.saving.files import replacing, require_writable
from graphc.keras.saving.hdf5 import H5Reader, H5Writer, open_h5
from graphc.keras.saving.state import places
from graphc.variable import Variable
from graphc_ir.errors import ArgumentError, GraphcError

__all__ = ["load_weights", "read_state", "save_weights", "write_state"]


def write_state(root: Any, target: Any) -> None:
    """Writes the variables of all objects within ``root`` into an HDF5 file (path or file object)."""
    with open_h5(target, "w") as file:
        writer = H5Writer(file)
        for path, obj in places(root):
            obj.save_own_variables(writer.make(path, getattr(obj, "name", None)))


def read_state(root: Any, source: Any, skip_mismatch: bool = False) -> None:
    """Reads what :func:`write_state` (or Keras) wrote. All variables keep their values when it fails.

    Raises ModelFileError that names the first object whose variables do not fit; with ``skip_mismatch`` such objects
    keep their values, with a warning.
    """
    with open_h5(source, "r") as file:
        reader = H5Reader(file)
        before: list[tuple[Variable, Any]] = []
        try:
            for path, obj in places(root):
                _read_object(obj, path, reader, skip_mismatch, before)
        except Exception:
            _restore(before)
            raise


def _read_object(
    obj: Any, path: str, reader: H5Reader, skip_mismatch: bool, before: list[tuple[Variable, Any]]
) -> None:
    store = reader.get(path)
    own = _own_variables(obj)
    if not own and not store:
        return
    values = [(v, np.array(v.numpy())) for v in own]
    before.extend(values)
    try:
        obj.load_own_variables(store)
    except (GraphcError, ValueError, KeyError) as error:
        if not skip_mismatch:
            where = f" ({path})" if path else ""
            raise ModelFileError(f"the weights of {type(obj).__name__} {getattr(obj, 'name', '')!r}{where} do not fit "
                                 f"those in the file: {error}") from error  # fmt: skip
        _restore(values)
        warnings.warn(f"skipped the weights of {getattr(obj, 'name', obj)!r}: {error}", stacklevel=4)


def _own_variables(obj: Any) -> list[Variable]:
    return list(obj._own_weights() if hasattr(obj, "_own_weights") else obj.variables)


def _restore(values: list[tuple[Variable, Any]]) -> None:
    for variable, value in values:
        variable.assign(value)


def save_weights(model: Any, filepath: Any, overwrite: bool = True, **kwargs: Any) -> None:
    """Writes the weights (and the optimizer's state) to ``NAME.weights.h5``, which appears whole or not at all.

    Raises ArgumentError for another ending, and for a file that exists unless ``overwrite``.
    """
    path = Path(filepath)
    if not path.name.endswith(".weights.h5"):
        raise ArgumentError(f"weights go into a file whose name ends in .weights.h5, got {path.name!r}")
    require_writable(path, overwrite)
    with replacing(path) as temporary:
        write_state(model, temporary)


def load_weights(model: Any, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> None:
    """Reads the weights of a ``.weights.h5``, ``.keras`` or Keras 2 ``.h5`` file into a built model.

    Raises ModelFileError for a missing or damaged file and for weights that do not fit; nothing is changed then.
    """
    path = Path(filepath)
    if not path.exists():
        raise ModelFileError(f"there is no file {path}")
    if not model.built:
        raise ArgumentError(f"model {model.name!r} is not built, so it has no weights to load into; call it on data, "
                            "or build(input_shape) first")  # fmt: skip
    read_state(model, path, skip_mismatch)
