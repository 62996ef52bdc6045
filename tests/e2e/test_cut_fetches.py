# SPDX-License-Identifier: Apache-2.0
"""
Bodies of fetches that are whole as HTTP, but end before git's client would end them: 400, without a process.

upload-pack would die of such a body after the head of its answer.
"""

import gzip

import pytest

from .backends import BACKENDS
from .http import chunks, head
from .packets import AHEAD_BYTES, DELIMITER, FETCH_TYPE, FLUSH, PROTOCOL_2, packet
from .repos import bare, commit, git, history, out

TARGET = "/repo.git/git-upload-pack"


@pytest.fixture(params=BACKENDS)
def gate(request, tmp_path, start_gate):
    repo = bare(tmp_path / "mirrors" / "repo.git")
    gate = start_gate(f"--mirror-root={repo.parent}", "--scope=repo", f"--backend={request.param}")
    gate.tip = history(repo, 3)[0]
    return gate


def body_of_version_0(tip, n_haves=0):
    haves = packet(f"have {'1' * 40}\n") * n_haves
    return packet(f"want {tip} ofs-delta\n") + FLUSH + haves, packet("done\n")


def body_of_version_2(tip):
    return packet("command=fetch") + DELIMITER + packet(f"want {tip}\n") + packet("done\n"), FLUSH


def ask(gate, body, *fields):
    return gate.ask("POST", TARGET, FETCH_TYPE, *fields, body=body)


def refuses(answer):
    return (answer.status, answer.reason) == (400, "bad-body") and answer.body.count(b"\n") == 1


def test_cut_anywhere(gate):
    """A body of version 0 may also end after its first flush packet, and nowhere else."""
    for (front, end), fields, may_end in ((body_of_version_0(gate.tip), (), True),
                                          (body_of_version_2(gate.tip), (PROTOCOL_2,), False)):
        whole = front + end
        for size in range(1, len(whole)):
            if may_end and size == len(front):
                continue
            assert refuses(ask(gate, whole[:size], *fields)), whole[:size]
        answer = ask(gate, whole, *fields)
        assert answer.status == 200 and answer.complete and b"PACK" in answer.body


def test_cut_in_every_framing(gate):
    front, end = body_of_version_0(gate.tip)
    for body, is_whole in ((front + end[:-1], False), (front + end, True)):
        answers = [ask(gate, gzip.compress(body), "Content-Encoding: gzip")]
        with gate.connect() as connection:
            connection.send(head("POST", TARGET, FETCH_TYPE, "Transfer-Encoding: chunked") + chunks(body, 7))
            answers.append(connection.response())
        for answer in answers:
            assert answer.status == 200 if is_whole else refuses(answer)


def test_cut_where_it_is_collected(gate):
    """A body that is longer than the gate looks ahead."""
    front, end = body_of_version_0(gate.tip, AHEAD_BYTES // 50 + 200)
    for body, is_whole in ((front, False), (front + end[:-1], False), (front + end, True)):
        answer = ask(gate, body)
        assert answer.status == 200 if is_whole else refuses(answer)
    gate.wait_no_children()


@pytest.mark.parametrize("body", [b"hello", b"0003", b"fff5" + b"x" * 0xfff1, b"0000-001", b"PACK"])
def test_no_packets(gate, body):
    assert refuses(ask(gate, body))


@pytest.mark.parametrize("version", [0, 1, 2])
def test_real_clients(gate, tmp_path, version):
    """Clones of each kind, long negotiations, and what a client asks for piece by piece."""
    def run(*arguments, cwd=None):
        return git("-c", f"protocol.version={version}", *arguments, cwd=cwd)

    run("clone", "--quiet", gate.url(), tmp_path / "work")
    run("clone", "--quiet", "--depth=1", gate.url(), tmp_path / "shallow")
    run("fetch", "--quiet", "--deepen=1", cwd=tmp_path / "shallow")
    run("fetch", "--quiet", "--unshallow", cwd=tmp_path / "shallow")
    run("clone", "--quiet", "--bare", "--filter=blob:none", gate.url(), tmp_path / "partial")
    for i in range(300):  # of which the server has none, so that the client goes on asking
        git("commit", "--quiet", "--allow-empty", "-m", str(i), cwd=tmp_path / "work")
    commit(tmp_path / "shallow", "file", "of another client")
    run("push", "--quiet", gate.url(), "HEAD:refs/heads/other", cwd=tmp_path / "shallow")
    run("fetch", "--quiet", cwd=tmp_path / "work")
    assert out("rev-parse", "origin/other", cwd=tmp_path / "work") == out("rev-parse", "HEAD", cwd=tmp_path / "shallow")
    run("ls-remote", gate.url())
    assert not [record for record in gate.records if record.get("status") == "400"]
