# SPDX-License-Identifier: Apache-2.0
"""Runs programs as another user of the machine, for tests of refusals to other users."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

ANOTHER = 65534
AS_ANOTHER = {"user": ANOTHER, "group": ANOTHER, "extra_groups": [], "cwd": "/"}  # for subprocess.Popen, by root
SECONDS = 30


def run_as_another(*command, env=None):
    """Run a program as a user other than root and the tests' own; the result has its output as text."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become another user")
    return subprocess.run(command, **AS_ANOTHER, env=env, capture_output=True, text=True, check=False, timeout=SECONDS)


@contextlib.contextmanager
def public_copy(program):
    """For a while, a copy that every user can execute, as the home with the build may be closed to others.

    A copy of git-gate comes with the programs that it starts from its own folder.
    """
    with tempfile.TemporaryDirectory(prefix="public-") as folder:
        Path(folder).chmod(0o755)
        beside = Path(program).parent
        if (beside / "hooks").is_dir():
            shutil.copy(beside / "git-gate-hook", folder)
            shutil.copytree(beside / "hooks", Path(folder, "hooks"), symlinks=True)
        yield shutil.copy(program, folder)
