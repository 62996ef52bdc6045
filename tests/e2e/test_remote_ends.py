# SPDX-License-Identifier: Apache-2.0
"""git-remote-gate fails or ends while git writes to it, while nobody writes, or without a place to write to."""

import contextlib
import os
import re
import subprocess
from pathlib import Path

import pytest

from .bridge import HELPER
from .host import descendants, parent_of, stat_fields
from .polling import wait_until
from .remote import FAILED, URL, gate_of_git  # noqa: F401  # the fixture
from .repos import ENVIRONMENT, out, run_bounded


# git writes to a helper that has failed already, and SIGPIPE must not kill it.

def has_ended(pid):
    fields = stat_fields(pid)
    return not fields or fields[0] == "Z"


def sleeps_of(pid):
    """The number of times that a sleeping process has slept; None while it runs: see proc_pid_status(5)."""
    with contextlib.suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text()
        if re.search(r"^State:\tS", status, re.MULTILINE):
            return re.search(r"^voluntary_ctxt_switches:\t([0-9]+)$", status, re.MULTILINE).group(1)
    return None


class Settled:
    """
    Tells, by repeated calls, whether git's helper has ended or waits for git's input.

    The helper waits if it has no child, and two calls find it in the same sleep.
    """

    def __init__(self, git_pid):
        self.git_pid = git_pid
        self.before = None

    def __call__(self):
        commands = {pid: words for pid, words in descendants(self.git_pid).items() if not has_ended(pid)}
        parents = set(map(parent_of, commands))
        asleep = {pid: sleeps_of(pid) for pid, words in commands.items()
                  if words[0] == str(HELPER).encode() and pid not in parents}
        before, self.before = self.before, asleep
        return not commands or (asleep == before and asleep and None not in asleep.values())


@pytest.fixture
def late_git(gate, tmp_path):
    """
    Run git ls-remote so that it writes its first command only when the helper has ended, or waits.

    git announces each write on standard error, which has no room until then. The helper's own output goes to a file.
    Returns git's exit status and that output.
    """
    programs = tmp_path / "programs"
    programs.mkdir()
    words = tmp_path / "words"
    wrapper = programs / "git-remote-gate"
    wrapper.write_text(f'#!/bin/sh\nPATH=$HELPER_PATH exec {HELPER} "$@" 2>>{words}\n')
    wrapper.chmod(0o755)

    def run(url, **variables):
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        with contextlib.suppress(BlockingIOError):
            while os.write(writing, b"." * 4096):
                pass
        os.set_blocking(writing, True)
        environment = {**ENVIRONMENT, "GIT_TRANSPORT_HELPER_DEBUG": "1", "GIT_GATE_SOCKET": str(gate.socket_path),
                       "PATH": f"{programs}:{os.environ['PATH']}", "HELPER_PATH": ENVIRONMENT["PATH"], **variables}
        with subprocess.Popen(["git", "ls-remote", url], stdout=subprocess.DEVNULL, stderr=writing, env=environment,
                              stdin=subprocess.DEVNULL) as process, open(reading, "rb") as said:
            os.close(writing)
            wait_until("the helper is started", lambda: descendants(process.pid))
            wait_until("the helper is gone, or waits", Settled(process.pid))
            said.read()
            return process.wait(timeout=20), words.read_text()
    return run


@pytest.mark.parametrize("url, variables, sentence", [
    pytest.param("gate:///a/repo", {}, "has a slash in it", id="url"),
    pytest.param(URL, {"GIT_GATE_TOKEN": ""}, "there is no token", id="token"),
    pytest.param(URL, {"GIT_GATE_TIMEOUT": "x"}, "GIT_GATE_TIMEOUT is", id="timeout"),
    pytest.param(URL, {"GIT_GATE_SOCKET": "/nonexistent/gate.sock"}, "there is no socket", id="socket"),
    pytest.param(URL, {"HELPER_PATH": "/nonexistent"}, "git-remote-http cannot be run", id="no-http-helper"),
])
def test_git_writes_late(late_git, url, variables, sentence):
    status, words = late_git(url, **variables)
    assert status == FAILED and sentence in words and words.count("\n") == 1


@pytest.mark.parametrize("script", ["exit 128", "exit 1", "kill -9 $$",
                                    pytest.param("read -r _; echo; exit 1", id="behind-the-first-command")])
def test_http_helper_that_ends_early(late_git, tmp_path, script):
    """
    The helper has read nothing of git's input, or not all.

    Not tried: an exit with 128 after an answer. git-remote-http does that only within a command, while git waits.
    """
    http = tmp_path / "http"
    http.mkdir()
    (http / "git-remote-http").write_text(f"#!/bin/sh\necho 'fatal: words' >&2\n{script}\n")
    (http / "git-remote-http").chmod(0o755)
    status, words = late_git(URL, HELPER_PATH=f"{http}:{ENVIRONMENT['PATH']}")
    assert (status, words) == (FAILED, "fatal: words\n")


def test_failure_with_a_terminal():
    """Started by hand, the helper ends without waiting for input."""
    own, terminal = os.openpty()
    try:
        result = subprocess.run([HELPER, "origin", "gate:///a/repo"], stdin=terminal, capture_output=True, timeout=5,
                                text=True, check=False, env=ENVIRONMENT)
    finally:
        os.close(own)
        os.close(terminal)
    assert result.returncode == FAILED and "has a slash in it" in result.stderr


def test_failure_where_nobody_writes():
    """Neither an open, empty standard input nor an endless one keeps the helper for ever."""
    reading, writing = os.pipe()
    try:
        run = {"capture_output": True, "timeout": 20, "text": True, "check": False, "env": ENVIRONMENT}
        result = subprocess.run([HELPER, "origin", "gate:///a/repo"], stdin=reading, **run)
        assert result.returncode == FAILED and "has a slash in it" in result.stderr
        with open("/dev/zero", "rb") as zero:
            result = subprocess.run([HELPER, "origin", "gate:///a/repo"], stdin=zero, **run)
        assert result.returncode == FAILED and "has a slash in it" in result.stderr
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"])
def test_closed_standard_streams(gate, closed):
    """No socket takes their numbers. git-remote-http reads the end of its input at once, and its output is lost."""
    environment = {**ENVIRONMENT, "GIT_GATE_SOCKET": str(gate.socket_path),
                   "PATH": f"{out('--exec-path')}:{ENVIRONMENT['PATH']}"}
    result = run_bounded(["sh", "-c", f'exec "$0" origin {URL} {closed}', HELPER], seconds=4, environment=environment,
                         data=b"list for-push\n\n")
    assert result.returncode == (1 if "<" in closed else 0), result  # 1 at the end of input before a command
    assert (b"refs/heads/main" in result.stdout) == (closed == "2>&-"), result


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&-"])
def test_failure_with_closed_standard_streams(closed):
    result = run_bounded(["sh", "-c", f'exec "$0" origin gate:///a/repo {closed}', HELPER], seconds=4,
                         environment=ENVIRONMENT, data=b"")
    assert result.returncode == FAILED and "has a slash in it" in result.stderr
