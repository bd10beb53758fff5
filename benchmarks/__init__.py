"""Benchmarks of graphc side by side with its peers, as far as they are installed: ``python -m benchmarks``."""
