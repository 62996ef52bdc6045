# SPDX-License-Identifier: Apache-2.0
"""Requests that are refused before anything is started, as tables of cases: see test_refusals.py."""

import base64

from .http import TOKEN, basic, head, request
from .packets import FETCH_TYPE, PUSH_TYPE, ls_refs

INFO = "/repo.git/info/refs?service=git-upload-pack"
INFO_PUSH = "/repo.git/info/refs?service=git-receive-pack"
FETCH = "/repo.git/git-upload-pack"
PUSH = "/repo.git/git-receive-pack"


def raw(line, *fields):
    """A head from bytes as they are, with Host and a good token."""
    return b"\r\n".join([line, b"Host: gate.test", basic().encode(), *fields, b"", b""])


def credentials(value):
    return head("GET", INFO, f"Authorization: {value}", token=None)


def encoded(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


GET = f"GET {INFO} HTTP/1.1".encode()
POST = f"POST {FETCH} HTTP/1.1".encode()
TYPE = FETCH_TYPE.encode()
CHUNKED = b"Transfer-Encoding: chunked"

# What breaks HTTP: the connection closes behind the answer.
BROKEN = {
    "bare-lf": (400, GET + b"\nHost: gate.test\n" + basic().encode() + b"\n\n"),
    "bare-lf-behind-a-field": (400, GET + b"\r\nHost: gate.test\n" + basic().encode() + b"\r\n\r\n"),
    "bare-cr-in-a-value": (400, raw(GET, b"X-A: a\rb")),
    "nul-in-a-value": (400, raw(GET, b"X-A: a\0b")),
    "control-byte-in-a-value": (400, raw(GET, b"X-A: a\x01b")),
    "nul-in-a-name": (400, raw(GET, b"X-\0A: a")),
    "nul-in-the-target": (400, raw(b"GET /repo.git/HE\0AD HTTP/1.1")),
    "control-byte-in-the-target": (400, raw(b"GET /repo.git/HE\x1bAD HTTP/1.1")),
    "eight-bit-target": (400, raw(b"GET /r\xc3\xa9po.git/HEAD HTTP/1.1")),
    "tab-for-space": (400, raw(f"GET\t{INFO} HTTP/1.1".encode())),
    "two-spaces": (400, raw(f"GET  {INFO} HTTP/1.1".encode())),
    "two-spaces-before-the-version": (400, raw(f"GET {INFO}  HTTP/1.1".encode())),
    "space-behind-the-version": (400, raw(GET + b" ")),
    "line-feed-first": (400, b"\n" + head("GET", INFO)),
    "empty-line-first": (400, b"\r\n" + head("GET", INFO)),
    "folded-line": (400, raw(GET, b"X-A: a", b" b")),
    "space-before-the-colon": (400, raw(GET, b"X-A : a")),
    "space-before-the-first-field": (400, GET + b"\r\n Host: gate.test\r\n\r\n"),
    "no-colon": (400, raw(GET, b"X-A")),
    "empty-name": (400, raw(GET, b": a")),
    "bad-name": (400, raw(GET, b"X(A): a")),
    "no-host": (400, head("GET", INFO, host=None)),
    "two-hosts": (400, raw(GET, b"Host: gate.test")),
    "two-authorizations": (400, raw(GET, basic().encode())),
    "two-different-authorizations": (400, raw(GET, basic("x" * 37).encode())),
    "length-and-chunked": (400, raw(POST, TYPE, CHUNKED, b"Content-Length: 4") + b"4\r\n0000\r\n0\r\n\r\n"),
    "chunked-and-length": (400, raw(POST, TYPE, b"Content-Length: 4", CHUNKED) + b"4\r\n0000\r\n0\r\n\r\n"),
    "two-lengths": (400, raw(POST, TYPE, b"Content-Length: 4", b"Content-Length: 4") + b"0000"),
    "two-different-lengths": (400, raw(POST, TYPE, b"Content-Length: 4", b"Content-Length: 5") + b"0000"),
    "list-of-lengths": (400, raw(POST, TYPE, b"Content-Length: 4, 4") + b"0000"),
    "signed-length": (400, raw(POST, TYPE, b"Content-Length: +4") + b"0000"),
    "negative-length": (400, raw(POST, TYPE, b"Content-Length: -4") + b"0000"),
    "hexadecimal-length": (400, raw(POST, TYPE, b"Content-Length: 0x4") + b"0000"),
    "empty-length": (400, raw(POST, TYPE, b"Content-Length: ")),
    "length-beyond-64-bits": (400, raw(POST, TYPE, b"Content-Length: 18446744073709551620") + b"0000"),
    "chunked-on-1.0": (400, head("POST", FETCH, FETCH_TYPE, CHUNKED.decode(), version="1.0") + b"0\r\n\r\n"),
    "chunked-twice": (400, raw(POST, TYPE, CHUNKED, CHUNKED) + b"0\r\n\r\n"),
    "get-with-length": (400, raw(GET, b"Content-Length: 4") + b"0000"),
    "get-with-chunks": (400, raw(GET, CHUNKED) + b"0\r\n\r\n"),
    "tls": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64),
    "smtp": ((400, 501), b"EHLO gate.test\r\n\r\n"),
    "no-version": ((400, 505), b"GET /repo.git/HEAD\r\n\r\n"),
    "long-target": (414, head("GET", "/repo.git/" + "x" * 5000)),
    "long-target-cut": (414, b"GET /" + b"x" * 10_000),
    "long-field": (431, head("GET", INFO, "X-A: " + "x" * 17_000)),
    "long-field-cut": (431, GET + b"\r\nX-A: " + b"x" * 17_000),
    "long-head": (431, head("GET", INFO, *(f"X-{i}: " + "x" * 600 for i in range(30)))),
    "many-fields": (431, head("GET", INFO, *(f"X-{i}: a" for i in range(63)))),
    "unknown-method": (501, head("BREW", INFO)),
    "lower-case-method": (501, head("get", INFO)),
    "gzip-as-transfer-coding": (501, raw(POST, TYPE, b"Transfer-Encoding: gzip")),
    "gzip-then-chunked": (501, raw(POST, TYPE, b"Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n"),
    "identity": (501, raw(POST, TYPE, b"Transfer-Encoding: identity")),
    "version-1.2": (505, head("GET", INFO, version="1.2")),
    "version-2.0": (505, head("GET", INFO, version="2.0")),
    "version-0.9": (505, head("GET", INFO, version="0.9")),
    "http2-preface": (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
}

TARGETS_NOT_FOUND = [
    "/", "*", "/repo.git", "/repo.git/", "/repo/HEAD", "/.git/HEAD", "/repo.git/info", "/repo.git/info/refs/",
    "//repo.git/HEAD", "/repo.git//HEAD", "/./repo.git/HEAD", "/x/../repo.git/HEAD", "/x/repo.git/HEAD",
    "/repo.git/../repo.git/HEAD", "/repo.git/HEAD?x", "/repo.git/HEAD?", "/repo.git/head", "/REPO.GIT/HEAD",
    "/repo%2egit/HEAD", "/repo.git/%48EAD", "/repo.git/HEAD%00", "/repo.git/HEAD/", "/repo.git/HEAD;x",
    "/repo.git/config", "/repo.git/packed-refs", "/repo.git/objects/info/packs", "/repo.git/info/lfs",
    "/repo.git/git-upload-archive", "/repo.git/objects/00/" + "0" * 38, "/~root/repo.git/HEAD",
    f"http://gate.test{INFO}", f"http://gate.test:80{INFO}", f"https://gate.test{INFO}",
    "/repo.git/inf%6f/refs?service=git-upload-pack", f"{FETCH}?", f"{FETCH}?service=git-upload-pack",
]

TARGETS_OF_DUMB_PROTOCOL = [
    "/repo.git/info/refs", "/repo.git/info/refs?", "/repo.git/info/refs?service=",
    "/repo.git/info/refs?service=git-upload-archive", "/repo.git/info/refs?service=upload-pack", f"{INFO}&x=y",
    f"{INFO}&service=git-upload-pack", "/repo.git/info/refs?x=y&service=git-upload-pack", f"{INFO}#x",
    "/repo.git/info/refs?service=git%2dupload-pack", "/repo.git/info/refs?SERVICE=git-upload-pack",
]

CREDENTIALS_MALFORMED = [
    "", "Basic", "Basic ", "Bearer " + TOKEN, TOKEN, f"Digest username=\"{TOKEN}\"", "Basic " + TOKEN,
    "Basic" + encoded(TOKEN + ":"), "Basic " + encoded(TOKEN), "Basic " + encoded(TOKEN + ":") + "=",
    "Basic " + encoded(TOKEN + ":").rstrip("="), "Basic " + encoded(TOKEN + ":") + " x",
    "Basic " + encoded(b"\xff" * 8),
    "Basic " + encoded(TOKEN + ":")[:20] + " " + encoded(TOKEN + ":")[20:], "Basic " + encoded(TOKEN + ":") + ", x",
    "Basic " + encoded(TOKEN + ":\n"), "Basic dG9rZW46_-==", "Basic " + "A" * 8000,
    "Basic =" + encoded(TOKEN + ":"), "Basic\t" + encoded(TOKEN + ":"),
]

USERS_REFUSED = ["", "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), " " + TOKEN, TOKEN + " ", TOKEN + TOKEN, "x" * 37]

# (status, value of Allow or None, request): well-formed HTTP, so the connection stays when there was no body.
REFUSED = {
    **{f"404 {target[:50]}": (404, None, head("GET", target)) for target in TARGETS_NOT_FOUND},
    "404 OPTIONS *": (404, None, head("OPTIONS", "*")),
    "404 before the token": (404, None, head("GET", "/nothing", token=None)),
    **{f"403 {target}": (403, None, head("GET", target)) for target in TARGETS_OF_DUMB_PROTOCOL},
    **{f"405 {method} {target}": (405, allow, head(method, target)) for method, target, allow in [
        ("POST", INFO, "GET"), ("POST", INFO_PUSH, "GET"), ("GET", FETCH, "POST"), ("GET", PUSH, "POST"),
        ("POST", "/repo.git/HEAD", "GET"), ("PUT", INFO, "GET"), ("DELETE", PUSH, "POST"), ("OPTIONS", FETCH, "POST"),
        ("PROPFIND", INFO, "GET"), ("TRACE", "/repo.git/HEAD", "GET"), ("HEAD", INFO, "GET")]},
    "405 before the token": (405, "POST", head("GET", FETCH, token=None)),
    "401 nothing": (401, None, head("GET", INFO, token=None)),
    "401 before the scope": (401, None, head("GET", INFO.replace("repo", "other"), token=None)),
    "401 before the media type": (401, None, head("POST", FETCH, token=None)),
    **{f"401 {value[:50]}": (401, None, credentials(value)) for value in CREDENTIALS_MALFORMED},
    **{f"403 user {user!r}": (403, None, head("GET", INFO, token=user or None, *([] if user else [basic("")])))
       for user in USERS_REFUSED},
    "403 scope": (403, None, head("GET", INFO.replace("repo", "other"))),
    "403 scope is a prefix": (403, None, head("GET", INFO.replace("repo", "repo2"))),
    "403 scope with another case": (403, None, head("GET", INFO.replace("repo", "Repo"))),
    "403 scope ends twice": (403, None, head("GET", INFO.replace("repo", "repo.git"))),
    "403 scope points upwards": (403, None, head("GET", INFO.replace("repo", ".."))),
    "403 scope before the media type": (403, None, head("POST", FETCH.replace("repo", "other"))),
    "415 no type": (415, None, head("POST", FETCH)),
    "415 another type": (415, None, head("POST", FETCH, "Content-Type: text/plain")),
    "415 the type of the other service": (415, None, head("POST", FETCH, PUSH_TYPE)),
    "415 a result's type": (415, None, head("POST", PUSH, "Content-Type: application/x-git-receive-pack-result")),
    "415 coding deflate": (415, None, head("POST", FETCH, FETCH_TYPE, "Content-Encoding: deflate")),
    "415 coding twice": (415, None, head("POST", FETCH, FETCH_TYPE, "Content-Encoding: gzip, gzip")),
    "415 compressed push": (415, None, head("POST", PUSH, PUSH_TYPE, "Content-Encoding: gzip")),
    "415 before 417": (415, None, head("POST", FETCH, "Expect: x")),
    "417": (417, None, head("POST", FETCH, FETCH_TYPE, "Expect: 200-ok")),
    "417 before Git-Protocol": (417, None, head("GET", INFO, "Expect: x", "Git-Protocol: ???")),
    **{f"400 Git-Protocol {value[:20]!r}": (400, None, head("GET", INFO, f"Git-Protocol: {value}")) for value in [
        "version=2 ls", "version=2:", ":version=2", "version==2", "=2", "version=2;x", "version=$(id)", "a=b::c=d",
        "x" * 4000]},
}

# With a body of its own behind it.
REFUSED_WITH_BODY = {
    "404": (404, request("POST", "/repo.git/nothing", body=b"x" * 100)),
    "401": (401, request("POST", FETCH, FETCH_TYPE, body=ls_refs(), token=None)),
    "403": (403, request("POST", FETCH, FETCH_TYPE, body=ls_refs(), token="x" * 37)),
    "401 chunked": (401, head("POST", FETCH, FETCH_TYPE, CHUNKED.decode(), token=None) + b"4\r\n0000\r\n0\r\n\r\n"),
    "401 of 3 MiB": (401, request("POST", PUSH, PUSH_TYPE, body=b"x" * (3 << 20), token=None)),
    "415 of 3 MiB": (415, request("POST", PUSH, FETCH_TYPE, body=b"x" * (3 << 20))),
}
