"""Optimizers by name and as configs, in the shape of Keras 3."""

from __future__ import annotations

from typing import Any

import pytest

from graphc import keras
from graphc_ir.errors import ArgumentError

optimizers = keras.optimizers

COMMON = ["name", "learning_rate", "weight_decay", "clipnorm", "global_clipnorm", "clipvalue", "use_ema",
          "ema_momentum", "ema_overwrite_frequency", "loss_scale_factor", "gradient_accumulation_steps"]  # fmt: skip
KEYS = {
    "SGD": "momentum nesterov",
    "Adam": "beta_1 beta_2 epsilon amsgrad",
    "AdamW": "beta_1 beta_2 epsilon amsgrad",
    "Adamax": "beta_1 beta_2 epsilon",
    "Nadam": "beta_1 beta_2 epsilon",
    "RMSprop": "rho momentum epsilon centered",
    "Adagrad": "initial_accumulator_value epsilon",
    "Adadelta": "rho epsilon",
    "Adafactor": "beta_2_decay epsilon_1 epsilon_2 clip_threshold relative_step",
    "Ftrl": "learning_rate_power initial_accumulator_value l1_regularization_strength l2_regularization_strength "
    "l2_shrinkage_regularization_strength beta",
    "Lion": "beta_1 beta_2",
    "Lamb": "beta_1 beta_2 epsilon",
    "Muon": "adam_beta_1 adam_beta_2 epsilon exclude_layers muon_a muon_b muon_c adam_lr_ratio momentum ns_steps "
    "nesterov exclude_embeddings adam_weight_decay rms_rate",
}


@pytest.mark.parametrize("name", KEYS)
def test_configs_have_the_keys_of_keras_and_make_the_same_again(name: str) -> None:
    optimizer = getattr(optimizers, name)(0.25, clipnorm=2.0, use_ema=True)
    config = optimizers.serialize(optimizer)
    assert (config["module"], config["class_name"], config["registered_name"]) == ("keras.optimizers", name, None)
    assert list(config["config"]) == [*COMMON, *KEYS[name].split()]
    again = optimizers.deserialize(config)
    assert type(again) is type(optimizer)
    assert again.get_config() == optimizer.get_config()


@pytest.mark.parametrize(
    ("name", "cls"),
    [("adam", "Adam"), ("AdamW", "AdamW"), ("RMSPROP", "RMSprop"), ("sgd", "SGD"), ("rmsprop", "RMSprop")],
)
def test_names_in_any_case(name: str, cls: str) -> None:
    assert type(optimizers.get(name)).__name__ == cls


def test_get_takes_configs_classes_optimizers_and_none() -> None:
    optimizer = optimizers.Adam(0.5)
    assert optimizers.get(optimizer) is optimizer
    assert optimizers.get(None) is None
    assert isinstance(optimizers.get(optimizers.SGD), optimizers.SGD)
    made = optimizers.get({"class_name": "sgd", "config": {"learning_rate": 0.5, "momentum": 0.5}})
    assert (float(made.learning_rate), made.momentum) == (0.5, 0.5)


@pytest.mark.parametrize("identifier", ["foo", 3, lambda: None, "legacy"])
def test_what_is_no_optimizer_is_refused(identifier: Any) -> None:
    with pytest.raises(ArgumentError, match=r"keras.optimizers"):
        optimizers.get(identifier)


def test_configs_of_keras_2_are_read() -> None:
    config = {
        "name": "Adam", "weight_decay": None, "jit_compile": True, "is_legacy_optimizer": False, "decay": 0.0,
        "learning_rate": 0.5, "beta_1": 0.8, "beta_2": 0.999, "epsilon": 1e-07, "amsgrad": False,
    }  # fmt: skip
    optimizer = optimizers.deserialize({"class_name": "Adam", "config": config})
    assert (optimizer.beta_1, float(optimizer.learning_rate)) == (0.8, 0.5)


class Custom(optimizers.SGD):
    pass


def test_optimizers_of_the_users_own() -> None:
    config = optimizers.serialize(Custom(0.5))
    assert config["registered_name"] == "Custom"
    with pytest.raises(ArgumentError, match="'Custom'"):
        optimizers.deserialize(config)
    assert isinstance(optimizers.deserialize(config, {"Custom": Custom}), Custom)
    with keras.utils.custom_object_scope({"Custom": Custom}):
        assert isinstance(optimizers.get("Custom"), Custom)


def test_legacy_optimizers_are_the_current_ones() -> None:
    for name in ("SGD", "Adam", "RMSprop", "Adagrad", "Ftrl", "Optimizer"):
        assert getattr(optimizers.legacy, name) is getattr(optimizers, name)
