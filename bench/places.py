# SPDX-License-Identifier: Apache-2.0
"""
The place of a server in a bench: its folder, its copy of the mirror, its address, its processes.

Servers listen on the loopback or a private Unix socket, have their files in a folder of their own, and are ended by
process id. Each has its own copy of the mirror. The copy marks the processes that serve it: its path is in their
environment, or they work in it.
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
    The resources of a server.

    folder: for its files; root: its copy of the mirror; token: the user's name; socket: the Unix socket to listen on in
    place of a port; fast: it is set up for speed, and not as its documentation says. began: the start of its first
    program.
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
        """The address for clients: (host, port), or the path of a socket."""
        return self.socket or ("127.0.0.1", self.port)

    @property
    def log(self) -> str:
        """The standard error of its programs."""
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
        """Return the reason why a server does not start."""
        return Failed(f"does not start: {(self.log.strip().splitlines() or ['it does not say why'])[-1]}")

    def stop(self) -> None:
        """End the started programs, last first, and git's leftover processes."""
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
        """Return the ids of git's programs for this place, even without their parents, and of zombies."""
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
    """Return these processes and their descendants."""
    found = set(pids)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def family(places: list) -> set[int]:
    """Return the ids of all started processes and their children."""
    parents, zombies = process_table()
    return relatives({process.pid for place in places for process in place.started}, parents) - zombies


def output(*command: str) -> str:
    """Return the whole output of a program."""
    try:
        return subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env=ENVIRONMENT, timeout=OUTPUT_SECONDS).stdout.strip()
    except subprocess.TimeoutExpired:
        raise Failed(f"{' '.join(command)} does not end within {OUTPUT_SECONDS} s") from None


def version(pattern: str, *command: str) -> str:
    """Return the version in a program's output."""
    match = re.search(pattern, output(*command))
    return match.group(1) if match else "of unknown version"


def exec_path() -> str:
    """Return the folder of git's own programs."""
    return output("git", "--exec-path")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
