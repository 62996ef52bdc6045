# SPDX-License-Identifier: Apache-2.0
"""Upkeep of a served repository: the commands of systemd/README.md, beside running pushes and clones."""

import concurrent.futures
import itertools
import re
import shlex
import threading
from pathlib import Path

import pytest

from .repos import commit, git, history, out, bare

SYSTEMD = Path(__file__).resolve().parents[2] / "systemd"
TASKS = 3
PUSHES = 8  # of each task
ATTEMPTS = 3  # of each push, while the upkeep runs over and over


def command_of(text, pattern, repository):
    """The command of the README, for this repository."""
    line, = re.findall(pattern, text, re.MULTILINE)
    words = shlex.split(line)
    assert words[0] == "git" and words[1].startswith("--git-dir="), words
    return [f"--git-dir={repository}", *words[2:]]


@pytest.fixture
def repo(tmp_path):
    (tmp_path / "mirrors").mkdir()
    repo = bare(tmp_path / "mirrors" / "repo.git")
    history(repo, 20)
    return repo


def push(folder, *arguments):
    """Push. git removes empty folders of objects, and if a push fills one at that moment, git refuses it."""
    for _ in range(ATTEMPTS):
        result = git("push", "--quiet", *arguments, cwd=folder, ok=None)
        if result.returncode == 0:
            return
        assert "unable to migrate objects to permanent storage" in result.stderr
    pytest.fail(f"refused {ATTEMPTS} times")


def push_often(gate, folder, name):
    """Push commits, and force-push some of them away, so that there is something to prune."""
    git("clone", "--quiet", gate.url(), folder)
    for i in range(PUSHES):
        commit(folder, "file", f"{name} {i}")
        push(folder, "origin", f"HEAD:refs/heads/{name}-{i}")
        push(folder, "--force", "origin", f"HEAD~{i % 2}:refs/heads/{name}")
    return folder


def test_both_lines_are_the_same():
    unit = command_of((SYSTEMD / "git-gate-upkeep@.service").read_text(), r"^ExecStart=(.*)$", "R")
    assert unit == command_of((SYSTEMD / "README.md").read_text(), r"^ +17 3 \* \* \*  (git .*)$", "R")


def test_nothing_is_lost(repo, start_gate, tmp_path):
    arguments = command_of((SYSTEMD / "git-gate-upkeep@.service").read_text(), r"^ExecStart=(.*)$", repo)
    gate = start_gate(f"--mirror-root={repo.parent}", "--scope=repo")
    are_done = threading.Event()

    def keep_up():
        for runs in itertools.count(1):
            git(*arguments)
            if are_done.is_set():
                return runs

    with concurrent.futures.ThreadPoolExecutor(TASKS + 1) as pool:
        upkeep = pool.submit(keep_up)
        try:
            clones = list(pool.map(lambda i: push_often(gate, tmp_path / f"clone{i}", f"task{i}"), range(TASKS)))
        finally:
            are_done.set()
    assert upkeep.result() > 1
    git("fsck", "--strict", "--connectivity-only", cwd=repo)
    for i, clone in enumerate(clones):
        for name in (f"task{i}-{j}" for j in range(PUSHES)):
            assert out("rev-parse", name, cwd=repo) in out("rev-list", "HEAD", cwd=clone), name
    assert list((repo / "objects" / "pack").glob("*.pack")) and (repo / "packed-refs").exists()
    git("clone", "--quiet", gate.url(), tmp_path / "again")
