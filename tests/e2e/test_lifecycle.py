# SPDX-License-Identifier: Apache-2.0
"""The start and the end of a gate: transports, sockets, readiness, signals, and the fate of running requests."""

import fcntl
import os
import re
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest

from .backends import HOLD
from .checks import check_serves, create
from .gate import PROGRAM, environment, run
from .http import TOKEN, head, request
from .packets import PUSH_TYPE, large_pack, unfinished
from .polling import wait_until
from .repos import bare, git, history, out, refs
from .targets import INFO, PUSH
from .users import ANOTHER, AS_ANOTHER, public_copy, run_as_another

CANNOT_START = 4
HANGS = f'[ "$REQUEST_METHOD" = POST ] && {HOLD}'


def options(root, *more):
    return [f"--mirror-root={root}", "--scope=repo", *more]


# Transports.

def test_repository_alone_listens_on_loopback(small_root, start_gate):
    gate = start_gate(small_root / "repo.git", transport=None)
    assert re.fullmatch(r"listening http://127\.0\.0\.1:[0-9]+", gate.output[0])
    assert gate.ask("GET", INFO).status == 200
    assert gate.ask("GET", "/other.git/HEAD").status == 403


def test_repository_may_be_relative_and_end_in_a_slash(small_root, start_gate):
    for name in ("repo.git", "./repo.git/"):
        gate = start_gate(name, transport=None, cwd=small_root)
        assert gate.ask("GET", INFO).status == 200


def test_repository_with_a_transport(small_root, start_gate):
    assert start_gate(small_root / "repo.git", transport="unix").ask("GET", INFO).status == 200


@pytest.mark.parametrize("host, shown", [("127.0.0.1", "127.0.0.1"), ("[::1]", "[::1]")])
def test_chosen_port_is_printed(small_root, start_gate, host, shown):
    if ":" in host:
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            pytest.skip("this machine has no IPv6 loopback")
    gate = start_gate(*options(small_root, f"--listen={host}:0"), transport=None)
    assert gate.output[0] == f"listening http://{shown}:{gate.port}" and gate.port > 0
    assert "refs/heads/main" in out("ls-remote", gate.url())


def test_given_port_is_taken_and_taken_again(small_root, start_gate):
    """A gate takes its predecessor's port at once, although the kernel still remembers connections there."""
    first = start_gate(*options(small_root))
    connection = first.connect()
    connection.send(head("GET", "/nothing"))
    connection.response()
    first.stop()
    connection.close()
    second = start_gate(*options(small_root, f"--listen=127.0.0.1:{first.port}"), transport=None)
    assert second.port == first.port
    check_serves(second)


def test_socket_is_private_from_the_start(small_root, start_gate):
    """Mode 0600, and 0700 for parents that the gate makes, whatever the umask is."""
    gate = start_gate(*options(small_root), transport="unix", umask=0)
    status = gate.socket_path.stat()
    assert stat.S_ISSOCK(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o600
    assert stat.S_IMODE(gate.socket_path.parent.stat().st_mode) == 0o700
    assert gate.output == [f"listening unix:{gate.socket_path}"]
    gate.stop()
    assert gate.socket_path.parent.is_dir() and not gate.socket_path.exists()


def test_parents_of_the_socket(small_root, start_gate, tmp_path, monkeypatch):
    """The gate makes all missing parents; an existing one keeps its mode."""
    monkeypatch.chdir(tmp_path)
    os.mkdir("there", mode=0o755)
    gate = start_gate(*options(small_root, "--socket=there/a/b/gate.sock"), transport=None, wait=False, cwd=tmp_path)
    wait_until("the line 'listening'", lambda: gate.output)
    modes = [stat.S_IMODE(os.stat(name).st_mode) for name in ("there", "there/a", "there/a/b")]
    assert modes == [0o755, 0o700, 0o700]
    gate.stop()


def test_live_socket_is_refused(small_root, start_gate):
    gate = start_gate(*options(small_root), transport="unix")
    result = run("serve", *options(small_root, f"--socket={gate.socket_path}"), GIT_GATE_TOKEN=TOKEN)
    assert result.returncode == CANNOT_START and "--socket" in result.stderr
    check_serves(gate)


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_anything_else_in_the_place_of_the_socket_is_refused_and_kept(small_root, tmp_path, kind):
    path, target = tmp_path / "gate.sock", tmp_path / "target"
    target.write_text("precious\n")
    make = {"file": path.touch, "folder": path.mkdir, "link": lambda: path.symlink_to(target)}
    make[kind]()
    result = run("serve", *options(small_root, f"--socket={path}"), GIT_GATE_TOKEN=TOKEN)
    assert result.returncode == CANNOT_START and "--socket" in result.stderr and result.stdout == ""
    assert {"file": path.is_file, "folder": path.is_dir, "link": path.is_symlink}[kind]()
    assert target.read_text() == "precious\n"


def test_stale_socket_is_replaced(small_root, start_gate):
    """A killed gate's socket must not keep the next gate from starting."""
    first = start_gate(*options(small_root), transport="unix")
    first.process.kill()
    first.wait()
    assert first.socket_path.exists()
    second = start_gate(*options(small_root, f"--socket={first.socket_path}"), transport=None)
    check_serves(second)
    second.stop()
    assert not first.socket_path.exists()


def test_socket_of_somebody_else_is_not_removed_at_the_end(small_root, start_gate):
    """Another program has taken the path over. The gate must not remove that socket."""
    gate = start_gate(*options(small_root), transport="unix")
    gate.socket_path.unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(gate.socket_path))
        gate.signal()
        assert gate.wait() == 0
        assert gate.socket_path.exists()


def test_inherited_socket(small_root, start_gate):
    """LISTEN_FDS, as systemd hands it over: descriptor 3, meant for this very process."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def place():
            os.dup2(listener.fileno(), 3, inheritable=True)
        gate = start_gate(*options(small_root), transport=None, pass_fds=(3,), preexec_fn=place,
                          program=("sh", "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"', "sh", PROGRAM))
        assert gate.port == listener.getsockname()[1]
        check_serves(gate)
        assert "refs/heads/main" in out("ls-remote", gate.url())


def test_inherited_socket_that_is_shut_down(small_root, start_gate, tmp_path):
    """Its owner shuts the socket down, so nobody can connect. The gate notices, and does not spin."""
    for family, address in ((socket.AF_INET, ("127.0.0.1", 0)), (socket.AF_UNIX, str(tmp_path / "socket"))):
        with socket.create_server(address, family=family) as listener:
            def place(fd=listener.fileno()):
                os.dup2(fd, 3, inheritable=True)
            gate = start_gate(*options(small_root), transport=None, pass_fds=(3,), preexec_fn=place,
                              program=("sh", "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"', "sh", PROGRAM))
            listener.shutdown(socket.SHUT_RDWR)
            assert gate.wait() == 0, family
            assert [record for record in gate.records if record["message"].startswith("the socket was shut down")]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository to another user")
def test_trust_owner(tmp_path, start_gate):
    """
    The gate serves a mirror of another user only on demand, whatever HOME says about safe folders.

    Every user may write to it, as a confined gate cannot bypass modes as root does.
    """
    mirror = bare(tmp_path / "repo.git")
    history(mirror, 1)
    for path in (mirror, *mirror.rglob("*")):
        os.chown(path, 12345, 12345)
        path.chmod(0o777)
    assert "refs/heads/main" in out("ls-remote", start_gate(*options(tmp_path, "--trust-owner")).url())
    result = run("serve", "--listen=127.0.0.1:0", *options(tmp_path), GIT_GATE_TOKEN=TOKEN)
    assert result.returncode == 2
    assert 0 < result.stderr.find("run git-gate as its owner, uid 12345") < result.stderr.find("--trust-owner")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository to another user")
@pytest.mark.parametrize("mode, offered", [(0o700, ""), (0o755, ", or add --trust-owner --read-only for fetches alone"),
                                           (0o777, ", or add --trust-owner")])
@pytest.mark.parametrize("user", [0, ANOTHER])
def test_trust_owner_is_offered_where_it_helps(start_gate, mode, offered, user):
    """The message offers it to root too, as confined root is a user like any other. The offered option does help."""
    with tempfile.TemporaryDirectory() as name, public_copy(PROGRAM) as program:
        root = Path(name)
        root.chmod(0o755)
        mirror = bare(root / "repo.git")
        history(mirror, 1)
        for path in (mirror, *mirror.rglob("*")):
            os.chown(path, 12345, 12345)
            path.chmod(mode)
        arguments = ["serve", "--listen=127.0.0.1:0", *options(root)]
        variables = {"GIT_GATE_TOKEN": TOKEN, "SUDO_UID": "12345"}
        result = run_as_another(program, *arguments, env=environment(**variables)) if user else run(*arguments, **variables)
        assert result.returncode == 2
        if user == 0:
            assert result.stderr.endswith(f"owner, uid 12345, without sudo, or give it to uid 0 with chown -R{offered}\n")
        else:
            assert result.stderr.rstrip("\n").endswith(offered) and ("--trust-owner" in result.stderr) == bool(offered)
        if offered:
            gate = start_gate(*options(root), *(["--trust-owner"] if mode == 0o777 else ["--trust-owner", "--read-only"]),
                              program=(program,), **(AS_ANOTHER if user else {}))
            assert "refs/heads/main" in out("ls-remote", gate.url())
            assert not [record for record in gate.records if record["level"] == "warning"]


@pytest.mark.parametrize("at", ["the root", "the repository", "HEAD"])
def test_repository_that_may_not_be_read(at):
    """The sentence names the denial and the user who could serve. It does not deny that the repository exists."""
    with tempfile.TemporaryDirectory() as name, public_copy(PROGRAM) as program:
        root = Path(name)
        repository = bare(root / "repo.git")
        root.chmod(0o711)
        closed = {"the root": root, "the repository": repository, "HEAD": repository / "HEAD"}[at]
        closed.chmod(0o700 if closed.is_dir() else 0o600)
        for arguments in ([repository], options(root, "--listen=127.0.0.1:0")):
            result = run_as_another(program, "serve", "--confine=off", *arguments, env=environment(GIT_GATE_TOKEN=TOKEN))
            assert (result.returncode, result.stdout) == (2, "")
            assert "permission denied" in result.stderr and f"this is uid {ANOTHER}" in result.stderr, result.stderr
            assert f"'{closed}' belongs to uid 0" in result.stderr and "run git-gate as its owner, uid 0" in result.stderr


# Streams.

def test_closed_standard_output_does_not_end_it(small_root, start_gate):
    """Maybe nobody is there to read the line."""
    reader, writer = os.pipe()
    os.close(reader)
    gate = start_gate(*options(small_root), transport="unix", stdout=writer, wait=False)
    os.close(writer)
    wait_until("the socket", gate.socket_path.exists)
    gate.set_address(gate.socket_path)
    wait_until("connections are accepted", lambda: can_connect(gate))
    check_serves(gate)


def test_closed_standard_error_does_not_end_it(small_root, start_gate):
    reader, writer = os.pipe()
    os.close(reader)
    gate = start_gate(*options(small_root), stderr=writer)
    os.close(writer)
    assert gate.ask("GET", INFO, token=None).status == 401
    check_serves(gate)


def test_log_that_nobody_reads_does_not_stop_it(small_root, start_gate):
    """A pipe holds 64 KiB. Then the gate drops records, and serves as before."""
    reader, writer = os.pipe()
    gate = start_gate(*options(small_root), stderr=writer)
    os.close(writer)
    with gate.connect() as connection:
        for _ in range(20):
            connection.send(head("GET", "/" + "x" * 200) * 100)
            for _ in range(100):
                assert connection.response().status == 404
    check_serves(gate)
    gate.stop()
    os.close(reader)


def can_connect(gate):
    try:
        gate.connect().close()
    except OSError:
        return False
    return True


# Ends.

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_idle_gate_ends_at_once(small_root, start_gate, transport, number):
    """A kept connection without a request does not delay the end."""
    gate = start_gate(*options(small_root, "--drain-timeout=30"), transport=transport)
    with gate.connect() as silent, gate.connect() as kept:
        kept.send(head("GET", "/nothing"))
        assert kept.response().status == 404
        begin = time.monotonic()
        gate.signal(number)
        assert gate.wait() == 0
        assert time.monotonic() - begin < 5
        assert silent.is_closed() and kept.is_closed()
    gate.check_ended()


def test_running_clone_finishes(gate_with, transport, tmp_path):
    """SIGTERM comes while git works for a clone: the gate takes no new connection, and the clone is whole."""
    gate, exec_path = gate_with(HANGS, "--drain-timeout=30", transport=transport)
    clone = subprocess.Popen(["git", "-c", "protocol.version=0", "clone", "--quiet", gate.url(), tmp_path / "clone"],
                             env=os.environ | {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"})
    try:
        wait_until("the clone waits for git", lambda: any(run.startswith("POST") for run in exec_path.runs))
        gate.signal()
        gate.wait_stopped_accepting()
        assert gate.process.poll() is None
        exec_path.release()
        assert clone.wait(timeout=30) == 0
    finally:
        clone.kill()
        clone.wait()
    assert gate.wait() == 0
    gate.check_ended()
    git("fsck", cwd=tmp_path / "clone")


@pytest.mark.parametrize("size", ["small", "large"])
def test_running_push_finishes(tmp_path, start_gate, size):
    """SIGTERM comes in the middle of the body. The rest still goes in, even of a small body without a git yet."""
    mirror = bare(tmp_path / "repo.git")
    history(mirror, 1)
    gate = start_gate(*options(tmp_path, "--drain-timeout=30"))
    body = create(tmp_path, pack=large_pack(1 << 20) if size == "large" else None)
    data = request("POST", PUSH, PUSH_TYPE, body=body)
    with gate.connect() as connection:
        connection.send(data[:-20])
        if size == "large":
            wait_until("git has started", gate.children)
        else:
            wait_until("the head has come", lambda: any(record.get("state") == "body" for record in gate.records))
        gate.signal()
        gate.wait_stopped_accepting()
        connection.send(data[-20:])
        response = connection.response()
        assert (response.status, response.complete) == (200, True)
        assert connection.is_closed()
    assert gate.wait() == 0
    gate.check_ended()
    assert "refs/heads/new" in refs(mirror)


@pytest.mark.parametrize("stubborn", [False, True])
def test_hanging_request_ends_with_the_drain_timeout(gate_with, stubborn):
    """Even if its processes ignore SIGTERM: they get SIGKILL, at most five seconds later."""
    trap = "trap '' TERM; " if stubborn else ""
    gate, exec_path = gate_with(trap + HANGS, "--drain-timeout=1")
    with gate.connect() as connection:
        connection.send(request("POST", PUSH, PUSH_TYPE, body=b"0000"))
        wait_until("git has started", lambda: exec_path.runs)
        begin = time.monotonic()
        gate.signal()
        assert gate.wait() == 0
        seconds = time.monotonic() - begin
        assert (0.9 < seconds < 5) or (stubborn and 0.9 < seconds < 12)
    gate.check_ended()


def test_second_signal_ends_at_once(gate_with):
    gate, exec_path = gate_with(f"trap '' TERM; {HANGS}", "--drain-timeout=60", transport="unix")
    with gate.connect() as connection:
        connection.send(request("POST", PUSH, PUSH_TYPE, body=b"0000"))
        wait_until("git has started", lambda: exec_path.runs)
        gate.signal()
        gate.wait_stopped_accepting()
        assert gate.process.poll() is None
        begin = time.monotonic()
        gate.signal(signal.SIGINT)
        assert gate.wait() == 0
        assert time.monotonic() - begin < 3
    gate.check_ended()


def test_queued_requests_do_not_hang_at_the_end(gate_with):
    """A request that waits for room when SIGTERM comes gets an answer or the end of its connection, in time."""
    gate, exec_path = gate_with(HANGS, "--max-backends=1", "--drain-timeout=1")
    with gate.connect() as first, gate.connect() as second:
        first.send(request("POST", PUSH, PUSH_TYPE, body=b"0000"))
        wait_until("git has started", lambda: exec_path.runs)
        second.send(head("GET", INFO))
        gate.signal()
        assert gate.wait(10) == 0
        answer = second.rest()
        assert answer == b"" or answer.startswith(b"HTTP/1.1 ")
    gate.check_ended()


@pytest.mark.parametrize("what", ["stalled push", "stalled git", "hanging hook"])
def test_death_of_the_gate_takes_its_processes_along(gate_with, root, pre_receive, scratch, what):
    """Killed without a chance to clean up, as by the kernel when memory is short."""
    hook = pre_receive(f"touch '{scratch}/hook'; exec sleep 600")
    gate, exec_path = gate_with(HANGS if what == "stalled git" else "", hook)
    with gate.connect() as connection:
        if what == "hanging hook":
            connection.send(request("POST", PUSH, PUSH_TYPE, body=create(root)))
            wait_until("the hook runs", (scratch / "hook").exists)
        else:
            connection.send(head("POST", PUSH, PUSH_TYPE, "Content-Length: 100000") + unfinished())
            wait_until("git has started", lambda: exec_path.runs)
        gate.process.kill()
        gate.wait()
        gate.wait_no_children(seconds=10)


def test_start_and_stop_in_a_row(small_root, start_gate):
    """Early signals find the gate in any state of its start; none may crash it."""
    for milliseconds in (0, 1, 2, 4, 8, 16, 32, 64):
        gate = start_gate(*options(small_root), wait=False)
        timer = threading.Timer(milliseconds / 1000, gate.signal)
        timer.start()
        status = gate.wait()
        timer.join()
        assert status in (0, -signal.SIGTERM), "".join(gate.lines)


def test_hook_that_git_passes_over(small_root, start_gate, tmp_path):
    """A hook is not executable by mistake. Nobody but the gate reports that before somebody misses the hook."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "update").write_text("#!/bin/sh\nexit 1\n")
    gate = start_gate(*options(small_root, f"--hooks-path={hooks}"))
    warning, = (record for record in gate.records if record["level"] == "warning" and "skips" in record["message"])
    assert warning["hook"] == "update" and "chmod +x" in warning["message"]
    (hooks / "update").chmod(0o755)
    other = start_gate(*options(small_root, f"--hooks-path={hooks}"))
    assert not [record for record in other.records if "skips" in record["message"]]


def test_repository_that_cannot_be_written_to(small_root, start_gate):
    """Otherwise a push would fail, with git's words only in the log."""
    script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    read_only = ("unshare", "--mount", "sh", "-c", script, str(small_root))
    if subprocess.run([*read_only, "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("needs the right to make a mount namespace")
    for more, n_expected in ((), 1), (("--read-only",), 0):
        gate = start_gate(*options(small_root, *more), program=(*read_only, PROGRAM))
        gate.stop()
        assert len([record for record in gate.records if "pushes will fail" in record["message"]]) == n_expected


def test_lock_on_the_socket_folder_does_not_keep_it_from_starting(small_root, start_gate):
    """A container with a read-only mount can lock the folder. The gate still tells a stale socket from a live one."""
    first = start_gate(*options(small_root), transport="unix")
    folder = os.open(first.socket_path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_SH)
        result = run("serve", *options(small_root, f"--socket={first.socket_path}"), GIT_GATE_TOKEN=TOKEN)
        assert result.returncode == CANNOT_START and "in use by another program" in result.stderr
        check_serves(first)
        first.process.kill()
        first.wait()
        second = start_gate(*options(small_root, f"--socket={first.socket_path}"), transport=None)
        check_serves(second)
        assert [record for record in second.records if "holds a lock" in record["message"]]
        second.stop()
    finally:
        os.close(folder)
    assert not first.socket_path.exists()
