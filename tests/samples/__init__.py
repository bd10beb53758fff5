"""The op samples table: one file per op family, each with ``SAMPLES`` and ``ERRORS``.

``tests/test_op_samples.py`` turns every row into tests: kernel against infer, vjp against finite differences (first and
second order), export and run against the kernel, export-import identity, print-parse identity, error texts.
"""
