# SPDX-License-Identifier: Apache-2.0
"""A gate that starts after its clients: git-remote-gate and the bridge wait for it, and tell a person so."""

import contextlib
import os
import signal
import socket
import subprocess
import time

import pytest

from .bridge import PROGRAM, Bridge
from .host import descendants, stat_fields
from .http import Connection, request
from .polling import wait_until
from .remote import FAILED, URL
from .repos import ENVIRONMENT, git, run_bounded, without_epilogue
from .targets import INFO

USAGE = 2
LONG = "3600"  # seconds that no test has


@pytest.fixture
def path(tmp_path):
    """The path where a gate will listen. Its folder exists, as in a container that has it mounted."""
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    return folder / "gate.sock"


@pytest.fixture
def terminal():
    """A terminal for standard error: yields its descriptor, and a function that returns everything written so far."""
    own, theirs = os.openpty()
    os.set_blocking(own, False)
    text = []

    def said():
        with contextlib.suppress(OSError):  # nothing more is there
            while chunk := os.read(own, 4096):
                text.append(chunk)
        return b"".join(text).decode()
    yield theirs, said
    os.close(own)
    os.close(theirs)


def leave_socket(path):
    """Leave a socket behind, as a killed gate does."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def variables(path, wait):
    own = {**ENVIRONMENT, "GIT_GATE_SOCKET": str(path), "GIT_GATE_WAIT": wait}
    return {name: value for name, value in own.items() if value is not None}


@contextlib.contextmanager
def listing(path, stderr, wait=LONG):
    """Start a git that asks the gate for its refs."""
    with subprocess.Popen(["git", "ls-remote", URL], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr,
                          start_new_session=True, env=variables(path, wait)) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def start(start_gate, root, path):
    return start_gate(f"--mirror-root={root}", "--scope=repo", f"--socket={path}", transport=None)


# git-remote-gate.

@pytest.mark.parametrize("is_stale", [False, True])
def test_git_waits(small_root, start_gate, path, terminal, is_stale):
    stderr, said = terminal
    if is_stale:
        leave_socket(path)
    with listing(path, stderr) as process:
        wait_until("a person is told", lambda: "git-remote-gate: waiting up to 3600 s" in said())
        start(start_gate, small_root, path)
        output, _ = process.communicate(timeout=20)
    assert process.returncode == 0 and b"refs/heads/main" in output
    assert said().count("\n") == 1 and str(path) in said() and "GIT_GATE_WAIT" in said()


def test_git_waits_for_half_a_minute(path, terminal):
    stderr, said = terminal
    with listing(path, stderr, wait=None):
        wait_until("a person is told", lambda: "waiting up to 30 s" in said())


def test_end_of_the_wait(path):
    """A program that reads standard error finds the failure there and nothing else."""
    begin = time.monotonic()
    result = git("ls-remote", URL, ok=False, GIT_GATE_SOCKET=path, GIT_GATE_WAIT=2)
    assert time.monotonic() - begin >= 2 and result.returncode == FAILED
    said = without_epilogue(result.stderr)
    assert "there is no socket" in said and said.count("\n") == 1


@pytest.mark.parametrize("is_stale", [False, True])
def test_no_wait(path, terminal, is_stale):
    if is_stale:
        leave_socket(path)
    stderr, said = terminal
    with listing(path, stderr, wait="0") as process:
        process.communicate(timeout=20)
    assert process.returncode == FAILED and "waiting" not in said()


def test_no_folder(path):
    """The folder is not mounted, so a gate will never listen there."""
    result = git("ls-remote", URL, ok=False, seconds=20, GIT_GATE_SOCKET=path.parent / "none" / path.name,
                 GIT_GATE_WAIT=LONG)
    assert "there is no socket" in result.stderr


def test_no_socket_but_a_file(path):
    path.touch()
    result = git("ls-remote", URL, ok=False, seconds=20, GIT_GATE_SOCKET=path, GIT_GATE_WAIT=LONG)
    assert "is not a socket of a gate" in result.stderr


@pytest.mark.parametrize("wait", ["-1", "x", "1s", " 1", "86401", "99999999999999999999"])
def test_wait_that_is_none(path, wait):
    result = git("ls-remote", URL, ok=False, GIT_GATE_SOCKET=path, GIT_GATE_WAIT=wait)
    assert result.returncode == FAILED and "GIT_GATE_WAIT is a whole number of seconds" in result.stderr
    result = run_bounded([PROGRAM, "bridge", "--listen=127.0.0.1:0"], seconds=20, environment=variables(path, wait))
    assert result.returncode == USAGE and "GIT_GATE_WAIT is a whole number of seconds" in result.stderr


def test_git_dies_during_the_wait(path, terminal):
    stderr, said = terminal
    with listing(path, stderr) as process:
        wait_until("a person is told", lambda: "waiting" in said())
        helpers = list(descendants(process.pid))
        assert helpers
        process.kill()
        wait_until("the helper is gone", lambda: not any(map(stat_fields, helpers)))


# The bridge.

def test_bridge_waits(small_root, start_gate, path, terminal):
    """The bridge tells a person once, however many clients wait."""
    stderr, said = terminal
    bridge = Bridge(path, stderr=stderr, variables={"GIT_GATE_WAIT": LONG})
    try:
        with Connection(bridge.address) as first, Connection(bridge.address) as second:
            first.send(request("GET", INFO))
            second.send(request("GET", INFO))
            wait_until("a person is told", lambda: "waiting up to 3600 s" in said())
            gate = start(start_gate, small_root, path)
            assert first.response().status == 200 and second.response().status == 200
        assert said().count("\n") == 1 and str(path) in said()
        gate.stop()
    finally:
        bridge.stop()


def test_bridge_without_the_folder(path):
    bridge = Bridge(path.parent / "none" / path.name, variables={"GIT_GATE_WAIT": LONG})
    with Connection(bridge.address, seconds=10) as client:
        client.send(request("GET", INFO))
        assert client.is_closed()
    assert "there is no socket" in bridge.stop()
