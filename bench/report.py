# SPDX-License-Identifier: Apache-2.0
"""Prints the results of bench/run: Markdown tables, JSON, and a description of the machine."""

import os
import pathlib
import platform
import re
from typing import Optional

import claims
from places import version
from results import Results, Row

UNKNOWN = "–"


def machine() -> dict:
    """Return the properties of the machine that affect the figures."""
    processor = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s+(\d+) kB$", pathlib.Path("/proc/meminfo").read_text(), re.MULTILINE)
    release = pathlib.Path("/etc/debian_version")
    return {"processor": processor.group(1) if processor else platform.machine(), "cores": os.cpu_count(),
            "memory_mb": round(int(memory.group(1)) * 1024 / 1e6), "kernel": platform.release(),
            "debian": release.read_text().strip() if release.exists() else None, "load": os.getloadavg()[0]}


def versions(results: Results) -> dict:
    """Return the versions of all programs involved."""
    return {**{key: title for key, (title, kind) in results.columns.items() if kind != "floor"},
            "git": version(r"([0-9][0-9.]*)", "git", "--version"),
            "h2load": version(r"nghttp2/([0-9.]+)", "h2load", "--version"),
            "python": platform.python_version()}


def number(value: float) -> str:
    """Format a figure with its significant digits."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def shown(results: Results, row: str, column: str) -> str:
    """Return median and spread, or the reason why there is none."""
    cell = results.cells.get((row, column))
    if cell is None:
        return UNKNOWN
    if not cell.known:
        return next(iter(cell.failures.values()), UNKNOWN).replace("|", "\\|")
    low, high = number(min(cell.values)), number(max(cell.values))
    return (number(cell.median) + "†" * cell.client_bound + (f" ({low}–{high})" if len(cell.values) > 1 else "")
            + (f", failed {len(cell.failures)} times" if cell.failures else ""))


def used(results: Results, row: str, column: str) -> str:
    """Return the processor time for each operation."""
    cell = results.cells.get((row, column))
    return UNKNOWN if cell is None or cell.used_ms is None else f"{cell.used_ms:.3f}"


def table(heading: str, columns: list[str], lines: list[list[str]]) -> str:
    """Return a table of Markdown."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (
        [heading, *columns], ["---"] * (len(columns) + 1), *lines))


def grid(results: Results, rows: list[Row], heading: str, cell) -> str:
    """Return a table of the columns that are not empty."""
    columns = [key for key in results.columns if any((row.key, key) in results.cells for row in rows)]
    lines = [[f"{row.title}, {row.unit}" if cell is shown else row.title,
              *(cell(results, row.key, key) for key in columns)] for row in rows]
    return table(heading, [results.columns[key][0] for key in columns], lines)


def figures(results: Results) -> str:
    """Return a table for each group of rows, with the notes needed to read it."""
    return "\n\n".join(f"{grid(results, rows, group.title, shown)}\n\n{group.note}"
                       for group, rows in results.groups().items())


def processors(results: Results) -> Optional[str]:
    """Return the table of processor time, if any is known."""
    rows = [row for row in results.rows.values() if any(
        results.has(row.key, key) and results.cell(row.key, key).used_ms is not None for key in results.columns)]
    return grid(results, rows, "the server's processor time for each, git's included, ms", used) if rows else None


def claim_line(results: Results, finding: claims.Finding) -> list[str]:
    """Return one line of the table of claims."""
    claim, row = finding.claim, results.rows[finding.claim.row]
    asked = f"{claim.relation} {claim.bound:g}" + (f" × {claim.against}" if claim.against else f" {row.unit}")
    if finding.value is None:
        return [row.title, asked, UNKNOWN, UNKNOWN, UNKNOWN, "not measured"]
    beside = results.columns[finding.beside][0] if finding.beside else UNKNOWN
    show = number if claim.against is None else "{:.3f}".format
    return [row.title, asked, show(finding.value), f"{show(min(finding.values))}–{show(max(finding.values))}", beside,
            "yes" if finding.holds else "**no**"]


def claim_table(results: Results) -> str:
    """Return the claims and whether they hold."""
    return table("claim about git-gate", ["asked", "found", "in the rounds", "beside", "holds"],
                 [claim_line(results, finding) for finding in claims.findings(results)])


def markdown(results: Results, about: dict) -> str:
    """Return all tables."""
    host = about["machine"]
    debian = f", Debian {host['debian']}" if host["debian"] else ""
    parts = [f"{host['cores']} cores of {host['processor']}, Linux {host['kernel']}{debian}, git "
             f"{about['versions']['git']}; {about['rounds']} rounds, median (least–most)"
             + ("; a quick run, whose figures mean nothing" if about["quick"] else "") + ".",
             figures(results), processors(results), claim_table(results)]
    return "\n\n".join(filter(None, parts))


def record(results: Results, about: dict) -> dict:
    """Return everything, for JSON."""
    columns = {key: {"title": title, "kind": kind} for key, (title, kind) in results.columns.items()}
    return {**about, "contenders": columns, "rows": results.record(),
            "claims": [finding.record() for finding in claims.findings(results)]}
