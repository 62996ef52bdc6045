# SPDX-License-Identifier: Apache-2.0
"""git-gate check: its findings without a gate, and about gates that refuse, fail or stop."""

import os
import shutil
import signal
import socket
import time
from pathlib import Path

import pytest

from .backends import CGI_BACKEND, SILENT_FAILURE
from .check_verb import (  # noqa: F401  # the fixture
    NOT_SERVED, STEP_SECONDS, check_fails, check_served, not_reached, serve_repo, started, where)
from .gate import PROGRAM, environment
from .http import TOKEN, head
from .packets import PUSH_TYPE, unfinished
from .polling import wait_until
from .targets import INFO, PUSH
from .users import ANOTHER, public_copy, run_as_another


# No gate there.

def test_no_socket(tmp_path):
    not_reached(["no socket", f"{tmp_path}/gate.sock", "--socket"], f"--socket={tmp_path}/gate.sock", "--repo=repo")
    not_reached(["no socket"], f"--socket={tmp_path}/nowhere/gate.sock", "--repo=repo")
    not_reached(["no socket", "GIT_GATE_SOCKET"], "--repo=repo", GIT_GATE_SOCKET=tmp_path / "gate.sock")


@pytest.mark.skipif(os.path.lexists("/run/git-gate/gate.sock"), reason="somebody has a gate there")
def test_default_socket():
    not_reached(["/run/git-gate/gate.sock"], "--repo=repo")
    not_reached(["/run/git-gate/gate.sock"], "--repo=repo", GIT_GATE_SOCKET="")


def test_not_a_socket(tmp_path):
    (tmp_path / "file").write_text("")
    not_reached(["not a socket", "--socket"], f"--socket={tmp_path}/file", "--repo=repo")
    not_reached(["not a socket"], f"--socket={tmp_path}", "--repo=repo")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(tmp_path / "datagrams"))
        not_reached(["not a socket"], f"--socket={tmp_path}/datagrams", "--repo=repo")


def test_stale_socket(serve):
    """The gate was killed before it could remove the socket."""
    gate = serve(transport="unix")
    gate.signal(signal.SIGKILL)
    gate.wait()
    not_reached(["connection refused", str(gate.socket_path), f"belongs to uid {os.geteuid()} and has mode 0600"],
                f"--socket={gate.socket_path}", "--repo=repo")


def test_closed_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    not_reached(["connection refused", "--url"], f"--url=http://127.0.0.1:{port}/repo.git")


def test_permission_denied(serve):
    gate = serve(transport="unix")
    for folder in (gate.folder, gate.folder / "run"):
        folder.chmod(0o755)
    with public_copy(PROGRAM) as program:
        result = run_as_another(program, "check", "--repo=repo", f"--socket={gate.socket_path}",
                                env=environment(GIT_GATE_TOKEN=TOKEN))
    assert (result.returncode, result.stdout) == (NOT_SERVED, "reachable: no\n"), result.stderr
    assert "permission denied" in result.stderr and "user who started the gate" in result.stderr
    assert "belongs to uid 0 and has mode 0" in result.stderr and f"this is uid {ANOTHER}" in result.stderr


# Refusals of real gates.

def test_wrong_token(serve):
    gate = serve()
    for token in ("x" * 37, TOKEN[:-1], TOKEN + "x"):
        result = check_fails(["not that of this gate", "--token-file"], where(gate), token=token)
        assert result.findings.keys() == {"reachable", "authenticated", "round trip"}
        assert result.findings["authenticated"] == "no" and token not in result.stdout + result.stderr


def test_wrong_repository(serve):
    result = check_fails(["another repository than other.git", "--repo"],
                         f"--url={serve().url('other', user='')}")
    assert (result.findings["authenticated"], result.findings["repository"]) == ("yes", "no")


def test_no_such_repository(serve):
    result = check_fails(["no repository nowhere.git", "404"], f"--url={serve('--scope=*').url('nowhere', user='')}")
    assert (result.findings["authenticated"], result.findings["repository"]) == ("yes", "no")


def test_repository_that_is_gone(root, serve):
    """The gate is up, but would not serve a client."""
    gate = serve()
    check_served(where(gate))
    shutil.rmtree(root / "repo.git")
    result = check_fails(["404"], where(gate))
    assert (result.findings["authenticated"], result.findings["repository"]) == ("yes", "no")


@pytest.mark.parametrize("prelude, status, options", [
    ("exit 1", SILENT_FAILURE, []), ("kill -9 $$", 502, []),
    ("printf 'Status: 403 Forbidden\\r\\n\\r\\n'; exit", 403, [CGI_BACKEND])])
def test_git_that_fails(gate_with, prelude, status, options):
    """check passes on the gate's own sentence."""
    gate, _ = gate_with(prelude, *options)
    check_fails([f"status {status}", "log has git's message"], where(gate))


def test_git_that_is_too_old(gate_with):
    gate, _ = gate_with("GIT_PROTOCOL=version=1; export GIT_PROTOCOL; unset HTTP_GIT_PROTOCOL")
    assert check_fails(["2.18"], where(gate)).findings["protocol"] == "no"


def test_busy(serve):
    """A 503 tells a client when to come back, and check tells people."""
    gate = serve("--max-backends=1", "--queue-timeout=1")
    with gate.connect() as connection:
        connection.send(head("POST", PUSH, PUSH_TYPE, "Content-Length: 100000") + unfinished())
        wait_until("git runs", gate.children)
        result = check_fails(["503", "5 seconds", "--max-backends"], where(gate))
        assert "authenticated" not in result.findings


def test_draining(serve):
    """The gate answers a request from before the stop and says that it stops; it refuses later ones."""
    gate = serve("--max-backends=1", "--drain-timeout=8")
    with gate.connect() as holder:
        holder.send(head("POST", PUSH, PUSH_TYPE, "Content-Length: 100000") + unfinished())
        wait_until("git runs", gate.children)
        with started(where(gate)) as process:
            wait_until("two are connected", lambda: len(established(gate.port)) == 2)
            time_to_queue(gate)
            gate.signal()
            stdout, stderr = process.communicate(timeout=20)
        assert process.returncode == NOT_SERVED and "reachable: http://" in stdout, stderr
        assert "503" in stderr and "stopping" in stderr
        gate.wait_stopped_accepting()
        not_reached(["connection refused"], where(gate))


def established(port):
    """The kernel's list of a gate's connections, from the gate's side."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return [line for line in lines if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "01"]


def time_to_queue(gate):
    """Wait until the gate has read an earlier request. It has, once it has answered a later one."""
    assert gate.ask("GET", INFO, token=None).status == 401


def test_gate_that_is_stopped(serve):
    """The kernel still accepts connections for it, but nobody answers."""
    gate = serve(transport="unix")
    gate.signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        result = check_fails([f"{STEP_SECONDS} s"], f"--socket={gate.socket_path}", "--repo=repo")
        assert "nobody answers" in result.stderr and "reachable" in result.findings
        assert STEP_SECONDS - 0.5 < time.monotonic() - began < STEP_SECONDS + 4
    finally:
        gate.signal(signal.SIGCONT)
