# SPDX-License-Identifier: Apache-2.0
"""
Failing clients of a git server: each breaks off in its own way, and the caller observes the server.

A fault is a function that takes a Server, does its harm, and returns when its client is gone. It must not check the
answer, so that any server can be measured. bench/crowd and bench/hostile run those in FAULTS in a row.
"""

import contextlib
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from e2e.http import Connection, chunks, head  # noqa: E402
from e2e.packets import FETCH_TYPE, NO_OBJECT, PUSH_TYPE, large_pack, push, want  # noqa: E402
from e2e.polling import wait_until  # noqa: E402
from e2e.repos import ENVIRONMENT, commit, work_tree  # noqa: E402

PAUSE_SECONDS = 0.3  # for the server to start git, before the client goes
STALL_SECONDS = 2  # how long a client reads nothing, or waits for an answer that may never come
CLIENT_SECONDS = 60  # for git's client to get so far that killing it hurts
BODY_BYTES = 4 << 20  # more than all buffers on the way, so that git has begun to work on it
RECEIVE_BYTES = 32 << 10
TAKEN_BYTES = 1 << 20  # of an answer, which is well under way then
PUSHED_BYTES = 16 << 20
TRACE_BYTES = 1 << 20  # of git's trace of its sent bytes, which is five times as long
REFUSED_REFS = 800
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """
    A server of one repository.

    address: (host, port) or the path of a Unix socket. path: of the repository in request targets, "/repo.git". token:
    a user name with an empty password, or None. url: for git's client, with the token. tip: the id of an advertised
    commit of 8 MiB or more, so that a fetch of it fits into no buffer.
    """
    address: tuple | Path
    path: str
    token: str | None
    url: str
    tip: str

    def head(self, method, target, *fields):
        return head(method, self.path + target, *fields, token=self.token)

    def fetch(self):
        body = want(self.tip)
        return self.head("POST", "/git-upload-pack", FETCH_TYPE, f"Content-Length: {len(body)}") + body

    def push(self, *fields):
        """Return the head of a push; the caller adds the body."""
        return self.head("POST", "/git-receive-pack", PUSH_TYPE, *fields)


def large_push():
    return push([(NO_OBJECT, "1" * 40, "refs/heads/cut")], large_pack(BODY_BYTES))


def reset_at_close(connection):
    """Make close(2) send a reset instead of an end; a Unix socket has no reset."""
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def take(connection, seconds, size=1 << 40):
    """Read that many bytes, or to the end of the connection, or until time is up."""
    deadline = time.monotonic() + seconds
    with contextlib.suppress(TimeoutError, ConnectionResetError):
        while size > 0 and (left := deadline - time.monotonic()) > 0:
            connection.socket.settimeout(left)
            data = connection.socket.recv(1 << 16)
            size = size - len(data) if data else 0


def push_cut_by_length(server):
    with Connection(server.address) as connection:
        body = large_push()
        connection.send_as_taken(server.push(f"Content-Length: {len(body)}") + body[:len(body) // 2])
        time.sleep(PAUSE_SECONDS)


def push_cut_in_chunks(server):
    with Connection(server.address) as connection:
        body = large_push()
        connection.send_as_taken(server.push("Transfer-Encoding: chunked") + chunks(body[:len(body) // 2], end=False))
        time.sleep(PAUSE_SECONDS)


def push_reset(server):
    with Connection(server.address) as connection:
        body = large_push()
        connection.send_as_taken(server.push(f"Content-Length: {len(body)}") + body[:len(body) // 2])
        time.sleep(PAUSE_SECONDS)
        reset_at_close(connection)


def fetch_dies(server):
    """Close with bytes unread, so that the kernel sends the server a reset."""
    with Connection(server.address) as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        connection.send_as_taken(server.fetch())
        take(connection, CLIENT_SECONDS, TAKEN_BYTES)


def reader_stalls(server):
    with Connection(server.address) as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        connection.send_as_taken(server.fetch())
        take(connection, CLIENT_SECONDS, TAKEN_BYTES)
        time.sleep(STALL_SECONDS)


def get_without_its_body(server):
    with Connection(server.address) as connection:
        connection.send_as_taken(server.head("GET", "/info/refs?service=git-upload-pack", "Content-Length: 10"))
        take(connection, STALL_SECONDS)


def half_a_head(server):
    with Connection(server.address) as connection:
        data = server.head("GET", "/info/refs?service=git-upload-pack")
        connection.send_as_taken(data[:len(data) // 2])
        time.sleep(PAUSE_SECONDS)


def refs_refused(server):
    """Make receive-pack write more complaints to its standard error than a pipe holds."""
    names = [f"refs/heads/bad..name/{'x' * 80}/{i}" for i in range(REFUSED_REFS)]
    body = push([(NO_OBJECT, server.tip, name) for name in names])
    with Connection(server.address) as connection:
        connection.send_as_taken(server.push(f"Content-Length: {len(body)}") + body)
        take(connection, STALL_SECONDS)


def kill(process):
    """Kill a client and its helpers, which have a session of their own, without a chance to say goodbye."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def kill_when(arguments, condition, **variables):
    """Start git's client and kill it when the condition holds. Return: whether it was still running then."""
    process = subprocess.Popen(["git", *map(str, arguments)], env={**ENVIRONMENT, **variables}, start_new_session=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until("git's client is busy", lambda: condition() or process.poll() is not None, CLIENT_SECONDS)
        return process.poll() is None
    finally:
        kill(process)


def bytes_in(paths):
    total = 0
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            total += path.stat().st_size
    return total


def clone_killed(server):
    """Kill it while it receives the pack. Return: whether it was still running then."""
    with tempfile.TemporaryDirectory(prefix="clone-") as folder:
        packs = Path(folder, "clone", ".git", "objects", "pack")
        return kill_when(["clone", "--quiet", server.url, Path(folder, "clone")],
                         lambda: bytes_in(packs.glob("tmp_pack_*")) > 0)


def push_killed(server, name="refs/heads/killed"):
    """Kill it while it sends the pack, as its trace shows. Return: whether it was still running then."""
    with tempfile.TemporaryDirectory(prefix="push-") as folder:
        work, trace = work_tree(Path(folder, "work")), Path(folder, "trace")
        commit(work, "blob", os.urandom(PUSHED_BYTES))
        return kill_when(["-C", work, "push", "--quiet", server.url, f"HEAD:{name}"],
                         lambda: bytes_in([trace]) > TRACE_BYTES, GIT_TRACE_CURL=str(trace))


FAULTS = {
    "push cut half way, by its length": push_cut_by_length,
    "push cut half way, in chunks": push_cut_in_chunks,
    "reset in the middle of a push": push_reset,
    "fetch whose client dies in the answer": fetch_dies,
    "fetch whose client stops reading, then dies": reader_stalls,
    "GET with a length and no body": get_without_its_body,
    "half a head, then gone": half_a_head,
    "push of 800 refs that are refused": refs_refused,
    "git clone killed": clone_killed,
    "git push killed": push_killed,
}


# Processes that a server leaves behind.

def processes_of(folder):
    """
    Return the ids of processes for a repository below the folder.

    The CGI program has its GIT_PROJECT_ROOT there; git's service programs, and their children, work in the repository.
    """
    variable = re.compile(rb"(?:^|\0)GIT_PROJECT_ROOT=" + re.escape(os.fsencode(str(folder))) + rb"(?:/[^\0]*)?\0")
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if variable.search((entry / "environ").read_bytes()) or is_below(os.readlink(entry / "cwd"), folder):
                    found.append(int(entry.name))
    return found


def is_below(path, folder):
    """Tell whether a path is a folder, or in it."""
    return f"{path}/".startswith(f"{folder}/")


def processor_seconds(pid):
    """Return the processor time of a process so far; 0 when it has gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0
    return (int(fields[11]) + int(fields[12])) / TICKS


def spinning(processes, seconds=1.0):
    """Return the processes that keep a core busy, all or at least a tenth of its time."""
    before = {pid: processor_seconds(pid) for pid in processes}
    time.sleep(seconds)
    return [pid for pid, used in before.items() if processor_seconds(pid) - used > seconds / 10]
