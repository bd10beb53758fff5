"""What a variable holds that has no value on every path: using it says why, and what to write instead."""

from __future__ import annotations

from typing import Any, NoReturn

from graphc.location import user_location
from graphc_ir.errors import TracingError

_USES = (
    "abs add and bool bytes call complex contains delitem divmod enter eq exit float floordiv format ge getitem gt "
    "index int invert iter le len lshift lt matmul mod mul ne neg next or pos pow radd rand rdivmod reversed rfloordiv "
    "rlshift rmatmul rmod rmul ror round rpow rrshift rshift rsub rtruediv rxor setitem sub truediv xor"
)


class Undefined:
    """Takes the place of a value. Whatever is done with it raises TracingError with the user's line and ``why``."""

    __slots__ = ("why",)

    def __init__(self, why: str) -> None:
        self.why = why

    def use(self) -> NoReturn:
        raise TracingError(f"{user_location()}: {self.why}")

    def __getattr__(self, name: str) -> Any:
        self.use()

    def __str__(self) -> str:
        self.use()

    def __repr__(self) -> str:
        return f"<undefined: {self.why}>"

    __hash__ = object.__hash__


def _use(self: Undefined, *operands: Any) -> NoReturn:
    self.use()


for _name in _USES.split():
    setattr(Undefined, f"__{_name}__", _use)
