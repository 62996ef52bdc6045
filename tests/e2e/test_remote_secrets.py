# SPDX-License-Identifier: Apache-2.0
"""git-remote-gate's token and open port: others cannot see or use them, and nothing of them stays."""

import contextlib
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from .bridge import HELPER, check_static, is_sanitized
from .host import descendants, parent_of, stat_fields
from .polling import wait_until
from .remote import SECRETS, URL, gate_of_git, run_git  # noqa: F401  # the fixture
from .repos import ENVIRONMENT, commit
from .users import run_as_another

LISTENING_STATE = "0A"


def ports_of(pids):
    """The ports of 127.0.0.1 on which these processes listen: see proc_net(5), and proc_pid_fd(5)."""
    inodes = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            inodes |= {os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir()}
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    fields = (line.split() for line in lines)
    return {int(field[1][9:], 16) for field in fields if field[3] == LISTENING_STATE and f"socket:[{field[9]}]" in inodes}


def listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("name", ["GIT_TRACE", "GIT_TRACE_CURL", "GIT_TRACE_PACKET", "GIT_TRACE_SETUP", "GIT_TRACE2",
                                  "GIT_TRACE2_EVENT", "GIT_TRACE2_PERF", "GIT_CURL_VERBOSE"])
def test_traces_do_not_show_the_token(root, start_gate, tmp_path, name):
    """The token is a setting for git's HTTP helper and its programs. Even traces of settings do not show it."""
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", transport="unix")
    trace = tmp_path / "trace"
    variables = {name: trace, "GIT_TRACE2_CONFIG_PARAMS": "http.*"}
    for version in (0, 2):
        work = tmp_path / f"work{version}"
        option = f"protocol.version={version}"
        run_git(gate, "-c", option, "-c", "trace2.configParams=http.*", "clone", URL, work, **variables)
        commit(work, "new", f"{version}\n")
        run_git(gate, "-c", option, "-c", "trace2.configParams=http.*", "push", "origin", f"main:v{version}", cwd=work,
                **variables)
    text = trace.read_text() if trace.exists() else ""
    assert text or name == "GIT_CURL_VERBOSE"
    assert not any(secret in text for secret in SECRETS)


@pytest.fixture
def held_clone(gate_with, tmp_path):
    """Yields a clone's process while git behind the gate waits. All processes of the clone are in one group."""
    gate, exec_path = gate_with('read -r _ <"$here/hold"', transport="unix")
    with subprocess.Popen(["git", "clone", "--quiet", URL, tmp_path / "clone"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
                          env={**ENVIRONMENT, "GIT_GATE_SOCKET": str(gate.socket_path)}) as process:
        try:
            wait_until("the request is there", lambda: exec_path.runs)
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def test_no_command_line_shows_the_token(held_clone):
    commands = descendants(held_clone.pid)
    names = {Path(words[0].decode()).name for words in commands.values()}
    assert {"git-remote-gate", "git-remote-http"} <= names
    for words in commands.values():
        for secret in SECRETS:
            assert not any(secret.encode() in word for word in words), words


def named(commands, name):
    return next(pid for pid, words in commands.items() if Path(words[0].decode()).name == name)


def check_all_ends(started, port):
    wait_until("all that it has started is gone", lambda: not any(map(stat_fields, started)), 10)
    assert not listens(port)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("name", ["git", "git remote-gate", "git-remote-gate"])
def test_dies_with_git(held_clone, name, number):
    """The helper ends with git or git's wrapper of the helper, not only by a signal to the whole group."""
    started = {held_clone.pid: [b"git"], **descendants(held_clone.pid)}
    port, = ports_of(started)
    children = {parent_of(pid): pid for pid in started}
    pid = {"git": held_clone.pid, "git remote-gate": children[held_clone.pid],
           "git-remote-gate": named(started, "git-remote-gate")}[name]
    os.kill(pid, number)
    held_clone.wait(timeout=10)
    check_all_ends([pid for pid in started if pid != held_clone.pid], port)


def test_other_users_do_not_get_to_the_port(held_clone):
    """The socket has mode 0600. The port that leads to it opens no way around that."""
    port, = ports_of(descendants(held_clone.pid))
    script = f"import socket; s = socket.create_connection(('127.0.0.1', {port})); s.sendall(b'GET /'); print(s.recv(9))"
    result = run_as_another("/usr/bin/python3", "-c", script)
    assert result.stdout == "b''\n" or "ConnectionResetError" in result.stderr or "BrokenPipeError" in result.stderr, result


def test_nothing_stays(gate, tmp_path):
    """Nothing stays after git's success or failure, so git never talks to a later listener on the port."""
    started = {}
    ports = set()
    for number, url in enumerate([URL, "gate:///other.git"] * 3):  # the command may end before the test has looked
        with subprocess.Popen(["git", "clone", "--quiet", url, tmp_path / f"clone{number}"], stderr=subprocess.PIPE,
                              env={**ENVIRONMENT, "GIT_GATE_SOCKET": str(gate.socket_path)}) as process:
            while process.poll() is None:
                started.update(descendants(process.pid))
                ports |= ports_of(started)
            process.communicate()
        # a failing git does not wait for its helper, and then process 1 reaps the helper's last process
        wait_until("nothing is left", lambda: not any(map(stat_fields, started)), 10)
        assert not any(map(listens, ports))
    assert started


def test_program_needs_nothing_of_the_image():
    """The sanitizers do not support static programs."""
    if is_sanitized():
        assert b"libasan" in HELPER.read_bytes()
        return
    check_static(HELPER)
