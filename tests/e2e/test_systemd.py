# SPDX-License-Identifier: Apache-2.0
"""A gate under systemd: its messages, its socket from systemd, and the shipped units."""

import functools
import os
import re
import shlex
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from .backends import HOLD
from .bridge import PASSED_ON
from .checks import check_serves
from .gate import PROGRAM, environment
from .host import failing, stat_fields
from .http import TOKEN, head, request
from .packets import PUSH_TYPE
from .polling import POLL_SECONDS, wait_until
from .recipes import recipes
from .repos import out
from .targets import INFO, PUSH

UNITS = Path(__file__).resolve().parents[2] / "systemd"
HANGS = f'[ "$REQUEST_METHOD" = POST ] && {HOLD}'
AT_REST = "0 connections, 0 requests running, 0 queued"


def options(root, *more):
    return [f"--mirror-root={root}", "--scope=repo", *more]


def needs(program):
    return pytest.mark.skipif(not shutil.which(program), reason=f"needs {program}(1), of the package systemd")


class Notified:
    """A socket in place of systemd's. Each datagram has one variable a line."""

    def __init__(self, path):
        self.path = path
        self.heard = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))

    def messages(self):
        """All messages so far, each with the time when it was first seen."""
        while True:
            try:
                text = self.socket.recv(4096, socket.MSG_DONTWAIT).decode()
            except BlockingIOError:
                return self.heard
            self.heard.append((time.monotonic(), dict(line.split("=", 1) for line in text.split("\n"))))

    def fill(self):
        """Fill the socket, as if systemd did not read and other services had used up all room."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as others:
            others.connect(str(self.path))
            with pytest.raises(BlockingIOError):
                while True:
                    others.send(b"OTHERS=1", socket.MSG_DONTWAIT)

    def values(self, name):
        return [message[name] for _, message in self.messages() if name in message]

    def times(self, name):
        return [when for when, message in self.messages() if name in message]

    def wait_for(self, name, value, seconds=10.0):
        wait_until(f"{name}={value}", lambda: value in self.values(name), seconds)


@pytest.fixture
def notified(tmp_path):
    listener = Notified(tmp_path / "notify")
    yield listener
    listener.socket.close()


# Messages to systemd.

def test_words_in_their_order(small_root, start_gate, notified):
    """READY=1 comes once the gate accepts connections, STOPPING=1 when it stops doing so, each once, counts between."""
    gate = start_gate(*options(small_root), variables={"NOTIFY_SOCKET": notified.path})
    notified.wait_for("READY", "1")
    assert gate.ask("GET", "/nothing").status == 404
    gate.stop()
    heard = [message for _, message in notified.messages()]
    assert heard[0] == {"READY": "1", "STATUS": AT_REST} and heard[-1]["STOPPING"] == "1"
    assert [set(message) for message in heard[1:-1]] == [{"STATUS"}] * (len(heard) - 2)
    assert heard[-1]["STATUS"].startswith("stopping, ")


def test_ready_is_not_lost(small_root, start_gate, notified):
    """The gate serves before systemd hears of it, and sends the message when there is room."""
    notified.fill()
    gate = start_gate(*options(small_root), variables={"NOTIFY_SOCKET": notified.path})
    assert gate.ask("GET", "/nothing").status == 404
    notified.wait_for("READY", "1")
    gate.stop()
    assert notified.values("READY") == notified.values("STOPPING") == ["1"]


def test_stopping_is_not_lost_while_it_drains(gate_with, notified):
    gate, exec_path = gate_with(HANGS, "--drain-timeout=30", variables={"NOTIFY_SOCKET": notified.path})
    with gate.connect() as first:
        first.send(request("POST", PUSH, PUSH_TYPE, body=b"0000"))
        notified.wait_for("STATUS", "1 connections, 1 requests running, 0 queued")
        notified.fill()
        gate.signal()
        gate.wait_stopped_accepting()
        notified.wait_for("STOPPING", "1")
        exec_path.release()
        assert first.response().status == 200
    assert gate.wait() == 0
    assert notified.values("STOPPING") == ["1"]


def test_stop_before_anybody_heard_of_the_start(small_root, start_gate, notified):
    """The gate is not ready any more then, and never says READY."""
    notified.fill()
    gate = start_gate(*options(small_root, "--drain-timeout=30"), variables={"NOTIFY_SOCKET": notified.path})
    with gate.connect() as connection:
        connection.send(head("GET", "/nothing") + head("GET", "/nothing")[:-2])
        assert connection.response().status == 404  # so the gate has read half of the next one, and drains for it
        gate.signal()
        gate.wait_stopped_accepting()
        notified.wait_for("STOPPING", "1")
    gate.stop()
    assert notified.values("READY") == []


def test_counts_are_live(gate_with, notified):
    gate, exec_path = gate_with(HANGS, "--max-backends=1", variables={"NOTIFY_SOCKET": notified.path})
    with gate.connect() as first, gate.connect() as second, gate.connect():
        first.send(request("POST", PUSH, PUSH_TYPE, body=b"0000"))
        wait_until("git has started", lambda: exec_path.runs)
        second.send(head("GET", INFO))
        notified.wait_for("STATUS", "3 connections, 1 requests running, 1 queued")
        exec_path.release()
        assert first.response().status == 200 and second.response("GET").status == 200
        notified.wait_for("STATUS", "3 connections, 0 requests running, 0 queued")
        gate.signal()
        assert gate.wait() == 0
    gate.check_ended()


def test_counts_during_the_drain(gate_with, notified):
    gate, exec_path = gate_with(HANGS, "--drain-timeout=30", variables={"NOTIFY_SOCKET": notified.path})
    with gate.connect() as first, gate.connect():
        first.send(request("POST", PUSH, PUSH_TYPE, body=b"0000"))
        notified.wait_for("STATUS", "2 connections, 1 requests running, 0 queued")
        gate.signal()
        notified.wait_for("STATUS", "stopping, 1 connections, 1 requests running, 0 queued")
        exec_path.release()
        assert first.response().status == 200
    assert gate.wait() == 0
    assert notified.values("STOPPING") == ["1"]


def test_counts_come_once_a_second_and_the_last_one_is_true(small_root, start_gate, notified):
    """This holds however many clients come and go. Without a change the gate sends nothing."""
    gate = start_gate(*options(small_root), variables={"NOTIFY_SOCKET": notified.path})
    begin = time.monotonic()
    while time.monotonic() < begin + 2.5:
        with gate.connect() as connection:
            connection.send(head("GET", "/nothing"))
            assert connection.response().status == 404
            notified.messages()
    with gate.connect():
        notified.wait_for("STATUS", "1 connections, 0 requests running, 0 queued")
    wait_until("the last count", lambda: notified.values("STATUS")[-1] == AT_REST)
    times = notified.times("STATUS")
    assert 2 <= len(times) <= time.monotonic() - begin + 2
    assert all(later - sooner > 0.8 for sooner, later in zip(times, times[1:])), times
    gate.stop()


def rests(pid, seconds):
    """Tell whether a process sleeps for so long without waking, by its count of sleeps."""
    def switches():
        return re.search(r"^voluntary_ctxt_switches:\s+([0-9]+)", Path(f"/proc/{pid}/status").read_text(), re.M).group(1)
    before = switches()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and switches() == before:
        time.sleep(POLL_SECONDS)
    return switches() == before and stat_fields(pid)[0] == "S"


def test_gate_at_rest_sleeps(small_root, start_gate, notified):
    """The interval between two counts ends once, and then no timer runs."""
    gate = start_gate(*options(small_root), variables={"NOTIFY_SOCKET": notified.path})
    assert gate.ask("GET", "/nothing").status == 404
    wait_until("the last count", lambda: notified.values("STATUS")[-1] == AT_REST)
    wait_until("a rest of three seconds", lambda: rests(gate.pid, 3), 15)
    guarded = start_gate(*options(small_root), variables={"NOTIFY_SOCKET": notified.path, "WATCHDOG_USEC": 2000000})
    assert not rests(guarded.pid, 3), "what is measured here does not change when a gate wakes"


# The watchdog.

def longest_silence(notified, count):
    """Wait for so many more signs of life; return the longest time between two of them."""
    before = len(notified.times("WATCHDOG"))
    wait_until("signs of life", lambda: len(notified.times("WATCHDOG")) >= before + count)
    times = notified.times("WATCHDOG")[before:]
    return max(later - sooner for sooner, later in zip(times, times[1:]))


def test_signs_of_life(gate_with, notified):
    """Signs come in time for a systemd that wants one every 400 ms, even during the drain. WATCHDOG_PID is the process."""
    gate, exec_path = gate_with(HANGS, "--drain-timeout=30",
                                variables={"NOTIFY_SOCKET": notified.path, "WATCHDOG_USEC": 400000},
                                program=("sh", "-c", 'WATCHDOG_PID=$$ exec "$@"', "sh", PROGRAM))
    begin = time.monotonic()
    assert longest_silence(notified, 10) < 0.4
    assert time.monotonic() - begin > 9 * 0.2 - 0.1
    with gate.connect() as connection:
        connection.send(request("POST", PUSH, PUSH_TYPE, body=b"0000"))
        wait_until("git has started", lambda: exec_path.runs)
        gate.signal()
        notified.wait_for("STOPPING", "1")
        assert longest_silence(notified, 10) < 0.4
        exec_path.release()
        assert connection.response().status == 200
    assert gate.wait() == 0
    gate.check_ended()


def test_watchdog_of_somebody_else(small_root, start_gate, notified):
    gate = start_gate(*options(small_root), variables={"NOTIFY_SOCKET": notified.path, "WATCHDOG_USEC": 100000,
                                                       "WATCHDOG_PID": os.getpid()})
    with gate.connect():
        notified.wait_for("STATUS", "1 connections, 0 requests running, 0 queued")
    assert notified.values("WATCHDOG") == []
    gate.stop()


@pytest.mark.parametrize("interval", ["", "soon", "0", "-1", "18446744073709551615"])
def test_watchdog_that_makes_no_sense(small_root, start_gate, notified, interval):
    gate = start_gate(*options(small_root), variables={"NOTIFY_SOCKET": notified.path, "WATCHDOG_USEC": interval})
    check_serves(gate)
    gate.stop()
    assert notified.values("WATCHDOG") == [] and notified.values("READY") == ["1"]


def test_no_sign_of_life_from_a_loop_that_hangs(small_root, start_gate, notified):
    """A system call of two seconds stands for anything that may block the loop."""
    gate = start_gate(*options(small_root), variables={"NOTIFY_SOCKET": notified.path, "WATCHDOG_USEC": 200000})
    wait_until("signs of life", lambda: len(notified.values("WATCHDOG")) >= 3)
    with failing(gate, "accept4:delay_enter=2000000:when=1"):
        with gate.connect() as connection:
            before = len(notified.times("WATCHDOG"))
            connection.send(head("GET", "/nothing"))
            wait_until("signs of life again", lambda: len(notified.times("WATCHDOG")) >= before + 5)
            assert connection.response().status == 404
    times = notified.times("WATCHDOG")
    assert max(later - sooner for sooner, later in zip(times, times[1:])) > 1.5, times


def test_git_learns_nothing_of_systemd(gate_with, notified, tmp_path):
    """An attacker in git must not be able to speak for the gate."""
    gate, exec_path = gate_with('env >"$here/environ"', variables={
        "NOTIFY_SOCKET": notified.path, "WATCHDOG_USEC": 30000000, "SYSTEMD_EXEC_PID": 1, "INVOCATION_ID": "x",
        "CREDENTIALS_DIRECTORY": tmp_path, "STATE_DIRECTORY": tmp_path, "LISTEN_FDNAMES": "x"})
    assert gate.ask("GET", INFO).status == 200
    environ = (exec_path.path / "environ").read_text()
    assert "PATH=" in environ
    assert not re.search(r"NOTIFY|WATCHDOG|SYSTEMD|INVOCATION|CREDENTIALS|STATE_DIR|LISTEN", environ), environ


# The socket.

def activated(listen, *, token=TOKEN, **variables):
    """Start a program that listens in place of systemd, and becomes the gate at the first client."""
    passed = {name: value for name, value in environment(**variables).items()
              if name.startswith(PASSED_ON) or name in variables}
    if token:
        passed["GIT_GATE_TOKEN"] = token
    return ("systemd-socket-activate", f"--listen={listen}",
            *(f"--setenv={name}={value}" for name, value in passed.items()), PROGRAM)


def wait_for_socket(address):
    """Wait until it listens, without a connection, which would start the gate."""
    def listens():
        if isinstance(address, str):  # the flag is SO_ACCEPTCON; the path is there a moment earlier
            return any(" 00010000 " in line for line in Path("/proc/net/unix").read_text().splitlines()
                       if line.endswith(f" {address}"))
        return f":{address[1]:04X} 00000000:0000 0A" in Path("/proc/net/tcp").read_text()
    wait_until("the socket", listens)


@needs("systemd-socket-activate")
def test_activated_on_a_unix_socket(small_root, start_gate, tmp_path, notified):
    """systemd sets the socket's path and mode. The gate changes and removes nothing there. The first client waits."""
    path = str(tmp_path / "gate.sock")
    gate = start_gate(*options(small_root), transport=None, wait=False, log_format=None, umask=0o027,
                      program=activated(path, NOTIFY_SOCKET=notified.path))
    wait_for_socket(path)
    status = os.stat(path)
    gate.set_address(path)
    assert gate.ask("GET", INFO).status == 200
    assert gate.output == [f"listening unix:{path}"] and notified.values("READY") == ["1"]
    assert "refs/heads/main" in out("ls-remote", gate.url())
    gate.stop()
    after = os.stat(path)
    assert (after.st_ino, after.st_mode, after.st_uid) == (status.st_ino, status.st_mode, status.st_uid)
    assert stat.S_IMODE(after.st_mode) != 0o600, "this mode would be the gate's own"


@needs("systemd-socket-activate")
def test_activated_on_the_loopback(small_root, start_gate, notified):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    gate = start_gate(*options(small_root), transport=None, wait=False, log_format=None,
                      program=activated(f"127.0.0.1:{port}", NOTIFY_SOCKET=notified.path))
    wait_for_socket(("127.0.0.1", port))
    gate.set_address(("127.0.0.1", port))
    check_serves(gate)
    assert gate.output == [f"listening http://127.0.0.1:{port}"]
    gate.stop()
    assert notified.values("READY") == ["1"] and notified.values("STOPPING") == ["1"]


# The units.

@pytest.fixture
def units(tmp_path):
    """The units of the task "repo", with the program under test and the addition for the system manager."""
    folder = tmp_path / "units"
    (folder / "git-gate@repo.service.d").mkdir(parents=True)
    for name in ("git-gate@.socket", "git-gate-upkeep@.service", "git-gate-upkeep@.timer"):
        shutil.copy(UNITS / name, folder / name.replace("@", "@repo"))
    shutil.copy(UNITS / "system.conf", folder / "git-gate@repo.service.d")
    text = (UNITS / "git-gate@.service.in").read_text()
    assert text.count("@bindir@/git-gate") == 1
    (folder / "git-gate@repo.service").write_text(text.replace("@bindir@/git-gate", PROGRAM))
    return folder


@functools.lru_cache
def with_run():
    """The words before a command that give it a writable /run, as on a machine that systemd has started."""
    if os.geteuid() == 0 or Path("/run/systemd").exists():
        return []
    command = ["bwrap", "--dev-bind", "/", "/", "--tmpfs", "/run"]
    if not shutil.which("bwrap") or subprocess.run([*command, "true"], check=False, capture_output=True).returncode:
        pytest.skip("needs root, /run/systemd or a sandbox of bwrap(1)")
    return command


def analyze(*arguments, cwd):
    """
    Run systemd-analyze.

    Other packages' units have sockets in the runtime folder. A socket's path has at most 107 bytes, so the folder's is short.
    """
    with tempfile.TemporaryDirectory() as runtime:
        result = subprocess.run([*with_run(), "systemd-analyze", *arguments], cwd=cwd, check=False, capture_output=True,
                                text=True, env=environment(XDG_RUNTIME_DIR=runtime, HOME=cwd))
    result.said = result.stdout + result.stderr
    return result


@needs("systemd-analyze")
@pytest.mark.parametrize("manager", ["--system", "--user"])
def test_units_are_in_order(units, manager):
    result = analyze("verify", "--man=no", manager, "./git-gate@repo.service", "./git-gate@repo.socket",
                     "./git-gate-upkeep@repo.service", "./git-gate-upkeep@repo.timer", cwd=units)
    assert (result.returncode, result.said) == (0, "")


@needs("systemd-analyze")
def test_verify_would_find_a_fault(units):
    service = units / "git-gate@repo.service"
    service.write_text(service.read_text().replace("ProtectSystem=strict", "ProtectSystem=maybe"))
    result = analyze("verify", "--man=no", "./git-gate@repo.service", cwd=units)
    assert "maybe" in result.said


@needs("systemd-analyze")
@pytest.mark.parametrize("manager", ["the system manager", "a user's manager"])
def test_exposure(units, manager):
    """The README has the figures. systemd-analyze finds the system manager's addition beside the unit."""
    if manager == "a user's manager":
        shutil.rmtree(units / "git-gate@repo.service.d")
    result = analyze("security", "--offline=true", "--no-pager", "./git-gate@repo.service", cwd=units)
    level, = re.findall(r"Overall exposure level for \S+ ([0-9.]+) ", result.said)
    assert f"{level} of 10 for {manager}" in re.sub(r"\s+", " ", (UNITS / "README.md").read_text())


@needs("systemd-socket-activate")
def test_command_of_the_unit(units, small_root, start_gate, tmp_path, notified):
    """The command is the README's, with a credential as its token. The test adds only the confinement."""
    unit = (units / "git-gate@repo.service").read_text()
    command, = re.findall(r"^ExecStart=(.*)$", unit, re.M)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "git-gate").symlink_to(small_root)
    for name, value in re.findall(r'^Environment="(\w+)=(.*)"$', unit, re.M):
        command = re.sub(rf"\${name}\b", value, command)
    words = shlex.split(command.replace("%S", str(tmp_path / "state")).replace("%i", "repo"))
    assert words[:2] == [PROGRAM, "serve"] and words[-1] == "$GIT_GATE_OPTIONS" and "--confine=require" in words
    assert [word for word in words if word.startswith("$")] == ["$GIT_GATE_OPTIONS"]
    assert '\nExecReload=/bin/sh -c "kill -HUP $MAINPID"\n' in unit
    credential, = re.findall(r"^LoadCredential=([^:]+):%E/", unit, re.M)
    assert f"--token-file=${{CREDENTIALS_DIRECTORY}}/{credential}" in words
    (tmp_path / credential).write_text(f"{TOKEN}\n")
    words = [word.replace("${CREDENTIALS_DIRECTORY}", str(tmp_path)) for word in words]
    gate = start_gate(*(word for word in words[2:-1] if word != "--confine=require"), transport=None, wait=False,
                      log_format=None, token=None,
                      program=activated(tmp_path / "gate.sock", token=None, NOTIFY_SOCKET=notified.path,
                                        CREDENTIALS_DIRECTORY=tmp_path))
    wait_for_socket(str(tmp_path / "gate.sock"))
    gate.set_address(str(tmp_path / "gate.sock"))
    check_serves(gate)
    gate.stop()


@pytest.mark.parametrize("recipe", ["systemd/git-gate-task.container", "man/git-gate.1", "docs/containers.md"])
def test_containers_get_nothing_to_write_to(recipe):
    """
    A task that could write to the socket's folder could put another socket there. LFS objects are its own.

    The recipe of a gate that is itself a container is left out: that one makes the socket.
    """
    text = re.sub(r"podman run --detach --name=gate7.*?git-gate\n", "", (UNITS.parent / recipe).read_text(), flags=re.S)
    volumes = re.findall(r"\b[Vv]olume=([^\s`]+)", text)
    assert len(volumes) >= 2 and all(volume.endswith(":ro") for volume in volumes if "/lfs/" not in volume)


def test_stop_timeout_is_above_the_drain_timeout():
    """Otherwise systemd would kill requests that may still finish."""
    text = (UNITS / "git-gate@.service.in").read_text()
    drain = int(re.search(r"--drain-timeout=([0-9]+)", text).group(1))
    assert int(re.search(r"^TimeoutStopSec=([0-9]+)$", text, re.M).group(1)) > drain + 5


# The container.

def setting(unit, name):
    """The one value of a name in a unit."""
    value, = re.findall(rf"^{name}=(.*)$", (UNITS / unit).read_text(), re.M)
    return value


def test_container_has_what_the_units_have():
    """The container mounts the socket and the token of its task's units at the places that its variables name."""
    quadlet = "git-gate-task.container"
    task, = re.fullmatch(r"git-gate@(\w+)\.socket", setting(quadlet, "Wants")).groups()
    assert setting(quadlet, "After") == setting(quadlet, "Wants") and setting(quadlet, "Network") == "none"
    volumes = [line.split(":") for line in re.findall(r"^Volume=(.*)$", (UNITS / quadlet).read_text(), re.M)]
    mounted = {target: (source, mode) for source, target, *mode in volumes}
    recipe, = recipes("docs/containers.md", "The settings")
    settings = dict(re.findall(r"(\w+) = (\S+)", recipe))
    assert mounted.pop("/etc/gitconfig") == ("%E/git-gate/gitconfig", ["ro"])
    inside = Path(settings["socket"])
    folder, mode = mounted.pop(str(inside.parent))
    socket_path = setting("git-gate@.socket", "ListenStream").replace("%i", task)
    assert (f"{folder}/{inside.name}", mode) == (socket_path, ["ro"])
    token = setting("git-gate@.service.in", "LoadCredential").split(":")[1].replace("%i", task)
    assert mounted.pop(settings["tokenFile"]) == (token, ["ro"])
    (target, (source, mode)), = mounted.items()
    assert Path(source).name == Path(target).name == "git-remote-gate" and mode == ["ro"]
