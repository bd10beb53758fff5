"""Trainer: the half of a model that compiles, trains, evaluates and predicts."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.autograph import convert
from graphc.keras import optimizers
from graphc.keras.callbacks import CallbackList, History
from graphc.keras.config import max_epochs
from graphc.keras.engine.inference import infer_outputs
from graphc.keras.engine.keras_tensor import KerasTensor
from graphc.keras.engine.layer import Layer, paired_values
from graphc.keras.engine.tracking import unique
from graphc.keras.metrics import Mean, Metric
from graphc.keras.optimizers import LossScaleOptimizer, Optimizer
from graphc.keras.serialization import deserialize_keras_object, serialize_keras_object
from graphc.keras.stateless_scope import StatelessScope
from graphc.keras.trainers.compiled_loss import CompiledLoss, batch_size_of
from graphc.keras.trainers.compiled_metrics import CompiledMetrics
from graphc.keras.trainers.data import Batches, make_batches, split_validation
from graphc.keras.trainers.loop import Loop, as_logs, joined_outputs
from graphc.keras.trainers.step import CompiledStep
from graphc.keras.utils.batches import pack_x_y_sample_weight, unpack_x_y_sample_weight
from graphc.mode import mode
from graphc.pytree import leaves_of, map_leaves
from graphc.tape import GradientTape
from graphc.variable import Variable
from graphc_ir.errors import ArgumentError, ArgumentTypeError
from graphc_ir.ops.base import lift, type_of
from graphc_ir.ops.elementwise import add, cast
from graphc_ir.ops.reduction import reduce_sum

__all__ = ["Trainer"]


class Trainer(Layer):
    """What models add to layers: ``compile``, ``fit``, ``evaluate``, ``predict`` and their one-batch forms.

    Override ``train_step(data)``, ``test_step``, ``predict_step`` or ``compute_loss`` to change what one step does.
    """

    _untracked = frozenset({
        "optimizer", "loss", "_compiled_loss", "_compiled_metrics", "_loss_tracker", "_steps", "history",
        "_compile_config",
    })  # fmt: skip

    optimizer: Any = None
    loss: Any = None
    stop_training: bool = False
    stop_evaluating: bool = False
    stop_predicting: bool = False
    resume_epoch: int | None = None
    """Set by a callback at the start of training: the epoch to go on from."""
    data_seed: int | None = None
    """What the order of the training data follows from; may be set by a callback at the start of training."""
    compiled: bool = False
    run_eagerly_setting: bool = False
    jit_compile: Any = "auto"
    steps_per_execution: int = 1
    loss_weights: Any = None
    _compiled_loss: CompiledLoss | None = None
    _compiled_metrics: CompiledMetrics | None = None
    _loss_tracker: Mean | None = None
    _compile_config: dict[str, Any] | None = None

    # --- compile -------------------------------------------------------------------------------------------------

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Sets how the model is trained: optimizer, loss (per output) and metrics, by name or as objects.

        By position, ``loss_weights`` come before ``metrics`` as in Keras 3, or after them as in TensorFlow 2: they are
        numbers. ``run_eagerly=True`` runs steps as plain Python. ``jit_compile`` is accepted: every step is compiled.
        """
        if any(isinstance(leaf, (str, Metric)) or callable(leaf) for leaf in leaves_of(loss_weights)):
            loss_weights, metrics = metrics, loss_weights
        self.optimizer = optimizers.get(optimizer)
        if auto_scale_loss and self.dtype_policy.name == "mixed_float16" and isinstance(self.optimizer, Optimizer):
            self.optimizer = _scaling(self.optimizer)
        self.loss = loss
        self.loss_weights = loss_weights
        self._compiled_loss = None if loss is None else CompiledLoss(loss, loss_weights, self._names_of_outputs())
        self._compiled_metrics = CompiledMetrics(metrics, weighted_metrics, self._names_of_outputs())
        self._loss_tracker = Mean(name="loss")
        self.run_eagerly_setting = bool(run_eagerly)
        self.steps_per_execution = max(int(steps_per_execution), 1)
        self.jit_compile = jit_compile
        self.compiled = True
        self.stop_training = False
        self._steps: dict[str, CompiledStep] = {}
        self._compile_config = {
            "optimizer": self.optimizer, "loss": loss, "loss_weights": loss_weights, "metrics": metrics,
            "weighted_metrics": weighted_metrics, "run_eagerly": bool(run_eagerly),
            "steps_per_execution": self.steps_per_execution, "jit_compile": jit_compile,
        }  # fmt: skip

    def _names_of_outputs(self) -> Sequence[str] | None:
        """The names of several outputs, where the model knows them."""
        return None

    def get_compile_config(self) -> dict[str, Any] | None:
        """What :meth:`compile` was given; an empty dict for a model that is not compiled."""
        if not self.compiled or self._compile_config is None:
            return {}
        return serialize_keras_object(self._compile_config)  # type: ignore[no-any-return]

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles as :meth:`get_compile_config` said."""
        if config and type(self).compile is not Trainer.compile:
            warnings.warn("`compile()` was not called as part of model loading because the model's `compile()` method "
                          f"is custom. Override compile_from_config of {type(self).__name__} too, or compile the model "
                          "after loading", stacklevel=2)  # fmt: skip
        elif config:
            self.compile(**{key: deserialize_keras_object(value) for key, value in config.items()})
            if self.built and self.optimizer is not None:
                self.optimizer.build(self.trainable_variables)

    @property
    def run_eagerly(self) -> bool:
        """Whether steps run as plain Python instead of compiled functions."""
        return self.run_eagerly_setting or mode.run_eagerly

    @run_eagerly.setter
    def run_eagerly(self, value: bool) -> None:
        self.run_eagerly_setting = bool(value)

    def _require_compiled(self, what: str) -> None:
        if not self.compiled:
            raise ArgumentError(f"you must call compile() before {what}(): model.compile(optimizer=..., loss=...)")

    def _require_optimizer(self) -> None:
        if self.optimizer is None and type(self).train_step is Trainer.train_step:
            raise ArgumentError("the model was compiled with optimizer=None, so it can be evaluated but not trained; "
                                "give compile() an optimizer")  # fmt: skip

    # --- metrics -------------------------------------------------------------------------------------------------

    @property
    def metrics(self) -> list[Any]:
        """The means of the loss and of each of several losses, the metrics of ``compile``, those of layers."""
        own: list[Any] = [] if self._loss_tracker is None else [self._loss_tracker]
        if self._compiled_loss is not None:
            own += self._compiled_loss.metrics
        if self._compiled_metrics is not None:
            own += self._compiled_metrics.metrics
        return unique([*own, *super().metrics])

    @property
    def metrics_names(self) -> list[str]:
        """The names of the results of :meth:`evaluate`, in order."""
        return [self._label(m) for m in self.metrics]

    def _label(self, metric: Metric) -> str:
        return metric.name if self._compiled_metrics is None else self._compiled_metrics.label(metric)

    @property
    def metrics_variables(self) -> list[Variable]:
        return unique(v for metric in self.metrics for v in metric.variables)

    def reset_metrics(self) -> None:
        """Sets all metrics back."""
        for metric in self.metrics:
            metric.reset_state()

    def get_metrics_result(self) -> dict[str, Any]:
        """The results of all metrics by name."""
        results: dict[str, Any] = {}
        for metric in self.metrics:
            value = metric.result()
            results.update(value if isinstance(value, dict) else {self._label(metric): value})
        return results

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Updates the metrics with a batch; returns the results of all."""
        if self._compiled_metrics is not None and y is not None:
            self._compiled_metrics.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    # --- one step ------------------------------------------------------------------------------------------------

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None,
                     training: bool = True) -> Any:  # fmt: skip
        """The scalar that training minimizes: the losses of ``compile`` plus those of ``add_loss`` and regularizers."""
        total = None
        if self._compiled_loss is not None:
            total = self._compiled_loss(y, y_pred, sample_weight)
        for extra in self.losses:
            part = reduce_sum(lift(extra))
            total = part if total is None else add(total, cast(part, total.dtype))
        if total is None:
            raise ArgumentError("No loss to compute: give compile() a `loss`, or call add_loss in a layer")
        return total

    def stateless_compute_loss(
        self,
        trainable_variables: Sequence[Any],
        non_trainable_variables: Sequence[Any],
        metrics_variables: Sequence[Any],
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> tuple[Any, tuple[Any, list[Any], list[Any]]]:
        """:meth:`compute_loss` with these values of the Variables, which keep their own.

        Returns the loss and the values afterwards: ``(trainable, non_trainable, metrics)``. Gradient tapes follow the
        loss back to the values. Raises ArgumentError for another number of values than there are Variables.
        """
        given = {"trainable_variables": trainable_variables, "non_trainable_variables": non_trainable_variables,
                 "metrics_variables": metrics_variables}  # fmt: skip
        pairs = [pair for what, values in given.items() for pair in paired_values(getattr(self, what), values, what)]
        with StatelessScope(pairs) as scope:
            loss = self._loss_of(x, y, y_pred, sample_weight, training)
        others, metrics = ([scope.get_current_value(variable) for variable in variables]
                           for variables in (self.non_trainable_variables, self.metrics_variables))  # fmt: skip
        return loss, (trainable_variables, others, metrics)

    def compiled_loss(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, regularization_losses: Any = None
    ) -> Any:
        """TensorFlow 2's spelling, for ``train_step`` methods: the loss of a batch, ``add_loss`` included."""
        return self.compute_loss(None, y_true, y_pred, sample_weight)

    @property
    def compiled_metrics(self) -> CompiledMetrics | None:
        """The metrics of ``compile``, with ``update_state(y, y_pred)`` for ``train_step`` methods."""
        return self._compiled_metrics

    def train_step(self, data: Any) -> dict[str, Any]:
        """One update of the weights from a batch; returns the results of the metrics."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        with GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self._loss_of(x, y, y_pred, sample_weight, training=True)
            scaled = self.optimizer.scale_loss(loss)
        self._track_loss(loss, x)
        weights = self.trainable_weights
        if weights:
            self.optimizer.apply_gradients(zip(tape.gradient(scaled, weights), weights, strict=True))
        else:
            warnings.warn("the model has no trainable weights", stacklevel=2)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def test_step(self, data: Any) -> dict[str, Any]:
        """The metrics after one more batch."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        self._track_loss(self._loss_of(x, y, y_pred, sample_weight, training=False), x)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def predict_step(self, data: Any) -> Any:
        """The outputs for a batch."""
        x, _, _ = unpack_x_y_sample_weight(data)
        return self(x, training=False)

    def _loss_of(self, x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool) -> Any:
        """:meth:`compute_loss`, which older subclasses define without ``training``."""
        parameters = inspect.signature(self.compute_loss).parameters.values()
        takes_training = any(p.name == "training" or p.kind is p.VAR_KEYWORD for p in parameters)
        told = {"training": training} if takes_training else {}
        return self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, **told)

    def _track_loss(self, loss: Any, x: Any) -> None:
        if self._loss_tracker is not None:
            leaf = next(leaf for leaf in _leaves(x))
            self._loss_tracker.update_state(loss, sample_weight=batch_size_of(leaf))

    # --- compiled steps ------------------------------------------------------------------------------------------

    def make_train_function(self, force: bool = False) -> Any:
        """What runs :meth:`train_step` on a batch: compiled, unless ``run_eagerly``."""
        return self._step("train", self.train_step, force)

    def make_test_function(self, force: bool = False) -> Any:
        """What runs :meth:`test_step` on a batch."""
        return self._step("test", self.test_step, force)

    def make_predict_function(self, force: bool = False) -> Any:
        """What runs :meth:`predict_step` on a batch."""
        return self._step("predict", self.predict_step, force)

    def _step(self, kind: str, method: Any, force: bool) -> Any:
        own_step = kind != "predict" and getattr(Trainer, f"{kind}_step") is not getattr(type(self), f"{kind}_step")

        def function(data: Any) -> Any:
            if own_step:
                self._build_metrics(data)
            # Users' steps write x, y = data where there are no weights.
            return convert(method)(pack_x_y_sample_weight(*data))

        if self.run_eagerly:
            return lambda data: function(map_leaves(lift, data))
        steps = self.__dict__.setdefault("_steps", {})
        frozen = self._frozen_layers()
        if force or kind not in steps or steps[kind][0] != frozen:
            steps[kind] = frozen, CompiledStep(function, f"{kind}_step")
        return steps[kind][1]

    def _build_metrics(self, data: Any) -> None:
        """Makes the metrics of ``compile`` before a step of a subclass goes through ``metrics``."""
        x, y, _ = unpack_x_y_sample_weight(data)
        metrics = self._compiled_metrics
        if metrics is None or metrics.built or y is None:
            return

        def build(x: Any, y: Any) -> None:
            metrics.build(y, self(x, training=False))

        try:
            infer_outputs(build, map_leaves(_described, (x, y)), {})
        except Exception:
            # Such a step need not call the model on x, nor use these metrics: whatever stops that call is no error yet.
            return

    def _frozen_layers(self) -> frozenset[int]:
        """Freezing or thawing a layer changes what its steps do."""
        return frozenset(id(layer) for layer in self._flatten_layers() if not layer.trainable)

    # --- fit, evaluate, predict ----------------------------------------------------------------------------------

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool | str = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | Sequence[int] = 1,
        **kwargs: Any,
    ) -> History:
        """Trains for ``epochs`` epochs. Data: arrays (or lists and dicts of them), a Dataset, a generator, a PyDataset.

        Returns a History whose ``history`` has a list of floats per loss and metric. Raises ArgumentError for a model
        that is not compiled and for data that does not fit.
        """
        self._require_compiled("fit")
        self._require_optimizer()
        _check_ignored(kwargs)
        limit = max_epochs()
        epochs = epochs if limit is None else min(epochs, limit)
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = split_validation((x, y, sample_weight), validation_split)
        batches = make_batches(x, y, sample_weight, batch_size, shuffle=shuffle, class_weight=class_weight)
        validation = None
        if validation_data is not None:
            validation = _validation_batches(validation_data, validation_batch_size or batch_size)
        loop = Loop(self, batches, steps_per_epoch)
        hooks = _callback_list(self, callbacks, verbose, epochs=epochs, steps=loop.steps)
        self.stop_training = False
        return loop.train(hooks, initial_epoch, epochs, validation, validation_steps, validation_freq)

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """The loss and the metrics over all of the data: a float, a list in the order of ``metrics_names``, or a dict.

        Raises ArgumentError for a model that is not compiled.
        """
        self._require_compiled("evaluate")
        _check_ignored(kwargs)
        loop = Loop(self, make_batches(x, y, sample_weight, batch_size), steps)
        hooks = callbacks if isinstance(callbacks, CallbackList) else _callback_list(
            self, callbacks, verbose, epochs=1, steps=loop.steps
        )  # fmt: skip
        logs = loop.evaluate(hooks)
        return logs if return_dict else _as_list(logs)

    def predict(
        self, x: Any, batch_size: int | None = None, verbose: Any = "auto", steps: int | None = None,
        callbacks: Any = None, **kwargs: Any,
    ) -> Any:  # fmt: skip
        """The outputs for all of the data, as NumPy arrays in the structure of the model's outputs."""
        _check_ignored(kwargs)
        loop = Loop(self, make_batches(x, None, None, batch_size), steps)
        hooks = _callback_list(self, callbacks, verbose, epochs=1, steps=loop.steps)
        return joined_outputs(loop.predict(hooks))

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: dict[int, float] | None = None,
        return_dict: bool = False, reset_metrics: bool = True,
    ) -> Any:  # fmt: skip
        """One update of the weights from this batch. Returns the metrics of it alone (with ``reset_metrics=False``, of
        all batches since the last reset), as :meth:`evaluate` does."""
        self._require_compiled("train_on_batch")
        self._require_optimizer()
        step = self.make_train_function()
        return self._on_batch(step, (x, y, sample_weight), class_weight, return_dict, reset_metrics)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False, reset_metrics: bool = True
    ) -> Any:
        """The metrics of this batch, or with ``reset_metrics=False`` of all batches since the last reset."""
        self._require_compiled("test_on_batch")
        return self._on_batch(self.make_test_function(), (x, y, sample_weight), None, return_dict, reset_metrics)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch, as NumPy arrays."""
        (batch,) = _whole_batch((x, None, None), None)
        return map_leaves(lambda t: t.numpy(), self.make_predict_function()(batch))

    def _on_batch(self, step: Any, data: Any, class_weight: Any, return_dict: bool, reset: bool) -> Any:
        if reset:
            self.reset_metrics()
        (batch,) = _whole_batch(data, class_weight)
        logs = as_logs(step(batch))
        return logs if return_dict else _as_list(logs)


def _leaves(x: Any) -> Any:
    values = x.values() if isinstance(x, dict) else x if isinstance(x, (list, tuple)) else [x]
    for value in values:
        if isinstance(value, (dict, list, tuple)):
            yield from _leaves(value)
        elif value is not None:
            yield value


def _described(tensor: Any) -> KerasTensor:
    return KerasTensor.of_type(type_of(lift(tensor)))


def _scaling(optimizer: Optimizer) -> Optimizer:
    return optimizer if isinstance(optimizer, LossScaleOptimizer) else LossScaleOptimizer(optimizer)


_LEGACY = {"workers", "use_multiprocessing", "max_queue_size"}


def _check_ignored(kwargs: dict[str, Any]) -> None:
    unknown = sorted(set(kwargs) - _LEGACY)
    if unknown:
        raise ArgumentTypeError(f"got unknown arguments {', '.join(unknown)}; see help(keras.Model.fit)")


def _callback_list(model: Any, callbacks: Any, verbose: Any, **params: Any) -> CallbackList:
    shown = 1 if verbose == "auto" else int(verbose)
    if isinstance(callbacks, CallbackList):
        return callbacks
    return CallbackList(callbacks, add_history=True, add_progbar=shown != 0, model=model, verbose=shown, **params)


def _validation_batches(data: Any, batch_size: int | None) -> Batches:
    if isinstance(data, (tuple, list)) and len(data) in (2, 3):
        x, y, weight = unpack_x_y_sample_weight(data)
        return make_batches(x, y, weight, batch_size)
    return make_batches(data)


def _whole_batch(data: Any, class_weight: Any) -> list[Any]:
    x, y, weight = data
    batches = make_batches(x, y, weight, batch_size=np.iinfo(np.int64).max, class_weight=class_weight)
    return list(batches.epoch(0))


def _as_list(logs: dict[str, float]) -> Any:
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
