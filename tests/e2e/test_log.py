# SPDX-License-Identifier: Apache-2.0
"""The gate's log: it has one record for each request, higher levels for refusals, and nothing forged by clients."""

import re

import pytest

from .backends import HEAD_TEXT, LINE, SILENT_FAILURE
from .checks import check_ends_with
from .http import head
from .packets import FETCH_TYPE, PROTOCOL_2, PUSH_TYPE, ls_refs, unfinished
from .polling import wait_until
from .repos import git, out
from .targets import FETCH, INFO, PUSH

TEXT_RECORD = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z (error|warning|notice|info|debug) "
    r'[^="]+?(?: [a-z_]+=(?:"(?:[^"\\]|\\.)*"|[^" ]+))*\n')


@pytest.fixture(scope="module")
def gate(small_root, transport, start_module_gate):
    return start_module_gate(f"--mirror-root={small_root}", "--scope=repo", transport=transport)


def record_of(gate, ask):
    """The one record of the request in ask()."""
    before = len(gate.request_records())
    ask()
    wait_until("the record of the request", lambda: len(gate.request_records()) > before)
    records = gate.request_records()[before:]
    assert len(records) == 1, records
    return records[0]


def test_record_of_a_served_request(gate):
    body = ls_refs()
    record = record_of(gate, lambda: gate.ask("POST", FETCH, FETCH_TYPE, PROTOCOL_2, body=body))
    assert record["level"] == "info" and record["status"] == 200
    assert record["method"] == "POST" and record["repository"] == "repo" and "upload-pack" in record["route"]
    assert record["bytes_in"] > len(body) and record["bytes_out"] > 100
    assert 0 <= record["duration_ms"] < 20_000


@pytest.mark.parametrize("status, level, data", [
    (404, "warning", head("GET", "/nothing")),
    (405, "warning", head("GET", FETCH)),
    (400, "warning", b"garbage\r\n\r\n"),
    (401, "debug", head("GET", INFO, token=None)),
    (401, "warning", head("GET", INFO, "Authorization: Basic x", token=None)),
    (401, "warning", head("GET", INFO, token="x" * 37)),
    (403, "warning", head("GET", "/other.git/HEAD")),
    (415, "warning", head("POST", FETCH)),
])
def test_level_of_a_refusal(gate, status, level, data):
    """A client with its token in the address begins with a 401, which is routine. All other refusals are not."""
    record = record_of(gate, lambda: check_ends_with(gate, data, (status, 501) if status == 400 else status))
    assert record["level"] == level
    assert record["status"] in (status, 501) if status == 400 else record["status"] == status


def test_one_record_for_each_request_of_a_connection(gate):
    before = len(gate.request_records())
    with gate.connect() as connection:
        for target in ("/a", "/b", "/c"):
            connection.send(head("GET", target))
            connection.response()
    wait_until("three records", lambda: len(gate.request_records()) == before + 3)
    records = gate.request_records()[before:]
    assert [record["target"] for record in records] == ["/a", "/b", "/c"]
    assert len({record["id"] for record in records}) == 3


def test_clone_leaves_its_records(gate, tmp_path):
    before = len(gate.request_records())
    git("clone", "--quiet", gate.url(), tmp_path / "clone")
    wait_until("four records", lambda: len(gate.request_records()) == before + 4)
    records = gate.request_records()[before:]
    assert [record["status"] for record in records] == [401, 200, 200, 200]
    assert [record["level"] for record in records] == ["debug", "info", "info", "info"]


def test_untrusted_bytes_are_escaped(gate):
    """A target has quotes, backslashes and a forged record in it. The log holds exactly the sent target."""
    target = '/a"b\\c{"level":"error"}\\n'
    record = record_of(gate, lambda: check_ends_with(gate, head("GET", target), 404))
    assert record["target"] == target and record["level"] == "warning"


def test_long_values_are_cut(gate):
    record = record_of(gate, lambda: check_ends_with(gate, head("GET", "/" + "x" * 4000), 404))
    assert record["target"].startswith("/xxx") and len(record["target"]) < 1000


def test_failures_of_git_are_told(gate_with):
    """git's standard error reaches the log, escaped, and not the client."""
    gate, _ = gate_with("printf 'fatal: \\033[31mcoloured\\033[0m \"word\"\\n' >&2; exit 1")
    response = gate.ask("GET", INFO)
    assert response.status == SILENT_FAILURE and b"fatal" not in response.body
    said = 'fatal: \033[31mcoloured\033[0m "word"'
    wait_until("what git said", lambda: [record for record in gate.records if said in record.values()])
    wait_until("the record of the request", gate.request_records)
    assert [record["level"] for record in gate.request_records()] == ["warning"]


def test_flood_on_standard_error_is_bounded(gate_with):
    """A git that complains for ever neither fills the log nor stops."""
    gate, _ = gate_with(f"yes complaint | head -c 5000000 >&2; {HEAD_TEXT}; echo all; exit 0")
    response = gate.ask("GET", INFO)
    assert (response.status, response.body, response.complete) == (200, LINE + b"all\n", True)
    gate.stop()
    assert sum(map(len, gate.lines)) < 1_000_000


@pytest.mark.parametrize("level, seen", [("error", []), ("warning", [401]), ("notice", [401]), ("info", [401, 200]),
                                         ("debug", [401, 401, 200])])
def test_levels(small_root, start_gate, level, seen):
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", log_level=level)
    assert gate.ask("GET", INFO, token=None).status == 401
    assert gate.ask("GET", INFO, token="x" * 37).status == 401
    assert gate.ask("GET", INFO).status == 200
    gate.stop()
    assert [record["status"] for record in gate.request_records()] == seen


def test_default_level_is_info_and_default_format_is_text(small_root, start_gate):
    """Each line is one record: a time, a level, words, and name=value, quoted where it must be."""
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", log_format=None, log_level=None)
    out("ls-remote", gate.url())
    for target in ('/a"b\\c', "/a=b"):
        assert gate.ask("GET", target).status == 404
    assert gate.ask("POST", PUSH, PUSH_TYPE, body=b"0000").status == 200
    gate.stop()
    levels = [match.group(1) for match in map(TEXT_RECORD.fullmatch, gate.lines) if match]
    assert len(levels) == len(gate.lines), gate.lines
    assert "debug" not in levels and levels.count("warning") == 2
    text = "".join(gate.lines)
    assert r'target="/a\"b\\c"' in text and 'target="/a=b"' in text and " status=404 " in text


def test_start_and_end_are_told(small_root, start_gate):
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", log_level="notice")
    gate.stop()
    assert {record["level"] for record in gate.records} == {"notice"}
    assert len(gate.records) >= 2


def test_request_that_the_client_gave_up_is_on_record(gate):
    def ask():
        with gate.connect() as connection:
            connection.send(head("POST", PUSH, PUSH_TYPE, "Content-Length: 100000") + unfinished())
            wait_until("git has started", gate.children)
        gate.wait_no_children(seconds=10)
    record = record_of(gate, ask)
    assert record["route"] == "receive-pack" and record["bytes_in"] > 2
    assert record.get("status") != 200 and record["reason"]
