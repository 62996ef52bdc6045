# SPDX-License-Identifier: Apache-2.0
"""Tests the start with --rules: faults in the file, and options that would weaken the rules, end it."""

from pathlib import Path

import pytest

from .gate import PROGRAM, run
from .rules import ANY

USAGE = 2

FAULTS = [
    ("[refs \"refs/heads/x\"]\ncreate = yes\n\n# why\n[paths]\n\tdeni = x\n", "line 6: paths.deni is no key of rules"),
    ("[refs \"refs/heads/x\"]\n\n[paths]\ndeny = x\n", "line 1: a section without a key"),
    ("[refs \"refs/heads/x\"]\ncreate = yes\n[paths]\n", "line 3: a section without a key"),
    ("[refs \"refs/heads/x\"\ncreate = yes\n", "not in the syntax of git-config: bad config line 2"),
    ("[refs \"refs/heads/x\"]\nupdate = force\n", "line 2: refs.refs/heads/x.update takes none, fast-forward or any"),
    ("[refs \"refs/heads/x\"]\ndelete = perhaps\n", "line 2: refs.refs/heads/x.delete takes yes or no"),
    ("[refs \"refs/heads/x\"]\nupdate = any\nUPDATE = none\n", "line 3: refs.refs/heads/x.update is there twice"),
    ("[refs]\ncreate = yes\n", "line 2: refs.create is no key"),
    ("[refs \"heads/x\"]\ncreate = yes\n", "line 2: [refs \"heads/x\"] fits no reference"),
    ("[refs \"refs/heads/[ab]\"]\ncreate = yes\n", "fits no reference: '*' stands for any text"),
    ("[refs \"refs/heads/x\"]\ncreate = yes\n[paths]\ndeny = /etc\n", "line 4: paths.deny: '/etc' begins with '/'"),
    ("[paths]\ndeny = :(icase)x\n", "line 2: paths.deny: ':(icase)x' begins with"),
    ("[paths]\ndeny = [a\n", "line 2: paths.deny: '[a' has a '['"),
    ("[paths]\ndeny = x[[:alpha:]]\n", "line 2: paths.deny: "),
    ("[paths]\ndeny =\n", "line 2: paths.deny: '' is empty"),
    ("[paths]\nallow = \"a\\nb\"\n", "line 2: a key or value has control characters"),
    ("[files]\nmaxBytes = 10X\n", "line 2: files.maxbytes takes a number"),
    ("[files]\nmaxBytes = -1\n", "line 2: files.maxbytes takes a number"),
    ("[files]\nmaxBytes = 99999999999999999999\n", "line 2: files.maxbytes takes a smaller number"),
    ("[files]\nmaxBytes = 18446744073709551615\n", "line 2: files.maxbytes takes a smaller number"),
    ("[files]\ndeny = device\n", "line 2: files.deny takes symlink, submodule or executable"),
    ("[commits]\nsignedOff = signed\n", "line 2: commits.signedoff takes yes or no"),
    ("[include]\npath = /dev/null\n", "line 2: include.path is no key of rules"),
    ("[paths]\n" + "deny = " + "x" * 300 + "\n", "is longer than 254 bytes"),
    ("# " + "x" * (64 << 10), "has more than 64 KiB"),
]


@pytest.mark.parametrize(("text", "words"), FAULTS, ids=[words for _, words in FAULTS])
def test_a_fault_ends_the_start(small_root, tmp_path, text, words):
    file = tmp_path / "rules"
    file.write_text(text)
    said = run("serve", f"--rules={file}", small_root / "repo.git")
    assert said.returncode == USAGE and said.stdout == ""
    assert words in said.stderr and f"--rules={file}" in said.stderr, said.stderr


def test_a_file_that_cannot_be_read_ends_the_start(small_root, tmp_path):
    for path, words in ((tmp_path / "none", "cannot be read"), (tmp_path, "cannot be read")):
        said = run("serve", f"--rules={path}", small_root / "repo.git")
        assert said.returncode == USAGE and words in said.stderr, said.stderr


def test_a_file_that_is_served_ends_the_start(root_of_one, tmp_path):
    """A link does not hide it. A push that has taken over git could change the rules."""
    file = root_of_one / "repo.git" / "rules"
    file.write_text(ANY)
    (tmp_path / "link").symlink_to(file)
    for path in (file, tmp_path / "link"):
        said = run("serve", f"--rules={path}", root_of_one / "repo.git")
        assert said.returncode == USAGE and "--rules=" in said.stderr and "lies inside what is served" in said.stderr


@pytest.mark.parametrize("what, words", [("rules", "--rules="), ("program", "which --rules needs")])
def test_rules_that_hooks_may_write_end_the_start(small_root, tmp_path, what, words):
    rules = tmp_path / "rules"
    rules.write_text(ANY)
    writable = tmp_path if what == "rules" else Path(PROGRAM).parent
    said = run("serve", f"--rules={rules}", f"--allow-path={writable}:rw", small_root / "repo.git")
    assert said.returncode == USAGE and words in said.stderr and ":rw" in said.stderr, said.stderr


@pytest.mark.parametrize("setting", [
    "include.path=/dev/null", "includeIf.gitdir:/.path=/dev/null", "receive.fsckObjects=false", "receive.fsck.hasDotgit=warn",
    "RECEIVE.FSCK.skipList=/dev/null"])
def test_a_setting_that_would_weaken_rules_is_refused(small_root, tmp_path, setting):
    (tmp_path / "rules").write_text(ANY)
    said = run("serve", f"--rules={tmp_path}/rules", f"--git-config={setting}", small_root / "repo.git")
    assert said.returncode == USAGE and f"--git-config={setting} could take away" in said.stderr


@pytest.mark.parametrize("key", ["core.hooksPath", "CORE.hookspath"])
def test_a_setting_that_would_switch_rules_off_is_refused(small_root, tmp_path, key):
    (tmp_path / "rules").write_text(ANY)
    said = run("serve", f"--rules={tmp_path}/rules", f"--git-config={key}=/dev/null", small_root / "repo.git")
    assert said.returncode == USAGE and "--hooks-path" in said.stderr
