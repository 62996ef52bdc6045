# SPDX-License-Identifier: Apache-2.0
"""git_gate.GateServer in the place of another class with its arguments: docs/terok-sandbox.md has a line for each case."""

import asyncio
import base64
import os
import socket
import stat

import pytest

from .http import TOKEN
from .packets import FETCH_TYPE, PUSH_TYPE
from .python_package import ask, load, needs_library
from .targets import FETCH, INFO, PUSH
from .test_python import make, where  # noqa: F401  # fixtures

pytestmark = needs_library
git_gate = load()


def authorization(text):
    return f"Authorization: {text}"


def basic(pair):
    return authorization("Basic " + base64.b64encode(pair.encode()).decode())


# Requests and their statuses, which the class promises for every transport.
REQUESTS = [
    ("what git asks first", ("GET", INFO), {}, 200),
    ("what git asks before a push", ("GET", INFO.replace("upload", "receive")), {}, 200),
    ("the token as user name, any password", ("GET", INFO, basic(f"{TOKEN}:any")), {"token": None}, 200),
    ("the token as password, any user name", ("GET", INFO, basic(f"any:{TOKEN}")), {"token": None}, 200),
    ("the token as bearer", ("GET", INFO, authorization(f"Bearer {TOKEN}")), {"token": None}, 200),
    ("no token", ("GET", INFO), {"token": None}, 401),
    ("another token", ("GET", INFO), {"token": "another-token-of-a-gate"}, 401),
    ("not base64", ("GET", INFO, authorization("Basic ???")), {"token": None}, 401),
    ("another repository", ("GET", "/other.git/info/refs?service=git-upload-pack"), {}, 403),
    ("the dumb protocol", ("GET", "/repo.git/info/refs"), {}, 403),
    ("another service", ("GET", "/repo.git/info/refs?service=git-upload-archive"), {}, 403),
    ("an object's file", ("GET", "/repo.git/objects/info/packs"), {}, 404),
    ("a folder above", ("GET", "/../repo.git/HEAD"), {}, 404),
    ("the root", ("GET", "/"), {}, 404),
    ("the wrong method for a fetch", ("GET", FETCH), {}, 405),
    ("the wrong method for a push", ("GET", PUSH), {}, 405),
    ("a fetch of another type", ("POST", FETCH, "Content-Type: text/plain", "Content-Length: 0"), {}, 415),
    ("a push of the fetch's type", ("POST", PUSH, FETCH_TYPE, "Content-Length: 0"), {}, 415),
    ("a probe before a push", ("POST", PUSH, PUSH_TYPE), {"body": b"0000"}, 200),
]


@pytest.mark.parametrize("words, arguments, named, status", REQUESTS, ids=[row[0] for row in REQUESTS])
def test_statuses(make, where, words, arguments, named, status):  # noqa: F811
    async def use():
        async with make(**where) as gate:
            response = ask(gate.address, *arguments, **named)
            assert response.status == status, (words, response)
    asyncio.run(use())


@pytest.mark.parametrize("named, said", [
    ({"mirror_root": "/nonexistent"}, "--mirror-root=/nonexistent is not a directory"),
    ({"scope": "missing"}, "there is no repository"),
    ({"scope": "repo.git"}, "without .git"),
    ({"hooks_path": "/nonexistent"}, "--hooks-path=/nonexistent is not a directory"),
    ({"home_path": "/nonexistent"}, "--home=/nonexistent is not a directory"),
    ({"token": ""}, "--token"), ({"token": "a b"}, "the token is not"), ({"token": "a:b"}, "the token is not"),
    ({"token": "t\u00f6ken"}, "the token is not"), ({"token": "t" * 256}, "the token is not"),
    ({"host": "0.0.0.0"}, "on the loopback"),
], ids=lambda value: "" if isinstance(value, str) else "-".join(map(str, *value.items()))[:24])
def test_what_would_not_serve_fails_at_the_start(make, named, said):  # noqa: F811
    gate = make(**{"host": "127.0.0.1", "port": 0, **named})
    with pytest.raises(git_gate.GateError) as failure:
        asyncio.run(gate.start())
    assert said in str(failure.value) and gate.address is None


def test_the_socket_of_a_program_that_listens_is_refused(make, tmp_path):  # noqa: F811
    path = tmp_path / "gate.sock"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        with pytest.raises(git_gate.GateError, match="is in use by another program"):
            asyncio.run(make(socket_path=path).start())
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
        assert path.is_socket()


def test_a_second_gate_does_not_take_the_first_ones_socket(make, tmp_path):  # noqa: F811
    async def use():
        async with make(socket_path=tmp_path / "gate.sock") as first:
            second = make(socket_path=tmp_path / "gate.sock")
            with pytest.raises(git_gate.GateError, match="is in use"):
                await second.start()
            await second.stop()
            assert ask(first.address).status == 200
    asyncio.run(use())


def test_modes_do_not_depend_on_the_umask(make, tmp_path):  # noqa: F811
    async def use():
        old = os.umask(0)
        try:
            async with make(socket_path=tmp_path / "new" / "gate.sock"):
                return [stat.S_IMODE(os.stat(tmp_path / name).st_mode) for name in ("new", "new/gate.sock")]
        finally:
            os.umask(old)
    assert asyncio.run(use()) == [0o700, 0o600]


def test_selinux_type_is_an_option(make, tmp_path):  # noqa: F811
    """The option has no effect where SELinux is off."""
    async def use():
        async with make(socket_path=tmp_path / "gate.sock", selinux_type="terok_socket_t", confine="off") as gate:
            assert ask(gate.address).status == 200
    asyncio.run(use())
