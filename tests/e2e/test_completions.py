# SPDX-License-Identifier: Apache-2.0
"""Completion of the command line: bash, zsh and fish offer the verbs, options and values that --help lists."""

import contextlib
import os
import pty
import re
import select
import shutil
import subprocess
from pathlib import Path

import pytest

from .bridge import HELPER, SANITIZERS
from .gate import PROGRAM, run
from .polling import wait_until

FOLDER = Path(__file__).resolve().parents[2] / "completions"
FILE = FOLDER / "git-gate.bash"
VERBS = re.findall(r"^(?:usage:| {6}) git-gate ([a-z]+) ", run("--help").stdout, re.MULTILINE)
BASH_COMPLETION = Path("/usr/share/bash-completion/bash_completion")

# Calls the function as readline would, and prints what it offers, one a line.
ASK = """
. "$1"
COMP_LINE=$2 COMP_POINT=${#2} COMP_TYPE=9
_git_gate
printf '%s\\n' "${COMPREPLY[@]}"
"""


def options(verb):
    """The options in a verb's help, with an equals sign where they take a value."""
    listed = re.findall(r"^  (--[a-z-]+=?)", run(verb, "--help").stdout, re.MULTILINE)
    return sorted([*listed, "--help"])


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A PATH with the programs under each of their names."""
    folder = tmp_path_factory.mktemp("bin")
    (folder / "git-gate").symlink_to(PROGRAM)
    (folder / "git-gate-bridge").symlink_to(HELPER)
    return f"{folder}:{os.environ['PATH']}"


@pytest.fixture
def there(tmp_path):
    """A folder with two files and two folders."""
    for name in ("token one", "rules"):
        (tmp_path / name).touch()
    for name in ("repo.git", "rooms"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture
def bash(path, there):
    def ask(line, cwd=there):
        result = subprocess.run(["bash", "--norc", "-c", ASK, "bash", FILE, line], capture_output=True, text=True, cwd=cwd,
                                check=True, env={"PATH": path, "HOME": "/nonexistent", **SANITIZERS})
        assert result.stderr == ""
        return sorted(result.stdout.split("\n")[:-1]) if result.stdout != "\n" else []
    return ask


def needs(program):
    return pytest.mark.skipif(not shutil.which(program), reason=f"needs {program}(1)")


def test_verbs_in_bash(bash):
    expected = sorted([*VERBS, "help", "--help", "--version"])
    assert len(VERBS) >= 6 and bash("git-gate ") == bash("git gate ") == bash("git -C there gate ") == expected
    assert bash("git-gate help ") == expected and bash("git-gate help se") == bash("git-gate se") == ["serve"]


@pytest.mark.parametrize("verb", VERBS)
def test_options_in_bash(bash, verb):
    expected = options(verb)
    assert bash(f"git-gate {verb} -") == bash(f"git gate {verb} --") == expected
    assert bash(f"{PROGRAM} {verb} --") == expected, "also of a program that is not in PATH"
    assert bash(f"git-gate {verb} {expected[0][:-2]}") == [o for o in expected if o.startswith(expected[0][:-2])]


def test_bridge_in_bash(bash):
    assert bash("git-gate-bridge --") == options("bridge")


@pytest.mark.parametrize("line, expected", [
    ("git-gate serve --fsck=", ["off", "strict", "warn"]),
    ("git-gate serve --fsck=s", ["strict"]),
    ("git-gate serve --read-only --fsck ", ["off", "strict", "warn"]),
    ("git gate serve --log-level=w", ["warning"]),
    ("git-gate serve --token-file=", ["repo.git", "rooms", "rules", "token one"]),
    ("git-gate serve --token-file=t", ["token one"]),
    ("git-gate serve --allow-path=ru", ["rules"]),
    ("git-gate serve --mirror-root=r", ["repo.git", "rooms"]),
    ("git-gate serve --mirror-root r", ["repo.git", "rooms"]),
    ("git-gate serve --alternates=", ["no", "repo.git", "rooms", "yes"]),
    ("git-gate serve --max-backends=", []),
    ("git-gate serve --listen ", []),
    ("git-gate serve r", ["repo.git", "rooms"]),
    ("git-gate rules ru", ["rules"]),
    ("git-gate serve --socket-group=root", ["root"]),
    ("git-gate-bridge --socket=ru", ["rules"]),
])
def test_values_in_bash(bash, line, expected):
    assert bash(line) == expected


def test_no_program(bash):
    """For a missing program or a wrong verb, completion offers --help, and prints no error."""
    assert bash("/nonexistent/git-gate serve --") == ["--help"] and bash("git-gate brew --") == ["--help"]


class Shell:
    """An interactive shell on a terminal."""

    def __init__(self, arguments, path, cwd, prepare):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", *arguments], stdin=slave, stdout=slave, stderr=slave, cwd=cwd,
            env={"PATH": path, "HOME": str(cwd), "TERM": "dumb", "LC_ALL": "C", **SANITIZERS})
        os.close(slave)
        self.text = ""
        self.type(f"{prepare}; echo rea''dy\n")
        wait_until("the shell", lambda: self.sees("\nready"), 30)
        self.text = ""

    def type(self, text):
        os.write(self.master, text.encode())

    def sees(self, words):
        if select.select([self.master], [], [], 0)[0]:
            with contextlib.suppress(OSError):
                self.text += os.read(self.master, 1 << 16).decode(errors="replace")
        return words in self.text

    def completes(self, typed, line):
        """Type something and a tabulator; wait until the command line is as expected. The last key prints it."""
        self.type(f"{typed}\t\x14")
        wait_until("the command line", lambda: self.sees("<") and self.sees(">"), 30)
        assert re.search("<(.*)>", self.text).group(1) == line

    def close(self):
        os.close(self.master)  # hangs up
        self.process.wait()


BASH_KEY = """bind -x '"\\C-t": printf "<%s>\\n" "$READLINE_LINE"'"""
ZSH_KEY = "show() { print -r -- \"<$BUFFER>\" }; zle -N show; bindkey '^T' show"


@pytest.mark.parametrize("typed, line", [
    ("git-gate serve --drain", "git-gate serve --drain-timeout="),
    ("git-gate serve --confine=req", "git-gate serve --confine=require "),
    ("git-gate serve --mirror-root=roo", "git-gate serve --mirror-root=rooms/"),
    ("git-gate serve --token-file=tok", r"git-gate serve --token-file=token\ one "),
    ("git-gate serve --read", "git-gate serve --read-only "),
])
def test_typed_in_bash(path, there, typed, line):
    """readline splits words at equals signs. An option that takes a value gets no space."""
    with contextlib.closing(Shell(["bash", "--norc", "-i"], path, there, f". '{FILE}'; {BASH_KEY}")) as shell:
        shell.completes(typed, line)


@pytest.mark.skipif(not BASH_COMPLETION.exists(), reason="needs the package bash-completion")
@pytest.mark.parametrize("typed, line", [
    ("git gate chec", "git gate check "),
    ("git gate check --tok", "git gate check --token-file="),
    ("git-gate serve --rem", "git-gate serve --remote-user="),
])
def test_typed_with_bash_completion(path, there, typed, line):
    """bash-completion finds the installed file by the command's name, and so does git's own completion."""
    installed = there / "share" / "bash-completion" / "completions"
    installed.mkdir(parents=True)
    (installed / "git-gate").symlink_to(FILE)
    prepare = f"XDG_DATA_DIRS={there}/share:/usr/share; . {BASH_COMPLETION}; {BASH_KEY}"
    with contextlib.closing(Shell(["bash", "--norc", "-i"], path, there, prepare)) as shell:
        shell.completes(typed, line)


@needs("zsh")
@pytest.mark.parametrize("typed, line", [
    ("git-gate chec", "git-gate check "),
    ("git-gate help rul", "git-gate help rules "),
    ("git-gate serve --drain", "git-gate serve --drain-timeout="),
    ("git-gate serve --confine=req", "git-gate serve --confine=require "),
    ("git-gate serve --mirror-root=roo", "git-gate serve --mirror-root=rooms/"),
    ("git-gate mint --p", "git-gate mint --prefix="),
    ("git-gate-bridge --so", "git-gate-bridge --socket="),
    ("git gate chec", "git gate check "),
])
def test_typed_in_zsh(path, there, typed, line):
    prepare = f"fpath=({FOLDER} $fpath); autoload -U compinit; compinit -u -D; {ZSH_KEY}"
    with contextlib.closing(Shell(["zsh", "-f", "-i"], path, there, prepare)) as shell:
        shell.completes(typed, line)


@needs("fish")
@pytest.mark.parametrize("line, expected", [
    ("git-gate ", sorted([*VERBS, "help"])),
    ("git-gate help ", sorted(VERBS)),
    *((f"git-gate {verb} --", sorted(option.rstrip("=") for option in options(verb))) for verb in VERBS),
    ("git-gate-bridge --", sorted(option.rstrip("=") for option in options("bridge"))),
    ("git-gate serve --fsck=", ["--fsck=off", "--fsck=strict", "--fsck=warn"]),
    ("git-gate serve --fsck s", ["strict"]),
    ("git-gate serve --token-file=t", ["--token-file=token one"]),
    ("git-gate rules ru", ["rules"]),
    ("git-gate mint ru", []),
])
def test_fish(path, there, line, expected):
    result = subprocess.run(["fish", "--no-config", "-c", f"source {FOLDER}/git-gate.fish; complete -C '{line}'"], cwd=there,
                            capture_output=True, text=True, check=True, env={"PATH": path, "HOME": str(there), **SANITIZERS})
    assert result.stderr == ""
    assert sorted({offer.split("\t")[0] for offer in result.stdout.splitlines()}) == expected
