# SPDX-License-Identifier: Apache-2.0
"""Hooks that git would skip: a hook that was executable at the start must still be so at each push."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from .checks import check_error, check_serves, create
from .gate import PROGRAM, environment, run
from .http import TOKEN
from .packets import PUSH_TYPE
from .repos import refs
from .targets import INFO_PUSH, PUSH
from .users import ANOTHER, public_copy, run_as_another

USAGE = 2
START_FAILS = 4
OWNED = "owns the hooks"
REFUSES = "echo no; exit 1"


def push(gate, root):
    return gate.ask("POST", PUSH, PUSH_TYPE, body=create(root))


@pytest.mark.parametrize("change", [lambda hook: hook.chmod(0o644), lambda hook: hook.unlink(),
                                    lambda hook: hook.rename(hook.parent / "aside")],
                         ids=["chmod", "unlink", "rename"])
def test_push_without_its_hook_is_refused(root, start_gate, pre_receive, tmp_path, change):
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", pre_receive(REFUSES))
    hook = tmp_path / "hooks" / "pre-receive"
    text = hook.read_text()
    assert b"pre-receive hook declined" in push(gate, root).body
    change(hook)
    check_error(push(gate, root), 500)
    check_error(gate.ask("GET", INFO_PUSH), 500)
    assert "refs/heads/new" not in refs(root / "repo.git")
    check_serves(gate)  # fetches run no hook
    assert any(record.get("hook") == "pre-receive" for record in gate.records if record["level"] == "error")
    hook.write_text(text)
    hook.chmod(0o755)
    assert b"pre-receive hook declined" in push(gate, root).body


@pytest.mark.needs_confinement
def test_hook_that_a_push_switches_off(root, start_gate, pre_receive, tmp_path):
    """Confined code that runs as the owner of the hooks may change their mode."""
    hook = tmp_path / "hooks" / "pre-receive"
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", "--confine=auto",
                      pre_receive(f"chmod 0644 '{hook}'; exit 1"))
    assert [record for record in gate.records if OWNED in record["message"]]
    assert b"pre-receive hook declined" in push(gate, root).body
    assert not os.access(hook, os.X_OK) and hook.stat().st_mode & 0o111 == 0
    check_error(push(gate, root), 500)
    assert "refs/heads/new" not in refs(root / "repo.git")


@pytest.mark.needs_confinement
@pytest.mark.parametrize("whose", ["the folder", "the hook"])
def test_own_hooks_end_the_start_where_confinement_is_required(root, pre_receive, tmp_path, whose):
    """A push could switch the hooks off for another running push, or for the next start of the gate."""
    option = pre_receive("exit 0")
    if os.geteuid() == 0:
        os.chown(tmp_path / "hooks" / ("pre-receive" if whose == "the folder" else ""), 12345, 12345)
    said = run("serve", "--confine=require", option, root / "repo.git")
    assert said.returncode == START_FAILS and said.stdout == ""
    assert "git's user owns" in said.stderr and "--hooks-path" in said.stderr and "--confine=auto" in said.stderr
    assert "'.'" in said.stderr or ("'pre-receive'" in said.stderr and whose == "the hook")


@pytest.mark.needs_confinement
def test_own_hooks_do_not_matter_without_pushes(root, start_gate, pre_receive):
    check_serves(start_gate(f"--mirror-root={root}", "--scope=repo", pre_receive("exit 0"), "--read-only",
                            "--confine=require"))


def test_hooks_that_cannot_be_found_are_named(root, start_gate, tmp_path):
    """A link that leads nowhere looks like a hook to its owner, but git skips it."""
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks" / "update").symlink_to("nowhere")
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", f"--hooks-path={tmp_path}/hooks")
    assert [record for record in gate.records if record.get("hook") == "update" and "skips" in record["message"]]


@pytest.mark.parametrize("mode", [0o644, 0o000])
def test_hooks_whose_folder_cannot_be_searched_end_the_start(root, tmp_path, mode):
    """git would skip all of them. So a hostile push could switch them off for the next start."""
    with public_copy(PROGRAM) as program, tempfile.TemporaryDirectory(prefix="public-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "hooks").mkdir()
        (folder / "hooks").chmod(mode)
        repository = shutil.copytree(root / "repo.git", folder / "repo.git")
        arguments = ["serve", f"--hooks-path={folder}/hooks", repository]
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", str(ANOTHER), repository], check=True)
            said = run_as_another(program, *arguments, env=environment(GIT_GATE_TOKEN=TOKEN))
        else:
            said = run(*arguments, GIT_GATE_TOKEN=TOKEN)
    assert said.returncode == USAGE and said.stdout == ""
    assert "--hooks-path" in said.stderr and "chmod 755" in said.stderr


@pytest.mark.needs_confinement
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give hooks to another user")
def test_hooks_of_another_user_are_no_warning(root, start_gate, pre_receive, tmp_path):
    option = pre_receive("exit 0")
    subprocess.run(["chown", "-R", "12345", tmp_path / "hooks"], check=True)
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", "--confine=auto", option)
    assert not [record for record in gate.records if OWNED in record["message"]]
    assert b"ok refs/heads/new" in push(gate, root).body
