# SPDX-License-Identifier: Apache-2.0
"""Hooks that run after a push is done: they may finish, even when the client does not wait for them."""

import signal
import time

import pytest

from .backends import BACKENDS
from .checks import check_serves, create
from .host import check_left_nothing, descriptors_at_rest, reset
from .http import chunks, head, request
from .packets import NO_OBJECT, PUSH_TYPE, push
from .polling import wait_until
from .repos import refs
from .targets import INFO, PUSH

HANGUP_SECONDS = 3  # for a push that nobody waits for any more
LEFT = "the client left when git had reported on its push; the hooks go on"
SIDE_BAND = "report-status side-band-64k"

# The hook notes its events in files, and ends when a file tells it to.
HOOK = """#!/bin/sh
exec >/dev/null 2>&1
trap ': >"{scratch}/{name}-told"; exit 1' TERM
: >"{scratch}/{name}-begun"
while [ ! -e "{scratch}/{name}-go" ]; do sleep 0.05; done
: >"{scratch}/{name}-done"
"""


@pytest.fixture
def hooks(tmp_path):
    """The folder of hooks."""
    folder = tmp_path / "hooks"
    folder.mkdir()
    return folder


def add_hook(hooks, scratch, name):
    (hooks / name).write_text(HOOK.format(scratch=scratch, name=name))
    (hooks / name).chmod(0o755)


def start(start_gate, root, hooks, *options, **named):
    return start_gate(f"--mirror-root={root}", "--scope=repo", f"--hooks-path={hooks}", *options, **named)


def has(scratch, name):
    return (scratch / name).exists()


def send_push(connection, root, capabilities):
    old = refs(root / "repo.git")["refs/heads/main"]
    connection.send(request("POST", PUSH, PUSH_TYPE, body=push([(NO_OBJECT, old, "refs/heads/new")], None, capabilities)))


def records(gate, message):
    return [record for record in gate.records if record["message"] == message]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("capabilities", [SIDE_BAND, "report-status"])
@pytest.mark.parametrize("how", ["closes", "resets"])
def test_hook_finishes_without_the_client(root, start_gate, hooks, scratch, backend, capabilities, how):
    add_hook(hooks, scratch, "post-receive")
    gate = start(start_gate, root, hooks, f"--backend={backend}")
    check_serves(gate)
    before = descriptors_at_rest(gate)
    with gate.connect() as connection:
        send_push(connection, root, capabilities)
        wait_until("the hook", lambda: has(scratch, "post-receive-begun"))
        if how == "resets":
            reset(connection)
    left = time.monotonic()
    wait_until("the record", lambda: records(gate, LEFT))
    assert gate.ask("GET", INFO).status == 200
    wait_until("the time of a push that is not done", lambda: time.monotonic() - left > HANGUP_SECONDS + 0.5)
    assert not has(scratch, "post-receive-told")
    (scratch / "post-receive-go").touch()
    wait_until("the end of the hook", lambda: has(scratch, "post-receive-done"))
    gate.wait_no_children()
    assert "refs/heads/new" in refs(root / "repo.git")
    request_record, = (record for record in gate.request_records() if record.get("route") == "receive-pack")
    assert request_record["reason"] == "the client went away"
    assert records(gate, LEFT)[0]["id"] == request_record["id"]
    check_left_nothing(gate, before)


def test_client_that_left_before_the_push_was_done(root, start_gate, hooks, scratch):
    """Once the push is done, the hooks have all the time."""
    add_hook(hooks, scratch, "pre-receive")
    add_hook(hooks, scratch, "post-receive")
    gate = start(start_gate, root, hooks)
    with gate.connect() as connection:
        send_push(connection, root, SIDE_BAND)
        wait_until("the first hook", lambda: has(scratch, "pre-receive-begun"))
    left = time.monotonic()
    wait_until("the end of the request", gate.request_records)
    assert not records(gate, LEFT)
    (scratch / "pre-receive-go").touch()
    wait_until("the record", lambda: records(gate, LEFT))
    wait_until("the time of a push that is not done", lambda: time.monotonic() - left > HANGUP_SECONDS + 0.5)
    assert not has(scratch, "post-receive-told")
    (scratch / "post-receive-go").touch()
    wait_until("the end of the hook", lambda: has(scratch, "post-receive-done"))
    gate.wait_no_children()


@pytest.mark.parametrize("options, ends", [(["--request-timeout=2"], False), (["--drain-timeout=1"], True)],
                         ids=["request timeout", "stop"])
def test_hook_that_never_ends(root, start_gate, hooks, scratch, options, ends):
    """The gate ends it at --request-timeout or at the end of a drain."""
    add_hook(hooks, scratch, "post-receive")
    gate = start(start_gate, root, hooks, *options)
    with gate.connect() as connection:
        send_push(connection, root, SIDE_BAND)
        wait_until("the hook", lambda: has(scratch, "post-receive-begun"))
    wait_until("the record", lambda: records(gate, LEFT))
    if ends:
        gate.process.send_signal(signal.SIGTERM)
        assert gate.wait() == 0
    else:
        gate.wait_no_children()
    assert has(scratch, "post-receive-told")


def test_git_that_is_silent_gets_no_time(root, start_gate, hooks, scratch):
    """--backend-timeout still holds: silence is the hook's fault, not the client's."""
    add_hook(hooks, scratch, "post-receive")
    gate = start(start_gate, root, hooks, "--backend-timeout=1")
    with gate.connect() as connection:
        send_push(connection, root, SIDE_BAND)
        assert connection.response_head()[0] == 200
        gate.wait_no_children(1 + HANGUP_SECONDS + 2)
    assert has(scratch, "post-receive-told") and not records(gate, LEFT)


def test_push_that_is_cut_short_is_not_done(root, start_gate, hooks, scratch):
    add_hook(hooks, scratch, "post-receive")
    gate = start(start_gate, root, hooks)
    body = create(root)
    with gate.connect() as connection:
        connection.send(head("POST", PUSH, PUSH_TYPE, "Transfer-Encoding: chunked") + chunks(body, 10)[:-20])
    gate.wait_no_children()
    assert not records(gate, LEFT) and not has(scratch, "post-receive-begun")
    assert "refs/heads/new" not in refs(root / "repo.git")
