"""Options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from graphc_ir.errors import ArgumentError
from graphc_ir.passes.base import Pass
from graphc_ir.passes.pipelines import pipeline, resolve_passes

FilePath: Final = click.Path(path_type=Path)

model_argument = click.argument("model", type=FilePath)
size_option = click.option("--size", "sizes", multiple=True, metavar="[NAME=]N",
                           help="Size of an open axis; without a name, of all of them.")  # fmt: skip
input_option = click.option("--input", "inputs", multiple=True, metavar="NAME=SOURCE",
                            help="FILE.npy, random or zeros; without a name, for all other inputs.")  # fmt: skip
seed_option = click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Of random inputs.")
device_option = click.option("--device", default="cpu", show_default=True, help="cpu or cuda:N.")
backend_option = click.option("--backend", default="auto", show_default=True, help="auto, numpy or onnxruntime.")


def split_list(text: str, option: str) -> list[str]:
    """The items of ``a,b,c``. Raises ArgumentError when there is none."""
    items = [item.strip() for item in text.split(",") if item.strip()]
    if not items:
        raise ArgumentError(f"{option} is empty; give names separated by commas")
    return items


def passes_of(level: str, names: str | None) -> tuple[Pass, ...]:
    """The passes of ``--passes a,b,c``, or else of the level. Raises ArgumentError for an unknown name."""
    return pipeline(level) if names is None else resolve_passes(split_list(names, "--passes"))
