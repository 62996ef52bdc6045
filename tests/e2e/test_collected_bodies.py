# SPDX-License-Identifier: Apache-2.0
"""
Bodies of fetches, which the gate collects before it starts git: events meanwhile, and at the body's end.

Such a request has no process to wait for when it fails, so it may end in the middle of anything.
"""

import os
import signal
import zlib

from .http import chunks, head, request
from .packets import AHEAD_BYTES, FETCH_TYPE, FLUSH, packet
from .polling import wait_until
from .repos import bare, git, history

SERVICES = "--backend=services"
ROUND_BYTES = 32 << 10  # of a compressed body that one connection inflates at once
ROUNDS = 16             # of these, before it is the turn of others


def begin(gate, connection, data=b"fff0" + b"x" * (AHEAD_BYTES + 4096), *fields):
    """Send so much of a fetch that the gate begins to collect it."""
    n_collected = len(gate.memory_files())
    connection.send(head("POST", "/repo.git/git-upload-pack", FETCH_TYPE, "Transfer-Encoding: chunked", *fields) +
                    chunks(data, end=False))
    wait_until("the body is collected", lambda: len(gate.memory_files()) > n_collected)


def n_queued(gate):
    return sum(record["message"] == "connection" and record["state"] == "queued" for record in gate.records)


def test_turn_that_comes_while_the_gate_looks_at_all_connections(small_root, start_gate):
    """
    A gate that stops pumps every connection. One of them meets a broken byte in its body, and ends. That gives the turn
    to another request. Its answer is one line and the end of its connection.
    """
    gate = start_gate(f"--mirror-root={small_root}", "--scope=*", SERVICES, "--max-backends=1")
    gzip = zlib.compressobj(wbits=31)
    beginning = gzip.compress(os.urandom(AHEAD_BYTES + 4096)) + gzip.flush(zlib.Z_SYNC_FLUSH)
    rest = gzip.compress(bytes(ROUND_BYTES * ROUNDS * 3 // 2)) + gzip.flush(zlib.Z_SYNC_FLUSH) + b"\xff" * 8
    with gate.connect() as waiting, gate.connect() as holding:
        begin(gate, holding, beginning, "Content-Encoding: gzip")
        waiting.send(request("GET", "/absent.git/info/refs?service=git-upload-pack", "Connection: close"))
        wait_until("the other request queues", lambda: n_queued(gate) == 1)
        gate.signal(signal.SIGSTOP)
        holding.send(chunks(rest, end=False))
        gate.signal(signal.SIGTERM)
        gate.signal(signal.SIGCONT)
        assert holding.response().status == 400
        assert waiting.response().status in (404, 503)
    assert gate.wait() == 0
    gate.check_ended()


def test_repository_that_changes_meanwhile(tmp_path, start_gate):
    """The client decides when its body ends, so an early check of the repository could be old by then."""
    repo = bare(tmp_path / "repo.git")
    tip = history(repo, 1)[0]
    gate = start_gate(repo, SERVICES)
    body = packet(f"want {tip}\n") + FLUSH + packet(f"have {tip}\n") * 1000
    answers = []
    for _ in range(2):
        with gate.connect() as connection:
            begin(gate, connection, body)
            if answers:
                git("config", "--file", repo / "config", "include.path", "/etc/passwd")
            connection.send(chunks(packet("done\n")))
            answers.append(connection.response())
    assert [(answer.status, answer.reason) for answer in answers] == [(200, None), (500, "unsafe-repository")]
    gate.wait_no_children()
