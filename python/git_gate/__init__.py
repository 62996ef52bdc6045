# SPDX-License-Identifier: Apache-2.0
"""
Run git-gate inside a Python program: an HTTP gate in front of one git repository, for clients that carry its token.

    async with GateServer(mirror_root="/srv/mirrors", scope="proj", token=token,
                          socket_path="/run/task7/socket/gate.sock"):
        ...

The C library libgitgate serves on a thread of its own, so clients wait neither for the interpreter's lock nor for a
blocked event loop. git-gate(1) says what is served, what the options mean and how git and its hooks are confined. No
thread of the program itself is confined.

While a gate runs, the program must not ignore SIGCHLD, change its user, or wait for children that it did not start, as
os.wait() does. It must not change os.environ while start() runs.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import warnings
import weakref
from _thread import start_new_thread
from types import TracebackType
from typing import Any, AsyncIterator, Callable, Iterator, List, Optional, Protocol, Sequence, Set, Type, TypeVar, Union

from ._library import E_INTERNAL, E_USAGE, GateError, Server, Setting, mint_token
from ._moves import Move, Moves
from ._records import Records

__all__ = ["GateError", "GateServer", "Move", "mint_token"]
__version__ = "0.1.0"


class HasFileno(Protocol):
    """An object with a descriptor: a file, a socket."""

    def fileno(self) -> int: ...


StrPath = Union[str, "os.PathLike[str]"]
OptionValue = Union[StrPath, int, bool, HasFileno, None]
Self = TypeVar("Self", bound="GateServer")

_NEEDS_TRANSPORT = "GateServer needs either socket_path or host+port, and not both"


def _settings(option: str, value: Any) -> List[Setting]:
    """Translate an option for the library: a name and a text for each of its values."""
    name = option.replace("_", "-")
    if value is None:
        return []
    if isinstance(value, (list, tuple)):
        return [setting for item in value for setting in _settings(option, item)]
    if isinstance(value, bool):
        return [(name, "yes" if value else "no")]
    if isinstance(value, int):
        return [(name, f"{value:04o}" if name == "socket-mode" else str(int(value)))]
    if isinstance(value, str):
        return [(name, value)]
    if isinstance(value, os.PathLike):
        return [(name, os.fsdecode(value))]
    if hasattr(value, "fileno"):
        return [(name, str(value.fileno()))]
    raise TypeError(f"{option} is text, a path, a whole number, a bool, a file or a list of these, "
                    f"and not {type(value).__name__}")


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"


@contextlib.contextmanager
def _own_thread() -> Iterator[concurrent.futures.Executor]:
    """Make a thread for a call that waits: the loop's own threads may all wait, perhaps for this very gate."""
    thread = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="git-gate")
    try:
        yield thread
    finally:
        thread.shutdown(wait=False)


def _call(thread: concurrent.futures.Executor, function: Callable[..., Any],
          *arguments: object) -> "asyncio.Future[Any]":
    """Start a call on the thread. The first call makes the thread, if the system allows one more; others reuse it."""
    try:
        return asyncio.get_running_loop().run_in_executor(thread, function, *arguments)
    except RuntimeError as error:
        raise GateError(f"there is no thread to wait on: {error}", E_INTERNAL) from error


async def _ended(*calls: "asyncio.Future[None]") -> None:
    """Wait until the calls end, even if the waiting is cancelled, and ignore their results."""
    while not all(call.done() for call in calls):
        try:
            await asyncio.wait(calls)
        except asyncio.CancelledError:
            pass
    for call in calls:
        call.exception()  # otherwise asyncio would warn that it was never retrieved


def _hurry(server: Server) -> "List[asyncio.Future[None]]":
    """Stop once more, to end the requests that the first stop waits for. Without a thread, the first stop goes on."""
    with contextlib.suppress(GateError), _own_thread() as thread:
        return [_call(thread, server.stop)]
    return []


async def _end_at_once(thread: concurrent.futures.Executor, server: Server) -> None:
    """Stop the server in any case, since no other call will. An ending interpreter takes no more calls on threads."""
    try:
        stopping = _call(thread, server.stop)
    except GateError:
        _stop_quietly(server)
    else:
        await _ended(stopping, *_hurry(server))


def _drop(server: Server) -> None:
    """Stop a server that the program can no longer reach, on another thread, since this one may be the loop's."""
    if server.is_running():
        try:
            start_new_thread(_stop_quietly, (server,))
        except RuntimeError:  # no thread: the interpreter may be ending, and then there is no loop to block
            _stop_quietly(server)
        warnings.warn("a GateServer was dropped while it ran: await stop()", ResourceWarning, stacklevel=2)


def _stop_quietly(server: Server) -> None:
    try:
        server.stop()
    except GateError:
        pass


class GateServer:
    """
    A git gate for one task. The task's supervisor makes it: GateServer(...), await start(), await stop().

    It serves MIRROR_ROOT/SCOPE.git to clients that carry the token, on a private Unix socket or a loopback port.
    The constructor checks only the types of its arguments and opens nothing; start() does the rest.

    mirror_root: the folder that holds SCOPE.git
    token: 1 to 255 printable ASCII characters without space and ":", as mint_token() makes one
    scope: the repository's name without .git, or a list of names; "*" for all below mirror_root
    socket_path: the Unix socket to listen on; its folder should be the gate's own. Or:
    host, port: the loopback address to listen on, as "127.0.0.1" or "::1"; port 0 picks one, see address
    hooks_path: the folder of the hooks that git runs; without it git runs no hook
    home_path: HOME of git, which reads its .gitconfig; without it git reads no global configuration
    options: any other option of "git-gate serve", git-gate(1), by its name with underscores for hyphens, as
        max_backends=4, read_only=True, hide_refs=["refs/a", "refs/b"]. There are three more: log_fd, a file or
        descriptor that gets the log in place of logging; moves_fd, one that gets the records of moves(), as JSON;
        listen_fd, a listening socket in place of another transport. None and an empty list stand for the default. An
        option that does not exist is a GateError at start().

    Without log_fd, the log goes to the logger "git_gate" of logging, by the event loop that ran start(). A record's
    message is a line of text; its attribute "gate" is the dict of all fields, as {"level": "notice", "id": 7, ...}.
    Python has no level for notices: they are INFO. At start(), the logger's level sets log_level unless that is given.
    While the loop is blocked, at most 64 KiB of records wait; further ones are dropped, and the next record has their
    number as dropped_records.

    A server that is garbage-collected while it runs stops, with a ResourceWarning. When the interpreter ends, it stops
    all servers that still run, at the same time, and waits up to drain_timeout for their requests. In the child of a
    fork no server runs, and the child has no descriptor of one. So gates and multiprocessing work together.
    """

    def __init__(
        self,
        *,
        mirror_root: StrPath,
        token: str,
        scope: Union[str, Sequence[str]],
        socket_path: Optional[StrPath] = None,
        host: Optional[str] = None,
        port: Optional[int] = None,
        hooks_path: Optional[StrPath] = None,
        home_path: Optional[StrPath] = None,
        **options: Union[OptionValue, Sequence[OptionValue]],
    ) -> None:
        if home_path is not None and options.get("home") is not None:
            raise TypeError("home and home_path are one option: give one of them")
        self._is_logging = options.get("log_fd") is None
        if self._is_logging and options.get("log_format") is not None:
            raise TypeError("log_format is for the text that log_fd gets: give log_fd, too, or a Formatter to logging")
        given = {"mirror_root": mirror_root, "token": token, "scope": scope, "hooks_path": hooks_path,
                 "home": home_path, **{name: value for name, value in options.items() if value is not None}}
        self._scope = scope
        self._settings = [setting for name, value in given.items() for setting in _settings(name, value)]
        self._sockets = _settings("socket", socket_path)
        self._host = host
        self._port = port
        self._options = options  # keeps the files in it open as long as this object lives
        self._server = Server()
        self._records: Set[Records] = set()  # of starts that are under way or have succeeded
        self._moves: Optional[Moves] = None  # of the last start that has succeeded
        weakref.finalize(self, _drop, self._server).atexit = False  # at exit, _library stops the servers

    def __repr__(self) -> str:
        return f"<GateServer of {self._scope!r}, {self.address or 'not serving'}>"

    @property
    def address(self) -> Optional[str]:
        """The address for clients, as "http://127.0.0.1:PORT" or "unix:PATH"; None when the server does not run."""
        return self._server.address()

    async def start(self) -> None:
        """
        Listen and serve. It returns once clients are accepted, and never blocks the loop.

        No transport, or two, is a ValueError; any other failure is a GateError and leaves nothing behind. A cancelled
        start stops the server before it raises CancelledError.
        """
        settings = [*self._settings, *self._transport()]
        if self._options.get("moves_fd") is not None:
            await self._start_logging(settings)
            return
        moves = Moves()
        try:
            moves.started = await self._start_logging([*settings, *moves.settings()])
            self._moves = moves
        finally:
            moves.close_write_end()
            if not self._server.is_current(moves.started):
                moves.close()

    async def _start_logging(self, settings: List[Setting]) -> object:
        if not self._is_logging:
            return await self._start(settings)
        records = Records()
        self._records.add(records)
        try:
            wanted = records.settings(has_level=any(name == "log-level" for name, _ in settings))
            records.started = await self._start([*settings, *wanted])
            return records.started
        finally:
            records.close_write_end()
            if not self._server.is_current(records.started):  # the start failed, or was stopped meanwhile
                self._close(records)

    async def _start(self, settings: List[Setting]) -> object:
        with _own_thread() as thread:
            starting = _call(thread, self._server.start, settings)
            try:
                return await asyncio.shield(starting)
            except asyncio.CancelledError:
                await _ended(starting)
                if starting.exception() is None:  # otherwise another call started the server, if it runs
                    await _end_at_once(thread, self._server)
                raise

    async def stop(self) -> None:
        """
        Stop accepting, let running requests finish for drain_timeout, end the rest, remove the socket.

        It returns after that, and never blocks the loop. It does nothing to a server that does not run. A stopped
        server can be started again. A second call while the first one waits ends the remaining requests at once. So
        does cancelling the first one; the server has stopped before CancelledError is raised. It is a GateError if a
        fault had ended serving before.
        """
        if self._moves is not None:
            self._moves.drain()
        try:
            with _own_thread() as thread:
                stopping = _call(thread, self._server.stop)
                try:
                    await asyncio.shield(stopping)
                except asyncio.CancelledError:
                    await _ended(stopping, *_hurry(self._server))
                    raise
        finally:
            for records in list(self._records):
                if records.started is not None and not self._server.is_current(records.started):
                    self._close(records)
            if self._moves is not None and not self._server.is_current(self._moves.started):
                self._moves.close()

    def moves(self) -> AsyncIterator[Move]:
        """
        Tell which references pushes have moved: async for move in gate.moves().

        It has all moves since the last start(), in the order in which the pushes ended, hooks included. It ends when
        the server has stopped. Each Move comes once, and only one task can wait at a time. The gate never waits for the
        program: at most 64 KiB of records wait, and Move.missed says how many did not fit.

        It is a GateError if the server was never started, or if the option moves_fd takes the records elsewhere.
        """
        if self._moves is None:
            raise GateError("there are no moves: start the server first, and do not give moves_fd", E_USAGE)
        return self._moves

    async def __aenter__(self: Self) -> Self:
        """Start it."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        """Stop it."""
        await self.stop()

    def _close(self, records: Records) -> None:
        self._records.discard(records)
        records.close()

    def _transport(self) -> List[Setting]:
        others = sum(name in ("socket", "listen", "listen-fd") for name, _ in self._settings)
        has_tcp = self._host is not None or self._port is not None
        if len(self._sockets) + has_tcp + others != 1:
            raise ValueError(_NEEDS_TRANSPORT)
        if not has_tcp:
            return self._sockets
        if not self._host or self._port is None:
            raise ValueError(_NEEDS_TRANSPORT)
        return [("listen", _address(self._host, self._port))]
