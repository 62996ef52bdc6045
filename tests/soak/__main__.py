# SPDX-License-Identifier: Apache-2.0
"""Plays clients against one gate, round after round, and reports what they leave. See script/soak."""

import argparse
import contextlib
import os
import signal
import sys
import time

from e2e.checks import check_serves

from .crew import Crew, Tally
from .leavings import Leavings, fsck, look, suspects, wait_for_rest
from .site import Site

MIN_SECONDS = 20
ROUND_SECONDS = 30
MIN_ROUNDS, MAX_ROUNDS = 4, 30
GROWTH_KIB = 1024
SHOWN_FILES = 5  # of each round
REPORT_SECONDS = 60  # between two lines of progress when no person watches


def arguments():
    parser = argparse.ArgumentParser(prog="script/soak", description="Mixed traffic against one gate.")
    parser.add_argument("seconds", nargs="?", type=int, default=60, help="how long (60)")
    parser.add_argument("--transport", choices=["tcp", "unix"], default="tcp", help="what the gate listens on (tcp)")
    parser.add_argument("--seed", default="soak", help="other clients in another order")
    parsed = parser.parse_args()
    if parsed.seconds < MIN_SECONDS:
        parser.error(f"a soak of less than {MIN_SECONDS} seconds shows nothing")
    return parsed


class Progress:
    """A line of progress: overwritten if a person watches, otherwise one a minute."""

    def __init__(self, seconds, tally):
        self.seconds, self.tally = seconds, tally
        self.begin = self.last = time.monotonic()

    def show(self):
        now = time.monotonic()
        watched = sys.stderr.isatty()
        if watched or now - self.last >= REPORT_SECONDS:
            self.last = now
            runs, failures = self.tally.total()
            text = f"soak: {now - self.begin:.0f} of {self.seconds} s, {runs} clients, {failures} failed"
            print(f"\r{text}\033[K" if watched else text, end="" if watched else "\n", file=sys.stderr, flush=True)

    def end(self):
        if sys.stderr.isatty():
            print(file=sys.stderr)


def rounds_of(seconds):
    """Return the number of rounds and their length; the first round warms the gate up."""
    count = max(MIN_ROUNDS, min(MAX_ROUNDS, seconds // ROUND_SECONDS))
    return count, seconds / count


class Soak:
    """before: measured after one request, when everything is open that the gate opens once. rests: after each round."""

    def __init__(self, options):
        self.options = options
        self.tally = Tally()
        self.rests: list[Leavings] = []
        self.strangers, self.suspects = [], []
        self.ended = ""
        self.broken = ""

    def run(self):
        with contextlib.ExitStack() as stack:
            self.site = Site(self.options.transport)
            stack.callback(self.site.clean_up)
            check_serves(self.site.gate)
            self.before = look(self.site)
            count, seconds = rounds_of(self.options.seconds)
            progress = Progress(self.options.seconds, self.tally)
            for number in range(count):
                Crew(self.site, self.tally, f"{self.options.seed} {number}").run(seconds, progress.show)
                self.rests.append(wait_for_rest(self.site, self.before.descriptors))
                self.suspects += [suspects(self.site, name) for name in self.rests[-1].files[:SHOWN_FILES]]
                self.strangers += self.site.tidy()
            progress.end()
            self.seconds = time.monotonic() - progress.begin
            self.broken = fsck(self.site.repository)
            self.stop()

    def stop(self):
        """Stop the gate, and check it as the end-to-end tests do."""
        self.errors = [record for record in self.site.gate.records if record["level"] == "error"]
        try:
            self.site.gate.stop()
        except AssertionError as error:
            self.ended = str(error)

    def rows(self):
        """(what, before any client, after the first round, at the end, whether it is good)."""
        warm, last = self.rests[0], self.rests[-1]
        grown = last.resident_kib - warm.resident_kib
        worst = max(self.rests, key=lambda rest: rest.descriptors).descriptors

        def most(name):
            return max((getattr(rest, name) for rest in self.rests), key=len)
        return [
            ("processes", 0, len(warm.processes), len(most("processes")), not most("processes")),
            ("zombies", 0, len(warm.zombies), len(most("zombies")), not most("zombies")),
            ("descriptors", self.before.descriptors, warm.descriptors, worst, worst <= self.before.descriptors),
            ("temporary files in the repository", 0, len(warm.files), len(most("files")), not most("files")),
            ("refs that nobody finished pushing", 0, "", len(self.strangers), not self.strangers),
            ("errors in the log", 0, "", len(self.errors), not self.errors),
            ("resident KiB", self.before.resident_kib, warm.resident_kib, last.resident_kib, grown <= GROWTH_KIB),
            ("of these anonymous", self.before.anonymous_kib, warm.anonymous_kib, last.anonymous_kib, True),
            ("git fsck --strict", "", "", "broken" if self.broken else "whole", not self.broken),
            ("exit status, socket, log", "", "", "amiss" if self.ended else "as they must be", not self.ended),
        ]

    def report(self):
        """Print the tables. Return: whether all is well."""
        print("| client | runs | failed |\n|---|---|---|")
        for kind, runs in sorted(self.tally.runs.items(), key=lambda item: (item[0].group, item[0].name)):
            print(f"| {kind.group}: {kind.name} | {runs} | {self.tally.failures[kind]} |")
        print(f"| all | {self.tally.total()[0]} | {self.tally.total()[1]} |")
        print(f"\n| left, over {self.options.transport} | before | after round 1 | after round {len(self.rests)} | |")
        print("|---|---|---|---|---|")
        for *cells, fine in self.rows():
            print(f"| {' | '.join(map(str, cells))} | {'' if fine else 'FAILED'} |")
        own = os.times()
        used = own.user + own.system + own.children_user + own.children_system
        print(f"\nresident KiB after each round: {' '.join(str(rest.resident_kib) for rest in self.rests)}")
        print(f"{self.seconds:.0f} s, {used:.0f} s of processor time for the gate, git and the clients")
        self.explain()
        return self.tally.total()[1] == 0 and all(row[-1] for row in self.rows())

    def explain(self):
        for text in [*self.tally.shown, self.ended, self.broken, *map(str, self.errors[:3]), *self.strangers[:10],
                     *self.suspects]:
            if text:
                print(f"\nsoak: {text}")
        for number, rest in enumerate(self.rests, 1):
            if rest.processes or rest.zombies or rest.files or rest.descriptors > self.before.descriptors:
                print(f"\nsoak: round {number} left {rest}")


def main():
    soak = Soak(arguments())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # through the clean-up code
    soak.run()
    return 0 if soak.report() else 1


if __name__ == "__main__":
    sys.exit(main())
