# SPDX-License-Identifier: Apache-2.0
"""The command line: verbs that print and end, and refusals at the start with exit status and message."""

import os
import re
import socket
import tempfile
from pathlib import Path

import pytest

from .gate import PROGRAM, environment, run
from .http import TOKEN
from .repos import bare, git, history, out
from .users import ANOTHER, AS_ANOTHER, public_copy, run_as_another

# Each as in the help, with the text after "=".
OPTIONS = dict(re.findall(r"^  (--[a-z-]+)(=\S+)?", run("serve", "--help").stdout, re.MULTILINE))
USAGE = 2
CANNOT_START = 4
TIMEOUTS = [option for option in OPTIONS if option.endswith("-timeout")]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("options")
    bare(root / "repo.git")
    (root / "file").write_text("no folder\n")
    (root / "file.git").write_text("no repository\n")
    (root / "empty.git").mkdir()
    return root


def check_refused(status, words, *arguments, **named):
    """Check that the program ends with this status, prints one message with all the words, and has no standard output."""
    result = run("serve", *arguments, **{"GIT_GATE_TOKEN": TOKEN, **named})
    assert result.returncode == status, result.stderr
    assert result.stdout == ""
    assert len(result.stderr) < 2000 and TOKEN not in result.stderr
    for word in words:
        assert word in result.stderr, result.stderr


def test_version():
    result = run("--version")
    assert result.returncode == 0 and result.stderr == ""
    assert re.fullmatch(r"git-gate [0-9]+\.[0-9]+\.[0-9]+\S*\n", result.stdout)


@pytest.mark.parametrize("arguments, same_as", [
    (["-V"], ["--version"]), (["-h"], ["--help"]), (["help"], ["--help"]), (["help", "help"], ["--help"]),
    *((["help", verb], [verb, "--help"]) for verb in ("serve", "mint", "check", "rules", "bridge", "demo"))])
def test_other_ways_to_ask(arguments, same_as):
    result, expected = run(*arguments), run(*same_as)
    assert (result.returncode, result.stderr) == (0, "") and result.stdout == expected.stdout != ""


@pytest.mark.parametrize("arguments, words", [
    (["seve"], "did you mean 'serve'?"),
    (["help", "chekc"], "did you mean 'check'?"),
    (["help", "serve", "mint"], "one verb"),
    (["--versoin"], "did you mean '--version'?"),
    (["repo.git"], "git-gate serve REPOSITORY"),
    (["./repo"], "git-gate serve REPOSITORY"),
    ([f"--token-file={TOKEN}"], "git-gate serve --token-file"),
    ([f"--token-fil={TOKEN}"], "did you mean 'git-gate serve --token-file'?"),
    ([f"--listen-fd={TOKEN}"], "did you mean 'git-gate serve --listen'?"),
    ([f"-t{TOKEN}"], "-t is not an option of git-gate;"),
    (["serve", f"-t{TOKEN}"], "-t is not an option of git-gate serve;"),
    (["serve", f"--token:{TOKEN}"], "--token-file"),
    (["serve", f"--listen-fd={TOKEN}"], "did you mean '--listen'?"),
    (["serve", f"--tokn-file={TOKEN}"], "did you mean '--token-file'?"),
    (["serve", "--readonly"], "did you mean '--read-only'?"),
    (["check", f"--tokenfile={TOKEN}"], "did you mean '--token-file'?"),
    (["check", "--miror-root=/srv"], "did you mean '--mirror-root'?"),
    (["mint", f"--prefx={TOKEN}"], "did you mean '--prefix'?"),
    (["mint", TOKEN], "--prefix=PREFIX"),
    (["bridge", f"--lisen={TOKEN}"], "did you mean '--listen'?"),
    *(([*verb, *option], "--token-file") for verb in ([], ["serve"], ["check"])
      for option in ([f"--token={TOKEN}"], ["--token", TOKEN])),
])
def test_hints(arguments, words):
    """The message suggests the probable option. It never shows the value, which may be the token."""
    result = run(*arguments)
    assert (result.returncode, result.stdout) == (USAGE, "")
    assert words in result.stderr and TOKEN not in result.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["serve", "--help"], ["mint", "--help"]])
def test_help_goes_to_standard_output(arguments):
    result = run(*arguments)
    assert result.returncode == 0 and result.stderr == ""
    assert "git-gate" in result.stdout and all(len(line) <= 120 for line in result.stdout.splitlines())


def test_help_lists_the_verbs():
    text = run("--help").stdout
    assert "serve" in text and "mint" in text


def test_help_lists_the_options():
    """The tests below read the options from the help. In another form they would find none, and try nothing."""
    assert {"--mirror-root", "--read-only", "--drain-timeout"} <= set(OPTIONS) and len(TIMEOUTS) == 7


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_of_the_help_is_one(root, option):
    """An option takes a value if the help shows one, and none otherwise."""
    if OPTIONS[option]:
        check_refused(USAGE, [f"{option} needs a value"], root / "repo.git", option)
    else:
        check_refused(USAGE, [f"{option} takes no value"], root / "repo.git", f"{option}=yes")


def test_mint():
    """32 hexadecimal digits after the prefix, and never the same twice."""
    first, second = run("mint"), run("mint")
    assert re.fullmatch(r"gate-[0-9a-f]{32}\n", first.stdout) and first.returncode == 0
    assert first.stdout != second.stdout
    assert re.fullmatch(r"task_7\.[0-9a-f]{32}\n", run("mint", "--prefix=task_7.").stdout)
    assert re.fullmatch(r"[0-9a-f]{32}\n", run("mint", "--prefix=").stdout)


@pytest.mark.parametrize("prefix", ["a b", "a:b", "a\nb", "é", "x" * 224])
def test_mint_refuses_a_prefix_that_no_token_may_have(prefix):
    result = run("mint", f"--prefix={prefix}")
    assert result.returncode == USAGE and result.stdout == "" and "--prefix" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["brew"], ["--brew"], ["serve", "--brew"], ["mint", "--brew"],
                                       ["mint", "x"]])
def test_bad_usage(arguments):
    result = run(*arguments)
    assert result.returncode == USAGE and result.stdout == ""
    for argument in arguments[-1:]:
        assert argument in result.stderr


@pytest.mark.parametrize("words, options", [
    (["--mirror-root"], ["--listen=127.0.0.1:0", "--scope=repo"]),
    (["--scope"], ["--listen=127.0.0.1:0", "--mirror-root={root}"]),
    (["--mirror-root"], ["--listen=127.0.0.1:0", "--scope=repo", "--mirror-root={root}/nowhere"]),
    (["--mirror-root"], ["--listen=127.0.0.1:0", "--scope=*", "--mirror-root={root}/file"]),
    (["--scope", "missing"], ["--listen=127.0.0.1:0", "--mirror-root={root}", "--scope=missing"]),
    (["--scope"], ["--listen=127.0.0.1:0", "--mirror-root={root}", "--scope=file"]),
    (["--scope"], ["--listen=127.0.0.1:0", "--mirror-root={root}", "--scope=empty"]),
    (["--scope"], ["--listen=127.0.0.1:0", "--mirror-root={root}", "--scope=a/b"]),
    (["--scope"], ["--listen=127.0.0.1:0", "--mirror-root={root}/repo.git", "--scope=../repo"]),
    (["--scope"], ["--listen=127.0.0.1:0", "--mirror-root={root}", "--scope="]),
    (["nowhere"], ["{root}/nowhere.git"]),
    (["empty"], ["{root}/empty.git"]),
    (["repo"], ["{root}/repo.git", "{root}/repo.git"]),
    (["--socket", "--listen"], ["--mirror-root={root}", "--scope=repo"]),
    (["--socket", "--listen"], ["--mirror-root={root}", "--scope=repo", "--listen=127.0.0.1:0", "--socket={root}/s"]),
    (["--listen"], ["{root}/repo.git", "--listen=0.0.0.0:0"]),
    (["--listen"], ["{root}/repo.git", "--listen=[::]:0"]),
    (["--listen"], ["{root}/repo.git", "--listen=192.0.2.1:8000"]),
    (["--listen"], ["{root}/repo.git", "--listen=gate.example.org:8000"]),
    (["--listen"], ["{root}/repo.git", "--listen=127.0.0.1"]),
    (["--listen"], ["{root}/repo.git", "--listen=127.0.0.1:65536"]),
    (["--listen"], ["{root}/repo.git", "--listen=127.0.0.1:x"]),
    (["--listen"], ["{root}/repo.git", "--listen=127.0.0.1:"]),
    (["--listen"], ["{root}/repo.git", "--listen=:0"]),
    (["--listen"], ["{root}/repo.git", "--listen=127.0.0.1:-1"]),
    (["--listen", "--socket"], ["{root}/repo.git", "--listen={root}/gate.sock"]),
    (["--socket", "--listen=127.0.0.1:0"], ["{root}/repo.git", "--socket=127.0.0.1:0"]),
    (["--socket"], ["{root}/repo.git", "--socket=/" + "x" * 200]),
    (["--socket"], ["{root}/repo.git", "--socket="]),
    (["--hooks-path"], ["{root}/repo.git", "--hooks-path={root}/repo.git/hooks"]),
    (["--hooks-path"], ["{root}/repo.git", "--hooks-path={root}/repo.git"]),
    (["--hooks-path"], ["{root}/repo.git", "--hooks-path={root}/nowhere"]),
    (["--hooks-path"], ["{root}/repo.git", "--hooks-path={root}/file"]),
    (["--home"], ["{root}/repo.git", "--home={root}/nowhere"]),
    (["--home"], ["{root}/repo.git", "--home={root}/repo.git/refs"]),
    (["--socket"], ["{root}/repo.git", "--socket={root}/repo.git/gate.sock"]),
    (["--git-config"], ["{root}/repo.git", "--git-config=core.bare"]),
    (["--git-config"], ["{root}/repo.git", "--git-config==x"]),
    (["--git-config"], ["{root}/repo.git", "--git-config=nosection=x"]),
    (["--remote-user"], ["{root}/repo.git", "--remote-user="]),
    (["--remote-user"], ["{root}/repo.git", "--remote-user=a\nb"]),
    (["--hide-refs"], ["{root}/repo.git", "--hide-refs="]),
    (["--log-level"], ["{root}/repo.git", "--log-level=loud"]),
    (["--log-format"], ["{root}/repo.git", "--log-format=xml"]),
    (["--max-backends"], ["{root}/repo.git", "--max-backends=0"]),
    (["--max-backends"], ["{root}/repo.git", "--max-backends=x"]),
    (["--max-connections"], ["{root}/repo.git", "--max-connections=0"]),
    (["--max-push-bytes"], ["{root}/repo.git", "--max-push-bytes=-1"]),
    (["--max-push-bytes"], ["{root}/repo.git", "--max-push-bytes=99999999999999999999999"]),
    (["--max-negotiation-bytes"], ["{root}/repo.git", "--max-negotiation-bytes=1x"]),
    (["--confine"], ["{root}/repo.git", "--confine=maybe"]),
    (["--confine"], ["{root}/repo.git", "--confine"]),
    (["--allow-path"], ["{root}/repo.git", "--allow-path={root}/nowhere"]),
    (["--allow-path"], ["{root}/repo.git", "--allow-path={root}/nowhere:rw"]),
    (["--read-only"], ["{root}/repo.git", "--read-only=maybe"]),
    (["--scope"], ["{root}/repo.git", "--scope"]),
    *((([option]), ["{root}/repo.git", f"{option}=soon"]) for option in TIMEOUTS),
])
def test_bad_configuration(root, words, options):
    """The message names the option to change. For two transports, or none, it names both."""
    check_refused(USAGE, words, *(option.format(root=root) for option in options))


@pytest.mark.parametrize("path, words", [
    ("a b.git", ["a b.git' cannot be served", "A-Z a-z 0-9 . _ -", "rename it", "ln -s"]),
    ("plain", ["does not end in .git", "ln -s"]),
    ("work", ["is a work tree", "'git clone --bare {root}/work NAME.git'"]),
    ("work/.git", ["'{root}/work' is a work tree", "'git clone --bare {root}/work NAME.git'"]),
    ("work/", ["is a work tree"]),
    ("linked", ["is a work tree"]),
    ("repo", ["did you mean '{root}/repo.git'?"]),
    ("nowhere.git", ["no repository '{root}/nowhere.git'", "No such file", "git clone --bare"]),
    ("file.git/x", ["Not a directory"]),
    (".", ["not a bare git repository", "--mirror-root=DIR with --scope=NAME"]),
])
def test_repository_that_cannot_be_served(tmp_path, path, words):
    """The sentence says what to do, and the remedy breaks nothing. It does not ask to rename a work tree."""
    for name in ("repo.git", "a b.git", "plain"):
        bare(tmp_path / name)
    history(bare(tmp_path / "source.git"), 1)
    git("clone", "--quiet", tmp_path / "source.git", tmp_path / "work")
    git("-C", tmp_path / "work", "worktree", "add", "--quiet", tmp_path / "linked")
    (tmp_path / "file.git").write_text("no repository\n")
    check_refused(USAGE, [word.format(root=tmp_path) for word in words], f"{tmp_path}/{path}")


@pytest.mark.parametrize("given", ["good.git", "good.git/", "good.git//", "./good.git/"])
def test_repository_by_a_link(tmp_path, start_gate, given):
    """A link with a good name leads to the repository, as the message about a bad name advises."""
    history(bare(tmp_path / "a b.git"), 1)
    (tmp_path / "good.git").symlink_to("a b.git")
    gate = start_gate(given, cwd=tmp_path)
    assert "refs/heads/main" in out("ls-remote", gate.url("good"))


@pytest.fixture
def others_root():
    """A mirror root of run_as_another()'s user. This user has made a link there to each repository."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become another user")
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        for repository, link in (("own.git", "link.git"), ("a b.git", "link-b.git")):
            history(bare(root / repository), 1)
            for path in (root / repository, *(root / repository).rglob("*")):
                os.chown(path, ANOTHER, ANOTHER)
            (root / link).symlink_to(repository)
        yield root


def test_repository_by_a_link_of_another_user(others_root, start_gate):
    """git accepts only a link of its own user. The gate follows another one, and serves the repository's own name."""
    with public_copy(PROGRAM) as program:
        gate = start_gate(f"{others_root}/link.git/", program=(program,), **AS_ANOTHER)
        assert "refs/heads/main" in out("ls-remote", gate.url("own"))
        os.chown(others_root / "link.git", ANOTHER, ANOTHER, follow_symlinks=False)
        gate = start_gate(f"{others_root}/link.git/", program=(program,), **AS_ANOTHER)
        assert "refs/heads/main" in out("ls-remote", gate.url("link"))


def test_link_of_another_user_to_a_bad_name(others_root):
    """Neither name can be served. The start says so, not each request."""
    with public_copy(PROGRAM) as program:
        result = run_as_another(program, "serve", f"{others_root}/link-b.git", env=environment(GIT_GATE_TOKEN=TOKEN))
    assert (result.returncode, result.stdout) == (USAGE, "")
    assert "link-b.git' belongs to uid 0" in result.stderr and f"this is uid {ANOTHER}" in result.stderr, result.stderr
    assert "make a link of your own with 'ln -s'" in result.stderr


def test_no_token_on_the_command_line(root):
    """Every user of the machine can read a command line. The message does not repeat the argument."""
    check_refused(USAGE, ["--token"], root / "repo.git", "--token=" + TOKEN)


def test_hooks_path_inside_a_served_repository_by_a_link(root, tmp_path):
    """A client that may push must not be able to change the programs that run, whatever the folder's name."""
    (root / "repo.git" / "hooks").mkdir(exist_ok=True)
    (tmp_path / "link").symlink_to(root / "repo.git" / "hooks")
    check_refused(USAGE, ["--hooks-path"], root / "repo.git", f"--hooks-path={tmp_path}/link")
    check_refused(USAGE, ["--hooks-path"], f"--hooks-path={root}/repo.git/hooks", "--listen=127.0.0.1:0", "--scope=*",
                  f"--mirror-root={root}")


@pytest.mark.parametrize("scope", ["repo", "*"])
def test_hook_that_is_a_link_into_a_served_repository(root, tmp_path, scope):
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (root / "repo.git" / "scripts").mkdir(exist_ok=True)
    (root / "repo.git" / "scripts" / "check").write_text("#!/bin/sh\n")
    (hooks / "pre-receive").symlink_to(root / "repo.git" / "scripts" / "check")
    check_refused(USAGE, ["--hooks-path", "link"], f"--hooks-path={hooks}", "--listen=127.0.0.1:0", f"--scope={scope}",
                  f"--mirror-root={root}")


def test_port_in_use(root):
    with socket.create_server(("127.0.0.1", 0)) as other:
        check_refused(CANNOT_START, ["--listen"], root / "repo.git", f"--listen=127.0.0.1:{other.getsockname()[1]}")


def test_git_is_missing(root, tmp_path):
    check_refused(CANNOT_START, ["git", "PATH"], root / "repo.git", PATH=tmp_path)


@pytest.mark.parametrize("script, words", [
    ("exit 3", ["ended with exit status 3"]),
    ("kill -SEGV $$", ["was ended by signal 11 (Segmentation fault)"]),
    ("echo nonsense", ["printed an unexpected answer"]),
    (":", ["printed an unexpected answer"]),
    ("echo 'libpcre: not found' >&2; exit 127", ["ended with exit status 127, and said: libpcre: not found"]),
    ("yes /x", ["printed too much"]),
    (None, ["cannot be run: execve: Permission denied"]),
])
def test_broken_git(root, tmp_path, script, words):
    """The message names the command, its end, and the remedy."""
    (tmp_path / "git").write_text(f"#!/bin/sh\n{script}\n" if script else "#!/etc/passwd\n")
    (tmp_path / "git").chmod(0o755)
    check_refused(CANNOT_START, [f"'{tmp_path}/git --exec-path' {words[0]}", "PATH", "GIT_EXEC_PATH"], root / "repo.git",
                  PATH=f"{tmp_path}:/usr/bin:/bin")


@pytest.mark.parametrize("backend, program", [("services", "git"), ("http-backend", "git-http-backend")])
def test_git_without_the_program_that_is_started(root, tmp_path, backend, program):
    """Some systems package git in parts."""
    check_refused(CANNOT_START, [f"'{tmp_path}/{program}' cannot be executed"], root / "repo.git", f"--backend={backend}",
                  GIT_EXEC_PATH=tmp_path)


@pytest.mark.parametrize("content", ["", "\n", "two words\n", "with:colon\n", "tab\there\n", "caf\u00e9\n", "cr\r\n",
                                     "x" * 256 + "\n", "\nsecond line\n", "nul\0\n",
                                     "good\nnot good\n", "good\nother\nthird\n", "good\n\nthird\n"])
def test_bad_token_in_a_file(root, tmp_path, content):
    (tmp_path / "token").write_bytes(content.encode())
    check_refused(USAGE, ["--token-file"], root / "repo.git", f"--token-file={tmp_path}/token", GIT_GATE_TOKEN=None)


def test_bad_token_from_elsewhere(root, tmp_path):
    """A source that cannot be read is an error. The gate does not mint a token in its place."""
    repo = root / "repo.git"
    check_refused(USAGE, ["--token-file"], repo, f"--token-file={tmp_path}/nowhere", GIT_GATE_TOKEN=None)
    check_refused(USAGE, ["--token-file"], repo, f"--token-file={tmp_path}", GIT_GATE_TOKEN=None)
    check_refused(USAGE, ["--token-file"], repo, "--token-file=-", GIT_GATE_TOKEN=None, data="")
    check_refused(USAGE, ["GIT_GATE_TOKEN"], repo, GIT_GATE_TOKEN="two words")
    check_refused(USAGE, ["GIT_GATE_TOKEN"], repo, GIT_GATE_TOKEN="")
    (tmp_path / "git-gate.token").write_text("with:colon\n")
    check_refused(USAGE, ["git-gate.token"], repo, GIT_GATE_TOKEN=None, CREDENTIALS_DIRECTORY=tmp_path)


def test_path_in_the_place_of_the_token(root, tmp_path):
    """The gate would not accept the token in that file, and a client would report only a 401."""
    (tmp_path / "token").write_text(f"{tmp_path}/token\n")
    check_refused(USAGE, ["GIT_GATE_TOKEN is the path of a file", "--token-file"], root / "repo.git",
                  GIT_GATE_TOKEN=f"{tmp_path}/token")
    check_refused(USAGE, ["is the path of a file", "--token-file"], root / "repo.git", f"--token-file={tmp_path}/token",
                  GIT_GATE_TOKEN=None)


def test_file_of_the_token_that_holds_none(root, tmp_path):
    """Each fault has its own message."""
    repo = root / "repo.git"
    (tmp_path / "empty").write_text("")
    check_refused(USAGE, [f"--token-file={tmp_path}/empty is empty", "git-gate mint"], repo,
                  f"--token-file={tmp_path}/empty", GIT_GATE_TOKEN=None)
    check_refused(USAGE, ["--token-file names a folder"], repo, f"--token-file={tmp_path}", GIT_GATE_TOKEN=None)
    check_refused(USAGE, ["No such file", "GIT_GATE_TOKEN"], repo, "--token-file=none", GIT_GATE_TOKEN=None)


def test_token_in_the_place_of_its_file(root):
    """The message does not repeat the token, as people often keep the output of a failed start."""
    check_refused(USAGE, ["--token-file"], root / "repo.git", f"--token-file={TOKEN}", GIT_GATE_TOKEN=None)


def test_bad_words_of_systemd(root):
    """The message names the variables, and is no system error about a missing file."""
    check_refused(USAGE, ["LISTEN_PID and LISTEN_FDS are not the numbers"], root / "repo.git", LISTEN_PID="x",
                  LISTEN_FDS="1")


@pytest.mark.parametrize("soft, hard, is_told", [(256, 4096, False), (256, 256, True), (2048, 4096, False)])
def test_open_files_are_what_the_settings_need(root, start_gate, soft, hard, is_told):
    """The gate raises the limit only as far as needed, as git inherits it. Where it cannot, it takes fewer connections."""
    gate = start_gate(root / "repo.git", "--max-connections=500",
                      program=("prlimit", f"--nofile={soft}:{hard}", PROGRAM))
    limit = re.search(r"Max open files +([0-9]+)", Path(f"/proc/{gate.pid}/limits").read_text()).group(1)
    assert int(limit) == soft if is_told or soft > 1000 else 500 < int(limit) < 1000
    gate.stop()
    told = [record for record in gate.records if "--max-connections" in record["message"]]
    assert [0 < record["connections"] < soft / 2 for record in told] == [True] * is_told
