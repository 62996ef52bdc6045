# SPDX-License-Identifier: Apache-2.0
"""
The ends of processes: however a request ends, all of its processes end too, in the right order.

SIGTERM comes first, for a push after three seconds, and SIGKILL five seconds later. No zombie and no descriptor stays,
and nothing spins meanwhile.
"""

import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from .backends import HEAD_TEXT
from .checks import check_error, check_serves, create
from .gate import BACKEND
from .host import check_left_nothing, descriptors_at_rest, open_files, reset, share_asleep, stat_fields, zombies
from .http import chunks, head, request
from .packets import AHEAD_BYTES, FETCH_TYPE, PROTOCOL_2, PUSH_TYPE, large_pack, ls_refs
from .polling import wait_until
from .repos import refs
from .targets import FETCH, INFO, INFO_PUSH, PUSH

CHUNKED = "Transfer-Encoding: chunked"
HANGUP_SECONDS = 3  # for a push, from the end of its input to SIGTERM
KILL_SECONDS = 5
# Its output is more than all buffers hold, and it goes on when nobody reads any more.
STUBBORN = "head -c 30000000 /dev/zero 2>/dev/null; while :; do sleep 0.05; done"

# Three generations. Each records its id, and each signal to end.
TREE = """
exec 2>/dev/null
trap 'echo "$0" >>"{folder}/asked"; exit 1' TERM
sh -c 'trap "echo child >>{folder}/asked; exit 1" TERM; sleep 600 & echo $! >>{folder}/pids; wait' &
echo $! >>{folder}/pids; echo $$ >>{folder}/pids
wait
"""


def read(path):
    return path.read_text().split() if path.exists() else []


def has_grown(folder):
    """The tree is whole, and its last process is itself: a shell's fork would take a SIGTERM as its shell does."""
    comms = [Path(f"/proc/{pid}/comm").read_text() for pid in read(folder / "pids")]
    return len(comms) == 3 and "sleep\n" in comms


def options(fate):
    """Check that it happens within a second of its time, and so not by another cause."""
    return [f"--backend-timeout={1 if fate == 'stall' else 60}", f"--drain-timeout={1 if fate == 'stop' else 60}"]


def meet(gate, connection, fate):
    """Let a request end, but not git. A stall needs no action."""
    if fate == "client gone":
        reset(connection)
    elif fate == "kill":
        gate.signal(signal.SIGKILL)
    elif fate != "stall":
        gate.signal()
        gate.wait_stopped_accepting()
    if fate == "second signal":
        gate.signal()


def check_gate_after(gate, fate):
    if fate in ("client gone", "stall"):
        check_error(gate.ask("GET", "/nothing"), 404)
        wait_until("no zombie", lambda: not zombies(gate.pid))
    else:
        assert gate.wait() == (-signal.SIGKILL if fate == "kill" else 0)


@pytest.mark.parametrize("fate", ["client gone", "stall", "stop", "second signal", "kill"])
def test_whole_tree_ends(root, start_gate, pre_receive, scratch, fate):
    """The tree is receive-pack, perhaps below git-http-backend, a hook, and two generations below the hook."""
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", *options(fate),
                      pre_receive(TREE.format(folder=scratch)))
    with gate.connect() as connection:
        connection.send(request("POST", PUSH, PUSH_TYPE, body=create(root)))
        wait_until("the hook and its children run", lambda: has_grown(scratch))
        assert len(gate.children()) >= (4 if BACKEND == "services" else 5)
        meet(gate, connection, fate)
        gate.wait_no_children(seconds=HANGUP_SECONDS + 4)
    check_gate_after(gate, fate)
    assert "refs/heads/new" not in refs(root / "repo.git")


@pytest.mark.parametrize("fate", ["client gone", "stop", "second signal"])
def test_who_ignores_sigterm_ends_too(root, start_gate, pre_receive, scratch, fate):
    """A process behind the hook ignores SIGTERM. It gets five seconds, or the rest of them when the gate ends."""
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", *options(fate),
                      pre_receive(f"trap '' TERM; sleep 600 & trap - TERM; echo $! >'{scratch}/pids'; wait"))
    with gate.connect() as connection:
        connection.send(request("POST", PUSH, PUSH_TYPE, body=create(root)))
        wait_until("it runs", lambda: read(scratch / "pids"))
        meet(gate, connection, fate)
        gate.wait_no_children(seconds=HANGUP_SECONDS + KILL_SECONDS + 3 if fate == "client gone" else 4)
    check_gate_after(gate, fate)


@pytest.mark.parametrize("fate", ["client gone", "stall", "kill"])
def test_hook_is_asked_to_end(root, start_gate, pre_receive, scratch, fate):
    """
    A hook may have to clean up, like git. It gets SIGKILL only if it is still there five seconds later.

    Its output goes nowhere: receive-pack, which would read it, ends first.
    """
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", *options(fate),
                      pre_receive(f"exec >/dev/null 2>&1; trap 'sleep 0.1; echo hook >>{scratch}/asked; exit 1' TERM\n"
                                  f"echo $$ >'{scratch}/pids'; while :; do sleep 0.01; done"))
    with gate.connect() as connection:
        connection.send(request("POST", PUSH, PUSH_TYPE, body=create(root)))
        wait_until("the hook runs", lambda: read(scratch / "pids"))
        meet(gate, connection, fate)
        gate.wait_no_children(seconds=HANGUP_SECONDS + 4)
    assert read(scratch / "asked") == ["hook"]
    check_gate_after(gate, fate)


def test_push_that_has_come_whole_may_finish(root, start_gate, pre_receive, scratch):
    """The client has gone, and git needs a second to clean up. SIGTERM now would leave its quarantine behind."""
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", pre_receive(f"echo $$ >'{scratch}/pids'; sleep 1"))
    with gate.connect() as connection:
        connection.send(request("POST", PUSH, PUSH_TYPE, body=create(root)))
        wait_until("the hook runs", lambda: read(scratch / "pids"))
        reset(connection)
    gate.wait_no_children(seconds=HANGUP_SECONDS + 1)
    assert "refs/heads/new" in refs(root / "repo.git")
    assert not list((root / "repo.git" / "objects").glob("**/*tmp*"))


@pytest.mark.parametrize("fate", ["client gone", "stall", "stop"])
def test_sigterm_comes_first(gate_with, scratch, fate):
    """SIGTERM comes before SIGKILL. Only a second signal to the gate leaves no time for that."""
    gate, _ = gate_with(TREE.format(folder=scratch), *options(fate))
    with gate.connect() as connection:
        connection.send(head("GET", INFO))
        wait_until("the tree has grown", lambda: has_grown(scratch))
        meet(gate, connection, fate)
        gate.wait_no_children(seconds=4)
    assert any(who.endswith(("/git", "/git-http-backend")) for who in read(scratch / "asked"))
    check_gate_after(gate, fate)


def test_sigkill_comes_five_seconds_later(gate_with, scratch):
    """Processes ignore SIGTERM, after their client has gone or while it stalls. The gate sleeps meanwhile."""
    gate, exec_path = gate_with(f"trap '' TERM PIPE; echo $$ >'{scratch}/'$PPID.$$; {HEAD_TEXT}; {STUBBORN}",
                                "--stall-timeout=1")
    before = descriptors_at_rest(gate)
    ends = {}

    def note_ends():
        for path in scratch.glob(f"{gate.pid}.*"):
            if (stat_fields(path.suffix[1:]) or "Z")[0] == "Z":
                ends.setdefault(path.name, time.monotonic() - begin)
        return len(ends) == 2

    with gate.connect() as stalled, gate.connect() as gone:
        stalled.send(head("GET", INFO))
        gone.send(head("GET", INFO_PUSH))
        wait_until("both run", lambda: len(exec_path.runs) == 2 and len(list(scratch.glob(f"{gate.pid}.*"))) == 2)
        begin = time.monotonic()
        gone.close()
        assert share_asleep(gate.pid, 1) > 0.5
        wait_until("both have ended", note_ends, seconds=15)
        first, second = sorted(ends.values())
        assert KILL_SECONDS - 0.3 < first < KILL_SECONDS + 3
        assert KILL_SECONDS + 0.7 < second
        gate.wait_no_children()
    check_left_nothing(gate, before)


# Bodies cut short, when git is running already.

@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("how", ["shut", "closed", "reset"])
def test_body_cut_short_ends_git_at_once(root, start_gate, how, framing):
    """Otherwise git would wait for the rest for ever. git removes its quarantine."""
    gate = start_gate(f"--mirror-root={root}", "--scope=repo")
    objects = root / "repo.git" / "objects"
    before = descriptors_at_rest(gate)
    body = create(root, pack=large_pack(1 << 20))
    half = body[:3 * AHEAD_BYTES]
    data = head("POST", PUSH, PUSH_TYPE, CHUNKED) + chunks(half, 5000, end=False)
    if framing == "length":
        data = head("POST", PUSH, PUSH_TYPE, f"Content-Length: {len(body)}") + half
    with gate.connect() as connection:
        connection.send(data)
        wait_until("git stores the pack", lambda: list(objects.glob("tmp_objdir*")))
        if how == "shut":
            connection.socket.shutdown(socket.SHUT_WR)
            check_error(connection.response(), 400)
        elif how == "reset":
            reset(connection)
        else:
            connection.close()
        gate.wait_no_children(seconds=2)
    assert not list(objects.glob("**/*tmp*"))
    check_left_nothing(gate, before)
    check_serves(gate)


# All of it at once.

def ends_well(gate, root):
    assert gate.ask("GET", INFO).status == 200


def ends_before_its_answer(gate, root):
    with gate.connect() as connection:
        connection.send(head("GET", INFO))


def ends_in_its_body(gate, root):
    with gate.connect() as connection:
        connection.send(head("POST", PUSH, PUSH_TYPE, "Content-Length: 2000000") + create(root) + b"x" * 100_000)


def ends_with_half_a_connection(gate, root):
    with gate.connect() as connection:
        connection.send(head("POST", PUSH, PUSH_TYPE, CHUNKED) + chunks(create(root) + b"x" * 100_000, end=False))
        connection.socket.shutdown(socket.SHUT_WR)
        connection.response()


def ends_with_a_reset(gate, root):
    with gate.connect() as connection:
        connection.send(head("POST", FETCH, FETCH_TYPE, PROTOCOL_2, "Content-Length: 100000") + ls_refs() * 500)
        reset(connection)


def ends_with_a_broken_chunk(gate, root):
    with gate.connect() as connection:
        connection.send_as_taken(head("POST", PUSH, PUSH_TYPE, CHUNKED) +
                                 chunks(create(root) + b"x" * 100_000, 1000, end=False) + b"zz\r\n")
        assert connection.response().status in (200, 400)


def ends_with_a_refusal(gate, root):
    assert gate.ask("GET", "/nothing").status == 404


ENDS = [ends_well, ends_before_its_answer, ends_in_its_body, ends_with_half_a_connection, ends_with_a_reset,
        ends_with_a_broken_chunk, ends_with_a_refusal]


def test_many_requests_that_end_in_various_ways_leave_nothing(root, start_gate):
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", "--max-backends=8")
    check_serves(gate)
    before, files = descriptors_at_rest(gate), sorted(open_files(gate.pid))
    failures = []

    def run(end):
        try:
            for _ in range(6):
                end(gate, root)
        except Exception as error:
            failures.append((end.__name__, error))

    threads = [threading.Thread(target=run, args=(end,)) for end in ENDS * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not failures, failures
    gate.wait_no_children(seconds=10)
    check_left_nothing(gate, before)
    assert sorted(open_files(gate.pid)) == files
    assert share_asleep(gate.pid, 0.5) > 0.8
    check_serves(gate)
