# SPDX-License-Identifier: Apache-2.0
"""
What a server of bench/run costs when nobody asks it, and at most: its start, its memory at rest, its peak.

For each the server is started anew in a place of its own, so that nothing of the other workloads counts. All servers
have their turn one after the other, in changing order.
"""

import contextlib
import dataclasses
import pathlib
import shutil

import clients
import mirrors
import workloads
from clients import Failed
from contenders import Recipe, started
from measure import memory, peak, settle
from program import say
from results import Results, Row
from workloads import Bench

STARTS, QUICK_STARTS = 40, 3
LIVES, QUICK_LIVES = 3, 1
KIB_BY_KIND = {"private": "Private", "proportional": "Pss", "resident": "Rss"}


def rows(huge_bytes: int) -> list[Row]:
    """Return the rows, in the order of the tables; the size is for their titles."""
    group, huge = "at rest and at most", round(huge_bytes / 1e6)
    return [Row("start", "start to ready", group, "ms"),
            *(Row(f"idle-{kind}", f"at rest, {kind}", group, "kB") for kind in KIB_BY_KIND),
            Row("peak-fetch", f"peak, {huge} MB fetched to nowhere", group, "kB"),
            Row("peak-clone", f"peak, {huge} MB cloned too", group, "kB"),
            Row("peak-push", f"peak, {huge} MB pushed too", group, "kB")]


def in_turn(items: list, number: int) -> list:
    """Return them in another order for each round: each comes first in its turn, behind others than before."""
    first = number // 2 % len(items)
    turned = items[first:] + items[:first]
    return turned[::-1] if number % 2 else turned


def measure_starts(bench: Bench, recipes: list[Recipe], results: Results) -> None:
    """Start each many times; the port is asked for until it accepts."""
    folder = bench.fresh("starts")
    folder.mkdir()
    places = {recipe.key: recipe.place(folder / recipe.key, bench.model) for recipe in recipes}
    count = QUICK_STARTS if bench.quick else STARTS
    for number in range(count):
        say(f"start {number + 1} of {count}")
        for recipe in in_turn(recipes, number):
            place = dataclasses.replace(places[recipe.key], began=0, started=[])
            try:
                results.cell("start", recipe.key).add(recipe.start(place) * 1000)
            finally:
                place.stop()
    shutil.rmtree(folder)


@contextlib.contextmanager
def alive(bench: Bench, recipe: Recipe, name: str = "life"):
    """Run a server for the length of a block, in a folder of that name."""
    folder = bench.fresh(name)
    folder.mkdir()
    with contextlib.ExitStack() as stack:
        yield started(recipe, folder, bench.model, stack)


def measure_rest(bench: Bench, recipes: list[Recipe], results: Results) -> None:
    """
    Look at the memory of each when it has answered once.

    Beside it runs another of its kind. What both share of their program and its libraries is no part of what is
    private: so it does not depend on who else on this machine has the same libraries.
    """
    count = QUICK_LIVES if bench.quick else LIVES
    for number in range(count):
        for recipe in in_turn(recipes, number):
            say(f"at rest, {number + 1} of {count}: {recipe.key}")
            with alive(bench, recipe) as contender, alive(bench, recipe, "other-life") as other:
                for each in (other, contender):
                    clients.run([["git", "ls-remote", each.url]], workloads.GIT_SECONDS)
                    settle(each.place)
                try:
                    found = memory([contender.place])
                except PermissionError:
                    found = {}
                for kind, name in KIB_BY_KIND.items():
                    cell = results.cell(f"idle-{kind}", recipe.key)
                    if name in found:
                        cell.add(found[name])
                    else:
                        cell.failures.append("only root may look")


def measure_peaks(bench: Bench, recipes: list[Recipe], results: Results) -> None:
    """Let much pass through each, and look at the most that its own processes have held so far."""
    source = mirrors.client(bench.fresh("huge.git"), bench.model)
    mirrors.add_commit(source, "pushed", "refs/heads/main^0", "pushed", bench.huge_mib)

    def fetch(contender) -> None:
        workloads.fetch_to_nowhere("huge", bench, contender, 1)

    def clone(contender) -> None:
        workloads.clone("huge", 1, workloads.LARGE_SECONDS, 1, bench, contender, 1)

    def push(contender) -> None:
        clients.run([["git", *mirrors.RAW, "-C", source, "push", "--quiet", contender.url, "pushed"]],
                    workloads.LARGE_SECONDS)
    for recipe in recipes:
        with alive(bench, recipe) as contender:
            for name, step in (("fetch", fetch), ("clone", clone), ("push", push)):
                say(f"peak, {name}: {recipe.key}")
                cell = results.cell(f"peak-{name}", recipe.key)
                try:
                    step(contender)
                    settle(contender.place)
                    cell.add(peak(contender.place))
                except (Failed, AssertionError, OSError) as error:
                    cell.failures.append((str(error) or repr(error)).splitlines()[0])
    shutil.rmtree(source)
