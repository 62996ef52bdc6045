# SPDX-License-Identifier: Apache-2.0
"""
A git that dies or answers nonsense, and clients that go away.

Each failure must end its processes. A response must look whole only if it is: a cut one has no final chunk.
"""

import os
import time

import pytest

from .backends import CGI_BACKEND, HEAD_TEXT, HOLD, LINE, MUCH, MUCH_END, MUCH_TEXT
from .checks import check_ends_with, check_error, check_serves, create
from .http import chunks, head, request
from .packets import AHEAD_BYTES, PUSH_TYPE, large_pack
from .polling import wait_until
from .repos import refs
from .targets import INFO, PUSH

CHUNKED = "Transfer-Encoding: chunked"


def test_backend_that_cannot_be_started(gate_with):
    gate, exec_path = gate_with("")
    assert gate.ask("GET", INFO).status == 200
    os.rename(exec_path.program, f"{exec_path.program}.away")
    check_error(gate.ask("GET", INFO), 500)
    check_error(gate.ask("POST", PUSH, PUSH_TYPE, body=b"0000"), 500)
    os.rename(f"{exec_path.program}.away", exec_path.program)
    check_serves(gate)


@pytest.mark.parametrize("text", [
    pytest.param("exit 0", id="says-nothing"),
    pytest.param("exit 1", id="fails"),
    pytest.param("kill -KILL $$", id="is-killed"),
    pytest.param("echo garbage; exit 0", id="garbage"),
    pytest.param("printf '<html>\\n\\n'; exit 0", id="html"),
    pytest.param("printf 'Content-Type: text/plain\\r\\n'; exit 0", id="half-a-head"),
    pytest.param("printf 'Content-Type: text/plain\\r\\n'; kill -KILL $$", id="half-a-head-and-killed"),
    pytest.param("printf 'Status: ok\\r\\n\\r\\n'; exit 0", id="no-number"),
    pytest.param("printf 'Status: 99 x\\r\\n\\r\\n'; exit 0", id="status-too-small"),
    pytest.param("printf 'Status: 1000 x\\r\\n\\r\\n'; exit 0", id="status-too-large"),
    pytest.param("printf 'X-A: a\\001b\\r\\n\\r\\n'; exit 0", id="control-byte"),
    pytest.param("printf ' X-A: a\\r\\n\\r\\n'; exit 0", id="folded"),
    pytest.param("while :; do echo 'X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'; done", id="head-without-end"),
    pytest.param("cat /dev/zero", id="zeros-without-end"),
])
def test_backend_without_a_proper_head(gate_with, text):
    gate, _ = gate_with(f'[ "$REQUEST_METHOD" = POST ] || {{ {text}; }}', CGI_BACKEND)
    check_ends_with(gate, head("GET", INFO), 502)
    check_serves(gate)


def test_backend_that_reports_a_failure_itself(gate_with):
    """The gate believes the Status line, but replaces the text by a line of its own."""
    gate, _ = gate_with("printf 'Status: 404 Not Found\\r\\nContent-Type: text/html\\r\\n\\r\\n<p>\\n<p>\\n'; exit 0",
                        CGI_BACKEND)
    check_error(gate.ask("GET", INFO), 404)


@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_backend_killed_in_the_middle(gate_with, version):
    """The client has the head already, so only the missing final chunk shows the loss."""
    gate, exec_path = gate_with(f"{HEAD_TEXT}; {MUCH_TEXT}; {HOLD}; kill -KILL $$")
    with gate.connect() as connection:
        connection.send(head("GET", INFO, version=version))
        status, fields = connection.response_head()
        assert (status, fields.get("transfer-encoding")) == (200, "chunked" if version == "1.1" else None)
        exec_path.release()
        if version == "1.1":
            assert connection.rest_of_chunks() == (LINE + MUCH, False)
        else:
            assert connection.rest() == LINE + MUCH
    gate.wait_no_children()


@pytest.mark.parametrize("end", ["exit 1", "exit 128", "kill -KILL $$"])
def test_backend_that_fails_in_a_short_answer(gate_with, end):
    """The cut answer looks like the advertisement of an empty repository, and must not pass for one."""
    gate, _ = gate_with(f"{HEAD_TEXT}; printf '001e# service=git-upload-pack\\n0000'; {end}")
    check_ends_with(gate, head("GET", INFO), 500)


def test_backend_that_closes_its_output_and_goes_on(gate_with):
    """git may end later than its output. The answer is whole, because git ends well in the end."""
    gate, _ = gate_with(f"{HEAD_TEXT}; echo all; exec >&- 2>&-; sleep 0.3; exit 0")
    response = gate.ask("GET", INFO)
    assert (response.status, response.body, response.complete) == (200, LINE + b"all\n", True)
    gate.wait_no_children()


def test_backend_that_leaves_processes_behind(gate_with):
    """Everything that a request has started ends with it, even a process that holds none of its pipes."""
    gate, _ = gate_with(f"{HEAD_TEXT}; echo all; sleep 600 </dev/null >/dev/null 2>&1 & exit 0")
    response = gate.ask("GET", INFO)
    assert response.status == 200
    gate.wait_no_children()


def test_backend_that_never_reads(gate_with):
    """
    git answers without reading the body. The answer still reaches the client, and soon.

    The test repeats this, as it depends on how much was on its way when git ended.
    """
    gate, _ = gate_with("printf 'Status: 403 Forbidden\\r\\nContent-Type: text/plain\\r\\n\\r\\nno\\n'; exit 0", CGI_BACKEND)
    for _ in range(40):
        begin = time.monotonic()
        with gate.connect() as connection:
            connection.send_as_taken(request("POST", PUSH, PUSH_TYPE, body=b"x" * (4 << 20)))
            check_error(connection.response(), 403)
        assert time.monotonic() - begin < 5
    gate.wait_no_children()


@pytest.mark.parametrize("sent", [1, 130, AHEAD_BYTES - 1000, AHEAD_BYTES + 100, 4 * AHEAD_BYTES])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_push_that_dies_half_way(root, gate_with, sent, framing):
    """git-http-backend spins for ever when fewer bytes come than it was told. No process may stay."""
    gate, exec_path = gate_with("")
    body = create(root, pack=large_pack(1 << 20))
    with gate.connect() as connection:
        if framing == "length":
            connection.send(request("POST", PUSH, PUSH_TYPE, body=body)[:-len(body)] + body[:sent])
        else:
            connection.send(head("POST", PUSH, PUSH_TYPE, CHUNKED) + chunks(body[:sent], 1000, end=False)[:-1])
        if sent > AHEAD_BYTES:
            # A child may be there, and be killed, before it has noted its run.
            wait_until("git has started", lambda: exec_path.runs)
    gate.wait_no_children(seconds=10)
    assert len(exec_path.runs) == (1 if sent > AHEAD_BYTES else 0)
    assert "refs/heads/new" not in refs(root / "repo.git")
    check_serves(gate)


def test_fetch_that_dies_half_way(gate_with, transport):
    """git is silent, so no write tells the gate. It must notice the loss without one."""
    gate, _ = gate_with(f"{HEAD_TEXT}; {MUCH_TEXT}; {HOLD}", transport=transport)
    with gate.connect() as connection:
        connection.send(head("GET", INFO))
        assert connection.response_head()[0] == 200
        connection.wait_for(MUCH_END)
        assert gate.children()
    gate.wait_no_children(seconds=10)
