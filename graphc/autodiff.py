"""``tf.autodiff``: gradient recording."""

from graphc.tape import GradientTape

__all__ = ["GradientTape"]
