# SPDX-License-Identifier: Apache-2.0
"""git_gate.GateServer.moves(): a program learns of pushes."""

import asyncio
import importlib
import json
import os

import pytest

from .http import TOKEN, Connection, request
from .packets import FLUSH, NO_OBJECT, PUSH_TYPE, empty_pack, packet
from .python_package import Url, load, needs_library, place
from .repos import commit, git, refs
from .targets import PUSH
from .test_python import become, make, where  # noqa: F401  # fixtures

pytestmark = needs_library
git_gate = load()

MAIN = "refs/heads/main"
TCP = {"host": "127.0.0.1", "port": 0}
LISTED_MAX = 256
SOON = 15


def tip(root):
    return refs(root / "repo.git")[MAIN]


def send(gate, *commands):
    """Push references that exist already, as a client does that cares for no answer."""
    with Connection(place(gate.address)) as client:
        lines = [packet(os.fsencode(" ".join(command)) + (b"" if i else b"\0 report-status"))
                 for i, command in enumerate(commands)]
        client.send(request("POST", PUSH, PUSH_TYPE, body=b"".join(lines) + FLUSH + empty_pack()))
        return client.response().status


def push_new(gate, clone):
    """Push by git's own client, through a bridge if necessary."""
    with Url(gate.address, TOKEN) as url:
        git("clone", "--quiet", url, clone)
        commit(clone, "new", "content")
        git("push", "--quiet", "origin", "HEAD:refs/heads/new", cwd=clone)


async def next_of(moves):
    return await asyncio.wait_for(moves.__anext__(), SOON)


def pipes():
    """The pipes' ends that this process has open."""
    links = [os.path.join("/proc/self/fd", number) for number in os.listdir("/proc/self/fd")]
    return sorted(os.readlink(link) for link in links if os.path.exists(link) and "pipe:" in os.readlink(link))


def shown(move):
    return move.ref, move.kind, move.result


def test_a_loop_over_moves(make, where, root, tmp_path):  # noqa: F811
    """The pushes are those of git's own client. The loop ends when the gate stops."""
    async def use():
        seen = []

        async def watch(gate):
            async for move in gate.moves():
                seen.append(move)

        async with make(**where) as gate:
            watching = asyncio.create_task(watch(gate))
            await asyncio.to_thread(push_new, gate, tmp_path / "clone")
            await become("the move", lambda: seen)
        await asyncio.wait_for(watching, SOON)
        return seen
    move, = asyncio.run(use())
    assert (move.repository, move.ref, move.kind, move.result) == ("repo", "refs/heads/new", "create", "ok")
    assert (move.old, move.new) == (NO_OBJECT, refs(root / "repo.git")["refs/heads/new"])
    assert (move.reason, move.missed) == ("", 0) and move.request > 0


def test_names_are_those_of_the_repository(make, root):  # noqa: F811
    """Names may be invalid UTF-8. A program can pass them to git unchanged."""
    names = ["refs/heads/b\u00e4r", os.fsdecode(b"refs/heads/b\xe4r")]

    async def use():
        async with make(**TCP) as gate:
            for name in names:
                await asyncio.to_thread(send, gate, (NO_OBJECT, tip(root), name))
            return [(await next_of(gate.moves())).ref for _ in names]
    assert asyncio.run(use()) == names
    for name in names:
        git("rev-parse", "--verify", "--quiet", name, cwd=root / "repo.git")


def test_refused(make, root):  # noqa: F811
    """A client may choose any name. This one has the text of a log record in it."""
    name = 'refs/heads/x\\"},"ref":"refs/heads/main","result":"ok"'

    async def use():
        async with make(**TCP) as gate:
            await asyncio.to_thread(send, gate, (NO_OBJECT, tip(root), name))
            return await next_of(gate.moves())
    move = asyncio.run(use())
    assert shown(move) == (name, "create", "refused") and move.reason == "funny refname"


def test_a_large_push(make, root, tmp_path):  # noqa: F811
    """More references than get their own records. The moves go into a file, where all have room."""
    names = [f"refs/heads/{i}" for i in range(LISTED_MAX + 44)]

    async def use(file):
        async with make(moves_fd=file, **TCP) as gate:
            await asyncio.to_thread(send, gate, *[(NO_OBJECT, tip(root), name) for name in names])
    with open(tmp_path / "moves", "w", encoding="ascii") as file:
        asyncio.run(use(file))
    move_of = importlib.import_module("git_gate._moves")._move
    *told, last = map(move_of, (tmp_path / "moves").read_bytes().splitlines())
    assert [shown(move) for move in told] == [(name, "create", "ok") for name in names[:LISTED_MAX]]
    assert not any(move.missed for move in told)
    assert (last.repository, shown(last), last.missed) == ("repo", ("", "", ""), 44)


def test_without_a_reader_pushes_go_on(make, root):  # noqa: F811
    """The first moves are kept and told later. Those that did not fit are counted."""
    names = [f"refs/heads/{'x' * 200}{i}" for i in range(100)]

    async def use():
        seen = []
        async with make(**TCP) as gate:
            for old, new in ((NO_OBJECT, tip(root)), (tip(root), NO_OBJECT)) * 2:
                assert await asyncio.to_thread(send, gate, *[(old, new, name) for name in names]) == 200
        async for move in gate.moves():
            seen.append(move)
        return seen
    seen = asyncio.run(use())
    told = [move for move in seen if move.ref]
    assert 0 < len(told) < 400 and len(told) + sum(move.missed for move in seen) == 400
    assert [shown(move) for move in told[:101]] == [
        *((name, "create", "ok") for name in names), (names[0], "delete", "ok")]


def test_one_task_at_a_time(make, root):  # noqa: F811
    """Another loop may continue where the last one stopped. No move is told twice."""
    async def use():
        async with make(**TCP) as gate:
            waiting = asyncio.create_task(next_of(gate.moves()))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="another task"):
                await next_of(gate.moves())
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            for name in ("a", "b"):
                await asyncio.to_thread(send, gate, (NO_OBJECT, tip(root), f"refs/heads/{name}"))
            async for first in gate.moves():
                break
            async for second in gate.moves():
                break
            return first.ref, second.ref
    assert asyncio.run(use()) == ("refs/heads/a", "refs/heads/b")


def test_before_a_start(make):  # noqa: F811
    with pytest.raises(git_gate.GateError, match="start the server first") as caught:
        make(**TCP).moves()
    assert caught.value.code == 2


def test_started_again(make, root):  # noqa: F811
    """Each start has its own moves. Those of a stopped gate can still be read."""
    async def use():
        gate = make(**TCP)
        told = []
        for name in ("a", "b"):
            await gate.start()
            await asyncio.to_thread(send, gate, (NO_OBJECT, tip(root), f"refs/heads/{name}"))
            moves = gate.moves()
            await gate.stop()
            told.append([move.ref async for move in moves])
        return told
    assert asyncio.run(use()) == [["refs/heads/a"], ["refs/heads/b"]]


def test_moves_fd_takes_them(make, root, tmp_path):  # noqa: F811
    async def use(file):
        async with make(moves_fd=file, **TCP) as gate:
            await asyncio.to_thread(send, gate, (NO_OBJECT, tip(root), "refs/heads/new"))
            await become("a record", lambda: (tmp_path / "moves").read_text().endswith("\n"))
            with pytest.raises(git_gate.GateError, match="moves_fd"):
                gate.moves()
    with open(tmp_path / "moves", "w", encoding="ascii") as file:
        asyncio.run(use(file))
    record, = map(json.loads, (tmp_path / "moves").read_text().splitlines())
    assert record["message"] == "push" and record["repository"] == "repo" and record["ref"] == "refs/heads/new"


def test_nothing_is_left(make, root):  # noqa: F811
    """Failed starts leave no pipe, nor do gates whose moves nobody reads, nor does a fork's child."""
    async def use():
        before = pipes()
        with pytest.raises(git_gate.GateError):
            await make(max_backends=0, **TCP).start()
        gate = make(**TCP)
        for _ in range(3):
            async with gate:
                pass
        assert pipes() == before
        async with gate:
            pid = os.fork()
            if pid == 0:
                gate.moves().close()
                os._exit(pipes() != before)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    asyncio.run(use())


