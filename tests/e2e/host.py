# SPDX-License-Identifier: Apache-2.0
"""What /proc says of a gate, and shortages for it to get along with: of descriptors, and of calls that succeed."""

import contextlib
import ctypes
import os
import resource
import shutil
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

import pytest

from .http import head
from .polling import POLL_SECONDS, wait_until

PR_SET_PTRACER = 0x59616D61
PR_SET_PTRACER_ANY = ctypes.c_ulong(-1)


def look_into(pid, folder):
    """What a folder of /proc/PID holds that whoever may trace the process may list: of a confined gate only root."""
    try:
        return list(Path(f"/proc/{pid}/{folder}").iterdir())
    except PermissionError:
        pytest.skip("needs root, who alone may look into a confined gate")


def open_files(pid):
    """What the descriptors of a process are: paths, or a kind and a number; see proc_pid_fd(5)."""
    found = []
    for descriptor in look_into(pid, "fd"):
        with contextlib.suppress(FileNotFoundError):
            found.append(os.readlink(descriptor))
    return found


def connections(pid):
    """How many clients a gate has accepted; besides them it has one socket, which listens."""
    return sum(name.startswith("socket:") for name in open_files(pid)) - 1


def descriptors_at_rest(gate):
    """How many it has open when nobody is connected, but somebody was: with the first client come the timers."""
    with gate.connect() as connection:
        connection.send(head("GET", "/nothing"))
        assert connection.response().status == 404
    wait_until("no client is connected", lambda: not connections(gate.pid))
    return len(open_files(gate.pid))


def stat_fields(pid):
    """/proc/PID/stat from the state on, see proc_pid_stat(5); None when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def share_asleep(pid, seconds):
    """
    Of the time that now passes, how much a process sleeps. One that spins never does.

    Processor time would tell less: of a busy machine also one that spins gets little.
    """
    deadline = time.monotonic() + seconds
    states = []
    while time.monotonic() < deadline:
        states.append(stat_fields(pid)[0])
        time.sleep(POLL_SECONDS)
    return states.count("S") / len(states)


def zombies(pid):
    """The children of a process that have ended and that it has not reaped."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [child for child in children if (stat_fields(child) or "?")[0] == "Z"]


def children():
    """The names of this process's children, of all threads."""
    found = []
    for pid in " ".join(path.read_text() for path in Path("/proc/self/task").glob("*/children")).split():
        with contextlib.suppress(OSError):
            found.append(Path(f"/proc/{pid}/comm").read_text().strip())
    return found


def reset(connection):
    """End a TCP connection with an RST, by which the other side knows at once that nobody is there any more."""
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def check_left_nothing(gate, descriptors_before):
    """All that requests needed is given back: processes, also those that have ended, and descriptors."""
    gate.wait_no_children()
    wait_until("no zombie", lambda: not zombies(gate.pid))
    wait_until(f"{descriptors_before} open descriptors", lambda: len(open_files(gate.pid)) == descriptors_before)


@contextlib.contextmanager
def spare_descriptors(pid, count):
    """For a while, a process can open so many descriptors and no more."""
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    used = {int(descriptor.name) for descriptor in look_into(pid, "fd")}
    unused = (number for number in range(soft) if number not in used)
    for _ in range(count):
        next(unused)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (next(unused), hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))


def allow_tracing():
    """For Popen's preexec_fn: where Yama guards ptrace(2), strangers may trace this process all the same."""
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0)


@contextlib.contextmanager
def failing(gate, *faults):
    """
    For a while, system calls fail in the gate, and in nothing that it starts.

    Each fault is CALLS:HOW as strace's inject= has it, such as "accept4:error=EMFILE". Yields a function that says how
    many have failed so far: a test that nothing has hit proves nothing.
    """
    if not shutil.which("strace"):
        pytest.skip("needs strace(1)")
    log = gate.folder / "strace"
    command = ["strace", "--quiet=all", f"--output={log}", f"--attach={gate.pid}", *(f"--inject={f}" for f in faults),
               f"--trace={','.join(fault.split(':')[0] for fault in faults)}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        def traced():
            return f"TracerPid:\t{tracer.pid}\n" in Path(f"/proc/{gate.pid}/status").read_text()
        try:
            wait_until("strace has attached", lambda: traced() or tracer.poll() is not None)
            if tracer.poll() is not None:
                pytest.skip(f"strace cannot attach here: {tracer.stderr.read().strip()}")
            yield lambda: log.read_text().count("(INJECTED)")
        finally:
            tracer.send_signal(signal.SIGTERM)
            tracer.wait(timeout=10)
            log.unlink(missing_ok=True)


def parent_of(pid):
    fields = stat_fields(pid)
    return int(fields[1]) if fields else None


def descendants(pid):
    """Ids and command lines of all that a process has started, and what they have started."""
    parents = {int(entry.name): parent_of(int(entry.name)) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    commands = {}
    for child in found - {pid}:
        with contextlib.suppress(OSError):
            commands[child] = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
    return commands
