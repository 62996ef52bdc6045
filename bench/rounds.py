# SPDX-License-Identifier: Apache-2.0
"""
The rounds of bench/run: their number, and the turns in each.

At first every contender has its turn at every row. After that only rows with an undecided claim go on, with the gate and
the contenders in that claim. They end when the claims are decided or the time is up.
"""

import time
from dataclasses import dataclass

import claims
from contenders import Contender
from measure import settle
from program import say
from results import Results, noted
from turns import in_turn
from workloads import Bench, Workload, check


@dataclass
class Clock:
    """The time of a run, from now on. The rounds have to end within these minutes."""
    minutes: float

    def __post_init__(self):
        self.began = time.monotonic()

    @property
    def passed(self) -> float:
        """The minutes that have passed."""
        return (time.monotonic() - self.began) / 60

    @property
    def left(self) -> float:
        """The seconds that are left."""
        return (self.minutes - self.passed) * 60

    def say(self, text: str) -> None:
        """Print progress."""
        say(f"minute {self.passed:.1f} of {self.minutes:g}: {text}")


@dataclass(frozen=True)
class Limits:
    """least, most: the rounds of a row."""
    least: int
    most: int


def visit(workload: Workload, bench: Bench, contender: Contender, results: Results, number: int) -> None:
    """Give one contender its turn at one workload, in the round of that number."""
    cell = results.cell(workload.key, contender.key)
    if cell.hopeless:
        return
    with noted([cell], number, f"{workload.key}: {contender.key}"):
        if not cell.known:
            check(workload, contender)
        before = contender.account.seconds() if contender.account else None
        made = workload.ask(bench, contender, workload.times)
        if before is not None:
            settle(contender.place)
            made = contender.account.since(before, made)
        cell.add(number, made)


def have_turns(workload: Workload, present: list[Contender], results: Results, is_extra: bool) -> list[Contender]:
    """Return the contenders of a row; in an extra round, those of its undecided claims, and none if all are decided."""
    able = [contender for contender in present if contender.kind in workload.takes]
    if not is_extra:
        return able
    kinds = {claims.KINDS[finding.claim.against] for finding in claims.undecided(workload.key, results)}
    return [contender for contender in able if kinds and (contender.key == claims.GATE or contender.kind in kinds)]


def go(bench: Bench, rows: list[Workload], present: list[Contender], results: Results, limits: Limits,
       clock: Clock) -> None:
    """Run the rounds. A row has another round only if its last one took less than the time that is left."""
    took: dict[str, float] = {}

    def fits(row: Workload) -> bool:
        return took.get(row.key, 0) < clock.left
    for number in range(limits.most):
        due = [(row, turns) for row in rows
               if fits(row) and (turns := have_turns(row, present, results, number >= limits.least))]
        if not due:
            break
        for place, (row, turns) in enumerate(due, 1):
            if fits(row):
                clock.say(f"round {number + 1} of {limits.least} to {limits.most}, row {place} of {len(due)}: {row.key}")
                begin = time.monotonic()
                for contender in in_turn(turns, number, row.key):
                    visit(row, bench, contender, results, number)
                took[row.key] = time.monotonic() - begin
    for finding in claims.findings(results):
        if finding.verdict is claims.UNDECIDED:
            say(f"undecided after {len(finding.values)} rounds: {finding.claim.row}, "
                f"{results.rows[finding.claim.row].called(finding.claim.measure)}")
