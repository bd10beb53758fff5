"""The errors that graphc raises, under its own names and under TensorFlow's."""

from graphc.data.errors import OutOfRangeError
from graphc_ir.errors import (
    ArgumentError,
    ArgumentTypeError,
    BackendError,
    DTypeError,
    ExportError,
    GradientError,
    GraphcError,
    ImportModelError,
    ParseError,
    PassError,
    ShapeError,
    TracingError,
    VerificationError,
)

InvalidArgumentError = ArgumentError
OperatorNotAllowedInGraphError = TracingError
OpError = GraphcError

__all__ = [
    "ArgumentError",
    "ArgumentTypeError",
    "BackendError",
    "DTypeError",
    "ExportError",
    "GradientError",
    "GraphcError",
    "ImportModelError",
    "InvalidArgumentError",
    "OpError",
    "OperatorNotAllowedInGraphError",
    "OutOfRangeError",
    "ParseError",
    "PassError",
    "ShapeError",
    "TracingError",
    "VerificationError",
]
