# SPDX-License-Identifier: Apache-2.0
"""Reads /proc for a gate, and makes descriptors scarce or system calls fail for it."""

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
    """List a folder of /proc/PID, which needs the right to trace the process: for a confined gate only root has it."""
    try:
        return list(Path(f"/proc/{pid}/{folder}").iterdir())
    except PermissionError:
        pytest.skip("needs root, who alone may look into a confined gate")


def open_files(pid):
    """The descriptors of a process: paths, or a kind and a number; see proc_pid_fd(5)."""
    found = []
    for descriptor in look_into(pid, "fd"):
        with contextlib.suppress(FileNotFoundError):
            found.append(os.readlink(descriptor))
    return found


def connections(pid):
    """The number of clients that a gate has accepted: its sockets without the one that listens."""
    return sum(name.startswith("socket:") for name in open_files(pid)) - 1


def descriptors_at_rest(gate):
    """The number of open descriptors after all clients have gone. The first client brings the timers."""
    with gate.connect() as connection:
        connection.send(head("GET", "/nothing"))
        assert connection.response().status == 404
    wait_until("no client is connected", lambda: not connections(gate.pid))
    return len(open_files(gate.pid))


def stat_fields(pid):
    """The fields of /proc/PID/stat from the state on, see proc_pid_stat(5); None if there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def share_asleep(pid, seconds):
    """
    Return how much of the coming time a process sleeps. A spinning process never sleeps.

    Processor time would say less: on a busy machine even a spinning process gets little.
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
    """End a TCP connection with an RST, which tells the other side at once that nobody is there."""
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def check_left_nothing(gate, descriptors_before):
    """Check that no request has left a process, ended or not, or a descriptor."""
    gate.wait_no_children()
    wait_until("no zombie", lambda: not zombies(gate.pid))
    wait_until(f"{descriptors_before} open descriptors", lambda: len(open_files(gate.pid)) == descriptors_before)


@contextlib.contextmanager
def spare_descriptors(pid, count):
    """For a while, limit a process to so many descriptors."""
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
    """For Popen's preexec_fn: let any process of the user trace this one, even where Yama guards ptrace(2)."""
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0)


def under_strace(folder, program, *faults):
    """A command under which calls of the program and its children fail from the start; strace writes to folder/strace."""
    if not shutil.which("strace"):
        pytest.skip("needs strace(1)")
    attempt = subprocess.run(["strace", "-o", folder / "strace", "true"], capture_output=True, check=False, text=True)
    if attempt.returncode != 0:
        pytest.skip(f"strace cannot trace here: {attempt.stderr.splitlines()[0]}")
    return ("strace", "-f", "--quiet=all", "--output", folder / "strace", f"--trace={calls_of(faults)}",
            *(f"--inject={fault}" for fault in faults), program)


def calls_of(faults):
    return ",".join(fault.split(":")[0] for fault in faults)


@contextlib.contextmanager
def failing(gate, *faults, children=False):
    """
    For a while, make system calls fail in the gate and, with children, in all that it starts.

    Each fault is CALLS:HOW in the syntax of strace's inject=, such as "accept4:error=EMFILE". Yields a function that
    returns the number of failed calls so far. A test without a failed call proves nothing.
    """
    if not shutil.which("strace"):
        pytest.skip("needs strace(1)")
    log = gate.folder / "strace"
    command = ["strace", "--quiet=all", f"--output={log}", f"--attach={gate.pid}", *(f"--inject={f}" for f in faults),
               f"--trace={calls_of(faults)}", *["--follow-forks"] * children]
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
    """The ids and command lines of all descendants of a process."""
    parents = {int(entry.name): parent_of(int(entry.name)) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    commands = {}
    for child in found - {pid}:
        with contextlib.suppress(OSError):
            commands[child] = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
    return commands
