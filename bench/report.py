# SPDX-License-Identifier: Apache-2.0
"""Prints the results of bench/run: Markdown tables, JSON, and a description of the machine."""

import os
import pathlib
import platform
import re
import statistics
from typing import Optional

import claims
import spread
from places import version
from results import Measure, Results, Row

UNKNOWN = "–"


def machine() -> dict:
    """Return the properties of the machine that affect the figures."""
    processor = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s+(\d+) kB$", pathlib.Path("/proc/meminfo").read_text(), re.MULTILINE)
    release = pathlib.Path("/etc/debian_version")
    autogroups = pathlib.Path("/proc/sys/kernel/sched_autogroup_enabled")  # sched(7)
    return {"processor": processor.group(1) if processor else platform.machine(), "cores": os.cpu_count(),
            "memory_mb": round(int(memory.group(1)) * 1024 / 1e6), "kernel": platform.release(),
            "debian": release.read_text().strip() if release.exists() else None, "load": os.getloadavg()[0],
            "autogroups": autogroups.exists() and autogroups.read_text().strip() != "0"}


def versions(results: Results) -> dict:
    """Return the versions of all programs involved."""
    return {**{key: title for key, (title, kind) in results.columns.items() if kind not in ("floor", "cgi")},
            "git": version(r"([0-9][0-9.]*)", "git", "--version"),
            "h2load": version(r"nghttp2/([0-9.]+)", "h2load", "--version"),
            "python": platform.python_version()}


def number(value: float) -> str:
    """Format a figure with its significant digits."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def spanned(values: list[float]) -> str:
    """Return the median of some figures and, of more than one, the least and the most."""
    span = f" ({number(min(values))}–{number(max(values))})" if len(values) > 1 else ""
    return number(statistics.median(values)) + span


def shown(results: Results, row: str, column: str) -> str:
    """Return median and spread, or the reason why there is none."""
    cell = results.cells.get((row, column))
    if cell is None:
        return UNKNOWN
    if not cell.known:
        return next(iter(cell.failures.values()), UNKNOWN).replace("|", "\\|")
    figure, space, span = spanned(cell.figures()).partition(" ")
    return (figure + "†" * cell.client_bound + space + span
            + (f", failed {len(cell.failures)} times" if cell.failures else ""))


def used(results: Results, row: str, column: str) -> str:
    """Return the processor time for each operation."""
    figures = results.look(row, column).figures(Measure.PROCESSOR)
    return spanned(figures) if figures else UNKNOWN


def table(heading: str, columns: list[str], lines: list[list[str]]) -> str:
    """Return a table of Markdown."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (
        [heading, *columns], ["---"] * (len(columns) + 1), *lines))


def grid(results: Results, rows: list[Row], heading: str, cell) -> str:
    """Return a table of the columns that are not empty. cell: shown or used."""
    columns = [key for key in results.columns if any((row.key, key) in results.cells for row in rows)]
    lines = [[f"{row.title}, {row.unit if cell is shown else 'processor ms'}",
              *(cell(results, row.key, key) for key in columns)] for row in rows]
    return table(heading, [results.columns[key][0] for key in columns], lines)


def figures(results: Results) -> str:
    """Return a table for each group of rows, with the notes needed to read it."""
    return "\n\n".join(f"{grid(results, rows, group.title, shown)}\n\n{group.note}"
                       for group, rows in results.groups().items())


def measured_rows(results: Results) -> list[Row]:
    """Return the rows for which some processor time is known."""
    return [row for row in results.rows.values()
            if any(results.look(row.key, key).figures(Measure.PROCESSOR) for key in results.columns)]


def processors(results: Results) -> Optional[str]:
    """Return the table of processor time, if any is known."""
    rows = measured_rows(results)
    return grid(results, rows, "the server's processor time for each, git's included, ms", used) if rows else None


def ratio(values: list[float]) -> str:
    """Return the median of ratios with its range, if there is one."""
    if not values:
        return UNKNOWN
    known = spread.median_range(values)
    return f"{statistics.median(values):.3f}" + (f" ({known[0]:.3f}–{known[1]:.3f})" if known else "")


def beside_peer(results: Results, row: str, measure: Measure) -> str:
    """Return the ratio of the gate and the best peer, and the peer's name."""
    peer = results.best_peer(row, measure)
    values = results.ratios(row, claims.GATE, peer, measure) if peer else []
    return f"{ratio(values)} {results.columns[peer][0].split()[0]}" if values else UNKNOWN


def ratios(results: Results) -> Optional[str]:
    """Return the table of ratios with other contenders, both of the time or rate and of the processor time."""
    lines = [[row.title, row.called(Measure.VALUE), *(beside_peer(results, row.key, measure) for measure in Measure),
              ratio(results.ratios(row.key, claims.GATE, "floor", Measure.PROCESSOR))] for row in measured_rows(results)]
    return table("git-gate beside others", [
        "which", "time or rate: best peer", "processor time: best peer", "processor time: git-upload-pack alone"],
        lines) if lines else None


def own_ratios(results: Results) -> Optional[str]:
    """Return the table of ratios with the gate's other forms."""
    forms = [key for key in ("gate-http-backend", "gate-no-cache", "gate-unix") if key in results.columns]
    lines = [[row.title, row.called(Measure.VALUE), *(ratio(results.ratios(row.key, claims.GATE, key, measure))
                                                      for key in forms for measure in Measure)]
             for row in measured_rows(results)]
    headings = [f"{which}: {results.columns[key][0].partition(', ')[2]}"
                for key in forms for which in ("time or rate", "processor time")]
    return table("git-gate beside itself", ["which", *headings], lines) if lines else None


def claim_line(results: Results, finding: claims.Finding) -> list[str]:
    """Return one line of the table of claims."""
    claim, row = finding.claim, results.rows[finding.claim.row]
    of = row.called(claim.measure)
    asked = f"{claim.relation} {claim.bound:g}" + (f" × {claim.against}" if claim.against else f" {row.unit}")
    if finding.value is None:
        return [row.title, of, asked, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, finding.verdict]
    beside = results.columns[finding.beside][0] if finding.beside else UNKNOWN
    show = number if claim.against is None else "{:.3f}".format
    known = f"{show(finding.range[0])}–{show(finding.range[1])}" if finding.range else UNKNOWN
    verdict = f"**{finding.verdict}**" if finding.verdict is claims.NO else finding.verdict
    return [row.title, of, asked, show(finding.value), known, str(len(finding.values)), beside, verdict]


def claim_table(results: Results) -> str:
    """Return the claims and whether they hold."""
    return table("claim about git-gate", ["its", "asked", "found", "range of the median", "rounds", "beside", "holds"],
                 [claim_line(results, finding) for finding in claims.findings(results)])


def markdown(results: Results, about: dict) -> str:
    """Return all tables."""
    host = about["machine"]
    debian = f", Debian {host['debian']}" if host["debian"] else ""
    autogroups = "with" if host["autogroups"] else "without"
    parts = [f"{host['cores']} cores of {host['processor']}, Linux {host['kernel']} {autogroups} autogroups{debian}, git "
             f"{about['versions']['git']}; {about['rounds']} to {about['most_rounds']} rounds in "
             f"{about['minutes']:.0f} minutes, median (least–most)"
             + ("; a quick run, whose figures mean nothing" if about["quick"] else "") + ".",
             figures(results), processors(results), ratios(results), own_ratios(results), claim_table(results)]
    return "\n\n".join(filter(None, parts))


def record(results: Results, about: dict) -> dict:
    """Return everything, for JSON."""
    columns = {key: {"title": title, "kind": kind} for key, (title, kind) in results.columns.items()}
    return {**about, "contenders": columns, "rows": results.record(),
            "claims": [finding.record() for finding in claims.findings(results)]}
