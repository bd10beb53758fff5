"""Which dtype a layer computes in and which its weights have."""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping
from typing import Any

from graphc.keras import config
from graphc.keras.registry import CustomObjectScope, publish
from graphc.keras.serialization import deserialize_keras_object, resolve
from graphc_ir.dtypes import as_dtype
from graphc_ir.errors import ArgumentError

__all__ = [
    "DTypePolicy", "DTypePolicyMap", "FloatDTypePolicy", "deserialize", "dtype_policy", "get", "serialize",
    "set_dtype_policy",
]  # fmt: skip

_MIXED = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}


class DTypePolicy:
    """A dtype name (``"float32"``), or ``"mixed_float16"`` / ``"mixed_bfloat16"``: 16-bit computation on float32
    weights.

    ``compute_dtype`` and ``variable_dtype`` are dtype names. None is the name of the default policy. Raises
    ArgumentError for another name.
    """

    def __init__(self, name: str | None = None) -> None:
        wanted = dtype_policy().name if name is None else name
        self._name = wanted if wanted in _MIXED else _dtype_name(wanted)

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

    def at(self, path: str) -> DTypePolicy:
        """The policy of the layer at a path."""
        return self

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


def _dtype_name(name: Any) -> str:
    try:
        return config.standardize_dtype(name)
    except (TypeError, ValueError) as error:
        if not isinstance(name, str):
            raise
        raise ArgumentError(f"DTypePolicy: Cannot convert {name!r} to a dtype policy: {error}, or "
                            f"{' or '.join(_MIXED)}") from error  # fmt: skip


class DTypePolicyMap(DTypePolicy, MutableMapping[str, DTypePolicy]):
    """Policies by the paths of layers, for a layer and those inside it that get its ``dtype``.

    A key is a path or a regular expression for whole paths; other paths have the ``default_policy`` (None: the default
    policy of the process). ``policy_map`` maps keys to policies. Raises ArgumentError for a default that is a map and a
    policy that is none; TypeError for a ``policy_map`` that is no dict.
    """

    def __init__(self, default_policy: Any = None, policy_map: dict[str, Any] | None = None) -> None:
        if isinstance(default_policy, DTypePolicyMap):
            raise ArgumentError("DTypePolicyMap: `default_policy` cannot be a `DTypePolicyMap`; give the name of a "
                                "dtype or a DTypePolicy")  # fmt: skip
        if policy_map is not None and not isinstance(policy_map, dict):
            raise TypeError("DTypePolicyMap: If specified, `policy_map` must be a dict. Got "
                            f"{policy_map!r} of type {type(policy_map).__name__}")  # fmt: skip
        self._given_default = default_policy
        self._default = get(default_policy)
        self._policies: dict[str, DTypePolicy] = {}
        self.update(policy_map or {})

    @property
    def name(self) -> str:
        return f"map_{self._default.name}"

    @property
    def default_policy(self) -> DTypePolicy:
        """The policy of the paths that no key matches."""
        return self._default

    @property
    def compute_dtype(self) -> str:
        return self._default.compute_dtype

    @property
    def variable_dtype(self) -> str:
        return self._default.variable_dtype

    @property
    def is_mixed(self) -> bool:
        return self._default.is_mixed

    def at(self, path: str) -> DTypePolicy:
        return self[path]

    def __getitem__(self, key: str) -> DTypePolicy:
        """The policy of a path. Raises ArgumentError when several regular expressions match it."""
        if key in self._policies:
            return self._policies[key]
        matching = [pattern for pattern in self._policies if re.fullmatch(pattern, key)]
        if len(matching) > 1:
            raise ArgumentError(f"DTypePolicyMap: Path {key!r} matches multiple dtype policy keys: {matching}; make "
                                "patterns of which at most one matches, or add the path itself as a key")  # fmt: skip
        return self._policies[matching[0]] if matching else self._default

    def __setitem__(self, key: str, policy: Any) -> None:
        """Adds a policy. Raises ArgumentError for a key that is there already, or what is no policy."""
        if key in self._policies:
            raise ArgumentError(f"DTypePolicyMap: {key} already exist in the DTypePolicyMap with value "
                                f"{self._policies[key]}; delete it first: del policies[{key!r}]")  # fmt: skip
        try:
            self._policies[key] = get(policy)
        except ArgumentError as error:
            raise ArgumentError(f"DTypePolicyMap: Cannot interpret the assigned value of {key!r}: {error}") from error

    def __delitem__(self, key: str) -> None:
        del self._policies[key]

    def __contains__(self, key: object) -> bool:
        return key in self._policies

    def __iter__(self) -> Iterator[str]:
        return iter(self._policies)

    def __len__(self) -> int:
        return len(self._policies)

    def __eq__(self, other: object) -> bool:
        return (isinstance(other, DTypePolicyMap) and other._default == self._default
                and other._policies == self._policies)  # fmt: skip

    __hash__ = None  # type: ignore[assignment]

    def get_config(self) -> dict[str, Any]:
        default = self._given_default
        return {
            "default_policy": serialize(default) if isinstance(default, DTypePolicy) else default,
            "policy_map": {key: serialize(policy) for key, policy in self._policies.items()},
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DTypePolicyMap:
        return cls(**deserialize_keras_object(config))

    def serialized_class(self) -> dict[str, Any]:
        return {"module": "keras.dtype_policies", "class_name": "DTypePolicyMap", "registered_name": None}

    def __repr__(self) -> str:
        mapping = [(key, policy.name) for key, policy in self._policies.items()]
        return f"<DTypePolicyMap default_policy={self._default.name}, mapping={mapping}>"


FloatDTypePolicy = DTypePolicy
_default: list[DTypePolicy] = []


def dtype_policy() -> DTypePolicy:
    """The policy of layers that name none: that of :func:`set_dtype_policy`, else of the default float dtype."""
    return _default[0] if _default else DTypePolicy(config.floatx())


def set_dtype_policy(policy: Any) -> None:
    """Sets the policy of layers made from now on, by name or as an object. Raises ArgumentError for None."""
    if policy is None:
        raise ArgumentError("set_dtype_policy: Invalid `policy` argument: None; expected the name of a dtype, "
                            "'mixed_float16', 'mixed_bfloat16' or a DTypePolicy")  # fmt: skip
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
        module = "keras.dtype_policies" if identifier.get("class_name") == "DTypePolicyMap" else "keras"
        found: DTypePolicy = resolve(identifier, module)
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
    with CustomObjectScope(custom_objects):
        return get(config)


publish("keras", {"DTypePolicy": DTypePolicy, "FloatDTypePolicy": DTypePolicy}, ["DTypePolicy", "FloatDTypePolicy"])
publish("keras.dtype_policies", vars(), ["DTypePolicy", "DTypePolicyMap"])
# keras.config shows these too, but stands below this module.
for _function in (dtype_policy, set_dtype_policy):
    setattr(config, _function.__name__, _function)
