# SPDX-License-Identifier: Apache-2.0
"""
git-remote-gate's own behaviour: the sources of socket and token, its secrets, and its failures.

The tests of fetches and pushes show that git can do everything over it that it can do over http://.
"""

import contextlib
import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from .bridge import HELPER, check_static, helper_url, is_sanitized
from .gate import run
from .host import descendants, parent_of, stat_fields
from .http import TOKEN, basic
from .polling import wait_until
from .repos import ENVIRONMENT, add_packed_refs, bare, commit, git, history, out, refs, run_bounded, without_epilogue, work_tree
from .users import public_copy, run_as_another

FAILED = 128
COMMITS = 3
URL = "gate:///repo.git"
SECRETS = (TOKEN, basic().rsplit(" ", 1)[1])
LISTENING_STATE = "0A"


@pytest.fixture(scope="module")
def gate(small_root, start_module_gate):
    return start_module_gate(f"--mirror-root={small_root}", "--scope=repo", transport="unix")


def run_git(gate, *arguments, **named):
    """git, with the socket in the environment, as in most containers."""
    return git(*arguments, **{"GIT_GATE_SOCKET": gate.socket_path, **named})


def check_served(*arguments, **named):
    assert "refs/heads/main" in out("ls-remote", *arguments, **named)


def check_fails(words, *arguments, **named):
    """It ends as git's programs do, and the last line is one sentence of the helper with all the words."""
    result = git(*arguments, ok=False, **named)
    assert result.returncode == FAILED, result
    last = without_epilogue(result.stderr).splitlines()[-1]
    assert last.startswith("git-remote-gate: "), result.stderr
    for word in words:
        assert word in last, last
    assert not any(secret in result.stderr for secret in SECRETS), result.stderr
    return result


def ports_of(pids):
    """The ports of 127.0.0.1 on which these processes listen: see proc_net(5), and proc_pid_fd(5)."""
    inodes = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            inodes |= {os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir()}
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    fields = (line.split() for line in lines)
    return {int(field[1][9:], 16) for field in fields if field[3] == LISTENING_STATE and f"socket:[{field[9]}]" in inodes}


def listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


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


def test_clones_side_by_side(gate, tmp_path):
    script = 'for i in $(seq 20); do git clone --quiet "$0" "clone$i" & pids="$pids $!"; done\n' \
             'for pid in $pids; do wait "$pid" || exit 1; done'
    result = run_bounded(["sh", "-c", script, URL], seconds=120, cwd=tmp_path,
                         environment={**ENVIRONMENT, "GIT_GATE_SOCKET": str(gate.socket_path)})
    assert result.returncode == 0, result.stderr
    assert {out("rev-list", "--count", "HEAD", cwd=tmp_path / f"clone{i}") for i in range(1, 21)} == {str(COMMITS)}


# Personal settings for other addresses must neither get in the way nor get out.

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
    """As a program that ignores its children leaves it."""
    result = subprocess.run(["git", "ls-remote", URL], capture_output=True, text=True, check=False,
                            env={**ENVIRONMENT, "GIT_GATE_SOCKET": str(gate.socket_path)},
                            preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    assert (result.returncode, "refs/heads/main" in result.stdout) == (0, True), result.stderr


def test_first_request_has_the_token(small_root, start_gate):
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", transport="unix")
    check_served(URL, GIT_GATE_SOCKET=gate.socket_path)
    gate.stop()
    assert [record["status"] for record in gate.request_records()] == [200, 200]


# The token, and open ports.

@pytest.mark.parametrize("name", ["GIT_TRACE", "GIT_TRACE_CURL", "GIT_TRACE_PACKET", "GIT_TRACE_SETUP", "GIT_TRACE2",
                                  "GIT_TRACE2_EVENT", "GIT_TRACE2_PERF", "GIT_CURL_VERBOSE"])
def test_traces_do_not_show_the_token(root, start_gate, tmp_path, name):
    """Even when settings are traced: the token is a setting for git's HTTP helper and the programs that it starts."""
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", transport="unix")
    trace = tmp_path / "trace"
    variables = {name: trace, "GIT_TRACE2_CONFIG_PARAMS": "http.*"}
    for version in (0, 2):
        work = tmp_path / f"work{version}"
        option = f"protocol.version={version}"
        run_git(gate, "-c", option, "-c", "trace2.configParams=http.*", "clone", URL, work, **variables)
        commit(work, "new", f"{version}\n")
        run_git(gate, "-c", option, "-c", "trace2.configParams=http.*", "push", "origin", f"main:v{version}", cwd=work,
                **variables)
    text = trace.read_text() if trace.exists() else ""
    assert text or name == "GIT_CURL_VERBOSE"
    assert not any(secret in text for secret in SECRETS)


@pytest.fixture
def held_clone(gate_with, tmp_path):
    """A clone that waits for git behind the gate: yields its process; all of its processes are in one group."""
    gate, exec_path = gate_with('read -r _ <"$here/hold"', transport="unix")
    with subprocess.Popen(["git", "clone", "--quiet", URL, tmp_path / "clone"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
                          env={**ENVIRONMENT, "GIT_GATE_SOCKET": str(gate.socket_path)}) as process:
        try:
            wait_until("the request is there", lambda: exec_path.runs)
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def test_no_command_line_shows_the_token(held_clone):
    commands = descendants(held_clone.pid)
    names = {Path(words[0].decode()).name for words in commands.values()}
    assert {"git-remote-gate", "git-remote-http"} <= names
    for words in commands.values():
        for secret in SECRETS:
            assert not any(secret.encode() in word for word in words), words


def named(commands, name):
    return next(pid for pid, words in commands.items() if Path(words[0].decode()).name == name)


def check_all_ends(started, port):
    wait_until("all that it has started is gone", lambda: not any(map(stat_fields, started)), 10)
    assert not listens(port)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("name", ["git", "git remote-gate", "git-remote-gate"])
def test_dies_with_git(held_clone, name, number):
    """The helper ends with git itself and its processes for the helper, not only with a signal to the whole group."""
    started = {held_clone.pid: [b"git"], **descendants(held_clone.pid)}
    port, = ports_of(started)
    children = {parent_of(pid): pid for pid in started}
    pid = {"git": held_clone.pid, "git remote-gate": children[held_clone.pid],
           "git-remote-gate": named(started, "git-remote-gate")}[name]
    os.kill(pid, number)
    held_clone.wait(timeout=10)
    check_all_ends([pid for pid in started if pid != held_clone.pid], port)


def test_other_users_do_not_get_to_the_port(held_clone):
    """The socket has mode 0600, and the port that leads to it is no way around that."""
    port, = ports_of(descendants(held_clone.pid))
    script = f"import socket; s = socket.create_connection(('127.0.0.1', {port})); s.sendall(b'GET /'); print(s.recv(9))"
    result = run_as_another("/usr/bin/python3", "-c", script)
    assert result.stdout == "b''\n" or "ConnectionResetError" in result.stderr or "BrokenPipeError" in result.stderr, result


def test_nothing_stays(gate, tmp_path):
    """Neither after git's success nor after its failure: a later listener on the port has nothing to do with git."""
    started = {}
    ports = set()
    for number, url in enumerate([URL, "gate:///other.git"] * 3):  # the command may end before the test has looked
        with subprocess.Popen(["git", "clone", "--quiet", url, tmp_path / f"clone{number}"], stderr=subprocess.PIPE,
                              env={**ENVIRONMENT, "GIT_GATE_SOCKET": str(gate.socket_path)}) as process:
            while process.poll() is None:
                started.update(descendants(process.pid))
                ports |= ports_of(started)
            process.communicate()
        # a failing git does not wait for its helper, and then process 1 reaps the helper's last process
        wait_until("nothing is left", lambda: not any(map(stat_fields, started)), 10)
        assert not any(map(listens, ports))
    assert started


def test_program_needs_nothing_of_the_image():
    """The sanitizers do not support static programs."""
    if is_sanitized():
        assert b"libasan" in HELPER.read_bytes()
        return
    check_static(HELPER)


# Each way to fail, and its remedy.

def test_no_socket(tmp_path):
    check_fails(["there is no socket", "GIT_GATE_SOCKET"], "ls-remote", URL, GIT_GATE_SOCKET=tmp_path / "none")


def test_default_socket():
    if Path("/run/git-gate/gate.sock").exists():
        pytest.skip("there is a gate where containers have it")
    check_fails(["/run/git-gate/gate.sock", "GIT_GATE_SOCKET"], "ls-remote", URL)


def test_no_socket_but_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    check_fails(["is not a socket", "GIT_GATE_SOCKET"], "ls-remote", URL, GIT_GATE_SOCKET=tmp_path / "file")


def test_socket_of_a_gate_that_was_killed(small_root, start_gate):
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", transport="unix")
    gate.signal(signal.SIGKILL)
    gate.wait()
    check_fails(["connection refused", "start the gate again"], "ls-remote", URL, GIT_GATE_SOCKET=gate.socket_path)
    gate.socket_path.unlink()


def test_long_path():
    check_fails(["GIT_GATE_SOCKET", "107"], "ls-remote", URL, GIT_GATE_SOCKET="/" + "x" * 120)
    check_fails(["socket=PATH"], "ls-remote", f"{URL}?socket=/{'x' * 120}")


def test_address_in_the_place_of_the_socket():
    check_fails(["GIT_GATE_SOCKET", "http://x:TOKEN@127.0.0.1:9418/NAME.git"], "ls-remote", URL,
                GIT_GATE_SOCKET="127.0.0.1:9418")


def test_socket_of_another_user(gate):
    with public_copy(HELPER) as helper:
        result = run_as_another(helper, "origin", URL, env={**ENVIRONMENT, "GIT_GATE_SOCKET": str(gate.socket_path)})
    assert result.returncode == FAILED
    assert "permission denied" in result.stderr and "user who started the gate" in result.stderr


def test_nobody_answers(small_root, start_gate):
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", transport="unix")
    gate.signal(signal.SIGSTOP)
    try:
        check_fails(["does not go on for 1 s", "GIT_GATE_TIMEOUT"], "ls-remote", URL, GIT_GATE_SOCKET=gate.socket_path,
                    GIT_GATE_TIMEOUT=1, seconds=20)
    finally:
        gate.signal(signal.SIGCONT)


def test_helper_waits_longer_than_the_queue_of_a_gate():
    """Or it would give up a request that the gate still means to serve."""
    helper = subprocess.run([HELPER, "--help"], capture_output=True, text=True, check=True).stdout
    queue = re.search(r"--queue-timeout=S .*\[(\d+)\]", run("serve", "--help").stdout)
    waits = re.search(r"GIT_GATE_TIMEOUT, .*\[(\d+)\]", helper)
    assert int(queue.group(1)) == 300 and int(waits.group(1)) >= 300 + 60


@pytest.mark.parametrize("value", ["0", "-1", "x", "1s", " 1", "86401", "99999999999999999999"])
def test_timeout_that_is_none(gate, value):
    check_fails(["GIT_GATE_TIMEOUT", "seconds"], "ls-remote", URL, GIT_GATE_SOCKET=gate.socket_path,
                GIT_GATE_TIMEOUT=value)


@pytest.mark.parametrize("token", ["x" * 37, TOKEN[:-1], TOKEN + "x"])
def test_wrong_token(gate, token, tmp_path):
    result = check_fails(["the token in GIT_GATE_TOKEN is not that of the gate"], "clone", URL, tmp_path / "clone",
                         GIT_GATE_SOCKET=gate.socket_path, GIT_GATE_TOKEN=token)
    assert token not in result.stderr and not (tmp_path / "clone").exists()


def run_on_a_terminal(*arguments, **variables):
    """git with a terminal of its own, from which it may ask; its status, and all that the terminal shows."""
    master, slave = pty.openpty()
    environment = {**ENVIRONMENT, "GIT_TERMINAL_PROMPT": "1", **{name: str(value) for name, value in variables.items()}}
    said = b""
    with subprocess.Popen(["setsid", "--ctty", "--wait", "git", *arguments], stdin=slave, stdout=slave, stderr=slave,
                          env=environment) as process:
        os.close(slave)
        with contextlib.suppress(OSError):  # EIO: nobody has it open any more
            while select.select([master], [], [], 20)[0]:
                said += os.read(master, 4096)
        os.close(master)  # hangs up on whoever still waits for an answer
    return process.returncode, said.decode()


def test_nobody_is_asked_for_another_token(gate, tmp_path):
    """The port of the helper means nothing to a person, and to no store of credentials."""
    asked = tmp_path / "asked"
    asking = tmp_path / "ask"
    asking.write_text(f"#!/bin/sh\necho \"$@\" >>{asked}\necho password=x\n")
    asking.chmod(0o755)
    (tmp_path / "config").write_text(f"[credential]\n\thelper = {asking}\n")
    for options in ([], ["-c", f"credential.helper={asking}", "-c", f"core.askPass={asking}"]):
        status, said = run_on_a_terminal(*options, "ls-remote", URL, GIT_GATE_SOCKET=gate.socket_path,
                                         GIT_GATE_TOKEN="x" * 37, GIT_CONFIG_GLOBAL=tmp_path / "config",
                                         SSH_ASKPASS=asking)
        assert status == FAILED and "is not that of the gate" in said, said
        assert not re.search("^(Username|Password) for", said, re.MULTILINE), said
        assert not asked.exists(), asked.read_text()


def test_wrong_token_in_a_file(gate, tmp_path):
    (tmp_path / "token").write_text("x" * 37)
    check_fails(["the token in GIT_GATE_TOKEN_FILE is not"], "ls-remote", URL, GIT_GATE_SOCKET=gate.socket_path,
                GIT_GATE_TOKEN="", GIT_GATE_TOKEN_FILE=tmp_path / "token")


def test_no_token(gate, tmp_path):
    check_fails(["there is no token", "GIT_GATE_TOKEN_FILE", "gate.tokenFile"], "ls-remote", URL,
                GIT_GATE_SOCKET=gate.socket_path, GIT_GATE_TOKEN="")
    check_fails(["GIT_GATE_TOKEN_FILE", "cannot be read"], "ls-remote", URL, GIT_GATE_SOCKET=gate.socket_path,
                GIT_GATE_TOKEN="", GIT_GATE_TOKEN_FILE=tmp_path / TOKEN)


@pytest.mark.parametrize("kind, words", [("pipe", "names something else than a file"), ("folder", "names a folder"),
                                         ("empty", "is empty")])
def test_token_file_that_is_none(gate, tmp_path, kind, words):
    """The helper must not wait for a pipe that nobody writes to."""
    path = tmp_path / "token"
    {"pipe": os.mkfifo, "folder": os.mkdir, "empty": Path.touch}[kind](path)
    check_fails(["GIT_GATE_TOKEN_FILE", words], "ls-remote", URL, GIT_GATE_SOCKET=gate.socket_path, GIT_GATE_TOKEN="",
                GIT_GATE_TOKEN_FILE=path, seconds=10)


@pytest.mark.parametrize("token", ["a b", "a:b", "x" * 256, "\xe4"])
def test_token_that_is_none(gate, token):
    result = check_fails(["GIT_GATE_TOKEN", "is not a token"], "ls-remote", URL, GIT_GATE_SOCKET=gate.socket_path,
                         GIT_GATE_TOKEN=token)
    assert token not in result.stderr


def test_path_in_the_place_of_the_token(gate, tmp_path):
    (tmp_path / "token").write_text(f"{tmp_path}/token\n")
    check_fails(["GIT_GATE_TOKEN is the path of a file", "GIT_GATE_TOKEN_FILE"], "ls-remote", URL,
                GIT_GATE_SOCKET=gate.socket_path, GIT_GATE_TOKEN=f"{tmp_path}/token")
    check_fails(["the file of GIT_GATE_TOKEN_FILE is the path"], "ls-remote", URL, GIT_GATE_SOCKET=gate.socket_path,
                GIT_GATE_TOKEN="", GIT_GATE_TOKEN_FILE=tmp_path / "token")


def test_wrong_repository(gate, tmp_path):
    check_fails(["for another repository than other.git", "URL"], "clone", "gate:///other.git", tmp_path / "clone",
                GIT_GATE_SOCKET=gate.socket_path)


def test_no_such_repository(small_root, start_gate):
    gate = start_gate(f"--mirror-root={small_root}", "--scope=*", transport="unix")
    check_fails(["no repository nowhere.git"], "ls-remote", "gate:///nowhere.git", GIT_GATE_SOCKET=gate.socket_path)


@pytest.mark.parametrize("url, words", [
    ("gate://repo.git", "a third slash is missing"), ("gate:///", "name is missing"),
    (f"gate://{TOKEN}:@/repo.git", "GIT_GATE_TOKEN"), ("gate:///a/repo.git", "has a slash in it"),
    ("gate::repo", "begin with gate://"), (f"gate:///repo.git?token={TOKEN}", "GIT_GATE_TOKEN"),
    ("gate:///repo.git?socket=", "socket=PATH is missing")])
def test_url_that_is_none(gate, url, words):
    check_fails(["gate:///NAME.git", words], "ls-remote", url, GIT_GATE_SOCKET=gate.socket_path)


def test_read_only_gate(small_root, start_gate, tmp_path):
    """git shows the gate's own words, and there is nothing to add."""
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", "--read-only", transport="unix")
    run_git(gate, "clone", "--quiet", URL, tmp_path / "work")
    commit(tmp_path / "work", "new", "text\n")
    result = run_git(gate, "push", "origin", "main", cwd=tmp_path / "work", ok=False)
    assert "remote: this gate is read-only" in result.stderr and result.returncode == FAILED


@pytest.mark.parametrize("size", [300_000, 3_000_000])
def test_push_over_the_limit(root, start_gate, tmp_path, size):
    """git sends the first with its length, and the second in chunks, and tells the status alone."""
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", "--max-push-bytes=200000", transport="unix")
    work = tmp_path / "work"
    run_git(gate, "clone", "--quiet", URL, work)
    commit(work, "large", os.urandom(size))
    result = run_git(gate, "push", "origin", "main", cwd=work, ok=False)
    check_sentence(result, ["takes no request of this size", "--max-push-bytes"])


@pytest.mark.parametrize("version", [0, 2])
def test_fetch_over_the_limit(tmp_path, start_gate, version):
    """As a mirror clone of very many refs: it asks for each commit by its id."""
    root = tmp_path / "root"
    repository = bare(root / "repo.git")
    commits = history(repository, 100)
    add_packed_refs(repository, {f"refs/heads/b{i:03}": oid for i, oid in enumerate(commits)})
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", "--max-negotiation-bytes=2000", transport="unix")
    result = run_git(gate, "-c", f"protocol.version={version}", "clone", "--mirror", URL, tmp_path / "clone", ok=False)
    check_sentence(result, ["takes no request of this size", "--max-negotiation-bytes"])


def check_sentence(result, words):
    """One line is the helper's, wherever git's own stand."""
    assert result.returncode != 0, result
    line, = [line for line in result.stderr.splitlines() if line.startswith("git-remote-gate: ")]
    for word in words:
        assert word in line, line


@contextlib.contextmanager
def stranger(path, answer, keep_open=False):
    """Another program's socket, mounted in the gate's place. It answers once; yields the bytes that it got."""
    heard = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve():
            with contextlib.suppress(OSError):
                while not heard:
                    connection, _ = listener.accept()
                    with connection:
                        if data := connection.recv(4096):  # none of the first connection, which only tests who is there
                            heard.append(data)
                            connection.sendall(answer)
                            if keep_open:
                                connection.recv(4096)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield heard
        thread.join(timeout=10)


@pytest.mark.parametrize("answer, words", [
    (b"SSH-2.0-OpenSSH_9.2p1\r\n", ["is not the socket of a git-gate"]),
    (b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
     ["is not the socket of a git-gate"]),
    (b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n',
     ["is not the socket of a git-gate"]),
    (b"HTTP/1.1 401 Unauthorized\r\nGate-Reason: no-credentials\r\nContent-Length: 0\r\n\r\n",
     ["got no token", "git older than 2.31", "git-gate-bridge, which serve it"]),
    (b"HTTP/1.1 403 Forbidden\r\nGate-Reason: wrong-token\r\nContent-Length: 4\r\n\r\nread", ["is not that of the gate"]),
    (b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 17\r\n\r\nit is not the token",
     ["refuses this with status 403", "the token in GIT_GATE_TOKEN", "repo.git", "read-only"]),  # of an older gate
    (b"", ["ended the connection without an answer", "log"]),
])
def test_something_else_listens(tmp_path, answer, words):
    """Nobody is asked for a password either, by any means."""
    asked = tmp_path / "asked"
    asking = tmp_path / "askpass"
    asking.write_text(f"#!/bin/sh\ntouch {asked}\necho x\n")
    asking.chmod(0o755)
    with stranger(tmp_path / "other.sock", answer):
        check_fails(words, "-c", f"core.askPass={asking}", "ls-remote", URL, GIT_GATE_SOCKET=tmp_path / "other.sock",
                    GIT_ASKPASS=asking, SSH_ASKPASS=asking)
    assert not asked.exists()


def test_nobody_accepts(tmp_path):
    """The first connection takes the last place among those that wait to be accepted, and the next one gets none."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "full.sock"))
        listener.listen(0)
        check_fails(["nobody accepts connections"], "ls-remote", URL, GIT_GATE_SOCKET=tmp_path / "full.sock")


def test_no_http_helper(gate, tmp_path):
    environment = {**ENVIRONMENT, "PATH": str(tmp_path), "GIT_GATE_SOCKET": str(gate.socket_path)}
    result = run_bounded([HELPER, "origin", URL], seconds=20, environment=environment)
    assert result.returncode == FAILED
    assert "git-remote-http cannot be run" in result.stderr and "install git" in result.stderr


def test_loopback_that_is_down(gate):
    """A new network namespace begins like that; bwrap and others raise the loopback."""
    command = ["unshare", "--net", "git", "ls-remote", URL]
    if not shutil.which("unshare"):
        pytest.skip("needs unshare(1)")
    environment = {**ENVIRONMENT, "GIT_GATE_SOCKET": str(gate.socket_path)}
    if run_bounded(["unshare", "--net", "true"], seconds=20, environment=environment).returncode != 0:
        pytest.skip("needs the right to make a network namespace")
    result = run_bounded(command, seconds=20, environment=environment)
    assert result.returncode == FAILED
    assert "ip link set lo up" in result.stderr and without_epilogue(result.stderr).count("\n") == 1


def test_no_table_of_connections(gate):
    """Without it, the helper cannot tell another user at the port, so it must open none."""
    hide = "mount -t proc -o subset=pid proc /proc"
    command = ["unshare", "--mount", "--propagation=private", "sh", "-ec"]
    environment = {**ENVIRONMENT, "GIT_GATE_SOCKET": str(gate.socket_path)}
    if not shutil.which("unshare") or run_bounded([*command, hide], seconds=20,
                                                  environment=environment).returncode != 0:
        pytest.skip("needs unshare(1), and the right to mount")
    result = run_bounded([*command, f"{hide} && exec git ls-remote {URL}"], seconds=20, environment=environment)
    assert result.returncode == FAILED
    assert "/proc/net/tcp cannot be read" in result.stderr and "mount /proc" in result.stderr
    assert without_epilogue(result.stderr).count("\n") == 1


def list_in_namespaces(gate, *options):
    """git ls-remote in new namespaces; the user namespace maps nobody."""
    environment = {**ENVIRONMENT, "GIT_GATE_SOCKET": str(gate.socket_path)}
    command = ["unshare", "--user", *options]
    if not shutil.which("unshare") or run_bounded([*command, "true"], seconds=20, environment=environment).returncode != 0:
        pytest.skip("needs unshare(1), and the right to make namespaces")
    result = run_bounded([*command, "git", "ls-remote", URL], seconds=20, environment=environment)
    assert result.returncode == FAILED
    return without_epilogue(result.stderr)


def test_user_without_a_number(gate):
    """Unmapped users look the same in the table of connections, so the helper must open no port."""
    said = list_in_namespaces(gate)
    assert "other users cannot be told from this one" in said and "as another user" in said and said.count("\n") == 1


def test_user_without_a_number_in_a_network_of_its_own(gate):
    """Nobody else gets in there, so only a loopback that is up is missing."""
    said = list_in_namespaces(gate, "--net")
    assert "ip link set lo up" in said and said.count("\n") == 1


def test_broken_count_of_settings(gate):
    """git itself refuses it earlier; a caller of the helper alone also gets an error."""
    result = run_bounded([HELPER, "origin", URL], seconds=20, data=b"\n",
                         environment={**ENVIRONMENT, "GIT_GATE_SOCKET": str(gate.socket_path), "GIT_CONFIG_COUNT": "x"})
    assert result.returncode == FAILED and "GIT_CONFIG_COUNT" in result.stderr


def test_broken_configuration(gate):
    result = git("-c", "gate.socket", "ls-remote", URL, GIT_GATE_TOKEN=TOKEN, ok=False)
    assert "gate.socket" in result.stderr and "GIT_GATE_SOCKET" in result.stderr


def test_url_that_would_write_on_the_terminal(gate):
    result = git("ls-remote", f"{URL}?socket=/%1b]0;x%07%0aremote: all is well", ok=False,
                 GIT_GATE_SOCKET=gate.socket_path)
    assert result.returncode == FAILED and "\x1b" not in result.stderr and "\nremote: all" not in result.stderr


def test_gate_that_stalls_during_a_push(root, start_gate, tmp_path):
    """It has answered before, on the same connection, and then reads no more."""
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", transport="unix")
    work = tmp_path / "work"
    run_git(gate, "clone", "--quiet", URL, work)
    commit(work, "large", os.urandom(30 << 20))
    with subprocess.Popen(["git", "push", "origin", "main"], cwd=work, stderr=subprocess.PIPE, text=True,
                          start_new_session=True,
                          env={**ENVIRONMENT, "GIT_GATE_SOCKET": str(gate.socket_path),
                               "GIT_GATE_TIMEOUT": "2"}) as push:
        wait_until("the pack comes in", lambda: list((root / "repo.git" / "objects").glob("tmp_objdir-incoming-*")), 30)
        gate.signal(signal.SIGSTOP)
        try:
            _, said = push.communicate(timeout=30)
        finally:
            gate.signal(signal.SIGCONT)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(push.pid, signal.SIGKILL)
    assert push.returncode != 0 and "does not go on for 2 s" in said


def test_slow_hook_is_waited_for(root, pre_receive, start_gate, tmp_path):
    """git says every five seconds that it is alive, so a longer time-out does not end it."""
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", transport="unix",
                      *[pre_receive("exec sleep 9")])
    work = tmp_path / "work"
    run_git(gate, "clone", "--quiet", URL, work)
    tip = commit(work, "new", "text\n")
    run_git(gate, "push", "--quiet", "origin", "main", cwd=work, GIT_GATE_TIMEOUT=7)
    assert refs(root / "repo.git")["refs/heads/main"] == tip


def test_gate_that_stops_during_a_push(root, pre_receive, scratch, start_gate, tmp_path):
    """The push fails with a sentence, neither side loses anything, and the same push works later."""
    os.mkfifo(scratch / "hold")
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", transport="unix",
                      *[pre_receive(f"touch {scratch}/reached; read -r _ <{scratch}/hold")])
    work = tmp_path / "work"
    run_git(gate, "clone", "--quiet", URL, work)
    tip = commit(work, "new", "text\n")
    before = refs(root / "repo.git")
    with subprocess.Popen(["git", "push", "origin", "main"], cwd=work, stderr=subprocess.PIPE, text=True,
                          env={**ENVIRONMENT, "GIT_GATE_SOCKET": str(gate.socket_path)}) as push:
        wait_until("the hook runs", (scratch / "reached").exists)
        gate.signal(signal.SIGKILL)
        gate.wait()
        _, said = push.communicate(timeout=20)
    assert push.returncode != 0
    assert "git-remote-gate: the gate at" in said and "has stopped in the middle: start it again" in said
    assert refs(root / "repo.git") == before and out("rev-parse", "origin/main", cwd=work) == before["refs/heads/main"]
    git("fsck", cwd=work)
    again = start_gate(f"--mirror-root={root}", "--scope=repo", f"--socket={gate.socket_path}", transport=None)
    git("push", "--quiet", "origin", "main", cwd=work, GIT_GATE_SOCKET=gate.socket_path)
    assert refs(root / "repo.git")["refs/heads/main"] == tip
    again.stop()


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
