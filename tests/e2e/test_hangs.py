# SPDX-License-Identifier: Apache-2.0
"""Hooks and programs that never return: the time-out that ends them, the client's answer and the record."""

import time

import pytest

from .backends import CGI_BACKEND
from .checks import check_error, create
from .http import request
from .packets import NO_OBJECT, PUSH_TYPE, push
from .polling import wait_until
from .repos import git, refs
from .targets import PUSH

HANGS = "while :; do sleep 0.05; done"
KEEP_ALIVE = ["--git-config=receive.keepAlive=1", "--git-config=uploadpack.keepAlive=1"]
SHOWN = "report-status side-band-64k"
BACKEND = "git stalled for longer than --backend-timeout allows; try again, or raise it"
REQUEST = "git and its hooks took longer than --request-timeout allows; try again, or raise it"


def options(root, *more):
    return [f"--mirror-root={root}", "--scope=repo", *KEEP_ALIVE, *more]


def banded(root):
    """A push during which receive-pack sends a keep-alive packet every second."""
    return push([(NO_OBJECT, refs(root / "repo.git")["refs/heads/main"], "refs/heads/new")], None, SHOWN)


@pytest.mark.parametrize("limits, reason", [
    (["--backend-timeout=3"], BACKEND),
    (["--request-timeout=2"], REQUEST),
    (["--request-timeout=2", "--backend-timeout=3"], REQUEST),
    (["--request-timeout=0", "--backend-timeout=3"], BACKEND)])
def test_hook_that_never_returns(root, start_gate, pre_receive, limits, reason):
    """The gate passes on git's keep-alive packets, and does not count them as progress."""
    gate = start_gate(*options(root, *limits), pre_receive(HANGS))
    begin = time.monotonic()
    with gate.connect() as connection:
        connection.send(request("POST", PUSH, PUSH_TYPE, body=banded(root)))
        response = connection.response()
        took = time.monotonic() - begin
    assert (response.status, response.complete) == (200, False)
    assert response.body.replace(b"0005\x01", b"") == b"" and len(response.body) >= 5
    assert took < 6
    record, = wait_until("the request's record", gate.request_records)
    assert record["reason"] == reason
    gate.wait_no_children(seconds=5)
    assert "refs/heads/new" not in refs(root / "repo.git")


def test_hook_that_says_something_goes_on(root, start_gate, pre_receive):
    """A hook's output is progress, so a hook that works for long can go on."""
    gate = start_gate(*options(root, "--backend-timeout=2"),
                      pre_receive("for i in 1 2 3 4; do echo still working; sleep 1; done"))
    response = gate.ask("POST", PUSH, PUSH_TYPE, body=banded(root))
    assert response.complete and b"still working" in response.body and b"ok refs/heads/new" in response.body


@pytest.mark.parametrize("prelude, backend", [
    (HANGS, []), (f"printf 'Content-Type: text/plain\\r\\n'; {HANGS}", [CGI_BACKEND])])
def test_request_that_hangs_before_its_head(root, gate_with, prelude, backend):
    gate, _ = gate_with(prelude, "--request-timeout=1", *backend)
    response = gate.ask("POST", PUSH, PUSH_TYPE, body=create(root))
    check_error(response, 504)
    assert response.body.decode().strip() == REQUEST


def test_client_that_sends_too_slowly(root, start_gate):
    """Each byte comes in time, but the whole does not."""
    gate = start_gate(*options(root, "--request-timeout=1"))
    body = create(root)
    with gate.connect() as connection:
        connection.send(request("POST", PUSH, PUSH_TYPE, body=body)[:-len(body)])
        for byte in body[:-1]:
            connection.send_as_taken(bytes([byte]))
            if gate.request_records():
                break
            time.sleep(0.05)  # the pace of the client, not a wait
        response = connection.response()
    check_error(response, 408)
    assert b"--request-timeout" in response.body


def test_fetch_that_is_silent_while_it_counts(root, start_gate, tmp_path):
    """Keep-alive packets of upload-pack, while git counts and packs, do count as progress."""
    slow = tmp_path / "slow"
    slow.write_text('#!/bin/sh\nsleep 4\nexec "$@"\n')
    slow.chmod(0o755)
    gate = start_gate(*options(root, "--backend-timeout=2", f"--git-config=uploadpack.packObjectsHook={slow}",
                              f"--allow-path={slow}"))
    git("clone", "--quiet", gate.url(), tmp_path / "work")
    assert (tmp_path / "work" / "dir0" / "file").exists()
