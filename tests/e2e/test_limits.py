# SPDX-License-Identifier: Apache-2.0
"""
Limits of room and of time.

The tests set time-outs of a second or two, and check that they come neither much earlier nor much later.
"""

import time

import pytest

from .backends import HEAD_TEXT, HOLD, LINE, MUCH, MUCH_TEXT
from .checks import check_ends_with, check_error, check_serves, create
from .http import head, request
from .packets import FETCH_TYPE, PROTOCOL_2, PUSH_TYPE, ls_refs, unfinished
from .polling import wait_until
from .repos import refs
from .targets import FETCH, INFO, PUSH


def test_no_room(gate_with):
    """A stalled push has the only place. The next request waits a second, is refused, and starts nothing."""
    gate, exec_path = gate_with("", "--max-backends=1", "--queue-timeout=1")
    with gate.connect() as stalled:
        stalled.send(head("POST", PUSH, PUSH_TYPE, "Content-Length: 100000") + unfinished())
        wait_until("the stalled push has started", lambda: exec_path.runs)
        begin = time.monotonic()
        with gate.connect() as connection:
            connection.send(head("GET", INFO))
            response = connection.response()
            check_error(response, 503)
            assert response.fields["retry-after"].isdigit()
        assert 0.9 < time.monotonic() - begin < 8
        check_error(gate.ask("GET", "/nothing"), 404)
        assert len(exec_path.runs) == 1
    check_serves(gate)


def test_waiting_request_gets_the_room_that_comes_free(gate_with):
    gate, exec_path = gate_with("", "--max-backends=1")
    with gate.connect() as stalled, gate.connect() as first, gate.connect() as second:
        stalled.send(head("POST", PUSH, PUSH_TYPE, "Content-Length: 100000") + unfinished())
        wait_until("the stalled push has started", lambda: exec_path.runs)
        first.send(head("GET", INFO))
        second.send(head("GET", "/repo.git/HEAD"))
        stalled.close()
        assert [first.response().status, second.response().status] == [200, 200]
    assert len(exec_path.runs) == 3


@pytest.mark.parametrize("sent", ["little", "enough for git to be started"])
def test_client_that_stalls_in_its_body(root, gate_with, sent):
    gate, exec_path = gate_with("", "--stall-timeout=1")
    body = create(root)[:50] if sent == "little" else unfinished()
    begin = time.monotonic()
    check_ends_with(gate, head("POST", PUSH, PUSH_TYPE, "Content-Length: 100000") + body, 408)
    assert 0.9 < time.monotonic() - begin < 8
    assert len(exec_path.runs) == (0 if sent == "little" else 1)
    check_serves(gate)


def test_client_that_is_slow_but_never_stalls(small_root, start_gate):
    """Bytes that trickle for longer than the stall timeout are no stall."""
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", "--stall-timeout=2")
    body = ls_refs()
    begin = time.monotonic()
    with gate.connect() as connection:
        connection.send(head("POST", FETCH, FETCH_TYPE, PROTOCOL_2, f"Content-Length: {len(body)}"))
        for i in range(0, len(body), 10):
            connection.send(body[i:i + 10])
            wait_until("a while", lambda: time.monotonic() - begin > 0.6 * (i / 10 + 1))
        assert time.monotonic() - begin > 2.5
        assert connection.response().status == 200


@pytest.mark.parametrize("data", [b"GET /repo", b"GET / HTTP/1.1\r\nHost: gate.test\r\n"])
def test_client_that_stalls_in_its_head(small_root, start_gate, data):
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", "--header-timeout=1")
    with gate.connect() as connection:
        connection.send(data)
        check_error(connection.response(), 408)
        assert connection.is_closed()


def test_head_that_trickles_in_is_cut_off(small_root, start_gate):
    """The header timeout is for the whole head. A byte now and then does not extend it."""
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", "--header-timeout=1")
    data = iter(head("GET", "/" + "x" * 1000))
    with gate.connect() as connection:
        connection.socket.settimeout(0.1)

        def trickle():
            try:
                connection.socket.send(bytes([next(data)]))
                return connection.socket.recv(1 << 16) is not None
            except TimeoutError:
                return False
            except (ConnectionResetError, BrokenPipeError):
                return True
        wait_until("the gate ends the connection", trickle, seconds=8)


@pytest.mark.parametrize("option", ["--header-timeout=1", "--idle-timeout=1"])
def test_silent_connection_is_closed(small_root, start_gate, option):
    """A connection before its first request, and one after it, end without a word, as neither has asked anything."""
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", option)
    with gate.connect() as connection:
        if "idle" in option:
            connection.send(head("GET", "/repo.git/HEAD"))
            assert connection.response().status == 200
        assert connection.is_closed()


def test_client_that_does_not_read(gate_with):
    """The answer is larger than all buffers, and the client reads nothing. The processes end after the stall timeout."""
    gate, _ = gate_with(f"{HEAD_TEXT}; exec cat /dev/zero", "--stall-timeout=2")
    with gate.connect() as connection:
        connection.send(head("GET", INFO))
        wait_until("git has started", gate.children)
        gate.wait_no_children(seconds=15)
        assert not connection.response().complete
    check_error(gate.ask("GET", "/nothing"), 404)


def test_backend_that_stalls_before_its_head(gate_with):
    gate, exec_path = gate_with(f'[ "$PATH_INFO" = /repo.git/info/refs ] && {HOLD}', "--backend-timeout=1")
    begin = time.monotonic()
    check_ends_with(gate, head("GET", INFO), 504)
    assert 0.9 < time.monotonic() - begin < 8
    assert len(exec_path.runs) == 1
    check_serves(gate)


def test_backend_that_stalls_in_the_middle(gate_with):
    gate, _ = gate_with(f"{HEAD_TEXT}; {MUCH_TEXT}; {HOLD}", "--backend-timeout=1")
    with gate.connect() as connection:
        connection.send(head("GET", INFO))
        response = connection.response()
        assert (response.status, response.body, response.complete) == (200, LINE + MUCH, False)
    gate.wait_no_children()


def test_backend_that_stalls_in_a_short_answer(gate_with):
    """The time-out is so short that nothing has gone out yet. So the client gets an error."""
    gate, _ = gate_with(f"{HEAD_TEXT}; echo part; {HOLD}", "--backend-timeout=1")
    check_ends_with(gate, head("GET", INFO), 504)


def test_hook_that_hangs(small_root, start_gate, pre_receive):
    """receive-pack has said nothing when the hook runs, so the client gets an error."""
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", "--backend-timeout=1",
                      pre_receive("exec sleep 600"))
    with gate.connect() as connection:
        connection.send(request("POST", PUSH, PUSH_TYPE, body=create(small_root, "refs/heads/hangs")))
        response = connection.response()
        assert response.status == 504
    gate.wait_no_children(seconds=10)
    assert "refs/heads/hangs" not in refs(small_root / "repo.git")
    check_serves(gate)
