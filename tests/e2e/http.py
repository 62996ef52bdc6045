# SPDX-License-Identifier: Apache-2.0
"""
A raw HTTP/1.1 client over TCP and Unix sockets.

It sends exactly the given bytes. It must not repair a response: one that breaks HTTP syntax, or shows the token, fails
the test.
"""

import base64
import re
import socket
import time
from dataclasses import dataclass

TOKEN = "gate-0123456789abcdef0123456789abcdef"
READ_SECONDS = 20
STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) ([ -~]+)")
FIELD_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([!-~](?:[ -~]*[!-~])?)")
CHUNK_SIZE = re.compile(rb"[0-9a-fA-F]{1,8}")


def basic(user=TOKEN, password=""):
    """An Authorization field line."""
    return "Authorization: Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def head(method, target, *fields, version="1.1", token=TOKEN, host="gate.test"):
    """A request head; token=None and host=None omit their fields."""
    lines = [f"{method} {target} HTTP/{version}"]
    lines += [f"Host: {host}"] if host else []
    lines += [basic(token)] if token else []
    return "\r\n".join([*lines, *fields, "", ""]).encode("latin-1")


def request(method, target, *fields, body=b"", **named):
    """A request; a body gets a Content-Length."""
    length = [f"Content-Length: {len(body)}"] if body else []
    return head(method, target, *fields, *length, **named) + body


def chunks(body, size=1 << 16, end=True):
    """A body in chunked framing."""
    parts = [body[i:i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + (b"0\r\n\r\n" if end else b"")


@dataclass
class Response:
    """complete: the body ended as its framing says, so the client can tell that it is whole."""
    status: int
    fields: dict
    body: bytes
    complete: bool

    @property
    def reason(self):
        """The word of an error; None for git's own answers."""
        return self.fields.get("gate-reason")

    @property
    def closes(self):
        return self.fields.get("connection") == "close"


class Connection:
    """One connection; address is (host, port) or the path of a Unix socket."""

    def __init__(self, address, seconds=READ_SECONDS):
        self.seconds = seconds
        self.buffer = b""
        self.ended = False
        if isinstance(address, tuple):
            self.socket = socket.create_connection(address, timeout=seconds)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.settimeout(seconds)
            self.socket.connect(str(address))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.settimeout(self.seconds)
        self.socket.sendall(data)

    def send_as_taken(self, data):
        """Send as much as the other side takes, because a refusal may end the connection early."""
        try:
            self.send(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def _more(self, deadline):
        left = deadline - time.monotonic()
        assert left > 0, f"the response is not there after {self.seconds} s; so far: {self.buffer[:500]!r}"
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionResetError:
            data = b""
        except TimeoutError:
            return True
        self.ended = not data
        self.buffer += data
        return not self.ended

    def _until(self, end, deadline):
        """Return the bytes up to and with end; None when the connection ends first."""
        while end not in self.buffer:
            if not self._more(deadline):
                return None
        taken, _, self.buffer = self.buffer.partition(end)
        return taken

    def _exactly(self, size, deadline):
        while len(self.buffer) < size:
            if not self._more(deadline):
                return None
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def _rest(self, deadline):
        while self._more(deadline):
            pass
        taken, self.buffer = self.buffer, b""
        return taken

    def _chunked(self, deadline):
        parts = []
        while True:
            size = self._until(b"\r\n", deadline)
            if size is None:
                return b"".join(parts), False
            assert CHUNK_SIZE.fullmatch(size), f"not a chunk size: {size!r}"
            data = self._exactly(int(size, 16), deadline)
            if data is None:
                return b"".join(parts) + self.buffer, False
            parts.append(data)
            end = self._exactly(2, deadline)
            if end is None:
                return b"".join(parts), False
            assert end == b"\r\n", f"behind a chunk stands {end!r}"
            if not data:
                return b"".join(parts), True

    def _body(self, method, status, fields, deadline):
        length, coding = fields.get("content-length"), fields.get("transfer-encoding")
        assert not (length and coding), fields
        if method == "HEAD" or status < 200 or status in (204, 304):
            return b"", True
        if coding is not None:
            assert coding == "chunked", coding
            return self._chunked(deadline)
        if length is not None:
            body = self._exactly(int(length), deadline)
            return (self.buffer, False) if body is None else (body, True)
        assert fields.get("connection") == "close", f"nothing says where the body ends: {fields}"
        return self._rest(deadline), True

    def response_head(self):
        """Read a response head: the status, and the fields by their names in lower case."""
        deadline = time.monotonic() + self.seconds
        raw = self._until(b"\r\n\r\n", deadline)
        assert raw is not None, f"the connection ended without a response: {self.buffer[:500]!r}"
        status, *lines = raw.split(b"\r\n")
        match = STATUS_LINE.fullmatch(status)
        assert match, f"not a status line: {status!r}"
        fields = {}
        for line in lines:
            field = FIELD_LINE.fullmatch(line)
            assert field, f"not a field line: {line!r}"
            name = field.group(1).decode().lower()
            assert name not in fields, f"there twice: {name}"
            fields[name] = field.group(2).decode()
        return int(match.group(1)), fields

    def response(self, method="GET"):
        """Read one response; a 100 counts as one."""
        status, fields = self.response_head()
        body, complete = self._body(method, status, fields, time.monotonic() + self.seconds)
        for text in (str(fields).encode(), body):
            assert TOKEN.encode() not in text and basic()[-40:].encode() not in text, "the response shows the token"
        assert status == 100 or "date" in fields, f"no Date in {fields}"
        assert status >= 400 or "gate-reason" not in fields, f"{status} with {fields}"
        return Response(status, fields, body, complete)

    def wait_for(self, text):
        """Read until the text has come, and keep it for later reading."""
        deadline = time.monotonic() + self.seconds
        while text not in self.buffer:
            assert self._more(deadline), f"the connection ended: {self.buffer[:500]!r}"

    def rest_of_chunks(self):
        """Read a chunked body after response_head(): its bytes, and whether the final chunk came."""
        return self._chunked(time.monotonic() + self.seconds)

    def rest(self):
        """Read up to the end of the connection."""
        return self._rest(time.monotonic() + self.seconds)

    def is_closed(self):
        """Tell whether the other side ends the connection in time, without another byte."""
        deadline = time.monotonic() + self.seconds
        while not self.buffer and not self.ended:
            self._more(deadline)
        return self.ended and not self.buffer
