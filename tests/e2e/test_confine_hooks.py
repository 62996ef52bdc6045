# SPDX-License-Identifier: Apache-2.0
"""Hooks under --confine=require: the tools that work, and hooks that cannot run."""

import os
import re
import shutil
import signal
import stat
from pathlib import Path

import pytest

from .checks import check_serves
from .confinement import needs_confinement
from .polling import wait_until
from .repos import bare, commit, git, history

pytestmark = needs_confinement
START_FAILS = 4
OTHER_USER = 65534


@pytest.fixture
def mirrors(tmp_path):
    history(bare(tmp_path / "mirrors" / "repo.git"), 1)
    return tmp_path / "mirrors"


def push(gate, folder):
    """Clone, commit, push; return the hook's output."""
    git("clone", "--quiet", gate.url(), folder)
    commit(folder, "file", "new")
    said = git("push", "origin", "main", cwd=folder).stderr
    return [line.rstrip() for line in re.findall(r"^remote: (.*)$", said, re.MULTILINE)]


def start(start_gate, mirrors, *options, **named):
    return start_gate(f"--mirror-root={mirrors}", "--scope=repo", "--confine=require", *options, **named)


def test_tools_of_hooks(mirrors, start_gate, pre_receive, tmp_path):
    """Tools go on when they cannot copy attributes and owners. Temporary files have a place."""
    gate = start(start_gate, mirrors, pre_receive("""
set -e
file=$(mktemp) && echo text >"$file" && echo "made ${file%/*}"
cp -p "$file" copy && cp -a copy copied && install -m 600 copy installed && echo copied
sed -i s/text/word/ copy && grep -q word copy && echo edited
sort -S 1k copy >sorted && echo sorted
rm "$file" copy copied installed sorted
"""))
    assert push(gate, tmp_path / "clone") == [f"made {mirrors / 'repo.git'}", "copied", "edited", "sorted"]


def test_nothing_leaves_the_group_of_the_request(mirrors, start_gate, pre_receive, tmp_path):
    """A job ends with the request, even if the hook wants it to go on."""
    gate = start(start_gate, mirrors, pre_receive("""
setsid sleep 600 </dev/null >/dev/null 2>&1 3>&- || echo "no session"
sleep 600 </dev/null >/dev/null 2>&1 3>&- &
echo $! >pid
"""))
    assert "no session" in push(gate, tmp_path / "clone")
    gate.wait_no_children()
    job = Path("/proc", (mirrors / "repo.git" / "pid").read_text().strip())
    wait_until("the end of the job", lambda: not job.exists())


def test_hooks_hear_signals_that_the_gate_was_started_without(mirrors, start_gate, pre_receive, tmp_path):
    gate = start(start_gate, mirrors, pre_receive("sh -c 'kill -USR1 $$; echo deaf' || echo ended"),
                 preexec_fn=lambda: signal.signal(signal.SIGUSR1, signal.SIG_IGN))
    assert push(gate, tmp_path / "clone")[-1] == "ended"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who has capabilities to lose")
@pytest.mark.parametrize("what", ["the folder", "the hook"])
def test_hooks_that_could_not_be_executed_end_the_start(mirrors, start_gate, pre_receive, tmp_path, what):
    """git would silently skip such hooks, and nobody would enforce their rules."""
    option = pre_receive("echo ran")
    path = tmp_path / "hooks" / ("pre-receive" if what == "the hook" else "")
    path.chmod(stat.S_IRWXU)
    os.chown(path, OTHER_USER, OTHER_USER)
    free = start_gate(f"--mirror-root={mirrors}", "--scope=repo", "--confine=off", option)
    assert push(free, tmp_path / "clone") == ["ran"]
    for mode in ("auto", "require"):
        gate = start_gate(f"--mirror-root={mirrors}", "--scope=repo", f"--confine={mode}", option, wait=False,
                          log_format=None)
        assert gate.wait() == START_FAILS
        gate.err.join()
        assert f"only another user may execute '{path}' of --hooks-path" in "".join(gate.lines)


@pytest.mark.parametrize("allowed", ["{folder}/objects", "/"])
def test_a_link_out_of_the_repository_may_lead_to_what_is_allowed(mirrors, start_gate, tmp_path, allowed):
    shutil.move(mirrors / "repo.git" / "objects", tmp_path / "objects")
    (mirrors / "repo.git" / "objects").symlink_to(tmp_path / "objects")
    gate = start(start_gate, mirrors, f"--allow-path={allowed.format(folder=tmp_path)}")
    check_serves(gate)
