# SPDX-License-Identifier: Apache-2.0
"""
Reads a server's answers to raw bytes: their number, their statuses, and whether they are whole.

It accepts the answers of any server, even wrong ones: unlike tests/e2e/http.py it does not look for faults in answers.
It must not read past the end of an answer's framing, or it would take the answer to one request for that to another.
"""

import re
import socket
import time
from dataclasses import dataclass

CONNECT_SECONDS = 10
SIZE = re.compile(rb"^content-length:[ \t]*([0-9]+)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
CHUNKED = re.compile(rb"^transfer-encoding:[ \t]*chunked[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]+[ \t]*(?:;.*)?$")
STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])")
# An answer to HTTP/0.9 is only a body, and the error pages of all peers begin like this.
ERROR_PAGE = re.compile(rb"<title>([45][0-9][0-9])\b")


@dataclass(frozen=True)
class Answer:
    """whole: the answer ended where its framing says, or with the connection if it says so."""
    status: int
    whole: bool


@dataclass(frozen=True)
class Outcome:
    """answers: the final ones, in order; closed: whether the server ended the connection in time."""
    answers: list[Answer]
    closed: bool

    def verdict(self, number: int) -> str:
        """Return the fate of that request, counted from 1: refused, accepted or hung."""
        if len(self.answers) < number:
            return "refused" if self.closed else "hung"
        answer = self.answers[number - 1]
        if answer.status >= 400:
            return "refused"
        return "accepted" if answer.whole or self.closed else "hung"


def chunked_end(data: bytes) -> tuple[int | None, bool]:
    """Return the end of a chunked body, None when it has not come, and whether it has a final chunk."""
    position = 0
    while (end := data.find(b"\r\n", position)) >= 0:
        if not CHUNK_SIZE.match(data, position, end):
            return position, False  # Apache omits the final chunk of some errors, and goes on with the next answer
        size = int(data[position:end].split(b";")[0], 16)
        position = end + 2 + size + 2
        if size == 0:  # neither the gate nor a peer sends trailers
            return (position, True) if position <= len(data) else (None, False)
    return None, False


def body_end(head: bytes, data: bytes, ended: bool) -> tuple[int | None, bool]:
    """Return the end of the body after a head, None when it has not come, and whether the body is whole."""
    if CHUNKED.search(head):
        return chunked_end(data)
    if match := SIZE.search(head):
        size = int(match.group(1))
        return (size, True) if size <= len(data) else (None, False)
    return None, ended


def final_answers(data: bytes, ended: bool, bodyless: bool) -> list[Answer]:
    """Split the bytes so far into answers; bodyless: the first request was HEAD."""
    answers = []
    while data:
        if not data.startswith(b"HTTP/1."):
            match = ERROR_PAGE.search(data)
            return answers + [Answer(int(match.group(1)) if match else 200, ended)]
        head, separator, data = data.partition(b"\r\n\r\n")
        match = STATUS.match(head)
        if not separator or not match:
            return answers
        status = int(match.group(1))
        if status < 200:
            continue
        end, whole = (0, True) if (bodyless and not answers) or status in (204, 304) else body_end(head, data, ended)
        answers.append(Answer(status, whole))
        if end is None:
            return answers
        data = data[end:]
    return answers


def exchange(address: tuple[str, int], data: bytes, seconds: float, wanted: int = 0) -> Outcome:
    """
    Send all bytes, keep the sending side open, and read that many answers or, without a number, to the end.

    seconds bounds the sending and then, separately, the reading.
    """
    received, ended = b"", False
    with socket.create_connection(address, CONNECT_SECONDS) as connection:
        connection.settimeout(seconds)
        try:
            connection.sendall(data)
        except (ConnectionError, TimeoutError):
            pass  # the server stopped reading; its answer may still be there
        deadline = time.monotonic() + seconds
        while True:
            answers = final_answers(received, ended, data.startswith(b"HEAD "))
            if ended or (0 < wanted <= len(answers) and (answers[-1].whole or answers[-1].status >= 400)):
                return Outcome(answers, ended)
            connection.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                more = connection.recv(1 << 16)
            except TimeoutError:
                return Outcome(answers, False)
            except ConnectionError:
                more = b""
            received, ended = received + more, not more
