"""The values of all Variables of a model as nested dicts, by the parts of their paths."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphc.variable import Variable
from graphc_ir.errors import ArgumentError

__all__ = ["get_state_tree", "set_state_tree"]

_VALUES: dict[str, Callable[[Variable], Any]] = {
    "backend_tensor": lambda variable: Variable.read_value(variable),
    "numpy_array": lambda variable: variable.numpy(),
}


def _groups(model: Any) -> dict[str, list[Variable]]:
    optimizer = model.optimizer
    return {
        "trainable_variables": model.trainable_variables,
        "non_trainable_variables": model.non_trainable_variables,
        "optimizer_variables": [] if optimizer is None else optimizer.variables,
        "metrics_variables": model.metrics_variables,
    }


def get_state_tree(model: Any, value_format: str = "backend_tensor") -> dict[str, Any]:
    """Raises ArgumentError for an unknown format, and for two Variables of the same path."""
    if value_format not in _VALUES:
        raise ArgumentError(f"get_state_tree: value_format must be one of {', '.join(_VALUES)}, got {value_format!r}")
    return {group: _nested(variables, _VALUES[value_format]) for group, variables in _groups(model).items()}


def _nested(variables: list[Variable], value_of: Callable[[Variable], Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for variable in variables:
        *folders, leaf = variable.path.split("/")
        place = tree
        for folder in folders:
            place = place.setdefault(folder, {})
        if leaf in place:
            raise ArgumentError("The following variable path is found twice in the model: "
                                f"{variable.path!r}; give the layers names of their own")  # fmt: skip
        place[leaf] = value_of(variable)
    return tree


def set_state_tree(model: Any, state_tree: Mapping[str, Any]) -> None:
    """Sets the Variables that the tree has values for. Raises ArgumentError, before any is set, for what no Variable of
    the model matches."""
    if model.optimizer is not None and "optimizer_variables" in state_tree and model.built:
        model.optimizer.build(model.trainable_variables)
    groups = _groups(model)
    unknown = [group for group in state_tree if group not in groups]
    if unknown:
        raise ArgumentError(f"set_state_tree: unknown groups {unknown}; there are {', '.join(groups)}")
    pairs = [pair for group, tree in state_tree.items() for pair in _pairs(groups[group], tree)]
    for variable, value in pairs:
        variable.assign(value)


def _pairs(variables: list[Variable], tree: Mapping[str, Any]) -> list[tuple[Variable, Any]]:
    by_path = {variable.path: variable for variable in variables}
    values = _flat(tree)
    unknown = [path for path in values if path not in by_path]
    if unknown:
        raise ArgumentError(f"set_state_tree: the model has no variables {unknown}; it has {list(by_path)}")
    return [(by_path[path], value) for path, value in values.items()]


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in tree.items():
        path = f"{prefix}{key}"
        found |= _flat(value, f"{path}/") if isinstance(value, Mapping) else {path: value}
    return found
