"""Writes graphs as ONNX models and reads them back."""
