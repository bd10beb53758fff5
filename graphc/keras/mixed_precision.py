"""``keras.mixed_precision``: the default dtype policy under its TensorFlow names, and the loss-scaling optimizer."""

from graphc.keras.dtype_policies import DTypePolicy, dtype_policy, set_dtype_policy
from graphc.keras.optimizers import LossScaleOptimizer

Policy = DTypePolicy
global_policy = dtype_policy
set_global_policy = set_dtype_policy

__all__ = [
    "DTypePolicy",
    "LossScaleOptimizer",
    "Policy",
    "dtype_policy",
    "global_policy",
    "set_dtype_policy",
    "set_global_policy",
]
