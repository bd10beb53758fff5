"""``tf.bitwise``: operations on the bits of integers."""

from graphc.adapters import binary, unary
from graphc_ir.ops import logical as _logical

bitwise_and = binary(_logical.bitwise_and)
bitwise_or = binary(_logical.bitwise_or)
bitwise_xor = binary(_logical.bitwise_xor)
invert = unary(_logical.invert)
left_shift = binary(_logical.left_shift)
right_shift = binary(_logical.right_shift)

__all__ = ["bitwise_and", "bitwise_or", "bitwise_xor", "invert", "left_shift", "right_shift"]
