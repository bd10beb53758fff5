"""Runs graphs with ONNX Runtime."""
