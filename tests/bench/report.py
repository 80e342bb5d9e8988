"""Figures as tables: medians over interleaved rounds, ratios within a round, targets beside them."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Table:
    """Columns of text with a title and notes beneath."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = field(default=())

    def text(self) -> str:
        lines = [list(self.columns), *(list(row) for row in self.rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.columns))]
        drawn = [
            "  ".join(
                cell.ljust(width) if column == 0 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        ]
        rule = "-" * max(len(line) for line in drawn)
        return "\n".join(["", f"== {self.title}", drawn[0], rule, *drawn[1:], *self.notes])


@dataclass(frozen=True)
class Bench:
    """One bench: `run(rounds, seconds)` measures in interleaved rounds and gives tables."""

    name: str
    run: Callable[[int, float], Iterable[Table]]


def ratio(values: Sequence[float], reference: Sequence[float]) -> str:
    """Median [min-max] of the per-round ratios: noise of the machine hits both sides of a round alike."""
    ratios = [value / other for value, other in zip(values, reference, strict=True)]
    return f"{statistics.median(ratios):.2f} [{min(ratios):.2f}-{max(ratios):.2f}]"


def median(values: Sequence[float], digits: int = 0) -> str:
    """The median, rounded."""
    return f"{statistics.median(values):.{digits}f}"
