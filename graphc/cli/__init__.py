"""The command line: ``graphc demo``, ``inspect``, ``optimize``, ``run``, ``bench`` and ``doctor``."""
