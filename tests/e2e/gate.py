# SPDX-License-Identifier: Apache-2.0
"""Runs the real program as a child process, and checks it after its end."""

import contextlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import threading
from pathlib import Path

from .bridge import PROGRAM, SANITIZERS, Bridge, helper_url
from .http import TOKEN, Connection, basic, request
from .polling import wait_until
from .repos import run_bounded

START_SECONDS = 20
STOP_SECONDS = 20
LEFTOVER_SECONDS = 2
CHUNK_BYTES = 1 << 16
POLL_MS = 1000  # of a reader, for a pipe that another thread has closed
HOOKS_OWNER = 65534
LISTENING = re.compile(r"listening (?:http://(127\.0\.0\.1|\[::1\]):([0-9]+)|unix:(/.*))")

# For a program that LeakSanitizer cannot look into, because it is traced or confined.
WITHOUT_LEAKS = {"ASAN_OPTIONS": f"{os.environ.get('ASAN_OPTIONS', '')}:detect_leaks=0"}


def environment(**variables):
    """The program's environment, unless a test says otherwise; a variable that is None is left out."""
    whole = {"PATH": os.environ["PATH"], **SANITIZERS, **variables}
    return {name: str(value) for name, value in whole.items() if value is not None}


def run(*arguments, data=None, seconds=30, cwd=None, **variables):
    """Run the program to its end, for the verbs that do not serve. stdout and stderr are text."""
    data = data.encode() if isinstance(data, str) else data
    result = run_bounded([PROGRAM, *map(str, arguments)], seconds=seconds, data=data, cwd=cwd,
                         environment=environment(**variables))
    result.stdout = result.stdout.decode()
    assert "Sanitizer" not in result.stderr, result.stderr
    return result


def processes_with(marker):
    """
    Return the ids of all processes whose environment names the marker.

    The gate's children inherit its PATH, which has a folder of its own. So they are found even if their parents are
    gone.
    """
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if marker.encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
    return found


# The confinement of gates whose test does not choose one: auto, require or off.
CONFINE_OPTIONS = [f"--confine={mode}" for mode in [os.environ.get("GIT_GATE_CONFINE")] if mode]

# How gates start git when a test does not choose: services or http-backend.
BACKEND = os.environ.get("GIT_GATE_BACKEND", "services")
BACKEND_OPTIONS = [f"--backend={BACKEND}"] if "GIT_GATE_BACKEND" in os.environ else []


def unless_given(defaults, options):
    """The default options without those that a test gives itself, as the gate takes no option twice."""
    names = [str(option).partition("=")[0] for option in options]
    return [option for option in defaults if option.partition("=")[0] not in names]


def settle_hooks(options):
    """
    Make options with which a confined gate with hooks starts.

    --confine=require refuses hooks of the gate's own user. Root gives them to another user. Any other user takes auto,
    which confines no less where require would start at all.
    """
    options = [str(option) for option in options]
    modes = [option for option in options if option.startswith("--confine=")]
    folders = [option.partition("=")[2] for option in options if option.startswith("--hooks-path=")]
    if modes[-1:] != ["--confine=require"] or not folders or "--read-only" in options:
        return options
    if os.geteuid() != 0:
        return ["--confine=auto" if option == "--confine=require" else option for option in options]
    for folder in folders:
        subprocess.run(["chown", "--recursive", str(HOOKS_OWNER), folder], check=True)
    return options


class Lines:
    """
    The lines of a pipe. A thread collects them, so that the writer never waits. A reader gets everything written so
    far, however late the thread is.
    """

    def __init__(self, pipe):
        os.set_blocking(pipe.fileno(), False)
        self.pipe = pipe
        self.whole = []
        self.rest = b""
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self._collect, daemon=True)
        self.thread.start()

    @property
    def seen(self):
        """The lines so far, and at the end the text after the last one."""
        more = self._take()
        with self.lock:
            return self.whole + [self.rest] * (not more and self.rest != b"")

    def _take(self):
        """Read what is there; return whether more may come."""
        with self.lock:
            while not self.pipe.closed:
                try:
                    chunk = os.read(self.pipe.fileno(), CHUNK_BYTES)
                except BlockingIOError:
                    return True
                if not chunk:
                    self.pipe.close()
                *lines, self.rest = (self.rest + chunk).split(b"\n")
                self.whole += [line + b"\n" for line in lines]
        return False

    def _collect(self):
        poll = select.poll()
        poll.register(self.pipe, select.POLLIN)
        while self._take():
            poll.poll(POLL_MS)

    def join(self):
        self.thread.join(timeout=10)
        assert not self.thread.is_alive(), "somebody still holds the gate's standard output or error"


class Gate:
    """
    A running `git-gate serve`.

    transport: "tcp"; "unix", which git reaches through a bridge; "remote", a Unix socket that git reaches through
    git-remote-gate; None when the options have it. token: the value of GIT_GATE_TOKEN, or None.
    exec_path: an ExecPath. Further keywords go to subprocess.Popen.
    """

    def __init__(self, *options, transport="tcp", token=TOKEN, variables=None, exec_path=None, log_format="json",
                 log_level="debug", wait=True, program=(PROGRAM,), **popen):
        self.folder = Path(tempfile.mkdtemp(prefix="gate-"))
        self.marker = str(self.folder / "marker")
        self.socket_path = self.folder / "run" / "gate.sock" if transport in ("unix", "remote") else None
        self.token = token
        self.log_format = log_format
        self.transport = transport
        self.bridge = None
        self.address = None
        transport_option = {"tcp": ["--listen=127.0.0.1:0"], None: []}
        log_options = [f"--log-format={log_format}"] * bool(log_format) + [f"--log-level={log_level}"] * bool(log_level)
        arguments = [*program, "serve", *transport_option.get(transport, [f"--socket={self.socket_path}"]), *log_options,
                     *unless_given(BACKEND_OPTIONS, options),
                     *settle_hooks([*unless_given(CONFINE_OPTIONS, options), *options])]
        own = {"PATH": f"{os.environ['PATH']}:{self.marker}", "GIT_GATE_TOKEN": token,
               "GIT_EXEC_PATH": exec_path.path if exec_path else None, **(variables or {})}
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **popen}
        self.process = subprocess.Popen(arguments, env=environment(**own), **streams)
        self.out = Lines(self.process.stdout) if self.process.stdout else None
        self.err = Lines(self.process.stderr) if self.process.stderr else None
        if wait:
            self.wait_listening()

    @property
    def pid(self):
        return self.process.pid

    @property
    def lines(self):
        """Standard error so far."""
        return [line.decode(errors="replace") for line in self.err.seen] if self.err else []

    @property
    def output(self):
        """Standard output so far."""
        return [line.decode().rstrip("\n") for line in self.out.seen]

    @property
    def records(self):
        """The records of the log so far. The log must be JSON."""
        return [json.loads(line) for line in self.lines if line.endswith("\n")]

    def request_records(self):
        """The records of requests. Each request has exactly one, at its end."""
        return [record for record in self.records if record["message"] == "request"]

    def wait_listening(self):
        try:
            wait_until("the line 'listening'", lambda: self.output or self.process.poll() is not None, START_SECONDS)
            assert self.output, f"ended with {self.process.wait()}:\n{''.join(self.lines)}"
            match = LISTENING.fullmatch(self.output[0])
            assert match, f"not what git-gate(1) says: {self.output[0]!r}"
        except BaseException:
            self.clean_up()
            raise
        self.set_address(match.group(3) or (match.group(1).strip("[]"), int(match.group(2))))

    def set_address(self, address):
        """address is (host, port) or the path of a socket."""
        self.address = address

    @property
    def port(self):
        """The address for git's client by http://, through a bridge when the gate listens on a Unix socket."""
        if isinstance(self.address, tuple):
            return self.address[1]
        if not self.bridge:
            self.bridge = Bridge(self.address)
        return self.bridge.port

    def url(self, repository="repo", user="x:" + TOKEN):
        """The URL for git's client."""
        if self.transport == "remote":
            return helper_url(self.address, repository)
        host = f"[{self.address[0]}]" if self.address[0] == "::1" else "127.0.0.1"
        return f"http://{user + '@' if user else ''}{host}:{self.port}/{repository}.git"

    def connect(self):
        """A raw connection, never through the bridge."""
        return Connection(self.address)

    def ask(self, *arguments, **named):
        """Make one request on a connection of its own; the arguments are those of http.request."""
        with self.connect() as connection:
            connection.send(request(*arguments, **named))
            return connection.response(arguments[0])

    def reload(self, answers, expected):
        """Send SIGHUP; return the record that answers it. Its message begins with one of the answers, the expected one."""
        def answered():
            return [record for record in self.records if record["message"].startswith(answers)]
        before = len(answered())
        self.signal(signal.SIGHUP)
        wait_until("the record of the reload", lambda: len(answered()) > before)
        record = answered()[-1]
        assert record["message"].startswith(expected), record
        return record

    def children(self):
        """The ids of all processes that the gate started, and of their descendants."""
        return [pid for pid in processes_with(self.marker) if pid != self.pid]

    def wait_no_children(self, seconds=LEFTOVER_SECONDS):
        wait_until("the end of the processes that the gate started", lambda: not self.children(), seconds)

    def memory_files(self):
        """The files in memory in which the gate collects bodies. Only root may look into a confined gate."""
        if not os.access(f"/proc/{self.pid}/fd", os.R_OK):
            import pytest  # not at the top: the soak uses this file without it

            pytest.skip("needs root, who alone may look into a confined gate")
        links = []
        for link in Path(f"/proc/{self.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                links.append(os.readlink(link))
        return [link for link in links if "memfd:" in link]

    def peak_memory_kib(self):
        """The peak memory of the gate itself, without its children."""
        return int(re.search(r"VmHWM:\s+([0-9]+) kB", Path(f"/proc/{self.pid}/status").read_text()).group(1))

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self, seconds=STOP_SECONDS):
        """Wait for the end of the program; return its exit status."""
        try:
            return self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"does not end within {seconds} s\n{''.join(self.lines)}") from None

    def wait_stopped_accepting(self):
        def refused():
            try:
                self.connect().close()
            except OSError:
                return True
            return False
        wait_until("connections are refused", refused)

    def stop(self):
        """End the gate as its owner would, and check it with check_ended()."""
        if self.process.poll() is None:
            self.signal()
        status = self.wait()
        assert status == 0, f"ended with {status}:\n{''.join(self.lines)}"
        self.check_ended()

    def check_ended(self):
        """Check that no process and no socket is left, and that the log is records without the token."""
        self.wait_no_children()
        assert not (self.socket_path and self.socket_path.exists()), "the socket is still there"
        for stream in filter(None, (self.out, self.err)):
            stream.join()
        for line in self.lines:
            assert re.fullmatch(r"[ -~]+\n", line), f"not a record: {line!r}"
            if self.log_format == "json":
                assert {"time", "level", "message"} <= json.loads(line).keys(), line
            for secret in filter(None, (self.token, self.token and basic(self.token)[-20:].rstrip("="))):
                assert secret not in line, f"the token in the log: {line!r}"

    def clean_up(self):
        """Leave nothing behind, whatever has happened."""
        if self.bridge:
            self.bridge.stop()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pid in processes_with(self.marker):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)
