"""Helpers: data sets out of files and arrays, labels, images, progress, seeds, registered objects."""

# Not published to the registry of serializable objects: a model file must never make get_file or any other helper
# run.
from graphc.keras.config import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
    standardize_dtype,
)
from graphc.keras.engine.keras_tensor import is_keras_tensor
from graphc.keras.registry import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from graphc.keras.serialization import deserialize_keras_object, serialize_keras_object
from graphc.keras.utils.batches import pack_x_y_sample_weight, unpack_x_y_sample_weight
from graphc.keras.utils.files import get_file
from graphc.keras.utils.image import array_to_img, img_to_array, load_img, save_img
from graphc.keras.utils.image_dataset import image_dataset_from_directory
from graphc.keras.utils.numerical import normalize, to_categorical
from graphc.keras.utils.plotting import model_to_dot, plot_model
from graphc.keras.utils.progbar import Progbar
from graphc.keras.utils.py_dataset import PyDataset, Sequence
from graphc.keras.utils.seeds import set_random_seed
from graphc.keras.utils.sequences import pad_sequences
from graphc.keras.utils.session import clear_session
from graphc.keras.utils.source_inputs import get_source_inputs
from graphc.keras.utils.splitting import split_dataset
from graphc.keras.utils.text_dataset import text_dataset_from_directory
from graphc.keras.utils.timeseries import timeseries_dataset_from_array

__all__ = [
    "CustomObjectScope",
    "Progbar",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "get_source_inputs",
    "image_dataset_from_directory",
    "img_to_array",
    "is_interactive_logging_enabled",
    "is_keras_tensor",
    "load_img",
    "model_to_dot",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "save_img",
    "serialize_keras_object",
    "set_random_seed",
    "split_dataset",
    "standardize_dtype",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
    "to_categorical",
    "unpack_x_y_sample_weight",
]
