"""Which dtype a layer computes in and which its weights have."""

from __future__ import annotations

from typing import Any

from graphc.keras import config
from graphc.keras.registry import publish
from graphc.keras.serialization import resolve
from graphc_ir.dtypes import as_dtype
from graphc_ir.errors import ArgumentError

__all__ = ["DTypePolicy", "FloatDTypePolicy", "deserialize", "dtype_policy", "get", "serialize", "set_dtype_policy"]

_MIXED = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}


class DTypePolicy:
    """A dtype name (``"float32"``), or ``"mixed_float16"`` / ``"mixed_bfloat16"``: 16-bit computation on float32
    weights.

    ``compute_dtype`` and ``variable_dtype`` are dtype names. Raises ArgumentError for another name.
    """

    def __init__(self, name: str | None = None) -> None:
        self._name = name or config.floatx()
        if self._name not in _MIXED:
            self._name = config.standardize_dtype(self._name)

    @property
    def name(self) -> str:
        return self._name

    @property
    def compute_dtype(self) -> str:
        return _MIXED.get(self._name, self._name)

    @property
    def variable_dtype(self) -> str:
        return "float32" if self._name in _MIXED else self._name

    @property
    def is_mixed(self) -> bool:
        return self._name in _MIXED

    quantization_mode = None

    def get_config(self) -> dict[str, Any]:
        return {"name": self._name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DTypePolicy:
        return cls(**config)

    def serialized_class(self) -> dict[str, Any]:
        """Where Keras files place policies."""
        return {"module": "keras", "class_name": "DTypePolicy", "registered_name": None}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and other._name == self._name

    def __hash__(self) -> int:
        return hash(self._name)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self._name}">'


FloatDTypePolicy = DTypePolicy
_default: list[DTypePolicy] = []


def dtype_policy() -> DTypePolicy:
    """The policy of layers that name none: that of :func:`set_dtype_policy`, else of the default float dtype."""
    return _default[0] if _default else DTypePolicy(config.floatx())


def set_dtype_policy(policy: Any) -> None:
    """Sets the policy of layers made from now on, by name or as an object."""
    _default[:] = [get(policy)]


def get(identifier: Any) -> DTypePolicy:
    """A policy from a name, a dtype, a config or a policy; None means the default one."""
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, str):
        return DTypePolicy(identifier)
    if isinstance(identifier, dict):
        found: DTypePolicy = resolve(identifier, "keras")
        return found
    try:
        return DTypePolicy(as_dtype(identifier).name)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"got {identifier!r} as a dtype policy; expected a dtype, 'mixed_float16', "
                            "'mixed_bfloat16' or a DTypePolicy") from error  # fmt: skip


def serialize(policy: DTypePolicy) -> dict[str, Any]:
    """The config of a policy."""
    return {**policy.serialized_class(), "config": policy.get_config()}


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> DTypePolicy:
    """The policy of a config."""
    return get(config)


publish("keras", {"DTypePolicy": DTypePolicy, "FloatDTypePolicy": DTypePolicy}, ["DTypePolicy", "FloatDTypePolicy"])
publish("keras.dtype_policies", {"DTypePolicy": DTypePolicy}, ["DTypePolicy"])
# keras.config shows these too, but stands below this module.
for _function in (dtype_policy, set_dtype_policy):
    setattr(config, _function.__name__, _function)
