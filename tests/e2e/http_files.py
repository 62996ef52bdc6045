# SPDX-License-Identifier: Apache-2.0
"""Reads the requests in tests/data/http, which its README describes, and all answers to one of them."""

from dataclasses import dataclass, field
from pathlib import Path

from .http import head

FOLDER = Path(__file__).resolve().parents[1] / "data" / "http"
SMALL_BYTES = 1024  # a file up to this size is sent byte by byte and cut at each byte

AGAIN = head("GET", "/again", "Connection: close")


@dataclass(frozen=True)
class Case:
    """A file with its line of the INDEX."""
    status: int
    reason: str | None
    layer: str
    closes: bool
    name: str
    why: str
    data: bytes = field(repr=False)

    @property
    def method(self):
        """The method of the first request."""
        return self.data.partition(b" ")[0].decode("latin-1")

    @property
    def target(self):
        """The target of the first request."""
        return self.data.split(b" ", 2)[1].decode("latin-1")

    @property
    def is_small(self):
        return len(self.data) <= SMALL_BYTES

    @property
    def is_pipelined(self):
        return self.name.startswith("pipelined-")


def load(folder):
    """Return all cases of a folder by name; a file without a line, or a line without a file, is a mistake."""
    cases = {}
    for line in (FOLDER / folder / "INDEX").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        status, reason, layer, after, file, why = line.split(maxsplit=5)
        name = file.removesuffix(".http")
        assert name not in cases and after in ("closes", "stays"), line
        cases[name] = Case(int(status), None if reason == "-" else reason, layer, after == "closes", name, why,
                           (FOLDER / folder / file).read_bytes())
    listed = {f"{name}.http" for name in cases}
    assert listed == {path.name for path in (FOLDER / folder).glob("*.http")}, f"{folder}/INDEX does not list its files"
    return cases


ACCEPT = load("accept")
REFUSE = load("refuse")


def answers(connection, case, n_before=0):
    """
    Read to the end of the connection after a case and, if the connection stays, after AGAIN.

    Return the answers to the requests before the case and to the case itself; a 100 does not count. If the connection
    stays, AGAIN must get an answer, too.
    """
    found = []
    while not found or not found[-1].closes:
        response = connection.response(case.method if len(found) == n_before else "GET")
        if response.status == 100:
            assert case.layer in ("body", "-"), "who is refused by its head must not be told to go on"
        else:
            found.append(response)
    assert connection.is_closed()
    if not case.closes:
        again = found.pop()
        assert again.status == 404 and b"nothing is here" in again.body, f"what came next was misread: {again}"
        assert len(found) > n_before and not found[-1].closes, "the connection did not stay"
    return found


def ask(gate, case, before=()):
    """Send a case in one go, after other requests, and return all answers."""
    with gate.connect() as connection:
        connection.send_as_taken(b"".join([*before, case.data, b"" if case.closes else AGAIN]))
        return answers(connection, case, len(before))


def ask_byte_by_byte(gate, case):
    """Send a case with one byte in each write, so that reads end in every state of the parsers."""
    data = case.data if case.closes else case.data + AGAIN
    with gate.connect() as connection:
        for at in range(len(data)):
            connection.send_as_taken(data[at:at + 1])
        return answers(connection, case)
