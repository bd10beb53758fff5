"""``tf.train``: checkpoints of Variables, and moving averages.

A checkpoint is one ``.npz`` file: NumPy arrays, no code. Its entries are named by the attributes that lead to a
Variable; those of a layer, model, optimizer, metric or generator are numbered in the order of its ``variables``.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from graphc.mode import init_scope
from graphc.variable import Variable
from graphc_ir.dtypes import as_dtype
from graphc_ir.errors import ArgumentError
from graphc_ir.ops.base import Array
from graphc_ir.ops.elementwise import add, mul

__all__ = [
    "Checkpoint", "CheckpointManager", "CheckpointReader", "ExponentialMovingAverage", "get_checkpoint_state",
    "latest_checkpoint", "list_variables", "load_checkpoint", "load_variable",
]  # fmt: skip

_SUFFIX: Final = ".npz"
_DTYPES: Final = "dtypes"
_STATE_FILE: Final = "checkpoint"
_ABSENT: Final = ("Example", "Feature", "Features", "BytesList", "FloatList", "Int64List", "SequenceExample")


def __getattr__(name: str) -> Any:
    if name in _ABSENT:
        raise AttributeError(f"graphc has no tf.train.{name}: it reads and writes no TFRecord files; keep data in .npz "
                             "files or arrays, and use tf.data.Dataset.from_tensor_slices")  # fmt: skip
    raise AttributeError(f"module 'graphc.train' has no attribute {name!r}")


# --- what an object holds --------------------------------------------------------------------------------------------


def _entries(path: str, value: Any) -> Iterator[tuple[str, Variable]]:
    if isinstance(value, Variable):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _entries(f"{path}/{key}", item)
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            yield from _entries(f"{path}/{i}", item)
    elif isinstance(value, Checkpoint):
        for name, variable in value.variables_by_name().items():
            yield f"{path}/{name}", variable
    else:
        yield from _of_object(path, value)


def _of_object(path: str, value: Any) -> Iterator[tuple[str, Variable]]:
    if hasattr(value, "variables"):
        yield from ((f"{path}/{i}", variable) for i, variable in enumerate(value.variables))
    elif isinstance(getattr(value, "state", None), Variable):
        yield f"{path}/state", value.state


# --- files -----------------------------------------------------------------------------------------------------------


def _write(file: str, arrays: dict[str, Array]) -> None:
    """Writes beside the file and renames, so that no half-written file is ever found under its name."""
    dtypes = json.dumps({name: as_dtype(array.dtype).name for name, array in arrays.items()})
    # NumPy's format has no 16-bit brain floats: their bits are kept.
    brain = as_dtype("bfloat16").np
    stored: dict[str, Any] = {f"value/{n}": a.view(np.uint16) if a.dtype == brain else a for n, a in arrays.items()}
    stored[_DTYPES] = np.array(dtypes)
    temporary = Path(f"{file}.tmp")
    temporary.parent.mkdir(parents=True, exist_ok=True)
    with temporary.open("wb") as stream:
        np.savez(stream, **stored)
    os.replace(temporary, file)


def _file_of(path: Any) -> str:
    """The file of a checkpoint given as such or as a prefix, or of the latest one in a folder.

    Raises ArgumentError if there is none.
    """
    name = os.fspath(path)
    found = latest_checkpoint(name) if os.path.isdir(name) else name
    for file in (f"{found}{_SUFFIX}", found or ""):
        if found is not None and os.path.isfile(file):
            return file
    raise ArgumentError(f"there is no checkpoint at {name!r}; expected a prefix that Checkpoint.save returned, for "
                        f"which a file {name}{_SUFFIX} exists, or a folder with checkpoints")  # fmt: skip


class CheckpointReader:
    """The arrays of a checkpoint by name."""

    def __init__(self, path: Any) -> None:
        file = _file_of(path)
        try:
            with np.load(file, allow_pickle=False) as stored:
                dtypes = json.loads(str(stored[_DTYPES]))
                self._arrays = {name: _revived(stored[f"value/{name}"], dtypes[name]) for name in dtypes}
        except (KeyError, ValueError, OSError) as error:
            raise ArgumentError(f"{file} is no checkpoint of graphc, or is damaged: {error}; TensorFlow's checkpoints "
                                "cannot be read, save the weights as .weights.h5 there") from error  # fmt: skip

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        return {name: list(array.shape) for name, array in self._arrays.items()}

    def get_variable_to_dtype_map(self) -> dict[str, Any]:
        return {name: as_dtype(array.dtype) for name, array in self._arrays.items()}

    def has_tensor(self, name: str) -> bool:
        return name in self._arrays

    def get_tensor(self, name: str) -> Array:
        """Raises ArgumentError for a name that the checkpoint does not have."""
        if name not in self._arrays:
            raise ArgumentError(f"the checkpoint has no {name!r}; it has {', '.join(sorted(self._arrays))}")
        return self._arrays[name]

    @property
    def names(self) -> list[str]:
        return list(self._arrays)


def _revived(array: Array, dtype: str) -> Array:
    return array.view(as_dtype(dtype).np) if dtype == "bfloat16" else array


def load_checkpoint(ckpt_dir_or_file: Any) -> CheckpointReader:
    """The arrays of a checkpoint, or of the latest one in a folder. Raises ArgumentError if there is none."""
    return CheckpointReader(ckpt_dir_or_file)


def load_variable(ckpt_dir_or_file: Any, name: str) -> Array:
    """One array of a checkpoint. Raises ArgumentError for an unknown name."""
    return CheckpointReader(ckpt_dir_or_file).get_tensor(name)


def list_variables(ckpt_dir_or_file: Any) -> list[tuple[str, list[int]]]:
    """Names and shapes in a checkpoint, sorted by name."""
    return sorted(CheckpointReader(ckpt_dir_or_file).get_variable_to_shape_map().items())


# --- which checkpoints a folder has ----------------------------------------------------------------------------------


class CheckpointState:
    """The checkpoints of a folder: the latest, and all, oldest first."""

    def __init__(self, paths: list[str]) -> None:
        self.all_model_checkpoint_paths = paths
        self.model_checkpoint_path = paths[-1]


def _write_state(directory: str, paths: list[str], filename: str | None = None) -> None:
    lines = [f"model_checkpoint_path: {json.dumps(os.path.basename(paths[-1]))}"]
    lines += [f"all_model_checkpoint_paths: {json.dumps(os.path.basename(path))}" for path in paths]
    temporary = Path(directory, f"{filename or _STATE_FILE}.tmp")
    temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    os.replace(temporary, Path(directory, filename or _STATE_FILE))


def get_checkpoint_state(checkpoint_dir: Any, latest_filename: str | None = None) -> CheckpointState | None:
    """What the file ``checkpoint`` of a folder says; None without one."""
    file = Path(checkpoint_dir, latest_filename or _STATE_FILE)
    if not file.is_file():
        return None
    names = re.findall(r'^all_model_checkpoint_paths: (".*")$', file.read_text(encoding="utf-8"), re.MULTILINE)
    paths = [os.path.join(os.fspath(checkpoint_dir), json.loads(name)) for name in names]
    return CheckpointState(paths) if paths else None


def latest_checkpoint(checkpoint_dir: Any, latest_filename: str | None = None) -> str | None:
    """The prefix of the newest checkpoint in a folder; None if there is none."""
    state = get_checkpoint_state(checkpoint_dir, latest_filename)
    return None if state is None else state.model_checkpoint_path


# --- saving and restoring --------------------------------------------------------------------------------------------


class LoadStatus:
    """What a restore did: ``unused`` entries of the file, ``missing`` Variables that the file does not have."""

    def __init__(self, unused: list[str], missing: list[str]) -> None:
        self.unused = unused
        self.missing = missing

    def assert_consumed(self) -> LoadStatus:
        """Raises ArgumentError unless file and objects have the same entries."""
        if self.unused:
            raise ArgumentError(f"the checkpoint also has {', '.join(self.unused)}, which the objects do not; build "
                                "them (call the model once, optimizer.build(model.trainable_variables)) before the "
                                "restore")  # fmt: skip
        return self.assert_existing_objects_matched()

    def assert_existing_objects_matched(self) -> LoadStatus:
        """Raises ArgumentError when there are Variables that the file does not have."""
        if self.missing:
            raise ArgumentError(f"the checkpoint has no value for {', '.join(self.missing)}")
        return self

    def assert_nontrivial_match(self) -> LoadStatus:
        """Does nothing: a restore that matches nothing raises at once."""
        return self

    def expect_partial(self) -> LoadStatus:
        """Says that not everything needs to match; nothing is checked unless asked for anyway."""
        return self


class Checkpoint:
    """Saves and restores the Variables of the objects given by keyword (and set as attributes).

    Objects: Variables, modules, layers, models, optimizers, metrics, generators; and lists and dicts of them. They must
    have their Variables by the time of a restore.
    """

    save_counter: Variable

    def __init__(self, root: Any = None, **kwargs: Any) -> None:
        if root is not None:
            self.root = root
        for name, value in kwargs.items():
            setattr(self, name, value)
        with init_scope():
            self.save_counter = Variable(np.int64(0), trainable=False, name="save_counter")

    def variables_by_name(self) -> dict[str, Variable]:
        """Every Variable once, under its first name."""
        found: dict[str, Variable] = {}
        seen: set[int] = set()
        for name in sorted(vars(self)):
            for path, variable in _entries(name, getattr(self, name)):
                if id(variable) not in seen:
                    seen.add(id(variable))
                    found[path] = variable
        return found

    def write(self, file_prefix: Any, options: Any = None) -> str:
        """Writes ``<file_prefix>.npz``; returns the prefix."""
        prefix = str(os.fspath(file_prefix))
        _write(f"{prefix}{_SUFFIX}", {name: np.asarray(v.numpy()) for name, v in self.variables_by_name().items()})
        return prefix

    def save(self, file_prefix: Any, options: Any = None) -> str:
        """Counts up, writes ``<file_prefix>-<count>.npz`` and notes it as the latest of its folder.

        Returns the prefix with the count.
        """
        self.save_counter.assign_add(1)
        prefix = self.write(f"{os.fspath(file_prefix)}-{int(self.save_counter)}")
        directory = os.path.dirname(prefix) or "."
        state = get_checkpoint_state(directory)
        known = [] if state is None else state.all_model_checkpoint_paths
        _write_state(directory, [path for path in known if path != prefix] + [prefix])
        return prefix

    def restore(self, save_path: Any, options: Any = None) -> LoadStatus:
        """Sets the Variables to what a checkpoint (or the latest one of a folder) holds; None does nothing.

        Raises ArgumentError if there is none, if it has nothing for these objects, or another shape or dtype.
        """
        if save_path is None:
            return LoadStatus([], [])
        reader, variables = CheckpointReader(save_path), self.variables_by_name()
        common = [name for name in variables if reader.has_tensor(name)]
        if not common:
            raise ArgumentError(f"the checkpoint {os.fspath(save_path)} has {', '.join(reader.names)}, none of which "
                                f"these objects have: {', '.join(variables)}")  # fmt: skip
        for name in common:
            _check_fit(name, reader.get_tensor(name), variables[name])
        for name in common:
            variables[name].assign(reader.get_tensor(name))
        unused = [name for name in reader.names if name not in variables]
        return LoadStatus(unused, [name for name in variables if name not in common])

    read = restore


def _check_fit(name: str, array: Array, variable: Variable) -> None:
    if tuple(array.shape) != tuple(variable.shape) or as_dtype(array.dtype) is not variable.dtype:
        raise ArgumentError(f"{name} is {as_dtype(array.dtype).name}{list(array.shape)} in the checkpoint, but "
                            f"{variable.dtype.name}{list(variable.shape)} here")  # fmt: skip


class CheckpointManager:
    """Keeps the newest ``max_to_keep`` checkpoints (None: all) in a folder. ``checkpoint_name`` is their prefix there.

    With ``step_counter`` and ``checkpoint_interval``, :meth:`save` does nothing before so many steps have passed.
    ``init_fn`` is called by :meth:`restore_or_initialize` when there is nothing to restore.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        directory: Any,
        max_to_keep: int | None,
        keep_checkpoint_every_n_hours: float | None = None,
        checkpoint_name: str = "ckpt",
        step_counter: Any = None,
        checkpoint_interval: int | None = None,
        init_fn: Callable[[], Any] | None = None,
    ) -> None:
        if max_to_keep is not None and max_to_keep < 1:
            raise ArgumentError(f"CheckpointManager: got max_to_keep={max_to_keep}, expected 1 or more, or None")
        if keep_checkpoint_every_n_hours is not None:
            raise ArgumentError("CheckpointManager: keep_checkpoint_every_n_hours is not supported; use "
                                "max_to_keep=None and remove checkpoints by hand")  # fmt: skip
        self._checkpoint = checkpoint
        self._directory = os.fspath(directory)
        self._max_to_keep = max_to_keep
        self._prefix = os.path.join(self._directory, checkpoint_name)
        self._step_counter = step_counter
        self._interval = checkpoint_interval
        self._init_fn = init_fn
        self._last_step: int | None = None

    @property
    def directory(self) -> str:
        return str(self._directory)

    @property
    def checkpoint(self) -> Checkpoint:
        return self._checkpoint

    @property
    def checkpoints(self) -> list[str]:
        """The prefixes of the checkpoints that are kept, oldest first."""
        state = get_checkpoint_state(self._directory)
        return [] if state is None else state.all_model_checkpoint_paths

    @property
    def latest_checkpoint(self) -> str | None:
        return latest_checkpoint(self._directory)

    def save(self, checkpoint_number: int | None = None, check_interval: bool = True,
             options: Any = None) -> str | None:  # fmt: skip
        """Writes a checkpoint and removes those beyond ``max_to_keep``; returns its prefix, or None if not yet due.

        ``checkpoint_number`` takes the place of the count in its name.
        """
        if check_interval and not self._is_due():
            return None
        if checkpoint_number is not None:
            self._checkpoint.save_counter.assign(np.int64(int(checkpoint_number) - 1))
        saved = self._checkpoint.save(self._prefix)
        kept = self.checkpoints
        for old in kept[: -self._max_to_keep] if self._max_to_keep else []:
            Path(f"{old}{_SUFFIX}").unlink(missing_ok=True)
        _write_state(self._directory, kept[-self._max_to_keep :] if self._max_to_keep else kept)
        return saved

    def _is_due(self) -> bool:
        if self._step_counter is None or self._interval is None:
            return True
        step = int(self._step_counter)
        if self._last_step is not None and step - self._last_step < self._interval:
            return False
        self._last_step = step
        return True

    def restore_or_initialize(self) -> str | None:
        """Restores the latest checkpoint and returns its prefix; without one, calls ``init_fn`` and returns None."""
        latest = self.latest_checkpoint
        if latest is not None:
            self._checkpoint.restore(latest)
        elif self._init_fn is not None:
            self._init_fn()
        return latest


# --- averages --------------------------------------------------------------------------------------------------------


class ExponentialMovingAverage:
    """Averages of Variables: at each :meth:`apply`, ``average = decay * average + (1 - decay) * value``.

    ``num_updates`` lowers the decay at the start, to ``(1 + num_updates) / (10 + num_updates)``. ``zero_debias``
    starts from zero and divides by what is missing of the weights' sum.
    """

    def __init__(self, decay: float, num_updates: Any = None, zero_debias: bool = False,
                 name: str = "ExponentialMovingAverage") -> None:  # fmt: skip
        self.name = name
        self._decay = decay
        self._num_updates = num_updates
        self._zero_debias = zero_debias
        self._averages: dict[int, tuple[Variable, Variable]] = {}
        self._steps = Variable(np.int64(0), trainable=False, name="steps")

    def apply(self, var_list: Any) -> None:
        """Takes the current values into the averages. The first time, these start with them."""
        decay = self._current_decay()
        self._steps.assign_add(1)
        for variable in var_list:
            average = self._average_of(variable)
            average.assign(add(mul(average, decay), mul(variable, 1 - decay)))

    def _current_decay(self) -> float:
        if self._num_updates is None:
            return self._decay
        updates = float(self._num_updates)
        return min(self._decay, (1 + updates) / (10 + updates))

    def _average_of(self, variable: Variable) -> Variable:
        if id(variable) not in self._averages:
            with init_scope():
                start = variable.numpy() * 0 if self._zero_debias else variable.numpy()
                average = Variable(start, trainable=False, name=f"{variable.name.split(':')[0]}/{self.name}")
            self._averages[id(variable)] = variable, average
        return self._averages[id(variable)][1]

    def average(self, var: Variable) -> Any:
        """The average of a Variable; None if it has none. A tensor with ``zero_debias``, else a Variable."""
        if id(var) not in self._averages:
            return None
        average = self._averages[id(var)][1]
        if not self._zero_debias:
            return average
        return mul(average, 1 / (1 - self._decay ** int(self._steps)))
