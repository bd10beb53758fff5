"""``keras.dtype_policies``: policies by name, and by the paths of layers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from graphc import keras
from graphc.keras import layers
from graphc.keras.dtype_policies import DTypePolicy, DTypePolicyMap, deserialize, dtype_policy, serialize
from graphc_ir.errors import ArgumentError


@pytest.fixture(autouse=True)
def _default_policy() -> Iterator[None]:
    before = dtype_policy()
    yield
    keras.config.set_dtype_policy(before)


def policies() -> DTypePolicyMap:
    return DTypePolicyMap("bfloat16", {"encoder/dense": "float16", "encoder/.*": DTypePolicy("mixed_float16")})


def test_an_exact_path_comes_first_then_a_pattern_then_the_default() -> None:
    found = policies()
    assert found["encoder/dense"].name == "float16"
    assert found["encoder/norm/scale"].name == "mixed_float16"
    assert found["encoder"].name == found["decoder/x"].name == "bfloat16"
    assert (found.name, found.compute_dtype, found.variable_dtype) == ("map_bfloat16", "bfloat16", "bfloat16")
    found["encoder/d.*"] = "float32"
    with pytest.raises(ArgumentError, match=r"Path 'encoder/d2' matches multiple dtype policy keys: \['encoder/.*'"):
        found["encoder/d2"]


def test_it_is_a_mapping() -> None:
    found = policies()
    assert list(found) == ["encoder/dense", "encoder/.*"]
    assert "encoder/dense" in found
    assert "encoder/x" not in found
    assert found.pop("encoder/dense").name == "float16"
    with pytest.raises(KeyError):
        del found["encoder/dense"]
    assert len(found) == 1
    with pytest.raises(ArgumentError, match=r"encoder/\.\* already exist in the DTypePolicyMap with value"):
        found["encoder/.*"] = "float32"
    with pytest.raises(ArgumentError, match=r"Cannot interpret the assigned value of 'x'"):
        found["x"] = 3
    assert repr(found) == "<DTypePolicyMap default_policy=bfloat16, mapping=[('encoder/.*', 'mixed_float16')]>"


def test_what_a_map_refuses() -> None:
    with pytest.raises(ArgumentError, match=r"`default_policy` cannot be a `DTypePolicyMap`"):
        DTypePolicyMap(policies())
    with pytest.raises(TypeError, match=r"If specified, `policy_map` must be a dict\. Got 123 of type int"):
        DTypePolicyMap(policy_map=123)  # type: ignore[arg-type]


def test_configs_give_equal_maps() -> None:
    config = serialize(policies())
    assert config["module"] == "keras.dtype_policies"
    assert config["config"]["policy_map"]["encoder/dense"] == {
        "module": "keras", "class_name": "DTypePolicy", "registered_name": None, "config": {"name": "float16"},
    }  # fmt: skip
    assert deserialize(config) == policies()
    assert deserialize({"class_name": "DTypePolicyMap", "config": config["config"]}) == policies()


def test_a_map_without_a_default_follows_the_process_when_it_is_read() -> None:
    config = serialize(DTypePolicyMap(policy_map={"a": "float16"}))
    keras.config.set_dtype_policy("mixed_bfloat16")
    found = deserialize(config)
    assert found == DTypePolicyMap("mixed_bfloat16", {"a": "float16"})
    assert DTypePolicy().name == "mixed_bfloat16"


def test_layers_look_their_path_up() -> None:
    policy = DTypePolicyMap(policy_map={"model/wide": "mixed_float16"})

    wide, narrow = (layers.Dense(3, name=name, dtype=policy) for name in ("wide", "narrow"))
    with keras.name_scope("model"):
        assert wide(np.ones((1, 2), np.float32)).dtype == "float16"
        narrow(keras.Input((2,)))
    assert (wide.path, wide.compute_dtype, wide.dtype) == ("model/wide", "float16", "float32")
    assert (narrow.compute_dtype, narrow.dtype) == ("float32", "float32")
    assert wide(np.ones((1, 2))).dtype == "float16"  # outside of the scope too
    narrow.dtype_policy = "float16"
    assert policy["model/narrow"].name == narrow.compute_dtype == "float16"


def test_layers_with_a_map_are_saved() -> None:
    layer = layers.Dense(2, dtype=DTypePolicyMap("float32", {"d": "bfloat16"}), name="d")
    again = layers.Dense.from_config(layer.get_config())
    assert again.dtype_policy == layer.dtype_policy
    assert again.compute_dtype == "bfloat16"


@pytest.mark.parametrize("name", ["", "mixed_float15", "@float16"])
def test_names_that_are_no_policies(name: str) -> None:
    with pytest.raises(ArgumentError, match=r"Cannot convert '.*' to a dtype policy: .*, or mixed_float16 or mixed_b"):
        DTypePolicy(name)
    with pytest.raises(ArgumentError, match=r"Cannot convert"):
        layers.Dense(2, dtype=name)


def test_the_default_policy_is_not_none() -> None:
    with pytest.raises(ArgumentError, match=r"Invalid `policy` argument: None"):
        keras.config.set_dtype_policy(None)
