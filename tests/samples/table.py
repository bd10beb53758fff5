"""All rows of the op samples table, collected from the family files next to this one."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Final

from tests.samples.base import ErrorCase, Sample

_FAMILIES: Final = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if p.stem not in ("base", "table"))
_MODULES: Final = [importlib.import_module(f"tests.samples.{name}") for name in _FAMILIES]

SAMPLES: Final[list[Sample]] = [row for module in _MODULES for row in module.SAMPLES]
ERRORS: Final[list[ErrorCase]] = [case for module in _MODULES for case in module.ERRORS]
