# SPDX-License-Identifier: Apache-2.0
"""git-gate check: its findings about slow servers and servers other than a gate. None makes it show the token."""

import base64
import contextlib
import socket
import threading
import time
from pathlib import Path

import pytest

from .check_verb import SERVED, STEP_SECONDS, TOTAL_SECONDS, check, check_fails, not_reached, started
from .http import TOKEN, basic
from .packets import FLUSH, packet
from .polling import wait_until
from .targets import INFO

ADVERTISEMENT = b"000eversion 2\n000cls-refs\n000afetch\n0000"
TYPE = "Content-Type: application/x-git-upload-pack-advertisement"


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
    """check cannot tell the fake from a gate, so the fake gets the same request as from git's client."""
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
    (["not an advertisement"], response("200 OK", TYPE, body=b"<html></html>")),
    (["not an advertisement"], response("200 OK", TYPE, body=b"")),
    (["not an advertisement"], response("200 OK", TYPE, body=ADVERTISEMENT[:-4])),
    (["not an advertisement"], response("200 OK", TYPE, body=ADVERTISEMENT + b"0000")),
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
    """check believes the word in Gate-Reason. An older gate sends none, so only the status counts."""
    with Server(response(f"{status} No", "Content-Type: text/plain", *fields,
                         body=b"it is not the token, for another repository\n")) as server:
        assert check_fails(words, server.url).findings.get("authenticated") == authenticated


@pytest.mark.parametrize("secret", [TOKEN, basic(), basic().split()[-1]])
def test_token_that_comes_back_is_not_shown(secret):
    """A server may repeat the token anywhere in its answer."""
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


def test_token_is_not_in_the_command_line_nor_in_the_environment():
    with Server(pause) as server:
        url = server.url.replace("http://", f"http://x:{TOKEN}@")
        with started(url) as process:
            wait_until("the request", lambda: server.requests)
            assert base64.b64encode(f"x:{TOKEN}".encode()) in server.requests[0]
            command = Path(f"/proc/{process.pid}/cmdline").read_bytes()
            assert b"check" in command and b"@127.0.0.1" in command and TOKEN.encode() not in command
            assert TOKEN.encode() not in Path(f"/proc/{process.pid}/environ").read_bytes()


# Slow servers.

def pause(server, client):
    server.done.wait(STEP_SECONDS + 10)


def half(server, client):
    client.sendall(b"HTTP/1.1 200 OK\r\n")
    pause(server, client)


def dribble(server, client):
    """Send byte by byte: each comes in time, but all together take longer than the limit."""
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
