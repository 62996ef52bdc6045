# SPDX-License-Identifier: Apache-2.0
"""
vsock:CID:PORT in place of a socket's path.

The kernel's loopback (CID 1) stands for the host of a virtual machine. A relay stands for its monitor, which leads a port
to a Unix socket. script/test-kernel runs this on kernels with that loopback.
"""

import contextlib
import socket
import threading

import pytest

from .bridge import Bridge
from .gate import run
from .http import TOKEN
from .remote import URL
from .repos import bare, commit, git, history, out, refs

LOCAL_CID = 1  # VMADDR_CID_LOCAL of vsock(7)
CONNECT_SECONDS = 1
POLL_SECONDS = 0.1
USAGE = 2
COMMITS = 20


def has_loopback():
    """Whether a connection to this machine itself arrives."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_VSOCK) as server, socket.socket(socket.AF_VSOCK) as client:
        server.bind((socket.VMADDR_CID_ANY, socket.VMADDR_PORT_ANY))
        server.listen()
        client.settimeout(CONNECT_SECONDS)
        client.connect((LOCAL_CID, server.getsockname()[1]))
        return True
    return False


@pytest.fixture(scope="module")
def loopback():
    if not has_loopback():
        pytest.skip("needs a kernel with vsock's loopback (vsock_loopback)")


def pass_on(source, sink):
    """Pass one direction on, including its end."""
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def serve(client, path):
    with client, socket.socket(socket.AF_UNIX) as gate:
        gate.connect(str(path))
        up = threading.Thread(target=pass_on, args=(client, gate))
        up.start()
        pass_on(gate, client)
        up.join()


@pytest.fixture
def monitor(loopback):
    """Starts listeners like those of a virtual machine's monitor: ports that lead to a socket. Yields the address."""
    is_over = threading.Event()
    with contextlib.ExitStack() as stack:
        def start(path, port=socket.VMADDR_PORT_ANY):
            server = stack.enter_context(socket.socket(socket.AF_VSOCK))
            server.bind((socket.VMADDR_CID_ANY, port))
            server.listen(64)
            server.settimeout(POLL_SECONDS)

            def accept():
                while not is_over.is_set():
                    with contextlib.suppress(TimeoutError):
                        client, _ = server.accept()
                        client.settimeout(None)
                        threading.Thread(target=serve, args=(client, path), daemon=True).start()
            thread = threading.Thread(target=accept)
            thread.start()
            stack.callback(thread.join)
            stack.callback(is_over.set)
            return f"vsock:{LOCAL_CID}:{server.getsockname()[1]}"
        yield start


@pytest.fixture
def gate(tmp_path, start_gate):
    repo = bare(tmp_path / "mirrors" / "repo.git")
    history(repo, COMMITS)
    return start_gate(f"--mirror-root={repo.parent}", "--scope=repo", transport="unix")


@pytest.mark.parametrize("way", ["environment", "url", "configuration"])
def test_clone_and_push(gate, monitor, tmp_path, way):
    address = monitor(gate.socket_path)
    url = f"{URL}?socket={address}" if way == "url" else URL
    named = {"environment": {"GIT_GATE_SOCKET": address}, "url": {},
             "configuration": {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "gate.socket", "GIT_CONFIG_VALUE_0": address}}[way]
    git("clone", "--quiet", url, tmp_path / "clone", **named)
    commit(tmp_path / "clone", "file", "x" * (4 << 20))
    git("push", "--quiet", "origin", "HEAD:refs/heads/task", cwd=tmp_path / "clone", **named)
    assert refs(tmp_path / "mirrors" / "repo.git")["refs/heads/task"] == out("rev-parse", "HEAD", cwd=tmp_path / "clone")


def test_bridge(gate, monitor, tmp_path):
    bridge = Bridge(monitor(gate.socket_path))
    git("clone", "--quiet", f"http://x:{TOKEN}@127.0.0.1:{bridge.port}/repo.git", tmp_path / "clone")
    assert bridge.stop() == ""


def test_waits_for_a_gate(gate, monitor, tmp_path):
    """Clients wait for a port that nobody listens on yet, as for a socket."""
    with socket.socket(socket.AF_VSOCK) as server:
        server.bind((socket.VMADDR_CID_ANY, socket.VMADDR_PORT_ANY))
        port = server.getsockname()[1]
    timer = threading.Timer(1, monitor, (gate.socket_path, port))
    timer.start()
    assert "refs/heads/main" in out("ls-remote", URL, GIT_GATE_SOCKET=f"vsock:{LOCAL_CID}:{port}", GIT_GATE_WAIT="20")
    timer.join()


def test_nobody_listens(loopback):
    result = git("ls-remote", URL, ok=False, GIT_GATE_SOCKET=f"vsock:{LOCAL_CID}:1", GIT_GATE_WAIT="0")
    assert "git-remote-gate: cannot connect to 'vsock:1:1': " in result.stderr and "is the gate running" in result.stderr


@pytest.mark.parametrize("address", ["vsock:2:9418x", "vsock:2", "vsock:x:9418", "vsock:2:4294967296"])
def test_other_words(tmp_path, address):
    """Other words are no vsock addresses. They count as a path, or get the refusal of HOST:PORT."""
    result = git("ls-remote", URL, ok=False, cwd=tmp_path, GIT_GATE_SOCKET=address, GIT_GATE_WAIT="0")
    assert f"there is no socket '{address}'" in result.stderr or f"'{address}' is an address" in result.stderr


def test_the_gate_itself_takes_none(small_root):
    """The gate listens on a Unix socket, and the monitor leads the port there."""
    result = run("serve", f"--mirror-root={small_root}", "--scope=repo", "--socket=vsock:2:9418")
    assert result.returncode == USAGE and "--socket=vsock:2:9418 is an address" in result.stderr
