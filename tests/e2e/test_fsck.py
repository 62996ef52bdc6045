# SPDX-License-Identifier: Apache-2.0
"""--fsck: the malformed objects that a push may bring, from old history or from an attacker."""

import pytest

from .backends import BACKENDS
from .repos import bare, git, history, out, refs

PERSON = "A <a@b> 123 +0000"
AUTHORS = {
    "badTimezone": "author A <a@b> 123 +00000",
    "missingEmail": "author A 123 +0000",
    "missingSpaceBeforeDate": "author A <a@b>123 +0000",
    "zeroPaddedDate": "author A <a@b> 0123 +0000",
    "multipleAuthors": f"author {PERSON}\nauthor {PERSON}",
}
OLD_HISTORY = [*AUTHORS, "zeroPaddedFilemode"]


def raw_object(kind, data, cwd):
    return out("hash-object", "-t", kind, "-w", "--stdin", "--literally", cwd=cwd, data=data)


def malformed(fault, cwd):
    """A commit with this fault in itself or in its tree."""
    blob = raw_object("blob", "text\n", cwd)
    entries = {"zeroPaddedFilemode": b"0100644 file", "hasDotgit": b"100644 .git"}
    tree = raw_object("tree", entries.get(fault, b"100644 file") + b"\0" + bytes.fromhex(blob), cwd)
    author = AUTHORS.get(fault, f"author {PERSON}")
    return raw_object("commit", f"tree {tree}\n{author}\ncommitter {PERSON}\n\nOld\n", cwd)


@pytest.fixture(params=BACKENDS)
def push(request, tmp_path, start_gate):
    """Push a commit with a fault to a gate with --fsck=MODE, and check whether it is taken. Return git's words."""
    mirror = bare(tmp_path / "mirrors" / "repo.git")
    history(mirror, 1)
    work = bare(tmp_path / "work.git")
    gates = {}

    def push_to(mode, fault, ok):
        if mode not in gates:
            gates[mode] = start_gate(f"--mirror-root={mirror.parent}", "--scope=repo", f"--backend={request.param}",
                                     *([f"--fsck={mode}"] if mode else []))
        name = f"refs/heads/{mode}-{fault}"
        said = git("push", gates[mode].url(), f"{malformed(fault, work)}:{name}", cwd=work, ok=ok).stderr
        assert (name in refs(mirror)) == ok
        return said

    return push_to


@pytest.mark.parametrize("mode", [None, "strict"])
def test_strict_refuses_each_fault(push, mode):
    for fault in [*OLD_HISTORY, "hasDotgit"]:
        assert fault in push(mode, fault, ok=False)


def test_warn_takes_old_history_and_shows_its_faults(push):
    for fault in OLD_HISTORY:
        said = push("warn", fault, ok=True)
        assert any(line.startswith("remote: warning:") and fault in line for line in said.splitlines()), said
    assert "hasDotgit" in push("warn", "hasDotgit", ok=False)


def test_off_takes_everything(push):
    for fault in [*OLD_HISTORY, "hasDotgit"]:
        push("off", fault, ok=True)
