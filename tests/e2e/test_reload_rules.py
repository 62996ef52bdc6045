# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: the file of --rules is read again, and a fault in it changes nothing."""

import os

import pytest

from .confinement import needs_confinement
from .http import TOKEN
from .repos import bare, commit, git, history

CLOSED = '[refs "refs/heads/main"]\n\tupdate = none\n'
OPEN = '[refs "refs/heads/main"]\n\tupdate = fast-forward\n'
READ = "the file of the rules was read again"
KEPT = "the rules stay as they were"
TOKENS = "the file of the token was read again"
MODES = [pytest.param("--confine=off", id="off"), pytest.param("--confine=require", id="require", marks=needs_confinement)]


def replace(file, text):
    """Put a new file in the old one's place, as an editor does."""
    new = file.with_name("new")
    new.write_text(text)
    new.rename(file)


def reload(gate, message):
    """Send SIGHUP; return the record that answers it for the rules."""
    return gate.reload((READ, KEPT), message)


@pytest.fixture
def rules(tmp_path):
    (tmp_path / "rules").mkdir()
    replace(tmp_path / "rules" / "file", CLOSED)
    return tmp_path / "rules" / "file"


@pytest.fixture
def serve(tmp_path, start_gate, rules):
    """Start a gate with the rules, and return it with a function that pushes and says whether it was taken."""
    def start(*options, **named):
        repo = bare(tmp_path / "mirrors" / "repo.git")
        history(repo, 1)
        gate = start_gate(f"--mirror-root={repo.parent}", "--scope=repo", f"--rules={rules}", *options, **named)
        clone = tmp_path / "clone"
        git("clone", "--quiet", gate.url(), clone)

        def pushes():
            commit(clone, "file", os.urandom(8).hex())
            return git("push", "origin", "main", cwd=clone, ok=None).returncode == 0
        return gate, pushes
    return start


@pytest.mark.parametrize("mode", MODES)
def test_rules_are_read_again(serve, rules, mode):
    gate, pushes = serve(mode)
    assert not pushes()
    replace(rules, OPEN)
    assert not pushes(), "the file alone changes nothing"
    record = reload(gate, READ)
    assert (record["level"], record["rules"]) == ("notice", str(rules))
    assert pushes()
    replace(rules, CLOSED)
    reload(gate, READ)
    assert not pushes()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fault, word", [("[refs", "syntax"), ("[push]\n\tnothing = 1\n", "line 2"), (None, "No such file"),
                                         ("[push]\n\tmaxRefs = 1\n" + "#" * (1 << 17), "64 KiB")],
                         ids=["syntax", "key", "gone", "large"])
def test_fault_keeps_the_old_rules(serve, rules, mode, fault, word):
    gate, pushes = serve(mode)
    if fault is None:
        rules.unlink()
    else:
        replace(rules, fault)
    record = reload(gate, KEPT)
    assert record["level"] == "error" and word in record["error"] and "SIGHUP again" in record["message"], record
    assert not pushes()
    replace(rules, OPEN)
    reload(gate, READ)
    assert pushes()


@needs_confinement
def test_children_cannot_read_the_folder_of_the_rules(serve, rules, tmp_path):
    (rules.parent / "secret").write_text("secret\n")
    hook = tmp_path / "hooks" / "pre-receive"
    hook.parent.mkdir()
    hook.write_text(f"#!/bin/sh\ncat '{rules.parent}/secret' >seen\nexit 0\n")
    hook.chmod(0o755)
    replace(rules, OPEN)
    _, pushes = serve("--confine=require", f"--hooks-path={hook.parent}")
    assert pushes()
    assert (tmp_path / "mirrors/repo.git/seen").read_text() == ""


def test_token_and_rules_stand_for_themselves(serve, rules, tmp_path):
    token = tmp_path / "secrets" / "token"
    token.parent.mkdir()
    token.write_text(f"{TOKEN}\n")
    token.chmod(0o600)
    gate, pushes = serve(f"--token-file={token}", variables={"GIT_GATE_TOKEN": None})
    token.unlink()
    replace(rules, OPEN)
    reload(gate, READ)
    assert pushes() and not any(record["message"] == TOKENS for record in gate.records)
