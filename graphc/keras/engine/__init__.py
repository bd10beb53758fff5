"""What layers and models are made of: operations and their graph, layers, call contexts, input specs."""
