# SPDX-License-Identifier: Apache-2.0
"""Tests the HTTP of git-gate(1) over both transports: framing, versions, and reused connections."""

import gzip

import pytest

from .checks import check_error
from .http import TOKEN, basic, chunks, head, request
from .packets import FETCH_TYPE, PROTOCOL_2, PUSH_TYPE, ls_refs, want
from .polling import wait_until
from .repos import git, refs
from .targets import FETCH, INFO, INFO_PUSH, PUSH

HEAD_FILE = "/repo.git/HEAD"
CHUNKED = "Transfer-Encoding: chunked"


@pytest.fixture(scope="module")
def gate(small_root, transport, start_module_gate):
    return start_module_gate(f"--mirror-root={small_root}", "--scope=repo", transport=transport)


@pytest.fixture(scope="module")
def tip(small_root):
    return refs(small_root / "repo.git")["refs/heads/main"]


def check_refs(response, tip):
    assert (response.status, response.complete) == (200, True)
    assert response.fields["content-type"] == "application/x-git-upload-pack-result"
    assert f"{tip} refs/heads/main\n".encode() in response.body


def check_head_file(response):
    assert (response.status, response.body, response.complete) == (200, b"ref: refs/heads/main\n", True)


@pytest.mark.parametrize("target, start", [
    (INFO, b"001e# service=git-upload-pack\n0000"), (INFO_PUSH, b"001f# service=git-receive-pack\n0000")])
def test_advertisement(gate, tip, target, start):
    """git's own fields come through, but not its Status. An intermediary must not keep the answer."""
    response = gate.ask("GET", target)
    service = target.split("=")[1]
    assert response.status == 200 and response.complete
    assert response.fields["content-type"] == f"application/x-{service}-advertisement"
    assert "no-cache" in response.fields["cache-control"]
    assert response.fields["transfer-encoding"] == "chunked"
    assert "status" not in response.fields
    assert response.body.startswith(start) and response.body.endswith(b"0000") and tip.encode() in response.body


def test_head_route(gate):
    response = gate.ask("GET", HEAD_FILE)
    check_head_file(response)
    assert response.fields["content-type"].startswith("text/plain")
    check_error(gate.ask("GET", HEAD_FILE, token=None), 401)
    check_error(gate.ask("GET", "/other.git/HEAD"), 403)


def test_version_2_advertisement_needs_its_field(gate):
    assert b"version 2" in gate.ask("GET", INFO, PROTOCOL_2).body
    assert b"version 2" in gate.ask("GET", INFO, "git-protocol: foo:version=2:bar=1").body
    assert b"version 2" not in gate.ask("GET", INFO).body


def test_requests_one_after_another(gate, tip):
    with gate.connect() as connection:
        for _ in range(3):
            connection.send(head("GET", HEAD_FILE))
            check_head_file(connection.response())
            connection.send(request("POST", FETCH, FETCH_TYPE, PROTOCOL_2, body=ls_refs()))
            check_refs(connection.response(), tip)
            connection.send(head("POST", FETCH, FETCH_TYPE, PROTOCOL_2, CHUNKED) + chunks(ls_refs(), 9))
            check_refs(connection.response(), tip)
            connection.send(head("GET", INFO, token=None))
            check_error(connection.response(), 401)


def test_pipelining(gate, tip):
    """Several requests in one write get as many answers, in their order."""
    ls = [FETCH_TYPE, PROTOCOL_2]
    data = [head("GET", HEAD_FILE), request("POST", FETCH, *ls, body=ls_refs()), head("GET", "/nothing"),
            head("POST", FETCH, *ls, CHUNKED) + chunks(ls_refs(), 7), head("GET", INFO, token="x" * 37),
            head("GET", HEAD_FILE, "Connection: close"), head("GET", HEAD_FILE)]
    with gate.connect() as connection:
        connection.send(b"".join(data))
        check_head_file(connection.response())
        check_refs(connection.response(), tip)
        check_error(connection.response(), 404)
        check_refs(connection.response(), tip)
        check_error(connection.response(), 401)
        last = connection.response()
        check_head_file(last)
        assert last.closes and connection.is_closed()


def test_many_pipelined_requests(gate):
    """More requests than the buffers hold: the gate stops reading while it answers, and loses none."""
    with gate.connect() as connection:
        connection.send(head("GET", "/nothing") * 400 + head("GET", HEAD_FILE))
        for _ in range(400):
            check_error(connection.response(), 404)
        check_head_file(connection.response())


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_chunked_request(gate, tip, size):
    with gate.connect() as connection:
        connection.send(head("POST", FETCH, FETCH_TYPE, PROTOCOL_2, CHUNKED) + chunks(ls_refs(), size))
        check_refs(connection.response(), tip)


def test_chunk_sizes_in_upper_case_and_with_zeros(gate, tip):
    body = ls_refs()
    data = b"000C\r\n%s\r\n01E\r\n%s\r\n%X\r\n%s\r\n000\r\n\r\n" % (body[:12], body[12:42], len(body) - 42, body[42:])
    with gate.connect() as connection:
        connection.send(head("POST", FETCH, FETCH_TYPE, PROTOCOL_2, "TRANSFER-ENCODING: Chunked") + data)
        check_refs(connection.response(), tip)


@pytest.mark.parametrize("coding", ["length", "chunked"])
def test_byte_by_byte(gate, tip, coding):
    """Reads end in every state of the parsers."""
    fields = [FETCH_TYPE, PROTOCOL_2]
    data = request("POST", FETCH, *fields, body=ls_refs())
    if coding == "chunked":
        data = head("POST", FETCH, *fields, CHUNKED) + chunks(ls_refs(), 6)
    with gate.connect() as connection:
        for i in range(len(data)):
            connection.send(data[i:i + 1])
        check_refs(connection.response(), tip)
        connection.send(head("GET", HEAD_FILE))
        check_head_file(connection.response())


@pytest.mark.parametrize("coding", ["length", "chunked"])
def test_expect_100_continue(gate, tip, coding):
    """The 100 comes before any of the body, and the answer follows."""
    length = CHUNKED if coding == "chunked" else f"Content-Length: {len(ls_refs())}"
    with gate.connect() as connection:
        connection.send(head("POST", FETCH, FETCH_TYPE, PROTOCOL_2, length, "Expect: 100-Continue"))
        assert connection.response().status == 100
        connection.send(chunks(ls_refs()) if coding == "chunked" else ls_refs())
        check_refs(connection.response(), tip)


def test_expect_is_ignored_where_it_means_nothing(gate, tip):
    """An expectation has no meaning without a body, or in HTTP/1.0 (RFC 9110, 10.1.1)."""
    with gate.connect() as connection:
        connection.send(head("GET", HEAD_FILE, "Expect: 100-continue"))
        check_head_file(connection.response())
        connection.send(request("POST", FETCH, FETCH_TYPE, PROTOCOL_2, "Expect: 100-continue", body=ls_refs(),
                                version="1.0"))
        check_refs(connection.response(), tip)


def test_compressed_fetch(gate, tip):
    body = gzip.compress(ls_refs())
    with gate.connect() as connection:
        connection.send(request("POST", FETCH, FETCH_TYPE, PROTOCOL_2, "Content-Encoding: gzip", body=body))
        check_refs(connection.response(), tip)
        fields = [FETCH_TYPE, PROTOCOL_2, "Content-Encoding: GZIP", CHUNKED]
        connection.send(head("POST", FETCH, *fields) + chunks(body, 3))
        check_refs(connection.response(), tip)


def test_fetch_with_version_0(gate, tip):
    response = gate.ask("POST", FETCH, FETCH_TYPE, body=want(tip))
    assert response.status == 200 and response.complete
    assert response.body.startswith(b"0008NAK\nPACK")


def test_probe_before_a_large_push(gate):
    """git probes before a chunked push: it sends one flush packet to learn whether it may push."""
    response = gate.ask("POST", PUSH, PUSH_TYPE, body=b"0000")
    assert (response.status, response.complete) == (200, True)


@pytest.mark.parametrize("fields", [[], ["Connection: keep-alive"], ["Connection: close"]])
def test_http_1_0(gate, tip, fields):
    """Without chunks, the end of the connection ends the body, whatever the client wishes."""
    with gate.connect() as connection:
        connection.send(head("GET", INFO, *fields, version="1.0", host=None))
        response = connection.response()
        assert response.status == 200 and "transfer-encoding" not in response.fields and response.closes
        assert tip.encode() in response.body and response.body.endswith(b"0000")
        assert connection.is_closed()
    with gate.connect() as connection:
        connection.send(request("POST", FETCH, FETCH_TYPE, PROTOCOL_2, *fields, body=ls_refs(), version="1.0"))
        check_refs(connection.response(), tip)
        assert connection.is_closed()


def test_connection_close_is_honoured(gate):
    with gate.connect() as connection:
        connection.send(head("GET", HEAD_FILE, "Connection: Close"))
        response = connection.response()
        check_head_file(response)
        assert response.closes and connection.is_closed()


def test_credentials_of_every_form(gate):
    for authorization in (basic().replace("Basic", "bAsIc"), basic(password="anything: at all"),
                          basic().replace("Basic ", "Basic   "), basic("x-access-token", TOKEN), basic("oauth2", TOKEN),
                          basic("", TOKEN), f"Authorization: Bearer {TOKEN}", f"Authorization: bearer   {TOKEN}"):
        check_head_file(gate.ask("GET", HEAD_FILE, authorization, token=None))


def test_names_of_fields_in_any_case_and_space_around_values(gate, tip):
    fields = ["CONTENT-TYPE: \t application/x-git-upload-pack-request \t", "GIT-PROTOCOL:version=2  "]
    with gate.connect() as connection:
        connection.send(request("POST", FETCH, *fields, body=ls_refs()))
        check_refs(connection.response(), tip)


@pytest.mark.parametrize("target", [f"http://gate.test{INFO}", "/repo%2Egit/HEAD", "/repo.git/%48EAD"])
def test_targets_are_matched_byte_by_byte(gate, target):
    """The absolute form and percent-encoding are not special. They make other targets, which do not exist."""
    check_error(gate.ask("GET", target), 404)


def test_upgrade_is_not_taken_up(gate):
    """libcurl asks for HTTP/2. The answer is HTTP/1.1, and the connection goes on."""
    with gate.connect() as connection:
        connection.send(head("GET", HEAD_FILE, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
                             "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA"))
        check_head_file(connection.response())
        connection.send(head("GET", HEAD_FILE))
        check_head_file(connection.response())


def test_repositories_with_all_letters_of_a_name(small_root, start_gate):
    """A scope may have every character of REPO, and even end like the suffix .git."""
    name = "A.z_0-9.git"
    git("clone", "--quiet", "--bare", small_root / "repo.git", small_root / f"{name}.git")
    gate = start_gate(f"--mirror-root={small_root}", f"--scope={name}")
    check_head_file(gate.ask("GET", f"/{name}.git/HEAD"))
    check_error(gate.ask("GET", "/A.z_0-9.git/HEAD"), 403)


def test_repository_that_does_not_exist_within_the_scope(small_root, start_gate):
    gate = start_gate(f"--mirror-root={small_root}", "--scope=*")
    for name in ("nowhere", "..", "."):
        response = gate.ask("GET", f"/{name}.git/info/refs?service=git-upload-pack")
        assert response.status in (403, 404) and response.complete
    check_head_file(gate.ask("GET", HEAD_FILE))
    check_head_file(gate.ask("GET", "/other.git/HEAD"))


def test_hundreds_of_silent_connections_do_not_stop_the_others(gate):
    silent = [gate.connect() for _ in range(150)]
    try:
        check_head_file(gate.ask("GET", HEAD_FILE))
    finally:
        for connection in silent:
            connection.close()
    wait_until("the gate serves as before", lambda: gate.ask("GET", HEAD_FILE).status == 200)
