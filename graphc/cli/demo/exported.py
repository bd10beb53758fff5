"""Runs the exported files in plain ONNX Runtime: nothing here needs graphc."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

Array = npt.NDArray[Any]


def infer(path: Path, images: Array) -> Array:
    """What an inference model gives for a batch."""
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (result,) = session.run(None, {session.get_inputs()[0].name: images})
    return np.asarray(result)


def train(
    path: Path, state: dict[str, Array], batches: Iterable[tuple[Array, Array]]
) -> tuple[list[float], dict[str, Array]]:
    """Trains with an exported step. Returns the loss of each batch and the last state.

    ``state`` holds the weights and the optimizer's slots by input name. The model's metadata says which output is the
    new value of which input; it is fed back at the next step.
    """
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    pairs = json.loads(session.get_modelmeta().custom_metadata_map["graphc.state_pairs"])
    arguments = [i.name for i in session.get_inputs() if i.name not in pairs]
    outputs = [o.name for o in session.get_outputs()]
    losses = []
    for batch in batches:
        results = dict(zip(outputs, session.run(None, dict(zip(arguments, batch, strict=True)) | state), strict=True))
        losses.append(float(results[outputs[0]]))
        state = {name: results[new] for name, new in pairs.items()}
    return losses, state
