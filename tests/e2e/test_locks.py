# SPDX-License-Identifier: Apache-2.0
"""
Lock files: whoever ends a push while git holds locks, and however, none stays that would make a later push fail.

git removes them when it gets SIGTERM, and cannot when it gets SIGKILL.
"""

import signal

import pytest

from .checks import create
from .http import request
from .packets import NO_OBJECT, PUSH_TYPE, large_pack, push
from .polling import wait_until
from .repos import add_packed_refs, refs
from .targets import PUSH

PREPARED = """
[ "$1" = prepared ] || exit 0
touch '{scratch}/prepared'
{wait}
"""
WAIT = "while :; do sleep 0.05; done"
# A hook that outlives SIGTERM, as its receive-pack does not.
STUBBORN = "trap '' TERM; exec >/dev/null 2>&1; while :; do sleep 0.05; done"
N_PACKED = 300_000
N_DELETED = 400
DRAIN = "--drain-timeout=1"


def locks(repository):
    return sorted(str(path.relative_to(repository)) for path in repository.rglob("*.lock"))


def leftovers(repository):
    return locks(repository) + [path.name for path in (repository / "objects").glob("tmp_objdir*")]


@pytest.fixture
def waiting_hook(tmp_path, scratch):
    """A reference-transaction hook that waits, where git holds its locks."""
    def make(wait=WAIT):
        hook = tmp_path / "hooks" / "reference-transaction"
        hook.parent.mkdir()
        hook.write_text("#!/bin/sh" + PREPARED.format(scratch=scratch, wait=wait))
        hook.chmod(0o755)
        return f"--hooks-path={hook.parent}"
    return make


def stop(gate, how):
    """Tell the gate to stop, wait for its end and for all that it had started."""
    gate.signal(signal.SIGKILL if how == "SIGKILL" else signal.SIGTERM)
    if how != "SIGKILL" and how != "once":
        gate.wait_stopped_accepting()
        for _ in range({"twice": 1, "many times": 20}[how]):
            gate.signal()
    gate.wait()
    gate.wait_no_children(seconds=5)


@pytest.mark.parametrize("wait", [WAIT, STUBBORN], ids=["hook", "stubborn hook"])
@pytest.mark.parametrize("how", ["once", "twice", "many times", "SIGKILL"])
def test_stop_leaves_no_lock(root, start_gate, waiting_hook, scratch, how, wait):
    if how == "SIGKILL" and wait == STUBBORN:
        pytest.skip("nobody is left who could send SIGKILL to the hook")
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", waiting_hook(wait), DRAIN)
    with gate.connect() as connection:
        connection.send(request("POST", PUSH, PUSH_TYPE, body=create(root)))
        wait_until("git holds its locks", (scratch / "prepared").exists)
        assert locks(root / "repo.git") == ["refs/heads/new.lock"]
        stop(gate, how)
    assert leftovers(root / "repo.git") == []
    with_new = start_gate(f"--mirror-root={root}", "--scope=repo")
    assert b"ok refs/heads/new" in with_new.ask("POST", PUSH, PUSH_TYPE, body=create(root)).body


@pytest.mark.parametrize("how", ["once", "twice", "SIGKILL"])
def test_stop_during_a_large_deletion_leaves_no_lock(root, start_gate, how):
    """git rewrites packed-refs, and holds a lock for each reference besides."""
    repository = root / "repo.git"
    tip = refs(repository)["refs/heads/main"]
    names = [f"refs/heads/many/{i:06}" for i in range(N_PACKED)]
    add_packed_refs(repository, {"refs/heads/packed-main": tip, **dict.fromkeys(names, tip)})
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", DRAIN, "--git-config=receive.denyDeletes=false")
    body = push([(tip, NO_OBJECT, name) for name in names[:N_DELETED]], b"", "report-status delete-refs atomic")
    with gate.connect() as connection:
        connection.send(request("POST", PUSH, PUSH_TYPE, body=body))
        wait_until("git rewrites packed-refs", (repository / "packed-refs.lock").exists)
        stop(gate, how)
    assert locks(repository) == []


@pytest.mark.parametrize("how", ["once", "twice"])
def test_stop_during_the_pack_leaves_no_quarantine(root, start_gate, how):
    """receive-pack removes it at the end of its input, and not on a signal."""
    repository = root / "repo.git"
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", DRAIN)
    body = create(root, pack=large_pack(1 << 20))
    with gate.connect() as connection:
        connection.send(request("POST", PUSH, PUSH_TYPE, body=body)[:-400_000])
        wait_until("git stores the pack", lambda: list((repository / "objects").glob("tmp_objdir*")))
        stop(gate, how)
    assert leftovers(repository) == []
