# SPDX-License-Identifier: Apache-2.0
"""
Lock files: however a push ends, git leaves no lock that would make a later push fail.

git removes its locks at SIGTERM, and cannot at SIGKILL.
"""

import os
import signal
import subprocess
import time

import pytest

from .checks import create
from .gate import run
from .http import TOKEN, request
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
# A hook that survives SIGTERM, while its receive-pack does not.
STUBBORN = "trap '' TERM; exec >/dev/null 2>&1; while :; do sleep 0.05; done"
N_PACKED = 300_000
N_DELETED = 400
DRAIN = "--drain-timeout=1"


def locks(repository):
    found = [*repository.rglob("*.lock"), *repository.glob("packed-refs.new")]
    return sorted(str(path.relative_to(repository)) for path in found)


def leftovers(repository):
    return locks(repository) + [path.name for path in (repository / "objects").glob("tmp_objdir*")]


def size(path):
    """The size of a file; 0 if there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


@pytest.fixture
def waiting_hook(tmp_path, scratch):
    """A reference-transaction hook that waits, at a point where git holds its locks."""
    def make(wait=WAIT):
        hook = tmp_path / "hooks" / "reference-transaction"
        hook.parent.mkdir()
        hook.write_text("#!/bin/sh" + PREPARED.format(scratch=scratch, wait=wait))
        hook.chmod(0o755)
        return f"--hooks-path={hook.parent}"
    return make


def stop(gate, how):
    """Stop the gate, and wait for its end and that of all its processes."""
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
    """
    git rewrites packed-refs, and holds a lock for each reference as well.

    The signal comes after git has written a part of packed-refs.new. Earlier, git's signal handler may not know the file
    yet, and then git itself leaves it.
    """
    repository = root / "repo.git"
    tip = refs(repository)["refs/heads/main"]
    names = [f"refs/heads/many/{i:06}" for i in range(N_PACKED)]
    add_packed_refs(repository, {"refs/heads/packed-main": tip, **dict.fromkeys(names, tip)})
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", DRAIN, "--git-config=receive.denyDeletes=false")
    body = push([(tip, NO_OBJECT, name) for name in names[:N_DELETED]], b"", "report-status delete-refs atomic")
    with gate.connect() as connection:
        connection.send(request("POST", PUSH, PUSH_TYPE, body=body))
        wait_until("git rewrites packed-refs", lambda: size(repository / "packed-refs.new") > 0)
        stop(gate, how)
    assert locks(repository) == []


@pytest.mark.parametrize("how", ["once", "twice"])
def test_stop_during_the_pack_leaves_no_quarantine(root, start_gate, how):
    """receive-pack removes the quarantine at the end of its input, and not on a signal."""
    repository = root / "repo.git"
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", DRAIN)
    body = create(root, pack=large_pack(1 << 20))
    with gate.connect() as connection:
        connection.send(request("POST", PUSH, PUSH_TYPE, body=body)[:-400_000])
        wait_until("git stores the pack", lambda: list((repository / "objects").glob("tmp_objdir*")))
        stop(gate, how)
    assert leftovers(repository) == []


# Files left by a git that had no time.

OLD = ["HEAD.lock", "config.lock", "packed-refs.lock", "packed-refs.new", "shallow.lock", "refs/heads/x.lock",
       "refs/heads/deep/er/y.lock", "objects/info/commit-graph.lock"]


def leave(repository, names, seconds=3600):
    for name in names:
        path = repository / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (time.time() - seconds,) * 2)


def warnings(gate):
    return [record for record in gate.records if "lock" in record and record["level"] == "warning"]


@pytest.mark.parametrize("scope", ["repo", "*"])
def test_locks_are_named_at_start(root, start_gate, scope):
    repository = root / "repo.git"
    leave(repository, OLD)
    gate = start_gate(f"--mirror-root={root}", f"--scope={scope}")
    wait_until("the record 'serving'", lambda: [record for record in gate.records if record["message"] == "serving"])
    assert sorted(record["lock"] for record in warnings(gate)) == sorted(str(repository / name) for name in OLD)
    for record in warnings(gate):
        subprocess.run(["sh", "-c", record["command"]], check=True)
    assert locks(repository) == []
    assert b"ok refs/heads/new" in gate.ask("POST", PUSH, PUSH_TYPE, body=create(root)).body


def test_what_is_no_lock_is_not_named(root, start_gate):
    """A fresh lock may be in use. The gate does not look behind links."""
    repository = root / "repo.git"
    leave(repository, ["hooks/x.lock", "objects/aa/x.lock"])
    leave(repository, ["refs/heads/now.lock"], seconds=-3600)
    elsewhere = root / "elsewhere"
    elsewhere.mkdir()
    leave(elsewhere, ["x.lock"])
    (repository / "refs" / "link").symlink_to(elsewhere)
    (repository / "refs" / "heads" / "l.lock").symlink_to(elsewhere / "x.lock")
    assert warnings(start_gate(f"--mirror-root={root}", "--scope=repo", f"--allow-path={elsewhere}")) == []


def test_search_for_locks_is_bounded(root, start_gate):
    """A user who can write to the repository must not be able to delay its gate."""
    heads = root / "repo.git" / "refs" / "heads"
    for i in range(60):
        (heads / f"many{i}").mkdir()
        for j in range(1000):
            os.mknod(heads / f"many{i}" / str(j))
    leave(root / "repo.git", ["HEAD.lock"])
    begin = time.monotonic()
    gate = start_gate(f"--mirror-root={root}", "--scope=repo")
    assert time.monotonic() - begin < 5
    assert [record["lock"] for record in warnings(gate)] == [str(root / "repo.git" / "HEAD.lock")]
    assert [record for record in gate.records if record["message"].startswith("the repositories are too large to look")]


def test_check_names_locks(root, start_gate):
    repository = root / "repo.git"
    gate = start_gate(f"--mirror-root={root}", "--scope=repo")
    url = f"--url={gate.url(user=None)}"
    clean = run("check", url, f"--mirror-root={root}", GIT_GATE_TOKEN=TOKEN)
    assert clean.returncode == 0 and clean.stdout.endswith("\nlock files: 0\n")
    leave(repository, ["HEAD.lock", "refs/heads/it's.lock", "refs/heads/\x1b[31m.lock"])
    result = run("check", url, f"--mirror-root={root}", GIT_GATE_TOKEN=TOKEN)
    assert result.returncode == 0 and result.stdout.endswith("\nlock files: 3\n")
    assert f"lock file: makes pushes fail; if no git is at work there: rm '{repository}/HEAD.lock'\n" in result.stdout
    assert f"rm '{repository}/refs/heads/it'\\''s.lock'\n" in result.stdout and "\x1b" not in result.stdout
    unknown = run("check", url, f"--mirror-root={root}/nothing", GIT_GATE_TOKEN=TOKEN)
    assert unknown.returncode == 0 and "lock files: unknown" in unknown.stdout


# A process that a hook leaves running; the end of the request ends it.

BACKGROUND = """
(
    trap 'rm -f packed-refs.lock; touch "{scratch}/removed"; exit' TERM
    {ignored}
    touch packed-refs.lock "{scratch}/locked"
    while :; do sleep 0.05; done
) {streams} &
until [ -e '{scratch}/locked' ]; do sleep 0.01; done
"""


@pytest.mark.parametrize("streams", [">/dev/null 2>&1 </dev/null", ""], ids=["silent", "with git's output"])
def test_end_of_a_request_leaves_no_lock(root, start_gate, pre_receive, scratch, streams):
    """A hook's background process gets SIGTERM and some time at the end of a good request."""
    gate = start_gate(f"--mirror-root={root}", "--scope=repo",
                      pre_receive(BACKGROUND.format(scratch=scratch, streams=streams, ignored="")))
    assert b"ok refs/heads/new" in gate.ask("POST", PUSH, PUSH_TYPE, body=create(root)).body
    gate.wait_no_children()
    assert (scratch / "removed").exists()
    assert locks(root / "repo.git") == []


def test_end_of_a_request_is_bounded(root, start_gate, pre_receive, scratch):
    """A process that ignores SIGTERM gets SIGKILL five seconds later. The client still gets its answer."""
    gate = start_gate(f"--mirror-root={root}", "--scope=repo",
                      pre_receive(BACKGROUND.format(scratch=scratch, ignored="trap '' TERM",
                                                    streams=">/dev/null 2>&1 </dev/null")))
    begin = time.monotonic()
    assert b"ok refs/heads/new" in gate.ask("POST", PUSH, PUSH_TYPE, body=create(root)).body
    assert 4 < time.monotonic() - begin < 10
    gate.wait_no_children()


@pytest.mark.parametrize("how", ["client goes", "stop", "stop twice"])
def test_end_while_leftovers_are_waited_for(root, start_gate, pre_receive, scratch, how):
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", DRAIN,
                      pre_receive(BACKGROUND.format(scratch=scratch, ignored=f"trap 'touch {scratch}/told' TERM",
                                                    streams=">/dev/null 2>&1 </dev/null")))
    with gate.connect() as connection:
        connection.send(request("POST", PUSH, PUSH_TYPE, body=create(root)))
        wait_until("the leftover has got SIGTERM", (scratch / "told").exists)
        if how == "stop twice":
            gate.signal()
            gate.wait_stopped_accepting()
        if how != "client goes":
            gate.signal()
            assert gate.wait() == 0
    gate.wait_no_children(seconds=8)
    assert refs(root / "repo.git")["refs/heads/new"]
