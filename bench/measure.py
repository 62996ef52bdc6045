# SPDX-License-Identifier: Apache-2.0
"""Measures the memory and the processor time of a server's processes, from the kernel's figures (proc(5))."""

import contextlib
import dataclasses
import os
import pathlib
import re
import time
from typing import Optional

from places import Place, family
from results import Visit

KINDS = {"Private": r"^Private_\w+:", "Pss": r"^Pss:", "Rss": r"^Rss:"}  # the summed lines of smaps_rollup
TICKS = os.sysconf("SC_CLK_TCK")
SIGCHLD_BIT = 1 << 16  # signal 17, in a mask whose lowest bit is signal 1
SETTLE_SECONDS = 2.0
POLL_SECONDS = 0.005
REST_SECONDS = 1.5  # after an answer; a server may keep memory for the next request at first
MOST_MOVES = 3


def bytes_of(line: str, text: str) -> int:
    """
    Return the sum of the lines with these beginnings; a process that has ended has no lines.

    The kernel writes "kB" and means 1024 bytes.
    """
    return 1024 * sum(map(int, re.findall(rf"{line}\s+(\d+) kB", text, re.MULTILINE)))


def memory_of(pid: int) -> dict[str, int]:
    """
    Return the memory of one process in bytes: its private memory, its share, and all mapped (proc_pid_smaps(5)).

    A process that ends meanwhile has none. PermissionError: only root may look.
    """
    try:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        text = ""
    return {kind: bytes_of(line, text) for kind, line in KINDS.items()}


def memory(places: list) -> dict[str, int]:
    """Return the total memory of all started processes and their children, in bytes."""
    found = [memory_of(pid) for pid in family(places)]
    return {kind: sum(each[kind] for each in found) for kind in KINDS}


def peak(place: Place) -> int:
    """Return the sum of the peaks of resident memory of the server's own processes, without git's, in bytes."""
    return sum(map(peak_of, family([place]) - place.git_processes()))


def peak_of(pid: int) -> int:
    """Return the peak of a process's resident memory, in bytes."""
    try:
        return bytes_of("^VmHWM:", pathlib.Path(f"/proc/{pid}/status").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return 0


def settle(place: Place) -> None:
    """Wait a short time until git's processes are gone."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while place.git_processes() and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def own_control_group() -> Optional[pathlib.Path]:
    """Return the folder of the version 2 control group that this process is in."""
    with contextlib.suppress(OSError, AttributeError):
        mounted = re.search(r"^(?:\S+ ){4}(\S+) .* - cgroup2 ", pathlib.Path("/proc/self/mountinfo").read_text(),
                            re.MULTILINE).group(1)
        path = re.search(r"^0::/(.*)$", pathlib.Path("/proc/self/cgroup").read_text(), re.MULTILINE).group(1)
        return pathlib.Path(mounted, path)
    return None


class Account:
    """
    The processor time of a server and all its descendants.

    With root, a control group of its own counts it to the microsecond and misses no process. Otherwise it is the sum of
    utime, stime, cutime and cstime over the family, in steps of 10 ms. That sum lacks the children of a process that
    does not wait for them, as fcgiwrap and Apache's mod_cgid; then the time is unknown.

    It is opened when the server has started, and closed when it has ended.
    """

    def __init__(self, place: Place, name: str):
        self.place = place
        self.folder = None
        self.name = f"git-gate-bench-{os.getpid()}-{name}"

    def open(self) -> None:
        """Move the server's processes into a group, if there can be one."""
        parent = own_control_group()
        if parent:
            self.folder = parent / self.name
            try:
                self.folder.mkdir()
                for _ in range(MOST_MOVES):  # one may start another before it is moved
                    for pid in family([self.place]) - self.members():
                        with contextlib.suppress(ProcessLookupError):
                            (self.folder / "cgroup.procs").write_text(str(pid))
            except OSError:
                self.close()

    def members(self) -> set[int]:
        """Return the ids of the processes in the group."""
        return set(map(int, (self.folder / "cgroup.procs").read_text().split()))

    @property
    def source(self) -> str:
        """Name the source of the figures."""
        return "control group" if self.folder else "times of processes"

    def seconds(self) -> Optional[float]:
        """Return the time used so far, or None."""
        if self.folder:
            match = re.search(r"^usage_usec (\d+)$", (self.folder / "cpu.stat").read_text(), re.MULTILINE)
            return int(match.group(1)) / 1e6 if match else None
        return family_seconds(self.place)

    def since(self, before: float, visit: Visit) -> Visit:
        """Return a visit with the time used for it; before: the time used before it."""
        now = self.seconds()
        return dataclasses.replace(visit, used=None if now is None else now - before)

    def close(self) -> None:
        """Remove the group once the last process has left it, a moment after its end."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while self.folder and self.folder.exists() and time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                self.folder.rmdir()
                break
            time.sleep(POLL_SECONDS)
        self.folder = None


def family_seconds(place: Place) -> Optional[float]:
    """Return the processor time of a family, with its reaped members; None when some are not reaped."""
    ticks = 0
    for pid in family([place]):
        with contextlib.suppress(OSError):
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            if int(re.search(r"^SigIgn:\s*([0-9a-f]+)$", status, re.MULTILINE).group(1), 16) & SIGCHLD_BIT:
                return None
            ticks += sum(map(int, pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]))
    return ticks / TICKS
