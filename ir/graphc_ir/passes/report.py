"""What the passes did: times, sizes and work before and after each."""

from __future__ import annotations

from dataclasses import dataclass, field

from graphc_ir.analysis.cost import Cost

HEADER = ("pass", "ms", "ops before", "ops after", "MFLOPs", "MB", "changed")


@dataclass(frozen=True)
class PassRecord:
    """One pass on one graph. ``before`` and ``after`` count nodes only when costs were not asked for.

    ``error`` is the message of a pass that failed and was rolled back, else empty.
    """

    name: str
    seconds: float
    before: Cost
    after: Cost
    changed: bool
    error: str = ""

    def row(self) -> tuple[str, ...]:
        """The cells under :data:`HEADER`."""
        state = "failed" if self.error else "yes" if self.changed else "no"
        return (
            self.name, f"{self.seconds * 1e3:.2f}", str(self.before.nodes), str(self.after.nodes),
            _millions(self.after.flops), _millions(self.after.bytes), state,
        )  # fmt: skip


def _millions(count: object) -> str:
    return f"{count / 1e6:.3f}" if isinstance(count, int) else str(count)


@dataclass
class Report:
    """The records of a pipeline, in order. Symbolic dims without a size count as 1 in FLOPs and bytes."""

    graph: str = ""
    records: list[PassRecord] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return any(record.changed for record in self.records)

    @property
    def seconds(self) -> float:
        """The time in passes, without what the manager spends on checking and counting."""
        return sum(record.seconds for record in self.records)

    @property
    def failures(self) -> list[PassRecord]:
        return [record for record in self.records if record.error]

    def rows(self) -> list[tuple[str, ...]]:
        """The table's cells as text, one tuple per pass."""
        return [record.row() for record in self.records]

    def to_text(self) -> str:
        """The table as plain text."""
        rows = [HEADER, *self.rows()]
        widths = [max(len(row[i]) for row in rows) for i in range(len(HEADER))]
        lines = []
        for name, *cells in rows:
            aligned = [cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)]
            lines.append("  ".join([name.ljust(widths[0]), *aligned]))
        lines += [f"{record.name} failed and was rolled back: {record.error}" for record in self.failures]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.to_text()
