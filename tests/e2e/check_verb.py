# SPDX-License-Identifier: Apache-2.0
"""Runs git-gate check, and reads its findings and sentences. They never show the token."""

import contextlib
import os
import re
import subprocess

import pytest

from .gate import PROGRAM, environment, run, unless_given
from .http import TOKEN, basic
from .repos import out

SERVED, NOT_SERVED, USAGE = 0, 1, 2
STEP_SECONDS, TOTAL_SECONDS = 5, 10


def check(*arguments, token=TOKEN, **named):
    """Run git-gate check. Its output must never contain the token."""
    result = run("check", *arguments, **{"GIT_GATE_TOKEN": token, **named})
    result.findings = dict(line.split(": ", 1) for line in result.stdout.splitlines())
    for secret in (TOKEN, basic().split()[-1]):
        assert secret not in result.stdout + result.stderr, result
    assert all(re.fullmatch(r"git-gate: [ -~]+", line) for line in result.stderr.splitlines()), result.stderr
    return result


def check_fails(words, *arguments, status=NOT_SERVED, **named):
    """Check that git-gate check ends with this status, and one sentence with all the words."""
    result = check(*arguments, **named)
    assert result.returncode == status, result
    assert result.stderr.count("\n") == 1, result.stderr
    for word in words:
        assert word in result.stderr, result.stderr
    return result


def check_served(*arguments, **named):
    result = check(*arguments, **named)
    assert (result.returncode, result.stderr) == (SERVED, ""), result
    assert list(result.findings) == ["reachable", "authenticated", "repository", "protocol", "git", "round trip"]
    assert result.findings["authenticated"] == "yes" and result.findings["repository"] == "repo.git"
    assert result.findings["protocol"] == "version 2"
    # Newer releases name the system as well, as 2.55 does: git/2.55.0-Linux.
    assert result.findings["git"].removesuffix(f"-{os.uname().sysname}") == "git/" + out("version").split()[2]
    assert re.fullmatch(r"[0-9]+ ms", result.findings["round trip"])
    return result


def not_reached(words, *arguments, **named):
    assert check_fails(words, *arguments, **named).findings == {"reachable": "no"}


@pytest.fixture(name="serve")
def serve_repo(root, start_gate):
    """Starts a gate for repo.git."""
    def start(*options, **named):
        return start_gate(f"--mirror-root={root}", *unless_given(["--scope=repo"], options), *options, **named)
    return start


def where(gate):
    return f"--url={gate.url(user='')}"


@contextlib.contextmanager
def started(*arguments, **named):
    """Starts a check, and ends it at the end of the test."""
    process = subprocess.Popen([PROGRAM, "check", *arguments], env=environment(GIT_GATE_TOKEN=TOKEN), text=True,
                               **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **named})
    with process:
        try:
            yield process
        finally:
            process.kill()
