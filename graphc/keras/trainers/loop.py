"""The loops over batches and epochs that ``fit``, ``evaluate`` and ``predict`` share."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from graphc.keras.callbacks import CallbackList, History
from graphc.keras.config import max_steps_per_epoch
from graphc.keras.trainers.data import Batches
from graphc.pytree import flatten, map_leaves, unflatten
from graphc.tensor import Tensor
from graphc_ir.errors import ArgumentError

__all__ = ["Loop", "as_logs", "joined_outputs"]


class Loop:
    """Batches run through a model's steps, with the callbacks' hooks around them."""

    def __init__(self, model: Any, batches: Batches, steps: int | None) -> None:
        self.model = model
        self.batches = batches
        self._limit = steps
        self._rest: Iterator[Any] | None = None
        self._passes = 0
        limit = max_steps_per_epoch()
        if limit is not None:
            self._limit = limit if steps is None else min(steps, limit)

    @property
    def steps(self) -> int | None:
        """Steps per epoch, if known."""
        return self.batches.steps if self._limit is None else self._limit

    def _epoch(self, number: int = 0) -> Iterator[Any]:
        """The batches of one epoch. With a number of steps, the data goes on where the last epoch stopped, and an
        epoch in which it ends is shorter."""
        if self._limit is None:
            yield from self.batches.epoch(number)
            return
        size = self.model.steps_per_execution
        for count in range(math.ceil(self._limit / size) * size):  # whole executions
            batch = self._next(may_restart=count == 0)
            if batch is None:
                self._rest = None
                if count < self._limit:
                    warnings.warn(f"the data ended after {count} batches, but {self._limit} steps per epoch were asked "
                                  "for; use .repeat() or fewer steps", stacklevel=2)  # fmt: skip
                return
            yield batch

    def _next(self, may_restart: bool) -> Any:
        batch = None if self._rest is None else next(self._rest, None)
        if batch is None and may_restart:
            self._rest = self.batches.epoch(self._passes)
            self._passes += 1
            batch = next(self._rest, None)
        return batch

    def _executions(self, kind: str, hooks: CallbackList, epoch: int = 0) -> Iterator[list[Any]]:
        """The results of ``steps_per_execution`` steps after the other, hooks called around them."""
        begin, end = f"on_{kind}_batch_begin", f"on_{kind}_batch_end"
        calls_begin, calls_end = hooks.wants(begin), hooks.wants(end)
        step = getattr(self.model, f"make_{kind}_function")()
        size, batches = self.model.steps_per_execution, self._epoch(epoch)
        for first in itertools.count(0, size):
            group = list(itertools.islice(batches, size))
            if not group:
                return
            if calls_begin:
                hooks.call(begin, first, {})
            results = [step(batch) for batch in group]
            if calls_end:
                hooks.call(end, first + size - 1, _batch_logs(kind, results))
            yield results

    # --- training ------------------------------------------------------------------------------------------------

    def train(
        self, hooks: CallbackList, initial_epoch: int, epochs: int, validation: Batches | None,
        validation_steps: int | None, validation_freq: int | Sequence[int],
    ) -> History:  # fmt: skip
        """Runs the epochs; stops when a callback sets ``model.stop_training``."""
        model = self.model
        checks = None if validation is None else Loop(model, validation, validation_steps)
        logs: dict[str, float] = {}
        model.data_seed = self.batches.seed
        hooks.on_train_begin()
        self.batches.seed = model.data_seed
        initial_epoch = model.resume_epoch or initial_epoch
        model.resume_epoch = None
        for epoch in range(initial_epoch, epochs):
            model.reset_metrics()
            hooks.on_epoch_begin(epoch)
            results = self._train_epoch(hooks, epoch, epoch == initial_epoch)
            if results is None:
                break
            logs = results
            if checks is not None and _is_due(epoch, validation_freq):
                validated = checks.evaluate(hooks)
                logs = {**logs, **{f"val_{name}": value for name, value in validated.items()}}
            hooks.on_epoch_end(epoch, logs)
            self.batches.on_epoch_end()
            if model.stop_training:
                break
        if model.optimizer is not None and epochs > initial_epoch:
            model.optimizer.finalize_variable_values(model.trainable_weights)
        hooks.on_train_end(logs)
        return hooks.history

    def _train_epoch(self, hooks: CallbackList, epoch: int, is_first: bool) -> dict[str, float] | None:
        """The results of the last step; None if there is no more data. Raises ArgumentError if there never was."""
        last: list[Any] = []
        for results in self._executions("train", hooks, epoch):
            last = results
            if self.model.stop_training:
                break
        if last:
            return as_logs(last[-1])
        if is_first:
            raise ArgumentError(f"epoch {epoch + 1} has no batches: the data is empty")
        warnings.warn(f"the data ended before epoch {epoch + 1}, so training ends here; an iterator can be read once, "
                      "a Dataset or a PyDataset as often as needed", stacklevel=4)  # fmt: skip
        return None

    # --- evaluation and prediction -------------------------------------------------------------------------------

    def evaluate(self, hooks: CallbackList) -> dict[str, float]:
        """The metrics over all batches, those of the first ones if a number of steps is given."""
        model, last = self.model, []
        model.reset_metrics()
        model.stop_evaluating = False
        self._rest = None
        hooks.on_test_begin()
        for results in self._executions("test", hooks):
            last = results
            if model.stop_evaluating:
                break
        if not last:
            raise ArgumentError("there is nothing to evaluate: the data is empty")
        logs = as_logs(last[-1])
        hooks.on_test_end(logs)
        return logs

    def predict(self, hooks: CallbackList) -> list[Any]:
        """The outputs of all batches."""
        self.model.stop_predicting = False
        hooks.on_predict_begin()
        found: list[Any] = []
        for results in self._executions("predict", hooks):
            found += results
            if self.model.stop_predicting:
                break
        hooks.on_predict_end()
        return found


def _is_due(epoch: int, frequency: int | Sequence[int]) -> bool:
    if isinstance(frequency, int):
        return (epoch + 1) % frequency == 0
    return epoch + 1 in frequency


def _batch_logs(kind: str, results: list[Any]) -> dict[str, Any]:
    if kind != "predict":
        return as_logs(results[-1])
    return {"outputs": results[0] if len(results) == 1 else joined_outputs(results)}


def as_logs(results: Any) -> dict[str, float]:
    """The results of a step as Python floats. Raises ArgumentError for a step that returns no dict."""
    if not isinstance(results, dict):
        raise ArgumentError(f"a step must return a dict of results by name, got {type(results).__name__}; "
                            "return {m.name: m.result() for m in self.metrics}")  # fmt: skip
    return {name: _as_number(value) for name, value in results.items()}


def _as_number(value: Any) -> Any:
    array = np.asarray(value._array if isinstance(value, Tensor) else value)
    return float(array.item()) if array.size == 1 else array


def joined_outputs(parts: list[Any]) -> Any:
    """The outputs of all batches as one array per output. Raises ArgumentError if there are none."""
    if not parts:
        raise ArgumentError("there is nothing to predict: the data is empty")
    if len(parts) == 1:
        return map_leaves(lambda t: t.numpy(), parts[0])
    leaves = [flatten(part)[0] for part in parts]
    structure = flatten(parts[0])[1]
    return unflatten(structure, [np.concatenate([t.numpy() for t in column]) for column in zip(*leaves, strict=True)])
