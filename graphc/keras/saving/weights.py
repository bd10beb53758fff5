"""``.weights.h5`` files, and the weights inside ``.keras`` files."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from graphc.keras.saving.errors import ModelFileError
from graphc.keras.saving.files import replacing, require_writable
from graphc.keras.saving.hdf5 import H5Reader, H5Writer, open_h5
from graphc.keras.saving.state import places, walk
from graphc.variable import Variable
from graphc_ir.errors import ArgumentError, GraphcError

__all__ = ["load_weights", "read_state", "save_weights", "write_state"]


def write_state(root: Any, target: Any, objects_to_skip: Iterable[Any] | None = None) -> None:
    """Writes the variables of all objects within ``root`` into an HDF5 file (path or file object)."""
    with open_h5(target, "w") as file:
        writer = H5Writer(file)
        for path, obj in places(root, objects_to_skip or ()):
            obj.save_own_variables(writer.make(path, getattr(obj, "name", None)))


def read_state(
    root: Any, source: Any, skip_mismatch: bool = False, objects_to_skip: Iterable[Any] | None = None
) -> None:
    """Reads what :func:`write_state` (or Keras) wrote. All variables keep their values when it fails.

    Raises ModelFileError that names the first object whose variables do not fit; with ``skip_mismatch`` such objects
    keep their values, with a warning.
    """
    with open_h5(source, "r") as file:
        reading = _Reading(H5Reader(file))
        try:
            walk(root, reading.visit, objects_to_skip or ())
            reading.finish(skip_mismatch)
        except Exception:
            _restore(reading.before)
            raise


class _Reading:
    """Loads one object after the other. ``before`` has the variables that may have changed, with their old values."""

    def __init__(self, reader: H5Reader) -> None:
        self._reader = reader
        self._problems: dict[int, str] = {}
        self.before: list[tuple[Variable, Any]] = []

    def visit(self, path: str, obj: Any) -> bool:
        """Whether the object has all that belongs to it; another of its paths may be the one in the file."""
        store, own = self._reader.get(path), _own_variables(obj)
        if not own and not store:
            return True
        values = [(v, np.array(v.numpy())) for v in own]
        self.before += values
        try:
            obj.load_own_variables({} if store is None else store)
        except (GraphcError, ValueError, TypeError, KeyError) as error:
            _restore(values)
            self._problems.setdefault(id(obj), _problem(path, obj, error))
            return False
        self._problems.pop(id(obj), None)
        return True

    def finish(self, skip_mismatch: bool) -> None:
        """Raises ModelFileError, or warns, of the objects that got nothing."""
        for problem in self._problems.values():
            if not skip_mismatch:
                raise ModelFileError(problem)
            warnings.warn(f"skipped: {problem}", stacklevel=5)


def _problem(path: str, obj: Any, error: Exception) -> str:
    where = f" ({path})" if path else ""
    return (f"the weights of {type(obj).__name__} {getattr(obj, 'name', '')!r}{where} do not fit those in the file: "
            f"{error}")  # fmt: skip


def _own_variables(obj: Any) -> list[Variable]:
    return list(obj._own_weights() if hasattr(obj, "_own_weights") else obj.variables)


def _restore(values: list[tuple[Variable, Any]]) -> None:
    for variable, value in values:
        variable.assign(value)


def save_weights(
    model: Any, filepath: Any, overwrite: bool = True, objects_to_skip: Iterable[Any] | None = None
) -> None:
    """Writes the weights (and the optimizer's state) to ``NAME.weights.h5``, which appears whole or not at all.

    ``objects_to_skip`` are layers to leave out. Raises ArgumentError for another ending, a model that is not built, and
    a file that exists unless ``overwrite``.
    """
    path = Path(filepath)
    if not path.name.endswith(".weights.h5"):
        raise ArgumentError(f"weights go into a file whose name ends in .weights.h5, got {path.name!r}")
    if not model.built:
        raise ArgumentError("You are saving a model that has not yet been built. It might have no weights yet; call it "
                            "on data, or build(input_shape) first")  # fmt: skip
    require_writable(path, overwrite)
    with replacing(path) as temporary:
        write_state(model, temporary, objects_to_skip)


def load_weights(
    model: Any, filepath: Any, skip_mismatch: bool = False, objects_to_skip: Iterable[Any] | None = None
) -> None:
    """Reads the weights of a ``.weights.h5`` file into a built model.

    Raises ModelFileError for a missing or damaged file and for weights that do not fit; nothing is changed then.
    """
    path = Path(filepath)
    if not path.exists():
        raise ModelFileError(f"there is no file {path}")
    if not model.built:
        raise ArgumentError("You are loading weights into a model that has not yet been built. It has none to load "
                            "into; call it on data, or build(input_shape) first")  # fmt: skip
    read_state(model, path, skip_mismatch, objects_to_skip)
