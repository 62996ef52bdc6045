# SPDX-License-Identifier: Apache-2.0
"""
git-gate inside of a Python program: an HTTP gate in front of one git repository, for whoever carries its one token.

    async with GateServer(mirror_root="/srv/mirrors", scope="proj", token=token,
                          socket_path="/run/task7/socket/gate.sock"):
        ...

It is the C library libgitgate, which serves on a thread of its own: neither the interpreter's lock nor a blocked event
loop keeps a client waiting. git-gate(1) says what is served, what the options mean and how git and its hooks are
confined; the thread that starts a gate, and all others of the program, are not confined.

While a gate runs, the program must not ignore SIGCHLD, wait for children that it has not started, as os.wait() does, or
change its user. While start() is under way, it must not change os.environ.
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
from typing import Any, Callable, Iterator, List, Optional, Protocol, Sequence, Type, TypeVar, Union

from ._library import E_INTERNAL, GateError, Server, Setting, mint_token

__all__ = ["GateError", "GateServer", "mint_token"]
__version__ = "0.1.0"


class HasFileno(Protocol):
    """What has a descriptor: a file, a socket."""

    def fileno(self) -> int: ...


StrPath = Union[str, "os.PathLike[str]"]
OptionValue = Union[StrPath, int, bool, HasFileno, None]
Self = TypeVar("Self", bound="GateServer")

_NEEDS_TRANSPORT = "GateServer needs either socket_path or host+port, and not both"


def _settings(option: str, value: Any) -> List[Setting]:
    """One option of Python as the library takes it: a name and a text for each of its values."""
    name = option.replace("_", "-")
    if value is None:
        return []
    if isinstance(value, (list, tuple)):
        return [setting for item in value for setting in _settings(option, item)]
    if isinstance(value, bool):
        return [(name, "yes" if value else "no")]
    if isinstance(value, int):
        return [(name, str(int(value)))]
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
    """For calls that wait: the loop's own threads may all be busy, even with waiting for this very gate."""
    thread = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="git-gate")
    try:
        yield thread
    finally:
        thread.shutdown(wait=False)


def _call(thread: concurrent.futures.Executor, function: Callable[..., None],
          *arguments: object) -> "asyncio.Future[None]":
    """Begin it there. The first call makes the thread, if the system allows one more; those behind it need none."""
    try:
        return asyncio.get_running_loop().run_in_executor(thread, function, *arguments)
    except RuntimeError as error:
        raise GateError(f"there is no thread to wait on: {error}", E_INTERNAL) from error


async def _ended(*calls: "asyncio.Future[None]") -> None:
    """Wait for the end of calls, however often the waiting is cancelled, whatever comes of them."""
    while not all(call.done() for call in calls):
        try:
            await asyncio.wait(calls)
        except asyncio.CancelledError:
            pass
    for call in calls:
        call.exception()  # so that asyncio does not complain that nobody looked


def _hurry(server: Server) -> "List[asyncio.Future[None]]":
    """One more stop ends what the first one waits for; without a thread for it, the first one takes its time."""
    with contextlib.suppress(GateError), _own_thread() as thread:
        return [_call(thread, server.stop)]
    return []


async def _end_at_once(thread: concurrent.futures.Executor, server: Server) -> None:
    """Whatever happens, for nobody else would. At its end, the interpreter takes no more calls on threads."""
    try:
        stopping = _call(thread, server.stop)
    except GateError:
        _stop_quietly(server)
    else:
        await _ended(stopping, *_hurry(server))


def _drop(server: Server) -> None:
    """Nobody can stop this server any more, so it is stopped, by a thread, as this one may be the loop's."""
    if server.is_running():
        try:
            start_new_thread(_stop_quietly, (server,))
        except RuntimeError:  # none is to be had, as at the end of the interpreter, where no loop is left to block
            _stop_quietly(server)
        warnings.warn("a GateServer was dropped while it ran: await stop()", ResourceWarning, stacklevel=2)


def _stop_quietly(server: Server) -> None:
    try:
        server.stop()
    except GateError:
        pass


class GateServer:
    """
    A git gate for one task, composed by the task's supervisor: GateServer(...), await start(), await stop().

    It serves MIRROR_ROOT/SCOPE.git to clients that carry the token, on a private Unix socket or a loopback port.
    Making one opens and checks nothing but the types of what is given; that is start()'s.

    mirror_root: the folder that holds SCOPE.git
    token: 1 to 255 printable ASCII characters without space and ":", as mint_token() makes one
    scope: the repository's name without .git; "*" for all below mirror_root
    socket_path: the Unix socket to listen on; its folder should be the gate's own. Or:
    host, port: the loopback address to listen on, as "127.0.0.1" or "::1"; port 0 picks one, which address tells
    hooks_path: the folder of the hooks that git runs; without it none runs
    home_path: HOME of git, whose .gitconfig is read; without it no global configuration is
    options: any other option of "git-gate serve", git-gate(1), by its name with underscores for hyphens, as
        max_backends=4, read_only=True, hide_refs=["refs/a", "refs/b"]; also log_fd, a file or descriptor that the log
        is written to (there is none otherwise), and in place of a transport listen_fd, a listening socket. None and an
        empty list are the default. An option that does not exist is a GateError at start().

    A server that is dropped while it runs is stopped, with a ResourceWarning. When the interpreter ends, it stops all that
    still run at once, and waits up to drain_timeout for their requests. In the child of a fork no server runs, and nothing
    of one is held by it: multiprocessing and gates do not mind each other.
    """

    def __init__(
        self,
        *,
        mirror_root: StrPath,
        token: str,
        scope: str,
        socket_path: Optional[StrPath] = None,
        host: Optional[str] = None,
        port: Optional[int] = None,
        hooks_path: Optional[StrPath] = None,
        home_path: Optional[StrPath] = None,
        **options: Union[OptionValue, Sequence[OptionValue]],
    ) -> None:
        if home_path is not None and options.get("home") is not None:
            raise TypeError("home and home_path are one option: give one of them")
        given = {"mirror_root": mirror_root, "token": token, "scope": scope, "hooks_path": hooks_path,
                 "home": home_path, **{name: value for name, value in options.items() if value is not None}}
        self._scope = scope
        self._settings = [setting for name, value in given.items() for setting in _settings(name, value)]
        self._sockets = _settings("socket", socket_path)
        self._host = host
        self._port = port
        self._options = options  # files among them stay open as long as this lives
        self._server = Server()
        weakref.finalize(self, _drop, self._server).atexit = False  # which stops servers by itself

    def __repr__(self) -> str:
        return f"<GateServer of {self._scope!r}, {self.address or 'not serving'}>"

    @property
    def address(self) -> Optional[str]:
        """Where clients connect to, as "http://127.0.0.1:PORT" or "unix:PATH"; None when it does not serve."""
        return self._server.address()

    async def start(self) -> None:
        """
        Listen, and serve; it returns once clients are accepted, and never blocks the loop.

        Without a transport, or with two, it is a ValueError; any other failure is a GateError, and leaves nothing. When
        it is cancelled, the server is stopped before CancelledError is raised.
        """
        with _own_thread() as thread:
            starting = _call(thread, self._server.start, [*self._settings, *self._transport()])
            try:
                await asyncio.shield(starting)
            except asyncio.CancelledError:
                await _ended(starting)
                if starting.exception() is None:  # otherwise what runs, if anything, is not of this call
                    await _end_at_once(thread, self._server)
                raise

    async def stop(self) -> None:
        """
        Stop accepting, let running requests finish for drain_timeout, end the rest, remove the socket.

        It returns when all that is done, and never blocks the loop. On a server that does not run, it does nothing; a
        stopped one can be started again. A second call while one waits, or cancelling it, ends at once what is left;
        when CancelledError is raised, the server is stopped. It is a GateError when serving had ended by a fault.
        """
        with _own_thread() as thread:
            stopping = _call(thread, self._server.stop)
            try:
                await asyncio.shield(stopping)
            except asyncio.CancelledError:
                await _ended(stopping, *_hurry(self._server))
                raise

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
