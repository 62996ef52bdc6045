# SPDX-License-Identifier: Apache-2.0
"""Tests rules on authors and committers with commits that git log and other readers understand differently."""

from pathlib import Path

import pytest

from . import packets
from .gate import PROGRAM, environment
from .repos import git, run_bounded
from .rules import ANY, COMMITS, VERSION, Work, check_refused, push

EVE = "Eve <eve@evil.example> 1 +0000"
ADA = "Ada <ada@example.org> 1 +0000"
SIGN_OFF = "\nSigned-off-by: Ada <ada@example.org>\n"
AUTHOR = ANY + "[commits]\n    author = *@example.org\n"
COMMITTER = ANY + "[commits]\n    committer = *@example.org\n"
SIGNED_OFF = ANY + "[commits]\n    signedOff = yes\n"
TARGET = "refs/heads/task/new"


def make(work, header, message="Change\n" + SIGN_OFF):
    """Commit the tree of HEAD with this header. Return its id."""
    text = f"tree {work.id('HEAD^{tree}')}\nparent {work.id()}\n{header}\n\n{message}"
    return work.git("hash-object", "-t", "commit", "-w", "--stdin",
                    data=text if isinstance(message, str) else text.encode())


def hide(shown, hidden):
    """A name and address that become another header in UTF-7, where +AAo- is the end of a line, and +ADw- a bracket."""
    name = "Ada +ADw-ada@example.org+AD4- 1 -0000"
    return f"{shown} Eve+AAo-{hidden} {name} <eve@evil.example> 1 -0000"


@pytest.mark.parametrize(("rules", "header", "words"), [
    (AUTHOR, f"author {EVE}\ncommitter {ADA}\nauthor {ADA}", "several lines author"),
    (COMMITTER, f"author {ADA}\ncommitter {EVE}\nx y\ncommitter {ADA}", "several lines committer"),
    (SIGNED_OFF, f"author {EVE}\ncommitter {EVE}\nauthor {ADA}", "several lines author"),
    (AUTHOR, f"{hide('author', 'author')}\n{hide('committer', 'committer')}\nencoding UTF-7", "in the encoding UTF-7"),
    (COMMITTER, f"{hide('author', 'author')}\n{hide('committer', 'committer')}\nencoding utf-7", "encoding utf-7"),
    (AUTHOR, f"author {ADA}\ncommitter {ADA}\nencoding UTF-8\nencoding UTF-7", "in the encoding UTF-7"),
    (AUTHOR, f"author {ADA}\ncommitter {ADA}\nencoding {'x' * 3000}", "in the encoding xxx"),
])
def test_a_commit_with_two_readings(guarded, rules, header, words):
    gate, work = guarded(rules, {})
    check_refused(gate, work, [f"{make(work, header)}:{TARGET}"], [words])


@pytest.mark.parametrize("encoding", ["UTF-8", "ISO-8859-1", "latin1", "EUC-JP", "windows-1252", "Shift_JIS"])
def test_a_commit_in_a_usual_encoding(guarded, encoding):
    gate, work = guarded(COMMITS, {})
    signature = "gpgsig x\n author y\n committer z\n encoding UTF-7"
    oid = make(work, f"author {ADA}\ncommitter {ADA}\nencoding {encoding}\n{signature}",
               f"author Eve\nencoding UTF-7\n{SIGN_OFF}{'x' * 100_000}")
    said = push(gate, work, f"{oid}:{TARGET}")
    assert said.returncode == 0, said.stderr


def bring(gate, work, *oids):
    """Push a new branch at v1, and with it objects to which no reference leads. Return: what the server says."""
    name = work.git("pack-objects", "--quiet", work.folder / "stray", data="\n".join(oids) + "\n")
    body = packets.push([(packets.NO_OBJECT, work.id("v1"), TARGET)],
                        (work.folder / f"stray-{name}.pack").read_bytes(), "report-status side-band-64k")
    answer = gate.ask("POST", f"/{work.mirror.name}/git-receive-pack", packets.PUSH_TYPE, body=body)
    assert answer.status == 200
    return answer.body


def test_a_commit_to_which_no_reference_leads(guarded):
    gate, work = guarded(AUTHOR, {})
    oid = make(work, f"author {EVE}\ncommitter {ADA}\nauthor {ADA}")
    assert b"several lines author" in bring(gate, work, oid)
    assert git("cat-file", "-e", oid, cwd=work.mirror, ok=None).returncode != 0


def test_the_last_one_of_many_commits(mirror_template, tmp_path):
    """More than one git reads them: the list of commits for each is bounded, here by --max-push-bytes."""
    work = Work(mirror_template, tmp_path, tmp_path)
    last = make(work, f"author {EVE}\ncommitter {ADA}\nauthor {ADA}")
    text = "".join(f"commit refs/heads/x\nauthor {ADA}\ncommitter {ADA}\ndata 1\nx\n{start}"
                   for start in [f"from {last}\n"] + 500 * [""])
    work.git("fast-import", "--quiet", "--force", data=text)
    git("push", "--quiet", work.mirror, "x:refs/heads/raw", cwd=work.folder)
    git("update-ref", "-d", "refs/heads/raw", cwd=work.mirror)
    rules = f"git-gate {VERSION}\nrefs.*.update\nany\ncommits.author\n*@example.org\n"
    said = run_bounded(["prlimit", "--fsize=8192", Path(PROGRAM).parent / "hooks/0/pre-receive"], seconds=60,
                       cwd=work.mirror, data=f"{packets.NO_OBJECT} {work.id('x')} {TARGET}\n".encode(),
                       environment=environment(GIT_DIR=".", GIT_GATE_RULES=rules,
                                               GIT_EXEC_PATH=git("--exec-path").stdout.strip()))
    assert said.returncode == 1 and f"commit {last[:12]}: its header has several lines author" in said.stderr, said
