# SPDX-License-Identifier: Apache-2.0
"""
Gate-Reason: each word of the table comes in the response to its fault, and git cannot forge one.

test_refusals.py checks the words for the files of tests/data/http, and check_error() checks the word of each error.
"""

import os
import re
import shutil
from pathlib import Path

import pytest

from .backends import CGI_BACKEND, HEAD_TEXT
from .checks import check_error, create
from .confinement import landlock_abi
from .gate import WITHOUT_LEAKS, unless_given
from .http import head
from .packets import FETCH_TYPE, PUSH_TYPE, unfinished
from .polling import wait_until
from .reasons import REASONS
from .repos import git
from .targets import FETCH, INFO, INFO_PUSH, PUSH

SOURCE = Path(__file__).resolve().parents[2] / "src" / "http" / "reason.c"
HANGS = "sleep 600"
ONE_PLACE = ("--max-backends=1", "--queue-timeout=1", "--drain-timeout=3")


class Site:
    """A root with repo.git, and the fixtures that start gates for it, for use by drivers."""

    def __init__(self, root, start_gate, gate_with, pre_receive):
        self.root, self.start_gate, self.gate_with, self.pre_receive = root, start_gate, gate_with, pre_receive
        self.repo = root / "repo.git"

    def gate(self, *options, **named):
        return self.start_gate(f"--mirror-root={self.root}", *unless_given(["--scope=repo"], options), *options, **named)

    def push(self, gate):
        return gate.ask("POST", PUSH, PUSH_TYPE, body=create(self.root))


def asks(*arguments, options=(), **named):
    """A driver: one request to a gate."""
    return lambda site: site.gate(*options).ask(*arguments, **named)


def git_says(prelude, *options, method="GET", target=INFO):
    """A driver: one request, with a git that runs this prelude."""
    return lambda site: site.gate_with(prelude, *options)[0].ask(method, target)


def answered(gate, data):
    with gate.connect() as connection:
        connection.send_as_taken(data)
        return connection.response()


def sends(data, *options):
    """A driver: bytes, and no end of the connection."""
    return lambda site: answered(site.gate(*options), data)


def reports(status):
    return git_says(f"printf 'Status: {status} x\\r\\nContent-Type: text/plain\\r\\n\\r\\n'; exit 0", CGI_BACKEND)


def replaced(site):
    if not landlock_abi():
        pytest.skip("needs Landlock")
    # A confined process cannot be looked into, and LeakSanitizer would.
    gate = site.gate("--confine=auto", variables=WITHOUT_LEAKS)
    site.repo.rename(site.root / "aside.git")
    shutil.copytree(site.root / "aside.git", site.repo)
    return gate.ask("GET", INFO)


def not_started(site):
    gate, exec_path = site.gate_with("")
    os.rename(exec_path.program, f"{exec_path.program}.away")
    return gate.ask("GET", INFO)


def lost_hook(site):
    hooks = site.pre_receive("exit 0")
    gate = site.gate(hooks)
    (Path(hooks.partition("=")[2]) / "pre-receive").chmod(0o644)
    return site.push(gate)


def unsafe(site):
    gate = site.gate()
    git("config", "include.path", "/etc/passwd", cwd=site.repo)
    return gate.ask("GET", INFO)


def unreadable(site):
    (site.repo / "HEAD").write_text("nonsense\n")
    return site.gate().ask("GET", INFO)


def busy(site):
    gate, exec_path = site.gate_with("", *ONE_PLACE)
    with gate.connect() as holder:
        holder.send(head("POST", PUSH, PUSH_TYPE, "Content-Length: 100000") + unfinished())
        wait_until("git has started", lambda: exec_path.runs)
        return gate.ask("GET", INFO)


def stopping(site):
    gate, exec_path = site.gate_with("", *ONE_PLACE)
    with gate.connect() as holder, gate.connect() as late:
        holder.send(head("POST", PUSH, PUSH_TYPE, "Content-Length: 100000") + unfinished())
        wait_until("git has started", lambda: exec_path.runs)
        late.send(head("GET", INFO)[:-2])  # a request that has begun
        wait_until("the gate has read it", lambda: not pending(gate, late))
        gate.signal()
        return late.response()


def pending(gate, connection):
    """Bytes on their way from this client, by /proc/net/tcp."""
    port = connection.socket.getsockname()[1]
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(int(row[2].partition(":")[2], 16) == port and int(row[4].partition(":")[2], 16) for row in rows)


DRIVERS = {
    "bad-request": sends(b"GET  / HTTP/1.1\r\n\r\n"),
    "bad-protocol": asks("GET", INFO, "Git-Protocol: ="),
    "bad-body": asks("POST", FETCH, FETCH_TYPE, "Content-Encoding: gzip", body=b"no gzip"),
    "no-credentials": asks("GET", INFO, token=None),
    "wrong-token": asks("GET", INFO, token="x" * 37),
    "wrong-repository": asks("GET", INFO.replace("repo", "other")),
    "read-only": asks("GET", INFO_PUSH, options=["--read-only"]),
    "dumb-protocol": asks("GET", "/repo.git/info/refs"),
    "git-refuses": asks("GET", INFO_PUSH, options=["--git-config=http.receivepack=false"]),
    "not-found": asks("GET", "/nothing"),
    "no-lfs": asks("POST", "/repo.git/info/lfs/objects/batch", "Content-Type: application/vnd.git-lfs+json", body=b"{}"),
    "no-archive": asks("POST", "/repo.git/git-upload-archive", "Content-Type: application/x-git-upload-archive-request",
                       body=b"0000"),
    "no-repository": asks("GET", INFO.replace("repo", "nowhere"), options=["--scope=*"]),
    "unreadable-repository": unreadable,
    "replaced-repository": replaced,
    "wrong-method": asks("POST", INFO),
    "client-timeout": sends(b"GET / HTTP/1.1\r\n", "--header-timeout=1"),
    "too-large": asks("POST", PUSH, PUSH_TYPE, body=b"0000" * 10, options=["--max-push-bytes=10"]),
    "target-too-long": asks("GET", "/" + "x" * 5000),
    "wrong-type": asks("POST", PUSH, FETCH_TYPE, body=b"0000"),
    "wrong-coding": asks("POST", PUSH, PUSH_TYPE, "Content-Encoding: br", body=b"0000"),
    "wrong-expectation": asks("POST", PUSH, PUSH_TYPE, "Expect: x", body=b"0000"),
    "head-too-large": asks("GET", INFO, *(f"X-{i}: x" for i in range(70))),
    "gate-failed": not_started,
    "lost-hook": lost_hook,
    "unsafe-repository": unsafe,
    "git-failed": git_says(f"{HEAD_TEXT}; exit 1"),
    "not-implemented": asks("BREW", INFO),
    "bad-answer": git_says("kill -9 $$"),
    "busy": busy,
    "stopping": stopping,
    "git-timeout": git_says(HANGS, "--backend-timeout=1"),
    "wrong-version": asks("GET", INFO, version="3.0"),
}

# Other ways to get some of the words.
MORE = [
    ("bad-body", sends(head("POST", FETCH, FETCH_TYPE, "Transfer-Encoding: chunked") + b"x\r\n")),
    ("client-timeout", sends(head("POST", PUSH, PUSH_TYPE, "Content-Length: 100000"), "--stall-timeout=1")),
    ("client-timeout", sends(head("POST", PUSH, PUSH_TYPE, "Content-Length: 100000"), "--request-timeout=1")),
    ("too-large", asks("POST", FETCH, FETCH_TYPE, body=b"0000" * 10, options=["--max-negotiation-bytes=10"])),
    ("too-large", sends(head("POST", PUSH, PUSH_TYPE, "Transfer-Encoding: chunked") + b"c\r\n000000000000\r\n0\r\n\r\n",
                        "--max-push-bytes=10")),
    ("git-timeout", git_says(HANGS, "--request-timeout=1")),
    ("git-timeout", git_says(f"{HEAD_TEXT}; exec >&- 2>&-; {HANGS}", "--backend-timeout=1")),
    ("not-implemented", asks("POST", PUSH, PUSH_TYPE, "Transfer-Encoding: gzip")),
    ("git-refuses", reports(403)),
    ("unreadable-repository", reports(404)),
    ("wrong-type", reports(415)),
    ("git-failed", reports(500)),
    ("bad-answer", reports(418)),
    ("bad-answer", git_says("exit 0", CGI_BACKEND)),
]


@pytest.fixture
def site(root, start_gate, gate_with, pre_receive):
    return Site(root, start_gate, gate_with, pre_receive)


def test_manual_source_and_tests_know_the_same_words():
    """A new reason needs its remedy in the manual, and a driver here."""
    source = dict(re.findall(r'= \{"([^"]+)", (\d+)\}', SOURCE.read_text()))
    assert {word: int(status) for word, status in source.items()} == REASONS
    assert DRIVERS.keys() == REASONS.keys()
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", word) for word in REASONS)


@pytest.mark.parametrize("word", DRIVERS)
def test_each_word(site, word):
    response = DRIVERS[word](site)
    check_error(response, REASONS[word])
    assert response.reason == word


@pytest.mark.parametrize("word, drive", MORE, ids=[f"{word}-{i}" for i, (word, _) in enumerate(MORE)])
def test_further_ways(site, word, drive):
    response = drive(site)
    check_error(response, REASONS[word])
    assert response.reason == word


# Words in git's own answers.

FORGED = "printf 'Gate-Reason: wrong-token\\r\\ngate-reason: busy\\r\\nContent-Type: text/plain\\r\\n{}\\r\\n'; {}"


@pytest.mark.parametrize("method, target, fields", [("GET", INFO, []), ("GET", "/repo.git/HEAD", []),
                                                    ("POST", FETCH, [FETCH_TYPE])])
def test_git_cannot_forge_a_word(site, method, target, fields):
    """The gate drops the field from git's head. git's answers have none."""
    gate, _ = site.gate_with(FORGED.format("", "echo text; exit 0"), CGI_BACKEND)
    response = gate.ask(method, target, *fields, body=b"0000" if fields else b"")
    assert (response.status, response.body, response.complete) == (200, b"text\n", True)
    assert response.reason is None


def test_git_cannot_choose_the_word_of_its_failure(site):
    gate, _ = site.gate_with(FORGED.format("Status: 403 Forbidden\\r\\n", "exit 0"), CGI_BACKEND)
    response = gate.ask("GET", INFO)
    check_error(response, 403)
    assert response.reason == "git-refuses"


def test_an_answer_from_memory_has_none(site):
    gate = site.gate()
    protocol = "Git-Protocol: version=2"

    def is_kept():
        assert gate.ask("GET", INFO, protocol).reason is None
        return any(record.get("cached") == "yes" for record in gate.request_records())
    wait_until("an answer comes from memory", is_kept)


def test_the_word_is_in_the_answer_to_head_too(site):
    response = site.gate().ask("HEAD", "/repo.git/HEAD")
    check_error(response, 405, sends_body=False)
    assert response.reason == "wrong-method"
