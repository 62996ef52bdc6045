# SPDX-License-Identifier: Apache-2.0
"""Holds the results of bench/run: every visit, by rows and contenders, and the figures made of them."""

import contextlib
import enum
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Optional

from program import Failed, first_line, say

REQUESTS = "requests/s"


class Measure(enum.Enum):
    """The subject of a figure: the value of a row in its unit, or the server's processor time for each operation."""
    VALUE = "value"
    PROCESSOR = "processor time"


@dataclass(frozen=True)
class Group:
    """Rows that share a table. note: explains the table."""
    title: str
    note: str


@dataclass(frozen=True)
class Row:
    """
    One row of the tables.

    unit: "requests/s", where more is better, or "ms", "s", "kB" of 1000 bytes, where less is better. branch: the
    largest of the repository's branches that it needs.
    """
    key: str
    title: str
    group: Group
    unit: str
    branch: str

    @property
    def more(self) -> bool:
        """Tell whether more is better."""
        return self.unit == REQUESTS

    def better(self, measure: Measure):
        """Return the function that picks the best figure."""
        return max if self.more and measure is Measure.VALUE else min

    def called(self, measure: Measure) -> str:
        """Return the word for a measure of this row."""
        if measure is Measure.PROCESSOR:
            return measure.value
        return {REQUESTS: "rate", "kB": "memory"}.get(self.unit, "time")


@dataclass(frozen=True)
class Visit:
    """
    One contender's turn at one row.

    value: in the row's unit; count: of operations; used: the server's processor seconds for all of them; asking: those
    of h2load; None when unknown.
    """
    value: float
    count: int = 1
    used: Optional[float] = None
    asking: Optional[float] = None

    def figure(self, measure: Measure) -> Optional[float]:
        """Return the value, or the server's processor milliseconds for each operation."""
        if measure is Measure.VALUE:
            return self.value
        return None if self.used is None else self.used / self.count * 1000


@dataclass
class Cell:
    """The visits of one contender at one row, by the round's number, and the reasons of the visits that failed."""
    visits: dict[int, Visit] = field(default_factory=dict)
    failures: dict[int, str] = field(default_factory=dict)

    def fail(self, number: int, why: str) -> None:
        """Record why a round has no value."""
        self.failures[number] = why

    def add(self, number: int, visit: Visit) -> None:
        """Add the visit of a round."""
        self.visits[number] = visit

    def rounds(self, measure: Measure) -> dict[int, float]:
        """Return the known figures by the number of their round."""
        found = {number: visit.figure(measure) for number, visit in self.visits.items()}
        return {number: figure for number, figure in found.items() if figure is not None}

    def figures(self, measure: Measure = Measure.VALUE) -> list[float]:
        """Return the figures of all rounds."""
        return list(self.rounds(measure).values())

    def median(self, measure: Measure = Measure.VALUE) -> float:
        """Return the median of the figures, of which there must be one."""
        return statistics.median(self.figures(measure))

    @property
    def known(self) -> bool:
        """Whether there is a figure."""
        return bool(self.visits)

    @property
    def hopeless(self) -> bool:
        """Tell whether another try makes no sense."""
        return bool(self.failures) and not self.visits

    @property
    def client_bound(self) -> bool:
        """Tell whether h2load, on its one thread, was as busy as the server: then it could not ask more."""
        both = [(visit.asking, visit.used) for visit in self.visits.values()]
        if not both or any(None in pair for pair in both):
            return False
        return sum(asking for asking, _ in both) >= sum(used for _, used in both)

    def record(self) -> dict:
        """Return all of it, for JSON."""
        if not self.known:
            return {"failures": self.failures, "rounds": {}}
        values = self.figures()
        return {"median": self.median(), "least": min(values), "most": max(values), "failures": self.failures,
                "rounds": self.rounds(Measure.VALUE), "processor_ms": self.rounds(Measure.PROCESSOR),
                "operations": {number: visit.count for number, visit in self.visits.items()},
                "h2load_seconds": {number: visit.asking for number, visit in self.visits.items()
                                   if visit.asking is not None}}


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

    def best_peer(self, row: str, measure: Measure) -> Optional[str]:
        """Return the peer with the best median of a row."""
        peers = [key for key, (_, kind) in self.columns.items() if kind == "peer" and self.look(row, key).figures(measure)]
        better = self.rows[row].better(measure) if row in self.rows else min
        return better(peers, key=lambda key: self.cell(row, key).median(measure), default=None)

    def ratios(self, row: str, one: str, other: str, measure: Measure) -> list[float]:
        """Return the ratio of two contenders in each of the rounds in which both have a figure."""
        first, second = self.look(row, one).rounds(measure), self.look(row, other).rounds(measure)
        return [first[number] / second[number] for number in first if second.get(number)]

    def record(self) -> dict:
        """Return all of it, for JSON."""
        return {key: {"title": row.title, "group": row.group.title, "unit": row.unit, "more_is_better": row.more,
                      "results": {column: self.cells[key, column].record() for column in self.columns
                                  if (key, column) in self.cells}} for key, row in self.rows.items()}
