# SPDX-License-Identifier: Apache-2.0
"""What bench/run has found: every sample, by rows and contenders, and what is made of them."""

import statistics
from dataclasses import dataclass, field
from typing import Optional

REQUESTS = "requests/s"


@dataclass(frozen=True)
class Row:
    """One row of the tables. unit: "requests/s", of which more is better, or "ms", "s", "kB", of which less is."""
    key: str
    title: str
    group: str
    unit: str

    @property
    def more(self) -> bool:
        """Whether more is better."""
        return self.unit == REQUESTS


@dataclass
class Cell:
    """
    One contender's, of one row.

    values: one for each round. count: of operations in all rounds, used: processor seconds of the server for them, None
    when they are not known. failures: why rounds have none.
    """
    values: list[float] = field(default_factory=list)
    count: int = 0
    used: Optional[float] = 0.0
    failures: list[str] = field(default_factory=list)

    def fail(self, why: str) -> None:
        """Say why a round has found nothing."""
        self.failures.append(why)

    def add(self, value: float, count: int = 1, used: Optional[float] = None) -> None:
        """Add what a round has found."""
        self.values.append(value)
        self.count += count
        self.used = None if used is None or self.used is None else self.used + used

    @property
    def median(self) -> float:
        """The one in the middle."""
        return statistics.median(self.values)

    @property
    def known(self) -> bool:
        """Whether there is a figure."""
        return bool(self.values)

    @property
    def hopeless(self) -> bool:
        """Whether it makes no sense to try again."""
        return bool(self.failures) and not self.values

    @property
    def used_ms(self) -> Optional[float]:
        """Processor milliseconds for each operation."""
        return self.used / self.count * 1000 if self.known and self.used is not None and self.count else None

    def record(self) -> dict:
        """Return all of it, for JSON."""
        if not self.known:
            return {"failures": self.failures, "values": []}
        return {"median": self.median, "least": min(self.values), "most": max(self.values), "values": self.values,
                "failures": self.failures, "operations": self.count, "processor_ms_per_operation": self.used_ms}


class Results:
    """All cells. columns: the contenders by key, in order: title and kind of each."""

    def __init__(self, rows: list[Row], columns: dict[str, tuple[str, str]]):
        self.rows = {row.key: row for row in rows}
        self.columns = columns
        self.cells: dict[tuple[str, str], Cell] = {}

    def cell(self, row: str, column: str) -> Cell:
        """Return a cell, which is empty in the beginning."""
        return self.cells.setdefault((row, column), Cell())

    def has(self, row: str, column: str) -> bool:
        """Whether there is a figure."""
        return self.cells.get((row, column), Cell()).known

    def of_kind(self, row: str, kind: str) -> list[str]:
        """Return the columns of a kind that have a figure in a row."""
        return [key for key, (_, its) in self.columns.items() if its == kind and self.has(row, key)]

    def best_peer(self, row: str) -> Optional[str]:
        """Return the peer with the best median of a row."""
        better = max if row in self.rows and self.rows[row].more else min
        return better(self.of_kind(row, "peer"), key=lambda key: self.cell(row, key).median, default=None)

    def ratios(self, row: str, one: str, other: str) -> tuple[float, float, float]:
        """Return the ratio of two medians, and the least and the most that it was in a round."""
        first, second = self.cell(row, one), self.cell(row, other)
        rounds = [x / y for x, y in zip(first.values, second.values)]
        return first.median / second.median, min(rounds), max(rounds)

    def record(self) -> dict:
        """Return all of it, for JSON."""
        return {key: {"title": row.title, "group": row.group, "unit": row.unit, "more_is_better": row.more,
                      "results": {column: self.cells[key, column].record() for column in self.columns
                                  if (key, column) in self.cells}} for key, row in self.rows.items()}
