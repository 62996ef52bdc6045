# SPDX-License-Identifier: Apache-2.0
"""Another user of the machine, for tests of what is refused to other users."""

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
    """Run a program as a user who is neither root nor the tests' own; the result has what it wrote as text."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become another user")
    return subprocess.run(command, **AS_ANOTHER, env=env, capture_output=True, text=True, check=False, timeout=SECONDS)


@contextlib.contextmanager
def public_copy(program):
    """A copy that every user can execute, for a while: the build may lie below a home that only its owner can enter."""
    with tempfile.TemporaryDirectory(prefix="public-") as folder:
        Path(folder).chmod(0o755)
        yield shutil.copy(program, folder)
