"""``python -m benchmarks [CASE ...] [--json FILE] [--threads N]``"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
from rich.console import Console

from benchmarks import harness

CASES = ("eager", "linreg", "chain", "imports", "mlp", "keras_fit", "keras_export", "size")


@click.command()
@click.argument("cases", nargs=-1, type=click.Choice(CASES))
@click.option("--threads", type=int, default=None, help="threads for every framework; default: the CPUs available")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="also write the figures to this file")
def main(cases: tuple[str, ...], threads: int | None, json_file: Path | None) -> None:
    """Measures graphc beside the peers that are installed.

    CASE: eager, linreg, chain, imports, mlp, keras_fit, keras_export, size.
    """
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    harness.fix_threads(threads or available)
    console = Console()
    console.print(harness.conditions())
    rows: list[harness.Row] = []
    for case in cases or CASES:
        found = _in_own_process(case)
        harness.show(found, console)
        rows += found
    if json_file is not None:
        json_file.write_text(harness.as_json(rows))


def _in_own_process(case: str) -> list[harness.Row]:
    """Each case starts clean: the peers' libraries do not all get along, and a full heap slows the next case down."""
    program = f"import sys; from benchmarks import {case}, harness; sys.stdout.write(harness.as_json({case}.run()))"
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True)
    return harness.from_json(done.stdout)


if __name__ == "__main__":
    main()
