# SPDX-License-Identifier: Apache-2.0
"""git-gate check: its findings about gates that serve, that do not, and other servers. It never shows the token."""

import base64
import contextlib
import functools
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from .backends import CGI_BACKEND, SILENT_FAILURE
from .gate import PROGRAM, environment, run, unless_given
from .http import TOKEN, basic, head
from .packets import FLUSH, PUSH_TYPE, packet, unfinished
from .polling import wait_until
from .repos import bare, git, out
from .targets import INFO, PUSH
from .users import ANOTHER, public_copy, run_as_another

SERVED, NOT_SERVED, USAGE = 0, 1, 2
STEP_SECONDS, TOTAL_SECONDS = 5, 10
ADVERTISEMENT = b"000eversion 2\n000cls-refs\n000afetch\n0000"
TYPE = "Content-Type: application/x-git-upload-pack-advertisement"


def check(*arguments, token=TOKEN, **named):
    """Run it; its output never has the token, whatever its input and findings."""
    result = run("check", *arguments, **{"GIT_GATE_TOKEN": token, **named})
    result.findings = dict(line.split(": ", 1) for line in result.stdout.splitlines())
    for secret in (TOKEN, basic().split()[-1]):
        assert secret not in result.stdout + result.stderr, result
    assert all(re.fullmatch(r"git-gate: [ -~]+", line) for line in result.stderr.splitlines()), result.stderr
    return result


def check_fails(words, *arguments, status=NOT_SERVED, **named):
    """Check that it ends with the status and one sentence with all the words."""
    result = check(*arguments, **named)
    assert result.returncode == status, result
    assert result.stderr.count("\n") == 1, result.stderr
    for word in words:
        assert word in result.stderr, result.stderr
    return result


def check_served(*arguments, **named):
    result = check(*arguments, **named)
    assert (result.returncode, result.stderr) == (SERVED, ""), result
    assert list(result.findings) == ["reachable", "authenticated", "repository", "protocol", "git", "round trip"]
    assert result.findings["authenticated"] == "yes" and result.findings["repository"] == "repo.git"
    assert result.findings["protocol"] == "version 2"
    # Newer releases name the system as well, as 2.55 does: git/2.55.0-Linux.
    assert result.findings["git"].removesuffix(f"-{os.uname().sysname}") == "git/" + out("version").split()[2]
    assert re.fullmatch(r"[0-9]+ ms", result.findings["round trip"])
    return result


@pytest.fixture
def serve(root, start_gate):
    """Starts a gate for repo.git."""
    def start(*options, **named):
        return start_gate(f"--mirror-root={root}", *unless_given(["--scope=repo"], options), *options, **named)
    return start


def where(gate):
    return f"--url={gate.url(user='')}"


# Served requests.

def test_served_on_a_port(serve):
    gate = serve()
    assert check_served(where(gate)).findings["reachable"] == f"http://127.0.0.1:{gate.port}"
    check_served(f"--url=http://127.0.0.1:{gate.port}", "--repo=repo")
    check_served("--url", f"http://localhost:{gate.port}/", "--repo", "repo.git")
    gate.stop()
    requests = [(record["status"], record["service"]) for record in gate.request_records()]
    assert requests == [(200, "git-upload-pack")] * 3, "one request each, with the token at once"


def test_served_on_ipv6(serve):
    gate = serve("--listen=[::1]:0", transport=None)
    assert check_served(where(gate)).findings["reachable"] == f"http://[::1]:{gate.port}"


def test_served_on_a_socket(serve):
    gate = serve(transport="unix")
    found = check_served(f"--socket={gate.socket_path}", "--repo=repo").findings
    assert found["reachable"] == f"unix:{gate.socket_path}"
    check_served(f"--socket={found['reachable']}", "--repo=repo")
    check_served("--repo=repo", GIT_GATE_SOCKET=gate.socket_path)
    check_served(f"--socket={gate.socket_path}", "--repo=repo", GIT_GATE_SOCKET="/nowhere")


def test_served_read_only(serve):
    check_served(where(serve("--read-only")))


def test_served_whichever_repository_of_all(serve):
    check_served(where(serve("--scope=*")))


def test_served_at_the_greatest_number_of_connections(serve):
    """A connection without a proven token does not make a gate look ill."""
    gate = serve("--max-connections=2")
    with gate.connect() as first, gate.connect() as second:
        check_served(where(gate))
        assert first.is_closed() or second.is_closed()


def test_served_to_an_ordinary_user_with_nothing_but_the_socket(root, start_gate, tmp_path):
    """As in a container: no HOME, no PATH with git on it, an empty working directory."""
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", transport="unix")
    check_served(f"--socket={gate.socket_path}", "--repo=repo", cwd=tmp_path, PATH="/nonexistent")


# The source of the token.

def test_token_from_everywhere(serve, tmp_path):
    gate = serve()
    (tmp_path / "token").write_text(TOKEN + "\n")
    (tmp_path / "git-gate.token").write_text(TOKEN + "\n")
    file = tmp_path / "token"
    file.chmod(0o600)
    check_served(where(gate), f"--token-file={file}", token=None)
    check_served(where(gate), f"--token-file={file}", token="wrong")
    check_served(where(gate), "--token-file=-", token=None, data=TOKEN + "\n")
    check_served(f"--url={gate.url()}", token=None)
    check_served(f"--url={gate.url()}", token="wrong")
    for user in (TOKEN.replace("-", "%2D"), f"{TOKEN}:", f"{TOKEN}:x-oauth-basic", f":{TOKEN}", f"oauth2:{TOKEN}",
                 "x:" + TOKEN.replace("-", "%2D")):
        check_served(f"--url={gate.url(user=user)}", token=None)
    check_served(where(gate), token=None, GIT_GATE_TOKEN_FILE=file)
    check_served(where(gate), GIT_GATE_TOKEN_FILE="/nowhere")
    check_served(where(gate), token=None, CREDENTIALS_DIRECTORY=tmp_path)
    check_served(where(gate), token=None, GIT_GATE_TOKEN_FILE=file, CREDENTIALS_DIRECTORY="/nowhere")


@pytest.mark.parametrize("length", [1, 2, 3, 255])
def test_token_of_any_length(serve, length):
    """Base64 has three possible endings."""
    token = ("".join(chr(c) for c in range(33, 127) if c != ord(":")) * 3)[:length]
    check_served(where(serve(token=token)), token=token)


# Wrong usage.

@pytest.mark.parametrize("words, arguments", [
    (["--url", "--socket", "--repo"], ["repo"]),
    (["--url"], [f"http://x:{TOKEN}@127.0.0.1:1/repo.git"]),
    (["--timeout"], ["--timeout=1"]),
    (["--token "], [f"--token={TOKEN}"]),
    (["--url"], ["--url"]),
    (["--socket"], ["--socket="]),
    (["--repo"], []),
    (["--repo"], ["--url=http://127.0.0.1:1"]),
    (["--repo", "--url"], ["--url=http://127.0.0.1:1/repo.git", "--repo=repo"]),
    (["--repo"], ["--repo=a/b"]),
    (["--repo"], ["--repo=.git/"]),
    (["--repo"], [f"--repo=http://x:{TOKEN}@127.0.0.1:1/repo.git"]),
    (["--socket", "--url"], ["--socket=/s", f"--url=http://x:{TOKEN}@127.0.0.1:1/repo.git"]),
    (["--url"], [f"--socket=http://x:{TOKEN}@127.0.0.1:1/repo.git", "--repo=repo"]),
    (["--url=http://127.0.0.1:1"], ["--socket=127.0.0.1:1", "--repo=repo"]),
    (["--socket", "107"], ["--socket=/" + "x" * 107, "--repo=repo"]),
    (["http://"], [f"--url=https://{TOKEN}:@127.0.0.1:1/repo.git"]),
    (["http://"], [f"--url={TOKEN}"]),
    (["loopback"], [f"--url=http://x:{TOKEN}@10.0.0.1:1/repo.git"]),
    (["loopback"], [f"--url=http://x:{TOKEN}@example.org/repo.git"]),
    (["port is not a number"], [f"--url=http://127.0.0.1:{TOKEN}/repo.git"]),
    (["--url", "user"], [f"--url=http://{TOKEN}%zz:@127.0.0.1:1/repo.git"]),
    (["--url", ".git"], [f"--url=http://127.0.0.1:1/{TOKEN}"]),
    (["--token-file", "--url"], [f"--url=http://x:{TOKEN}@127.0.0.1:1/repo.git", "--token-file=-"]),
    (["--token-file"], [f"--token-file={TOKEN}", "--repo=repo"]),
    (["--token-file"], ["--token-file=/etc/os-release", "--repo=repo"]),
    (["--token-file"], ["--token-file=-", "--repo=repo"]),
])
def test_bad_usage(words, arguments):
    assert check_fails(words, *arguments, status=USAGE).stdout == ""


def test_bad_token_from_elsewhere(tmp_path):
    """With no argument at all, the message lists the options."""
    for words, variables in ((["--token-file", "GIT_GATE_TOKEN", "GIT_GATE_TOKEN_FILE"], {}),
                             (["GIT_GATE_TOKEN"], {"token": "two words"}), (["GIT_GATE_TOKEN"], {"token": ""}),
                             (["GIT_GATE_TOKEN_FILE"], {"GIT_GATE_TOKEN_FILE": TOKEN}),
                             (["GIT_GATE_TOKEN is the path", "GIT_GATE_TOKEN_FILE"], {"token": f"{tmp_path}/token"}),
                             (["GIT_GATE_TOKEN_FILE names a folder"], {"GIT_GATE_TOKEN_FILE": tmp_path}),
                             (["GIT_GATE_TOKEN_FILE=/dev/null is empty"], {"GIT_GATE_TOKEN_FILE": "/dev/null"}),
                             (["--token-file"], {"CREDENTIALS_DIRECTORY": tmp_path / "nowhere"})):
        check_fails(words, "--repo=repo", status=USAGE, **{"token": None, **variables})
    (tmp_path / "git-gate.token").write_text("two words\n")
    check_fails(["git-gate.token"], "--repo=repo", status=USAGE, token=None, CREDENTIALS_DIRECTORY=tmp_path)


def test_help():
    for arguments in (["--help"], ["-h"], ["--repo=repo", "--help"]):
        result = run("check", *arguments)
        assert (result.returncode, result.stderr) == (0, "")
        assert set(re.findall(r"^  (--[a-z-]+)", result.stdout, re.MULTILINE)) == {
            "--socket", "--url", "--token-file", "--repo", "--mirror-root"}
    assert "git-gate check" in run("--help").stdout


# No gate there.

def not_reached(words, *arguments, **named):
    assert check_fails(words, *arguments, **named).findings == {"reachable": "no"}


def test_no_socket(tmp_path):
    not_reached(["no socket", f"{tmp_path}/gate.sock", "--socket"], f"--socket={tmp_path}/gate.sock", "--repo=repo")
    not_reached(["no socket"], f"--socket={tmp_path}/nowhere/gate.sock", "--repo=repo")
    not_reached(["no socket", "GIT_GATE_SOCKET"], "--repo=repo", GIT_GATE_SOCKET=tmp_path / "gate.sock")


@pytest.mark.skipif(os.path.lexists("/run/git-gate/gate.sock"), reason="somebody has a gate there")
def test_default_socket():
    not_reached(["/run/git-gate/gate.sock"], "--repo=repo")
    not_reached(["/run/git-gate/gate.sock"], "--repo=repo", GIT_GATE_SOCKET="")


def test_not_a_socket(tmp_path):
    (tmp_path / "file").write_text("")
    not_reached(["not a socket", "--socket"], f"--socket={tmp_path}/file", "--repo=repo")
    not_reached(["not a socket"], f"--socket={tmp_path}", "--repo=repo")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(tmp_path / "datagrams"))
        not_reached(["not a socket"], f"--socket={tmp_path}/datagrams", "--repo=repo")


def test_stale_socket(serve):
    """The gate was killed before it could remove the socket."""
    gate = serve(transport="unix")
    gate.signal(signal.SIGKILL)
    gate.wait()
    not_reached(["connection refused", str(gate.socket_path), f"belongs to uid {os.geteuid()} and has mode 0600"],
                f"--socket={gate.socket_path}", "--repo=repo")


def test_closed_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    not_reached(["connection refused", "--url"], f"--url=http://127.0.0.1:{port}/repo.git")


def test_permission_denied(serve):
    gate = serve(transport="unix")
    for folder in (gate.folder, gate.folder / "run"):
        folder.chmod(0o755)
    with public_copy(PROGRAM) as program:
        result = run_as_another(program, "check", "--repo=repo", f"--socket={gate.socket_path}",
                                env=environment(GIT_GATE_TOKEN=TOKEN))
    assert (result.returncode, result.stdout) == (NOT_SERVED, "reachable: no\n"), result.stderr
    assert "permission denied" in result.stderr and "user who started the gate" in result.stderr
    assert "belongs to uid 0 and has mode 0" in result.stderr and f"this is uid {ANOTHER}" in result.stderr


# Refusals of real gates.

def test_wrong_token(serve):
    gate = serve()
    for token in ("x" * 37, TOKEN[:-1], TOKEN + "x"):
        result = check_fails(["not that of this gate", "--token-file"], where(gate), token=token)
        assert result.findings.keys() == {"reachable", "authenticated", "round trip"}
        assert result.findings["authenticated"] == "no" and token not in result.stdout + result.stderr


def test_wrong_repository(serve):
    result = check_fails(["another repository than other.git", "--repo"],
                         f"--url={serve().url('other', user='')}")
    assert (result.findings["authenticated"], result.findings["repository"]) == ("yes", "no")


def test_no_such_repository(serve):
    result = check_fails(["no repository nowhere.git", "404"], f"--url={serve('--scope=*').url('nowhere', user='')}")
    assert (result.findings["authenticated"], result.findings["repository"]) == ("yes", "no")


def test_repository_that_is_gone(root, serve):
    """The gate is up, but would not serve a client."""
    gate = serve()
    check_served(where(gate))
    shutil.rmtree(root / "repo.git")
    result = check_fails(["404"], where(gate))
    assert (result.findings["authenticated"], result.findings["repository"]) == ("yes", "no")


@pytest.mark.parametrize("prelude, status, options", [
    ("exit 1", SILENT_FAILURE, []), ("kill -9 $$", 502, []),
    ("printf 'Status: 403 Forbidden\\r\\n\\r\\n'; exit", 403, [CGI_BACKEND])])
def test_git_that_fails(gate_with, prelude, status, options):
    """check passes on the gate's own sentence."""
    gate, _ = gate_with(prelude, *options)
    check_fails([f"status {status}", "log has its words"], where(gate))


def test_git_that_is_too_old(gate_with):
    gate, _ = gate_with("GIT_PROTOCOL=version=1; export GIT_PROTOCOL; unset HTTP_GIT_PROTOCOL")
    assert check_fails(["2.18"], where(gate)).findings["protocol"] == "no"


def test_busy(serve):
    """A 503 tells a client when to come back, and check tells people."""
    gate = serve("--max-backends=1", "--queue-timeout=1")
    with gate.connect() as connection:
        connection.send(head("POST", PUSH, PUSH_TYPE, "Content-Length: 100000") + unfinished())
        wait_until("git runs", gate.children)
        result = check_fails(["503", "5 seconds", "--max-backends"], where(gate))
        assert "authenticated" not in result.findings


def test_draining(serve):
    """The gate answers a request from before the stop and says that it stops; it refuses later ones."""
    gate = serve("--max-backends=1", "--drain-timeout=8")
    with gate.connect() as holder:
        holder.send(head("POST", PUSH, PUSH_TYPE, "Content-Length: 100000") + unfinished())
        wait_until("git runs", gate.children)
        with started(where(gate)) as process:
            wait_until("two are connected", lambda: len(established(gate.port)) == 2)
            time_to_queue(gate)
            gate.signal()
            stdout, stderr = process.communicate(timeout=20)
        assert process.returncode == NOT_SERVED and "reachable: http://" in stdout, stderr
        assert "503" in stderr and "stopping" in stderr
        gate.wait_stopped_accepting()
        not_reached(["connection refused"], where(gate))


def established(port):
    """The connections of a gate, as the kernel lists them on its side."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return [line for line in lines if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "01"]


def time_to_queue(gate):
    """The gate answers others in turn: when it has answered a later request, it has read an earlier one."""
    assert gate.ask("GET", INFO, token=None).status == 401


def test_gate_that_is_stopped(serve):
    """A server that listens, as far as the kernel knows, and does nothing."""
    gate = serve(transport="unix")
    gate.signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        result = check_fails([f"{STEP_SECONDS} s"], f"--socket={gate.socket_path}", "--repo=repo")
        assert "nobody answers" in result.stderr and "reachable" in result.findings
        assert STEP_SECONDS - 0.5 < time.monotonic() - began < STEP_SECONDS + 4
    finally:
        gate.signal(signal.SIGCONT)


# Servers that are no gate.

class Server:
    """
    Listens on a port, or on a path, and answers each connection with the given bytes or function.

    It reads the request first and keeps it.
    """

    def __init__(self, answer, path=None):
        self.answer = answer
        self.requests = []
        if path:
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.bind(str(path))
            self.socket.listen(8)
        else:
            self.socket = socket.create_server(("127.0.0.1", 0))
            self.url = f"--url=http://127.0.0.1:{self.socket.getsockname()[1]}/repo.git"
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(timeout=10)
        assert not self.thread.is_alive()

    def _serve(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            with client, contextlib.suppress(OSError):
                client.settimeout(10)
                request = b""
                while b"\r\n\r\n" not in request:
                    request += client.recv(4096)
                self.requests.append(request)
                if callable(self.answer):
                    self.answer(self, client)
                else:
                    client.sendall(self.answer)
                client.shutdown(socket.SHUT_WR)
                client.recv(1)


def response(status, *fields, body=b"", length=True):
    lines = [f"HTTP/1.1 {status}", *fields, *[f"Content-Length: {len(body)}"] * length, "", ""]
    return "\r\n".join(lines).encode() + body


def test_request_is_what_git_sends():
    """The fake cannot be told from a gate, so it sees the bytes that git's own client sends."""
    with Server(response("200 OK", TYPE, body=ADVERTISEMENT)) as server:
        result = check(server.url)
        assert (result.returncode, result.findings["git"]) == (SERVED, "does not say its version")
    request, = server.requests
    lines = request.decode().split("\r\n")
    assert lines[0] == f"GET {INFO} HTTP/1.1"
    assert "Git-Protocol: version=2" in lines and basic() in lines and f"Host: {server.url[13:-9]}" in lines


@pytest.mark.parametrize("words, answer", [
    (["does not speak HTTP"], b"SSH-2.0-OpenSSH_9.2p1\r\n"),
    (["does not speak HTTP"], b"\x15\x03\x01\x00\x02\x02\x46"),
    (["does not speak HTTP"], b"HTTP/2.0 200 OK\r\n\r\n"),
    (["does not speak HTTP"], b"HTTP/1.1 100 Continue\r\n\r\n"),
    (["status 404", "text/html"], response("404 No", "Content-Type: text/html", body=b"<html></html>\n")),
    (["status 404"], response("404 No", "Content-Type: text/plain", body=b"two\nlines\n")),
    (["status 404"], response("404 No", "Content-Type: text/plain", body=b"")),
    (["status 301"], response("301 Moved", "Location: http://10.0.0.1/")),
    (["status 204"], response("204 None", length=False)),
    (["status 401"], response("401 Who", "Content-Type: text/plain", 'WWW-Authenticate: Basic realm="other"',
                              body=b"who are you?\n")),
    (["Content-Type 'text/html'"], response("200 OK", "Content-Type: text/html", body=ADVERTISEMENT)),
    (["Content-Type ''"], response("200 OK", body=ADVERTISEMENT)),
    (["no advertisement"], response("200 OK", TYPE, body=b"<html></html>")),
    (["no advertisement"], response("200 OK", TYPE, body=b"")),
    (["no advertisement"], response("200 OK", TYPE, body=ADVERTISEMENT[:-4])),
    (["no advertisement"], response("200 OK", TYPE, body=ADVERTISEMENT + b"0000")),
    (["bytes"], response("200 OK", TYPE, body=b"000bcapaci\n" * 20000)),
    (["bytes"], b"HTTP/1.1 200 OK\r\n" + b"X-A: 1\r\n" * 20000),
    (["bytes"], b"HTTP/1.1 404 No\r\n\r\n" + b"x" * 200000),
])
def test_something_else(words, answer):
    with Server(answer) as server:
        result = check_fails(["this is not a git-gate: ", "--url", *words], server.url)
    assert "reachable" in result.findings and result.findings.get("authenticated") is None


@pytest.mark.parametrize("words, answer", [
    (["2.18"], response("200 OK", TYPE, body=packet("# service=git-upload-pack\n") + FLUSH + packet("0" * 40 + " HEAD\n"))),
    (["offer ls-refs"], response("200 OK", TYPE, body=b"000eversion 2\n000afetch\n0000")),
    (["offer fetch"], response("200 OK", TYPE, body=b"000eversion 2\n000cls-refs\n0000")),
    (["git behind the gate refuses", "gone"], response("200 OK", TYPE, body=b"000cERR gone")),
    (["without an answer"], b""),
    (["cut short"], b"HTTP/1.1 200 OK\r\nContent-"),
    (["cut short"], response("200 OK", TYPE, "Transfer-Encoding: chunked", length=False) + b"4\r\n000e\r\n"),
    (["cut short"], response("200 OK", TYPE, body=ADVERTISEMENT)[:-1]),
    (["status 418", "teapot"], response("418 No", "Content-Type: text/plain", body=b"a teapot\n")),
    (["503", "some seconds"], response("503 No", "Content-Type: text/plain", body=b"busy\n")),
])
def test_what_is_not_served(words, answer):
    with Server(answer) as server:
        check_fails(words, server.url)


@pytest.mark.parametrize("status, fields, authenticated, words", [
    (403, ["Gate-Reason: wrong-token"], "no", ["not that of this gate"]),
    (401, ["Gate-Reason: wrong-token"], "no", ["not that of this gate"]),
    (403, ["GATE-REASON:wrong-repository"], "yes", ["another repository than repo.git"]),
    (403, ["Gate-Reason: read-only"], None, ["status 403", "is not the token, for another repository"]),
    (403, ["Gate-Reason: a-word-of-the-future"], None, ["status 403", "is not the token, for another repository"]),
    (403, [], None, ["status 403", "is not the token, for another repository"]),
    (401, ['WWW-Authenticate: Basic realm="git-gate"'], "no", ["not that of this gate"]),
    (404, [], "yes", ["no repository repo.git"]),
])
def test_word_counts_and_no_sentence(status, fields, authenticated, words):
    """A refusal is told by its Gate-Reason. An older gate has none, and then the status is all there is."""
    with Server(response(f"{status} No", "Content-Type: text/plain", *fields,
                         body=b"it is not the token, for another repository\n")) as server:
        assert check_fails(words, server.url).findings.get("authenticated") == authenticated


@pytest.mark.parametrize("secret", [TOKEN, basic(), basic().split()[-1]])
def test_token_that_comes_back_is_not_shown(secret):
    """The server may repeat the request, at any place."""
    plain = "Content-Type: text/plain"
    line = secret.encode()
    beginnings = TOKEN[:8], basic().split()[-1][:8]
    for answer in (response("418 No", plain, body=b"it is " + line + b"\n"),
                   response("418 No", plain, body=b"x" * 150 + line + b"\n"),
                   response("503 No", plain, f"Retry-After: {secret}", body=b"busy\n"),
                   response("503 No", plain, "Retry-After: " + "x" * 120 + secret, body=b"busy\n"),
                   response("200 OK", f"Content-Type: {secret}"),
                   response("200 OK", "Content-Type: " + "x" * 150 + secret),
                   response("404 No", f"Content-Type: text/{secret}", body=b"no\n"),
                   response("200 OK", TYPE, body=packet(b"ERR " + line)),
                   response("200 OK", TYPE, body=ADVERTISEMENT[:-4] + packet(b"agent=" + line) + FLUSH)):
        with Server(answer) as server:
            result = check(server.url)
            assert not [text for text in beginnings if text in result.stdout + result.stderr]
    with Server(response("418 No", plain, body=line + b"\n")) as server:
        check_fails(["with the token in it"], server.url)


@pytest.mark.parametrize("user, password", [("oauth2", TOKEN), (TOKEN, "another-token")])
def test_neither_part_of_the_url_comes_back(user, password):
    for secret in (TOKEN, password, basic(user, password).split()[-1]):
        with Server(response("418 No", "Content-Type: text/plain", body=b"x" * 150 + secret.encode() + b"\n")) as server:
            result = check_fails(["with the token in it"], server.url.replace("http://", f"http://{user}:{password}@"),
                                 token=None)
            assert secret[:8] not in result.stderr


def test_other_side_cannot_write_to_the_terminal():
    """check shows an answer as printable bytes, and shortened."""
    with Server(response("418 No", "Content-Type: text/plain", body=b"\x1b[31m\x07\xff" + b"x" * 900 + b"\n")) as server:
        assert "?[31m??xxx" in check_fails(["..."], server.url).stderr
    with Server(response("200 OK", TYPE, body=ADVERTISEMENT[:-4] + packet("agent=a\x1b[m\nb\n") + FLUSH)) as server:
        assert check(server.url).findings["git"] == "a?[m?b"


# Slow servers.

def pause(server, client):
    server.done.wait(STEP_SECONDS + 10)


def half(server, client):
    client.sendall(b"HTTP/1.1 200 OK\r\n")
    pause(server, client)


def dribble(server, client):
    """One byte at a time, each in time, but together longer than the limit."""
    client.sendall(b"HTTP/1.1 200 OK\r\nX-A: ")
    for _ in range(int(TOTAL_SECONDS + 10) * 10):
        if server.done.wait(0.1):
            return
        client.sendall(b"x")


@pytest.mark.parametrize("answer, words, seconds", [
    (pause, ["nobody answers", f"{STEP_SECONDS} s"], STEP_SECONDS),
    (half, ["stops in the middle", f"{STEP_SECONDS} s"], STEP_SECONDS),
    (dribble, ["not whole", f"{TOTAL_SECONDS} s"], TOTAL_SECONDS),
])
def test_slow(answer, words, seconds):
    with Server(answer) as server:
        began = time.monotonic()
        check_fails(words, server.url)
        assert seconds - 0.5 < time.monotonic() - began < seconds + 4


def test_slow_but_in_time():
    def in_pieces(_, client):
        for byte in response("200 OK", TYPE, body=ADVERTISEMENT):
            client.sendall(bytes([byte]))
    with Server(in_pieces) as server:
        assert check(server.url).returncode == SERVED


@pytest.mark.parametrize("family", ["unix", "tcp"])
def test_nobody_accepts(tmp_path, family):
    """The backlog is full: a Unix socket says so at once, a port stays silent."""
    unix = family == "unix"
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket(socket.AF_UNIX if unix else socket.AF_INET))
        server.bind(str(tmp_path / "s") if unix else ("127.0.0.1", 0))
        server.listen(0)
        for _ in range(8):
            client = stack.enter_context(socket.socket(server.family))
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        place = [f"--socket={tmp_path}/s", "--repo=repo"] if unix else [
            f"--url=http://127.0.0.1:{server.getsockname()[1]}/repo.git"]
        not_reached(["nobody has accepted", f"{STEP_SECONDS} s"], *place)


# Its own standard streams, and its command line.

@contextlib.contextmanager
def started(*arguments, **named):
    """Starts a check, and ends it at the end of the test."""
    process = subprocess.Popen([PROGRAM, "check", *arguments], env=environment(GIT_GATE_TOKEN=TOKEN), text=True,
                               **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **named})
    with process:
        try:
            yield process
        finally:
            process.kill()


def test_token_is_not_in_the_command_line_nor_in_the_environment():
    with Server(pause) as server:
        url = server.url.replace("http://", f"http://x:{TOKEN}@")
        with started(url) as process:
            wait_until("the request", lambda: server.requests)
            assert base64.b64encode(f"x:{TOKEN}".encode()) in server.requests[0]
            command = Path(f"/proc/{process.pid}/cmdline").read_bytes()
            assert b"check" in command and b"@127.0.0.1" in command and TOKEN.encode() not in command
            assert TOKEN.encode() not in Path(f"/proc/{process.pid}/environ").read_bytes()


def test_standard_output_that_is_full(serve):
    gate = serve()
    with open("/dev/full", "w", encoding="ascii") as full, started(where(gate), stdout=full) as process:
        assert "standard output" in process.communicate(timeout=20)[1]
    assert process.returncode == NOT_SERVED


def test_standard_output_that_nobody_reads(serve):
    """Words and an exit status report it, not a signal."""
    gate = serve()
    reader, writer = os.pipe()
    os.close(reader)
    with started(where(gate), stdout=writer) as process:
        os.close(writer)
        assert "standard output" in process.communicate(timeout=20)[1]
    assert process.returncode == NOT_SERVED


def test_standard_output_that_is_closed(serve):
    gate = serve()
    with started(where(gate), stdout=None, preexec_fn=lambda: os.close(1)) as process:
        assert "standard output" in process.communicate(timeout=20)[1]
    assert process.returncode == NOT_SERVED


def test_token_is_not_minted_into_nothing():
    """A closed standard output is replaced by a descriptor that cannot be written."""
    result = subprocess.run([PROGRAM, "mint"], env=environment(), stderr=subprocess.PIPE, text=True, timeout=30,
                            preexec_fn=lambda: os.close(1), check=False)
    assert result.returncode == NOT_SERVED and "standard output" in result.stderr


def test_closed_standard_error_changes_nothing(serve):
    gate = serve()
    for user, status in ((f"{TOKEN}:", SERVED), ("x:", NOT_SERVED)):
        with started(f"--url={gate.url(user=user)}", stderr=None, preexec_fn=lambda: os.close(2)) as process:
            assert "reachable" in process.communicate(timeout=20)[0]
        assert process.returncode == status


# Findings in the repository.

def test_repository_is_looked_into(root, start_gate):
    def look(gate):
        result = run("check", f"--url={gate.url(user=None)}", f"--mirror-root={root}", GIT_GATE_TOKEN=TOKEN)
        return result.returncode, result.stdout

    def set_config(*settings):
        for setting in settings:
            git("config", *setting.split("="), cwd=root / "repo.git")
    start = functools.partial(start_gate, f"--mirror-root={root}", "--scope=repo")
    status, said = look(start())
    assert status == 0 and "\nsafe to serve: yes\nlock files: 0\n" in said
    set_config("core.repositoryFormatVersion=1", "extensions.partialClone=origin", "remote.origin.promisor=true")
    gate = start()
    status, said = look(gate)
    assert status == 0 and "\nsafe to serve: yes\npartial clone: yes, " in said and "--refetch" in said
    set_config("hook.x.command=true")
    status, said = look(gate)
    assert status == 1 and "\nsafe to serve: no, " in said and "hook.x.command" in said


def test_repository_that_cannot_be_read_is_not_called_safe(serve):
    """What another user sees says nothing of what the gate's user serves."""
    with public_copy(PROGRAM) as program:
        mirrors = Path(program).parent
        repository = bare(mirrors / "repo.git")
        (repository / "config").write_text("[hook \"x\"]\n\tcommand = true\n")
        (repository / "config").chmod(0o600)
        result = run_as_another(program, "check", f"--url={serve().url(user=None)}", f"--mirror-root={mirrors}",
                                env=environment(GIT_GATE_TOKEN=TOKEN))
    assert "\nsafe to serve: unknown, " in result.stdout and "user who runs the gate" in result.stdout, result.stdout


def test_misspelt_option_of_the_look_into_a_repository():
    assert "--mirror-root" in run("check", "--miror-root=/srv").stderr
