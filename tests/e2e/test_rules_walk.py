# SPDX-License-Identifier: Apache-2.0
"""Tests the git that tells git-gate-hook the changes of new commits: whatever a repository sets, it tells all of them."""

import shlex
import shutil
from pathlib import Path

import pytest

from . import packets
from .gate import PROGRAM, environment
from .repos import ENVIRONMENT, git, run_bounded
from .rules import VERSION, Work, make_template

RULES = f"""git-gate {VERSION}
refs.*.update
fast-forward
paths.deny
never/**
"""
DENY = """
[refs "refs/heads/task/*"]
    update = fast-forward
[paths]
    deny = .github/**
"""
FORMAT = "--format=%H %P%x00%ae%x00%ce%x00%B"
COMPARE = ("diff-tree", "--stdin", "--root", "-r", "-c", "--raw", "-z", "--always", "--no-renames", "--no-abbrev",
           "--no-color", "--ignore-submodules=none", "--encoding=none", FORMAT)

REMEMBERED = 65_536  # commits of a push: REMEMBERED_MAX of src/hook/arrivals.c

# What changes the output of git log or of diffs, or what they execute.
HOSTILE = {
    "alias.log": "!touch ran-alias",
    "color.diff": "always",
    "color.ui": "always",
    "core.abbrev": "7",
    "core.attributesFile": "attributes",
    "core.notesRef": "refs/notes/x",
    "core.pager": "touch ran-pager",
    "core.quotePath": "true",
    "diff.algorithm": "patience",
    "diff.colorMoved": "zebra",
    "diff.context": "0",
    "diff.dirstat": "lines",
    "diff.external": "touch ran-external",
    "diff.ignoreSubmodules": "all",
    "diff.mnemonicPrefix": "true",
    "diff.noPrefix": "true",
    "diff.orderFile": "order",
    "diff.relative": "true",
    "diff.renameLimit": "1",
    "diff.renames": "copies",
    "diff.submodule": "log",
    "diff.suppressBlankEmpty": "true",
    "diff.wsErrorHighlight": "all",
    "diff.x.command": "touch ran-command",
    "diff.x.textconv": "touch ran-textconv",
    "format.encodeEmailHeaders": "true",
    "format.notes": "true",
    "format.pretty": "oneline",
    "gpg.program": "touch ran-gpg",
    "i18n.commitEncoding": "UTF-16",
    "i18n.logOutputEncoding": "UTF-16",
    "log.abbrevCommit": "true",
    "log.date": "relative",
    "log.decorate": "full",
    "log.diffMerges": "first-parent",
    "log.follow": "true",
    "log.initialDecorationSet": "all",
    "log.mailmap": "true",
    "log.showRoot": "false",
    "log.showSignature": "true",
    "mailmap.blob": "main:.mailmap",
    "notes.displayRef": "refs/notes/*",
    "pager.log": "true",
    "submodule.sub.ignore": "all",
    "submodule.sub.path": "sub",
}


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return make_template(tmp_path_factory.mktemp("walk"))


def make_history(work):
    """Commits of many kinds: each kind of change, roots, merges of each kind, odd messages, names and encodings."""
    work.write("z/ä\n\"tab\t", "x")
    work.write("a" * 200, "y")
    work.git("mv", "README", "moved")
    work.commit("Rename", GIT_AUTHOR_NAME="Ada\u0301", GIT_AUTHOR_EMAIL="old@example.org")
    (work.folder / "tool.sh").chmod(0o644)
    (work.folder / "src" / "x.c").unlink()
    (work.folder / "src" / "x.c").symlink_to("../tool.sh")
    work.git("add", "--all")
    work.commit("Change modes")
    work.commit("", "--allow-empty-message")
    work.commit("Nothing\n\n\ncommit 1234\n:100644 100644 a b M\n\n")
    work.name_raw("sub", mode="160000")
    work.git("reset", "--quiet", "--hard", "raw")
    latin = work.git("cat-file", "commit", "HEAD").encode().replace(b"\n\n", b"\nencoding ISO-8859-1\n\ncaf\xe9\n", 1)
    work.git("reset", "--quiet", "--hard", work.git("hash-object", "-t", "commit", "-w", "--stdin", data=latin))
    for name, start in (("one", "main"), ("two", "main~2"), ("three", "v1")):
        work.git("checkout", "--quiet", "-b", name, start)
        work.write(f"side/{name}")
    work.git("checkout", "--quiet", "main")
    work.git("merge", "--quiet", "-m", "Octopus", "one", "two")
    work.git("merge", "--quiet", "--no-commit", "three")
    work.write("side/one", "evil\n", "Merge with a change of its own")
    lone = work.git("commit-tree", "-m", "Root", "main^{tree}")
    work.git("checkout", "--quiet", "--detach",
             work.git("commit-tree", "-m", "Merge a root", "-p", "main", "-p", lone, "main^{tree}"))
    signed = work.git("cat-file", "commit", "HEAD").replace("\n\n", "\ngpgsig x\n y\n\n", 1)
    return work.git("hash-object", "-t", "commit", "-w", "--stdin", data=signed)


def judge(work, commands, folder, script):
    """Run git-gate-hook alone, with a git that is a script; $real is the real one."""
    real = Path(git("--exec-path").stdout.strip(), "git")
    folder.mkdir()
    (folder / "git").write_text(f"#!/bin/sh\nreal={shlex.quote(str(real))}\n{script}")
    (folder / "git").chmod(0o755)
    hook = Path(PROGRAM).parent / "hooks" / "0" / "pre-receive"
    return run_bounded([hook], seconds=60, cwd=work.mirror, data=commands.encode(),
                       environment=environment(GIT_DIR=".", GIT_GATE_RULES=RULES, GIT_EXEC_PATH=folder))


def make_hostile(work):
    """All that a repository may hold to change what git log writes."""
    mirror = work.mirror
    (mirror / "order").write_text("z*\nside/two\nm*\n")
    (mirror / "attributes").write_text("* diff=x\n")
    git("notes", "--ref=refs/notes/x", "add", "-m", "note", "main", cwd=mirror)
    git("notes", "--ref=refs/notes/commits", "add", "-m", "note", "main", cwd=mirror)
    git("replace", work.id("main"), work.id("v1"), cwd=mirror)
    for key, value in HOSTILE.items():
        git("config", key, value, cwd=mirror)


def test_settings_of_a_repository_hide_no_change(template, tmp_path):
    work = Work(template, tmp_path, tmp_path)
    tip = make_history(work)
    git("push", "--quiet", work.mirror, f"{tip}:refs/heads/raw", "HEAD:refs/gate/old/x", cwd=work.folder)
    git("update-ref", "-d", "refs/heads/raw", cwd=work.mirror)
    listed = git("rev-list", tip, "--not", "--exclude=refs/gate/old/*", "--all", cwd=work.mirror).stdout
    expected = run_bounded(["git", *COMPARE], seconds=60, cwd=work.mirror, environment=ENVIRONMENT,
                           data=listed.encode() + b"\n").stdout
    make_hostile(work)
    plain = run_bounded(["git", "log", *COMPARE[2:7], FORMAT, tip, "--not", "main"], seconds=60, cwd=work.mirror,
                        environment=ENVIRONMENT).stdout
    output = tmp_path / "output"
    said = judge(work, f"{'0' * 40} {tip} refs/heads/task\n", tmp_path / "bin",
                 f'test $3 = log || exec "$real" "$@"\nexec "$real" "$@" >{shlex.quote(str(output))}\n')
    assert said.returncode == 0, said.stderr
    assert output.read_bytes() == expected
    assert plain != expected
    assert not list(work.mirror.glob("ran-*"))


def start(start_gate, template, tmp_path):
    """A gate with the rules DENY, and a work tree for its one mirror."""
    (tmp_path / "rules").write_text(DENY)
    root = tmp_path / "mirrors"
    root.mkdir()
    work = Work(template, root, tmp_path)
    return start_gate(f"--mirror-root={root}", "--scope=*", f"--rules={tmp_path}/rules"), work


def bring(gate, work, command, oids):
    """Push a command with a pack of these objects. Return: what the server says."""
    name = work.git("pack-objects", "--quiet", work.folder / "brought", data=oids)
    body = packets.push([command], (work.folder / f"brought-{name}.pack").read_bytes(), "report-status side-band-64k")
    answer = gate.ask("POST", f"/{work.mirror.name}/git-receive-pack", packets.PUSH_TYPE, body=body)
    assert answer.status == 200
    return answer.body


@pytest.mark.parametrize(("start", "also"), [("main", []), ("side", ["rev-parse"])])
def test_commits_tell_that_a_move_is_a_fast_forward(template, tmp_path, start, also):
    """Only if the old tip is a parent of no new commit, git has to look for it."""
    work = Work(template, tmp_path, tmp_path)
    old = work.id("main")
    if start == "side":
        work.write("x")
        git("push", "--quiet", work.mirror, "main:refs/heads/known", cwd=work.folder)
    work.write("y")
    git("push", "--quiet", work.mirror, "HEAD:refs/heads/raw", cwd=work.folder)
    git("update-ref", "-d", "refs/heads/raw", cwd=work.mirror)
    asked = tmp_path / "asked"
    said = judge(work, f"{old} {work.id()} refs/heads/main\n", tmp_path / "bin",
                 f'echo $3 >>{shlex.quote(str(asked))}\nexec "$real" "$@"\n')
    assert said.returncode == 0, said.stderr
    assert asked.read_text().split() == ["cat-file", "for-each-ref", "cat-file", "log", *also]


def test_a_commit_of_another_line_is_no_fast_forward(start_gate, template, tmp_path):
    """It has the old tip behind it, and comes with the push, but the new tip does not have it behind it."""
    gate, work = start(start_gate, template, tmp_path)
    old = work.id("task/there")
    work.git("checkout", "--quiet", "--detach", old)
    work.write("x")
    stray = work.git("rev-list", "--objects", "--no-object-names", "HEAD~1..HEAD")
    work.git("checkout", "--quiet", "--detach", "v1")
    work.write("y")
    new = work.git("rev-list", "--objects", "--no-object-names", "HEAD~1..HEAD")
    said = bring(gate, work, (old, work.id(), "refs/heads/task/there"), f"{stray}\n{new}\n")
    assert b"the old commit is no ancestor of the new one" in said, said
    assert work.refs["refs/heads/task/there"] == old


def test_a_merge_of_another_line_drops_nothing(start_gate, template, tmp_path):
    gate, work = start(start_gate, template, tmp_path)
    work.git("checkout", "--quiet", "-b", "past", "v1")
    work.write("past")
    merge = work.git("commit-tree", "-p", "main", "-p", "past", "-m", "Merge", "past^{tree}")
    stray = work.git("rev-list", "--objects", "--no-object-names", merge, "--not", "main")
    work.git("checkout", "--quiet", "--detach", "main")
    work.write("x")
    new = work.git("rev-list", "--objects", "--no-object-names", "HEAD~1..HEAD")
    said = bring(gate, work, (packets.NO_OBJECT, work.id(), "refs/heads/task/new"), f"{stray}\n{new}\n")
    assert b"it touches .github/workflows/ci.yml" in said, said


def test_more_commits_than_are_remembered(start_gate, template, tmp_path):
    """One of them has no reference. It comes last, when no other one can be remembered."""
    gate, work = start(start_gate, template, tmp_path)
    lines = [f"commit refs/heads/many\nmark :{i + 1}\ncommitter Ada <a@b> {i} +0000\ndata 1\nx\n"
             + ("from refs/heads/main^0\n" if i == 0 else "") for i in range(REMEMBERED)]
    work.git("fast-import", "--quiet", data="".join(lines))
    many = work.git("rev-list", "many", "--not", "main")
    work.write(".github/x")
    stray = work.git("rev-list", "--objects", "--no-object-names", "main~1..main")
    said = bring(gate, work, (packets.NO_OBJECT, work.id("many"), "refs/heads/task/new"), f"{many}\n{stray}\n")
    assert b"it touches .github/x" in said, said
    assert "refs/heads/task/new" not in work.refs
