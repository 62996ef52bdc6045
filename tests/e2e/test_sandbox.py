# SPDX-License-Identifier: Apache-2.0
"""git in a sandbox without a network, with only the gate's socket and git-remote-gate."""

import shutil

import pytest

from .repos import bare, commit, history, out, refs, work_tree
from .sandboxes import Sandbox

COMMITS = 30
CLONES = 20
PUSH_BYTES = 50 << 20


@pytest.fixture
def run(root_of_the_sandbox, start_gate, tmp_path):
    """Run a shell script inside a sandbox of its own, and return its result."""
    if Sandbox.obstacle():
        pytest.skip(Sandbox.obstacle())
    gate = start_gate(f"--mirror-root={root_of_the_sandbox}", "--scope=proj", transport="unix")
    work = tmp_path / "work"
    work.mkdir()
    sandbox = Sandbox(gate.socket_path, work, tmp_path)

    def inside(script, ok=True, seconds=120):
        result = sandbox.run(script, seconds)
        assert (result.returncode == 0) == ok, result
        return result
    inside.work = work
    inside.gate = gate
    return inside


@pytest.fixture
def root_of_the_sandbox(tmp_path):
    root = tmp_path / "root"
    history(bare(root / "proj.git"), COMMITS)
    return root


def test_there_is_no_network(run):
    """Without this, the other tests prove nothing."""
    listing = run("cat /proc/net/dev").stdout.decode()
    devices = [line.split(":")[0].strip() for line in listing.splitlines() if ":" in line]
    assert devices == ["lo"]


def test_clone_commit_push_fetch(run, root_of_the_sandbox):
    run("""
git clone --quiet gate:///proj.git clone
cd clone
echo text >new && git add new && git commit --quiet -m 'From the sandbox'
git push --quiet origin main
""")
    mirror = root_of_the_sandbox / "proj.git"
    tip = out("rev-parse", "HEAD", cwd=run.work / "clone")
    assert refs(mirror)["refs/heads/main"] == tip
    newest = history(mirror, 2, text="outside", start=tip)[-1]
    run("cd clone && git pull --quiet")
    assert out("rev-parse", "HEAD", cwd=run.work / "clone") == newest


def test_shallow_and_partial(run):
    run("""
git clone --quiet --depth=3 gate:///proj.git shallow
git -C shallow fetch --quiet --deepen=4
git clone --quiet --no-checkout --filter=blob:none gate:///proj.git partial
git -C partial checkout --quiet main
""")
    assert out("rev-list", "--count", "HEAD", cwd=run.work / "shallow") == "7"
    assert (run.work / "partial" / "dir0" / "file").read_text().startswith("line ")


def test_push_of_50_megabytes(run, root_of_the_sandbox):
    run(f"""
git clone --quiet gate:///proj.git clone
cd clone
head -c {PUSH_BYTES} /dev/urandom >large && git add large && git commit --quiet -m 'Large'
git push --quiet origin main
""", seconds=240)
    assert out("cat-file", "-s", "main:large", cwd=root_of_the_sandbox / "proj.git") == str(PUSH_BYTES)


def test_twenty_clones_at_once(run):
    run(f"""
for i in $(seq {CLONES}); do git clone --quiet gate:///proj.git "clone$i" & pids="${{pids:-}} $!"; done
for pid in $pids; do wait "$pid"; done
""")
    for i in range(1, CLONES + 1):
        assert out("rev-list", "--count", "HEAD", cwd=run.work / f"clone{i}") == str(COMMITS)


def test_nothing_listens_afterwards(run):
    """Nothing listens after git's success or failure."""
    if not shutil.which("ss"):
        pytest.skip("needs ss(8), of the package iproute2")
    result = run("""
git clone --quiet gate:///proj.git clone
git ls-remote gate:///other.git 2>/dev/null && exit 1
ss --no-header --listening --tcp --numeric
""")
    assert result.stdout == b""


def test_failure_is_told(run):
    assert "for another repository than other.git" in run("git ls-remote gate:///other.git", ok=False).stderr


def test_gate_that_has_stopped(run):
    """The gate removes its socket, and the mounted folder shows that."""
    run("git ls-remote gate:///proj.git")
    run.gate.stop()
    result = run("git ls-remote gate:///proj.git", ok=False)
    assert "there is no socket '/run/git-gate/gate.sock'" in result.stderr


def test_push_is_undone_by_nothing(run, tmp_path):
    """A commit in the sandbox is still there and whole after a failed push."""
    work = work_tree(run.work / "own")
    tip = commit(work, "file", "text\n")
    run("cd own && git push gate:///other.git main", ok=False)
    run("cd own && git push --quiet gate:///proj.git main:side && git fsck --strict --no-dangling")
    assert refs(tmp_path / "root" / "proj.git")["refs/heads/side"] == tip
