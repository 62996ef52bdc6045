# SPDX-License-Identifier: Apache-2.0
"""
Passes a gate's log records on to Python's logging.

The gate writes them to a pipe, as JSON, one a line. If the pipe was full and the gate dropped some, the next record has
their number as dropped_records. The event loop reads the pipe.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from typing import Any, Dict, List

from ._library import Setting
from ._pipe import Pipe

LOGGER = logging.getLogger("git_gate")

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
    """A value in the message. It is quoted and escaped unless it is a plain word, since a client may have chosen it."""
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text)


def _emit(line: bytes) -> None:
    fields: Dict[str, Any] = json.loads(line)
    shown = [f"{name}={_shown(value)}" for name, value in fields.items() if name not in ("time", "level", "message")]
    LOGGER.log(_LEVELS.get(fields["level"], logging.ERROR), "%s", " ".join([fields["message"], *shown]),
               extra={"gate": fields})


class Records(Pipe):
    """The pipe of the log. The loop that made it reads it."""

    def __init__(self) -> None:
        super().__init__("log")
        self._loop = asyncio.get_running_loop()
        try:
            self._loop.add_reader(self._read_fd, self._on_readable)
        except BaseException:
            self.forget()
            raise

    def settings(self, has_level: bool) -> List[Setting]:
        """The options by which the gate writes to this pipe. If no level is given, the logger's level decides."""
        level = [] if has_level else [("log-level", _wanted_level())]
        return [("log-fd", str(self._write_fd)), ("log-format", "json"), *level]

    def close(self) -> None:
        """Pass on the records that are left, and close the pipe. Call it when the gate has ended, from any thread."""
        if self._loop.is_running() and self._loop is not asyncio.get_running_loop():
            self._loop.call_soon_threadsafe(self._finish)
        else:
            self._finish()

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
        """Read once, and pass records on. Return: the number of bytes; 0 at the end; -1 if there are none now."""
        lines: List[bytes] = []
        size = self.take(lines)
        for line in lines:
            try:
                _emit(line)
            except Exception as error:  # from the program's filter or handler; it must not keep the pipe open
                self._loop.call_exception_handler({"message": "a record of git_gate was not logged", "exception": error})
        return size
