# SPDX-License-Identifier: Apache-2.0
"""
Measures the standing costs of a server of bench/run: its start, its memory at rest, its peak.

Each figure starts the server anew in a place of its own, so that the other workloads do not count. The servers have
their turns one after the other, in changing order.
"""

import contextlib
import dataclasses
import shutil
import time

import clients
import mirrors
import workloads
from contenders import Contender, Recipe, started
from measure import REST_SECONDS, memory, peak, settle
from places import Place
from program import Deadline, Failed, say
from results import Group, Results, Row, Visit, noted
from turns import in_turn
from workloads import Bench

STARTS, QUICK_STARTS = 40, 3
LIVES, QUICK_LIVES = 11, 1  # resident memory differs by 200 kB from start to start
PHASE_SECONDS = 1800
KB = 1000  # bytes
GROUP = Group("at rest and at most", f"At rest is {REST_SECONDS} s after the only answer. Memory is the sum over all "
              "processes of a server: what they share counts for each of them in \"resident\", in parts in "
              "\"proportional\", and not at all in \"private\". A peak is the sum of the resident peaks of each, which need "
              "not be of one moment; git's processes are left out. 1 kB is 1000 bytes.")
KINDS = {"private": "Private", "proportional": "Pss", "resident": "Rss"}


def rows(huge_bytes: int) -> list[Row]:
    """Return the rows, in the order of the tables; the size is for their titles."""
    group, huge = GROUP, round(huge_bytes / 1e6)
    return [Row("start", "start to ready", group, "ms", "main"),
            *(Row(f"idle-{kind}", f"at rest, {kind}, sum", group, "kB", "main") for kind in KINDS),
            Row("peak-fetch", f"peak, {huge} MB fetched to nowhere, sum", group, "kB", "huge"),
            Row("peak-clone", f"peak, {huge} MB cloned too, sum", group, "kB", "huge"),
            Row("peak-push", f"peak, {huge} MB pushed too, sum", group, "kB", "huge")]


def measure_starts(bench: Bench, recipes: list[Recipe], results: Results) -> None:
    """Start each many times, and connect until the port accepts."""
    deadline = Deadline(PHASE_SECONDS)
    folder = bench.fresh("starts")
    folder.mkdir()
    places = {recipe.key: recipe.place(folder / recipe.key, bench.model) for recipe in recipes}
    count = QUICK_STARTS if bench.quick else STARTS
    for number in range(count):
        say(f"start {number + 1} of {count}")
        for recipe in in_turn(recipes, number, "start"):
            cell = results.cell("start", recipe.key)
            if not cell.hopeless:
                with noted([cell], number, f"start: {recipe.key}"):
                    deadline.check()
                    cell.add(number, Visit(start(recipe, places[recipe.key]) * 1000))
    shutil.rmtree(folder)


def start(recipe: Recipe, model: Place) -> float:
    """Start a server and end it; return the seconds until it listened."""
    place = dataclasses.replace(model, began=0, started=[])
    try:
        return recipe.start(place)
    finally:
        place.stop()


@contextlib.contextmanager
def alive(bench: Bench, recipe: Recipe, name: str = "life"):
    """Run a server for the length of a block, in a folder of that name."""
    folder = bench.fresh(name)
    folder.mkdir()
    with contextlib.ExitStack() as stack:
        yield started(recipe, folder, bench.model, stack)


def measure_rest(bench: Bench, recipes: list[Recipe], results: Results) -> None:
    """Measure the memory of each after one answer."""
    deadline = Deadline(PHASE_SECONDS)
    count = QUICK_LIVES if bench.quick else LIVES
    for number in range(count):
        for recipe in in_turn(recipes, number, "idle"):
            say(f"at rest, {number + 1} of {count}: {recipe.key}")
            cells = {kind: results.cell(f"idle-{kind}", recipe.key) for kind in KINDS}
            if any(cell.hopeless for cell in cells.values()):
                continue
            with noted(cells.values(), number, f"at rest: {recipe.key}"):
                deadline.check()
                found = memory_at_rest(bench, recipe)
                for kind, cell in cells.items():
                    cell.add(number, Visit(found[KINDS[kind]] / KB))


def memory_at_rest(bench: Bench, recipe: Recipe) -> dict[str, int]:
    """
    Return the memory of a server that answered once, REST_SECONDS ago.

    A second server of its kind runs beside it. Memory that both share, of their program and its libraries, does not
    count as private. So the figure does not depend on other users of these libraries on this machine.
    """
    with alive(bench, recipe) as contender, alive(bench, recipe, "other-life") as other:
        for each in (other, contender):
            clients.run([["git", "ls-remote", each.url]], workloads.GIT_SECONDS)
            settle(each.place)
        time.sleep(REST_SECONDS)
        try:
            return memory([contender.place])
        except PermissionError:
            raise Failed("only root may look") from None


def measure_peaks(bench: Bench, recipes: list[Recipe], results: Results) -> None:
    """Pass much data through each, and measure the peak of its own processes so far."""
    deadline = Deadline(PHASE_SECONDS)
    source = mirrors.client(bench.fresh("huge.git"), bench.model)
    mirrors.add_commit(source, "pushed", "refs/heads/main^0", "pushed", bench.huge_mib)

    def push(contender: Contender) -> None:
        clients.run([["git", *mirrors.RAW, "-C", source, "push", "--quiet", contender.url, "pushed"]],
                    workloads.LARGE_SECONDS)
    steps = {"fetch": lambda contender: workloads.fetch_to_nowhere("huge", bench, contender, 1),
             "clone": lambda contender: workloads.clone("huge", 1, workloads.LARGE_SECONDS, 1, bench, contender, 1),
             "push": push}
    for recipe in in_turn(recipes, 0, "peak"):
        cells = {name: results.cell(f"peak-{name}", recipe.key) for name in steps}
        with noted(cells.values(), 0, f"peak: {recipe.key}"), alive(bench, recipe) as contender:
            for name, step in steps.items():
                say(f"peak, {name}: {recipe.key}")
                with noted([cells[name]], 0, f"peak, {name}: {recipe.key}"):
                    deadline.check()
                    step(contender)
                    settle(contender.place)
                    cells[name].add(0, Visit(peak(contender.place) / KB))
    shutil.rmtree(source)
