# SPDX-License-Identifier: Apache-2.0
"""Threads that play clients one after the other, and the tally of their results."""

import itertools
import random
import threading
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field

from faults import FAULTS

from e2e.http import TOKEN
from e2e.http_files import ACCEPT, REFUSE

from . import faulty, honest

SHOWN_FAILURES = 10
SHOWN_CHARACTERS = 2000


@dataclass(frozen=True)
class Kind:
    """A client's play; group is the row's heading: well-behaved, faulty, malformed."""
    group: str
    name: str
    play: object = field(compare=False)


class Tally:
    """Counts how often each kind of client was played and failed; all threads fill it."""

    def __init__(self):
        self.runs, self.failures = Counter(), Counter()
        self.shown = []
        self.lock = threading.Lock()

    def play(self, kind, *arguments):
        complaint = None
        try:
            kind.play(*arguments)
        except Exception as error:  # any error is a finding
            complaint = str(error) if isinstance(error, AssertionError) and str(error) else traceback.format_exc()
        with self.lock:
            self.runs[kind] += 1
            if complaint is not None:
                self.failures[kind] += 1
                if len(self.shown) < SHOWN_FAILURES:
                    complaint = complaint[:SHOWN_CHARACTERS].replace(TOKEN, "TOKEN")
                    self.shown.append(f"{kind.group}, {kind.name}: {complaint}")

    def total(self):
        with self.lock:
            return sum(self.runs.values()), sum(self.failures.values())


def kinds_of(group, functions):
    return [Kind(group, function.__name__.replace("_", " "), function) for function in functions]


def breaking_off():
    """The clients of bench/faults.py, which work with any server."""
    return [Kind("faulty", name, lambda site, _random, fault=fault: fault(site.server))
            for name, fault in FAULTS.items()]


def files(group, name, cases):
    """The files of a folder of tests/data/http as one kind, which plays them in turn."""
    each = itertools.cycle(cases.values())
    lock = threading.Lock()

    def play(site, chance):
        with lock:
            case = next(each)
        faulty.send_case(site, chance, case)
    return Kind(group, f"tests/data/http/{name}", play)


def roles():
    """
    Return the roles: (kinds, seconds of rest after each). Each has a thread.

    The rests make it about one core's work on a small machine, half of it git's.
    """
    accepted, refused = files("well-behaved", "accept", ACCEPT), files("malformed", "refuse", REFUSE)
    return [
        (kinds_of("well-behaved", honest.READERS), 0.3),
        (kinds_of("well-behaved", honest.WRITERS), 0.3),
        (kinds_of("well-behaved", [honest.crowd]), 3),
        (breaking_off(), 0.2),
        ([refused, refused, refused, accepted], 0.02),
        (kinds_of("faulty", faulty.QUICK), 0.05),
        *((kinds_of("faulty", [slow]), 0.5) for slow in faulty.SLOW),
    ]


class Crew:
    """One thread for each role, for the length of a round."""

    def __init__(self, site, tally, seed):
        self.site, self.tally = site, tally
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.work, args=(kinds, rest, random.Random(f"{seed} {number}")))
                        for number, (kinds, rest) in enumerate(roles())]

    def work(self, kinds, rest, chance):
        order = chance.sample(kinds, len(kinds))
        for kind in itertools.cycle(order):
            if self.stop.is_set():
                return
            self.tally.play(kind, self.site, chance)
            self.stop.wait(rest)

    def run(self, seconds, watch):
        """Let them work, and call watch() about once a second. Ends when the last client is done."""
        for thread in self.threads:
            thread.start()
        deadline = time.monotonic() + seconds
        try:
            while (left := deadline - time.monotonic()) > 0:
                time.sleep(min(left, 1))
                watch()
        finally:
            self.stop.set()
            for thread in self.threads:
                thread.join()
