# SPDX-License-Identifier: Apache-2.0
"""
Where a server of a bench runs: its folder, its copy of the mirror, its address, its processes.

Servers listen on the loopback or a private Unix socket, have their files in a folder of their own and are ended by
their process ids. Each has its own copy of the mirror, whose path marks the processes that serve it: it stands in their
environment.
"""

import contextlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from typing import Optional

from faults import processes_of
from program import Failed

SEARCH_PATH = f"{os.environ['PATH']}:/usr/local/sbin:/usr/sbin:/sbin"
ENVIRONMENT = {"PATH": SEARCH_PATH, "LC_ALL": "C"}
START_SECONDS = 10
STOP_SECONDS = 20
OUTPUT_SECONDS = 30
POLL_SECONDS = 0.0002


@dataclass
class Place:
    """
    What a server is given.

    folder: for its files; root: its copy of the mirror; token: the user's name; socket: the Unix socket to listen on in
    place of a port; fast: it is set up to be as fast as it can be, and not as its own texts have it. began: when the
    first of its programs was started.
    """
    folder: pathlib.Path
    root: pathlib.Path
    token: str
    socket: Optional[pathlib.Path] = None
    fast: bool = False
    port: int = 0
    began: float = 0
    started: list = field(default_factory=list)

    @property
    def address(self):
        """What a client connects to: (host, port), or the path of a socket."""
        return self.socket or ("127.0.0.1", self.port)

    @property
    def log(self) -> str:
        """What its programs have said on their standard error."""
        return (self.folder / "stderr").read_text()

    def write(self, name: str, text: str) -> pathlib.Path:
        """Make one of the server's files."""
        path = self.folder / name
        path.write_text(text)
        return path

    def start(self, *command, **options) -> subprocess.Popen:
        """Start a program, in a session of its own: Apache signals its whole process group."""
        with (self.folder / "stderr").open("ab") as log:
            self.began = self.began or time.perf_counter()
            process = subprocess.Popen(list(map(str, command)), start_new_session=True, stdin=subprocess.DEVNULL,
                                       stderr=log, **{"env": ENVIRONMENT, **options})
        self.started.append(process)
        return process

    def wait(self) -> float:
        """Wait until the server listens; return the seconds since it was started."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and all(process.poll() is None for process in self.started):
            with contextlib.suppress(OSError), connect(self.address, START_SECONDS):
                return time.perf_counter() - self.began
            time.sleep(POLL_SECONDS)
        raise self.failure()

    def failure(self) -> Failed:
        """Return what there is to say of a server that does not start."""
        return Failed(f"does not start: {(self.log.strip().splitlines() or ['it does not say why'])[-1]}")

    def stop(self) -> None:
        """End what was started, last first, and what git has left."""
        for process in reversed(self.started):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=STOP_SECONDS)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stdout:
                process.stdout.close()
        self.end_git()

    def git_processes(self) -> set[int]:
        """Ids of git-http-backend and all that it started, also when their parents are gone, and of zombies."""
        parents, zombies = process_table()
        own = {process.pid for process in self.started}
        return set(processes_of(self.root)) - own | (zombies & relatives(own, parents))

    def end_git(self) -> None:
        """Kill these processes."""
        for pid in self.git_processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def connect(address, seconds: float) -> socket.socket:
    """Return a connection to a port or to a Unix socket."""
    if isinstance(address, tuple):
        return socket.create_connection(address, seconds)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(seconds)
        connection.connect(str(address))
    except OSError:
        connection.close()
        raise
    return connection


def process_table() -> tuple[dict[int, int], set[int]]:
    """Return the parent of every process, and which are zombies (proc(5))."""
    parents, zombies = {}, set()
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                parents[int(entry.name)] = int(parent)
                if state == "Z":
                    zombies.add(int(entry.name))
    return parents, zombies


def relatives(pids: set[int], parents: dict[int, int]) -> set[int]:
    """Return these processes and all that descend from them."""
    found = set(pids)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def family(places: list) -> set[int]:
    """Ids of all processes that were started, and of their children."""
    parents, zombies = process_table()
    return relatives({process.pid for place in places for process in place.started}, parents) - zombies


def output(*command: str) -> str:
    """Return all that a program says."""
    try:
        return subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env=ENVIRONMENT, timeout=OUTPUT_SECONDS).stdout.strip()
    except subprocess.TimeoutExpired:
        raise Failed(f"{' '.join(command)} does not end within {OUTPUT_SECONDS} s") from None


def version(pattern: str, *command: str) -> str:
    """Return the version in what a program says."""
    match = re.search(pattern, output(*command))
    return match.group(1) if match else "of unknown version"


def exec_path() -> str:
    """Return the folder that has git's own programs."""
    return output("git", "--exec-path")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
