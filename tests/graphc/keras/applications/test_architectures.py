"""Every application is layer by layer that of Keras, and computes what Keras computes."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

from graphc.keras import applications

from .checks import build, fill, fingerprint, golden, picture

ARCHITECTURES = golden("architectures")
OUTPUTS = golden("outputs")
BIG = {"InceptionResNetV2", "InceptionV3", "NASNetMobile", "ResNet50V2", "VGG16"}


def test_the_record_has_every_function_with_and_without_its_classifier() -> None:
    functions = {name for name in applications.__all__ if inspect.isfunction(getattr(applications, name))}
    assert {case["function"] for case in ARCHITECTURES.values()} == functions
    assert ARCHITECTURES.keys() >= {f"{name}-{ending}" for name in functions for ending in ("top", "no_top")}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in BIG else ()) for name in OUTPUTS]
)
def test_a_network_of_each_family_is_that_of_keras(name: str) -> None:
    case = OUTPUTS[name]
    size = case["size"]
    model = build(name, {"classes": 5, "classifier_activation": None, "input_shape": (size, size, 3)})
    assert fingerprint(model) == case["fingerprint"]
    fill(model)
    expected = np.asarray(case["output"])
    np.testing.assert_allclose(model(picture(size)).numpy()[0], expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.slow
@pytest.mark.parametrize("tag", ARCHITECTURES)
def test_all_networks_are_those_of_keras(tag: str) -> None:
    case = ARCHITECTURES[tag]
    assert fingerprint(build(case["function"], _arguments(case))) == case["fingerprint"]


def _arguments(case: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in case["arguments"].items()}
