# SPDX-License-Identifier: Apache-2.0
"""git_gate.GateServer: its promises to a supervisor in Python."""

import asyncio
import concurrent.futures
import contextlib
import ctypes
import gc
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from .confinement import needs_confinement
from .host import children
from .gate import settle_hooks
from .http import TOKEN, Connection, request
from .packets import FETCH_TYPE, unfinished
from .polling import wait_until
from .python_package import PROJECT, Url, ask, is_served, load, needs_library, place, variables
from .repos import ENVIRONMENT, bare, commit, git, refs
from .targets import FETCH, INFO

pytestmark = needs_library
git_gate = load()

E_INTERNAL, E_USAGE, E_START = 1, 2, 4
CONFINE = os.environ.get("GIT_GATE_CONFINE", "auto")
LONG = 600  # seconds; no test waits that long
SOON = 15  # seconds in which it must happen, with a large margin
ROUNDS = 60
TCP = {"host": "127.0.0.1", "port": 0}
CLIENT = "import sys; from tests.e2e.python_package import ask; print(ask(sys.argv[1]).status)"
P_PID, WEXITED, WNOWAIT = 1, 4, 0x01000000  # waitid(2)


@pytest.fixture
def make(root):
    """Make a gate of the test's repositories, with any other arguments. Its git waits for the rest of a fetch."""
    def gate(**named):
        return git_gate.GateServer(**{"mirror_root": root, "token": TOKEN, "scope": "repo", "confine": CONFINE,
                                      "backend": "http-backend", **named})
    return gate


@pytest.fixture
def where(transport, tmp_path):
    """The arguments for one transport or the other."""
    return {"tcp": {"host": "127.0.0.1", "port": 0}, "unix": {"socket_path": tmp_path / "run" / "gate.sock"}}[transport]


async def become(what, condition):
    """wait_until() for a loop that goes on."""
    deadline = asyncio.get_running_loop().time() + SOON
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, f"not seen: {what}"
        await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def request_under_way(gate):
    """Run a client in the middle of a request. git waits for the rest of it, so a stop must wait."""
    with Connection(place(gate.address)) as client:
        body = unfinished()
        head = request("POST", FETCH, FETCH_TYPE, f"Content-Length: {len(body) + 1}")
        client.send(head + body)
        await become("git reads the request", lambda: "git-http-backen" in children())
        yield client


@pytest.fixture
def slow_git(tmp_path, monkeypatch):
    """Hold up every start, as it asks git for its folder, until the returned path is touched."""
    released = tmp_path / "released"
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nwhile [ ! -e {released} ]; do sleep 0.01; done\nPATH={ENVIRONMENT['PATH']}\n"
                       'exec git "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return released


# ---- serving ----


def test_serves_and_stops(make, where, root, tmp_path):
    """The test does this twice, as a stopped server can start again."""
    async def use(gate, clone):
        assert gate.address is None
        await gate.start()
        address = gate.address
        with Url(address, TOKEN) as url:
            git("clone", "--quiet", url, clone)
            new = commit(clone, "file", clone.name)
            git("push", "--quiet", "origin", "main", cwd=clone)
        assert refs(root / "repo.git")["refs/heads/main"] == new
        await gate.stop()
        assert gate.address is None and not is_served(address)

    gate = make(**where)
    asyncio.run(use(gate, tmp_path / "one"))
    assert not (tmp_path / "run" / "gate.sock").exists()
    asyncio.run(use(gate, tmp_path / "two"))


@pytest.mark.parametrize("host, shown", [("127.0.0.1", "127.0.0.1"), ("127.0.0.2", "127.0.0.2"), ("::1", "[::1]"),
                                         ("[::1]", "[::1]")])
def test_addresses(make, host, shown):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        try:
            probe.bind((host.strip("[]"), 0))
        except OSError:
            pytest.skip(f"needs {host}")

    async def use():
        async with make(host=host, port=0) as gate:
            assert gate.address.startswith(f"http://{shown}:") and not gate.address.endswith(":0")
            assert ask(gate.address).status == 200
    asyncio.run(use())


@pytest.mark.parametrize("named", [{}, {"host": "127.0.0.1"}, {"port": 0}, {"host": "", "port": 0},
                                   {**TCP, "socket_path": "/nonexistent/gate.sock"},
                                   {"host": "127.0.0.1", "socket_path": "/nonexistent/gate.sock"},
                                   {**TCP, "listen_fd": 3}, {**TCP, "listen": "127.0.0.1:0"}])
def test_needs_one_transport(make, named):
    gate = make(**named)
    with pytest.raises(ValueError, match=r"socket_path or host\+port"):
        asyncio.run(gate.start())
    assert gate.address is None


def test_stop_without_start_does_nothing(make, where):
    gate = make(**where)
    asyncio.run(gate.stop())
    asyncio.run(make().stop())

    async def use():
        await gate.start()
        await gate.stop()
        await gate.stop()
    asyncio.run(use())


def test_a_stale_socket_is_replaced(make, tmp_path):
    path = tmp_path / "gate.sock"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
        left_behind.listen()

    async def use():
        async with make(socket_path=path) as gate:
            assert ask(gate.address).status == 200
    assert path.is_socket()
    asyncio.run(use())


def test_a_plain_file_stays(make, tmp_path):
    path = tmp_path / "gate.sock"
    path.write_text("mine")
    with pytest.raises(git_gate.GateError, match="is not a socket") as failure:
        asyncio.run(make(socket_path=path).start())
    assert failure.value.code == E_START and path.read_text() == "mine"


def test_only_the_token_opens(make, where):
    async def use():
        async with make(**where) as gate:
            assert ask(gate.address).status == 200
            assert ask(gate.address, token=TOKEN[:-1]).status == 401
            assert ask(gate.address, token=None).status == 401
            assert ask(gate.address, "GET", "/other.git/info/refs?service=git-upload-pack").status == 403
    asyncio.run(use())


def test_serves_while_the_loop_is_blocked(make, where):
    """The whole interpreter blocks: its lock is held until the client, in another process, has its answer."""
    async def use():
        async with make(**where) as gate:
            client = subprocess.Popen(["timeout", str(SOON), sys.executable, "-c", CLIENT, gate.address],
                                      stdout=subprocess.PIPE, env=variables(LD_PRELOAD=None), cwd=PROJECT)
            ctypes.PyDLL(None).waitid(P_PID, client.pid, ctypes.create_string_buffer(128), WEXITED | WNOWAIT)
            assert client.communicate()[0] == b"200\n"
    asyncio.run(use())


def test_several_at_once(make, tmp_path):
    async def use():
        tokens = [git_gate.mint_token() for _ in range(8)]
        gates = [make(token=token, socket_path=tmp_path / token) for token in tokens]
        await asyncio.gather(*(gate.start() for gate in gates))
        for gate, token in zip(gates, tokens):
            assert (ask(gate.address, token=token).status, ask(gate.address).status) == (200, 401)
        await asyncio.gather(*(gate.stop() for gate in gates))
        assert not any(is_served(f"unix:{tmp_path / token}") for token in tokens)
    asyncio.run(use())


def test_context_ends_with_an_error(make):
    async def use():
        async with make(**TCP) as gate:
            seen.append(gate.address)
            raise LookupError("of the body")
    seen = []
    with pytest.raises(LookupError):
        asyncio.run(use())
    assert seen[0] and not is_served(seen[0])


# ---- starting and stopping never block the loop, and cancelling them leaves nothing half done ----


def test_start_lets_the_loop_go_on(make, where, slow_git):
    """The loop goes on even if all of its threads are busy. Otherwise nothing would let git go on."""
    async def use():
        loop = asyncio.get_running_loop()
        release = threading.Event()
        loop.set_default_executor(concurrent.futures.ThreadPoolExecutor(1))
        busy = loop.run_in_executor(None, release.wait)
        gate = make(**where)
        starting = asyncio.ensure_future(gate.start())
        await become("git is asked", lambda: "git" in children())
        assert not starting.done() and gate.address is None
        slow_git.touch()
        await starting
        assert ask(gate.address).status == 200
        await gate.stop()
        release.set()
        await busy
    asyncio.run(use())


def test_cancelled_start_leaves_nothing(make, where, tmp_path, slow_git):
    async def use():
        gate = make(**where)
        before = descriptors()
        starting = asyncio.ensure_future(gate.start())
        await become("git is asked", lambda: "git" in children())
        for _ in range(3):
            starting.cancel()
            await asyncio.sleep(0)
        assert not starting.done()
        slow_git.touch()
        with pytest.raises(asyncio.CancelledError):
            await starting
        assert gate.address is None and not (tmp_path / "run" / "gate.sock").exists()
        assert descriptors() == before
        await gate.start()
        assert ask(gate.address).status == 200
        await gate.stop()
    asyncio.run(use())


def test_starts_once(make, where):
    """A second start fails. The first one's server goes on, however the second one ends."""
    async def use():
        async with make(**where) as gate:
            address = gate.address
            with pytest.raises(git_gate.GateError, match="runs already") as failure:
                await gate.start()
            assert failure.value.code == E_USAGE
            second = asyncio.ensure_future(gate.start())
            await asyncio.sleep(0)
            second.cancel()
            # Since Python 3.14 the failure may come before anybody can cancel.
            with pytest.raises((asyncio.CancelledError, git_gate.GateError)):
                await second
            assert gate.address == address and ask(address).status == 200
    asyncio.run(use())


def test_stop_lets_requests_finish(make, where):
    """The loop goes on meanwhile, and runs the client whose request ends the wait."""
    async def use():
        gate = make(**where, drain_timeout=LONG)
        await gate.start()
        address = gate.address
        async with request_under_way(gate) as client:
            stopping = asyncio.ensure_future(gate.stop())
            await become("nobody is accepted", lambda: not is_served(address))
            assert not stopping.done()
            client.close()
            await asyncio.wait_for(stopping, SOON)
        assert gate.address is None
    asyncio.run(use())


@pytest.mark.parametrize("how", ["cancelled", "called again"])
def test_stop_can_be_hurried(make, where, how):
    """Otherwise both would wait for as long as the drain timeout."""
    async def use():
        gate = make(**where, drain_timeout=LONG)
        await gate.start()
        address = gate.address
        async with request_under_way(gate):
            stopping = asyncio.ensure_future(gate.stop())
            await become("nobody is accepted", lambda: not is_served(address))
            if how == "cancelled":
                stopping.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await asyncio.wait_for(stopping, SOON)
            else:
                await asyncio.wait_for(asyncio.gather(stopping, gate.stop()), SOON)
            assert gate.address is None and not children()
    asyncio.run(use())


@pytest.fixture
def without_threads(monkeypatch):
    """After this call Python makes no more threads, as at the limit of TasksMax= or of a container."""
    def refuse(*_):
        raise RuntimeError("can't start new thread")

    def begin():
        monkeypatch.setattr(threading.Thread, "start", refuse)
        monkeypatch.setattr(git_gate, "start_new_thread", refuse)
    return begin


def test_cancelled_start_leaves_nothing_without_threads(make, where, slow_git, without_threads):
    async def use():
        gate = make(**where)
        starting = asyncio.ensure_future(gate.start())
        await become("git is asked", lambda: "git" in children())
        without_threads()
        starting.cancel()
        await asyncio.sleep(0)
        slow_git.touch()
        with pytest.raises(asyncio.CancelledError):
            await starting
        assert gate.address is None
    asyncio.run(use())


def test_cancelled_stop_stops_without_threads(make, where, without_threads):
    """Nothing can hurry the stop, so it drains."""
    async def use():
        gate = make(**where, drain_timeout=1)
        await gate.start()
        address = gate.address
        async with request_under_way(gate):
            stopping = asyncio.ensure_future(gate.stop())
            await become("nobody is accepted", lambda: not is_served(address))
            without_threads()
            stopping.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(stopping, SOON)
            assert gate.address is None and not children()
    asyncio.run(use())


def test_without_threads_nothing_starts(make, where, without_threads):
    async def use():
        before = descriptors()
        gate = make(**where)
        without_threads()
        with pytest.raises(git_gate.GateError, match="no thread") as failure:
            await gate.start()
        assert failure.value.code == E_INTERNAL and gate.address is None and descriptors() == before
    asyncio.run(use())


def test_a_list_of_repositories(make, where, root):
    """The gate serves exactly these."""
    bare(root / "second.git")
    bare(root / "third.git")

    async def use():
        async with make(**where, scope=["repo", "second"]) as gate:
            return [ask(gate.address, "GET", INFO.replace("repo", name)).status for name in ("repo", "second", "third")]
    assert asyncio.run(use()) == [200, 200, 403]


def descriptors():
    """The number of open descriptors. Those of an event loop must be open already."""
    return len(os.listdir("/proc/self/fd"))


def threads():
    return len(os.listdir("/proc/self/task"))


def test_many_rounds_leave_nothing(make, where):
    """Rounds of gates that serve, and of starts that fail at various steps."""
    async def use():
        gate = make(**where)
        for round_number in range(ROUNDS):
            await gate.start()
            assert ask(gate.address).status == 200
            await gate.stop()
            for bad in ({"scope": "missing"}, {"host": "192.0.2.1", "port": 0, "socket_path": None}):
                with pytest.raises(git_gate.GateError):
                    await make(**{**where, **bad}).start()
            if round_number == 0:
                gc.collect()
                await become("the end of waiting threads", lambda: threads() == before_threads)
                before.append(descriptors())
        gc.collect()
        await become("the end of all threads", lambda: threads() == before_threads)
        assert descriptors() == before[0]
    before = []
    before_threads = threads()
    asyncio.run(use())


def test_one_that_is_dropped_stops(make, where, tmp_path):
    async def use():
        gate = make(**where)
        await gate.start()
        return gate.address
    with pytest.warns(ResourceWarning, match="dropped"):
        address = asyncio.run(use())
        gc.collect()
    wait_until("its end", lambda: not is_served(address))
    wait_until("the socket is removed", lambda: not (tmp_path / "run" / "gate.sock").exists())


def test_one_that_is_dropped_without_threads_stops_at_once(make, where, without_threads):
    async def use():
        gate = make(**where)
        await gate.start()
        without_threads()
        return gate.address
    with pytest.warns(ResourceWarning, match="dropped"):
        address = asyncio.run(use())
        gc.collect()
    assert not is_served(address)


# ---- confinement ----


def status():
    """The properties of this thread that confinement would change."""
    lines = Path("/proc/thread-self/status").read_text().splitlines()
    return [line for line in lines if line.startswith(("NoNewPrivs", "Seccomp", "Cap"))]


@needs_confinement
def test_the_caller_is_not_confined_and_hooks_are(make, root, tmp_path):
    hook = tmp_path / "hooks" / "pre-receive"
    hook.parent.mkdir()
    hook.write_text(f"#!/bin/sh\necho yes 2>/dev/null >{tmp_path}/outside || echo denied\necho yes >inside && echo wrote\n")
    hook.chmod(0o755)
    confine = settle_hooks([f"--hooks-path={hook.parent}", "--confine=require"])[-1].partition("=")[2]

    async def use():
        before = status()
        async with make(confine=confine, hooks_path=hook.parent, **TCP) as gate:
            with Url(gate.address, TOKEN) as url:
                git("clone", "--quiet", url, tmp_path / "clone")
                commit(tmp_path / "clone", "file", "new")
                said = git("push", "origin", "main", cwd=tmp_path / "clone").stderr
            assert "remote: denied" in said and "remote: wrote" in said
            assert not (tmp_path / "outside").exists() and (root / "repo.git" / "inside").exists()
            assert status() == before
            await asyncio.get_running_loop().run_in_executor(None, do_anything)
            do_anything()
            assert status() == before

    def do_anything():
        (tmp_path / "elsewhere").write_text("mine")
        assert subprocess.run(["sh", "-c", f"echo more >>{tmp_path}/elsewhere"], check=False).returncode == 0
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname()).close()
        assert Path("/etc/passwd").read_text()
    asyncio.run(use())
