"""Where in the user's code we are."""

from __future__ import annotations

import os
import sys
from types import FrameType
from typing import Final

import graphc_backends
import graphc_ir
from graphc.mode import mode
from graphc_ir.graph import Location

_PACKAGES: Final = tuple(
    os.path.dirname(os.path.abspath(path)) + os.sep
    for path in (str(graphc_ir.__file__), str(graphc_backends.__file__), __file__)
)
# The demo is a program that uses graphc: its IR shows its lines.
_PROGRAMS: Final = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cli") + os.sep
_internal_files: dict[str, bool] = {}
_locations: dict[tuple[str, int, str], Location] = {}


def user_location() -> Location:
    """The innermost frame outside of graphc, with the current name scope. Cheap: called for every traced op."""
    frame: FrameType | None = sys._getframe(2)
    filename = ""
    while frame is not None:
        filename = frame.f_code.co_filename
        internal = _internal_files.get(filename)
        if internal is None:
            internal = _internal_files[filename] = _is_internal(filename)
        if not internal:
            break
        frame = frame.f_back
    key = ("", 0, mode.scope) if frame is None else (filename, frame.f_lineno, mode.scope)
    found = _locations.get(key)
    if found is None:
        found = _locations[key] = Location(*key)
    return found


def _is_internal(filename: str) -> bool:
    return (filename.startswith(_PACKAGES) and not filename.startswith(_PROGRAMS)) or "optree" in filename
