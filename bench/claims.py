# SPDX-License-Identifier: Apache-2.0
"""
Lists the claims about git-gate's speed and size, and judges them by a run of bench/run.

A claim about a ratio is decided when the range of its median (spread.py) is on one side of the limit. With a spread of
at most SPREAD, the median decides. Otherwise the claim is undecided, and neither holds nor fails. A claim about a figure
of the gate alone is judged by its median.
"""

import operator
import statistics
from dataclasses import dataclass
from typing import Optional

import spread
from results import Measure, Results

GATE = "gate"
BEST_PEER, FLOOR, LIGHTTPD = "the best peer", "git-upload-pack alone", "lighttpd"
KINDS = {BEST_PEER: "peer", FLOOR: "floor", LIGHTTPD: "peer"}  # of the contenders that a claim compares the gate with
HOLDS = {">=": operator.ge, "<=": operator.le, "<": operator.lt}
SPREAD = 0.03
YES, NO, UNDECIDED, NOT_MEASURED = "yes", "no", "undecided", "not measured"
VALUE, PROCESSOR = Measure.VALUE, Measure.PROCESSOR


@dataclass(frozen=True)
class Claim:
    """
    row: a figure of the gate; measure: which of the two; against: the divisor, None for the figure itself; bound: the
    limit.
    """
    row: str
    measure: Measure
    against: Optional[str]
    relation: str
    bound: float


def requests(row: str, rate: float, processor: float) -> list[Claim]:
    """Claim so many times the best peer's rate, and at most this part of its processor time."""
    return [Claim(row, VALUE, BEST_PEER, ">=", rate), Claim(row, PROCESSOR, BEST_PEER, "<=", processor)]


def command(row: str, time: float, processor: float) -> list[Claim]:
    """Claim at most these parts of the best peer's time, and of its processor time."""
    return [Claim(row, VALUE, BEST_PEER, "<=", time), Claim(row, PROCESSOR, BEST_PEER, "<=", processor)]


CLAIMS = [
    Claim("info-v2-8", VALUE, BEST_PEER, ">=", 40),
    *(claim for row in ("info-v0", "ls-refs") for claim in (
        *requests(f"{row}-1", 1.5, 0.6), Claim(f"{row}-1", PROCESSOR, FLOOR, "<=", 1.25),
        *requests(f"{row}-8", 1.4, 0.6))),
    Claim("401-8", VALUE, BEST_PEER, ">=", 0.9),
    Claim("404-8", VALUE, BEST_PEER, ">=", 0.9),
    *command("ls-remote", 0.72, 0.35),
    *command("fetch-nothing", 0.85, 0.35),
    *command("clone-small", 0.88, 0.75),
    *command("push-small", 0.95, 0.9),
    *(claim for row in ("clone-crowd", "clone-hundred", "clone-large", "push-large", "fetch-nowhere")
      for claim in command(row, 1, 1)),
    Claim("start", VALUE, None, "<=", 3.5),
    Claim("idle-private", VALUE, None, "<=", 250),
    Claim("idle-resident", VALUE, None, "<=", 2600),
    *(Claim(row, VALUE, LIGHTTPD, "<", 1) for row in ("idle-private", "idle-resident")),
    *(Claim(row, VALUE, None, "<=", 3000) for row in ("peak-fetch", "peak-clone", "peak-push")),
]


@dataclass(frozen=True)
class Finding:
    """beside: the column of the divisor. values: the figure or the ratio of each round."""
    claim: Claim
    beside: Optional[str] = None
    values: tuple[float, ...] = ()

    @property
    def value(self) -> Optional[float]:
        """The median of the rounds, not rounded; None when it was not measured."""
        return statistics.median(self.values) if self.values else None

    @property
    def range(self) -> Optional[tuple[float, float]]:
        """The range of the median."""
        return spread.median_range(self.values)

    @property
    def decided(self) -> bool:
        """Tell whether more rounds are not needed."""
        if self.claim.against is None:
            return bool(self.values)
        if self.range is None:
            return False
        return self.holds(self.range[0]) == self.holds(self.range[1]) or spread.spread(self.values) <= SPREAD

    def holds(self, value: float) -> bool:
        """Tell whether the claim would hold with this value."""
        return HOLDS[self.claim.relation](value, self.claim.bound)

    @property
    def verdict(self) -> str:
        """Whether the claim holds, in a word."""
        if self.value is None:
            return NOT_MEASURED
        if not self.decided:
            return UNDECIDED
        return YES if self.holds(self.value) else NO

    def record(self) -> dict:
        """Return all of it, for JSON."""
        return {"row": self.claim.row, "measure": self.claim.measure.value, "against": self.claim.against,
                "relation": self.claim.relation, "bound": self.claim.bound, "beside": self.beside, "value": self.value,
                "range": self.range, "rounds": self.values, "verdict": self.verdict}


def judge(claim: Claim, results: Results) -> Finding:
    """Judge one claim by the results."""
    if claim.against is None:
        return Finding(claim, None, tuple(results.look(claim.row, GATE).figures(claim.measure)))
    beside = {FLOOR: "floor", LIGHTTPD: LIGHTTPD}.get(claim.against) or results.best_peer(claim.row, claim.measure)
    return Finding(claim, beside, tuple(results.ratios(claim.row, GATE, beside, claim.measure)) if beside else ())


def findings(results: Results) -> list[Finding]:
    """Judge the claims about the requested rows by the results."""
    return [judge(claim, results) for claim in CLAIMS if claim.row in results.rows]


def undecided(row: str, results: Results) -> list[Finding]:
    """Return the findings about a row that more rounds may decide. A claim without any figure will not get one."""
    return [finding for finding in findings(results) if finding.claim.row == row and finding.verdict is UNDECIDED]
