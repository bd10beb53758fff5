"""The errors of the compiler core: one class per trap, each message says what came in, what was expected
and how to fix it."""

from __future__ import annotations


class GraphcError(Exception):
    """Base of every error that graphc raises on purpose."""


class DTypeError(GraphcError, TypeError):
    """An operand has a dtype that the op does not take, or operands mix dtypes.

    graphc never casts tensors silently: cast one of them with ``tf.cast(x, dtype)``.
    Python numbers adapt to the tensor they meet.
    """


class ShapeError(GraphcError, ValueError):
    """Operand shapes do not fit the op (or each other)."""


class ArgumentError(GraphcError, ValueError):
    """An attribute of a call (an axis, a size, a name) is out of its range or of the wrong kind."""


class ArgumentTypeError(ArgumentError, TypeError):
    """An argument is of a type that the call does not take."""


class GradientError(GraphcError, ValueError):
    """A derivative was asked for that does not exist or cannot be computed."""


class VerificationError(GraphcError, ValueError):
    """A graph breaks a rule of the IR. A pass or a hand-built graph is wrong, not the user's model."""


class PassError(GraphcError, RuntimeError):
    """A pass or a rewrite failed, broke the graph or does not come to an end. The message names it."""


class ParseError(GraphcError, ValueError):
    """IR text that does not follow the grammar; the message carries line and column."""


class ExportError(GraphcError, ValueError):
    """A graph cannot be written as an ONNX model as asked."""


class ImportModelError(GraphcError, ValueError):
    """A model file is damaged, unsafe or uses something that has no counterpart here."""


class BackendError(GraphcError, RuntimeError):
    """A backend or device is missing, refused the graph or failed while running it."""


class TracingError(GraphcError, TypeError):
    """A traced function asks for something that is only known when the graph runs."""
