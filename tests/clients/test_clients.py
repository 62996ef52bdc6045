# SPDX-License-Identifier: Apache-2.0
"""
Each foreign client, over each way to the gate: its work succeeds, and it reports refusals in its own words.

Clients that are not installed are left out; script/bootstrap --clients installs them. docs/clients.md has the table of a
run.
"""

import os
import re

import pytest
from e2e.http import TOKEN
from e2e.polling import wait_until
from e2e.repos import bare, commit, git, out, refs, work_tree
from foreign import CLIENTS


WRONG_TOKEN = "x" * 37
LARGE_BYTES = 2 << 20  # JGit compresses pushes that are smaller than 1 MiB
HOOK = """#!/bin/sh
while read -r _ _ name; do
    case $name in refs/heads/refused*) echo 'the hook says no' >&2; exit 1 ;; esac
done
"""

pytestmark = [
    pytest.mark.parametrize("way", ["tcp", "unix", "remote"]),
    pytest.mark.parametrize("client", CLIENTS, ids=repr),
]


@pytest.fixture(scope="module")
def mirrors(tmp_path_factory):
    """A mirror root with repo.git, which is also a package of cargo's, and other.git, which is out of scope."""
    root = tmp_path_factory.mktemp("mirrors")
    work = work_tree(tmp_path_factory.mktemp("work"))
    commit(work, "src/lib.rs", "")
    for i in range(3):
        commit(work, "Cargo.toml", f'[package]\nname = "served"\nversion = "0.1.{i}"\n')
    for name in ("repo", "other"):
        git("push", "--quiet", bare(root / f"{name}.git"), "main", cwd=work)
    hooks = root.parent / f"{root.name}-hooks"
    hooks.mkdir()
    (hooks / "pre-receive").write_text(HOOK)
    (hooks / "pre-receive").chmod(0o755)
    return root, hooks


@pytest.fixture(scope="module")
def gates(mirrors, start_module_gate):
    """Returns the one gate of a way, writable or not."""
    root, hooks = mirrors
    started = {}

    def get(way, *options):
        if (way, options) not in started:
            started[way, options] = start_module_gate(f"--mirror-root={root}", "--scope=repo", f"--hooks-path={hooks}",
                                                      *options, transport=way)
        return started[way, options]
    return get


@pytest.fixture
def gate(client, way, gates, request):
    if client.obstacle():
        pytest.skip(client.obstacle())
    test = request.node.originalname
    pushes = test not in ("test_clone", "test_shallow_clone", "test_wrong_token", "test_another_repository")
    for what in (test, *(["push"] if pushes else []), *(["gate"] if way == "remote" else [])):
        if what in client.cannot:
            pytest.skip(f"cannot: {client.cannot[what]}")
    return gates(way, *(["--read-only"] if test == "test_read_only" else []))


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def cloned(client, gate, home, folder, **variables):
    """A clone to push from. git makes it, except for a client with its own format."""
    if client.name == "hg-git of Mercurial":
        assert client.run("clone", gate.url(), folder, home=home, **variables).returncode == 0
    else:
        git("clone", "--quiet", gate.url(), folder)
        git("config", "user.name", "Ada", cwd=folder)
        git("config", "user.email", "ada@example.org", cwd=folder)
        commit(folder, "file", client.name + str(gate.url()))
    return folder


def requests(gate, status):
    return [record for record in gate.request_records() if record.get("status") == status]


def check_refused(client, gate, status, result):
    """Check that the client fails with a message, and that the gate's record has the status."""
    assert result.returncode != 0, result.stderr
    assert result.stderr.strip() or result.stdout.strip()
    wait_until(f"the record of a {status}", lambda: requests(gate, status))
    gate.wait_no_children()


def test_clone(client, gate, home, tmp_path):
    result = client.run("clone", gate.url(), tmp_path / "clone", home=home)
    assert result.returncode == 0, result.stderr
    if (tmp_path / "clone" / ".git").exists():
        assert out("rev-list", "--count", "refs/remotes/origin/main", cwd=tmp_path / "clone") == "4"
        git("fsck", "--strict", cwd=tmp_path / "clone")
    gate.wait_no_children()


def test_shallow_clone(client, gate, home, tmp_path):
    result = client.run("shallow", gate.url(), tmp_path / "clone", home=home)
    assert result.returncode == 0, result.stderr
    assert out("rev-list", "--count", "refs/remotes/origin/main", cwd=tmp_path / "clone") == "1"


def name_of(request):
    return re.sub("[^a-zA-Z0-9]+", "-", request.node.name).strip("-")


def push(client, gate, home, folder, branch, mirrors):
    result = client.run("push", folder, branch, home=home)
    assert result.returncode == 0, result.stderr
    return refs(mirrors[0] / "repo.git")[f"refs/heads/{branch}"]


def test_small_push(client, gate, home, tmp_path, mirrors, request):
    folder = cloned(client, gate, home, tmp_path / "clone")
    tip = push(client, gate, home, folder, name_of(request), mirrors)
    if (folder / ".git").exists():
        assert tip == out("rev-parse", "main", cwd=folder)


def test_large_push(client, gate, home, tmp_path, mirrors, request):
    folder = cloned(client, gate, home, tmp_path / "clone")
    (folder / "blob").write_bytes(os.urandom(LARGE_BYTES))
    if (folder / ".git").exists():
        commit(folder, "blob", os.urandom(LARGE_BYTES))
    tip = push(client, gate, home, folder, name_of(request), mirrors)
    if (folder / ".git").exists():
        assert tip == out("rev-parse", "main", cwd=folder)
    git("fsck", "--strict", cwd=mirrors[0] / "repo.git")


def test_deletion(client, gate, home, tmp_path, mirrors, request):
    branch = name_of(request)
    git("update-ref", f"refs/heads/{branch}", "refs/heads/main", cwd=mirrors[0] / "repo.git")
    folder = cloned(client, gate, home, tmp_path / "clone")
    result = client.run("delete", folder, branch, home=home)
    assert result.returncode == 0, result.stderr
    assert f"refs/heads/{branch}" not in refs(mirrors[0] / "repo.git")


def test_wrong_token(client, gate, home, tmp_path):
    result = client.run("clone", gate.url().replace(TOKEN, WRONG_TOKEN), tmp_path / "clone", home=home,
                        GIT_GATE_TOKEN=WRONG_TOKEN)
    check_refused(client, gate, 401, result)


def test_another_repository(client, gate, home, tmp_path):
    result = client.run("clone", gate.url("other"), tmp_path / "clone", home=home)
    check_refused(client, gate, 403, result)


def test_read_only(client, gate, home, tmp_path, mirrors, request):
    folder = cloned(client, gate, home, tmp_path / "clone")
    result = client.run("push", folder, name_of(request), home=home)
    check_refused(client, gate, 403, result)
    assert f"refs/heads/{name_of(request)}" not in refs(mirrors[0] / "repo.git")


def test_hook_refuses(client, gate, home, tmp_path, mirrors, request):
    folder = cloned(client, gate, home, tmp_path / "clone")
    branch = f"refused-{name_of(request)}"
    result = client.run("push", folder, branch, home=home)
    assert result.returncode != 0, result.stderr
    assert f"refs/heads/{branch}" not in refs(mirrors[0] / "repo.git")
