# SPDX-License-Identifier: Apache-2.0
"""
A gate on this kernel, whichever it is: with Landlock it confines, without Landlock it warns or does not start.

script/test-kernel runs this on several kernels, together with the tests of confinement.
"""

import pytest

from .confinement import ABI_MIN, landlock_abi, obstacle
from .gate import WITHOUT_LEAKS
from .repos import bare, commit, git, history, out, refs

START_FAILS = 4


@pytest.mark.parametrize("transport", ["tcp", "unix", "remote"])
def test_clone_and_push(tmp_path, start_gate, transport):
    repo = bare(tmp_path / "mirrors" / "repo.git")
    history(repo, 6)
    gate = start_gate(f"--mirror-root={repo.parent}", "--scope=repo", "--confine=auto", transport=transport,
                      variables=WITHOUT_LEAKS)
    git("clone", "--quiet", gate.url(), tmp_path / "clone")
    git("fsck", "--strict", cwd=tmp_path / "clone")
    commit(tmp_path / "clone", "file", "text")
    git("push", "--quiet", "origin", "HEAD:refs/heads/task", cwd=tmp_path / "clone")
    assert refs(repo)["refs/heads/task"] == out("rev-parse", "HEAD", cwd=tmp_path / "clone")
    confined, = (record for record in gate.records if record["message"] == "confined")
    assert confined["landlock_abi"] == (landlock_abi() if landlock_abi() >= ABI_MIN else 0)
    missing = [record.get("missing") for record in gate.records if record["level"] == "warning"]
    assert ("Landlock" in missing) == (landlock_abi() < ABI_MIN)


def test_require(small_root, start_gate):
    """The gate starts only where the kernel offers all of it."""
    if obstacle() and landlock_abi() >= ABI_MIN:
        pytest.skip(obstacle())
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", "--confine=require", wait=False, log_format=None)
    if landlock_abi() >= ABI_MIN:
        gate.wait_listening()
        return
    assert gate.wait() == START_FAILS
    gate.err.join()
    line, = (line for line in gate.lines if line.startswith("git-gate:"))
    assert "--confine=require" in line and "Landlock is not available here" in line
