# SPDX-License-Identifier: Apache-2.0
"""
git-remote-gate's own behaviour: its socket and token, and the settings of a person.

The tests of fetches and pushes show that git can do everything over it that it can do over http://.
"""

import re
import signal
import subprocess

import pytest

from .bridge import HELPER, helper_url
from .http import TOKEN
from .remote import SECRETS, URL, gate_of_git, run_git  # noqa: F401  # the fixture
from .repos import ENVIRONMENT, bare, commit, git, history, out, refs, run_bounded, work_tree


def check_served(*arguments, **named):
    assert "refs/heads/main" in out("ls-remote", *arguments, **named)


# The sources of socket and token.

def test_clone_commit_push_fetch(gate, tmp_path):
    work = tmp_path / "work"
    run_git(gate, "clone", "--quiet", URL, work)
    tip = commit(work, "new", "text\n")
    said = run_git(gate, "push", "origin", "main:remote-test", cwd=work).stderr
    assert f"To {URL}\n" in said
    assert remote_tip(gate, "remote-test") == tip
    run_git(gate, "push", "--quiet", "origin", ":remote-test", cwd=work)
    run_git(gate, "fetch", "--quiet", "--prune", cwd=work)
    assert "refs/remotes/origin/remote-test" not in refs(work)
    config = (work / ".git" / "config").read_text()
    assert f"url = {URL}\n" in config and not any(secret in config for secret in SECRETS)


def remote_tip(gate, name):
    return run_git(gate, "ls-remote", URL, name).stdout.split("\t")[0]


def test_socket_of_the_environment(gate):
    check_served(URL, GIT_GATE_SOCKET=gate.socket_path)


def test_socket_of_the_configuration(gate, tmp_path):
    check_served(URL, GIT_CONFIG_COUNT=1, GIT_CONFIG_KEY_0="gate.socket", GIT_CONFIG_VALUE_0=gate.socket_path)
    assert "refs/heads/main" in out("-c", f"gate.socket={gate.socket_path}", "ls-remote", URL)
    work = work_tree(tmp_path / "work")
    git("config", "gate.socket", gate.socket_path, cwd=work)
    git("remote", "add", "origin", URL, cwd=work)
    git("fetch", "--quiet", cwd=work)


def test_socket_of_the_home(gate, tmp_path):
    (tmp_path / "sock").symlink_to(gate.socket_path)
    (tmp_path / ".gitconfig").write_text("[gate]\n\tsocket = ~/sock\n")
    check_served(URL, HOME=tmp_path, GIT_CONFIG_GLOBAL=tmp_path / ".gitconfig")


@pytest.mark.parametrize("quoted", [True, False])
def test_socket_of_the_url_goes_before_the_others(gate, quoted):
    url = helper_url(gate.socket_path) if quoted else f"{URL}?socket={gate.socket_path}"
    check_served(url, GIT_GATE_SOCKET="/nonexistent/gate.sock")


def test_environment_goes_before_the_configuration(gate):
    assert "refs/heads/main" in out("-c", "gate.socket=/nonexistent", "-c", "gate.tokenFile=/nonexistent", "ls-remote",
                                    URL, GIT_GATE_SOCKET=gate.socket_path)


@pytest.mark.parametrize("content", [f"{TOKEN}\n", TOKEN, f"{TOKEN}\nmore\n"])
def test_token_in_a_file(gate, tmp_path, content):
    (tmp_path / "token").write_text(content)
    path = tmp_path / "token"
    check_served(URL, GIT_GATE_SOCKET=gate.socket_path, GIT_GATE_TOKEN="", GIT_GATE_TOKEN_FILE=path)
    assert "refs/heads/main" in run_git(gate, "-c", f"gate.tokenFile={path}", "ls-remote", URL, GIT_GATE_TOKEN="").stdout


def test_submodule_by_a_relative_url(tmp_path, start_gate):
    """git lets submodules use only protocols that it knows, unless told otherwise."""
    root = tmp_path / "root"
    tip = history(bare(root / "sub.git"), 2)[-1]
    work = work_tree(tmp_path / "work")
    (work / ".gitmodules").write_text('[submodule "sub"]\n\tpath = sub\n\turl = ../sub.git\n')
    git("update-index", "--add", "--cacheinfo", f"160000,{tip},sub", ".gitmodules", cwd=work)
    git("add", ".gitmodules", cwd=work)
    git("commit", "--quiet", "-m", "Add a submodule", cwd=work)
    git("clone", "--quiet", "--bare", work, root / "super.git")
    gate = start_gate(f"--mirror-root={root}", "--scope=*", transport="unix")
    clone = tmp_path / "clone"
    run_git(gate, "-c", "protocol.gate.allow=always", "clone", "--quiet", "--recurse-submodules", "gate:///super.git", clone)
    assert out("rev-parse", "HEAD", cwd=clone / "sub") == tip


def test_submodule_that_names_a_socket(gate, tmp_path, start_gate):
    """Otherwise the author of .gitmodules could have the token sent to any socket."""
    root = tmp_path / "root"
    work = work_tree(tmp_path / "work")
    tip = history(bare(root / "sub.git"), 2)[-1]
    (work / ".gitmodules").write_text(f'[submodule "sub"]\n\tpath = sub\n\turl = {helper_url(gate.socket_path)}\n')
    git("update-index", "--add", "--cacheinfo", f"160000,{tip},sub", ".gitmodules", cwd=work)
    git("add", ".gitmodules", cwd=work)
    git("commit", "--quiet", "-m", "Add a submodule", cwd=work)
    git("clone", "--quiet", "--bare", work, root / "super.git")
    own = start_gate(f"--mirror-root={root}", "--scope=*", transport="unix")
    before = len(gate.records)
    result = run_git(own, "-c", "protocol.gate.allow=always", "clone", "--recurse-submodules", "gate:///super.git",
                     tmp_path / "clone", ok=False)
    assert "the URL of a submodule may not name a socket" in result.stderr
    assert len(gate.records) == before


# A person's settings for other addresses must neither disturb nor leak.

@pytest.mark.parametrize("variables", [
    pytest.param({"http_proxy": "http://127.0.0.1:1"}, id="http_proxy"),
    pytest.param({"all_proxy": "http://127.0.0.1:1", "ALL_PROXY": "socks5://127.0.0.1:1"}, id="all_proxy"),
    pytest.param({"GIT_ALLOW_PROTOCOL": "gate"}, id="one-protocol"),
    pytest.param({"GIT_ASKPASS": "/nonexistent", "SSH_ASKPASS": "/nonexistent"}, id="askpass"),
])
def test_variables_of_a_person(gate, variables):
    check_served(URL, GIT_GATE_SOCKET=gate.socket_path, **variables)


@pytest.mark.parametrize("settings", [
    ["http.proxy=http://127.0.0.1:1"],
    ["http.extraHeader=Authorization: Basic eDp5"],
    ["http.extraHeader=X-Mine: secret"],
    ["http.http://127.0.0.1.extraHeader=Authorization: Basic eDp5"],
    ["http.version=HTTP/2"],
    ["http.proactiveAuth=basic"],
    ["http.followRedirects=true"],
    ["credential.helper=!exit 1"],
    ["protocol.allow=never", "protocol.gate.allow=always"],
    ["protocol.http.allow=never"],
    ["protocol.version=0"],
    ["http.cookieFile=/nonexistent", "http.saveCookies=true"],
    ["remote.origin.proxy=http://127.0.0.1:1"],
])
def test_settings_of_a_person(gate, settings, tmp_path):
    trace = tmp_path / "trace"
    options = [word for setting in settings for word in ("-c", setting)]
    work = work_tree(tmp_path / "work")
    git("remote", "add", "origin", URL, cwd=work)
    listing = run_git(gate, *options, "ls-remote", "origin", cwd=work, GIT_TRACE_CURL=trace).stdout
    assert "refs/heads/main" in listing
    assert "X-Mine" not in trace.read_text()


def test_instead_of_another_url(gate):
    assert "refs/heads/main" in run_git(gate, "-c", "url.gate:///.insteadOf=https://example.org/", "ls-remote",
                                        "https://example.org/repo.git").stdout


def test_no_cookie_reaches_the_gate(gate, tmp_path):
    (tmp_path / "cookies").write_text("127.0.0.1\tFALSE\t/\tFALSE\t0\tname\tsecret-cookie\n")
    trace = tmp_path / "trace"
    run_git(gate, "-c", f"http.cookieFile={tmp_path / 'cookies'}", "ls-remote", URL, GIT_TRACE_CURL=trace,
            GIT_TRACE_REDACT=0)
    assert "ookie: " not in trace.read_text()


def test_netrc_of_a_person(gate, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ada password secret\n")
    check_served(URL, GIT_GATE_SOCKET=gate.socket_path, HOME=tmp_path)


def test_ignored_sigchld(gate):
    """A program that ignores its children leaves SIGCHLD ignored."""
    result = subprocess.run(["git", "ls-remote", URL], capture_output=True, text=True, check=False,
                            env={**ENVIRONMENT, "GIT_GATE_SOCKET": str(gate.socket_path)},
                            preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    assert (result.returncode, "refs/heads/main" in result.stdout) == (0, True), result.stderr


def test_first_request_has_the_token(small_root, start_gate):
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", transport="unix")
    check_served(URL, GIT_GATE_SOCKET=gate.socket_path)
    gate.stop()
    assert [record["status"] for record in gate.request_records()] == [200, 200]


def test_help_and_version():
    for arguments, words in ((["--help"], "usage: git clone gate:///"), ([], "usage: git clone gate:///"),
                             (["--version"], "git-remote-gate ")):
        result = run_bounded([HELPER, *arguments], seconds=20, environment=ENVIRONMENT)
        assert (result.returncode, result.stderr) == (0, "") and result.stdout.decode().startswith(words)
        if words.startswith("usage"):
            said = result.stdout.decode()
            order = [said.index(word) for word in (
                "?socket=PATH", "GIT_GATE_SOCKET", "gate.socket", "[/run/git-gate/gate.sock]", "GIT_GATE_TOKEN,",
                "GIT_GATE_TOKEN_FILE", "gate.tokenFile", "GIT_GATE_TIMEOUT", "[360]",
                "GIT_GATE_WAIT", "[30]")]
            assert order == sorted(order) and all(len(line) <= 100 for line in said.splitlines())
    assert re.fullmatch(r"git-remote-gate [0-9.]+\n", result.stdout.decode())
