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
import mirrors
import peers
from clients import Question
from contenders import Contender
from places import ENVIRONMENT
from results import Group, Row

from e2e.packets import ls_refs

GIT_SECONDS = 60  # for one small operation
LARGE_SECONDS = 600
CROWD = 16
HTTP_KINDS = ("gate", "peer", "other")  # of contenders: those that answer HTTP
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
REQUESTS_GROUP = Group("HTTP requests", COUNTS.format("2xx") + " \"git alone\" is `git http-backend`, started again and again "
                       "as a CGI program with nothing in front of it, in a loop for each client or for each core, whichever "
                       "are fewer; it counts when it ends with 0.")
REFUSALS_GROUP = Group("HTTP refusals", COUNTS.format("4xx"))
SMALL_GROUP = Group("small git commands", f"{COMMANDS} {CROWD} at once is the time until the last has ended: as many as "
                    "git-gate's --max-backends and fcgiwrap's processes, so that none waits for a place, but all of them, and "
                    "the clients, for the cores. \"git alone\" is file://.")
LARGE_GROUP = Group("large transfers", f"{COMMANDS} A fetch to nowhere, which goes to the socket by itself, counts when 200 "
                    "and as many bytes as the files have came, up to the announced end. \"git alone\" is file://, and for the "
                    "fetch to nowhere git-upload-pack into a pipe.")


@dataclass(frozen=True)
class Visit:
    """
    value: in the workload's unit; count: of operations; used: processor seconds for answering, if the client reports
    them; asking: those of h2load.
    """
    value: float
    count: int
    used: Optional[float] = None
    asking: Optional[float] = None


@dataclass
class Bench:
    """
    Shared by all visits.

    folder: for temporary files; model: has the served repository; client: a repository with all its objects; tips,
    sizes: the commits and bytes of the served branches.
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
    takes: tuple[str, ...] = (*HTTP_KINDS, "daemon", "floor")
    question: Optional[Question] = None


def ask_http(question: Question, number: int, bench: Bench, contender: Contender, _times: int) -> Visit:
    """Let clients repeat a request; or, without a server, run the program that answers."""
    if not contender.http:
        return run_backend(question, number, bench, contender)
    rate, count, asking = clients.load(contender.http, question, number, bench.seconds, bench.folder)
    return Visit(rate, count, asking=asking)


def run_backend(question: Question, number: int, bench: Bench, contender: Contender) -> Visit:
    """Run git-http-backend with no server in front: in a loop for each client, or for each core if these are fewer."""
    source = bench.folder / "input"
    source.write_bytes(question.body)
    return Visit(*clients.loop([peers.backend()], cgi_environment(question, contender), source,
                               min(number, os.cpu_count()), bench.seconds))


def cgi_environment(question: Question, contender: Contender) -> dict[str, str]:
    """Return the environment that a server would give git-http-backend for a request."""
    target, _, query = question.target.partition("?")
    return {**ENVIRONMENT, **peers.CGI_ENVIRONMENT, "GIT_PROJECT_ROOT": str(contender.root),
            "PATH_INFO": "/repo.git" + target, "QUERY_STRING": query, "REMOTE_USER": "token",
            "REQUEST_METHOD": "POST" if question.body else "GET",
            "CONTENT_TYPE": question.fields.get("Content-Type", ""), "CONTENT_LENGTH": str(len(question.body)),
            "GIT_PROTOCOL": question.fields.get("Git-Protocol", "")}


def timed(bench: Bench, times: int, once: Callable[[], float], unit: float) -> Visit:
    """Repeat it; return the median."""
    times = 1 if bench.quick else times
    return Visit(statistics.median([once() for _ in range(times)]) * unit, times)


def ask_git(arguments: tuple, bench: Bench, contender: Contender, times: int) -> Visit:
    """Run git in a repository with all objects; URL in its arguments is the contender's."""
    command = ["git", "-C", bench.client, *(contender.url if x == "URL" else x for x in arguments)]
    return timed(bench, times, lambda: clients.run([command], GIT_SECONDS)[0], 1000)


def clone(branch: str, number: int, seconds: float, unit: float, bench: Bench, contender: Contender,
          times: int) -> Visit:
    """Clone a branch into temporary folders, so many at once."""
    def once() -> float:
        folder = bench.fresh("clones")
        folder.mkdir()
        try:
            command = ["git", *mirrors.RAW, "clone", "--quiet", "--bare", "--single-branch", f"--branch={branch}",
                       contender.url]
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


def workloads(large_bytes: int, pushed_mib: int) -> list[Workload]:
    """Return the rows, in the order of the tables; the sizes are for their titles."""
    found = []
    for key, title, question in (("info-v2", "`info/refs` v2", INFO_2), ("info-v0", "`info/refs` v0", INFO_0),
                                 ("ls-refs", "`ls-refs` POST", LS_REFS)):
        for number, noun in ((1, "1 client"), (8, "8 clients")):
            found.append(Workload(f"{key}-{number}", f"{title}, {noun}", REQUESTS_GROUP, "requests/s",
                                  partial(ask_http, question, number), takes=(*HTTP_KINDS, "floor"),
                                  question=question))
    for question in (NO_TOKEN, NO_ROUTE):
        found.append(Workload(f"{question.status}-8", f"{question.status}, 8 clients", REFUSALS_GROUP, "requests/s",
                              partial(ask_http, question, 8), takes=HTTP_KINDS, question=question))
    large, pushed = round(large_bytes / 1e6), round(pushed_mib * mirrors.MIB / 1e6)
    small = (SMALL_GROUP, "ms")
    mass = (LARGE_GROUP, "s")
    return found + [
        Workload("ls-remote", "`git ls-remote`", *small, partial(ask_git, ("ls-remote", "URL")), 10),
        Workload("fetch-nothing", "`git fetch`, nothing new", *small,
                 partial(ask_git, ("fetch", "--quiet", "URL", "main")), 10),
        Workload("clone-small", f"`git clone`, {mirrors.COMMITS} commits", *small,
                 partial(clone, "main", 1, GIT_SECONDS, 1000), 5),
        Workload("push-small", "`git push`, 1 commit", *small,
                 partial(push, lambda _: 0.001, GIT_SECONDS, 1000), 5),
        Workload("clone-crowd", f"`git clone`, {CROWD} at once", *small,
                 partial(clone, "main", CROWD, GIT_SECONDS, 1000), 3),
        Workload("clone-large", f"`git clone`, {large} MB", *mass, partial(clone, "large", 1, LARGE_SECONDS, 1)),
        Workload("push-large", f"`git push`, {pushed} MB", *mass,
                 partial(push, lambda bench: bench.pushed_mib, LARGE_SECONDS, 1)),
        Workload("fetch-nowhere", f"fetch of {large} MB to nowhere", *mass, partial(fetch_to_nowhere, "large")),
    ]


def check(workload: Workload, contender: Contender) -> None:
    """Fail if a contender answers a workload of requests wrongly."""
    if not workload.question:
        return
    if contender.http:
        clients.check(contender.http, workload.question, GIT_SECONDS)
    else:
        clients.check_program([peers.backend()], cgi_environment(workload.question, contender), workload.question,
                              GIT_SECONDS)
