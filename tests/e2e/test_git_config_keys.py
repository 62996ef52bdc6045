# SPDX-License-Identifier: Apache-2.0
"""
Each variable of git has a line in tests/data/git-config/keys with its effect in a served repository.

So this test fails for the new variables of a newer git. It also tries the lines about overridden and refused variables.
"""

import fnmatch
import re
from pathlib import Path

import pytest

from .gate import BACKEND, run
from .http import TOKEN
from .repos import bare, commit, git, history, out

TABLE = Path(__file__).parents[1] / "data" / "git-config" / "keys"
WORDS = {"overridden", "refused", "ignored", "unused", "kept"}
USAGE = 2

# Keys that are overridden by something other than a setting of the same name.
OTHERWISE = {"filter.*", "core.worktree", "remote.*"}
HOOK = "uploadpack.packobjectshook"  # of the test's own
ADVICE = "'git help config' for more information"


def rows():
    lines = [line.split("\t") for line in TABLE.read_text().splitlines() if line and not line.startswith("#")]
    assert all(len(line) == 3 and line[1] in WORDS for line in lines)
    return lines


def fitting(key):
    """The first row of a key."""
    for pattern, word, _ in rows():
        if fnmatch.fnmatchcase(key.lower(), pattern.lower().replace("[", "[[]")):
            return pattern, word
    return None


def test_each_key_of_this_git_has_a_row():
    keys = [key for key in out("help", "--config").splitlines() if key.strip() and key != ADVICE]
    assert len(keys) > 500
    assert [key for key in keys if not fitting(key)] == []


def test_no_row_is_hidden_by_an_earlier_one():
    found = {pattern: fitting(pattern.replace("*", "x.y"))[0] for pattern, _, _ in rows()}
    assert {pattern: hidden for pattern, hidden in found.items() if pattern != hidden} == {}


def example(pattern):
    """Return a variable that matches the pattern."""
    return re.sub(r"<[^>]*>", "some", pattern).replace("includeIf.*", "includeIf.gitdir:/x.path").replace("*", "x.command")


@pytest.mark.parametrize("pattern", [pattern for pattern, word, _ in rows() if word == "refused"])
def test_what_the_table_calls_refused_is(tmp_path, pattern):
    repo = bare(tmp_path / "repo.git")
    git("config", "--file", repo / "config", example(pattern), "files:///x")
    result = run("serve", f"--mirror-root={tmp_path}", "--scope=repo", "--listen=127.0.0.1:0", GIT_GATE_TOKEN=TOKEN)
    assert result.returncode == USAGE
    assert example(pattern).lower() in result.stderr.lower() and "--git-config" in result.stderr or "refStorage" in result.stderr


def keys_in(said):
    return {key.lower() for key in re.findall(r"GIT_CONFIG_KEY_\d+=(\S+)", said)}


def test_what_the_table_calls_overridden_is(tmp_path, start_gate, pre_receive):
    history(bare(tmp_path / "mirrors" / "repo.git"), 1)
    shows = tmp_path / "shows"
    shows.write_text('#!/bin/sh\nenv >&2\nexec "$@"\n')
    shows.chmod(0o755)
    gate = start_gate(f"--mirror-root={tmp_path}/mirrors", "--scope=repo", pre_receive("env"),
                      f"--git-config=uploadpack.packObjectsHook={shows}", f"--allow-path={shows}")
    git("clone", "--quiet", gate.url(), tmp_path / "work")
    commit(tmp_path / "work", "file", "new")
    said = git("push", gate.url(), "HEAD:main", cwd=tmp_path / "work").stderr
    fetched = git("clone", "--bare", gate.url(), tmp_path / "clone").stderr
    fetched_0 = git("-c", "protocol.version=0", "clone", "--bare", gate.url(), tmp_path / "clone-0").stderr
    named = {pattern.lower() for pattern, word, _ in rows() if word == "overridden" and pattern not in OTHERWISE}
    for_all = {"core.attributesfile", "transfer.hiderefs"}
    of_a_fetch = {"uploadpack.allowfilter", "uploadpack.allowanysha1inwant", "uploadpack.packobjectshook", *for_all}
    if BACKEND == "services":  # each gets what it reads
        assert keys_in(said) == (named - of_a_fetch) | for_all | {HOOK}
        assert keys_in(fetched_0) == of_a_fetch
        assert keys_in(fetched) == of_a_fetch - {"uploadpack.allowanysha1inwant"}  # version 2 always allows it
    else:
        assert keys_in(said) == keys_in(said) | named
        assert keys_in(said) - named == {HOOK, "http.uploadpack", "http.receivepack"}  # git does not list these
    assert "GIT_NO_LAZY_FETCH=1" in said and "GIT_NO_LAZY_FETCH=1" in fetched
