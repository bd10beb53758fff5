"""How control left a piece of code that was run as part of a region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Exit:
    """The jumps that were taken. A flag is a bool tensor where that depends on what only a run of the graph tells.

    ``value`` is what a ``return`` gives (on paths without one, zeros in place of tensors), ``line`` where that stands.
    """

    returned: Any = False
    broken: Any = False
    continued: Any = False
    value: Any = None
    line: int = 0

    @property
    def flags(self) -> tuple[Any, Any, Any]:
        return self.returned, self.broken, self.continued

    @property
    def is_static(self) -> bool:
        """Whether the way is the same at every run."""
        return all(flag is True or flag is False for flag in self.flags)

    @property
    def leaves(self) -> bool:
        """Whether any jump may be taken."""
        return any(flag is not False for flag in self.flags)


NEXT: Final = Exit()
"""The end was reached."""
BREAK: Final = Exit(broken=True)
CONTINUE: Final = Exit(continued=True)


def returned(value: Any, line: int) -> Exit:
    """A ``return`` at this line."""
    return Exit(returned=True, value=value, line=line)
