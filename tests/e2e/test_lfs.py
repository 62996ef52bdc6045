# SPDX-License-Identifier: Apache-2.0
"""
git-lfs shows the gate's refusal, and finds its objects elsewhere if lfs.url says where.

The first half speaks raw HTTP. The second runs the real git-lfs, if it is installed.
"""

import json
import os
import shutil

import pytest

from .checks import LFS_TYPE, check_error
from .http import TOKEN
from .repos import bare, commit, git, out, work_tree

LFS = "/repo.git/info/lfs"
FILTERS = ["-c", "filter.lfs.process=git-lfs filter-process", "-c", "filter.lfs.clean=git-lfs clean -- %f",
           "-c", "filter.lfs.smudge=git-lfs smudge -- %f", "-c", "filter.lfs.required=true"]
NOT_SERVED = "this gate serves no LFS objects"

by_git_lfs = pytest.mark.skipif(not shutil.which("git-lfs"), reason="needs git-lfs")


@pytest.mark.parametrize("token", [TOKEN, None, "x" * 37])
@pytest.mark.parametrize("method, target", [("POST", f"{LFS}/objects/batch"), ("POST", f"{LFS}/locks/verify"),
                                            ("GET", f"{LFS}/locks?path=a"), ("PUT", f"{LFS}/objects/1")])
def test_not_served(small_root, start_gate, method, target, token):
    """git-lfs first asks without credentials. The answer must not make it look for some."""
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo")
    response = gate.ask(method, target, f"Content-Type: {LFS_TYPE}", body=b"" if method == "GET" else b"{}", token=token)
    check_error(response, 404)
    assert response.reason == "no-lfs" and response.fields["content-type"] == LFS_TYPE
    assert json.loads(response.body)["message"].startswith(NOT_SERVED)
    assert "lfs.url" in json.loads(response.body)["message"]


def large(work):
    """Commit a file that git-lfs keeps elsewhere."""
    (work / ".gitattributes").write_text("*.bin filter=lfs -text\n")
    content = os.urandom(10_000)
    (work / "a.bin").write_bytes(content)
    git(*FILTERS, "add", ".gitattributes", "a.bin", cwd=work)
    commit(work, "text", "text\n")
    assert "git-lfs.github.com" in out("show", "HEAD:a.bin", cwd=work)
    return content


@by_git_lfs
def test_git_lfs_shows_what_the_gate_says(tmp_path, start_gate):
    bare(tmp_path / "repo.git")
    gate = start_gate(f"--mirror-root={tmp_path}", "--scope=repo")
    work = work_tree(tmp_path / "work")
    large(work)
    git("remote", "add", "origin", gate.url(), cwd=work)
    assert NOT_SERVED in git("lfs", "push", "origin", "main", cwd=work, ok=False).stderr
    git("push", "--quiet", "--no-verify", "origin", "main", cwd=work)
    assert NOT_SERVED in git(*FILTERS, "clone", gate.url(), tmp_path / "clone", ok=False).stderr


@by_git_lfs
@pytest.mark.parametrize("transport", ["tcp", "remote"])
def test_git_lfs_with_a_store_elsewhere(tmp_path, start_gate, transport):
    """A bare repository is mounted beside the socket, as docs/containers.md says."""
    bare(tmp_path / "repo.git")
    store = f"lfs.url=file://{bare(tmp_path / 'store' / 'proj.git')}"
    gate = start_gate(f"--mirror-root={tmp_path}", "--scope=repo", transport=transport)
    work = work_tree(tmp_path / "work")
    content = large(work)
    git("remote", "add", "origin", gate.url(), cwd=work)
    git("config", *store.split("=", 1), cwd=work)
    git("lfs", "push", "origin", "main", cwd=work)
    git("push", "--quiet", "origin", "main", cwd=work)
    git(*FILTERS, "clone", "--quiet", "--config", store, gate.url(), tmp_path / "clone")
    assert (tmp_path / "clone" / "a.bin").read_bytes() == content
