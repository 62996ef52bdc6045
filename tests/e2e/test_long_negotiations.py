# SPDX-License-Identifier: Apache-2.0
"""Fetches whose negotiation is larger than all buffers, or than its limit, with each --backend."""

import gzip

import pytest

from .backends import BACKENDS
from .http import chunks, head, request
from .packets import FETCH_TYPE, FLUSH, command, packet
from .polling import wait_until
from .repos import bare, history

HAVES = 100_000
NEGOTIATION_SECONDS = 120


@pytest.fixture(scope="module")
def long_mirror(tmp_path_factory):
    """A mirror, and the ids of its commits. They are so many that upload-pack's answer, a line for each, is long."""
    root = tmp_path_factory.mktemp("long")
    ids = history(bare(root / "repo.git"), 2000)
    return root, ids


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("version", [0, 2])
@pytest.mark.parametrize("backend", BACKENDS)
def test_client_that_reads_only_when_it_has_sent_everything(long_mirror, start_gate, backend, version, compressed):
    """
    upload-pack answers while it reads. A gate that waits for the client to read would wait for ever.

    The test uses a Unix socket, whose buffers are small. Those of TCP can hold the whole answer.
    """
    root, ids = long_mirror
    haves = [f"have {ids[i % (len(ids) - 1)]}" for i in range(HAVES)]
    if version == 2:
        body = command("fetch", f"want {ids[-1]}", *haves)
    else:
        lines = [f"want {ids[-1]} multi_ack_detailed side-band-64k", *haves]
        body = packet(lines[0] + "\n") + FLUSH + b"".join(packet(line + "\n") for line in lines[1:]) + FLUSH
    fields = [f"Git-Protocol: version={version}", FETCH_TYPE]
    if compressed:
        body, fields = gzip.compress(body, 1, mtime=0), [*fields, "Content-Encoding: gzip"]
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", f"--backend={backend}", transport="unix")
    with gate.connect() as connection:
        connection.seconds = NEGOTIATION_SECONDS
        connection.send(request("POST", "/repo.git/git-upload-pack", *fields, body=body))
        response = connection.response()
    assert (response.status, response.complete) == (200, True)
    assert response.body.count(b"ACK ") >= len(ids) - 1
    gate.wait_no_children()


@pytest.mark.parametrize("backend", BACKENDS)
def test_negotiation_that_is_too_large(long_mirror, start_gate, backend):
    """The length is not announced, so the gate finds out on the way."""
    root, ids = long_mirror
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", f"--backend={backend}", "--max-negotiation-bytes=1M")
    body = packet(f"want {ids[-1]}\n") + FLUSH + packet(f"have {ids[0]}\n") * 40_000
    with gate.connect() as connection:
        connection.send_as_taken(head("POST", "/repo.git/git-upload-pack", FETCH_TYPE, "Transfer-Encoding: chunked") +
                                 chunks(body))
        response = connection.response()
    assert response.status == 413
    gate.wait_no_children()


def test_fetch_starts_nothing_before_all_of_it_has_come(long_mirror, start_gate):
    """A process that waits for a slow client would take a place from others, and the client may even go away."""
    root, ids = long_mirror
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", "--backend=services", "--stall-timeout=2")
    body = packet(f"want {ids[-1]}\n") + FLUSH + packet(f"have {ids[0]}\n") * 40_000 + packet("done\n")
    whole = request("POST", "/repo.git/git-upload-pack", FETCH_TYPE, body=body)
    for end in ("gone", "stalls"):
        with gate.connect() as connection:
            connection.send(whole[:-100])
            wait_until("most has been read", lambda: gate.memory_files())
            assert gate.children() == []
            if end == "stalls":
                assert connection.response().status == 408
        wait_until("nothing is kept of it", lambda: not gate.memory_files())
    assert gate.ask("POST", "/repo.git/git-upload-pack", FETCH_TYPE, body=body).status == 200
    wait_until("nothing is kept of it", lambda: not gate.memory_files())
