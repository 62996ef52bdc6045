# SPDX-License-Identifier: Apache-2.0
"""A gate as the child of a supervisor: --die-with-parent, messages of a failed start, and streams without a reader."""

import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from .backends import HOLD
from .checks import check_serves
from .gate import PROGRAM, run
from .host import descendants
from .http import TOKEN, request
from .packets import PUSH_TYPE
from .polling import wait_until
from .python_package import LIBRARY, python
from .repos import commit, git
from .targets import INFO, PUSH

HANGS = f'[ "$REQUEST_METHOD" = POST ] && {HOLD}'
ENDED = "the process that started git-gate has ended"

# Starts a gate on its main thread, or on one that ends, and then does nothing.
SUPERVISOR = """
import signal, subprocess, sys, threading
thread = threading.Thread(target=subprocess.Popen, args=(sys.argv[2:],))
thread.start() if sys.argv[1] == "thread" else thread.run()
thread.join() if sys.argv[1] == "thread" else None
while True:
    signal.pause()
"""
# Becomes a gate after its parent has ended, when another process is its parent.
ORPHAN = """
import os, sys, time
parent = os.getpid()
if os.fork():
    os._exit(0)
while os.getppid() == parent:
    time.sleep(0.001)
if os.getppid() != 1:
    print("adopted by", os.getppid(), flush=True)
    sys.exit()
os.execv(sys.argv[1], sys.argv[1:])
"""


# A program with a gate. It prints the result of the start, and its signal for its parent's end: prctl(2).
PROGRAM_WITH_A_GATE = """
import asyncio, ctypes, os, sys
from git_gate import GateError, GateServer
gate = GateServer(mirror_root=sys.argv[1], scope="repo", token=sys.argv[2], host="127.0.0.1", port=0,
                  confine=os.environ.get("GIT_GATE_CONFINE", "auto"), die_with_parent=True)
async def start():
    async with gate:
        return "started"
try:
    said = asyncio.run(start())
except GateError as error:
    said = f"{error.code} {error}"
number = ctypes.c_int(-1)
assert ctypes.CDLL(None).prctl(2, ctypes.byref(number)) == 0
print(os.getppid(), number.value, said)
"""


def options(root, *more):
    return [f"--mirror-root={root}", "--scope=repo", *more]


def supervised(how="itself"):
    """For Gate: `process` is a supervisor, and the gate is its child."""
    return (sys.executable, "-c", SUPERVISOR, how, PROGRAM)


def gate_pid(gate):
    """
    Return the one process below the supervisor that is the program, while the supervisor lives.

    It compares the name, as only root can see the environment or the program file of a confined gate.
    """
    pid, = (pid for pid in descendants(gate.pid) if Path(f"/proc/{pid}/comm").read_text() == f"{Path(PROGRAM).name}\n")
    return pid


def kill(gate):
    """Kill the supervisor without a chance to say goodbye. The gate is on its own."""
    gate.process.kill()
    assert gate.wait() == -signal.SIGKILL


def check_stopped(gate, seconds=20):
    """Check that the gate has stopped in an orderly way, because its parent ended."""
    wait_until("the record 'stopped'", lambda: "stopped" in messages(gate), seconds)
    gate.check_ended()
    assert messages(gate).count(ENDED) == 1


def messages(gate):
    return [record["message"] for record in gate.records]


# The end of the parent.

@pytest.mark.parametrize("how", ["itself", "thread"])
def test_ends_with_a_killed_parent(small_root, start_gate, transport, how):
    """The end of the thread that forked changes nothing. The end of the process ends the gate."""
    gate = start_gate(*options(small_root, "--die-with-parent"), transport=transport, program=supervised(how))
    wait_until("one thread is left", lambda: len(list(Path(f"/proc/{gate.pid}/task").iterdir())) == 1)
    assert gate.ask("GET", INFO).status == 200
    assert ENDED not in messages(gate)
    kill(gate)
    check_stopped(gate)


def test_outlives_its_parent_otherwise(small_root, start_gate):
    gate = start_gate(*options(small_root), program=supervised())
    pid = gate_pid(gate)
    kill(gate)
    wait_until("another parent", lambda: f"PPid:\t{gate.pid}\n" not in Path(f"/proc/{pid}/status").read_text())
    assert gate.ask("GET", INFO).status == 200
    os.kill(pid, signal.SIGTERM)
    gate.check_ended()
    assert ENDED not in messages(gate)


def test_running_request_finishes_behind_the_parent(gate_with):
    gate, exec_path = gate_with(HANGS, "--die-with-parent", "--drain-timeout=30", program=supervised())
    with gate.connect() as connection:
        connection.send(request("POST", PUSH, PUSH_TYPE, body=b"0000"))
        wait_until("git has started", lambda: exec_path.runs)
        kill(gate)
        gate.wait_stopped_accepting()
        exec_path.release()
        response = connection.response()
        assert (response.status, response.complete) == (200, True)
    check_stopped(gate)


def test_hanging_request_ends_with_the_drain_timeout(gate_with):
    """Even if its processes ignore SIGTERM."""
    gate, exec_path = gate_with(f"trap '' TERM; {HANGS}", "--die-with-parent", "--drain-timeout=1",
                                program=supervised())
    with gate.connect() as connection:
        connection.send(request("POST", PUSH, PUSH_TYPE, body=b"0000"))
        wait_until("git has started", lambda: exec_path.runs)
        begin = time.monotonic()
        kill(gate)
        check_stopped(gate)
        assert 0.9 < time.monotonic() - begin < 12


@pytest.fixture(params=["parent", "parent in another namespace"])
def any_supervisor(request):
    return supervised() if request.param == "parent" else (*request.getfixturevalue("in_namespace"), PROGRAM)


def test_parent_that_asks_and_goes_does_not_cut_the_drain_short(gate_with, any_supervisor):
    """SIGTERM comes, and then the parent's end. This does not count as a second signal, which would end all at once."""
    gate, exec_path = gate_with(HANGS, "--die-with-parent", "--drain-timeout=30", program=any_supervisor)
    with gate.connect() as connection:
        connection.send(request("POST", PUSH, PUSH_TYPE, body=b"0000"))
        wait_until("git has started", lambda: exec_path.runs)
        os.kill(gate_pid(gate), signal.SIGTERM)
        gate.wait_stopped_accepting()
        kill(gate)
        wait_until("the parent's end is seen", lambda: ENDED in messages(gate))
        exec_path.release()
        assert connection.response().status == 200
    check_stopped(gate)


def test_parent_that_is_gone_already(small_root, start_gate):
    gate = start_gate(*options(small_root, "--die-with-parent"), transport="unix", wait=False,
                      program=(sys.executable, "-c", ORPHAN, PROGRAM))
    assert gate.wait() == 0
    wait_until("the end of the start", lambda: "stopped" in messages(gate) or "adopted" in str(gate.output))
    if "adopted" in gate.output[0]:
        pytest.skip(f"here orphans do not fall to process 1: {gate.output[0]}")
    check_stopped(gate)


# Process 1.

@pytest.fixture
def in_namespace():
    """The words of a command that runs another one as process 1 of a new PID namespace."""
    command = ("bwrap", "--dev-bind", "/", "/", "--proc", "/proc", "--unshare-pid", "--as-pid-1")
    if not shutil.which("bwrap"):
        pytest.skip("needs bwrap(1)")
    attempt = subprocess.run([*command, "true"], capture_output=True, check=False, text=True)
    if attempt.returncode != 0:
        pytest.skip(f"bwrap can make no PID namespace here: {attempt.stderr.strip()}")
    return command


def test_parent_is_process_1(small_root, start_gate, in_namespace):
    """Process 1 adopts orphans, so the parent counts as gone. The exit status is that of a normal stop."""
    shell = ("sh", "-c", '"$@" & wait $!; exit $((100 + $?))', "sh", PROGRAM)
    gate = start_gate(*options(small_root, "--die-with-parent"), wait=False, program=(*in_namespace, *shell))
    assert gate.wait() == 100
    check_stopped(gate)


def test_parent_is_systemd(small_root, start_gate, in_namespace):
    """systemd names the process that it executed. If that is another process, the parent counts as gone."""
    started = 'SYSTEMD_EXEC_PID=$$; export SYSTEMD_EXEC_PID; exec "$@"'
    gate = start_gate(*options(small_root, "--die-with-parent"),
                      program=(*in_namespace, "sh", "-c", 'sh -c "$0" sh "$@" & wait $!; exit 7', started, PROGRAM))
    assert gate.ask("GET", INFO).status == 200
    assert ENDED not in messages(gate)
    pid = gate_pid(gate)
    gate.process.kill()
    gate.wait()
    other = start_gate(*options(small_root, "--die-with-parent"), wait=False, variables={"SYSTEMD_EXEC_PID": "1"},
                       program=(*in_namespace, "sh", "-c", '"$@" & wait $!; exit 7', "sh", PROGRAM))
    assert other.wait() == 7
    check_stopped(other)
    os.kill(pid, signal.SIGTERM)
    gate.check_ended()


def test_parent_in_another_namespace(small_root, start_gate, in_namespace):
    """The parent has no process id here that the gate could watch, so the gate asks the kernel for a signal."""
    gate = start_gate(*options(small_root, "--die-with-parent"), program=(*in_namespace, PROGRAM))
    assert gate.ask("GET", INFO).status == 200
    kill(gate)
    wait_until("the record 'stopped'", lambda: "stopped" in messages(gate))
    gate.check_ended()


def test_signal_of_no_parent(small_root, start_gate):
    """Without --die-with-parent the signal does not mean the parent's end, and kills the gate like any program."""
    gate = start_gate(*options(small_root))
    gate.process.send_signal(signal.SIGRTMIN)
    assert gate.wait() == -signal.SIGRTMIN
    assert ENDED not in messages(gate)


@pytest.mark.skipif(not LIBRARY.exists(), reason=f"needs {LIBRARY}")
def test_library_asks_for_no_signal(small_root, in_namespace):
    """The signal would reach the program, not the gate. So a gate that cannot watch the parent does not start."""
    arguments = ("-c", PROGRAM_WITH_A_GATE, small_root, TOKEN)
    parent, number, said = python(*arguments, within=in_namespace).stdout.split(maxsplit=2)
    assert (parent, number) == ("0", "0") and said.startswith("4 --die-with-parent, but ") and "PID namespace" in said
    assert python(*arguments).stdout == f"{os.getpid()} 0 started\n"


# A start that fails.

@pytest.mark.parametrize("status, option", [(2, "--max-backends=0"), (4, "--listen=127.0.0.1:{port}")])
def test_failed_start_is_no_readiness(small_root, tmp_path, status, option):
    """The exit status tells the cause. No way to wait for the gate mistakes it for a serving one."""
    with socket.create_server(("127.0.0.1", 0)) as taken, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(tmp_path / "notify"))
        result = run("serve", *options(small_root, "--die-with-parent", option.format(port=taken.getsockname()[1])),
                     GIT_GATE_TOKEN=TOKEN, NOTIFY_SOCKET=tmp_path / "notify")
        assert result.returncode == status and result.stdout == "" and result.stderr.count("\n") == 1
        with pytest.raises(BlockingIOError):
            notified.recv(100, socket.MSG_DONTWAIT)


# Streams.

def waiting_bytes(pipe):
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]


def test_standard_input_is_not_read(root, start_gate, tmp_path):
    """A full, open pipe still has all its bytes after a fetch and a push."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    size = os.write(writer, bytes(1 << 20))
    gate = start_gate(*options(root), stdin=reader)
    git("clone", "--quiet", gate.url(), tmp_path / "clone")
    commit(tmp_path / "clone", "file", "new")
    git("push", "--quiet", "origin", "main", cwd=tmp_path / "clone")
    gate.stop()
    assert size > 0 and waiting_bytes(reader) == size
    os.close(reader)
    os.close(writer)


def test_closed_standard_input(small_root, start_gate):
    gate = start_gate(*options(small_root), stdin=None, preexec_fn=lambda: os.close(0))
    check_serves(gate)


def test_supervisor_that_hears_nothing(small_root, start_gate):
    """Nobody reads standard output and standard error any more."""
    reader, writer = os.pipe()
    os.close(reader)
    gate = start_gate(*options(small_root), transport="unix", stdout=writer, stderr=writer, wait=False)
    os.close(writer)
    wait_until("the socket", gate.socket_path.exists)
    gate.set_address(gate.socket_path)
    check_serves(gate)
    gate.stop()
