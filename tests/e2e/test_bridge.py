# SPDX-License-Identifier: Apache-2.0
"""git-gate bridge: a loopback port that leads to a gate's socket, before a gate starts and after it starts anew."""

import contextlib
import os
import re
import resource
import signal
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from .bridge import HELPER, PROGRAM, Bridge
from .gate import run
from .host import connections, open_files, reset, share_asleep, spare_descriptors
from .http import TOKEN, Connection, head, request
from .polling import wait_until
from .repos import commit, git, out, refs
from .targets import INFO

USAGE, START = 2, 4
PATIENCE_SECONDS = 1
MAX_CLIENTS = 256
MUCH_BYTES = 64 << 20
REST = 5  # descriptors without any client: three streams, signals, the port


@pytest.fixture
def bridges():
    """Starts bridges, and stops and checks them at the end."""
    with contextlib.ExitStack() as stack:
        def start(path, **named):
            bridge = Bridge(path, **named)
            stack.callback(bridge.stop)
            return bridge
        yield start


@pytest.fixture
def gate(small_root, start_gate):
    return start_gate(f"--mirror-root={small_root}", "--scope=repo", transport="unix")


@pytest.fixture
def listener(tmp_path):
    """A Unix socket in place of a gate, under the test's control; yields it with its path."""
    path = tmp_path / "stand-in.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(MAX_CLIENTS * 2)
        server.settimeout(20)
        yield server, path


def ask(bridge, target=INFO, **named):
    with Connection(bridge.address, **named) as connection:
        connection.send(request("GET", target))
        return connection.response()


def memory_kib(pid, kind="VmHWM"):
    return int(re.search(rf"{kind}:\s+([0-9]+) kB", Path(f"/proc/{pid}/status").read_text()).group(1))


@pytest.fixture
def is_sanitized():
    return b"__asan_init" in HELPER.read_bytes()


@pytest.mark.parametrize("program", ["verb", "link"])
def test_clone_and_push(program, root, start_gate, bridges, tmp_path):
    """The verb of git-gate, and the static program under its other name."""
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", transport="unix")
    (tmp_path / "git-gate-bridge").symlink_to(HELPER)
    bridge = bridges(gate.socket_path,
                     program=(PROGRAM, "bridge") if program == "verb" else (tmp_path / "git-gate-bridge",))
    url = f"http://x:{TOKEN}@127.0.0.1:{bridge.port}/repo.git"
    git("clone", "--quiet", url, tmp_path / "work")
    tip = commit(tmp_path / "work", "new", "text\n")
    git("push", "--quiet", "origin", "main", cwd=tmp_path / "work")
    assert refs(root / "repo.git")["refs/heads/main"] == tip


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "127.1.2.3:0", "localhost:0", "[::1]:0"])
def test_addresses_of_the_loopback(gate, bridges, listen):
    assert ask(bridges(gate.socket_path, listen=listen)).status == 200


@pytest.mark.parametrize("arguments, status, words", [
    (["--listen=0.0.0.0:0"], USAGE, ["loopback", "127.0.0.1:PORT"]),
    (["--listen=[::]:0"], USAGE, ["loopback"]),
    (["--listen=example.org:80"], USAGE, ["loopback"]),
    (["--listen=127.0.0.1"], USAGE, ["HOST:PORT"]),
    ([], USAGE, ["--listen"]),
    (["--listen"], USAGE, ["--listen", "needs a value"]),
    (["--listen="], USAGE, ["--listen", "needs a value"]),
    (["--listen=127.0.0.1:0", "--port=1"], USAGE, ["--port is not an option", "--help"]),
    (["--listen=127.0.0.1:0", "/run/x"], USAGE, ["--socket=PATH"]),
    (["--listen=127.0.0.1:0", f"--socket=/{'x' * 120}"], USAGE, ["107 bytes", "--socket=PATH"]),
])
def test_usage(arguments, status, words):
    result = run("bridge", *arguments)
    assert (result.returncode, result.stdout) == (status, "") and result.stderr.count("\n") == 1
    for word in words:
        assert word in result.stderr, result.stderr


def test_port_in_use(gate, bridges):
    first = bridges(gate.socket_path)
    result = run("bridge", f"--listen=127.0.0.1:{first.port}", f"--socket={gate.socket_path}")
    assert result.returncode == START and "--listen" in result.stderr and "another port" in result.stderr


def test_help():
    assert run("bridge", "--help").stdout.startswith("usage: git-gate bridge --listen=HOST:PORT")


def test_socket_of_the_environment(gate):
    with subprocess.Popen(["git-gate-bridge", "--listen=127.0.0.1:0"], executable=HELPER, stdout=subprocess.PIPE,
                          env={**os.environ, "GIT_GATE_SOCKET": str(gate.socket_path)}) as process:
        try:
            port = int(process.stdout.readline().decode().rsplit(":", 1)[1])
            with Connection(("127.0.0.1", port)) as connection:
                connection.send(request("GET", INFO))
                assert connection.response().status == 200
        finally:
            process.terminate()
        assert process.wait(timeout=10) == 0


# Bytes and ends.

def test_kept_connection(gate, bridges):
    with Connection(bridges(gate.socket_path).address) as connection:
        for _ in range(5):
            connection.send(request("GET", INFO))
            assert connection.response().complete


def test_client_that_shuts_its_sending_side_gets_its_answer(gate, bridges):
    with Connection(bridges(gate.socket_path).address) as connection:
        connection.send(request("GET", INFO))
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.response().complete and connection.is_closed()


def test_end_of_the_gate_is_passed_on(gate, bridges):
    with Connection(bridges(gate.socket_path).address) as connection:
        connection.send(head("GET", INFO, "Connection: close"))
        assert connection.response().complete and connection.is_closed()


def test_half_closes_in_both_orders(listener, bridges):
    server, path = listener
    bridge = bridges(path)
    for first in ("client", "gate"):
        with Connection(bridge.address) as client:
            gate, _ = server.accept()
            with gate:
                near, far = (client.socket, gate) if first == "client" else (gate, client.socket)
                near.sendall(b"first")
                near.shutdown(socket.SHUT_WR)
                far.settimeout(20)
                assert far.recv(100) == b"first" and far.recv(100) == b""
                far.sendall(b"second")
                far.shutdown(socket.SHUT_WR)
                assert near.recv(100) == b"second" and near.recv(100) == b""
    wait_until("the connections are gone", lambda: len(open_files(bridge.pid)) == REST)


def test_reset_of_a_client_reaches_the_gate(listener, bridges):
    server, path = listener
    bridge = bridges(path)
    client = Connection(bridge.address)
    gate, _ = server.accept()
    with gate:
        client.send(b"question")
        assert gate.recv(100) == b"question"
        reset(client)
        gate.settimeout(20)
        assert gate.recv(100) == b""


@pytest.mark.parametrize("way", ["up", "down"])
def test_back_pressure(listener, bridges, way, is_sanitized):
    """A client that does not read slows the other side down: the bridge holds little, and loses nothing."""
    server, path = listener
    bridge = bridges(path)
    with Connection(bridge.address) as client:
        gate, _ = server.accept()
        with gate:
            source, sink = (client.socket, gate) if way == "up" else (gate, client.socket)
            source.settimeout(0.5)
            sent = 0
            piece = bytes(1 << 16)
            with contextlib.suppress(TimeoutError):
                while sent < MUCH_BYTES:
                    sent += source.send(piece)
            assert sent < MUCH_BYTES, "somebody keeps all of it"
            assert is_sanitized or memory_kib(bridge.pid) < 4096
            source.shutdown(socket.SHUT_WR)
            sink.settimeout(20)
            received = 0
            while data := sink.recv(1 << 16):
                received += len(data)
            assert received == sent


def test_much_in_both_directions_at_once(listener, bridges):
    server, path = listener
    bridge = bridges(path)

    def send(sock):
        sock.sendall(bytes(MUCH_BYTES))
        sock.shutdown(socket.SHUT_WR)

    def receive(sock, totals):
        total = 0
        while data := sock.recv(1 << 16):
            total += len(data)
        totals.append(total)
    with Connection(bridge.address) as client:
        gate, _ = server.accept()
        with gate:
            gate.settimeout(60)
            client.socket.settimeout(60)
            totals = []
            threads = [threading.Thread(target=work, args=arguments, daemon=True) for sock in (gate, client.socket)
                       for work, arguments in ((send, (sock,)), (receive, (sock, totals)))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(timeout=60)
            assert totals == [MUCH_BYTES, MUCH_BYTES]


# Gates that are not there.

def test_starts_before_the_gate(small_root, start_gate, bridges, tmp_path):
    """A client that comes before the gate waits, and the gate then serves it."""
    path = tmp_path / "run" / "gate.sock"
    path.parent.mkdir(mode=0o700)
    bridge = bridges(path)
    with Connection(bridge.address) as connection:
        connection.send(request("GET", INFO))
        gate = start_gate(f"--mirror-root={small_root}", "--scope=repo", f"--socket={path}", transport=None)
        assert connection.response().status == 200
    gate.stop()


def test_gate_that_starts_anew(small_root, start_gate, bridges, tmp_path):
    path = tmp_path / "run" / "gate.sock"
    options = [f"--mirror-root={small_root}", "--scope=repo", f"--socket={path}"]
    gate = start_gate(*options, transport=None)
    bridge = bridges(path)
    kept = Connection(bridge.address)
    kept.send(request("GET", INFO))
    assert kept.response().status == 200
    gate.stop()
    assert kept.is_closed(), "a connection to the old gate ends"
    kept.close()
    gate = start_gate(*options, transport=None)
    assert ask(bridge).status == 200
    gate.signal(signal.SIGKILL)
    gate.wait()
    gate = start_gate(*options, transport=None)
    assert ask(bridge).status == 200, "the stale socket of one that was killed is replaced"
    gate.stop()


def test_no_gate_for_too_long(tmp_path):
    """After the wait the bridge says once why it failed. It still finds the next gate."""
    bridge = Bridge(tmp_path / "none.sock", variables={"GIT_GATE_WAIT": str(PATIENCE_SECONDS)})
    clients = [Connection(bridge.address) for _ in range(3)]
    for client in clients:
        assert client.is_closed()
        client.close()
    said = bridge.stop()
    assert said.count("\n") == 1 and "there is no socket" in said and "--socket=PATH" in said


def test_socket_of_another_kind(tmp_path):
    """The bridge does not wait where waiting cannot help."""
    path = tmp_path / "datagrams.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(path))
        bridge = Bridge(path, variables={"GIT_GATE_WAIT": "3600"})
        with Connection(bridge.address) as client:
            assert client.is_closed()
        assert "is not a socket of a gate" in bridge.stop()


def test_address_in_the_place_of_the_socket():
    result = run("bridge", "--listen=127.0.0.1:0", "--socket=127.0.0.1:9418")
    assert result.returncode == USAGE and "'127.0.0.1:9418' is an address" in result.stderr and "--listen" in result.stderr


def test_secret_in_the_wrong_place():
    result = run("bridge", f"--token={TOKEN}")
    assert result.returncode == USAGE and TOKEN not in result.stderr and "--token" in result.stderr


# Crowds, shortages, and the end.

def test_many_connections(gate, bridges, is_sanitized):
    """A hundred silent clients cost little, and the bridge serves others beside them."""
    bridge = bridges(gate.socket_path)
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(Connection(bridge.address))
        wait_until("all are connected", lambda: connections(bridge.pid) >= 200)
        assert ask(bridge).status == 200
        assert is_sanitized or memory_kib(bridge.pid) < 4096
    wait_until("all of them are gone", lambda: len(open_files(bridge.pid)) == REST)


def test_more_than_it_takes_at_once_wait(listener, bridges):
    server, path = listener
    bridge = bridges(path)
    soft, hard = resource.prlimit(bridge.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(bridge.pid, resource.RLIMIT_NOFILE, (max(soft, 3 * MAX_CLIENTS), hard))
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Connection(bridge.address)) for _ in range(MAX_CLIENTS + 1)]
        gates = [stack.enter_context(server.accept()[0]) for _ in range(MAX_CLIENTS)]
        clients[-1].send(b"the last one")
        server.settimeout(0.2)
        with pytest.raises(TimeoutError):
            server.accept()
        clients[0].close()
        gates[0].close()
        server.settimeout(20)
        with server.accept()[0] as late:
            assert late.recv(100) == b"the last one"


def test_out_of_descriptors(gate, bridges):
    """The bridge neither ends nor spins, and goes on when there are descriptors again."""
    bridge = bridges(gate.socket_path)
    with spare_descriptors(bridge.pid, 0), Connection(bridge.address) as waiting:
        waiting.send(request("GET", INFO))
        assert share_asleep(bridge.pid, 0.3) > 0.5 and not connections(bridge.pid)
    assert ask(bridge).status == 200


def test_fewer_descriptors_than_clients(bridges, tmp_path):
    """Clients that wait for a gate have one descriptor each, and do not end the bridge."""
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
    path = tmp_path / "none.sock"
    bridge = bridges(path, preexec_fn=few)
    with contextlib.ExitStack() as stack:
        for _ in range(150):
            stack.enter_context(Connection(bridge.address))
        wait_until("as many as may be are accepted", lambda: connections(bridge.pid) > 100)
        assert share_asleep(bridge.pid, 0.5) > 0.5 and bridge.process.poll() is None


def test_no_client_is_dropped_for_want_of_descriptors(listener, bridges):
    """Clients without a second descriptor wait until there is one."""
    server, path = listener

    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
    bridge = bridges(path, preexec_fn=few)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Connection(bridge.address)) for _ in range(30)]
        for i, client in enumerate(clients):
            client.send(b"%02d" % i)
        served = set()
        while len(served) < len(clients):
            gate, _ = server.accept()
            with gate:
                gate.settimeout(20)
                served.add(gate.recv(2))
                gate.sendall(b"ok")
            clients[int(max(served, key=int))].wait_for(b"ok")
            for client in [clients[int(name)] for name in served]:
                client.close()
        assert len(served) == 30


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_with_much_to_move(listener, bridges, number):
    """The bridge notices signals although it never waits."""
    server, path = listener
    bridge = Bridge(path)
    stop = threading.Event()

    def pour(sock):
        with contextlib.suppress(OSError):
            while not stop.is_set():
                sock.sendall(bytes(1 << 16))

    def drain(sock):
        with contextlib.suppress(OSError):
            while not stop.is_set() and sock.recv(1 << 16):
                pass
    with contextlib.ExitStack() as stack:
        threads = []
        for _ in range(40):
            client = stack.enter_context(Connection(bridge.address)).socket
            client.sendall(b"question")  # otherwise the bridge would wait for it
            gate = stack.enter_context(server.accept()[0])
            gate.settimeout(20)
            threads += [threading.Thread(target=pour, args=(client,), daemon=True),
                        threading.Thread(target=drain, args=(gate,), daemon=True)]
        for thread in threads:
            thread.start()
        bridge.process.send_signal(number)
        assert bridge.process.wait(timeout=10) == 0
        stop.set()
        for thread in threads:
            thread.join(timeout=20)


def test_answer_of_a_gate_that_went(listener, bridges):
    """A client that goes on sending, unaware that the gate is gone, still gets the whole answer."""
    server, path = listener
    bridge = bridges(path)
    answer = bytes(1 << 20)
    with Connection(bridge.address) as client:
        gate, _ = server.accept()
        client.send(bytes(1 << 18))

        def say():
            with gate:
                gate.sendall(answer)
        thread = threading.Thread(target=say, daemon=True)
        thread.start()
        received = 0
        client.socket.settimeout(20)
        while data := client.socket.recv(1 << 16):
            received += len(data)
            with contextlib.suppress(OSError):
                client.socket.send(bytes(100))
        thread.join(timeout=20)
        assert received == len(answer)
    wait_until("the connection is gone", lambda: len(open_files(bridge.pid)) == REST)


def test_client_that_goes_on_sending_is_not_kept(listener, bridges):
    """A client that does not read gets a moment to read the answer, and no more."""
    server, path = listener
    bridge = bridges(path)
    with Connection(bridge.address) as client:
        gate, _ = server.accept()
        gate.close()
        assert client.is_closed()
        wait_until("the connection is gone", lambda: len(open_files(bridge.pid)) == REST)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_cleanly(gate, number):
    """The bridge ends at once, even with clients connected, and leaves nothing."""
    bridge = Bridge(gate.socket_path)
    with Connection(bridge.address) as client:
        client.send(request("GET", INFO))
        assert client.response().status == 200
        bridge.process.send_signal(number)
        assert bridge.stop() == ""
        assert client.is_closed()
    with pytest.raises(ConnectionRefusedError):
        Connection(bridge.address)
    again = Bridge(gate.socket_path, listen=f"127.0.0.1:{bridge.port}")
    assert ask(again).status == 200
    again.stop()


def test_standard_output_that_nobody_reads(gate):
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen([PROGRAM, "bridge", "--listen=127.0.0.1:0", f"--socket={gate.socket_path}"], stdout=writer,
                          stderr=subprocess.PIPE) as process:
        os.close(writer)
        wait_until("it listens", lambda: any(name.startswith("socket:") for name in open_files(process.pid)))
        assert process.poll() is None
        process.terminate()
        assert process.wait(timeout=10) == 0


def test_clone_by_a_bridge_in_a_crowd(gate, bridges, tmp_path):
    bridge = bridges(gate.socket_path)
    url = f"http://x:{TOKEN}@127.0.0.1:{bridge.port}/repo.git"
    script = 'for i in 1 2 3 4 5 6 7 8; do git clone --quiet "$0" "clone$i" & pids="$pids $!"; done\n' \
             'for pid in $pids; do wait "$pid" || exit 1; done'
    result = subprocess.run(["sh", "-c", script, url], cwd=tmp_path, capture_output=True, text=True, check=False,
                            timeout=60)
    assert result.returncode == 0, result.stderr
    assert {out("rev-list", "--count", "HEAD", cwd=tmp_path / f"clone{i}") for i in range(1, 9)} == {"3"}
