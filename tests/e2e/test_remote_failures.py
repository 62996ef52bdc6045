# SPDX-License-Identifier: Apache-2.0
"""git-remote-gate fails: each way to fail, and its remedy in one sentence."""

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

from .bridge import HELPER
from .gate import run
from .http import TOKEN
from .polling import wait_until
from .remote import FAILED, URL, check_fails, gate_of_git, run_git  # noqa: F401  # the fixture
from .repos import ENVIRONMENT, add_packed_refs, bare, commit, git, history, out, refs, run_bounded, without_epilogue
from .users import public_copy, run_as_another


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
    """Otherwise it would give up a request that the gate still means to serve."""
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
    """Run git with its own terminal, on which it may ask. Return the status, and all that the terminal shows."""
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
    """The helper's port means nothing to a person or to a credential store."""
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
    """git shows the gate's own words. The helper adds nothing."""
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", "--read-only", transport="unix")
    run_git(gate, "clone", "--quiet", URL, tmp_path / "work")
    commit(tmp_path / "work", "new", "text\n")
    result = run_git(gate, "push", "origin", "main", cwd=tmp_path / "work", ok=False)
    assert "remote: this gate is read-only" in result.stderr and result.returncode == FAILED


@pytest.mark.parametrize("size", [300_000, 3_000_000])
def test_push_over_the_limit(root, start_gate, tmp_path, size):
    """git sends the first push with its length, the second in chunks. It reports only the status."""
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", "--max-push-bytes=200000", transport="unix")
    work = tmp_path / "work"
    run_git(gate, "clone", "--quiet", URL, work)
    commit(work, "large", os.urandom(size))
    result = run_git(gate, "push", "origin", "main", cwd=work, ok=False)
    check_sentence(result, ["takes no request of this size", "--max-push-bytes"])


@pytest.mark.parametrize("version", [0, 2])
def test_fetch_over_the_limit(tmp_path, start_gate, version):
    """A mirror clone of very many refs asks for each commit by its id."""
    root = tmp_path / "root"
    repository = bare(root / "repo.git")
    commits = history(repository, 100)
    add_packed_refs(repository, {f"refs/heads/b{i:03}": oid for i, oid in enumerate(commits)})
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", "--max-negotiation-bytes=2000", transport="unix")
    result = run_git(gate, "-c", f"protocol.version={version}", "clone", "--mirror", URL, tmp_path / "clone", ok=False)
    check_sentence(result, ["takes no request of this size", "--max-negotiation-bytes"])


def check_sentence(result, words):
    """Check that the helper prints one line with all the words, before or after git's own."""
    assert result.returncode != 0, result
    line, = [line for line in result.stderr.splitlines() if line.startswith("git-remote-gate: ")]
    for word in words:
        assert word in line, line


@contextlib.contextmanager
def stranger(path, answer, keep_open=False):
    """Another program's socket in the gate's place. It answers once. Yields the bytes that it got."""
    heard = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve():
            with contextlib.suppress(OSError):
                while not heard:
                    connection, _ = listener.accept()
                    with connection:
                        if data := connection.recv(4096):  # the first connection sends none: it is only a probe
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
    """git also asks nobody for a password, by any means."""
    asked = tmp_path / "asked"
    asking = tmp_path / "askpass"
    asking.write_text(f"#!/bin/sh\ntouch {asked}\necho x\n")
    asking.chmod(0o755)
    with stranger(tmp_path / "other.sock", answer):
        check_fails(words, "-c", f"core.askPass={asking}", "ls-remote", URL, GIT_GATE_SOCKET=tmp_path / "other.sock",
                    GIT_ASKPASS=asking, SSH_ASKPASS=asking)
    assert not asked.exists()


def test_nobody_accepts(tmp_path):
    """The first connection takes the last place in the backlog, and the next one gets none."""
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
    """The loopback of a new network namespace is down. bwrap and others raise it."""
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
    """Without the table, the helper cannot recognise another user at its port, so it must open none."""
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
    """Run git ls-remote in new namespaces. The user namespace maps no user."""
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
    """git itself refuses it earlier. A direct caller of the helper also gets an error."""
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
    """The gate has answered before on the same connection, and then reads no more."""
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
    """git sends a keep-alive packet every five seconds, so a longer time-out does not end the push."""
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
