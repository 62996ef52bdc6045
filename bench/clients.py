# SPDX-License-Identifier: Apache-2.0
"""
The clients of bench/run: h2load, git, and a reader that discards its input.

Each has a time limit, and ends with all its helpers when time is up or the bench is interrupted. A failure raises
Failed, whose text replaces the figure.
"""

import contextlib
import http.client
import pathlib
import re
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from typing import Optional

import places
from program import Failed, bounded

from e2e.packets import DELIMITER, FLUSH, packet
from e2e.repos import ENVIRONMENT

ALONE = pathlib.Path(__file__).resolve().parent / "alone.py"
SPARE_SECONDS = 30  # of patience after a client's working time
SHORTEST_SECONDS = 0.001  # with 0 a socket would never wait
READ_BYTES = 1 << 20
TAIL = b"0\r\n\r\n"  # the end of a whole chunked answer


@dataclass(frozen=True)
class Http:
    """A repository served by HTTP. address: (host, port) or a Unix socket; path: "/repo.git"."""
    address: object
    path: str
    authorization: str


@dataclass(frozen=True)
class Question:
    """
    One request, and its expected answer.

    target: follows the repository's path, or with rooted, replaces it. wanted: bytes that the answer must contain.
    """
    target: str
    status: int
    body: bytes = b""
    fields: dict = field(default_factory=dict)
    wanted: bytes = b""
    authorized: bool = True
    rooted: bool = False

    @property
    def protocol(self) -> str:
        """The value of Git-Protocol; empty for version 0."""
        return self.fields.get("Git-Protocol", "")

    def place(self, server: Http) -> str:
        """Return the whole target."""
        return self.target if self.rooted else server.path + self.target

    def head(self, server: Http) -> dict[str, str]:
        """Return all fields except Host and the length, which a client adds itself."""
        return {**self.fields, **({"Authorization": server.authorization} if self.authorized else {})}


def run(commands: list, seconds: float, environment: Optional[dict] = None, cwd=None) -> tuple[float, list[str]]:
    """Run programs side by side; return the time until all have ended, and their outputs."""
    processes: list[subprocess.Popen] = []
    with contextlib.ExitStack() as stack:
        outputs = [[stack.enter_context(tempfile.TemporaryFile("w+")) for _ in range(2)] for _ in commands]
        with bounded(processes, seconds):
            begin = time.perf_counter()
            for command, (said, complained) in zip(commands, outputs):
                processes.append(subprocess.Popen(list(map(str, command)), start_new_session=True, cwd=cwd,
                                                  env=environment or ENVIRONMENT, stdin=subprocess.DEVNULL,
                                                  stdout=said, stderr=complained))
            statuses = [process.wait() for process in processes]
            took = time.perf_counter() - begin
        texts = [[(file.seek(0), file.read())[1] for file in pair] for pair in outputs]
    for status, (_, complaint) in zip(statuses, texts):
        if status:
            raise Failed((complaint.strip().splitlines() or [f"{commands[0][0]} ended with {status}"])[0])
    return took, [said for said, _ in texts]


class Client(http.client.HTTPConnection):
    """A connection to either kind of address."""

    def __init__(self, address, seconds: float):
        super().__init__("localhost", timeout=seconds)
        self.address = address
        self.late = False

    def connect(self) -> None:
        """Connect when the library asks for it."""
        self.sock = places.connect(self.address, self.timeout)

    def cut(self) -> None:
        """Stop the transfer, from another thread: the time-out bounds only each of its steps."""
        self.late = True
        with contextlib.suppress(AttributeError, OSError):
            self.sock.shutdown(socket.SHUT_RDWR)


def check(server: Http, question: Question, seconds: float) -> None:
    """Ask once; fail if the status or the body is not the expected one."""
    connection = Client(server.address, seconds)
    watchdog = threading.Timer(seconds, connection.cut)
    watchdog.start()
    try:
        connection.request("POST" if question.body else "GET", question.place(server), question.body or None,
                           question.head(server))
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise Failed(f"no answer: {error!r}") from None
    finally:
        watchdog.cancel()
        connection.close()
    if connection.late:
        raise Failed(f"no whole answer within {seconds:g} s")
    if answer.status != question.status:
        raise Failed(f"answers {answer.status}, not {question.status}")
    if question.wanted not in body:
        raise Failed("answers something else")


def load(server: Http, question: Question, clients: int, seconds: float,
         folder: pathlib.Path) -> tuple[float, int, float]:
    """
    Ask as often as that many clients can on kept connections.

    Returns the rate, the count, and the processor seconds of h2load.
    """
    unix = not isinstance(server.address, tuple)
    name, port = ("localhost", 80) if unix else server.address
    host = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
    command = ["h2load", "--h1", f"--clients={clients}", f"--duration={seconds * 1000:.0f}ms"]
    command += [f"--base-uri=unix:{server.address}"] * unix
    command += [f"--header={name}: {value}" for name, value in question.head(server).items()]
    if question.body:
        (folder / "body").write_bytes(question.body)
        command.append(f"--data={folder / 'body'}")
    before = child_seconds()
    _, (said,) = run([[*command, f"http://{host}{question.place(server)}"]], seconds + SPARE_SECONDS)
    return *rate_of(said, question.status), child_seconds() - before


def child_seconds() -> float:
    """Return the processor time of all programs that have ended here."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def rate_of(said: str, status: int) -> tuple[float, int]:
    """Return rate and count from h2load's output, if all answers were of the expected class."""
    rate = re.search(r"^finished in \S+, ([0-9.]+) req/s", said, re.MULTILINE)
    counts = re.search(r"^requests: .* ([0-9]+) done, .* ([0-9]+) errored, ([0-9]+) timeout", said, re.MULTILINE)
    classes = re.search(r"^status codes: ([0-9]+) 2xx, ([0-9]+) 3xx, ([0-9]+) 4xx, ([0-9]+) 5xx", said, re.MULTILINE)
    if not (rate and counts and classes):
        raise Failed("h2load says nothing that is understood")
    done, errored, late = map(int, counts.groups())
    others = sum(int(count) for number, count in enumerate(classes.groups(), 2) if number != status // 100)
    if errored or late or others or not done:
        raise Failed(f"of {done} answers {others} with another status; {errored + late} errors")
    return float(rate.group(1)), done


def loop(command: tuple, environment: dict, source: pathlib.Path, loops: int,
         seconds: float) -> tuple[float, int, float]:
    """Run a program over and over in so many loops; return the rate, the count, and processor seconds."""
    _, said = run([[sys.executable, ALONE, seconds, source, *command]] * loops, seconds + SPARE_SECONDS, environment)
    found = [tuple(map(float, text.split())) for text in said]
    return (sum(count / took for count, took, _ in found), int(sum(count for count, _, _ in found)),
            sum(used for _, _, used in found))


def fetch_question(tip: str, last: bytes = b"") -> bytes:
    """Ask by protocol 2 for all objects of a commit."""
    return (packet("command=fetch") + packet("object-format=sha1") + DELIMITER + packet("ofs-delta\n")
            + packet("no-progress\n") + packet(f"want {tip}\n") + packet("done\n") + FLUSH + last)


def drain(connection, least: int, deadline: float) -> bytes:
    """Read a connection to its end and discard it; return its first and last bytes."""
    scratch = bytearray(READ_BYTES)
    total, head, tail = 0, b"", b""
    while True:
        connection.settimeout(max(deadline - time.perf_counter(), SHORTEST_SECONDS))
        if not (count := connection.recv_into(scratch)):
            break
        if len(head) < 4096:
            head += scratch[:count]
        tail = (tail + bytes(scratch[max(count - len(TAIL), 0):count]))[-len(TAIL):]
        total += count
    if total < least:
        raise Failed(f"only {total} bytes came")
    return head + tail


def fetch_by_http(server: Http, tip: str, least: int, seconds: float) -> float:
    """Fetch to nowhere; return the time until the connection's end. Parsing chunks would take time, so it does not."""
    body = fetch_question(tip)
    lines = [f"POST {server.path}/git-upload-pack HTTP/1.1", "Host: localhost", "Connection: close",
             f"Authorization: {server.authorization}", "Git-Protocol: version=2",
             "Content-Type: application/x-git-upload-pack-request", f"Content-Length: {len(body)}", "", ""]
    begin = time.perf_counter()
    with places.connect(server.address, seconds) as connection:
        connection.sendall("\r\n".join(lines).encode() + body)
        seen = drain(connection, least, begin + seconds)
    took = time.perf_counter() - begin
    if not seen.startswith(b"HTTP/1.1 200 "):
        raise Failed(f"answers {seen[9:12].decode(errors='replace')}")
    if re.search(rb"^transfer-encoding: *chunked", seen, re.IGNORECASE | re.MULTILINE) and not seen.endswith(TAIL):
        raise Failed("the answer is cut")
    return took


def fetch_by_git_protocol(address: tuple, tip: str, least: int, seconds: float) -> float:
    """Fetch to nowhere from git daemon (gitprotocol-pack(5))."""
    begin = time.perf_counter()
    with places.connect(address, seconds) as connection:
        connection.sendall(packet(b"git-upload-pack /repo.git\0host=localhost\0\0version=2\0")
                           + fetch_question(tip, FLUSH))
        drain(connection, least, begin + seconds)
    return time.perf_counter() - begin


def fetch_by_pipe(repository: pathlib.Path, tip: str, least: int, folder: pathlib.Path, seconds: float) -> float:
    """Fetch to nowhere from upload-pack itself."""
    source = folder / "question"
    source.write_bytes(fetch_question(tip))
    scratch, total = bytearray(READ_BYTES), 0
    command = [f"{places.exec_path()}/git-upload-pack", "--stateless-rpc", repository]
    begin = time.perf_counter()
    with source.open("rb") as asked, subprocess.Popen(
            command, stdin=asked, stdout=subprocess.PIPE, bufsize=0, start_new_session=True,
            env={**ENVIRONMENT, "GIT_PROTOCOL": "version=2"}) as process, bounded([process], seconds):
        while count := process.stdout.readinto(scratch):
            total += count
        process.wait()
        took = time.perf_counter() - begin
    if process.returncode or total < least:
        raise Failed(f"upload-pack ended with {process.returncode} after {total} bytes")
    return took
