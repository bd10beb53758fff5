"""Install size: a distribution with everything that it needs, as it lies on disk here."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

from benchmarks.harness import Row

PEERS = ("graphc", "jax", "torch", "tensorflow-cpu")
PROJECT_FOLDERS = ("graphc", "ir/graphc_ir", "backends/graphc_backends")


def run() -> list[Row]:
    sizes = {name: megabytes(name) for name in PEERS if _distribution(name) is not None}
    return [Row("install size with dependencies", n, s, s, "MB", s / sizes["graphc"]) for n, s in sizes.items()]


def megabytes(name: str) -> float:
    """The files of a distribution and of its required dependencies (extras left out)."""
    pending, seen, total = [name], set(), 0
    while pending:
        current = re.sub(r"[-_.]+", "-", pending.pop()).lower()
        found = _distribution(current)
        if current in seen or found is None:
            continue
        seen.add(current)
        total += sum(_bytes(Path(str(f.locate()))) for f in found.files or [])
        pending += [re.split(r"[ ;<>=!~\[(]", r)[0] for r in found.requires or [] if "extra ==" not in r]
    return (total + (_editable() if name == "graphc" else 0)) / 1e6


def _distribution(name: str) -> metadata.Distribution | None:
    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None


def _editable() -> int:
    """The project's own files when it is installed from a checkout, whose record does not list them."""
    root = Path(__file__).parent.parent
    return sum(_bytes(f) for folder in PROJECT_FOLDERS for f in (root / folder).rglob("*") if f.suffix != ".pyc")


def _bytes(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
