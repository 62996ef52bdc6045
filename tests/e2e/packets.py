# SPDX-License-Identifier: Apache-2.0
"""Makes bodies as git's client does (gitprotocol-common(5), -v2(5), -pack(5)), for tests that speak raw HTTP."""

import hashlib
import zlib

FLUSH = b"0000"
DELIMITER = b"0001"
NO_OBJECT = "0" * 40
AHEAD_BYTES = 32 << 10  # the gate starts git when a body is whole or longer than this
FETCH_TYPE = "Content-Type: application/x-git-upload-pack-request"
PUSH_TYPE = "Content-Type: application/x-git-receive-pack-request"
PROTOCOL_2 = "Git-Protocol: version=2"


def packet(text):
    """One pkt-line."""
    data = text.encode() if isinstance(text, str) else text
    return b"%04x" % (len(data) + 4) + data


def ls_refs():
    """The first request of a client of protocol 2."""
    return packet("command=ls-refs\n") + DELIMITER + packet("peel\n") + packet("symrefs\n") + FLUSH


def command(name, *arguments, algorithm="sha1"):
    """A request of protocol version 2."""
    words = [f"command={name}\n", "agent=test\n", f"object-format={algorithm}\n"]
    return b"".join(map(packet, words)) + DELIMITER + b"".join(packet(argument + "\n") for argument in arguments) + FLUSH


def want(oid):
    """A whole fetch of protocol 0: one want, no haves."""
    return packet(f"want {oid} ofs-delta\n") + FLUSH + packet("done\n")


def unfinished():
    """The beginning of a body with one cut packet. git starts for it, and then waits."""
    return b"fff0" + b"x" * (AHEAD_BYTES + 4096)


def empty_pack():
    """A pack without objects, for a push that creates refs to existing objects."""
    head = b"PACK" + (2).to_bytes(4, "big") + (0).to_bytes(4, "big")
    return head + hashlib.sha1(head).digest()


def large_pack(size):
    """A pack of one large, uncompressed blob: git reads all of it before it answers."""
    head = b"PACK" + (2).to_bytes(4, "big") + (1).to_bytes(4, "big")
    entry, rest = [3 << 4 | size & 15], size >> 4
    while rest:
        entry[-1] |= 0x80
        entry.append(rest & 0x7f)
        rest >>= 7
    pack = head + bytes(entry) + zlib.compress(b"a" * size, 0)
    return pack + hashlib.sha1(pack).digest()


def push(commands, pack=None, capabilities="report-status"):
    """A push of commands (old, new, ref). Without a side band, complaints go to receive-pack's standard error."""
    lines = []
    for i, (old, new, name) in enumerate(commands):
        tail = f"\0 {capabilities}" if i == 0 else ""
        lines.append(packet(f"{old} {new} {name}{tail}"))
    return b"".join(lines) + FLUSH + (empty_pack() if pack is None else pack)
