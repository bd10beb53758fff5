"""Writes ``goldens/image.json`` with TensorFlow: ``python -m tests.graphc.image.make_goldens`` from the root."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import tensorflow as tf  # type: ignore[import-not-found, import-untyped, unused-ignore]

from tests.graphc.image.cases import LINES, evaluate

PATH = Path(__file__).with_name("goldens") / "image.json"


def described(array: Any) -> dict[str, Any]:
    values = [float(f"{v:.7g}") if isinstance(v, float) else v for v in array.reshape(-1).tolist()]
    return {"dtype": array.dtype.name, "shape": list(array.shape), "values": values}


def main() -> None:
    found = {line: [described(array) for array in evaluate(line, tf)] for line in LINES}
    rows = ",\n".join(f"{json.dumps(line)}: {json.dumps(value)}" for line, value in found.items())
    PATH.write_text("{\n" + rows + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
