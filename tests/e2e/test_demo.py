# SPDX-License-Identifier: Apache-2.0
"""git-gate demo: its output is true, no user's configuration matters to it, and it leaves nothing."""

import contextlib
import os
import pty
import re
import select
import signal
import subprocess

import pytest

from .backends import real_exec_path
from .bridge import is_sanitized
from .gate import PROGRAM, WITHOUT_LEAKS, Lines, environment, processes_with, run
from .polling import wait_until
from .repos import git

CLONE = re.compile(r"^    git clone (http://x:gate-[0-9a-f]{32}@127\.0\.0\.1:[0-9]+/demo\.git)\r?$", re.MULTILINE)
START = 4
# The demo's gate is confined, and the environment of its hook is the gate's own.
pushes = pytest.mark.skipif(is_sanitized(), reason="under --confine, LeakSanitizer ends git-gate-hook with a failure")
HOSTILE_CONFIG = """
[core]
    hooksPath = {hooks}
[commit]
    gpgSign = true
[url "http://127.0.0.1:1/"]
    insteadOf = http://
"""


@pytest.fixture
def folder(tmp_path):
    """The folder in which the demo makes its own."""
    path = tmp_path / "temporary"
    path.mkdir()
    return path


@pytest.fixture
def marked(folder, tmp_path):
    """Variables by which the demo and its processes can be found."""
    marker = str(tmp_path / "marker")
    yield {**WITHOUT_LEAKS, "TMPDIR": folder, "PATH": f"{os.environ['PATH']}:{marker}", "LC_ALL": "C"}
    for pid in processes_with(marker):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def processes(marked):
    return processes_with(marked["PATH"].rpartition(":")[2])


def check_nothing_is_left(folder, marked):
    assert list(folder.iterdir()) == []
    wait_until("the end of all that it started", lambda: not processes(marked))


@contextlib.contextmanager
def started(marked, **popen):
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **popen}
    with subprocess.Popen([PROGRAM, "demo"], env=environment(**marked), **streams) as process:
        try:
            yield process
        finally:
            process.kill()


def check_story(text, home):
    """Check both pushes, each with its answer and its record."""
    assert f"All of this happens in {home}/git-gate-demo." in text
    url = CLONE.search(text).group(1)
    assert f"    $ git clone {url}\n" in text
    _, taken, refused = re.split(r"^[45]\. ", text, flags=re.MULTILINE)
    assert "\n     * [new branch]      HEAD -> task/hello\n" in taken
    assert re.search(r" info push id=[0-9]+ ref=refs/heads/task/hello .* move=create result=ok\n", taken)
    assert "\n    remote: refused: refs/heads/task/checks: " in refused and "ci/checks" in refused
    assert "\n     ! [remote rejected] HEAD -> task/checks " in refused
    assert re.search(r" warning push id=[0-9]+ ref=refs/heads/task/checks .* result=refused ", refused)
    assert not re.search(" +$", text, re.MULTILINE)


@pushes
def test_story(folder, marked):
    result = run("demo", **marked)
    assert (result.returncode, result.stderr) == (0, "")
    check_story(result.stdout, folder)
    check_nothing_is_left(folder, marked)


@pushes
def test_nobody_s_configuration_matters(folder, marked, tmp_path):
    """A user's settings, a proxy, another gate's variables, and those of a hook that runs the demo."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("pre-commit", "pre-push"):
        (hooks / name).write_text("#!/bin/sh\nexit 1\n")
        (hooks / name).chmod(0o755)
    (tmp_path / ".gitconfig").write_text(HOSTILE_CONFIG.format(hooks=hooks))
    result = run("demo", **marked, HOME=tmp_path, GIT_CONFIG_GLOBAL=tmp_path / ".gitconfig", GIT_DIR=tmp_path,
                 GIT_WORK_TREE=tmp_path, GIT_CONFIG_PARAMETERS="'commit.gpgsign=true'", GIT_GATE_TOKEN="x" * 37,
                 http_proxy="http://127.0.0.1:1", LISTEN_FDS="1", LISTEN_PID="1", NOTIFY_SOCKET="/nowhere",
                 CREDENTIALS_DIRECTORY=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    check_story(result.stdout, folder)
    check_nothing_is_left(folder, marked)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_while_git_works(folder, marked, tmp_path, number):
    """The task's git waits for ever: its HTTP helper does nothing."""
    exec_path = tmp_path / "exec"
    exec_path.mkdir()
    for program in real_exec_path().iterdir():
        (exec_path / program.name).symlink_to(program)
    (exec_path / "git-remote-http").unlink()
    (exec_path / "git-remote-http").write_text(f"#!/bin/sh\ntouch '{tmp_path}/hangs'\nexec sleep 1000\n")
    (exec_path / "git-remote-http").chmod(0o755)
    with started({**marked, "GIT_EXEC_PATH": exec_path}) as process:
        wait_until("the helper", (tmp_path / "hangs").exists)
        process.send_signal(number)
        assert process.wait(20) == 0
        assert process.stderr.read() == b""
    check_nothing_is_left(folder, marked)


@pushes
def test_nobody_reads(folder, marked):
    with started(marked) as process:
        process.stdout.close()
        assert process.wait(20) == 1
        assert process.stderr.read() == b"git-gate: cannot write to standard output\n"
    check_nothing_is_left(folder, marked)


def test_killed(folder, marked):
    """Only the folder is left."""
    with started(marked) as process:
        out = Lines(process.stdout)
        wait_until("a gate", lambda: any(b"listening" in line for line in out.seen))
        process.kill()
    wait_until("the end of all that it started", lambda: not processes(marked))


@pytest.mark.parametrize("variables, words", [
    ({"TMPDIR": "/nonexistent"}, "TMPDIR may name another place"),
    ({"PATH": "/nonexistent"}, "git"),
])
def test_cannot_begin(folder, marked, variables, words):
    result = run("demo", **{**marked, **variables})
    assert result.returncode == START and words in result.stderr and result.stderr.count("\n") == 1
    check_nothing_is_left(folder, marked)


class Terminal:
    """The demo on a terminal of its own."""

    def __init__(self, marked):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(["setsid", "--ctty", "--wait", PROGRAM, "demo"], stdin=slave, stdout=slave,
                                        stderr=slave, env=environment(**marked))
        os.close(slave)
        self.text = ""

    def sees(self, words):
        if select.select([self.master], [], [], 0)[0]:
            with contextlib.suppress(OSError):  # EIO: nobody has it open any more
                self.text += os.read(self.master, 1 << 16).decode()
        return words in self.text

    def type(self, text):
        os.write(self.master, text)

    def close(self):
        os.close(self.master)
        self.process.kill()
        self.process.wait()


@pushes
@pytest.mark.parametrize("end", [b"\n", b"\x03", b"\x04"], ids=["Enter", "Ctrl-C", "Ctrl-D"])
def test_terminal(folder, marked, tmp_path, end):
    """On a terminal a person can paste the line elsewhere, and the demo shows the records of that."""
    with contextlib.closing(Terminal(marked)) as terminal:
        wait_until("the invitation", lambda: terminal.sees("until you press Enter"), 30)
        git("clone", "--quiet", CLONE.search(terminal.text).group(1), tmp_path / "clone")
        git("push", "--quiet", "origin", "HEAD:refs/heads/task/own", cwd=tmp_path / "clone")
        wait_until("the record", lambda: terminal.sees("ref=refs/heads/task/own"))
        terminal.type(end)
        wait_until("the end", lambda: terminal.sees("\0") or terminal.process.poll() is not None, 20)
        assert terminal.process.returncode == 0, terminal.text
    check_nothing_is_left(folder, marked)


@pytest.mark.parametrize("argument, words", [("now", "demo takes no arguments"), ("--helpp", "did you mean '--help'?")])
def test_unknown_arguments(argument, words):
    result = run("demo", argument)
    assert (result.returncode, result.stdout) == (2, "") and words in result.stderr
