# SPDX-License-Identifier: Apache-2.0
"""git_gate in programs that fork, and that end."""

import pytest

from .python_package import LIBRARY, python

pytestmark = pytest.mark.skipif(not LIBRARY.exists(), reason=f"needs {LIBRARY}, as it is built together with the program")

# What the programs below begin with. Their argument is the mirror root.
BEGINNING = """
import asyncio, multiprocessing, sys, time
from git_gate import GateServer
from tests.e2e.host import children
from tests.e2e.http import TOKEN, Connection, request
from tests.e2e.packets import DELIMITER, FETCH_TYPE, FLUSH, PROTOCOL_2, packet
from tests.e2e.polling import wait_until
from tests.e2e.python_package import ask, is_served, place
from tests.e2e.targets import FETCH

LONG = 600  # seconds that no test waits for

def gate(**named):
    return GateServer(**{"mirror_root": sys.argv[1], "token": TOKEN, "scope": "repo", "host": "127.0.0.1", "port": 0, **named})

def wait_for_git(count=1):
    wait_until("git reads", lambda: children().count("git-http-backen") == count)
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


def test_a_worker_that_is_a_fork_holds_nothing(small_root):
    """Neither git's input, whose end would never come, nor the port, which would listen when nobody serves."""
    python("-W", "ignore::DeprecationWarning", "-c", FORKS, small_root)
