# SPDX-License-Identifier: Apache-2.0
"""Work trees on the host: a push may change them with --allow-path=PATH:rw; without it the gate names them."""

import os
import shutil

import pytest

from .confinement import needs_confinement
from .polling import wait_until
from .repos import bare, commit, git, history, out

pytestmark = needs_confinement
SHOWN_MAX = 8  # WORKTREES_SHOWN_MAX
UPDATES = "--git-config=receive.denyCurrentBranch=updateInstead"


@pytest.fixture
def repo(tmp_path):
    (tmp_path / "mirrors").mkdir()
    repo = bare(tmp_path / "mirrors" / "repo.git")
    history(repo, 1)
    return repo


def push(start_gate, repo, folder, *options, fails=False, **named):
    """Push a commit under --confine=require; return what git says."""
    gate = start_gate(f"--mirror-root={repo.parent}", "--scope=repo", "--confine=require", *options, **named)
    git("clone", "--quiet", gate.url(), folder)
    commit(folder, "file", "new")
    return git("push", "origin", "main", cwd=folder, ok=not fails).stderr


def linked(repo, folder):
    """A work tree on the host, of the branch to push to."""
    git("worktree", "add", "--quiet", folder, "main", cwd=repo)
    return folder


def test_update_instead_writes_to_a_writable_work_tree(repo, start_gate, tmp_path):
    tree = linked(repo, tmp_path / "tree")
    said = push(start_gate, repo, tmp_path / "clone", UPDATES, f"--allow-path={tree}:rw")
    assert (tree / "file").read_text() == (tmp_path / "clone/file").read_text(), said
    assert out("status", "--porcelain", cwd=tree) == ""
    assert out("rev-parse", "HEAD", cwd=tree) == out("rev-parse", "HEAD", cwd=tmp_path / "clone")


@pytest.mark.parametrize("end", ["", None])
def test_update_instead_fails_where_it_may_not_write(repo, start_gate, tmp_path, end):
    tree = linked(repo, tmp_path / "tree")
    before = out("rev-parse", "main", cwd=repo)
    allowed = [] if end is None else [f"--allow-path={tree}{end}"]
    said = push(start_gate, repo, tmp_path / "clone", UPDATES, *allowed, fails=True)
    assert out("rev-parse", "main", cwd=repo) == before and out("status", "--porcelain", cwd=tree) == "", said


def start_warnings(start_gate, repo, *options):
    gate = start_gate(f"--mirror-root={repo.parent}", "--scope=repo", *options)
    wait_until("the end of the start", lambda: any(record["message"] == "serving" for record in gate.records))
    return [record for record in gate.records if record["level"] == "warning" and "work tree" in record["message"]]


def test_work_trees_out_of_reach_are_named_at_start(repo, start_gate, tmp_path):
    """The gate names work trees that a push may need and cannot reach: none that is inside, allowed, or gone."""
    away = linked(repo, tmp_path / "away")
    for name in ("relative", "allowed", "gone"):
        git("worktree", "add", "--quiet", "--detach", tmp_path / name, cwd=repo)
    git("worktree", "add", "--quiet", "--detach", repo / "inside", cwd=repo)
    (repo / "worktrees/relative/gitdir").write_text("../../../../relative/.git\n")
    shutil.rmtree(tmp_path / "gone")
    for name, content in {"empty": "", "pipe": None, "link": None, "folder": None}.items():
        (repo / "worktrees" / name).mkdir()
        if content is not None:
            (repo / "worktrees" / name / "gitdir").write_text(content)
    os.mkfifo(repo / "worktrees/pipe/gitdir")
    (repo / "worktrees/link/gitdir").symlink_to(repo / "worktrees/away/gitdir")
    (repo / "worktrees/folder/gitdir").mkdir()
    found = start_warnings(start_gate, repo, "--confine=require", f"--allow-path={tmp_path / 'allowed'}:rw")
    assert sorted((record["repository"], record["worktree"], record["path"]) for record in found) == [
        ("repo", "away", str(away)), ("repo", "relative", str(tmp_path / "relative"))]
    assert all("--allow-path=PATH:rw" in record["message"] for record in found)
    readable = start_warnings(start_gate, repo, "--confine=require", f"--allow-path={tmp_path}")
    assert {record["worktree"] for record in readable} == {"away", "relative", "allowed"}
    for options in (["--confine=require", "--read-only"], ["--confine=off"]):
        assert start_warnings(start_gate, repo, *options) == []


def test_naming_work_trees_has_a_bound(repo, start_gate, tmp_path):
    for i in range(SHOWN_MAX + 1):
        folder = repo / "worktrees" / f"tree{i}"
        folder.mkdir(parents=True)
        (folder / "gitdir").write_text(f"{tmp_path}/.git\n")
    *found, more = start_warnings(start_gate, repo, "--confine=require")
    assert len(found) == SHOWN_MAX and more["worktrees"] == SHOWN_MAX + 1
