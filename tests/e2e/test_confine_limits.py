# SPDX-License-Identifier: Apache-2.0
"""Layouts that work with and without --confine=require, and the limit on the files of a push."""

import os
import shutil

import pytest

from .backends import ExecPath, real_exec_path
from .checks import check_error, check_serves
from .confinement import needs_confinement
from .gate import PROGRAM, run
from .http import TOKEN
from .repos import bare, commit, git, history, refs
from .targets import INFO

LARGE_BYTES = 1 << 20
CHECK_NOT_SERVED = 1


def clone_and_push(gate, folder, repository="repo"):
    git("clone", "--quiet", gate.url(repository), folder)
    tip = commit(folder, "file", str(folder))
    git("push", "--quiet", "origin", "main", cwd=folder)
    return tip


@needs_confinement
def test_repository_that_is_a_link(tmp_path, start_gate, transport):
    """The link lies below a mirror root that is served as a whole, or is the one repository."""
    (tmp_path / "mirrors").mkdir()
    history(bare(tmp_path / "elsewhere.git"), 2)
    os.symlink(tmp_path / "elsewhere.git", tmp_path / "mirrors" / "repo.git")
    for scope in ("*", "repo"):
        gate = start_gate(f"--mirror-root={tmp_path / 'mirrors'}", f"--scope={scope}", "--confine=require",
                          transport=transport)
        tip = clone_and_push(gate, tmp_path / f"clone-{'all' if scope == '*' else scope}")
        assert refs(tmp_path / "elsewhere.git")["refs/heads/main"] == tip


@needs_confinement
def test_git_by_links_to_another_folder(tmp_path, start_gate):
    """With INSTALL_SYMLINKS git's exec path contains only links."""
    history(bare(tmp_path / "mirrors" / "repo.git"), 2)
    exec_path = ExecPath(tmp_path / "libexec")
    shutil.rmtree(tmp_path / "libexec")
    (tmp_path / "libexec").mkdir()
    (tmp_path / "bin").mkdir()
    for name in ("git", "git-http-backend"):
        shutil.copy(real_exec_path() / name, tmp_path / "bin" / name)
        os.symlink(f"../bin/{name}", tmp_path / "libexec" / name)
    for name in ("git-receive-pack", "git-upload-pack", "git-unpack-objects"):
        os.symlink("git", tmp_path / "libexec" / name)
    gate = start_gate(f"--mirror-root={tmp_path / 'mirrors'}", "--scope=repo", "--confine=require", exec_path=exec_path)
    clone_and_push(gate, tmp_path / "clone")


@needs_confinement
def test_repository_that_is_replaced(root, start_gate):
    """Another folder of the same name stays out of reach, and a warning tells the operator."""
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", "--confine=require")
    check_serves(gate)
    (root / "repo.git").rename(root / "old")
    check_error(gate.ask("GET", INFO), 404)
    shutil.copytree(root / "old", root / "repo.git")
    response = gate.ask("GET", INFO)
    check_error(response, 404)
    assert b"start git-gate anew" in response.body
    said = run("check", f"--url={gate.url()}", GIT_GATE_TOKEN=TOKEN)
    assert said.returncode == CHECK_NOT_SERVED and "start git-gate anew" in said.stderr, said.stderr
    shutil.rmtree(root / "repo.git")
    (root / "old").rename(root / "repo.git")
    check_serves(gate)
    gate.stop()
    assert ["start git-gate anew" in record["reason"] for record in gate.request_records() if record["status"] == 404] \
        == [False, True, True]


@pytest.mark.parametrize("pack", ["loose objects", "a pack"])
def test_file_of_a_push_has_a_bound(tmp_path, start_gate, pack):
    """A body within --max-push-bytes inflates to more: git learns that the file is too large, and cleans up."""
    repo = bare(tmp_path / "mirrors" / "repo.git")
    history(repo, 1)
    limit = 1 if pack == "a pack" else 100
    gate = start_gate(f"--mirror-root={tmp_path / 'mirrors'}", "--scope=repo", "--max-push-bytes=100K",
                      "--git-config=core.compression=0", f"--git-config=receive.unpackLimit={limit}")
    git("clone", "--quiet", gate.url(), tmp_path / "clone")
    commit(tmp_path / "clone", "blob", b"a" * LARGE_BYTES)
    result = git("push", "origin", "main", cwd=tmp_path / "clone", ok=None)
    if pack == "a pack":
        assert result.returncode == 0, "it is kept as it came"
    else:
        assert result.returncode != 0 and "File too large" in result.stderr, result.stderr
    gate.wait_no_children()
    assert not list((repo / "objects").glob("**/*tmp*"))
    git("fsck", "--strict", cwd=repo)


def test_a_stricter_bound_on_files_stays(root, start_gate, tmp_path):
    """The user may have limited files before starting the gate, as LimitFSIZE= of a service does."""
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", "--max-push-bytes=100M",
                      program=("prlimit", f"--fsize={LARGE_BYTES}:{LARGE_BYTES}", PROGRAM))
    tip = clone_and_push(gate, tmp_path / "clone")
    assert refs(root / "repo.git")["refs/heads/main"] == tip
