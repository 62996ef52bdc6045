# SPDX-License-Identifier: Apache-2.0
"""Lists the claims about git-gate's speed and size, and checks them against a run of bench/run."""

import operator
import statistics
from dataclasses import dataclass
from typing import Optional

from results import Results

GATE = "gate"
# FLOOR is only in claims about requests, so it is git-http-backend as a CGI program with no server in front.
BEST_PEER, FLOOR, LIGHTTPD = "the best peer", "git-http-backend alone", "lighttpd"
HOLDS = {">=": operator.ge, "<=": operator.le, "<": operator.lt}


@dataclass(frozen=True)
class Claim:
    """row: a figure of the gate; against: the divisor, None for the figure itself; bound: the limit."""
    row: str
    against: Optional[str]
    relation: str
    bound: float


CLAIMS = [
    Claim("info-v2-8", BEST_PEER, ">=", 20),
    *(Claim(f"{row}-{number}", against, ">=", bound) for row in ("info-v0", "ls-refs") for number in (1, 8)
      for against, bound in ((BEST_PEER, 1.05), (FLOOR, 0.95))),
    Claim("401-8", BEST_PEER, ">=", 0.9),
    Claim("404-8", BEST_PEER, ">=", 0.9),
    Claim("ls-remote", BEST_PEER, "<=", 0.85),
    Claim("fetch-nothing", BEST_PEER, "<=", 0.85),
    *(Claim(row, BEST_PEER, "<=", 1) for row in ("clone-small", "clone-large", "push-small", "push-large",
                                                 "clone-crowd", "fetch-nowhere")),
    Claim("start", None, "<=", 6),
    Claim("idle-private", None, "<=", 700),
    Claim("idle-resident", None, "<=", 5000),
    *(Claim(row, LIGHTTPD, "<", 1) for row in ("idle-private", "idle-resident")),
    *(Claim(row, None, "<=", 8000) for row in ("peak-fetch", "peak-clone", "peak-push")),
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
    def holds(self) -> Optional[bool]:
        """Whether the claim holds, judged by the median."""
        return None if self.value is None else HOLDS[self.claim.relation](self.value, self.claim.bound)

    def record(self) -> dict:
        """Return all of it, for JSON."""
        return {"row": self.claim.row, "against": self.claim.against, "relation": self.claim.relation,
                "bound": self.claim.bound, "beside": self.beside, "value": self.value, "rounds": self.values,
                "holds": self.holds}


def judge(claim: Claim, results: Results) -> Finding:
    """Check one claim against the results."""
    if claim.against is None:
        return Finding(claim, None, tuple(results.look(claim.row, GATE).values))
    beside = {BEST_PEER: results.best_peer(claim.row), FLOOR: "floor", LIGHTTPD: LIGHTTPD}[claim.against]
    return Finding(claim, beside, tuple(results.ratios(claim.row, GATE, beside)) if beside else ())


def findings(results: Results) -> list[Finding]:
    """Check the claims about the requested rows against the results."""
    return [judge(claim, results) for claim in CLAIMS if claim.row in results.rows]
