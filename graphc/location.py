"""Where in the user's code we are."""

from __future__ import annotations

import os
import sys
from types import CodeType, FrameType
from typing import Final

import graphc_backends
import graphc_ir
from graphc.mode import mode
from graphc_ir.graph import Location

PACKAGES: Final = tuple(
    os.path.dirname(os.path.abspath(path)) + os.sep
    for path in (str(graphc_ir.__file__), str(graphc_backends.__file__), __file__)
)
# The demo is a program that uses graphc: its IR shows its lines.
_PROGRAMS: Final = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cli") + os.sep
_internal_files: dict[str, bool] = {}
_locations: dict[tuple[str, int, str], Location] = {}
unconverted: dict[CodeType, str] = {}
"""Functions that AutoGraph left as they are, and why."""


def user_location() -> Location:
    """The innermost frame outside of graphc, with the current name scope. Cheap: called for every traced op."""
    frame = _users_frame(sys._getframe(2))
    key = ("", 0, mode.scope) if frame is None else (frame.f_code.co_filename, frame.f_lineno, mode.scope)
    found = _locations.get(key)
    if found is None:
        found = _locations[key] = Location(*key)
    return found


def why_unconverted() -> str:
    """In words, for the innermost frame outside of graphc: why AutoGraph left that function as it is, if it did."""
    frame = _users_frame(sys._getframe(2))
    reason = None if frame is None else unconverted.get(frame.f_code)
    return "" if frame is None or reason is None else f" (AutoGraph left {frame.f_code.co_name} as it is: {reason})"


def _users_frame(frame: FrameType | None) -> FrameType | None:
    while frame is not None:
        filename = frame.f_code.co_filename
        internal = _internal_files.get(filename)
        if internal is None:
            internal = _internal_files[filename] = _is_internal(filename)
        if not internal:
            break
        frame = frame.f_back
    return frame


def _is_internal(filename: str) -> bool:
    return (filename.startswith(PACKAGES) and not filename.startswith(_PROGRAMS)) or "optree" in filename
