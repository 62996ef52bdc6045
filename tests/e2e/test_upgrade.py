# SPDX-License-Identifier: Apache-2.0
"""An upgrade under running clients: the gate's parent keeps its socket, as systemd does, and starts another gate."""

import contextlib
import os
import shutil
import signal
import socket
import threading
from pathlib import Path

import pytest

from .backends import HOLD, ExecPath
from .gate import PROGRAM
from .host import stat_fields
from .http import Connection, head, request
from .packets import PUSH_TYPE
from .polling import wait_until
from .targets import INFO, PUSH

CLIENTS = 20
RESTARTS = 5
ACTIVATED = 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"'


class Service:
    """A socket that outlives its gates. They serve it one after another, each with its own copy of the program."""

    def __init__(self, start_gate, folder, address, options):
        family = socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX
        self.listener = socket.create_server(address, family=family, backlog=128)
        self.address = self.listener.getsockname()
        self.program = Path(folder, "git-gate")
        for name in ("git-gate-hook", "hooks"):
            Path(folder, name).symlink_to(Path(PROGRAM).parent / name)
        self.start_gate, self.options = start_gate, options
        self.gate = None

    def _place(self):
        os.dup2(self.listener.fileno(), 3, inheritable=True)

    def start(self, **named):
        """Install the program anew, as an upgrade does, and start it."""
        new = self.program.with_suffix(".new")
        shutil.copy(PROGRAM, new)
        new.rename(self.program)
        self.gate = self.start_gate(*self.options, transport=None, pass_fds=(3,), preexec_fn=self._place,
                                    program=("sh", "-c", ACTIVATED, "sh", str(self.program)), **named)
        return self.gate

    def stop(self):
        self.gate.signal()
        assert self.gate.wait() == 0


@pytest.fixture(params=["tcp", "unix"])
def service(request, start_gate, root, tmp_path):
    address = ("127.0.0.1", 0) if request.param == "tcp" else str(tmp_path / "gate.sock")
    service = Service(start_gate, tmp_path, address, [f"--mirror-root={root}", "--scope=repo", "--drain-timeout=30"])
    with contextlib.closing(service.listener):
        yield service


def test_clients_without_a_gate_wait(service):
    """Clients that came without a gate, with or without a request, are served in their order."""
    service.start()
    service.stop()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Connection(service.address)) for _ in range(CLIENTS)]
        for client in clients[::2]:
            client.send(head("GET", INFO))
        service.start()
        for client in clients[1::2]:
            client.send(head("GET", INFO))
        assert [client.response().status for client in clients] == [200] * CLIENTS


def test_clients_beside_a_gate_that_drains_wait(service, root, scratch):
    """The old gate finishes its requests and accepts nobody. The new gate serves the clients that came meanwhile."""
    exec_path = ExecPath(scratch / "exec", f'[ "$REQUEST_METHOD" != POST ] || {{ {HOLD}; }}')
    old = service.start(exec_path=exec_path)
    with Connection(service.address) as pusher, contextlib.ExitStack() as stack:
        pusher.send(request("POST", PUSH, PUSH_TYPE, body=b"0000"))
        wait_until("git has started", lambda: exec_path.runs)
        old.signal()
        wait_until("the drain", lambda: [r for r in old.records if r["message"] == "stopping"])
        clients = [stack.enter_context(Connection(service.address)) for _ in range(CLIENTS)]
        for client in clients:
            client.send(head("GET", INFO))
        new = service.start()
        assert [client.response().status for client in clients] == [200] * CLIENTS
        wait_until("their records", lambda: len(new.request_records()) == CLIENTS)
        assert old.process.poll() is None
        exec_path.release()
        assert pusher.response().status == 200
        assert old.wait() == 0


@pytest.mark.parametrize("earlier_requests", [0, 1])
def test_request_on_its_way_is_answered(service, earlier_requests):
    """The gate gets SIGTERM first, and then a request on a connection that it accepted before."""
    gate = service.start()
    with Connection(service.address) as client:
        for _ in range(earlier_requests):
            client.send(head("GET", INFO))
            assert client.response().status == 200
        wait_until("the connection", lambda: [r for r in gate.records if r["message"] == "connection"])
        gate.signal(signal.SIGSTOP)
        wait_until("the gate is stopped", lambda: stat_fields(gate.pid)[0] == "T")
        gate.signal()
        client.send(head("GET", INFO))
        gate.signal(signal.SIGCONT)
        response = client.response()
        assert (response.status, response.closes) == (200, True)
        assert gate.wait() == 0


def test_silent_client_does_not_hold_the_gate(service):
    """The drain time-out is for clients that wait for something."""
    gate = service.start()
    with Connection(service.address) as client:
        wait_until("the connection", lambda: [r for r in gate.records if r["message"] == "connection"])
        gate.signal()
        assert gate.wait(5) == 0 and client.is_closed()


class Crowd:
    """Clients that make one request after another until they are told to stop, each on a connection of its own."""

    def __init__(self, address):
        self.address = address
        self.ends = threading.Event()
        self.answers = []
        self.threads = [threading.Thread(target=self._run) for _ in range(4)]

    def _run(self):
        while not self.ends.is_set():
            try:
                with Connection(self.address) as client:
                    client.send(head("GET", INFO))
                    self.answers.append(client.response().status)
            except (AssertionError, OSError) as failure:
                self.answers.append(failure)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ends.set()
        for thread in self.threads:
            thread.join()


def test_restarts_in_a_crowd(service):
    """Whenever a gate ends, one gate or the next serves every client."""
    service.start()
    with Crowd(service.address) as crowd:
        for _ in range(RESTARTS):
            before = len(crowd.answers)
            wait_until("some answers", lambda: len(crowd.answers) > before + CLIENTS)
            service.stop()
            service.start()
    bad = [answer for answer in crowd.answers if answer != 200]
    assert not bad, (len(crowd.answers), bad)
