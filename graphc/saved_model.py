"""``tf.saved_model``: says what takes its place. SavedModels hold graphs of TensorFlow's ops, which graphc has not."""

from __future__ import annotations

from typing import Any, NoReturn

from graphc_ir.errors import ExportError, ImportModelError

__all__ = ["load", "save"]


def save(obj: Any, export_dir: Any, signatures: Any = None, options: Any = None) -> NoReturn:
    """Raises ExportError: functions and models are exported with ``tf.export_onnx``, models saved as ``.keras``."""
    raise ExportError(f"tf.saved_model.save({export_dir!r}): graphc writes no SavedModels; export the function or "
                      "model with tf.export_onnx(obj, 'model.onnx') to run it elsewhere, or keep a Keras model with "
                      "model.save('model.keras')")  # fmt: skip


def load(export_dir: Any, tags: Any = None, options: Any = None) -> NoReturn:
    """Raises ImportModelError: graphc reads ONNX models and Keras files."""
    raise ImportModelError(f"tf.saved_model.load({export_dir!r}): graphc reads no SavedModels; convert it to ONNX "
                           "(tf2onnx) and use tf.import_onnx, or save the Keras model as .keras where it was made and "
                           "use keras.models.load_model")  # fmt: skip
