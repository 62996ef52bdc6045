# SPDX-License-Identifier: Apache-2.0
"""Runs git with git-remote-gate, through a gate's Unix socket."""

import pytest

from .http import TOKEN, basic
from .repos import git, without_epilogue

FAILED = 128
URL = "gate:///repo.git"
SECRETS = (TOKEN, basic().rsplit(" ", 1)[1])


@pytest.fixture(scope="module", name="gate")
def gate_of_git(small_root, start_module_gate):
    return start_module_gate(f"--mirror-root={small_root}", "--scope=repo", transport="unix")


def run_git(gate, *arguments, **named):
    """git, with the socket in the environment, as in most containers."""
    return git(*arguments, **{"GIT_GATE_SOCKET": gate.socket_path, **named})


def check_fails(words, *arguments, **named):
    """Check that git fails, and that the last line is one sentence of the helper with all the words."""
    result = git(*arguments, ok=False, **named)
    assert result.returncode == FAILED, result
    last = without_epilogue(result.stderr).splitlines()[-1]
    assert last.startswith("git-remote-gate: "), result.stderr
    for word in words:
        assert word in last, last
    assert not any(secret in result.stderr for secret in SECRETS), result.stderr
    return result
