"""Model files as the commands take them: ONNX, or IR text in files named .gc or .txt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import onnx
from onnx import ModelProto

from graphc.export import import_onnx
from graphc_ir.errors import ArgumentError, ParseError
from graphc_ir.graph import Graph
from graphc_ir.parser import parse_graph

TEXT_SUFFIXES: Final = (".gc", ".txt")


@dataclass(frozen=True)
class LoadedModel:
    """A model file. ``proto`` is the ONNX model without its external data; None for IR text."""

    path: Path
    graph: Graph
    proto: ModelProto | None


def is_text(path: Path) -> bool:
    """Whether the name says IR text."""
    return path.suffix.lower() in TEXT_SUFFIXES


def load_model(path: Path) -> LoadedModel:
    """Reads a model file. Raises ImportModelError, ParseError or ArgumentError that says what is wrong with it."""
    if is_text(path):
        return LoadedModel(path, _read_text(path), None)
    graph = import_onnx(path)
    return LoadedModel(path, graph, onnx.load(path, load_external_data=False))


def _read_text(path: Path) -> Graph:
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise ArgumentError(f"{path} {what}; give a file with IR text")
    try:
        return parse_graph(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ParseError(f"{path} is no text: {error.reason} at byte {error.start}") from error
    except ParseError as error:
        raise ParseError(f"{path}: {error}") from error
