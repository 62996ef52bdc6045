# SPDX-License-Identifier: Apache-2.0
"""Shared by the programs of bench/: messages, failures, --help, and time limits for other programs."""

import argparse
import contextlib
import os
import pathlib
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Optional


class Failed(Exception):
    """There is no figure; the message says why."""


def say(text: str) -> None:
    """Print progress."""
    print(f"{pathlib.Path(sys.argv[0]).name}: {text}", file=sys.stderr)


def parser(document: str) -> argparse.ArgumentParser:
    """Return a parser whose --help is a program's own docstring: a sentence, the usage, and further text."""
    sentence, usage, *more = document.strip().split("\n\n")
    return argparse.ArgumentParser(usage=usage.removeprefix("usage: ").replace("%", "%%"),
                                   description="\n\n".join([sentence, *more]),
                                   formatter_class=argparse.RawDescriptionHelpFormatter)


def status(main: Callable[[], Optional[int]]) -> int:
    """Run a program's main; return its exit status, which is 1 after an unexpected Failed."""
    try:
        return main() or 0
    except Failed as failure:
        say(str(failure))
        return 1


def first_line(error: BaseException) -> str:
    """Return the text in place of a figure."""
    return (str(error).strip() or repr(error)).splitlines()[0]


class Deadline:
    """The deadline of a whole phase, checked before each step; the steps have time limits of their own."""

    def __init__(self, seconds: float):
        self.seconds, self.end = seconds, time.monotonic() + seconds

    def check(self) -> None:
        """Fail when time is up."""
        if time.monotonic() > self.end:
            raise Failed(f"not begun within the {self.seconds:g} s of its phase")


def kill(processes: list[subprocess.Popen]) -> None:
    """End programs with all their helpers; each has a session of its own."""
    for process in processes:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def bounded(processes: list[subprocess.Popen], seconds: float):
    """End these programs when the block ends, or when time is up, which is a Failed; more may join the list."""
    late = threading.Event()

    def end_late() -> None:
        late.set()
        kill(processes)
    watchdog = threading.Timer(seconds, end_late)
    watchdog.start()
    try:
        yield
    except (OSError, Failed):
        if not late.is_set():  # otherwise it is a consequence
            raise
    finally:
        watchdog.cancel()
        kill(processes)
        for process in processes:
            process.wait()
    if late.is_set():
        raise Failed(f"not done within {seconds:g} s")


def lines(process: subprocess.Popen, seconds: float) -> Iterator[str]:
    """Yield the lines of a program's output; a Failed when it neither prints nor ends in time."""
    deadline, rest = time.monotonic() + seconds, b""
    while True:
        ready, _, _ = select.select([process.stdout], [], [], max(deadline - time.monotonic(), 0))
        if not ready:
            raise Failed(f"says nothing within {seconds:g} s")
        data = os.read(process.stdout.fileno(), 1 << 16)
        if not data:
            return
        *whole, rest = (rest + data).split(b"\n")
        yield from (line.decode(errors="replace") for line in whole)
