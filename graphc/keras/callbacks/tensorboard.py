"""TensorBoard: event files of losses, metrics and weights."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from graphc.keras.callbacks.callback import Callback, Logs
from graphc_ir.errors import ArgumentError

__all__ = ["TensorBoard"]


class TensorBoard(Callback):
    """Writes ``epoch_...`` scalars into ``log_dir/train`` and ``log_dir/validation``, and the results of evaluations by
    the number of training steps.

    ``update_freq``: ``"epoch"``, ``"batch"`` or a number of batches, for ``batch_...`` scalars. ``histogram_freq``:
    every how many epochs the distributions of the weights are written, with ``write_images`` the weights as pictures
    too. ``write_steps_per_second`` adds the speed of training. The other arguments are accepted: a model's graph is
    shown by ``plot_model``. Needs the extra ``graphc[tensorboard]``; raises ArgumentError where it is not installed.
    """

    def __init__(
        self,
        log_dir: Any = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ) -> None:
        super().__init__()
        self.log_dir = Path(log_dir)
        self.histogram_freq = histogram_freq
        self.write_images = write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self._writers: dict[str, Any] = {}
        self._batches = 0
        self._in_fit = False
        self._epoch_start = self._batch_start = (0, 0.0)

    def _writer(self, part: str) -> Any:
        if part not in self._writers:
            self._writers[part] = _summary_writer()(str(self.log_dir / part))
        return self._writers[part]

    def _now(self) -> tuple[int, float]:
        """The number of training steps so far, and the time."""
        return int(self.model.optimizer.iterations), time.perf_counter()

    def on_train_begin(self, logs: Logs = None) -> None:
        self._in_fit = True

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._epoch_start = self._batch_start = self._now()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._batches += 1
        if not isinstance(self.update_freq, int) or self._batches % self.update_freq:
            return
        now, writer = self._now(), self._writer("train")
        for name, value in (logs or {}).items():
            writer.add_scalar(f"batch_{name}", value, now[0])
        if self.write_steps_per_second:
            writer.add_scalar("batch_steps_per_second", _speed(self._batch_start, now), now[0])
        self._batch_start = now

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        for name, value in (logs or {}).items():
            validation = name.startswith("val_")
            writer = self._writer("validation" if validation else "train")
            writer.add_scalar(f"epoch_{name.removeprefix('val_')}", value, epoch)
        train = self._writer("train")
        train.add_scalar("epoch_learning_rate", float(self.model.optimizer.learning_rate), epoch)
        if self.write_steps_per_second:
            train.add_scalar("epoch_steps_per_second", _speed(self._epoch_start, self._now()), epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        for writer in self._writers.values():
            writer.flush()

    def _write_weights(self, epoch: int) -> None:
        writer = self._writer("train")
        for variable in self.model.weights:
            array = variable.numpy()
            writer.add_histogram(f"{variable.path}/histogram", array, epoch)
            pictures = _as_pictures(array) if self.write_images else None
            if pictures is not None:
                writer.add_images(f"{variable.path}/image", pictures, epoch, dataformats="NHWC")

    def on_test_end(self, logs: Logs = None) -> None:
        writer, step = self._writer("validation"), self._now()[0]
        for name, value in (logs or {}).items():
            writer.add_scalar(f"evaluation_{name}_vs_iterations", value, step)
        if not self._in_fit:
            self._close()

    def on_train_end(self, logs: Logs = None) -> None:
        self._in_fit = False
        self._close()

    def _close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers = {}


def _speed(start: tuple[int, float], end: tuple[int, float]) -> float:
    return (end[0] - start[0]) / max(end[1] - start[1], 1e-9)


def _as_pictures(array: Any) -> Any:
    """Grey pictures [count, height, width, 1] with values from 0 to 1; None for weights of four or more axes."""
    squeezed = np.squeeze(np.asarray(array, np.float32))
    if squeezed.ndim > 3:
        return None
    planes = np.moveaxis(squeezed, -1, 0) if squeezed.ndim == 3 else np.atleast_2d(squeezed)[None]
    low, high = planes.min(), planes.max()
    return ((planes - low) / max(high - low, 1e-12))[..., None]


def _summary_writer() -> Any:
    try:
        from tensorboardX import SummaryWriter
    except ImportError as error:
        raise ArgumentError("the TensorBoard callback writes its files with tensorboardX, which is not installed: "
                            "pip install 'graphc[tensorboard]'") from error  # fmt: skip
    return SummaryWriter
