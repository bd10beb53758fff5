"""The compiler's heart: types, graphs, ops, differentiation, rewriting, passes. Knows NumPy only."""

import warnings

# Division by zero, overflow and the like give inf and NaN without a word, as in TensorFlow. Only computations of this
# project are quiet: the filter looks at the module that calls NumPy.
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"graphc(_ir|_backends)?(\.|$)")
