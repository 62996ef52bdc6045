# SPDX-License-Identifier: Apache-2.0
"""
Loads libgitgate with ctypes, declares its calls, and wraps a server that threads may share.

Calls that wait do not hold the interpreter's lock, so other threads go on. A server is freed with the last reference to
it, so never while a call for it still waits. This module must not know asyncio.
"""

from __future__ import annotations

import atexit
import ctypes
import errno
import os
import threading
import weakref
from typing import Callable, Iterable, Optional, Tuple

E_INTERNAL = 1
E_USAGE = 2

ERROR_MESSAGE_MAX = 512
TOKEN_MAX = 256
LIBRARY = "libgitgate.so.0"
LIBRARY_VARIABLE = "GIT_GATE_LIBRARY"

Setting = Tuple[str, str]


class GateError(RuntimeError):
    """
    A failure of a gate in one sentence. It names the option to change, as in git-gate(1), and never has the token.

    code: the exit status that the program git-gate would have: 1 a fault of the gate or of the system under it; 2 an
    option, or a file that it names, is wrong; 4 the options are fine, but serving cannot begin.
    """

    def __init__(self, message: str, code: int = E_INTERNAL) -> None:
        super().__init__(message)
        self.code = code


class _Error(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int), ("message", ctypes.c_char * ERROR_MESSAGE_MAX)]

    def exception(self) -> GateError:
        return GateError(self.message.decode(errors="replace"), self.code)


_POINTER = ctypes.c_void_p
_POINTER_OUT = ctypes.POINTER(ctypes.c_void_p)
_ERROR_OUT = ctypes.POINTER(_Error)
_TEXT = ctypes.c_char_p

_THREAD = ctypes.c_ulong  # pthread_t
_THREAD_OUT = ctypes.POINTER(ctypes.c_ulong)

# The result and the arguments of each call in gitgate.h, and of the calls for C threads in the library's libc.
_CALLS = {
    "gate_config_new": (ctypes.c_int, [_POINTER_OUT]),
    "gate_config_set": (ctypes.c_int, [_POINTER, _TEXT, _TEXT, _ERROR_OUT]),
    "gate_config_free": (_POINTER, [_POINTER]),
    "gate_server_new": (ctypes.c_int, [_POINTER_OUT, _POINTER, _ERROR_OUT]),
    "gate_server_start": (ctypes.c_int, [_POINTER, _ERROR_OUT]),
    "gate_server_address": (_TEXT, [_POINTER]),
    "gate_server_stop": (ctypes.c_int, [_POINTER]),
    "gate_server_free": (_POINTER, [_POINTER]),
    "gate_mint_token": (ctypes.c_int, [_TEXT, ctypes.c_size_t, _TEXT]),
    "pthread_create": (ctypes.c_int, [_THREAD_OUT, _POINTER, _POINTER, _POINTER]),
    "pthread_join": (ctypes.c_int, [_THREAD, _POINTER]),
}


def _load() -> ctypes.CDLL:
    """Load the library and declare its calls; an ImportError says how to get it."""
    name = os.environ.get(LIBRARY_VARIABLE) or LIBRARY
    try:
        library = ctypes.CDLL(name)
        for call, (result, arguments) in _CALLS.items():
            function = getattr(library, call)
            function.restype = result
            function.argtypes = arguments
    except (OSError, AttributeError) as error:  # the library does not load, or lacks a call
        raise ImportError(
            f"git_gate needs the library {LIBRARY} of the package git-gate, version 0.1: {error}. Install git-gate and "
            f"run ldconfig, or let the environment variable {LIBRARY_VARIABLE} name the library's file",
            name="git_gate", path=name) from error
    return library


_library = _load()


def _bytes(name: str, value: str) -> bytes:
    """Encode a text for C. Refuse a NUL, where C would end the text: a shorter token would be another token."""
    try:
        encoded = os.fsencode(value)
    except UnicodeEncodeError:
        encoded = b"\0"
    if b"\0" in encoded:
        raise GateError(f"--{name} holds a character that no option can hold", E_USAGE)
    return encoded


class _Native:
    """One struct gate_server. In a child made by fork(2), the library's calls for it have no effect."""

    def __init__(self, settings: Iterable[Setting]) -> None:
        self._pointer = ctypes.c_void_p()
        config = ctypes.c_void_p()
        error = _Error()
        if _library.gate_config_new(ctypes.byref(config)):
            raise GateError("out of memory", E_INTERNAL)
        try:
            for name, value in settings:
                if _library.gate_config_set(config, _bytes("option", name), _bytes(name, value), ctypes.byref(error)):
                    raise error.exception()
            if _library.gate_server_new(ctypes.byref(self._pointer), config, ctypes.byref(error)):
                raise error.exception()
        finally:
            _library.gate_config_free(config)

    def __del__(self) -> None:
        if self._pointer:
            _library.gate_server_free(self._pointer)

    def start(self) -> None:
        error = _Error()
        if _library.gate_server_start(self._pointer, ctypes.byref(error)):
            raise error.exception()

    def address(self) -> Optional[str]:
        text = _library.gate_server_address(self._pointer)
        return os.fsdecode(text) if text else None

    def stop(self) -> None:
        if _library.gate_server_stop(self._pointer):
            raise GateError("a fault had ended the gate before it was stopped; its log has the fault", E_INTERNAL)

    def begin_stop(self) -> Callable[[], None]:
        """Stop it on a C thread. The returned function waits for the end, or stops it itself if no thread was made."""
        thread = _THREAD()
        call = ctypes.cast(_library.gate_server_stop, ctypes.c_void_p)
        is_made = _library.pthread_create(ctypes.byref(thread), None, call, self._pointer) == 0

        def wait() -> None:
            if is_made:
                _library.pthread_join(thread, None)
            else:
                _library.gate_server_stop(self._pointer)
        return wait  # it holds a reference to this server


class Server:
    """
    A server that any thread can start and stop, any number of times. All calls except address() may wait.

    Each start reads the options again. A failed start leaves nothing behind.
    """

    def __init__(self) -> None:
        self._native: Optional[_Native] = None
        self._started = object()
        self._changing = threading.Lock()
        _servers.add(self)

    def start(self, settings: Iterable[Setting]) -> object:
        """Return a mark of this start for is_current()."""
        with self._changing:
            if self._native is not None:
                raise GateError("the server runs already; stop it first", E_USAGE)
            native = _Native(settings)
            native.start()
            self._native, self._started = native, object()
            return self._started

    def is_current(self, started: object) -> bool:
        """Tell whether the start that returned this mark has not been stopped yet."""
        return self._native is not None and self._started is started

    def stop(self) -> None:
        """Wait for a start under way, then stop. A second call ends the requests that the first one waits for."""
        with self._changing:
            native = self._native
        if native is None:
            return
        try:
            native.stop()
        finally:
            with self._changing:
                if self._native is native:
                    self._native = None

    def begin_stop(self) -> Callable[[], None]:
        """Stop in two steps. The returned function waits. For an interpreter that ends and can make no more threads."""
        with self._changing:
            native, self._native = self._native, None
        return native.begin_stop() if native is not None else lambda: None

    def address(self) -> Optional[str]:
        native = self._native
        return native.address() if native is not None else None

    def is_running(self) -> bool:
        """Tell whether it was started and not stopped, even if a fault has ended it."""
        return self._native is not None

    def forget(self) -> None:
        """Become a server that was never started, as nothing serves in the child of a fork(2)."""
        self._native = None
        self._changing = threading.Lock()


_servers: "weakref.WeakSet[Server]" = weakref.WeakSet()


def _stop_servers() -> None:
    """
    Stop all servers, so that a program that forgot to do so leaves no socket and no process when it ends.

    They stop at the same time, since each may have to drain. So the wait is as long as the slowest stop, not their sum.
    """
    waits = [server.begin_stop() for server in list(_servers)]
    for wait in waits:
        wait()


def _forget_servers() -> None:
    for server in list(_servers):
        server.forget()


atexit.register(_stop_servers)
os.register_at_fork(after_in_child=_forget_servers)


def mint_token(prefix: str = "gate-") -> str:
    """
    Make a fresh token: the prefix and 32 hexadecimal digits of getrandom(2), as "git-gate mint" prints it.

    The prefix is up to 223 printable ASCII characters without space and ":"; any other one is a ValueError.
    """
    token = ctypes.create_string_buffer(TOKEN_MAX)
    encoded = prefix.encode("utf-8", "surrogatepass")
    result = -errno.EINVAL if b"\0" in encoded else _library.gate_mint_token(token, TOKEN_MAX, encoded)
    if result == -errno.EINVAL:
        raise ValueError("a token's prefix is up to 223 printable ASCII characters without space and ':'")
    if result:
        raise OSError(-result, os.strerror(-result))
    return token.value.decode()
