"""Objects as JSON-able configs in the shape of Keras 3, and back.

An object is ``{"module", "class_name", "config", "registered_name"}``; built-in ones carry their public path, the
user's their registered name. Reading resolves names in the registry only: no file can import or execute anything.
"""

from __future__ import annotations

import base64
import inspect
import marshal
import types
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from graphc.keras.registry import (
    CustomObjectScope,
    builtin_path,
    find_builtin,
    find_custom,
    find_unpackaged,
    get_registered_name,
    lookup,
)
from graphc.shape import TensorShape
from graphc.tensor import Tensor
from graphc.variable import Variable
from graphc_ir.dtypes import DType, as_dtype
from graphc_ir.errors import ArgumentError, ArgumentTypeError
from graphc_ir.ops.base import lift
from graphc_ir.ops.elementwise import cast
from graphc_ir.types import TensorSpec

__all__ = [
    "SafeModeError", "collecting_custom_objects", "deserialize_keras_object", "only_shared_ids", "resolve",
    "serialize_as_name", "serialize_keras_object", "sharing_objects",
]  # fmt: skip

_LAMBDA = "__lambda__"
_SHARED_ID = "shared_object_id"


class _Sharing:
    """The objects of one file: ``numbers`` of those written (kept alive, so that ids stay theirs), ``made`` by number
    of those read."""

    def __init__(self) -> None:
        self.numbers: dict[int, tuple[int, Any]] = {}
        self.made: dict[int, Any] = {}

    def number_of(self, obj: Any) -> int:
        return self.numbers.setdefault(id(obj), (len(self.numbers) + 1, obj))[0]


_sharing: ContextVar[_Sharing | None] = ContextVar("sharing", default=None)
_collected: ContextVar[dict[str, Any] | None] = ContextVar("collected", default=None)


class SafeModeError(ArgumentError):
    """A file holds Python bytecode (a lambda), which graphc never executes.

    Turn the lambda into a named function, decorate it with ``@keras.saving.register_keras_serializable()`` and save
    the model again; or rebuild the model in code and load the weights alone.
    """


# --- writing -----------------------------------------------------------------------------------------------------


def serialize_keras_object(obj: Any) -> Any:
    """The JSON-able form of an object: plain data, arrays, functions, or anything with ``get_config``.

    Raises ArgumentError for an object that has no such form.
    """
    plain = _serialize_plain(obj)
    if plain is not None or obj is None:
        return plain
    if isinstance(obj, types.FunctionType) and obj.__name__ == "<lambda>":
        return _serialize_lambda(obj)
    if inspect.isfunction(obj) or inspect.isbuiltin(obj) or (callable(obj) and builtin_path(obj)):
        return _serialize_function(obj)
    if inspect.isclass(obj):
        return _described_class(obj) | {"config": {}}
    if not hasattr(obj, "get_config"):
        raise ArgumentError(f"cannot serialize {obj!r} of class {type(obj).__name__}: it is no plain data and has no "
                            "get_config(); leave it out of get_config() or give its class one")  # fmt: skip
    return _serialize_instance(obj)


def _serialize_plain(obj: Any) -> Any:
    if isinstance(obj, (bool, int, float, str)):
        return obj
    if isinstance(obj, TensorShape):
        return list(obj)
    if isinstance(obj, (list, tuple)):
        return [serialize_keras_object(item) for item in obj]
    if isinstance(obj, dict):
        return {key: serialize_keras_object(value) for key, value in obj.items()}
    if isinstance(obj, DType):
        return obj.name
    return _serialize_data(obj)


def _serialize_data(obj: Any) -> Any:
    if isinstance(obj, np.generic):
        return obj.item()
    if isinstance(obj, np.dtype):
        return obj.name
    if isinstance(obj, np.ndarray):
        return {"class_name": "__numpy__", "config": {"value": obj.tolist(), "dtype": obj.dtype.name}}
    if isinstance(obj, (Tensor, Variable)):
        return {"class_name": "__tensor__", "config": {"value": obj.numpy().tolist(), "dtype": obj.dtype.name}}
    if isinstance(obj, bytes):
        return {"class_name": "__bytes__", "config": {"value": obj.decode("utf-8")}}
    if isinstance(obj, slice):
        parts = [serialize_keras_object(part) for part in (obj.start, obj.stop, obj.step)]
        return {"class_name": "__slice__", "config": dict(zip(("start", "stop", "step"), parts, strict=True))}
    if obj is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    return None


def _serialize_lambda(function: types.FunctionType) -> dict[str, Any]:
    """Keras's own record, bytecode included, so that Keras can read it; graphc refuses to."""
    cells = function.__closure__ or ()
    config = {
        "code": base64.b64encode(marshal.dumps(function.__code__)).decode("ascii"),
        "defaults": serialize_keras_object(function.__defaults__),
        "closure": serialize_keras_object(tuple(cell.cell_contents for cell in cells)) if cells else None,
    }
    return {"class_name": _LAMBDA, "config": config}


def _serialize_function(function: Any) -> dict[str, Any]:
    """As Keras does it: built-in functions by their bare name too."""
    path = builtin_path(function)
    name = path[1] if path else _custom_name(function)
    return {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"}


def _described_class(cls: type) -> dict[str, Any]:
    path = builtin_path(cls)
    if path:
        return {"module": path[0], "class_name": path[1], "registered_name": None}
    module = None if cls.__module__ in ("__main__", "builtins") else cls.__module__
    return {"module": module, "class_name": cls.__name__, "registered_name": _custom_name(cls)}


def _custom_name(obj: Any) -> str:
    name = get_registered_name(obj)
    collected = _collected.get()
    if collected is not None and find_custom(name) is not obj:
        collected[name] = obj
    return name


@contextmanager
def collecting_custom_objects() -> Iterator[dict[str, Any]]:
    """Gives a dict that is filled with the user's classes and functions which are written inside the block and not
    registered."""
    found: dict[str, Any] = {}
    token = _collected.set(found)
    try:
        yield found
    finally:
        _collected.reset(token)


def _serialize_instance(obj: Any) -> dict[str, Any]:
    config = serialize_keras_object(obj.get_config())
    described = obj.serialized_class() if hasattr(obj, "serialized_class") else _described_class(type(obj))
    full = {
        "module": described["module"],
        "class_name": described["class_name"],
        "config": config,
        "registered_name": described["registered_name"],
    }
    for part in ("build_config", "compile_config"):
        getter = getattr(obj, f"get_{part}", None)
        found = getter() if getter else None
        if found is not None:
            full[part] = serialize_keras_object(found)
    sharing = _sharing.get()
    return full if sharing is None else full | {_SHARED_ID: sharing.number_of(obj)}


def only_shared_ids(config: Any) -> Any:
    """A config without the numbers of objects that occur once."""
    counts: Counter[int] = Counter()
    _count_ids(config, counts)
    return _without_ids(config, {number for number, count in counts.items() if count == 1})


def _count_ids(config: Any, counts: Counter[int]) -> None:
    for part in config.values() if isinstance(config, dict) else config if isinstance(config, list) else ():
        _count_ids(part, counts)
    if isinstance(config, dict) and _SHARED_ID in config:
        counts[config[_SHARED_ID]] += 1


def _without_ids(config: Any, lonely: set[int]) -> Any:
    if isinstance(config, list):
        return [_without_ids(item, lonely) for item in config]
    if not isinstance(config, dict):
        return config
    kept = {key: value for key, value in config.items() if key != _SHARED_ID or value not in lonely}
    return {key: _without_ids(value, lonely) for key, value in kept.items()}


def serialize_as_name(obj: Any) -> Any:
    """A public function as its bare name (``"relu"``), anything else as :func:`serialize_keras_object`."""
    if inspect.isfunction(obj) and builtin_path(obj):
        return obj.__name__
    return serialize_keras_object(obj)


# --- reading -----------------------------------------------------------------------------------------------------


def deserialize_keras_object(
    config: Any, custom_objects: Mapping[str, Any] | None = None, safe_mode: bool = True
) -> Any:
    """The object of a config that :func:`serialize_keras_object` (or Keras 3) made.

    ``custom_objects`` maps names to the user's classes and functions. Raises SafeModeError for bytecode (whatever
    ``safe_mode`` says), ArgumentError for a class that is neither built in, registered nor given.
    """
    with CustomObjectScope(custom_objects or {}):
        return _deserialize(config)


@contextmanager
def sharing_objects() -> Iterator[None]:
    """Inside the block, what is written carries a ``shared_object_id``, and configs with the same one give the same
    object."""
    token = _sharing.set(_Sharing())
    try:
        yield
    finally:
        _sharing.reset(token)


def _deserialize(config: Any) -> Any:
    if isinstance(config, (list, tuple)):
        return [_deserialize(item) for item in config]
    if not isinstance(config, dict):
        return config
    if "class_name" not in config or "config" not in config:
        return {key: _deserialize(value) for key, value in config.items()}
    if config["class_name"] in _DATA:
        return _DATA[config["class_name"]](config["config"])
    if config["class_name"] == "function":
        return _find_function(config)
    return _deserialize_instance(config)


def _refuse_lambda(config: Any) -> Any:
    raise SafeModeError("this file holds a lambda as Python bytecode, which graphc does not execute, since that would "
                        "allow arbitrary code execution; turn the lambda into a named function with "
                        "@keras.saving.register_keras_serializable() where the model was made and save it again, or "
                        "rebuild the model in code and call load_weights")  # fmt: skip


def _read_tensor(config: Any) -> Any:
    return cast(lift(np.asarray(config["value"])), config["dtype"])


def _read_slice(config: Any) -> Any:
    return slice(*(_deserialize(config[part]) for part in ("start", "stop", "step")))


def _read_spec(config: Any) -> Any:
    if not isinstance(config, dict):
        raise ArgumentTypeError(f"a saved TensorSpec needs a shape and a dtype, got {config!r}")
    return TensorSpec(config["shape"], config["dtype"], config.get("name"))


_DATA = {
    _LAMBDA: _refuse_lambda,
    "__numpy__": lambda config: np.asarray(config["value"], as_dtype(config["dtype"]).np),
    "__tensor__": _read_tensor,
    "__bytes__": lambda config: config["value"].encode("utf-8"),
    "__slice__": _read_slice,
    "__ellipsis__": lambda config: Ellipsis,
    "__typespec__": _read_spec,
}


def _find_function(config: Mapping[str, Any]) -> Any:
    name, module = config["config"], config.get("module")
    name = name.get("name") if isinstance(name, dict) else name
    if not isinstance(name, str):
        raise ArgumentTypeError(f"a saved function needs a name. Expected 'config' to be a non-null str, got {name!r}")
    _check_registered_name(config.get("registered_name"), name, "function")
    candidates = (find_custom(name), find_builtin(module or "", name), *_builtin_functions(name), find_unpackaged(name))
    for found in candidates:
        if found is not None:
            return found
    raise ArgumentError(f"the saved function {name!r} is not known here; pass custom_objects={{{name!r}: function}}"
                        " or register it with @keras.saving.register_keras_serializable()")  # fmt: skip


def _builtin_functions(name: str) -> Iterator[Any]:
    """Files give functions no room of their own."""
    for room in ("keras.activations", "keras.losses", "keras.metrics"):
        found = find_builtin(room, name)
        if inspect.isfunction(found):
            yield found


def _deserialize_instance(config: Mapping[str, Any]) -> Any:
    sharing, identity = _sharing.get(), config.get(_SHARED_ID)
    if sharing is not None and identity in sharing.made:
        return sharing.made[identity]
    cls = _find_class(config)
    if not hasattr(cls, "from_config"):
        raise ArgumentTypeError(f"{config['class_name']} cannot be made from a config: its class has no from_config()")
    made = _made(cls, config)
    if config.get("build_config") and hasattr(made, "build_from_config") and not getattr(made, "built", False):
        made.build_from_config(config["build_config"])
    if config.get("compile_config") and hasattr(made, "compile_from_config"):
        made.compile_from_config(config["compile_config"])
    if sharing is not None and identity is not None:
        sharing.made[identity] = made
    return made


def _made(cls: Any, config: Mapping[str, Any]) -> Any:
    if not isinstance(config["config"], dict):
        raise ArgumentTypeError(f"{config['class_name']} cannot be made: Expected 'config' to be a dict, got "
                                f"{config['config']!r}")  # fmt: skip
    try:
        return cls.from_config(config["config"])
    except TypeError as error:
        raise ArgumentTypeError(
            f"{config['class_name']} cannot be made from its saved config {config['config']}: {error}; its "
            "get_config() must return the arguments that its constructor takes"
        ) from error


def _find_class(config: Mapping[str, Any]) -> Any:
    name, module, registered = config["class_name"], config.get("module"), config.get("registered_name")
    for candidate in (registered, name):
        found = find_custom(candidate) if candidate else None
        if found is not None:
            return found
    found = find_builtin(module or "", name)
    if found is not None:
        _check_registered_name(registered, name)
        return found
    if module is None and registered is None:
        return _find_unplaced(name)
    raise ArgumentError(f"the saved object {name!r} ({module or 'no module'}) is neither built in nor registered; pass "
                        f"custom_objects={{{name!r}: {name}}} to the loading call, or decorate the class with "
                        "@keras.saving.register_keras_serializable()")  # fmt: skip


def _check_registered_name(registered: Any, *expected: str) -> None:
    if registered and registered not in expected and find_custom(registered) is None:
        raise ArgumentError(f"the registered name {registered!r} is not known here, and {expected[0]!r} resolved to a "
                            "Keras built-in, which has no other name; the file is damaged or misleads")  # fmt: skip


def _find_unplaced(name: str) -> Any:
    """Keras 2 files give no module: the rooms are searched in turn."""
    for room in ("keras", "keras.layers", "keras.initializers", "keras.regularizers", "keras.constraints",
                 "keras.optimizers", "keras.optimizers.schedules", "keras.losses", "keras.metrics"):  # fmt: skip
        found = find_builtin(room, name)
        if found is not None:
            return found
    raise ArgumentError(f"the saved object {name!r} is neither built in nor registered; pass custom_objects="
                        f"{{{name!r}: {name}}}")  # fmt: skip


def resolve(identifier: Any, module: str, *, instantiate: bool = True) -> Any:
    """What a user means by ``identifier`` in a namespace: the body of every ``get(...)``.

    A string is looked up (a class is then instantiated), a dict deserialized, a class instantiated; None and anything
    callable pass through. Raises ArgumentError for what is none of these.
    """
    if identifier is None:
        return None
    if isinstance(identifier, dict):
        return deserialize_keras_object(_placed(identifier, module))
    found = lookup(module, identifier) if isinstance(identifier, str) else identifier
    if inspect.isclass(found):
        return found() if instantiate else found
    if not callable(found):
        raise ArgumentError(f"{module}.get: got {identifier!r} ({type(identifier).__name__}), expected a name, a config"
                            " dict, a class or a callable")  # fmt: skip
    return found


def _placed(config: dict[str, Any], module: str) -> dict[str, Any]:
    """A config without a module is meant within the namespace."""
    if config.get("module") or config.get("registered_name") or "class_name" not in config:
        return config
    if find_builtin(module, config["class_name"]) is None:
        return config
    return {**config, "module": module}
