# SPDX-License-Identifier: Apache-2.0
"""
A host that is out of descriptors, memory or processes, and system calls that fail.

A request may fail, with an error that the client can tell from an answer. The gate must survive: it neither spins nor
leaks nor floods its log, and serves as before once there is enough again.
"""

import contextlib
import errno
import os
import resource
import time

import pytest

from .backends import HEAD_TEXT, HOLD, LINE, MUCH, MUCH_END, MUCH_TEXT
from .bridge import is_sanitized
from .checks import check_error, check_serves, create
from .gate import PROGRAM, WITHOUT_LEAKS
from .host import (allow_tracing, check_left_nothing, descriptors_at_rest, failing, share_asleep, spare_descriptors,
                   stat_fields, under_strace)
from .http import head, request
from .packets import PUSH_TYPE
from .polling import wait_until
from .targets import INFO, PUSH

SHORTAGE_SECONDS = 1.2
MORE_THAN_A_REQUEST_NEEDS = 20
MOST_RECORDS = 2
INTERNAL, CANNOT_START = 1, 4
# The kernel answers brk(2) with the present end, and libc takes an error number for the new end.
NO_MEMORY = ("mmap,mremap:error=ENOMEM", "brk:retval=0")


@pytest.fixture
def gate(root, start_gate):
    return start_gate(f"--mirror-root={root}", "--scope=repo", preexec_fn=allow_tracing)


def check_shortage(gate, seconds=SHORTAGE_SECONDS):
    """Check that the gate neither spins nor floods its log, however long clients wait that it cannot accept."""
    def said():
        return [line for line in gate.lines if "cannot be accepted" in line]
    wait_until("the shortage is in the log", said)
    share = share_asleep(gate.pid, seconds)
    assert share > 0.5, f"of {seconds} s it slept {share:.0%}"
    assert len(said()) <= MOST_RECORDS, f"{len(said())} records, such as {said()[0]}"


def answer_or_end(connection, method="GET"):
    """The response, or None when the connection ends without one."""
    try:
        connection.wait_for(b"\r\n\r\n")
    except AssertionError:
        assert connection.ended and not connection.buffer, connection.buffer
        return None
    return connection.response(method)


# Descriptors.

@pytest.mark.parametrize("whose", ["first", "later"])
def test_no_descriptor_for_a_client(gate, whose):
    """The client waits, and is served once there are descriptors again. The very first client also needs timers."""
    if whose == "later":
        check_serves(gate)
        descriptors_at_rest(gate)
    with contextlib.ExitStack() as stack:
        with spare_descriptors(gate.pid, 0):
            connection = stack.enter_context(gate.connect())
            connection.send(head("GET", INFO))
            check_shortage(gate)
            assert any("Too many open files" in line for line in gate.lines)
            connection.socket.setblocking(False)
            with pytest.raises(BlockingIOError):
                connection.socket.recv(1)
        begin = time.monotonic()
        assert connection.response().status == 200
        assert time.monotonic() - begin < 2
    check_serves(gate)


def test_clients_that_wait_for_descriptors(gate):
    """More clients than descriptors: the others wait, and are served as descriptors come free, without reconnecting."""
    check_serves(gate)
    before = descriptors_at_rest(gate)
    with contextlib.ExitStack() as stack:
        with spare_descriptors(gate.pid, 3):
            clients = [stack.enter_context(gate.connect()) for _ in range(20)]
            for client in clients:
                client.send(head("GET", "/nothing"))
            check_shortage(gate)
        assert [client.response().status for client in clients] == [404] * len(clients)
    check_left_nothing(gate, before)


def test_host_that_allows_few_open_files(root, start_gate):
    """The gate takes fewer connections, so that a crowd leaves descriptors for git."""
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (250, 250))
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", preexec_fn=few)
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(gate.connect())
        assert gate.ask("GET", INFO).status == 200
    assert not any("cannot be accepted" in line for line in gate.lines)
    check_serves(gate)


@pytest.mark.parametrize("kind", ["without a body", "push"])
def test_no_descriptor_for_git(gate, root, kind):
    """Each failing step of git's start means a 500 and leaves nothing. With enough descriptors the client is served."""
    data = request("POST", PUSH, PUSH_TYPE, body=create(root)) if kind == "push" else head("GET", INFO)
    check_serves(gate)
    before = descriptors_at_rest(gate)
    statuses = []
    for count in range(1, MORE_THAN_A_REQUEST_NEEDS):
        with spare_descriptors(gate.pid, count), gate.connect() as connection:
            connection.send(data)
            response = connection.response()
            statuses.append(response.status)
            if response.status != 200:
                check_error(response, (500, 503))
        check_left_nothing(gate, before)
    n_failed = statuses.index(200)
    assert n_failed >= 5 and set(statuses[n_failed:]) == {200}, statuses
    check_serves(gate)


# System calls that fail.

# The call, its error, and the status of a request on an open connection; None if the connection ends. For a 500, also
# the name of the call in the log.
FAILURES = [
    ("openat", "EMFILE", 500, None),
    ("pipe2", "EMFILE", 500, "pipe2"),
    ("pipe2", "ENFILE", 500, "pipe2"),
    ("vfork,clone", "EAGAIN", 500, "vfork"),
    ("vfork,clone", "ENOMEM", 500, "vfork"),
    ("pidfd_open", "EMFILE", 500, "pidfd_open"),
    ("pidfd_open", "ENOMEM", 500, "pidfd_open"),
    ("pidfd_open", "EPERM", 500, "pidfd_open"),
    ("epoll_ctl", "ENOMEM", 500, "epoll_ctl"),
    ("epoll_ctl", "ENOSPC", 500, "epoll_ctl"),
    ("writev", "ENOBUFS", None, None),
    ("writev", "ENOMEM", None, None),
    ("fcntl", "ENOMEM", 500, "fcntl(O_NONBLOCK)"),
    ("write", "EIO", 200, None),
    ("poll", "ENOMEM", 200, None),
]


def check_no_start(gate, call, error):
    """Check that one record names the call, and the remedy where the error does not tell it."""
    record, = (record for record in gate.records if record["message"] == "git cannot be started")
    assert (record["call"], record["error"]) == (call, os.strerror(getattr(errno, error)))
    assert ("seccomp profile" in record.get("advice", "")) == (error in ("EPERM", "ENOSYS"))


@pytest.mark.parametrize("calls, error, status, named", FAILURES, ids=[f"{case[0]}-{case[1]}" for case in FAILURES])
def test_failing_call(gate, calls, error, status, named):
    check_serves(gate)
    before = descriptors_at_rest(gate)
    with gate.connect() as connection:
        connection.send(head("GET", "/nothing"))
        assert connection.response().status == 404
        with failing(gate, f"{calls}:error={error}") as n_failed:
            connection.send(head("GET", INFO))
            response = answer_or_end(connection)
            gate.wait_no_children()
            assert n_failed() > 0
        assert (response and response.status) == status
        if status == 500:
            check_error(response, 500)
            assert response.reason == "gate-failed" and b"log says why" in response.body
            assert ("git cannot be started" in [record["message"] for record in gate.records]) == bool(named)
        if named:
            check_no_start(gate, named, error)
    check_left_nothing(gate, before)
    check_serves(gate)


@pytest.mark.parametrize("call, error", [("setsid", "EPERM"), ("dup2", "EINTR"), ("close_range", "EPERM"),
                                         ("close_range", "ENOSYS"), ("chdir", "EACCES"), ("execve", "EACCES")])
def test_failing_step_of_a_child(gate, call, error):
    """A step fails before the child becomes git. tests/unit/test_process_failure.c tries every step."""
    check_serves(gate)
    before = descriptors_at_rest(gate)
    with gate.connect() as connection, failing(gate, f"{call}:error={error}", children=True) as n_failed:
        connection.send(head("GET", INFO))
        check_error(connection.response(), 500)
        assert n_failed() == 1
    check_no_start(gate, call, error)
    check_left_nothing(gate, before)
    check_serves(gate)


# Starts at which a call is refused, as by a container's profile.

@pytest.mark.parametrize("call, error, options, words", [
    ("pidfd_open", "EPERM", ["--confine=off"], ["git upload-pack' cannot be run: pidfd_open: Operation not permitted", "seccomp profile"]),
    ("pidfd_open", "ENOSYS", ["--confine=off"], ["git upload-pack' cannot be run: pidfd_open: Function not implemented", "seccomp profile"]),
    ("close_range", "EPERM", ["--confine=off"], ["git upload-pack' cannot be run: close_range: Operation not permitted", "seccomp profile"]),
    ("setsid", "EPERM", ["--confine=off"], ["git upload-pack' cannot be run: setsid: Operation not permitted", "seccomp profile"]),
    ("vfork,clone", "EAGAIN", ["--confine=off"], ["no room to run", "vfork: Resource temporarily unavailable", "ulimit"]),
    ("pipe2", "EMFILE", ["--confine=off"], ["no room to run", "pipe2: Too many open files", "ulimit"]),
    ("close_range", "EPERM", ["--confine=require"],
     ["--confine=require", "cannot be closed: close_range: Operation not permitted", "seccomp profile"]),
    ("prctl", "EPERM", ["--confine=require"],
     ["--confine=require", "cannot be closed: prctl(PR_SET_DUMPABLE): Operation not permitted"]),
    ("pidfd_open", "EPERM:when=2", ["--confine=off", "--die-with-parent"],
     ["--die-with-parent", "cannot be watched: pidfd_open: Operation not permitted", "seccomp profile"]),
])
def test_start_that_is_refused_a_call(root, start_gate, tmp_path, call, error, options, words):
    """The one sentence names the call, and says where it may be allowed."""
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", *options, wait=False, log_format=None,
                      program=under_strace(tmp_path, PROGRAM, f"{call}:error={error}"), variables=WITHOUT_LEAKS)
    assert gate.wait() in (INTERNAL, CANNOT_START)
    gate.err.join()
    line, = (line for line in gate.lines if line.startswith("git-gate: "))
    for word in words:
        assert word in line, line
    assert "INJECTED" in (tmp_path / "strace").read_text() and not gate.output


@pytest.mark.parametrize("error", ["ENFILE", "ENOMEM", "ENOBUFS"])
def test_accepting_fails(gate, error):
    """Whatever the system lacks, the client waits in the backlog and the gate does not spin."""
    check_serves(gate)
    with gate.connect() as kept:
        kept.send(head("GET", "/nothing"))
        assert kept.response().status == 404
        with failing(gate, f"accept4:error={error}") as n_failed, gate.connect() as connection:
            connection.send(head("GET", INFO))
            check_shortage(gate, 0.5)
            assert 0 < n_failed() < 50
            kept.send(head("GET", "/nothing"))
            assert kept.response().status == 404
        check_serves(gate)


@pytest.mark.parametrize("error", ["ECONNABORTED", "EINTR", "EPERM", "EPROTO", "ENETDOWN"])
def test_client_that_is_gone_before_it_is_accepted(gate, error):
    """accept(2): these errors concern one client; the gate takes the next at once and logs nothing."""
    check_serves(gate)
    with failing(gate, f"accept4:error={error}:when=1") as n_failed:
        assert gate.ask("GET", INFO).status == 200
        assert n_failed() == 1


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("error", ["ENOMEM", "ENOSPC"])
def test_client_that_cannot_be_watched(gate, error, nth):
    """The failing call costs a client its connection, its answer, or nothing; the next client is served."""
    check_serves(gate)
    before = descriptors_at_rest(gate)
    with failing(gate, f"epoll_ctl:error={error}:when={nth}") as n_failed:
        with gate.connect() as connection:
            connection.send(head("GET", INFO))
            response = answer_or_end(connection)
            assert response is None or response.status in (200, 500)
        wait_until("a failure", lambda: n_failed() == 1)
    check_left_nothing(gate, before)
    check_serves(gate)


def test_input_of_git_cannot_be_watched(gate_with, root):
    """The first call is for git's end. On a slow machine the next are for git's output, and the last for its input."""
    gate, exec_path = gate_with(HOLD, preexec_fn=allow_tracing)
    before = descriptors_at_rest(gate)
    with gate.connect() as connection:
        connection.send(head("GET", "/nothing"))
        assert connection.response().status == 404
        with failing(gate, "epoll_ctl:error=ENOMEM:when=2+") as n_failed:
            connection.send(request("POST", PUSH, PUSH_TYPE, body=create(root, pack=bytes(200_000))))
            response = connection.response()
            check_error(response, 500)
            assert b"cannot watch git's " in response.body and n_failed() >= 1
            exec_path.release()
            gate.wait_no_children()
    check_left_nothing(gate, before)


@pytest.mark.parametrize("nth", range(1, 5))
def test_reading_fails(gate_with, nth):
    """Reading the client's socket, git's output or its errors fails. An answer looks whole only if it is."""
    gate, exec_path = gate_with(f"{HEAD_TEXT}; {MUCH_TEXT}; {HOLD}; echo rest; echo words >&2; exit 0",
                                preexec_fn=allow_tracing)
    before = descriptors_at_rest(gate)
    with gate.connect() as connection:
        connection.send(head("GET", INFO))
        assert connection.response_head()[0] == 200
        connection.wait_for(MUCH_END)
        wait_until("the gate has found nothing more to read", lambda: stat_fields(gate.pid)[0] == "S")
        with failing(gate, f"read:error=EIO:when={nth}") as n_failed:
            exec_path.release()
            body, complete = connection.rest_of_chunks()
            assert body == LINE + MUCH + b"rest\n" or not complete
            gate.wait_no_children()
            connection.close()
            wait_until("a failure", lambda: n_failed() == 1)
    check_left_nothing(gate, before)


@pytest.mark.skipif(is_sanitized(), reason="the address sanitizer ends a program that gets no memory")
def test_no_memory(gate):
    """No new pages: requests get an error or the end of their connection, and the gate lives on."""
    check_serves(gate)
    before = descriptors_at_rest(gate)
    whole = head("GET", INFO)
    with failing(gate, *NO_MEMORY) as n_failed, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(gate.connect()) for _ in range(20)]
        for client in clients:
            client.send_as_taken(whole[:-1])
        wait_until("memory has become short", n_failed)
        for client in clients:
            client.send_as_taken(whole[-1:])
        outcomes = [response and response.status for response in map(answer_or_end, clients)]
        assert set(outcomes) & {None, 500} and set(outcomes) <= {None, 200, 500, 502}, outcomes
    check_left_nothing(gate, before)
    check_serves(gate)
