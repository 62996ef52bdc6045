# SPDX-License-Identifier: Apache-2.0
"""Sandboxes that keep git from the socket or the loopback: the sentence names the obstacle, and no wrong remedy."""

import errno
import os
import shutil
import socket
import subprocess

import pytest

from .bridge import HELPER, PROGRAM
from .gate import environment
from .remote import FAILED, URL, gate_of_git  # noqa: F401  # the fixture
from .repos import ENVIRONMENT, run_bounded
from .seccomp import refusing

START_FAILS = 4
FILTER = "a filter of system calls (seccomp) refuses"
A_USER = 1234
WRONG = ("become the user", "ip link", "selinux", "chmod", "start the gate", "another port")


def run_helper(path, *command, **popen):
    """Run the helper as the end of another command. Return the one sentence with which it fails."""
    result = subprocess.run([*command, HELPER, "origin", URL], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            check=False, timeout=20, env={**ENVIRONMENT, "GIT_GATE_SOCKET": str(path)}, **popen)
    assert (result.returncode, result.stderr.count("\n")) == (FAILED, 1), result
    return result.stderr


def check_words(said, words, wrong=WRONG):
    for word in words:
        assert word in said, said
    for word in wrong:
        assert word not in said, said


@pytest.mark.parametrize("error", ["EPERM", "EACCES"])
def test_filter_of_connect(gate, error):
    said = run_helper(gate.socket_path, preexec_fn=refusing("connect", error))
    check_words(said, ["cannot connect to", str(gate.socket_path), FILTER, os.strerror(getattr(errno, error))])


@pytest.mark.parametrize("error", ["EPERM", "EACCES", "EAFNOSUPPORT"])
def test_filter_of_unix_sockets(gate, error):
    said = run_helper(gate.socket_path, preexec_fn=refusing("socket", error, socket.AF_UNIX))
    check_words(said, ["cannot make a Unix socket", FILTER])


@pytest.mark.parametrize("call, error, argument", [("bind", "EPERM", None), ("bind", "EACCES", None),
                                                   ("socket", "EAFNOSUPPORT", socket.AF_INET)])
def test_filter_of_the_loopback(gate, call, error, argument):
    said = run_helper(gate.socket_path, preexec_fn=refusing(call, error, argument))
    check_words(said, ["127.0.0.1", FILTER])


def test_filter_of_the_bridge(gate):
    result = subprocess.run([PROGRAM, "bridge", "--listen=127.0.0.1:0", f"--socket={gate.socket_path}"], timeout=20,
                            capture_output=True, text=True, check=False, env=environment(),
                            preexec_fn=refusing("bind", "EPERM"))
    assert result.returncode == START_FAILS
    check_words(result.stderr, ["cannot listen on --listen=127.0.0.1:0", FILTER])


@pytest.fixture
def socket_of_a_user(tmp_path):
    """A socket with the mode of a gate's, owned by a user other than root."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to give a socket to another user")
    path = tmp_path / "gate.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        path.chmod(0o600)
        os.chown(path, A_USER, A_USER)
        yield path


def need(*command):
    if not shutil.which(command[0]) or run_bounded([*command, "true"], seconds=20, environment=ENVIRONMENT).returncode:
        pytest.skip(f"needs {command[0]}(1), and the right to use it")


def test_owner_that_is_not_mapped(socket_of_a_user):
    """Uid 65534 stands for unmapped users, so nobody can become that user."""
    command = ["unshare", "--user", "--map-root-user"]
    need(*command)
    said = run_helper(socket_of_a_user, *command)
    check_words(said, ["permission denied", "uid 65534", "does not map, so map the gate's user", "--userns=keep-id"])


def test_root_without_its_capabilities(socket_of_a_user):
    command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]
    need(*command)
    said = run_helper(socket_of_a_user, *command)
    check_words(said, [f"belongs to uid {A_USER}", "this is uid 0, without the capability", "become the user who started"],
                [word for word in WRONG if word != "become the user"])
