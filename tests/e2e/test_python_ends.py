# SPDX-License-Identifier: Apache-2.0
"""git_gate in programs that fork, and that end."""

import os

import pytest

from .python_package import LIBRARY, is_served, python

pytestmark = pytest.mark.skipif(not LIBRARY.exists(), reason=f"needs {LIBRARY}, as it is built together with the program")

# The beginning of the programs below. Their argument is the mirror root.
BEGINNING = """
import asyncio, multiprocessing, sys, time
from git_gate import GateServer
from tests.e2e.host import children
from tests.e2e.http import TOKEN, Connection, request
from tests.e2e.packets import DELIMITER, FETCH_TYPE, FLUSH, PROTOCOL_2, packet, unfinished
from tests.e2e.polling import wait_until
from tests.e2e.python_package import ask, is_served, place
from tests.e2e.targets import FETCH

LONG = 600  # seconds that no test waits for

def gate(**named):
    return GateServer(**{"mirror_root": sys.argv[1], "token": TOKEN, "scope": "repo", "host": "127.0.0.1", "port": 0,
                         "backend": "http-backend", **named})  # whose git waits for the rest of a fetch

def wait_for_git(count=1):
    wait_until("git reads", lambda: children().count("git-http-backen") == count)
"""

# Since Python 3.12 an ending interpreter starts no threads. Here no interpreter does.
ENDS = """
import atexit, sys, threading, time
atexit.register(lambda: print(time.monotonic() - begin))  # registered before those of git_gate, it is called behind them
""" + BEGINNING + """
def refuse(*_):
    raise RuntimeError("can't create new thread at interpreter shutdown")

def make_no_threads():
    import git_gate
    threading.Thread.start = git_gate.start_new_thread = refuse
"""

STALLED = ENDS + """
async def main():
    for _ in range(5):
        server = gate(drain_timeout=3)
        await server.start()
        client = Connection(place(server.address))
        client.send(request("POST", FETCH, FETCH_TYPE, f"Content-Length: {len(unfinished()) + 1}") + unfinished())
        held.extend([server, client])
    wait_for_git(5)
    print("\\n".join(server.address for server in held[::2]))

held = []
asyncio.run(main())
make_no_threads()
begin = time.monotonic()
"""

DROPPED = ENDS + """
async def main():
    server = gate()
    await server.start()
    print(server.address)
    return server

def drop():
    make_no_threads()
    held.clear()

held = [asyncio.run(main())]
atexit.register(drop)
begin = time.monotonic()
"""

FORKS = BEGINNING + """
# A fetch in which nothing is wanted, of more bytes than git is started behind: it is answered at the end of the input.
body = packet("command=fetch") + DELIMITER + b"".join(packet(f"have {i:040x}") for i in range(1, 900)) + FLUSH

async def main():
    server = gate(backend_timeout=LONG, drain_timeout=0)
    await server.start()
    address = server.address
    with Connection(place(address)) as client:
        whole = request("POST", FETCH, FETCH_TYPE, PROTOCOL_2, body=body)
        client.send(whole[:-1])
        wait_for_git()
        worker = multiprocessing.get_context("fork").Process(target=time.sleep, args=(LONG,))
        worker.start()
        client.send(whole[-1:])
        response = client.response("POST")
        assert (response.status, response.complete) == (200, True), response
    await server.stop()
    assert worker.is_alive() and not is_served(address)
    await server.start()
    assert ask(server.address).status == 200
    await server.stop()
    worker.kill()
    worker.join()

asyncio.run(main())
"""


# Process 1 of a PID namespace, and a fork that is process 1 of another one.
BOTH_ARE_1 = BEGINNING + """
import ctypes, gc, os

async def main():
    server = gate()
    await server.start()
    libc, own, kind = ctypes.CDLL(None), os.open("/proc/self/ns/pid", os.O_RDONLY), 0x20000000  # CLONE_NEWPID
    assert os.getpid() == 1 and libc.unshare(kind) == 0
    worker = os.fork()
    if worker == 0:
        same = os.getpid() == 1
        server = None
        gc.collect()
        os._exit(0 if same else 3)
    assert os.waitpid(worker, 0)[1] == 0
    assert libc.setns(own, kind) == 0  # or no thread could be made
    assert ask(server.address).status == 200
    await server.stop()
    print("served")

asyncio.run(main())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make PID namespaces here")
def test_a_fork_with_the_same_id_does_not_stop_it(small_root):
    result = python("-W", "ignore::DeprecationWarning", "-c", BOTH_ARE_1, small_root,
                    within=("unshare", "--pid", "--fork", "--mount-proc"))
    assert result.stdout == "served\n"


def test_a_worker_that_is_a_fork_holds_nothing(small_root):
    """The fork must hold neither git's input, whose end git would not see, nor the port, which nobody would serve."""
    python("-W", "ignore::DeprecationWarning", "-c", FORKS, small_root)


def test_gates_that_still_run_stop_all_at_once_in_the_end(small_root):
    """Five gates, each with a stalled client, take as long as one: the drain time-out, and then ending the rest."""
    *addresses, seconds = python("-c", STALLED, small_root).stdout.split()
    assert len(addresses) == 5 and not any(is_served(address) for address in addresses)
    assert 2.9 < float(seconds) < 9


def test_gate_that_is_dropped_in_the_end_stops(small_root):
    """The program prints only that the server was dropped."""
    result = python("-W", "default::ResourceWarning", "-c", DROPPED, small_root)
    address, _ = result.stdout.split()
    assert not is_served(address)
    assert "was dropped while it ran" in result.stderr and "Traceback" not in result.stderr


FORK = """
import asyncio, logging, os, sys
from git_gate import GateServer
from tests.e2e.http import TOKEN
from tests.e2e.python_package import ask

logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(levelname)s %(message)s")

def pipes():
    return sum(os.readlink(f"/proc/self/fd/{n}").startswith("pipe:") for n in os.listdir("/proc/self/fd")
               if int(n) > 2 and os.path.exists(f"/proc/self/fd/{n}"))

async def main():
    before = pipes()
    gate = GateServer(mirror_root=sys.argv[1], token=TOKEN, scope="repo", host="127.0.0.1", port=0)
    await gate.start()
    assert pipes() == before + 2  # the log and the moves
    child = os.fork()
    if child == 0:
        os._exit(0 if pipes() == before else 3)
    assert os.waitpid(child, 0)[1] == 0
    assert ask(gate.address).status == 200
    await gate.stop()
    assert pipes() == before

asyncio.run(main())
"""


def test_the_child_of_a_fork_holds_no_log(small_root):
    """The host's loop goes on reading."""
    said = python("-W", "ignore::DeprecationWarning", "-c", FORK, small_root).stdout
    assert "INFO request" in said and said.endswith("INFO stopped\n")
