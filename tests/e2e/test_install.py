# SPDX-License-Identifier: Apache-2.0
"""What meson install leaves behind is found by git."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from .gate import PROGRAM
from .repos import ENVIRONMENT

BUILD = Path(PROGRAM).parent


@pytest.fixture(scope="module")
def installed():
    """The root below which everything was installed; all may look in, for man(1) may be another user."""
    if not shutil.which("meson") or not os.access(BUILD / "build.ninja", os.W_OK):
        pytest.skip("needs meson, and a build folder that can be written")
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", root], check=True,
                       capture_output=True)
        yield root


@pytest.fixture(scope="module")
def path(installed):
    program, = installed.glob("**/bin/git-gate")
    return f"{program.parent}:{os.environ['PATH']}"


def test_git_finds_the_program(path):
    answer = subprocess.run(["git", "gate", "--version"], check=True, capture_output=True, text=True,
                            env={**ENVIRONMENT, "PATH": path}).stdout
    assert answer.startswith("git-gate ") and len(answer.split()) == 2


@pytest.mark.skipif(not shutil.which("man"), reason="needs man(1)")
def test_git_finds_the_manual(installed, path):
    """It is looked for by the command's name only when the command is found."""
    page, = installed.glob("**/man1/git-gate.1")
    shown = subprocess.run(["git", "help", "gate"], check=True, capture_output=True, text=True,
                           env={**ENVIRONMENT, "PATH": path, "MANPATH": str(page.parents[1]),
                                "MANPAGER": "cat", "MANWIDTH": "80"}).stdout
    assert "GIT-GATE(1)" in shown and "--mirror-root" in shown


def test_nothing_else_is_installed(installed):
    files = [path for path in installed.glob("**/*") if path.is_file() and not path.is_symlink()]
    assert {path.name for path in files if path.parent.name == "git_gate"} <= {"__init__.py", "_library.py", "py.typed"}
    names = sorted(path.name for path in files if path.parent.name not in ("git_gate", "__pycache__"))
    assert names == ["git-gate", "git-gate.1", "gitgate.h", "gitgate.pc", "libgitgate.3", "libgitgate.so.0.1.0"]
