# SPDX-License-Identifier: Apache-2.0
"""Draws the picture of bench/run: the speed of each contender beside the best peer. Needs python3-matplotlib."""

import io
import pathlib
import statistics
import textwrap
from typing import Optional

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from results import Results, Row

matplotlib.rcParams["svg.hashsalt"] = "git-gate"  # the same figures make the same file
matplotlib.rcParams["svg.fonttype"] = "none"  # text as text, for a third of the size
LICENCE = "<!-- SPDX-License-Identifier: Apache-2.0 -->"
WIDTH_INCHES, PANEL_INCHES = 11, 3.2
LABEL_WIDTH = 14
TALL = 4  # times the best peer: from here on a panel's scale is logarithmic
COLOURS = {"gate": "tab:blue", "peer": "tab:gray", "other": "tab:orange", "daemon": "tab:olive", "floor": "tab:green"}
SHADES = (1.0, 0.7, 0.45, 0.3)


def advantage(results: Results, row: Row, column: str) -> Optional[float]:
    """Return a contender's figure as a multiple of the best peer's, if known; less memory and time is better."""
    ratios = results.ratios(row.key, column, results.best_peer(row.key))
    if not ratios:
        return None
    return statistics.median(ratios) if row.more else 1 / statistics.median(ratios)


def draw_panel(axes, results: Results, group: str, rows: list[Row]) -> None:
    """Draw the bars of one group of rows."""
    columns = [key for key in results.columns if any(results.has(row.key, key) for row in rows)]
    width = 0.85 / len(columns)
    highest, seen = 1.0, {}
    for place, key in enumerate(columns):
        title, kind = results.columns[key]
        shade = SHADES[min(seen.setdefault(kind, 0), len(SHADES) - 1)]
        seen[kind] += 1
        points = [(x, y) for x, row in enumerate(rows) if (y := advantage(results, row, key)) is not None]
        left = (place - (len(columns) - 1) / 2) * width
        axes.bar([x + left for x, _ in points], [y for _, y in points], width * 0.92, color=COLOURS[kind], alpha=shade,
                 label=title)
        highest = max([highest, *(y for _, y in points)])
    axes.axhline(1, color="black", linewidth=0.8)
    if highest > TALL:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(range(len(rows)))
    axes.set_xticklabels([textwrap.fill(row.title.replace("`", ""), LABEL_WIDTH) for row in rows], fontsize=8)
    axes.set_ylabel("times the best peer", fontsize=8)
    axes.set_title(f"{group}: higher is better", fontsize=10, loc="left")
    axes.tick_params(axis="y", labelsize=8)
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)


def draw(results: Results, path: str) -> None:
    """Write the picture."""
    groups = {group.title: known for group, rows in results.groups().items()
              if (known := [row for row in rows if results.best_peer(row.key)])}
    figure = Figure(figsize=(WIDTH_INCHES, PANEL_INCHES * max(len(groups), 1)), constrained_layout=True)
    for place, (group, rows) in enumerate(groups.items(), 1):
        draw_panel(figure.add_subplot(len(groups), 1, place), results, group, rows)
    picture = io.StringIO()
    figure.savefig(picture, format="svg", metadata={"Date": None})
    declaration, _, rest = picture.getvalue().partition("\n")
    pathlib.Path(path).write_text(f"{declaration}\n{LICENCE}\n{rest}", encoding="utf-8")
