"""Writes ``goldens/ops.json`` with Keras: run it with a Python that has keras 3.15 and tensorflow, from the root.

``KERAS_BACKEND=tensorflow python -m tests.graphc.keras.ops.make_goldens``
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import keras  # type: ignore[import-not-found, import-untyped, unused-ignore]
import numpy as np

from tests.graphc.keras.ops.cases import cases, eager_only, evaluate, inputs, names_of

PATH = Path(__file__).with_name("goldens") / "ops.json"


def described(result: Any) -> dict[str, Any]:
    """A result as data."""
    if not hasattr(result, "dtype"):
        return {"python": result}
    array = keras.ops.convert_to_numpy(result)
    dtype = keras.backend.standardize_dtype(result.dtype)
    flat = array.reshape(-1)
    if np.iscomplexobj(flat):
        flat = np.stack([flat.real, flat.imag], -1).reshape(-1)
    return {"dtype": dtype, "shape": list(array.shape), "values": [_number(v) for v in flat.tolist()]}


def _number(value: Any) -> Any:
    return float(f"{value:.7g}") if isinstance(value, float) else value


def symbolic(line: str) -> dict[str, Any]:
    """The operations that the line records on inputs of open batch size, and the types of its results."""
    arrays = inputs()
    tensors = {n: keras.Input((*arrays[n].shape[1:],), dtype=arrays[n].dtype.name, name=n) for n in names_of(line)}
    results = [t for t in evaluate(line, keras.ops, tensors) if isinstance(t, keras.KerasTensor)]
    if not tensors or not results:
        return {}
    config = keras.Model(list(tensors.values()), results).get_config()
    layers = [layer for layer in config["layers"] if layer["class_name"] != "InputLayer"]
    operations = [[layer["module"], layer["class_name"], _plain(layer["config"])] for layer in layers]
    return {"operations": operations, "types": [[list(t.shape), t.dtype] for t in results]}


def _plain(config: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key != "name"}


def golden(line: str) -> dict[str, Any]:
    values = {name: keras.ops.convert_to_tensor(array) for name, array in inputs().items()}
    found: dict[str, Any] = {"results": [described(r) for r in evaluate(line, keras.ops, values)]}
    if line in eager_only():
        return found
    try:
        found |= symbolic(line)
        json.dumps(found)
        if not all(map(_describes, found.get("types", ()), found["results"])):
            print(f"Keras infers another shape than it computes: {line}: {found.pop('types')}")
    except Exception as error:
        print(f"no symbolic form: {line}: {str(error)[:100]!r}")
        return {"results": found["results"]}
    return found


def _describes(inferred: list[Any], result: dict[str, Any]) -> bool:
    """Whether Keras's own inference agrees with what it computes."""
    shape, dtype = inferred
    sizes = zip(shape, result["shape"], strict=False)
    return dtype == result["dtype"] and len(shape) == len(result["shape"]) and all(a in (None, b) for a, b in sizes)


def main() -> None:
    warnings.simplefilter("ignore")
    found = {}
    for line in cases():
        try:
            found[line] = golden(line)
        except Exception as error:
            print(f"Keras fails: {line}: {str(error)[:160]!r}")
    text = ",\n".join(f"{json.dumps(line)}: {json.dumps(value)}" for line, value in found.items())
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text("{\n" + text + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
