"""``graphc demo``: a multilayer perceptron on handwritten digits, from eager code to ONNX files that infer and train.

``data``, ``model`` and ``training`` are written as a program that uses graphc; ``exported`` is one that does not: it
runs the files in plain ONNX Runtime.
"""
