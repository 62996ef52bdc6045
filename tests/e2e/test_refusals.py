# SPDX-License-Identifier: Apache-2.0
"""
Refused before anything is started: each row of STATUS CODES in git-gate(1) by raw requests.

The gate of this module never serves anything, so at its end not a single run of git-http-backend may be on record.
"""

import pytest

from .backends import ExecPath
from .checks import check_error
from .http import head, request
from .packets import PUSH_TYPE
from .refusals import BROKEN, FETCH, GET, INFO, INFO_PUSH, PUSH, REFUSED, REFUSED_WITH_BODY, raw

@pytest.fixture(scope="module")
def exec_path(tmp_path_factory, transport):
    return ExecPath(tmp_path_factory.mktemp(f"exec-{transport}") / "path")


@pytest.fixture(scope="module")
def gate(small_root, transport, exec_path, start_module_gate):
    gate = start_module_gate(f"--mirror-root={small_root}", "--scope=repo", transport=transport, exec_path=exec_path)
    yield gate
    gate.stop()
    assert exec_path.runs == []


def check_nothing_ran(gate, exec_path):
    assert exec_path.runs == [] and gate.children() == []


@pytest.mark.parametrize("case", BROKEN)
def test_broken_http_is_answered_and_the_connection_closes(gate, exec_path, case):
    status, data = BROKEN[case]
    with gate.connect() as connection:
        connection.send_as_taken(data)
        response = connection.response()
        check_error(response, status)
        assert response.closes
        assert connection.is_closed()
    check_nothing_ran(gate, exec_path)


@pytest.mark.parametrize("case", REFUSED)
def test_refused_and_the_connection_stays(gate, exec_path, case):
    """Behind the refusal another request gets an answer: a gate that lost count of the bytes would misread it."""
    status, allow, data = REFUSED[case]
    method = data.split(b" ")[0].decode()
    with gate.connect() as connection:
        connection.send(data)
        response = connection.response(method)
        check_error(response, status, sends_body=method != "HEAD")
        assert response.fields.get("allow") == allow
        assert not response.closes
        connection.send(head("GET", "/again"))
        check_error(connection.response(), 404)
    check_nothing_ran(gate, exec_path)


@pytest.mark.parametrize("case", REFUSED_WITH_BODY)
def test_refused_with_a_body(gate, exec_path, case):
    """A client that is still sending must get to read the answer; the gate then skips the body or closes."""
    status, data = REFUSED_WITH_BODY[case]
    with gate.connect() as connection:
        connection.send_as_taken(data)
        response = connection.response()
        check_error(response, status)
        if response.closes:
            assert connection.is_closed()
        else:
            connection.send(head("GET", "/again"))
            check_error(connection.response(), 404)
    check_nothing_ran(gate, exec_path)


def test_body_of_a_refused_request_is_never_a_request(gate, exec_path):
    """Request smuggling: bytes that were announced as a body must not be answered as a request of their own."""
    inner = head("GET", "/inner")
    with gate.connect() as connection:
        connection.send_as_taken(request("POST", FETCH, body=inner, token=None))
        response = connection.response()
        check_error(response, 401)
        if not response.closes:
            connection.send(request("POST", PUSH, "Connection: close", token=None))
            check_error(connection.response(), 401)
        assert connection.is_closed()
    check_nothing_ran(gate, exec_path)


def test_no_100_for_a_refused_request(gate, exec_path):
    """A client that waits with its body learns first that it need not send it."""
    with gate.connect() as connection:
        connection.send(head("POST", PUSH, PUSH_TYPE, "Content-Length: 1000000", "Expect: 100-continue", token=None))
        response = connection.response()
        check_error(response, 401)
        assert response.closes and connection.is_closed()
    check_nothing_ran(gate, exec_path)


@pytest.mark.parametrize("cut", range(1, len(GET) + 20, 7))
def test_verdict_does_not_depend_on_the_cuts(gate, exec_path, cut):
    data = raw(GET, b"X-A: a\0b")
    with gate.connect() as connection:
        connection.send(data[:cut])
        connection.send_as_taken(data[cut:])
        check_error(connection.response(), 400)
        assert connection.is_closed()
    check_nothing_ran(gate, exec_path)


@pytest.mark.parametrize("target, method, type_", [(INFO_PUSH, "GET", None), (PUSH, "POST", PUSH_TYPE)])
def test_read_only_refuses_both_steps_of_a_push(gate_with, target, method, type_):
    gate, exec_path = gate_with("", "--read-only")
    fields = [type_] if type_ else []
    check_error(gate.ask(method, target, *fields, token=None), 401)
    check_error(gate.ask(method, target, *fields, token="x" * 37), 403)
    response = gate.ask(method, target, *fields)
    check_error(response, 403)
    assert b"read-only" in response.body
    check_nothing_ran(gate, exec_path)
    assert gate.ask("GET", INFO).status == 200
    assert exec_path.runs == ["GET /repo.git/info/refs"]
