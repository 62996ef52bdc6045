# SPDX-License-Identifier: Apache-2.0
"""Each recipe of docs/containers.md for a gate on the host: it works, and fails as expected when one part is wrong."""

import contextlib
import socket
import threading

import pytest
from engines import DENIED

WORK = """
cd /tmp
git clone --quiet gate:///proj.git work
cd work
git -c user.name=x -c user.email=x@example.com commit --quiet --allow-empty -m more
git push --quiet origin HEAD:refs/heads/task7
git fetch --quiet
git rev-parse HEAD
"""
PROBE = "bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}' && echo reached; git ls-remote gate:///proj.git HEAD"


def test_recipe(engine, task):
    """The recipe works unchanged."""
    result = engine.run()
    assert result.returncode == 0, result
    assert "git-upload-pack" in task.log()


def test_work(engine, task):
    result = engine.run(command=WORK)
    assert result.returncode == 0, result
    assert result.stdout.decode().split()[-1] == task.refs()["refs/heads/task7"]
    assert task.gate.poll() is None


@contextlib.contextmanager
def listener():
    """A server on a port of the host. Yields the port and the list of its clients."""
    came = []

    def accept():
        with contextlib.suppress(OSError):
            while True:
                came.append(server.accept()[0])
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, daemon=True).start()
        try:
            yield server.getsockname()[1], came
        finally:
            server.shutdown(socket.SHUT_RDWR)


@pytest.mark.usefixtures("task")
def test_network(engine):
    """With the recipe, no port of the host can be reached. With the network on it can, and the gate still serves."""
    with listener() as (port, came):
        result = engine.run(command=PROBE.format(port=port))
        assert b"\tHEAD" in result.stdout and b"reached" not in result.stdout, result
        assert not came
        result = engine.run("network on", command=PROBE.format(port=port))
        assert b"\tHEAD" in result.stdout and b"reached" in result.stdout, result
        assert came


@pytest.mark.parametrize("change, words", [
    ("another user", DENIED),
    ("no mount", "there is no socket"),
    ("no token", "names a file that cannot be read"),
])
def test_refusal(engine, task, change, words):
    """The message is that of the page's table. Another user may read the token, so only the socket refuses it."""
    (task.folder / "token").chmod(0o644 if change == "another user" else 0o600)
    result = engine.run(change)
    assert result.returncode != 0
    assert engine.says.get(change, words) in result.stderr + result.stdout.decode(errors="replace"), result


def test_wrong_token(engine, task):
    right = (task.folder / "token").read_bytes()
    (task.folder / "token").write_bytes(b"not-" + right)
    try:
        result = engine.run()
    finally:
        (task.folder / "token").write_bytes(right)
    assert result.returncode != 0
    assert "is not that of the gate" in result.stderr + result.stdout.decode(errors="replace"), result
