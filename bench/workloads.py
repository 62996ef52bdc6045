# SPDX-License-Identifier: Apache-2.0
"""
The workloads of bench/run, one function for each way of asking a contender.

A visit is one contender's turn at one workload: one load of requests for some seconds, or the median of some operations
of git. The measured time must not include preparing and cleaning up.
"""

import contextlib
import os
import pathlib
import shutil
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Optional

import clients
import floors
import mirrors
from clients import Question
from contenders import Contender
from results import REQUESTS, Group, Row, Visit

from e2e.packets import ls_refs

GIT_SECONDS = 60  # for one small operation
LARGE_SECONDS = 600
CROWD, LARGE_CROWD = 16, 100
HTTP_KINDS = ("gate", "peer", "other")  # of contenders: those that answer HTTP
GIT_KINDS = (*HTTP_KINDS, "daemon", "floor")  # those that git's commands reach
INFO = "/info/refs?service=git-upload-pack"
VERSION_2 = {"Git-Protocol": "version=2"}
FETCH_TYPE = {"Content-Type": "application/x-git-upload-pack-request"}
INFO_2 = Question(INFO, 200, fields=VERSION_2, wanted=b"version 2\n")
INFO_0 = Question(INFO, 200, wanted=b" refs/heads/main\n")
LS_REFS = Question("/git-upload-pack", 200, ls_refs(), {**VERSION_2, **FETCH_TYPE}, b" refs/heads/main\n")
NO_TOKEN = Question(INFO, 401, authorized=False)
NO_ROUTE = Question("/nothing", 404, rooted=True)

COUNTS = ("h2load sees whether an answer is of the expected class, {}: with one other, or an error, there is no figure. "
          "Status and body are looked at in one answer before. It connects to the Unix socket by itself. †: h2load, which "
          "has one thread, took as much of a processor for each request as the server or more. So that figure is what this "
          "client can ask, with the server on the same cores, and not what the server could answer.")
COMMANDS = ("A command of git counts when it ends with 0. git comes to the Unix socket by git-remote-gate, which relays all "
            "bytes between git's HTTP helper and the socket: on the client's time, and not in the server's processor time.")
REQUESTS_GROUP = Group("HTTP requests", COUNTS.format("2xx") + " \"git alone\" is `git upload-pack`, started again and again "
                       "with nothing in front of it, in a loop for each client or for each core, whichever are fewer; it "
                       "counts when it ends with 0. \"git http-backend alone\" is the same with the CGI program.")
REFUSALS_GROUP = Group("HTTP refusals", COUNTS.format("4xx"))
SMALL_GROUP = Group("small git commands", f"{COMMANDS} {CROWD} and {LARGE_CROWD} at once are the time until the last has "
                    f"ended. {CROWD} are as many as git-gate's --max-backends and fcgiwrap's processes, so that none waits for "
                    "a place, but all of them, and the clients, for the cores. \"git alone\" is file://.")
LARGE_GROUP = Group("large transfers", f"{COMMANDS} --reference names a copy of the repository that the client may read, so "
                    "that no object is transferred. A fetch to nowhere, which goes to the socket by itself, counts when 200 "
                    "and as many bytes as the files have came, up to the announced end. \"git alone\" is file://, and for the "
                    "fetch to nowhere git-upload-pack into a pipe.")


@dataclass
class Bench:
    """
    Shared by all visits.

    folder: for temporary files; model: has the served repository; client: a repository with all its objects; tips,
    sizes: the commits and bytes of the branches that are served.
    """
    folder: pathlib.Path
    model: pathlib.Path
    client: pathlib.Path
    seconds: float
    pushed_mib: int
    quick: bool
    tips: dict
    sizes: dict

    @property
    def huge_mib(self) -> float:
        """The amount of data for measuring a peak."""
        return self.sizes["huge"] / mirrors.MIB

    def fresh(self, name: str) -> pathlib.Path:
        """Return an unused path."""
        path = self.folder / name
        shutil.rmtree(path, ignore_errors=True)
        return path


@dataclass(frozen=True)
class Workload(Row):
    """
    One workload.

    ask: makes a visit. times: operations in a visit. takes: the kinds of contenders that can do it. question: a request
    to check the answer with.
    """
    ask: Callable[[Bench, Contender, int], Visit]
    times: int = 1
    takes: tuple[str, ...] = GIT_KINDS
    question: Optional[Question] = None


def ask_http(question: Question, number: int, bench: Bench, contender: Contender, _times: int) -> Visit:
    """Let clients repeat a request; or, without a server, run the program that answers."""
    if not contender.http:
        return floors.run(floors.PROGRAMS[contender.kind](question, contender.root), question, number, bench.seconds,
                          bench.folder)
    rate, count, asking = clients.load(contender.http, question, number, bench.seconds, bench.folder)
    return Visit(rate, count, asking=asking)


def timed(bench: Bench, times: int, once: Callable[[], float], unit: float) -> Visit:
    """Repeat it; return the median."""
    times = 1 if bench.quick else times
    return Visit(statistics.median([once() for _ in range(times)]) * unit, times)


def ask_git(arguments: tuple, bench: Bench, contender: Contender, times: int) -> Visit:
    """Run git in a repository with all objects; URL in its arguments is the contender's."""
    command = ["git", "-C", bench.client, *(contender.url if x == "URL" else x for x in arguments)]
    return timed(bench, times, lambda: clients.run([command], GIT_SECONDS)[0], 1000)


def clone(branch: str, number: int, seconds: float, unit: float, bench: Bench, contender: Contender, times: int,
          options: Callable[[Bench], tuple] = lambda _: ()) -> Visit:
    """Clone a branch into temporary folders, so many at once. options: more of them for git clone."""
    def once() -> float:
        folder = bench.fresh("clones")
        folder.mkdir()
        try:
            command = ["git", *mirrors.RAW, "clone", "--quiet", "--bare", "--single-branch", f"--branch={branch}",
                       *options(bench), contender.url]
            return clients.run([[*command, folder / f"{i}.git"] for i in range(number)], seconds)[0]
        finally:
            shutil.rmtree(folder)
    return timed(bench, times, once, unit)


def push(mib: Callable[[Bench], float], seconds: float, unit: float, bench: Bench, contender: Contender,
         times: int) -> Visit:
    """Push a new commit; the server's repository is as before at the end."""
    def once() -> float:
        with pushing(bench, contender, mib(bench)) as command:
            return clients.run([command], seconds)[0]
    return timed(bench, times, once, unit)


@contextlib.contextmanager
def pushing(bench: Bench, contender: Contender, mib: float):
    """Make a commit and yield the command that pushes it."""
    repository = mirrors.client(bench.fresh("pushing.git"), bench.model)
    mirrors.add_commit(repository, "pushed", "refs/heads/main^0", "pushed", mib)
    command = ["git", *mirrors.RAW, "-C", repository, "push", "--quiet", contender.url]
    name = f"refs/heads/bench-{os.getpid()}"
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, repository)
        if contender.root:
            stack.enter_context(mirrors.restored(contender.root))
        else:
            stack.callback(clients.run, [[*command, f":{name}"]], GIT_SECONDS)
        yield [*command, f"+refs/heads/pushed:{name}"]


def fetch_to_nowhere(branch: str, bench: Bench, contender: Contender, times: int) -> Visit:
    """Fetch a branch and discard it."""
    def once() -> float:
        tip, least = bench.tips[branch], bench.sizes[branch]
        if contender.http:
            return clients.fetch_by_http(contender.http, tip, least, LARGE_SECONDS)
        if contender.kind == "daemon":
            return clients.fetch_by_git_protocol(contender.place.address, tip, least, LARGE_SECONDS)
        return clients.fetch_by_pipe(contender.root / "repo.git", tip, least, bench.folder, LARGE_SECONDS)
    return timed(bench, times, once, 1)


def requests_rows() -> list[Workload]:
    """Return the rows of single requests."""
    found = []
    for key, title, question, more in (("info-v2", "`info/refs` v2", INFO_2, ("uncached",)),
                                       ("info-v0", "`info/refs` v0", INFO_0, ()),
                                       ("ls-refs", "`ls-refs` POST", LS_REFS, ())):
        for number, noun in ((1, "1 client"), (8, "8 clients")):
            found.append(Workload(f"{key}-{number}", f"{title}, {noun}", REQUESTS_GROUP, REQUESTS, "main",
                                  partial(ask_http, question, number), takes=(*HTTP_KINDS, *more, "floor", "cgi"),
                                  question=question))
    for question in (NO_TOKEN, NO_ROUTE):
        found.append(Workload(f"{question.status}-8", f"{question.status}, 8 clients", REFUSALS_GROUP, REQUESTS, "main",
                              partial(ask_http, question, 8), takes=HTTP_KINDS, question=question))
    return found


def small_rows() -> list[Workload]:
    """Return the rows of git's commands that move little data. git daemon takes no more than 32 clients."""
    small = (SMALL_GROUP, "ms", "main")
    return [
        Workload("ls-remote", "`git ls-remote`", *small, partial(ask_git, ("ls-remote", "URL")), 10,
                 (*GIT_KINDS, "uncached")),
        Workload("fetch-nothing", "`git fetch`, nothing new", *small,
                 partial(ask_git, ("fetch", "--quiet", "URL", "main")), 10, (*GIT_KINDS, "uncached")),
        Workload("clone-small", f"`git clone`, {mirrors.COMMITS} commits", *small,
                 partial(clone, "main", 1, GIT_SECONDS, 1000), 5, (*GIT_KINDS, "uncached")),
        Workload("push-small", "`git push`, 1 commit", *small,
                 partial(push, lambda _: 0.001, GIT_SECONDS, 1000), 5),
        Workload("clone-crowd", f"`git clone`, {CROWD} at once", *small,
                 partial(clone, "main", CROWD, GIT_SECONDS, 1000), 3),
        Workload("clone-hundred", f"`git clone`, {LARGE_CROWD} at once", *small,
                 partial(clone, "main", LARGE_CROWD, GIT_SECONDS, 1000), 1, (*HTTP_KINDS, "floor")),
    ]


def large_rows(large_bytes: int, pushed_mib: int) -> list[Workload]:
    """Return the rows of git's commands on much data, which one of them does not move."""
    large, pushed = round(large_bytes / 1e6), round(pushed_mib * mirrors.MIB / 1e6)
    mass = (LARGE_GROUP, "s", "large")
    return [
        Workload("clone-reference", f"`git clone --reference`, {large} MB", LARGE_GROUP, "ms", "large",
                 partial(clone, "large", 1, GIT_SECONDS, 1000, options=reference), 5),
        Workload("clone-large", f"`git clone`, {large} MB", *mass, partial(clone, "large", 1, LARGE_SECONDS, 1)),
        Workload("push-large", f"`git push`, {pushed} MB", LARGE_GROUP, "s", "main",
                 partial(push, lambda bench: bench.pushed_mib, LARGE_SECONDS, 1)),
        Workload("fetch-nowhere", f"fetch of {large} MB to nowhere", *mass, partial(fetch_to_nowhere, "large")),
    ]


def reference(bench: Bench) -> tuple:
    """Return the option for a clone that borrows all objects."""
    return "--reference", bench.model / "repo.git"


def workloads(large_bytes: int, pushed_mib: int) -> list[Workload]:
    """Return the rows, in the order of the tables; the sizes are for their titles."""
    return [*requests_rows(), *small_rows(), *large_rows(large_bytes, pushed_mib)]


def check(workload: Workload, contender: Contender) -> None:
    """Fail if a contender answers a workload of requests wrongly."""
    if not workload.question:
        return
    if contender.http:
        clients.check(contender.http, workload.question, GIT_SECONDS)
    else:
        floors.check(floors.PROGRAMS[contender.kind](workload.question, contender.root), workload.question, GIT_SECONDS)
