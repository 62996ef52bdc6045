# SPDX-License-Identifier: Apache-2.0
"""Tests --rules in a hostile repository: replaced objects, grafts, symbolic references, and settings that hide or allow."""

import os

import pytest

from . import packets
from .repos import git, use_storage
from .rules import ANY, BRANCH, DENY, FILES, TASK, check_refused, push

CONFINE = os.environ.get("GIT_GATE_CONFINE", "auto")

def test_a_submodule_that_the_repository_would_have_ignored(guarded):
    """Its own configuration hides changes of a submodule from git diff-tree."""
    gate, work = guarded(FILES, {})
    for key, value in {"submodule.x.path": "sub", "submodule.x.ignore": "all", "submodule.x.url": "x",
                       "diff.ignoreSubmodules": "all"}.items():
        git("config", key, value, cwd=work.mirror)
    work.name_raw("sub", mode="160000")
    check_refused(gate, work, ["raw:refs/heads/task/raw"], ["sub a submodule"])


def test_objects_that_are_replaced(guarded):
    """A replacement shows an innocent commit in place of the pushed one."""
    gate, work = guarded(DENY, {})
    good = work.id()
    bad = work.write(".github/evil.yml")
    assert push(gate, work, f"{good}:refs/replace/{bad}").returncode == 0  # these rules allow it
    check_refused(gate, work, [f"{bad}:refs/heads/task/new"], [".github/evil.yml"])


def test_grafts(guarded):
    """A graft gives the commit a parent that already has the file."""
    gate, work = guarded(DENY, {})
    (work.mirror / "info").mkdir(exist_ok=True)
    bad = work.write(".github/evil.yml")
    twin = work.raw(work.id("HEAD^{tree}"), None)
    git("push", "--quiet", work.mirror, f"{twin}:refs/heads/twin", cwd=work.folder)
    (work.mirror / "info" / "grafts").write_text(f"{bad} {twin}\n")
    check_refused(gate, work, [f"{bad}:refs/heads/task/new"], [".github/evil.yml"])


@pytest.mark.parametrize("storage", ["files", "reftable"])
def test_a_symbolic_reference_leads_to_no_other_one(guarded, storage):
    gate, work = guarded(BRANCH, {})
    use_storage(work.mirror, storage)
    git("symbolic-ref", "refs/heads/task/alias", "refs/heads/old", cwd=work.mirror)
    work.write("x")
    check_refused(gate, work, ["+HEAD:refs/heads/task/alias"], ["it is a symbolic reference"])


@pytest.mark.parametrize("storage", ["files", "link", "reftable"])
def test_a_symbolic_reference_that_leads_nowhere_creates_nothing(guarded, storage):
    """git would create the target reference, for which another rule holds."""
    gate, work = guarded(BRANCH, {})
    use_storage(work.mirror, storage)
    if storage == "link" and CONFINE == "off":
        pytest.skip("without Landlock, a repository with such a link is not served")
    if storage == "link":
        (work.mirror / "refs/heads/task").mkdir(parents=True, exist_ok=True)
        (work.mirror / "refs/heads/task/alias").symlink_to("../secret")
    else:
        git("symbolic-ref", "refs/heads/task/alias", "refs/heads/secret", cwd=work.mirror)
    work.write("x")
    check_refused(gate, work, ["HEAD:refs/heads/task/alias"], ["refs/heads/task/alias: it is a symbolic reference"])
    check_refused(gate, work, [TASK, "HEAD:refs/heads/task/alias"], ["nothing was taken"])
    assert push(gate, work, TASK).returncode == 0


@pytest.mark.parametrize("target", ["there", "not-there", ""])
def test_a_name_that_leads_away_is_not_looked_at(guarded, tmp_path, target):
    """Hooks get names that git has not checked yet. An answer would tell which files the host has."""
    gate, work = guarded(BRANCH, {})
    (tmp_path / "there").write_text("ref: refs/heads/main\n")
    name = f"refs/heads/task/{'../' * 20}{str(tmp_path)[1:]}/{target}"
    answer = gate.ask("POST", f"/{work.name}.git/git-receive-pack", packets.PUSH_TYPE,
                      body=packets.push([(packets.NO_OBJECT, work.id("main"), name)], packets.empty_pack()))
    assert answer.body.endswith(f"ng {name} funny refname\n0000".encode()), answer.body


@pytest.mark.parametrize("storage", ["files", "reftable"])
@pytest.mark.parametrize("named", [packets.NO_OBJECT, "1" * 40])
def test_a_deletion_that_does_not_say_what_it_deletes(guarded, storage, named):
    """git then deletes whatever the reference holds, even behind a symbolic reference."""
    gate, work = guarded(BRANCH, {})
    use_storage(work.mirror, storage)
    git("symbolic-ref", "refs/heads/task/alias", "refs/heads/old", cwd=work.mirror)
    before = work.refs
    body = packets.push([(named, packets.NO_OBJECT, "refs/heads/task/alias")], b"", "report-status delete-refs")
    said = gate.ask("POST", f"/{work.mirror.name}/git-receive-pack", packets.PUSH_TYPE, body=body)
    assert said.status == 200 and b"ng refs/heads/task/alias pre-receive hook declined" in said.body, said.body
    assert work.refs == before


FSCK = {"receive.fsck.fullPathname": "ignore", "receive.fsck.missingEmail": "warn", "RECEIVE.fsck.TREEnotsorted": "ignore"}


@pytest.mark.parametrize("key", FSCK)
def test_a_repository_that_lets_in_malformed_objects_is_not_served(guarded, key):
    """Somebody could have set the key after the start."""
    gate, work = guarded(ANY, {})
    assert push(gate, work, "HEAD:refs/heads/a").returncode == 0
    git("config", key, "error", cwd=work.mirror)
    assert push(gate, work, "HEAD:refs/heads/b").returncode == 0
    git("config", key, FSCK[key], cwd=work.mirror)
    said = push(gate, work, "HEAD:refs/heads/c")
    assert said.returncode != 0 and "refs/heads/c" not in work.refs
    assert any(key.lower() in record.get("error", "") for record in gate.records if record["level"] == "error")


def test_a_slash_in_a_name_is_refused(guarded):
    """A tree with an entry named like a whole path could get around a path rule."""
    gate, work = guarded(DENY, {})
    tree = work.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin",
                    data=b"100644 .github/x\0" + bytes.fromhex(work.blob("x")))
    work.raw(tree)
    before, objects = work.refs, work.objects()
    said = push(gate, work, "raw:refs/heads/task/raw")
    assert said.returncode != 0 and "fullPathname" in said.stderr
    assert (work.refs, work.objects()) == (before, objects)
