# SPDX-License-Identifier: Apache-2.0
"""Long responses: the client gets exactly git's bytes, and can tell when the response is incomplete."""

import random

import pytest

from .backends import HEAD_TEXT
from .gate import BACKEND
from .host import check_left_nothing, descriptors_at_rest
from .http import request
from .packets import FETCH_TYPE, PROTOCOL_2, ls_refs
from .targets import FETCH

MIB = 1 << 20
FULL_PACKET = r"{ printf 'fff0\001'; head -c 65515 /dev/zero; }"
MANY_PACKETS = f"for i in 1 2 3 4 5 6 7 8 9 10; do {FULL_PACKET}; done"
MANY = 10 * (b"fff0\1" + bytes(65515))
REQUEST = request("POST", FETCH, FETCH_TYPE, PROTOCOL_2, body=ls_refs())


def packets(seed):
    """Packets of all sizes, in an order that the seed decides, and the end."""
    source = random.Random(seed)
    sizes = [source.choice([1, 2, 60, 4091, 4092, 4093, 8192, 40_000, 65_515, 65_516]) for _ in range(80)]
    return b"".join(b"%04x\x01" % (size + 4) + source.randbytes(size - 1) for size in sizes) + b"0000"


@pytest.mark.parametrize("writes", ["cat", *(f"dd status=none bs={size}" for size in (700, 4101, 65520, 200_000))])
def test_bytes_are_the_same(gate_with, scratch, transport, writes):
    """The client gets git's bytes in HTTP/1.1 and HTTP/1.0, whatever the size of git's writes."""
    gate, _ = gate_with(f"{HEAD_TEXT}; {writes} <{scratch}/answer; exit 0", transport=transport)
    for seed in range(3):
        answer = packets(seed)
        (scratch / "answer").write_bytes(answer)
        for protocol in (b"HTTP/1.1", b"HTTP/1.0"):
            with gate.connect() as connection:
                connection.send(REQUEST.replace(b"HTTP/1.1", protocol, 1))
                response = connection.response()
            assert (response.status, response.complete) == (200, True)
            assert response.body == answer, (seed, protocol)


def ask(gate):
    with gate.connect() as connection:
        connection.send(REQUEST)
        return connection.response()


@pytest.mark.parametrize("end", ["exit 128", "kill -9 $$"])
def test_git_that_dies_within_a_packet(gate_with, end):
    """The client gets all that git wrote, and can tell that the response is incomplete."""
    gate, _ = gate_with(rf"{HEAD_TEXT}; {MANY_PACKETS}; printf 'fff0\001'; head -c 9000 /dev/zero; {end}")
    response = ask(gate)
    assert (response.status, response.complete) == (200, False)
    assert response.body == MANY + b"fff0\1" + bytes(9000)
    gate.wait_no_children()
    record, = gate.request_records()
    assert record["reason"] == "git failed in the middle of its answer; the gate's log has git's message"


def test_error_behind_the_data(gate_with):
    """git has failed, and has told the client why, so the response is whole."""
    gate, _ = gate_with(rf"{HEAD_TEXT}; {MANY_PACKETS}; printf '000cERR gone'; exit {128 if BACKEND == 'services' else 1}")
    response = ask(gate)
    assert response.complete and response.body == MANY + b"000cERR gone"


def test_client_that_leaves_within_the_data(gate_with):
    """git ends, and no descriptor of either side is left."""
    gate, _ = gate_with(f"{HEAD_TEXT}; while :; do {FULL_PACKET}; done")
    before = descriptors_at_rest(gate)
    for _ in range(3):
        with gate.connect() as connection:
            connection.send(REQUEST)
            with connection.socket.makefile("rb") as stream:
                assert len(stream.read(4 * MIB)) == 4 * MIB
        gate.wait_no_children(seconds=15)
    check_left_nothing(gate, before)
