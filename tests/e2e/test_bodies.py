# SPDX-License-Identifier: Apache-2.0
"""
Bodies over their limits, and broken bodies.

git runs already: after each fault the client must get an answer, git must end, and no ref may change.
"""

import gzip
import os

import pytest

from .checks import check_ends_with, check_error, check_serves, create
from .http import chunks, head, request
from .packets import FETCH_TYPE, NO_OBJECT, PROTOCOL_2, PUSH_TYPE, large_pack, ls_refs, push
from .repos import bare, history, refs
from .targets import FETCH, PUSH

CHUNKED = "Transfer-Encoding: chunked"
GZIP = "Content-Encoding: gzip"


@pytest.fixture(scope="module")
def gate(small_root, start_module_gate):
    return start_module_gate(f"--mirror-root={small_root}", "--scope=repo")


def test_push_over_its_limit_by_its_length(small_root, start_gate):
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", "--max-push-bytes=1000")
    check_ends_with(gate, request("POST", PUSH, PUSH_TYPE, body=create(small_root) + b"x" * 1000), 413)
    assert "refs/heads/new" not in refs(small_root / "repo.git")
    check_serves(gate)


@pytest.mark.parametrize("excess, status", [(0, 200), (1, 413)])
def test_push_at_the_edge_of_its_limit(tmp_path, start_gate, excess, status):
    mirror = bare(tmp_path / "repo.git")
    body = push([(NO_OBJECT, history(mirror, 1)[0], "refs/heads/new")])
    gate = start_gate(f"--mirror-root={tmp_path}", "--scope=repo", f"--max-push-bytes={len(body) - excess}")
    assert gate.ask("POST", PUSH, PUSH_TYPE, body=body).status == status
    assert ("refs/heads/new" in refs(mirror)) == (status == 200)


def test_chunked_push_over_its_limit(small_root, start_gate):
    """The gate knows the length only at the end."""
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", "--max-push-bytes=100000")
    body = create(small_root, pack=large_pack(4 << 20))
    check_ends_with(gate, head("POST", PUSH, PUSH_TYPE, CHUNKED) + chunks(body, 5000), 413)
    assert "refs/heads/new" not in refs(small_root / "repo.git")
    check_serves(gate)


@pytest.mark.parametrize("coding", ["length", "chunked", "gzip"])
def test_negotiation_over_its_limit(small_root, start_gate, coding):
    gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", "--max-negotiation-bytes=5000")
    body = b"0032have " + b"0" * 40 + b"\n"
    fields, body = [FETCH_TYPE], body * 200
    if coding == "gzip":
        body = gzip.compress(body)
        assert len(body) < 5000
        data = request("POST", FETCH, *fields, GZIP, body=body)
    elif coding == "chunked":
        data = head("POST", FETCH, *fields, CHUNKED) + chunks(body, 100)
    else:
        data = request("POST", FETCH, *fields, body=body)
    check_ends_with(gate, data, 413)
    check_serves(gate)


def test_gzip_bomb(gate):
    """64 MiB compressed to less than one, against the default limit of 32."""
    bomb = gzip.compress(b"0" * (64 << 20), compresslevel=1)
    assert len(bomb) < 1 << 20
    check_ends_with(gate, request("POST", FETCH, FETCH_TYPE, GZIP, body=bomb), 413)
    check_serves(gate)


@pytest.mark.parametrize("damage", ["not-gzip", "cut", "checksum", "trailing", "empty", "middle"])
def test_corrupt_gzip(gate, damage):
    good = gzip.compress(ls_refs() + os.urandom(3000).hex().encode())
    body = {
        "not-gzip": b"0014command=ls-refs\n0000", "cut": good[:-20], "checksum": good[:-8] + b"\0" * 8,
        "trailing": good + b"x", "empty": gzip.compress(b"")[:-1], "middle": good[:500] + b"\xff" * 50 + good[550:],
    }[damage]
    check_ends_with(gate, request("POST", FETCH, FETCH_TYPE, GZIP, PROTOCOL_2, body=body), 400)
    check_serves(gate)


def large_push(root):
    """A push of a megabyte that git would take, and one ref that it creates."""
    return create(root, "refs/heads/gzipped", large_pack(1 << 20))


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_compressed_push(small_root, start_gate, framing):
    """JGit compresses what is smaller than a mebibyte."""
    mirror = bare(small_root / f"{framing}.git")
    tip = history(mirror, 1)[0]
    gate = start_gate(f"--mirror-root={small_root}", f"--scope={framing}")
    body = gzip.compress(push([(NO_OBJECT, tip, "refs/heads/gzipped")], large_pack(1 << 20)))
    target = f"/{framing}.git/git-receive-pack"
    if framing == "length":
        data = request("POST", target, PUSH_TYPE, GZIP, body=body)
    else:
        data = head("POST", target, PUSH_TYPE, GZIP, CHUNKED) + chunks(body, 1000)
    with gate.connect() as connection:
        connection.send(data)
        response = connection.response()
    assert (response.status, response.complete) == (200, True) and b"ok refs/heads/gzipped" in response.body
    assert refs(mirror)["refs/heads/gzipped"] == tip
    gate.wait_no_children()


@pytest.mark.parametrize("excess, status", [(0, 200), (1, 413)])
def test_compressed_push_at_the_edge_of_its_limit(tmp_path, start_gate, excess, status):
    """The limit counts the inflated bytes."""
    mirror = bare(tmp_path / "repo.git")
    body = push([(NO_OBJECT, history(mirror, 1)[0], "refs/heads/new")], large_pack(1 << 20))
    gate = start_gate(f"--mirror-root={tmp_path}", "--scope=repo", f"--max-push-bytes={len(body) - excess}")
    with gate.connect() as connection:
        connection.send_as_taken(request("POST", PUSH, PUSH_TYPE, GZIP, body=gzip.compress(body)))
        assert connection.response().status == status
    assert ("refs/heads/new" in refs(mirror)) == (status == 200)
    gate.wait_no_children()


@pytest.mark.parametrize("damage", ["cut", "checksum", "trailing", "framing"])
def test_damage_at_the_end_of_a_compressed_push(gate, small_root, damage):
    """git has almost all of the push by then, and must not take it for the whole."""
    body = gzip.compress(large_push(small_root), compresslevel=0)
    body = {"cut": body[:-9], "checksum": body[:-8] + b"\0" * 8, "trailing": body + b"x", "framing": body}[damage]
    data = head("POST", PUSH, PUSH_TYPE, GZIP, CHUNKED) + chunks(body, 1 << 16, end=damage != "framing")
    check_ends_with(gate, data + (b"zz\r\n" if damage == "framing" else b""), 400)
    assert "refs/heads/gzipped" not in refs(small_root / "repo.git")
    check_serves(gate)


@pytest.mark.parametrize("framing", [
    b"x\r\n0000\r\n0\r\n\r\n", b"0x4\r\n0000\r\n0\r\n\r\n", b"-4\r\n0000\r\n0\r\n\r\n", b"4\n0000\n0\n\n",
    b"4\r\n00000\r\n0\r\n\r\n", b"4\r\n0000\r\n\r\n", b" 4\r\n0000\r\n0\r\n\r\n", b"4 \r\n0000\r\n0\r\n\r\n",
    b"4;a=b\r\n0000\r\n0\r\n\r\n", b"4\r\n0000\r\n0\r\nX-A: a\r\n\r\n", b"fffffffffffffffff\r\n0000", b"\r\n4\r\n0000",
    b"4\r\n0000\r\n0;x\r\n\r\n", b"4\r\n0000\r\n0\r\nx",
])
@pytest.mark.parametrize("before", [b"", b"14\r\n0014command=ls-refs\n\r\n"])
def test_malformed_chunks(gate, framing, before):
    """The first chunk is malformed, or one after a good chunk. The connection closes, as the rest has no meaning."""
    with gate.connect() as connection:
        connection.send_as_taken(head("POST", FETCH, FETCH_TYPE, CHUNKED, PROTOCOL_2) + before + framing)
        response = connection.response()
        check_error(response, 400)
        assert response.closes and connection.is_closed()
    gate.wait_no_children()


def test_malformed_chunk_behind_much_of_a_push(gate, small_root):
    body = create(small_root, pack=large_pack(1 << 20))[:200_000]
    check_ends_with(gate, head("POST", PUSH, PUSH_TYPE, CHUNKED) + chunks(body, 1000, end=False) + b"zz\r\n", 400)
    assert "refs/heads/new" not in refs(small_root / "repo.git")
    check_serves(gate)
