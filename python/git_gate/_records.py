# SPDX-License-Identifier: Apache-2.0
"""
Passes a gate's log records on to Python's logging.

The gate writes them to a pipe, as JSON, one a line. It never waits for the pipe: while that is full, the gate counts
the records that it drops, and the next one that it writes has the number as dropped_records. The event loop reads the
pipe. In the child of a fork(2) both ends are closed, as no gate runs there.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import weakref
from typing import Any, Dict, List, Optional

from ._library import E_INTERNAL, GateError, Setting

LOGGER = logging.getLogger("git_gate")

_CHUNK_BYTES = 65536  # read at a time: a pipe's usual capacity, a few hundred records
_PLAIN = re.compile(r'[!#-<>-\[\]-~]+')  # printable ASCII but space, quote, equals sign and backslash
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "notice": logging.INFO, "warning": logging.WARNING,
           "error": logging.ERROR}


def _wanted_level() -> str:
    """The gate's level that writes all the records that the logger wants now."""
    for name in ("debug", "info", "warning"):
        if LOGGER.isEnabledFor(_LEVELS[name]):
            return name
    return "error"


def _shown(value: Any) -> str:
    """A value in the message: quoted and escaped unless it is a plain word, as a client may have chosen it."""
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text)


def _emit(line: bytes) -> None:
    fields: Dict[str, Any] = json.loads(line)
    shown = [f"{name}={_shown(value)}" for name, value in fields.items() if name not in ("time", "level", "message")]
    LOGGER.log(_LEVELS.get(fields["level"], logging.ERROR), "%s", " ".join([fields["message"], *shown]),
               extra={"gate": fields})


class Records:
    """
    The pipe of one start, from before it until the gate has ended. The loop that made it reads it.

    A pipe that cannot be made is a GateError.

    started: the mark of Server.start(), None before; the owner sets it
    """

    def __init__(self) -> None:
        self.started: Optional[object] = None
        self._rest = b""
        self._loop = asyncio.get_running_loop()
        try:
            self._read_fd, self._write_fd = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            self._read_fd = self._write_fd = -1
            raise GateError(f"there is no pipe for the log: {error.strerror}", E_INTERNAL) from error
        _all.add(self)
        try:
            self._loop.add_reader(self._read_fd, self._on_readable)
        except BaseException:
            self.forget()
            raise

    def __del__(self) -> None:
        self.forget()

    def settings(self, has_level: bool) -> List[Setting]:
        """What tells the gate to write here; unless a level is given, the logger chooses it."""
        level = [] if has_level else [("log-level", _wanted_level())]
        return [("log-fd", str(self._write_fd)), ("log-format", "json"), *level]

    def close_write_end(self) -> None:
        """Call it when the start has ended. The gate has the end in a table of its own."""
        fd, self._write_fd = self._write_fd, -1
        if fd >= 0:
            os.close(fd)

    def close(self) -> None:
        """Pass on what is left and close the pipe. Call it when the gate has ended, from any thread."""
        if self._loop.is_running() and self._loop is not asyncio.get_running_loop():
            self._loop.call_soon_threadsafe(self._finish)
        else:
            self._finish()

    def forget(self) -> None:
        """Close both ends and touch no event loop: a loop's epoll may be the one of the parent of a fork(2)."""
        self.close_write_end()
        fd, self._read_fd = self._read_fd, -1
        if fd >= 0:
            os.close(fd)

    def _finish(self) -> None:
        while self._read() > 0:
            pass
        if self._read_fd >= 0 and not self._loop.is_closed():
            self._loop.remove_reader(self._read_fd)
        self.forget()

    def _on_readable(self) -> None:
        if self._read() == 0:
            self._finish()

    def _read(self) -> int:
        """Read once and pass on. Return: the number of bytes; 0 at the end; -1 if there are none now."""
        if self._read_fd < 0:
            return 0
        try:
            data = os.read(self._read_fd, _CHUNK_BYTES)
        except BlockingIOError:
            return -1
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            try:
                _emit(line)
            except Exception as error:  # of a filter or handler of the program's; it must not keep the pipe open
                self._loop.call_exception_handler({"message": "a record of git_gate was not logged", "exception": error})
        return len(data)


_all: "weakref.WeakSet[Records]" = weakref.WeakSet()


def _forget_all() -> None:
    for records in list(_all):
        records.forget()


os.register_at_fork(after_in_child=_forget_all)
