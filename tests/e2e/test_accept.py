# SPDX-License-Identifier: Apache-2.0
"""
Each file of tests/data/http/accept is served whole and byte by byte, and refused when it is cut at any byte.
"""

import socket

import pytest

from .backends import ExecPath
from .checks import check_error
from .host import connections
from .http_files import ACCEPT, ask, ask_byte_by_byte
from .polling import wait_until

SMALL = [name for name, case in ACCEPT.items() if case.is_small]


@pytest.fixture(scope="module")
def gate(small_root, transport, start_module_gate):
    return start_module_gate(f"--mirror-root={small_root}", "--scope=repo", transport=transport)


@pytest.fixture(scope="module")
def bodies():
    """The answers to each file, from the first test that got them."""
    return {}


def check_served(case, found, bodies):
    last = found[-1]
    assert (last.status, last.complete, last.closes) == (200, True, case.closes)
    line = case.data[:case.data.rindex(b" HTTP/1.")].rpartition(b"\n")[2]  # of the last request
    if line == b"GET /repo.git/HEAD":
        assert last.body == b"ref: refs/heads/main\n"
    elif b"/info/refs" in line or (b"upload-pack" in line and b"version=2" in case.data.lower()):
        assert last.body.endswith(b"0000")
    assert bodies.setdefault(case.name, last.body) == last.body


@pytest.mark.parametrize("name", ACCEPT)
def test_served(gate, bodies, name):
    check_served(ACCEPT[name], ask(gate, ACCEPT[name]), bodies)


@pytest.mark.parametrize("name", SMALL)
def test_served_byte_by_byte(gate, bodies, name):
    check_served(ACCEPT[name], ask_byte_by_byte(gate, ACCEPT[name]), bodies)


@pytest.fixture(scope="module")
def idle_exec_path(small_root):
    return ExecPath(small_root / "repo.git" / "exec-idle")


@pytest.fixture(scope="module")
def idle_gate(small_root, idle_exec_path, start_module_gate):
    return start_module_gate(f"--mirror-root={small_root}", "--scope=repo", transport="unix", log_level="warning",
                             exec_path=idle_exec_path)


@pytest.fixture(scope="module")
def cuts():
    """The beginnings that were tried already, as most requests begin alike."""
    return set()


@pytest.mark.parametrize("name", [name for name in SMALL if not ACCEPT[name].is_pipelined])
def test_cut_at_each_byte(idle_gate, idle_exec_path, cuts, name):
    """
    A client shuts its sending side, or goes away, in the middle of a request. It gets a 400, and nothing runs.
    """
    data = ACCEPT[name].data
    for cut in range(1, len(data)):
        if data[:cut] in cuts:
            continue
        cuts.add(data[:cut])
        with idle_gate.connect() as gone:
            gone.send(data[:cut])
        with idle_gate.connect() as connection:
            connection.send(data[:cut])
            connection.socket.shutdown(socket.SHUT_WR)
            response = connection.response()
            if response.status == 100:
                response = connection.response()
            check_error(response, 400)
            assert b"cut short" in response.body
            assert response.closes and connection.is_closed()
    wait_until("no connection is left", lambda: not connections(idle_gate.pid))
    assert idle_exec_path.runs == [] and idle_gate.children() == []
