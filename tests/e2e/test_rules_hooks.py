# SPDX-License-Identifier: Apache-2.0
"""Tests the hook program of --rules: it runs before the operator's hooks, and no push passes without it."""

import re
import shutil
from pathlib import Path

import pytest

from .backends import BACKENDS
from .gate import PROGRAM, environment
from .http import TOKEN
from .repos import run_bounded
from .rules import ANY, BRANCH, FILES, TASK, Work, check_refused, push

START_FAILS = 4
LOG = 'echo "$(basename "$0") $* <$(cat | tr "\\n" " ")" >>hooks.log\n'
ALL_HOOKS = {name: LOG for name in ("pre-receive", "update", "post-receive", "post-update", "reference-transaction")}


# ---- beside the operator's hooks ----

@pytest.mark.parametrize("backend", BACKENDS)
def test_operators_hooks_run_behind_the_rules(guarded, backend):
    gate, work = guarded(BRANCH, ALL_HOOKS, f"--backend={backend}")
    old, new = work.id("HEAD"), work.write("x")
    assert push(gate, work, "HEAD:refs/heads/main").returncode == 0
    lines = (work.mirror / "hooks.log").read_text().splitlines()
    change = f"{old} {new} refs/heads/main"
    assert f"pre-receive  <{change} " in lines and f"post-receive  <{change} " in lines
    assert f"update refs/heads/main {old} {new} <" in lines and "post-update refs/heads/main <" in lines
    assert any(re.fullmatch(f"reference-transaction committed <[0-9a-f]+ {new} refs/heads/main .*", line) for line in lines)
    (work.mirror / "hooks.log").unlink()
    check_refused(gate, work, ["HEAD:refs/heads/other"], ["no rule allows"])
    assert not (work.mirror / "hooks.log").exists(), "a hook has run for what the rules refuse"


def test_an_operators_hook_may_refuse_what_the_rules_allow(guarded):
    gate, work = guarded(ANY, {"pre-receive": "echo the hook says no; exit 1\n"})
    said = push(gate, work, TASK)
    assert said.returncode != 0 and "the hook says no" in said.stderr


def test_an_operators_update_refuses_one_of_two(guarded):
    gate, work = guarded(ANY, {"update": "test $1 != refs/heads/b\n"})
    assert push(gate, work, "HEAD:refs/heads/a", "HEAD:refs/heads/b").returncode != 0
    assert "refs/heads/a" in work.refs and "refs/heads/b" not in work.refs


def test_proc_receive(guarded):
    """git refuses without a hook proc-receive. The link in its place refuses, too."""
    gate, work = guarded(ANY, {"pre-receive": "exit 0\n"}, "--git-config=receive.procReceiveRefs=refs/for")
    assert push(gate, work, "HEAD:refs/for/x").returncode != 0
    assert push(gate, work, "HEAD:refs/heads/x").returncode == 0


def test_a_hook_of_the_repository_does_not_run(guarded):
    gate, work = guarded(ANY, {})
    for name in ("pre-receive", "update", "post-receive", "reference-transaction"):
        hook = work.mirror / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch ran-{name}\n")
        hook.chmod(0o755)
    assert push(gate, work, TASK).returncode == 0
    assert not list(work.mirror.glob("ran-*"))


# ---- the program that judges ----

def test_no_rules_no_hook(root_of_one, mirror_template, start_gate, tmp_path):
    """Without --rules there is no program and no variable for them."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "pre-receive").write_text("#!/bin/sh\nenv >environment\n")
    (hooks / "pre-receive").chmod(0o755)
    work = Work(mirror_template, root_of_one, tmp_path)
    gate = start_gate(f"--mirror-root={root_of_one}", f"--scope={work.name}", f"--hooks-path={hooks}")
    assert push(gate, work, TASK).returncode == 0
    assert "GIT_GATE_" not in (work.mirror / "environment").read_text()


@pytest.fixture
def moved(tmp_path):
    """A copy of the program with its hooks, in a folder that a test may change."""
    folder = tmp_path / "program"
    folder.mkdir(mode=0o755)
    build = Path(PROGRAM).parent
    shutil.copy(PROGRAM, folder)
    shutil.copy(build / "git-gate-hook", folder)
    shutil.copytree(build / "hooks", folder / "hooks", symlinks=True)
    return folder


def test_a_lost_program_refuses_pushes(guarded, moved):
    """git would skip a missing hook, and take the push."""
    gate, work = guarded(ANY, {}, program=(moved / "git-gate",))
    assert push(gate, work, "HEAD:refs/heads/a").returncode == 0
    (moved / "git-gate-hook").chmod(0o644)
    said = push(gate, work, "HEAD:refs/heads/b")
    assert said.returncode != 0 and "500" in said.stderr
    assert "refs/heads/b" not in work.refs
    assert any("git-gate-hook" in record["message"] for record in gate.records if record["level"] == "error")


def test_a_missing_program_ends_the_start(small_root, moved, tmp_path):
    (tmp_path / "rules").write_text(ANY)
    (moved / "git-gate-hook").unlink()
    said = run_bounded([moved / "git-gate", "serve", f"--rules={tmp_path}/rules", small_root / "repo.git"], seconds=30,
                       environment=environment(GIT_GATE_TOKEN=TOKEN))
    if (Path("/usr/local/libexec/git-gate") / "git-gate-hook").exists():
        pytest.skip("git-gate is installed, too, and its hook is found")
    assert said.returncode == START_FAILS and "git-gate-hook" in said.stderr


@pytest.mark.parametrize("variables", [{}, {"GIT_GATE_RULES": "git-gate 0.0.0\n"}, {"GIT_GATE_RULES": ""}])
def test_the_hook_alone_refuses(variables):
    hook = Path(PROGRAM).parent / "hooks" / "0" / "pre-receive"
    said = run_bounded([hook], seconds=10, environment=environment(**variables))
    assert said.returncode == 1 and "could not be judged" in said.stderr


def test_many_files_below_a_small_bound_of_pushes(guarded):
    """The bound also holds for each file that a child writes, including the list of objects whose sizes it asks for."""
    gate, work = guarded(FILES, {}, "--max-push-bytes=100k")
    for i in range(3000):
        (work.folder / f"file{i:04}").write_text("x")
    work.git("add", ".")
    work.commit()
    said = push(gate, work, TASK)
    assert said.returncode == 0, said.stderr
    (work.folder / "file2999").write_text("x" * 1025)
    work.git("add", ".")
    work.commit()
    check_refused(gate, work, [TASK], ["the file file2999 has 1025 bytes"])
