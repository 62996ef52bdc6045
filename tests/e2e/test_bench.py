# SPDX-License-Identifier: Apache-2.0
"""bench/run: its verdicts on given figures, and the use of its tables. Nothing is measured."""

import subprocess
import sys
from pathlib import Path

import pytest

from .repos import ENVIRONMENT

BENCH = Path(__file__).resolve().parents[2] / "bench"


@pytest.fixture
def module(monkeypatch):
    """Import a module of bench/."""
    monkeypatch.syspath_prepend(str(BENCH))
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    before = set(sys.modules)
    yield lambda name: __import__(name)
    for name in set(sys.modules) - before:
        if str(BENCH) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.mark.parametrize("values, expected", [
    ([1, 2, 3, 4], None),
    ([5, 1, 4, 2, 3], (1, 5)),
    ([8, 7, 6, 5, 4, 3, 2, 1], (2, 7)),
    (range(1, 21), (6, 15)),
])
def test_range_of_a_median(module, values, expected):
    """The ranks are those of the sign test's tables for 90 %."""
    assert module("spread").median_range(list(values)) == expected


@pytest.mark.parametrize("relation, ratios, verdict", [
    ("<=", [], "not measured"),
    ("<=", [0.5] * 4, "undecided"),
    ("<=", [0.5, 0.6, 0.7, 0.8, 0.9], "yes"),
    ("<=", [1.1, 1.2, 1.3, 1.4, 1.5], "no"),
    ("<=", [0.9, 0.9, 0.9, 0.9, 1.1], "undecided"),
    ("<=", [0.98, 0.98, 0.99, 1.01, 1.01], "yes"),
    ("<=", [0.98, 0.98, 1.01, 1.02, 1.03], "no"),
    (">=", [0.9, 1.2, 1.2, 1.2, 1.2], "undecided"),
    (">=", [1.1, 1.2, 1.2, 1.2, 2.2], "yes"),
])
def test_verdict(module, relation, ratios, verdict):
    """A claim about a ratio is decided by a range on one side of the limit, or by a spread of 3 %."""
    claims = module("claims")
    claim = claims.Claim("row", claims.VALUE, claims.BEST_PEER, relation, 1)
    assert claims.Finding(claim, "peer", tuple(ratios)).verdict == verdict


@pytest.fixture
def results(module):
    """Five rounds of ls-refs, with twice the best peer's rate, and processor time that nobody can tell from the peer's."""
    found = module("results")
    row = found.Row("ls-refs-1", "ls-refs", found.Group("requests", ""), found.REQUESTS, "main")
    made = found.Results([row], {"gate": ("git-gate", "gate"), "slow": ("slow", "peer"), "fast": ("fast", "peer"),
                                 "floor": ("git alone", "floor")})
    for number, used in enumerate((0.2, 0.3, 0.4, 1.5, 1.6)):
        made.cell("ls-refs-1", "gate").add(number, found.Visit(200, 100, used))
        made.cell("ls-refs-1", "slow").add(number, found.Visit(50, 100, 1))
        made.cell("ls-refs-1", "fast").add(number, found.Visit(100, 100, 2))
        made.cell("ls-refs-1", "floor").add(number, found.Visit(900, 100, used))
    return made


def test_each_measure_has_its_own_verdict(module, results):
    claims = module("claims")
    found = {(finding.claim.measure, finding.claim.against): finding for finding in claims.findings(results)}
    rate, processor = found[claims.VALUE, claims.BEST_PEER], found[claims.PROCESSOR, claims.BEST_PEER]
    assert (rate.beside, rate.value, rate.verdict) == ("fast", 2, "yes")
    assert (processor.beside, processor.value, processor.verdict) == ("slow", 0.4, "undecided")
    assert found[claims.PROCESSOR, claims.FLOOR].verdict == "yes"


def test_more_rounds_are_for_those_that_an_undecided_claim_compares(module, results):
    rounds, contenders = module("rounds"), module("contenders")
    present = [contenders.Contender(key, title, kind, "") for key, (title, kind) in results.columns.items()]
    row, = (row for row in module("workloads").workloads(0, 0) if row.key == "ls-refs-1")

    def turns(is_extra):
        return [contender.key for contender in rounds.have_turns(row, present, results, is_extra)]
    assert turns(False) == ["gate", "slow", "fast", "floor"]
    assert turns(True) == ["gate", "slow", "fast"]
    for number in range(5):
        results.cell("ls-refs-1", "slow").add(number, module("results").Visit(50, 100, 9))
        results.cell("ls-refs-1", "fast").add(number, module("results").Visit(100, 100, 9))
    assert turns(True) == []


@pytest.mark.parametrize("branch, large, huge", [("main", 0, 0), ("large", 160, 0), ("huge", 160, 512)])
def test_only_the_branches_that_a_row_needs(module, branch, large, huge):
    sizes = module("mirrors").FULL.up_to(branch)
    assert (sizes.large, sizes.huge) == (large, huge) and sizes.pushed


def test_every_claim_is_about_a_row(module):
    rows = {row.key for row in [*module("workloads").workloads(0, 0), *module("standing").rows(0)]}
    assert {claim.row for claim in module("claims").CLAIMS} <= rows


@pytest.mark.parametrize("place, variables, is_found", [
    ("repo.git", {}, True),
    ("repo.git/objects", {}, True),
    (".", {"GIT_PROJECT_ROOT": "{root}"}, True),
    (".", {}, False),
    ("mirror2/repo.git", {}, False),
])
def test_processes_of_a_repository(module, tmp_path, place, variables, is_found):
    """A service that a gate starts itself works there; the CGI program has the path in its environment."""
    root = tmp_path / "mirror"
    folder = tmp_path / place if place == "." or "mirror2" in place else root / place
    for each in (root, folder):
        each.mkdir(parents=True, exist_ok=True)
    with subprocess.Popen(["sleep", "1000"], cwd=folder,
                          env={name: value.format(root=root) for name, value in variables.items()}) as process:
        try:
            assert module("faults").processes_of(root) == [process.pid] * is_found
        finally:
            process.kill()


OLD = "# Page\n\n2 cores of old.\n\n| a | x |\n| --- | --- |\n| old | 1 |\n\ntext\n\n<!-- table: b -->\n"
RUN = "4 cores of new.\n\n| a | x | y |\n| --- | --- | --- |\n| new | 2 | 3 |\n\nnote\n\n| b | x |\n| --- | --- |\n| b | 4 |\n"
NEW = ("# Page\n\n4 cores of new.\n\n| a | x | y |\n| --- | --- | --- |\n| new | 2 | 3 |\n\ntext\n\n"
       "| b | x |\n| --- | --- |\n| b | 4 |\n")


def fill(tmp_path, page, run):
    for name, text in {"page.md": page, "run.md": run}.items():
        (tmp_path / name).write_text(text)
    result = subprocess.run([BENCH / "page", tmp_path / "run.md", tmp_path / "page.md"], capture_output=True, text=True,
                            check=False, env=ENVIRONMENT)
    return result, (tmp_path / "page.md").read_text()


def test_tables_go_into_a_page(tmp_path):
    result, page = fill(tmp_path, OLD, RUN)
    assert (result.returncode, result.stderr, page) == (0, "", NEW)
    assert fill(tmp_path, NEW, RUN)[1] == NEW


def test_a_page_without_a_place_for_a_table_stays(tmp_path):
    result, page = fill(tmp_path, OLD, RUN + "\n| c | x |\n| --- | --- |\n")
    assert (result.returncode, page) == (1, OLD) and result.stderr.endswith("has no place for c\n")
