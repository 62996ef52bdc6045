# SPDX-License-Identifier: Apache-2.0
"""
Refusals before any process starts: each file of tests/data/http/refuse, whole, byte by byte, and after a good request.

The first gates here never serve anything, so no run of git-http-backend may be recorded at the end. STATUS CODES in
git-gate(1) lists the answers.
"""

import pytest

from .backends import CGI_BACKEND, ExecPath
from .checks import check_error
from .http import head, request
from .http_files import REFUSE, ask, ask_byte_by_byte
from .packets import FETCH_TYPE, PUSH_TYPE
from .targets import FETCH, INFO, INFO_PUSH, PUSH

# In these files the fault is in the empty line, or in a request after the first.
NOT_IN_A_LINE = ("host-none", "smuggle-behind-refused-head", "limit-head-16385", "pipelined-")
LINES = [name for name, case in REFUSE.items()
         if case.layer == "head" and b"\r\n\r\n" in case.data and not name.startswith(NOT_IN_A_LINE)]
HEADER_SECONDS = 60  # here, more than one client waits
SMALL = [name for name, case in REFUSE.items() if case.is_small]
HEAD_FILE = head("GET", "/repo.git/HEAD")


@pytest.fixture(scope="module")
def exec_path(small_root, transport):
    return ExecPath(small_root / "repo.git" / f"exec-{transport}")


@pytest.fixture(scope="module")
def gate(small_root, transport, exec_path, start_module_gate):
    gate = start_module_gate(f"--mirror-root={small_root}", "--scope=repo", transport=transport, exec_path=exec_path)
    yield gate
    gate.stop()
    assert exec_path.runs == []


@pytest.fixture(scope="module")
def slow_exec_path(small_root):
    return ExecPath(small_root / "repo.git" / "exec-slow")


@pytest.fixture(scope="module")
def slow_gate(small_root, slow_exec_path, start_module_gate):
    """For tests that need only one transport."""
    gate = start_module_gate(f"--mirror-root={small_root}", "--scope=repo", transport="unix", exec_path=slow_exec_path)
    yield gate
    gate.stop()
    assert slow_exec_path.runs == []


@pytest.fixture(scope="module")
def serving_exec_path(small_root):
    text = "printf 'Content-Type: text/plain\\r\\n\\r\\nref: refs/heads/main\\n'; exit 0"
    return ExecPath(small_root / "repo.git" / "exec-serving", text)


@pytest.fixture(scope="module")
def serving_gate(small_root, serving_exec_path, start_module_gate):
    return start_module_gate(f"--mirror-root={small_root}", "--scope=repo", CGI_BACKEND, exec_path=serving_exec_path)


def check_nothing_ran(gate, exec_path):
    assert exec_path.runs == [] and gate.children() == []


def check_refused(case, last):
    check_error(last, case.status, sends_body=case.method != "HEAD")
    assert (last.reason, last.closes) == (case.reason, case.closes)
    allow = None
    if case.status == 405:
        allow = "POST" if case.target in (FETCH, PUSH) else "GET"
    assert last.fields.get("allow") == allow


@pytest.fixture(scope="module")
def patient_gate(small_root, start_module_gate):
    return start_module_gate(f"--mirror-root={small_root}", "--scope=repo", f"--header-timeout={HEADER_SECONDS}",
                             transport="unix")


@pytest.mark.parametrize("name", LINES)
def test_refused_at_the_end_of_the_line(patient_gate, name):
    """The refusal comes without the empty line, and before the header time-out."""
    case = REFUSE[name]
    with patient_gate.connect() as connection:
        connection.send_as_taken(case.data.partition(b"\r\n\r\n")[0] + b"\r\n")
        check_refused(case, connection.response(case.method))


@pytest.mark.parametrize("name", REFUSE)
def test_refused(gate, exec_path, name):
    """The status is exact. Then the connection ends, or the gate reads the next request correctly."""
    runs = exec_path.runs
    check_refused(REFUSE[name], ask(gate, REFUSE[name])[-1])
    assert exec_path.runs == runs


@pytest.mark.parametrize("name", SMALL)
def test_refused_byte_by_byte(slow_gate, slow_exec_path, name):
    runs = slow_exec_path.runs
    check_refused(REFUSE[name], ask_byte_by_byte(slow_gate, REFUSE[name])[-1])
    assert slow_exec_path.runs == runs


@pytest.mark.parametrize("name", REFUSE)
def test_refused_behind_a_good_request(serving_gate, serving_exec_path, name):
    """The good request is served in full, and the bad one gets the same answer as on its own."""
    runs = len(serving_exec_path.runs)
    first, *_, last = ask(serving_gate, REFUSE[name], before=[HEAD_FILE])
    assert (first.status, first.body, first.complete) == (200, b"ref: refs/heads/main\n", True)
    check_refused(REFUSE[name], last)
    assert len(serving_exec_path.runs) == runs + 1


@pytest.mark.parametrize("target, type_, status, named", [
    (PUSH, PUSH_TYPE, 401, {"token": None}), (PUSH, FETCH_TYPE, 415, {})])
def test_refused_with_a_large_body(gate, exec_path, target, type_, status, named):
    """A client that is still sending must be able to read the answer."""
    with gate.connect() as connection:
        connection.send_as_taken(request("POST", target, type_, body=b"x" * (3 << 20), **named))
        response = connection.response()
        check_error(response, status)
        assert response.closes and connection.is_closed()
    check_nothing_ran(gate, exec_path)


def test_no_100_for_a_refused_request(gate, exec_path):
    """A client that waits with its body learns first that it need not send it."""
    with gate.connect() as connection:
        connection.send(head("POST", PUSH, PUSH_TYPE, "Content-Length: 1000000", "Expect: 100-continue", token=None))
        response = connection.response()
        check_error(response, 401)
        assert response.closes and connection.is_closed()
    check_nothing_ran(gate, exec_path)


@pytest.mark.parametrize("target, method, type_", [(INFO_PUSH, "GET", None), (PUSH, "POST", PUSH_TYPE)])
def test_read_only_refuses_both_steps_of_a_push(gate_with, target, method, type_):
    # Under --read-only, confinement leaves git no place to record a run.
    gate, exec_path = gate_with("", "--read-only", "--confine=off")
    fields = [type_] if type_ else []
    check_error(gate.ask(method, target, *fields, token=None), 401)
    check_error(gate.ask(method, target, *fields, token="x" * 37), 401)
    response = gate.ask(method, target, *fields)
    check_error(response, 403)
    assert b"read-only" in response.body
    check_nothing_ran(gate, exec_path)
    assert gate.ask("GET", INFO).status == 200
    assert exec_path.runs == ["GET /repo.git/info/refs"]
