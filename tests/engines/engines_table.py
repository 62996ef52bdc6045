# SPDX-License-Identifier: Apache-2.0
"""Counts what ran in each engine, and writes it as a table in Markdown."""

import collections

HEAD = "| engine | version | passed | failed | seconds |\n|---|---|---|---|---|\n"


class Table:
    def __init__(self):
        self.engines = []
        self.counts = collections.defaultdict(collections.Counter)
        self.seconds = collections.Counter()

    def add(self, engine):
        if engine not in self.engines:
            self.engines.append(engine)

    def note(self, engine, report):
        """Add a part of a test. A failure outside of the test itself counts, too."""
        self.add(engine)
        self.seconds[engine] += report.duration
        if report.when == "call" or report.failed:
            self.counts[engine][report.outcome] += 1

    def text(self):
        """Return the table. An engine that could not run has its reason in place of numbers."""
        return HEAD + "".join(map(self.row, self.engines))

    def row(self, engine):
        if engine.obstacle:
            return f"| {engine.title} | {engine.version()} | not run: {engine.obstacle} | | |\n"
        count = self.counts[engine]
        return (f"| {engine.title} | {engine.version()} | {count['passed']} | {count['failed']} | "
                f"{self.seconds[engine]:.0f} s |\n")
