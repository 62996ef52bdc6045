# SPDX-License-Identifier: Apache-2.0
"""Holds the results of bench/run: every sample, by rows and contenders, and the figures made of them."""

import contextlib
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Optional

from program import Failed, first_line, say

REQUESTS = "requests/s"


@dataclass(frozen=True)
class Group:
    """Rows that share a table. note: explains the table."""
    title: str
    note: str


@dataclass(frozen=True)
class Row:
    """
    One row of the tables.

    unit: "requests/s", where more is better, or "ms", "s", "kB" of 1000 bytes, where less is better.
    """
    key: str
    title: str
    group: Group
    unit: str

    @property
    def more(self) -> bool:
        """Tell whether more is better."""
        return self.unit == REQUESTS


@dataclass
class Cell:
    """
    The results of one contender in one row.

    By the round's number, rounds has its value, and failures the reason if it has none. count: operations in all
    rounds; used: the server's processor seconds for them; asking: h2load's; None when unknown.
    """
    rounds: dict[int, float] = field(default_factory=dict)
    count: int = 0
    used: Optional[float] = 0.0
    failures: dict[int, str] = field(default_factory=dict)
    asking: Optional[float] = 0.0

    def fail(self, number: int, why: str) -> None:
        """Record why a round has no value."""
        self.failures[number] = why

    def add(self, number: int, value: float, count: int = 1, used: Optional[float] = None,
            asking: Optional[float] = None) -> None:
        """Add the value of a round."""
        self.rounds[number] = value
        self.count += count
        self.used = None if used is None or self.used is None else self.used + used
        self.asking = None if asking is None or self.asking is None else self.asking + asking

    @property
    def values(self) -> list[float]:
        """The values of all rounds."""
        return list(self.rounds.values())

    @property
    def median(self) -> float:
        """The median."""
        return statistics.median(self.values)

    @property
    def known(self) -> bool:
        """Whether there is a figure."""
        return bool(self.rounds)

    @property
    def hopeless(self) -> bool:
        """Tell whether another try makes no sense."""
        return bool(self.failures) and not self.rounds

    @property
    def client_bound(self) -> bool:
        """Tell whether h2load, on its one thread, was as busy as the server: then it could not ask more."""
        return self.known and None not in (self.used, self.asking) and self.asking >= self.used

    @property
    def used_ms(self) -> Optional[float]:
        """The server's processor milliseconds for each operation."""
        return self.each_ms(self.used)

    def each_ms(self, seconds: Optional[float]) -> Optional[float]:
        """Convert seconds for all operations to milliseconds for each."""
        return seconds / self.count * 1000 if self.count and seconds is not None else None

    def record(self) -> dict:
        """Return all of it, for JSON."""
        if not self.known:
            return {"failures": self.failures, "rounds": {}}
        return {"median": self.median, "least": min(self.values), "most": max(self.values), "rounds": self.rounds,
                "failures": self.failures, "operations": self.count, "processor_ms_per_operation": self.used_ms,
                "h2load_ms_per_operation": self.each_ms(self.asking)}


@contextlib.contextmanager
def noted(cells: Iterable[Cell], number: int, who: str):
    """Record and print a failure in a block of a round for these cells; the others still have their turn."""
    try:
        yield
    except (Failed, AssertionError, OSError) as error:
        say(f"{who}: {first_line(error)}")
        for cell in cells:
            cell.fail(number, first_line(error))


class Results:
    """All cells. columns: the contenders by key, in order: title and kind of each."""

    def __init__(self, rows: list[Row], columns: dict[str, tuple[str, str]]):
        self.rows = {row.key: row for row in rows}
        self.columns = columns
        self.cells: dict[tuple[str, str], Cell] = {}

    def groups(self) -> dict[Group, list[Row]]:
        """Return the rows of each table."""
        found: dict[Group, list[Row]] = {}
        for row in self.rows.values():
            found.setdefault(row.group, []).append(row)
        return found

    def cell(self, row: str, column: str) -> Cell:
        """Return a cell; it is empty at first."""
        return self.cells.setdefault((row, column), Cell())

    def look(self, row: str, column: str) -> Cell:
        """Return a cell without creating it."""
        return self.cells.get((row, column), Cell())

    def has(self, row: str, column: str) -> bool:
        """Whether there is a figure."""
        return self.look(row, column).known

    def of_kind(self, row: str, kind: str) -> list[str]:
        """Return the columns of a kind that have a figure in a row."""
        return [key for key, (_, its) in self.columns.items() if its == kind and self.has(row, key)]

    def best_peer(self, row: str) -> Optional[str]:
        """Return the peer with the best median of a row."""
        better = max if row in self.rows and self.rows[row].more else min
        return better(self.of_kind(row, "peer"), key=lambda key: self.cell(row, key).median, default=None)

    def ratios(self, row: str, one: str, other: str) -> list[float]:
        """Return the ratio of two contenders in each of the rounds in which both have a figure."""
        first, second = self.look(row, one).rounds, self.look(row, other).rounds
        return [first[number] / second[number] for number in first if number in second]

    def record(self) -> dict:
        """Return all of it, for JSON."""
        return {key: {"title": row.title, "group": row.group.title, "unit": row.unit, "more_is_better": row.more,
                      "results": {column: self.cells[key, column].record() for column in self.columns
                                  if (key, column) in self.cells}} for key, row in self.rows.items()}
