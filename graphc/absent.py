"""Names of TensorFlow that graphc cannot have, and what to use in their place."""

from __future__ import annotations

from typing import Final

__all__ = ["ABSENT"]

_FILES: Final = "its tensors hold numbers: read files with Python and NumPy, and feed arrays to tf.data"
_SPARSE: Final = "tensors are dense and rectangular: pad them (keras.utils.pad_sequences) and pass a mask"
_GRAPHS: Final = "there are no sessions and global graphs: decorate Python functions with @tf.function"
_TEXT: Final = "tensors hold numbers: prepare text with keras.layers.TextVectorization or StringLookup"
_EXPORT: Final = "export models with tf.export_onnx and run them with ONNX Runtime"
_QUANTIZED: Final = "there are no quantized dtypes: export with tf.export_onnx and quantize with ONNX Runtime"

ABSENT: Final[dict[str, str]] = {
    **dict.fromkeys(("RaggedTensor", "RaggedTensorSpec", "ragged", "ragged_fill_empty_rows"), _SPARSE),
    **dict.fromkeys(("SparseTensor", "SparseTensorSpec", "sparse", "sets", "IndexedSlicesSpec"), _SPARSE),
    **dict.fromkeys(("Graph", "Operation", "graph_util", "import_graph_def", "raw_ops", "Session"), _GRAPHS),
    **dict.fromkeys(("as_string", "strings", "lookup", "edit_distance", "fingerprint"), _TEXT),
    **dict.fromkeys(("audio", "io", "make_ndarray", "make_tensor_proto", "queue"), _FILES),
    **dict.fromkeys(("lite", "mlir", "tpu", "xla", "quantization"), _EXPORT),
    **dict.fromkeys(("qint8", "qint16", "qint32", "quint8", "quint16"), _QUANTIZED),
    "feature_column": "use the preprocessing layers of keras.layers",
    "load_library": "ops are Python classes: see docs on adding an op",
    "load_op_library": "ops are Python classes: see docs on adding an op",
    "profiler": "use graphc bench, or Python's cProfile",
    "dtensor": "graphc computes on one device",
    "summary": "write logs with keras.callbacks.TensorBoard or CSVLogger",
    "experimental": "NumPy names are in keras.ops",
    "extract_volume_patches": "use keras.ops.image.extract_patches_3d",
    "estimator": "use Keras models",
    "contrib": "it is gone from TensorFlow too; use Keras layers",
    "placeholder": _GRAPHS,
    "global_variables_initializer": "Variables have their value when they are made; leave the call out",
    "get_variable": "make a tf.Variable",
}
