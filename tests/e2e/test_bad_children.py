# SPDX-License-Identifier: Apache-2.0
"""
Children that end badly, or not at all: a git that dies, hangs, floods, or leaves others behind.

The client gets a true answer or the end of its connection, and the log gets a bounded amount.
"""

import contextlib
import os
import signal
import time
from pathlib import Path

import pytest

from .backends import HEAD_TEXT, HOLD, LINE, MUCH, MUCH_END, MUCH_TEXT, SILENT_FAILURE
from .checks import check_ends_with, check_error, check_serves, create
from .host import check_left_nothing, descriptors_at_rest, reset
from .http import head
from .packets import AHEAD_BYTES, FETCH_TYPE, PROTOCOL_2, PUSH_TYPE, large_pack, ls_refs
from .polling import wait_until
from .repos import commit, git, refs, work_tree
from .targets import FETCH, INFO, PUSH

KILL_SECONDS = 5  # EXCHANGE_KILL_TIMEOUT_S


@pytest.mark.parametrize("prelude, status", [("head -c 200000 >/dev/null; kill -KILL $$", 502),
                                             ("exec <&-; sleep 0.2; exit 1", SILENT_FAILURE)])
def test_git_that_dies_in_the_middle_of_a_body(gate_with, tmp_path, prelude, status):
    """git's client is still sending. It learns that the push has failed, and does not hang."""
    gate, exec_path = gate_with(f'[ "$REQUEST_METHOD" = GET ] || {{ {prelude}; }}')
    before = descriptors_at_rest(gate)
    work = work_tree(tmp_path / "work")
    commit(work, "large", os.urandom(3 << 20))
    result = git("push", gate.url(), "main:refs/heads/new", cwd=work, ok=False, seconds=30)
    assert str(status) in result.stderr, result.stderr
    assert exec_path.runs[-1] == "POST /repo.git/git-receive-pack"
    check_left_nothing(gate, before)


def test_receive_pack_killed_in_the_middle_of_a_body(small_root, start_gate):
    """The kernel kills git like this when memory is short. git has said nothing by then, so the client gets an error."""
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo")
    body = create(small_root, pack=large_pack(4 << 20))
    with gate.connect() as connection:
        connection.send(head("POST", PUSH, PUSH_TYPE, f"Content-Length: {len(body)}") + body[:3 * AHEAD_BYTES])
        victims = wait_until("receive-pack runs", lambda: [
            pid for pid in gate.children() if b"receive-pack" in Path(f"/proc/{pid}/cmdline").read_bytes()])
        for victim in victims:
            with contextlib.suppress(ProcessLookupError):  # the end of one may have been the end of another
                os.kill(victim, signal.SIGKILL)
        connection.send_as_taken(body[3 * AHEAD_BYTES:])
        response = connection.response()
        assert response.status in (500, 502)
    gate.wait_no_children()
    assert "refs/heads/new" not in refs(small_root / "repo.git")
    check_serves(gate)


def test_git_that_never_exits(gate_with):
    """git has sent everything and closed its output, but its exit status is still missing."""
    gate, _ = gate_with(f'{HEAD_TEXT}; [ "$PATH_INFO" = /repo.git/HEAD ] || {MUCH_TEXT}; exec >&- 2>&-; exec sleep 600',
                        "--backend-timeout=1")
    before = descriptors_at_rest(gate)
    begin = time.monotonic()
    check_error(gate.ask("GET", "/repo.git/HEAD"), 504)
    assert 0.9 < time.monotonic() - begin < 5
    response = gate.ask("GET", INFO)
    assert (response.status, response.body, response.complete) == (200, LINE + MUCH, False)
    assert 1.8 < time.monotonic() - begin < 10
    check_left_nothing(gate, before)


def next_deadline_seconds(pid):
    """The seconds for which the gate will sleep at most, by epoll_wait(2); 0 while it is awake or has no time-out."""
    try:
        words = Path(f"/proc/{pid}/syscall").read_text().split()
    except PermissionError:
        pytest.skip("needs root, who alone may look into a confined gate")
    timeout_ms = int(words[4], 16) if len(words) > 4 else 0
    return timeout_ms / 1000 if timeout_ms < 1 << 31 else 0


def test_git_that_never_exits_gets_thirty_seconds(gate_with):
    """The test does not wait for the time-outs, as the kernel shows how long the gate means to sleep."""
    gate, exec_path = gate_with(f"{HEAD_TEXT}; {MUCH_TEXT}; {HOLD}; exec >&- 2>&-; exec sleep 600",
                                "--header-timeout=300")
    with gate.connect() as connection:
        connection.send(head("GET", INFO))
        connection.wait_for(MUCH_END)
        wait_until("another deadline", lambda: next_deadline_seconds(gate.pid) > 200)
        exec_path.release()
        wait_until("a deadline in 30 s", lambda: 25 <= next_deadline_seconds(gate.pid) <= 30)
        reset(connection)
    gate.wait_no_children()


@pytest.mark.parametrize("text", ["yes 'a line of complaint'", "yes x | tr -d '\\n'", "cat /dev/zero"])
def test_git_that_floods_its_errors(gate_with, text):
    """The gate reads megabytes, as git would stop otherwise. The log gets the first of them, the client its answer."""
    gate, _ = gate_with(f"{text} | head -c 8000000 >&2")
    response = gate.ask("POST", FETCH, FETCH_TYPE, PROTOCOL_2, body=ls_refs())
    assert (response.status, response.complete) == (200, True) and b"refs/heads/main" in response.body
    gate.stop()
    said = [record for record in gate.records if record["message"] == "git says"]
    assert said and sum(len(record["line"]) for record in said) < 200_000 and len(said) < 2000
    too_much = [record for record in gate.records if record["message"] == "git says too much, the rest is dropped"]
    # a test that reads too slowly loses records, and the next record says so
    assert len(too_much) == 1 or not too_much and any("dropped_records" in record for record in gate.records)


def test_flood_of_errors_is_no_progress(gate_with):
    gate, _ = gate_with("yes complaint >&2", "--backend-timeout=1")
    begin = time.monotonic()
    check_ends_with(gate, head("GET", INFO), 504)
    assert 0.9 < time.monotonic() - begin < 5


@pytest.mark.parametrize("holds", ["", "2>/dev/null", ">/dev/null", "3>&-"])
def test_background_process_that_holds_the_pipes(gate_with, holds):
    """Whichever descriptor the orphan holds, the answer ends with git, at once, and the orphan ends."""
    gate, _ = gate_with(f"{HEAD_TEXT}; echo all; sleep 600 {holds} & exit 0")
    before = descriptors_at_rest(gate)
    for _ in range(5):
        begin = time.monotonic()
        response = gate.ask("GET", INFO)
        assert (response.status, response.body, response.complete) == (200, LINE + b"all\n", True)
        assert time.monotonic() - begin < 2
    check_left_nothing(gate, before)


def test_background_process_that_gets_away_with_the_pipes(gate_with):
    """An orphan in a session of its own is out of reach. The gate waits KILL_SECONDS for it, and keeps no descriptor."""
    gate, _ = gate_with(f"{HEAD_TEXT}; echo all; setsid sleep 600 & exit 0")
    before = descriptors_at_rest(gate)
    begin = time.monotonic()
    response = gate.ask("GET", INFO)
    assert (response.status, response.body, response.complete) == (200, LINE + b"all\n", True)
    assert time.monotonic() - begin < KILL_SECONDS + 2
    assert descriptors_at_rest(gate) == before
    for pid in gate.children():
        os.kill(pid, signal.SIGKILL)
    check_left_nothing(gate, before)
