# SPDX-License-Identifier: Apache-2.0
"""Several --scope: one token for exactly these repositories. Options that do not repeat may be given only once."""

import os
import re
import shutil

import pytest

from .checks import check_error
from .confinement import needs_confinement
from .gate import WITHOUT_LEAKS, run
from .http import TOKEN
from .packets import PROTOCOL_2
from .repos import bare, commit, git, history, out, refs

USAGE = 2


@pytest.fixture(scope="module")
def mirrors(tmp_path_factory):
    """Three repositories with commits of their own."""
    root = tmp_path_factory.mktemp("mirrors")
    for name in ("one", "two", "other"):
        history(bare(root / f"{name}.git"), 2, text=name)
    return root


def info(name, service="git-upload-pack"):
    return f"/{name}.git/info/refs?service={service}"


def start(start_gate, root, *options, **named):
    return start_gate(f"--mirror-root={root}", "--scope=one", "--scope=two", *options, **named)


@pytest.mark.parametrize("transport", ["tcp", "remote"])
def test_exactly_these(mirrors, start_gate, tmp_path, transport):
    """Each answers with its own references, also from memory, and takes pushes. The third one is out of scope."""
    gate = start(start_gate, mirrors, transport=transport)
    for name in ("one", "two"):
        git("clone", "--quiet", gate.url(name), tmp_path / name)
        new = commit(tmp_path / name, "file", name)
        git("push", "--quiet", "origin", f"HEAD:{transport}", cwd=tmp_path / name)
        assert refs(mirrors / f"{name}.git")[f"refs/heads/{transport}"] == new
        for _ in range(2):
            assert new in out("ls-remote", gate.url(name))
    failed = git("ls-remote", gate.url("other"), ok=False)
    assert "403" in failed.stderr or "for another repository" in failed.stderr, failed.stderr
    for name in ("other", "on", "one.git", "*"):
        response = gate.ask("GET", info(name), PROTOCOL_2)
        check_error(response, 404 if name == "*" else 403)


@needs_confinement
def test_confined_to_exactly_these(mirrors, start_gate, tmp_path):
    """A hook of one repository can read both, but not the third one below the same folder."""
    said = mirrors / "two.git" / "said"
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "pre-receive").write_text(
        f"#!/bin/sh\nfor name in one two other; do cat '{mirrors}'/$name.git/HEAD && echo $name; done >'{said}' 2>&1\n:\n")
    (hooks / "pre-receive").chmod(0o755)
    gate = start(start_gate, mirrors, f"--hooks-path={hooks}", "--confine=auto", variables=WITHOUT_LEAKS)
    git("clone", "--quiet", gate.url("one"), tmp_path / "one")
    commit(tmp_path / "one", "file", "confined")
    git("push", "--quiet", "origin", "HEAD:confined", cwd=tmp_path / "one")
    lines = said.read_text().splitlines()
    assert [line for line in lines if line in ("one", "two", "other")] == ["one", "two"], lines
    assert "Permission denied" in lines[-1], lines
    (mirrors / "two.git").rename(mirrors / "away.git")
    history(bare(mirrors / "two.git"), 1)
    try:
        assert gate.ask("GET", info("two", "git-receive-pack")).reason == "replaced-repository"
        assert gate.ask("GET", info("one", "git-receive-pack")).status == 200
    finally:
        shutil.rmtree(mirrors / "two.git")
        (mirrors / "away.git").rename(mirrors / "two.git")


def test_hooks_in_any_of_them(mirrors):
    """Neither the first nor the second repository may hold the socket, hooks or HOME."""
    inside = mirrors / "two.git" / "objects"
    for option in (f"--hooks-path={inside}", f"--home={inside}"):
        said = run("serve", f"--mirror-root={mirrors}", "--scope=one", "--scope=two", option, "--listen=127.0.0.1:0",
                   GIT_GATE_TOKEN=TOKEN)
        assert said.returncode == USAGE and "lies inside what is served" in said.stderr, said.stderr
    said = run("serve", f"--mirror-root={mirrors}", "--scope=one", "--scope=two", f"--socket={inside}/s",
               GIT_GATE_TOKEN=TOKEN)
    assert said.returncode == USAGE and "lies inside what is served" in said.stderr, said.stderr


def test_each_has_to_be_there(mirrors):
    """REPOSITORY names only one."""
    said = run("serve", f"--mirror-root={mirrors}", "--scope=one", "--scope=nowhere", "--listen=127.0.0.1:0",
               GIT_GATE_TOKEN=TOKEN)
    assert said.returncode == USAGE and "nowhere.git" in said.stderr
    said = run("serve", mirrors / "one.git", "--scope=two", GIT_GATE_TOKEN=TOKEN)
    assert said.returncode == USAGE and "not both" in said.stderr


def test_locks_of_all_are_named(mirrors, start_gate):
    lock = mirrors / "two.git" / "HEAD.lock"
    lock.write_text("")
    os.utime(lock, (1, 1))
    try:
        gate = start(start_gate, mirrors)
        assert [record["lock"] for record in gate.records if "lock" in record] == [str(lock)]
        serving, = [record for record in gate.records if record["message"] == "serving"]
        assert serving["scope"] == "one,two"
    finally:
        lock.unlink()


def test_a_clone_command_for_each(mirrors, start_gate):
    gate = start(start_gate, mirrors, token=None, log_format=None)
    first, *commands = gate.output
    token = re.search(r"x:([^@]+)@", commands[0]).group(1)
    address = first.removeprefix("listening http://")
    assert commands == [f"git clone http://x:{token}@{address}/{name}.git" for name in ("one", "two")]


@pytest.mark.parametrize("verb, options, places", [
    ("serve", ["--listen=127.0.0.1:0", "--read-only", "--listen", "127.0.0.1:0"], (1, 3)),
    ("serve", ["--read-only", "--read-only"], (1, 2)),
    ("serve", ["--token-file", TOKEN, f"--token-file={TOKEN}"], (1, 3)),
    ("check", [f"--url=http://x:{TOKEN}@127.0.0.1:1", f"--url=http://x:{TOKEN}@127.0.0.1:1"], (1, 2)),
    ("check", ["--repo", "one", "--socket=s", "--repo=two"], (1, 4)),
    ("mint", ["--prefix=", "--prefix=x"], (1, 2)),
    ("bridge", ["--socket=s", "--listen=127.0.0.1:0", "--socket=s"], (1, 3)),
])
def test_given_twice(verb, options, places):
    """The sentence says where the option is given twice, and repeats no value."""
    said = run(verb, *options)
    assert (said.returncode, said.stdout) == (USAGE, "")
    name = options[places[0] - 1].partition("=")[0]
    assert f"{name} is given twice, as argument {places[0]} and argument {places[1]} of {verb}" in said.stderr
    assert TOKEN not in said.stderr
