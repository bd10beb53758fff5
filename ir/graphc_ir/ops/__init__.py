"""All ops. Public op functions work on operands of the current interpreter: arrays, tensors or graph values."""
