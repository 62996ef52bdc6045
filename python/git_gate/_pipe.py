# SPDX-License-Identifier: Apache-2.0
"""
A pipe by which a gate sends records to this process, one a line.

The gate never waits for the pipe: while the pipe is full, the gate drops records and counts them. In the child of a
fork(2) both ends are closed, since no gate runs there.
"""

from __future__ import annotations

import os
import weakref
from typing import List, Optional

from ._library import E_INTERNAL, GateError

_CHUNK_BYTES = 65536  # read at a time: a pipe's usual capacity, a few hundred records


class Pipe:
    """
    The pipe of one start. It exists from before the start until the gate has ended. If it cannot be made, that is a
    GateError.

    what: the purpose of the pipe, for the error
    started: the mark that Server.start() returned, None before; the owner sets it
    """

    def __init__(self, what: str) -> None:
        self.started: Optional[object] = None
        self._rest = b""
        try:
            self._read_fd, self._write_fd = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            self._read_fd = self._write_fd = -1
            raise GateError(f"there is no pipe for the {what}: {error.strerror}", E_INTERNAL) from error
        _all.add(self)

    def __del__(self) -> None:
        self.forget()

    def close_write_end(self) -> None:
        """Call it when the start has ended. The gate has a copy of this end in a table of its own."""
        fd, self._write_fd = self._write_fd, -1
        if fd >= 0:
            os.close(fd)

    def forget(self) -> None:
        """Close both ends, and leave the event loop alone: after a fork(2) its epoll may be the parent's."""
        self.close_write_end()
        fd, self._read_fd = self._read_fd, -1
        if fd >= 0:
            os.close(fd)

    def take(self, lines: List[bytes]) -> int:
        """Read once, and append whole lines. Return: the number of bytes; 0 at the end; -1 if there are none now."""
        if self._read_fd < 0:
            return 0
        try:
            data = os.read(self._read_fd, _CHUNK_BYTES)
        except BlockingIOError:
            return -1
        *whole, self._rest = (self._rest + data).split(b"\n")
        lines.extend(whole)
        return len(data)


_all: "weakref.WeakSet[Pipe]" = weakref.WeakSet()


def _forget_all() -> None:
    for pipe in list(_all):
        pipe.forget()


os.register_at_fork(after_in_child=_forget_all)
