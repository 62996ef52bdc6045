# SPDX-License-Identifier: Apache-2.0
"""Hooks that git would pass over: a hook that could be executed at start must stay executable at each push."""

import os
import subprocess

import pytest

from .checks import check_error, check_serves, create
from .packets import PUSH_TYPE
from .repos import refs
from .targets import INFO_PUSH, PUSH

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
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give hooks to another user")
def test_hooks_of_another_user_are_no_warning(root, start_gate, pre_receive, tmp_path):
    option = pre_receive("exit 0")
    subprocess.run(["chown", "-R", "12345", tmp_path / "hooks"], check=True)
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", "--confine=auto", option)
    assert not [record for record in gate.records if OWNED in record["message"]]
    assert b"ok refs/heads/new" in push(gate, root).body
