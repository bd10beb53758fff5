"""TensorBoard: event files of losses, metrics and weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graphc.keras.callbacks.callback import Callback, Logs
from graphc_ir.errors import ArgumentError

__all__ = ["TensorBoard"]


class TensorBoard(Callback):
    """Writes ``epoch_...`` scalars into ``log_dir/train`` and ``log_dir/validation``.

    ``update_freq``: ``"epoch"``, ``"batch"`` or a number of batches, for ``batch_...`` scalars; ``histogram_freq``:
    every how many epochs the distributions of the weights are written. Needs the extra ``graphc[tensorboard]``; raises
    ArgumentError where it is not installed.
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
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self._writers: dict[str, Any] = {}
        self._step = 0

    def _writer(self, part: str) -> Any:
        if part not in self._writers:
            self._writers[part] = _summary_writer()(str(self.log_dir / part))
        return self._writers[part]

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._step += 1
        if isinstance(self.update_freq, int) and self._step % self.update_freq == 0:
            for name, value in (logs or {}).items():
                self._writer("train").add_scalar(f"batch_{name}", value, self._step)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        for name, value in (logs or {}).items():
            validation = name.startswith("val_")
            writer = self._writer("validation" if validation else "train")
            writer.add_scalar(f"epoch_{name.removeprefix('val_')}", value, epoch)
        self._writer("train").add_scalar("epoch_learning_rate", float(self.model.optimizer.learning_rate), epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            for variable in self.model.weights:
                self._writer("train").add_histogram(variable.path, variable.numpy(), epoch)

    def on_test_end(self, logs: Logs = None) -> None:
        for name, value in (logs or {}).items():
            self._writer("validation").add_scalar(f"evaluation_{name}_vs_iterations", value, self._step)

    def on_train_end(self, logs: Logs = None) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers = {}


def _summary_writer() -> Any:
    try:
        from tensorboardX import SummaryWriter
    except ImportError as error:
        raise ArgumentError("the TensorBoard callback writes its files with tensorboardX, which is not installed: "
                            "pip install 'graphc[tensorboard]'") from error  # fmt: skip
    return SummaryWriter
