"""Making arrays and datasets out of files, texts and sequences, under the names of ``tf.keras.preprocessing``."""

from graphc.keras.preprocessing import image, sequence, text
from graphc.keras.utils.image_dataset import image_dataset_from_directory
from graphc.keras.utils.text_dataset import text_dataset_from_directory
from graphc.keras.utils.timeseries import timeseries_dataset_from_array

__all__ = [
    "image",
    "image_dataset_from_directory",
    "sequence",
    "text",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
]
