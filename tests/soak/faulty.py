# SPDX-License-Identifier: Apache-2.0
"""
Clients that break off, stall or send nonsense, and check that they get the right answers.

Each takes the site and a random.Random, and raises AssertionError if the gate serves it or lets it wait.
"""

import contextlib
import socket
import time

from faults import RECEIVE_BYTES, large_push, reset_at_close

from e2e.http import chunks, head, request
from e2e.http_files import ask, ask_byte_by_byte
from e2e.packets import FETCH_TYPE, NO_OBJECT, PROTOCOL_2, PUSH_TYPE, ls_refs, push, want
from e2e.targets import FETCH, INFO, PUSH

from .site import HANGS, HEADER_SECONDS, IDLE_SECONDS, STALL_SECONDS, STUBBORN

CHUNKED = "Transfer-Encoding: chunked"
SLACK_SECONDS = 4  # beyond a time-out, on a machine that this very soak keeps busy
HALF_OPEN = 20
STALLED = 5
CUT_BYTES = 1 << 20
SLOWLY = 0.05  # how often a file goes byte by byte
END_BYTES = 30  # the least that a cut omits: git may act on a push that lacks only the end of its framing


def whole_requests(site):
    """One request of each kind that git's client sends."""
    refs, create = ls_refs(), push([(NO_OBJECT, site.main, "refs/heads/cut")])
    return [
        request("GET", INFO),
        request("GET", INFO.replace("upload", "receive")),
        request("POST", FETCH, FETCH_TYPE, PROTOCOL_2, body=refs),
        head("POST", FETCH, FETCH_TYPE, PROTOCOL_2, CHUNKED) + chunks(refs, 20),
        request("POST", FETCH, FETCH_TYPE, body=want(site.large)),
        request("POST", PUSH, PUSH_TYPE, body=create),
        head("POST", PUSH, PUSH_TYPE, CHUNKED) + chunks(large_push()[:CUT_BYTES], 10000),
    ]


def send_case(site, random, case):
    """Send a file of tests/data/http, a small one byte by byte now and then."""
    found = (ask_byte_by_byte if case.is_small and random.random() < SLOWLY else ask)(site.gate, case)
    assert found[-1].status == case.status, f"{case.name}: {found[-1].status} instead of {case.status}"


def wrong_token(site, random):
    token = random.choice(["x" * 37, None, site.gate.token[:-1]])
    response = site.gate.ask(*random.choice([("GET", INFO), ("POST", PUSH)]), token=token)
    assert response.status == 401, response


def byte_by_byte(site, random):
    data = random.choice(whole_requests(site)[:4])
    with site.gate.connect() as connection:
        for byte in data:
            connection.send(bytes([byte]))
        response = connection.response()
        assert response.status == 200 and response.complete, response


def pipelined(site, random):
    """Send many requests in one go; malformed bytes after them change nothing about their answers."""
    kinds = [(request("GET", INFO), 200), (request("GET", "/repo.git/HEAD"), 200), (request("GET", "/nothing"), 404),
             (request("GET", INFO, token="x" * 37), 401),
             (request("POST", FETCH, FETCH_TYPE, body=want(site.main)), 200)]
    burst = random.choices(kinds, k=random.randint(2, 20))
    garbage = random.choice([b"", b"\0" * 100, b"GET / HTTP/9.9\r\n\r\n", b"POST\r\n"])
    with site.gate.connect() as connection:
        connection.send(b"".join(data for data, _ in burst) + garbage)
        for _, status in burst:
            response = connection.response()
            assert response.status == status and response.complete, response
        if garbage:
            assert connection.response().status in (400, 505) and connection.is_closed()


def cut_anywhere(site, random):
    """Cut a request anywhere. Then go, with or without a reset, or stop sending and wait for the answer."""
    data = random.choice(whole_requests(site))
    size = random.randrange(len(data) - END_BYTES)
    how = random.choice(["closes", "resets", "waits"])
    with site.gate.connect() as connection:
        connection.send_as_taken(data[:size])
        if how == "resets":
            reset_at_close(connection)
        elif how == "waits":
            connection.socket.shutdown(socket.SHUT_WR)
            if size == 0:
                assert connection.is_closed()
            else:
                response = connection.response()
                assert response.status == 400 and response.closes, response


def unread_answers(site, random):
    """Ask for much, read a little or nothing, and go."""
    with site.gate.connect() as connection:
        connection.send(b"".join(random.choices(whole_requests(site)[:5], k=5)))
        if random.random() < 0.5:
            connection.response_head()
        if random.random() < 0.5:
            reset_at_close(connection)


def hook_hangs(site, random):
    """Push to an endless hook, and go. The push deletes, so git has nothing in quarantine."""
    name = random.choice((HANGS, HANGS, STUBBORN)) + str(site.new_number())
    with site.gate.connect() as connection:
        connection.send(request("POST", PUSH, PUSH_TYPE, body=push([(site.main, NO_OBJECT, name)], b"")))
        time.sleep(random.random())  # the hook may or may not have begun by then


# Slow clients.

def open_many(site, stack, count):
    return [stack.enter_context(site.gate.connect()) for _ in range(count)]


def half_open(site, random):
    """Send a part of a head or nothing at all, and then stay silent."""
    data = head("GET", INFO)
    with contextlib.ExitStack() as stack:
        begin = time.monotonic()
        connections = open_many(site, stack, HALF_OPEN)
        sizes = [random.choice((0, 1, random.randrange(len(data)))) for _ in connections]
        for connection, size in zip(connections, sizes):
            connection.send(data[:size])
        for connection, size in zip(connections, sizes):
            if size > 0:
                assert connection.response().status == 408
            assert connection.is_closed()
        assert HEADER_SECONDS - 0.1 < time.monotonic() - begin < HEADER_SECONDS + SLACK_SECONDS


def stalled_body(site, random):
    with contextlib.ExitStack() as stack:
        connections = open_many(site, stack, STALLED)
        for connection in connections:
            data = random.choice(whole_requests(site)[2:])
            size = data.index(b"\r\n\r\n") + 4
            connection.send(data[:random.randrange(size, len(data) - END_BYTES)])
        begin = time.monotonic()
        for connection in connections:
            response = connection.response()
            assert response.status == 408 and response.closes, response
        assert time.monotonic() - begin < STALL_SECONDS + SLACK_SECONDS


def stalled_reader(site, _random):
    """Stop reading for long. By the time that the client reads on, the gate has given it up."""
    with contextlib.ExitStack() as stack:
        connections = open_many(site, stack, STALLED)
        for connection in connections:
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
            connection.send(site.server.fetch())
        for connection in connections:
            assert connection.response_head()[0] == 200
        time.sleep(STALL_SECONDS + SLACK_SECONDS)
        for connection in connections:
            assert connection.rest_of_chunks()[1] is False, "a client that stalled got all of it"


def idle(site, _random):
    with contextlib.ExitStack() as stack:
        connections = []
        for _ in range(STALLED):
            # Opened earlier, a connection would be silent while the others queue for git, and --header-timeout would end it.
            connections += open_many(site, stack, 1)
            connections[-1].send(request("GET", "/repo.git/HEAD"))
            assert connections[-1].response().status == 200
        begin = time.monotonic()
        for connection in connections:
            assert connection.is_closed()
        assert time.monotonic() - begin < IDLE_SECONDS + SLACK_SECONDS


QUICK = [wrong_token, byte_by_byte, pipelined, cut_anywhere, cut_anywhere, unread_answers]
SLOW = [half_open, stalled_body, stalled_reader, idle, hook_hangs]
