"""Settings of the whole process: the default float dtype, the fuzz factor, the image layout, interactive logging."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphc.debugging import (
    disable_traceback_filtering,
    enable_traceback_filtering,
    is_traceback_filtering_enabled,
)
from graphc_ir.dtypes import as_dtype
from graphc_ir.errors import ArgumentError

if TYPE_CHECKING:
    # Set by that module, which stands above this one.
    from graphc.keras.dtype_policies import dtype_policy as dtype_policy
    from graphc.keras.dtype_policies import set_dtype_policy as set_dtype_policy

__all__ = [
    "backend", "disable_flash_attention", "disable_interactive_logging", "disable_traceback_filtering",
    "enable_flash_attention", "enable_interactive_logging", "enable_traceback_filtering",
    "enable_unsafe_deserialization", "epsilon", "floatx", "image_data_format", "is_flash_attention_enabled",
    "is_interactive_logging_enabled", "is_traceback_filtering_enabled", "max_epochs", "max_steps_per_epoch",
    "set_backend", "set_epsilon", "set_floatx", "set_image_data_format", "set_max_epochs",
    "set_max_steps_per_epoch", "standardize_data_format", "standardize_dtype",
]  # fmt: skip

_FLOATS = ("bfloat16", "float16", "float32", "float64")
_LAYOUTS = ("channels_last", "channels_first")
_ALIASES = {"int": "int32", "float": "float32"}


class _Settings:
    floatx: str = "float32"
    epsilon: float = 1e-7
    image_data_format: str = "channels_last"
    interactive_logging: bool = True
    max_epochs: int | None = None
    max_steps_per_epoch: int | None = None


_settings = _Settings()


def backend() -> str:
    """What runs the models: always ``"graphc"``."""
    return "graphc"


def set_backend(backend: str) -> None:
    """Raises ArgumentError for any other word than ``"graphc"``."""
    if backend != "graphc":
        raise ArgumentError(f"set_backend: got {backend!r}, but graphc runs its models itself; models saved as .keras "
                            "files also open in Keras with its other backends")  # fmt: skip


def enable_flash_attention() -> None:
    """Accepted, without effect: how attention is computed is the backend's choice."""


def disable_flash_attention() -> None:
    """Accepted, without effect: how attention is computed is the backend's choice."""


def is_flash_attention_enabled() -> None:
    """None: nobody has decided, the backend does."""


def floatx() -> str:
    """The dtype of weights and activations by default, ``"float32"`` unless set otherwise."""
    return _settings.floatx


def set_floatx(value: str) -> None:
    """Sets the default float dtype. Raises ArgumentError for anything but a float dtype's name."""
    name = standardize_dtype(value)
    if name not in _FLOATS:
        raise ArgumentError(f"set_floatx: got {value!r}, expected one of {', '.join(_FLOATS)}")
    _settings.floatx = name


def epsilon() -> float:
    """The small number that keeps logarithms and divisions finite, 1e-7 unless set otherwise."""
    return _settings.epsilon


def set_epsilon(value: float) -> None:
    """Sets the fuzz factor."""
    _settings.epsilon = float(value)


def image_data_format() -> str:
    """The default place of the channels axis: ``"channels_last"`` or ``"channels_first"``."""
    return _settings.image_data_format


def set_image_data_format(data_format: str) -> None:
    """Sets the default place of the channels axis. Raises ArgumentError for another word."""
    _settings.image_data_format = standardize_data_format(data_format)


def standardize_data_format(data_format: str | None) -> str:
    """The layout in lower case; None means the default one. Raises ArgumentError for another word."""
    if data_format is None:
        return _settings.image_data_format
    found = str(data_format).lower()
    if found not in _LAYOUTS:
        raise ArgumentError(f"data_format must be one of {', '.join(_LAYOUTS)}, got {data_format!r}")
    return found


def standardize_dtype(dtype: Any) -> str:
    """The name of a dtype given as a string, a NumPy or graphc dtype; None means :func:`floatx`."""
    if dtype is None:
        return _settings.floatx
    return as_dtype(_ALIASES.get(dtype, dtype) if isinstance(dtype, str) else dtype).name


def enable_interactive_logging() -> None:
    """Progress goes to the standard output as it happens (the default)."""
    _settings.interactive_logging = True


def disable_interactive_logging() -> None:
    """Progress goes to :mod:`logging`, fit for logs of jobs without a terminal."""
    _settings.interactive_logging = False


def is_interactive_logging_enabled() -> bool:
    return _settings.interactive_logging


def enable_unsafe_deserialization() -> None:
    """Raises ArgumentError: graphc never executes code from a file, so there is nothing to enable."""
    raise ArgumentError("graphc never executes code that is stored in a model file; register the function with "
                        "keras.saving.register_keras_serializable and save the model again")  # fmt: skip


def max_epochs() -> int | None:
    """The cap on epochs of every ``fit``; None for no cap."""
    return _settings.max_epochs


def set_max_epochs(value: int | None) -> None:
    """Caps the epochs of every ``fit`` (for smoke tests); None removes the cap."""
    _settings.max_epochs = value


def max_steps_per_epoch() -> int | None:
    """The cap on steps of every epoch; None for no cap."""
    return _settings.max_steps_per_epoch


def set_max_steps_per_epoch(value: int | None) -> None:
    """Caps the steps of every epoch (for smoke tests); None removes the cap."""
    _settings.max_steps_per_epoch = value
