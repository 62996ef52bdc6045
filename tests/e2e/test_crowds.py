# SPDX-License-Identifier: Apache-2.0
"""
More clients than there is room for: clients that ask are served in turn, clients that only hold a connection give way,
and neither leave anything.
"""

import collections
import contextlib
import multiprocessing
import resource
import select
import socket
import threading
import time
from pathlib import Path

import pytest

from .backends import HOLD
from .checks import check_error, check_serves
from .gate import PROGRAM
from .host import open_files
from .http import head, request
from .packets import FETCH_TYPE, PROTOCOL_2, PUSH_TYPE, ls_refs
from .polling import wait_until
from .repos import git
from .targets import FETCH, INFO, PUSH

CLIENTS = 100
REQUESTS = 3  # of each client, on one connection
HALF_OPEN = 1000
SPARE_DESCRIPTORS = 1000  # of the process that runs the tests, for everything else
HEADER_SECONDS = 2
SLACK_SECONDS = 5
QUEUE_PLACES, SPARE_PLACES = 86, 13  # an eighth of 99 connections without a process is spared
BRIEF_SECONDS = 2.0  # the wait of a request that finds the queue full
IN_TURN = 16
GROWTH_KIB = 1024
RECONNECTING = 260  # a few more than --max-connections takes by default
LS_REMOTES = 15
QUIET_SECONDS = 0.3  # of silence, to tell that no answer will come
HALF_HEAD = head("GET", INFO)[:-30]


@pytest.fixture(autouse=True)
def many_descriptors():
    """Raise the limit of this process, which has a socket for each client of the crowd."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = HALF_OPEN + SPARE_DESCRIPTORS
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"needs {wanted} descriptors, and {hard} are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def connect_many():
    """Opens connections to a gate, and closes them at the end of the test."""
    with contextlib.ExitStack() as stack:
        yield lambda gate, count: [stack.enter_context(gate.connect()) for _ in range(count)]


def resident_kib(gate):
    text = Path(f"/proc/{gate.pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0])


def has_sanitizers():
    """Tell whether the gate has a sanitizer, whose allocator keeps freed memory: its memory says nothing then."""
    return b"__asan_init" in Path(PROGRAM).read_bytes()


def heard(connections, seconds=0.0):
    """The connections with something to read, even their end."""
    found = select.poll()
    for connection in connections:
        found.register(connection.socket, select.POLLIN)
    ready = {descriptor for descriptor, _ in found.poll(seconds * 1000)}
    return [connection for connection in connections if connection.socket.fileno() in ready]


def check_heard(connection):
    """When the gate has answered, it has handled all earlier events."""
    connection.send(head("GET", "/nothing"))
    check_error(connection.response(), 404)


def ls_refs_request():
    return request("POST", FETCH, FETCH_TYPE, PROTOCOL_2, body=ls_refs())


# Clients that ask.

@pytest.mark.parametrize("option", [None, "--max-connections=32", "--max-connections=8"])
def test_all_of_a_crowd_are_served(small_root, start_gate, transport, option):
    """100 clients make 300 requests at once, for 16 processes: no limit turns any away."""
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", *[option] * bool(option), transport=transport)
    # Processes, like real clients: one of so many threads could be held up between connecting and sending.
    fork = multiprocessing.get_context("fork")
    begin, answers = fork.Barrier(CLIENTS), fork.SimpleQueue()

    def client(number):
        begin.wait()
        with gate.connect() as connection:
            for i in range(REQUESTS):
                connection.send(request("GET", INFO) if (number + i) % 2 else ls_refs_request())
                response = connection.response()
                answers.put((response.status, response.complete, b"refs/heads/main" in response.body))

    clients = [fork.Process(target=client, args=(number,)) for number in range(CLIENTS)]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    assert [each.exitcode for each in clients] == [0] * CLIENTS
    assert [answers.get() for _ in range(CLIENTS * REQUESTS)] == [(200, True, True)] * (CLIENTS * REQUESTS)
    gate.wait_no_children()


def test_queue_is_bounded_and_fair(gate_with, connect_many):
    """
    One client has the only process, and others fill the queue. The next one gets a 503 after two seconds.

    If the queue has moved on by then, it goes on waiting. The waiting clients are served in turn.
    """
    gate, exec_path = gate_with(f'[ "$(wc -l <"$here/runs")" -gt {IN_TURN} ] || {HOLD}', "--max-backends=1",
                                f"--max-connections={1 + QUEUE_PLACES + SPARE_PLACES}", "--queue-timeout=60")
    crowd = connect_many(gate, 1 + 1 + QUEUE_PLACES)
    for connection in crowd:
        check_heard(connection)  # otherwise it could be among the events of new connections, which have no order
    probe, *waiting = crowd
    for connection in waiting:
        connection.send(head("GET", INFO))
        check_heard(probe)  # so that the gate has heard the other one first
    begin = time.monotonic()
    probe.send(head("GET", INFO))
    response = probe.response()
    check_error(response, 503)
    assert response.fields["retry-after"].isdigit() and not response.closes
    assert BRIEF_SECONDS - 0.1 < time.monotonic() - begin < BRIEF_SECONDS + SLACK_SECONDS
    probe.send(head("GET", INFO))
    waiting.append(probe)
    for i in range(IN_TURN):
        exec_path.release()
        assert waiting.pop(0).response().status == 200
        if i == 0:
            assert not heard(waiting, BRIEF_SECONDS + 0.3)  # the time that it would wait if the queue were still full
        assert i == IN_TURN - 1 or not heard(waiting)
    assert [connection.response().status for connection in waiting] == [200] * len(waiting)
    assert len(exec_path.runs) == 1 + QUEUE_PLACES + 1


# Clients that do not ask.

def test_half_open_crowd(small_root, start_gate, transport, connect_many):
    """
    1000 clients with half a head or none: a later request is answered at once, with default limits.

    bench/crowd measures how soon; here the machine is busy with other tests.
    """
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", f"--header-timeout={HEADER_SECONDS}",
                      transport=transport)
    check_serves(gate)
    wait_until("no client is connected", lambda: sum(name.startswith("socket:") for name in open_files(gate.pid)) == 1)
    descriptors, kib = len(open_files(gate.pid)), resident_kib(gate)
    crowd = connect_many(gate, HALF_OPEN)
    for connection in crowd[::2]:
        connection.send_as_taken(HALF_HEAD)
    begin = time.monotonic()
    assert gate.ask("GET", INFO).status == 200
    assert time.monotonic() - begin < 1
    for connection in crowd:
        answer = connection.rest()
        assert answer == b"" or answer.startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - begin < HEADER_SECONDS + SLACK_SECONDS
    wait_until("all descriptors are closed", lambda: len(open_files(gate.pid)) == descriptors)
    check_serves(gate)
    assert has_sanitizers() or resident_kib(gate) - kib < GROWTH_KIB


def silent(connection):
    """A client that sends nothing."""


def half_a_head(connection):
    connection.send(HALF_HEAD)


def refused(connection):
    """A client with a wrong token; the connection stays."""
    connection.send(head("GET", INFO, token="x" * 37))
    assert connection.response().status == 401


def kept(connection):
    """A client with one served request and no further one."""
    connection.send(head("GET", "/repo.git/HEAD"))
    assert connection.response().status == 200


def half_a_second_head(connection):
    kept(connection)
    connection.send(HALF_HEAD)


def half_a_body(connection):
    connection.send(head("POST", PUSH, PUSH_TYPE, "Content-Length: 1000", "Expect: 100-continue"))
    assert connection.response().status == 100
    connection.send(b"00a0")


LIMIT = 4


@pytest.mark.parametrize("behaviour", [silent, half_a_head, refused, kept, half_a_second_head, half_a_body])
def test_all_connections_are_taken(small_root, start_gate, transport, connect_many, behaviour):
    """Clients with a request are still served. The oldest silent one gives way, and the others stay."""
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", f"--max-connections={LIMIT}", transport=transport)
    crowd = connect_many(gate, LIMIT)
    for connection in crowd:
        behaviour(connection)
    assert gate.ask("GET", INFO).status == 200
    assert heard(crowd, SLACK_SECONDS) == crowd[:1] and crowd[0].is_closed()
    assert gate.ask("GET", INFO).status == 200
    assert not heard(crowd[1:])


# In the order in which they give way.
CLAIMS = [[silent, half_a_head, refused], [kept], [half_a_second_head, half_a_body]]


@pytest.mark.parametrize("weak, strong", [(weak, strong) for i, group in enumerate(CLAIMS) for weak in group
                                          for others in CLAIMS[i + 1:] for strong in others])
def test_who_gives_way(small_root, start_gate, connect_many, weak, strong):
    """The connection with less to lose gives way, even if it came later."""
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", "--max-connections=2")
    first, = connect_many(gate, 1)
    strong(first)
    second, = connect_many(gate, 1)
    weak(second)
    assert gate.ask("GET", INFO).status == 200
    assert second.is_closed()
    assert not heard([first])


@pytest.mark.parametrize("closes", [True, False])
def test_requests_do_not_give_way(gate_with, transport, connect_many, closes):
    """All connections have a process or wait for one: a newcomer waits until one of them has its answer."""
    gate, exec_path = gate_with(HOLD, "--max-backends=1", "--max-connections=3", transport=transport)
    crowd = connect_many(gate, 3)
    for connection in crowd:
        connection.send(head("GET", INFO))
    wait_until("git has started", lambda: exec_path.runs)
    newcomer, = connect_many(gate, 1)
    newcomer.send(head("GET", "/nothing"))
    assert not heard([newcomer, *crowd], QUIET_SECONDS)
    while crowd:
        exec_path.release()
        served, = heard(crowd, SLACK_SECONDS)
        assert served.response().status == 200
        crowd.remove(served)
        if closes:
            served.close()
        if len(crowd) == 2:
            assert newcomer.response().status == 404


def asks_for_nothing(connection):
    connection.send(head("GET", "/nothing"))
    assert connection.response().status == 404


def drips(connection):
    connection.send(b"0")


@pytest.mark.parametrize("begins, goes_on", [(refused, asks_for_nothing), (half_a_body, drips)])
def test_who_is_always_busy_gives_way(small_root, start_gate, connect_many, begins, goes_on):
    """Neither requests without a route nor single bytes keep a connection from giving way."""
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", f"--max-connections={LIMIT}")
    crowd = connect_many(gate, LIMIT)
    for connection in crowd:
        begins(connection)
    stop = threading.Event()

    def be_busy(connection):
        with contextlib.suppress(OSError, AssertionError):
            while not stop.wait(0.005):  # a pace
                goes_on(connection)

    busy = [threading.Thread(target=be_busy, args=(connection,)) for connection in crowd]
    for each in busy:
        each.start()
    try:
        for _ in range(2):
            begin = time.monotonic()
            assert gate.ask("GET", INFO).status == 200
            assert time.monotonic() - begin < SLACK_SECONDS / 2
    finally:
        stop.set()
        for each in busy:
            each.join()


def test_crowd_that_keeps_coming(small_root, start_gate):
    """Half-open clients keep coming and make others give way. The gate hears a client's request before that."""
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo")
    stop, opened = threading.Event(), []

    def press():
        crowd = collections.deque()
        while not stop.is_set():
            crowd.append(gate.connect())
            crowd[-1].send_as_taken(HALF_HEAD)
            opened.append(None)
            if len(crowd) > HALF_OPEN / 4:
                crowd[0].rest()  # no connection goes unless it must
                crowd.popleft().close()
        for connection in crowd:
            connection.close()

    pressing = [threading.Thread(target=press) for _ in range(2)]
    for each in pressing:
        each.start()
    try:
        wait_until("all connections are taken", lambda: len(opened) > HALF_OPEN / 2)
        for _ in range(10):
            before, begin = len(opened), time.monotonic()
            assert gate.ask("GET", INFO).status == 200
            assert time.monotonic() - begin < SLACK_SECONDS
            wait_until("more of them come", lambda: len(opened) > before)
    finally:
        stop.set()
        for each in pressing:
            each.join()


def reconnect_for_ever(path, begun):
    """Run so many silent clients. Each comes again as soon as it had to give way."""
    clients, found = {}, select.poll()

    def connect():
        client = socket.socket(socket.AF_UNIX)
        client.connect(str(path))
        clients[client.fileno()] = client
        found.register(client, select.POLLIN)
    for _ in range(RECONNECTING):
        connect()
    while True:
        for descriptor, _ in found.poll():
            found.unregister(descriptor)
            clients.pop(descriptor).close()
            connect()
        if not begun.is_set():
            begun.set()


def test_git_beside_a_crowd_that_keeps_coming(small_root, start_gate):
    """git-remote-gate takes time to start git's HTTP helper. Its connection must not count as silent meanwhile."""
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", transport="unix")
    fork = multiprocessing.get_context("fork")
    begun = fork.Event()
    crowd = fork.Process(target=reconnect_for_ever, args=(gate.socket_path, begun), daemon=True)
    crowd.start()
    try:
        assert begun.wait(SLACK_SECONDS * 4), "nobody has had to give way"
        for _ in range(LS_REMOTES):
            said = git("ls-remote", "gate:///repo.git", GIT_GATE_SOCKET=gate.socket_path).stdout
            assert "refs/heads/main" in said
        assert crowd.is_alive()
    finally:
        crowd.kill()
        crowd.join()
