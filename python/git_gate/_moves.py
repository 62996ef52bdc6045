# SPDX-License-Identifier: Apache-2.0
"""Tells a program which references pushes have moved. docs/log.md of git-gate has the records that the gate writes."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any, Dict, List, Optional

from ._library import Setting
from ._pipe import Pipe


@dataclass(frozen=True)
class Move:
    """
    The result for one reference that a push asked to move.

    request: the number of the request, "id" in the log; the same for all references of one push
    repository: the name of the repository, without .git
    ref: the name of the reference, as "refs/heads/main". Bytes that are not UTF-8 are as in os.fsdecode(). It is "" if
        only the number of moves is known: see missed.
    old, new: 40 or 64 hexadecimal digits; zeros for no object
    kind: "create", "delete", "fast-forward" or "forced"; "update" if the gate did not find out which of the last two
    result: "ok", "refused", or "unknown" if git did not report
    reason: why git refused it, in git's words
    missed: how many moves are missing between the last Move and this one: the program read too slowly, or the push
        moved more than 256 references. Then look at the references of the repository itself.
    """

    request: int
    repository: str
    ref: str
    old: str
    new: str
    kind: str
    result: str
    reason: str = ""
    missed: int = 0


def _text(fields: Dict[str, Any], name: str) -> str:
    """The text of a field. In the gate's JSON each byte is a character."""
    return str(fields.get(name, "")).encode("latin-1").decode(errors="surrogateescape")


def _move(line: bytes) -> Move:
    fields: Dict[str, Any] = json.loads(line)
    missed = int(fields.get("dropped_records", 0))
    if fields["message"] == "push as a whole":
        missed += max(int(fields["refs"]) - int(fields["recorded"]), 1)
    return Move(int(fields.get("id", 0)), _text(fields, "repository"), _text(fields, "ref"), _text(fields, "old"),
                _text(fields, "new"), _text(fields, "move"),
                _text(fields, "result"), _text(fields, "reason") if "ref" in fields else "", missed)


class Moves(Pipe):
    """An asynchronous iterator over the moves of one start. It ends when the gate has ended and all moves are read."""

    def __init__(self) -> None:
        super().__init__("moves")
        self._lines: List[bytes] = []
        self._waiting: Optional["asyncio.Future[None]"] = None

    def settings(self) -> List[Setting]:
        """The options by which the gate writes to this pipe."""
        return [("moves-fd", str(self._write_fd))]

    def drain(self) -> None:
        """Make room in the pipe, so that an ending gate can write how many it dropped. A waiting task reads anyway."""
        while self._waiting is None and self.take(self._lines) > 0:
            pass

    def close(self) -> None:
        """Close the pipe, and keep the moves left in it. Call it when the gate has ended. A waiting task sees that."""
        self.drain()
        if self._waiting is None:
            self.forget()

    def __aiter__(self) -> "Moves":
        return self

    async def __anext__(self) -> Move:
        while not self._lines:
            size = self.take(self._lines)
            if size == 0:
                self.forget()
                raise StopAsyncIteration
            if size < 0:
                await self._readable()
        return _move(self._lines.pop(0))

    async def _readable(self) -> None:
        if self._waiting is not None:
            raise RuntimeError("another task waits for the moves of this gate already")
        loop = asyncio.get_running_loop()
        self._waiting = loop.create_future()
        loop.add_reader(self._read_fd, self._wake)
        try:
            await self._waiting
        finally:
            self._waiting = None
            if self._read_fd >= 0:
                loop.remove_reader(self._read_fd)

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
