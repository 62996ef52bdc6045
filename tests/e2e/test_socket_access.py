# SPDX-License-Identifier: Apache-2.0
"""Access to the Unix socket: --socket-mode, --socket-group, and the rights of others in its folder."""

import grp
import os
import re
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from .bridge import HELPER, PROGRAM
from .checks import check_serves
from .gate import WITHOUT_LEAKS, environment, run
from .host import under_strace
from .http import TOKEN
from .users import AS_ANOTHER, public_copy

USAGE = 2
CANNOT_START = 4
GROUP = 54321  # a group without members
CONNECT = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")


@pytest.fixture
def place():
    """A folder that other users can enter, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def options(root, socket, *more):
    return [f"--mirror-root={root}", "--scope=repo", f"--socket={socket}", *more]


def connects(path, *groups):
    """Whether another user with these groups can connect."""
    result = subprocess.run([sys.executable, "-c", CONNECT, path], **{**AS_ANOTHER, "extra_groups": groups},
                            capture_output=True, text=True, check=False)
    assert result.returncode == 0 or "PermissionError" in result.stderr, result.stderr
    return result.returncode == 0


@needs_root
@pytest.mark.parametrize("confine", ["auto", "off"])
def test_group_may_connect(small_root, start_gate, place, confine):
    """Only the group's members may, through folders that the gate made. The helper says who may."""
    path = place / "new" / "folder" / "gate.sock"
    gate = start_gate(*options(small_root, path, "--socket-mode=0660", f"--socket-group={GROUP}"),
                      f"--confine={confine}", transport=None, variables=WITHOUT_LEAKS)
    assert stat.S_IMODE(path.stat().st_mode) == 0o660 and path.stat().st_gid == GROUP
    for folder in (path.parent, path.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o710 and folder.stat().st_gid == GROUP
    check_serves(gate)
    assert connects(path, GROUP)
    assert not connects(path)
    with public_copy(HELPER) as helper:
        variables = {"GIT_GATE_SOCKET": path, "GIT_GATE_TOKEN": TOKEN, "GIT_GATE_WAIT": 0}
        said = subprocess.run([helper, "origin", "gate:///repo.git"], input="\n", env=environment(**variables),
                              **AS_ANOTHER, capture_output=True, text=True, check=False)
    assert "permission denied" in said.stderr and f"or a member of gid {GROUP}" in said.stderr, said.stderr
    gate.stop()
    assert not path.exists()


@needs_root
def test_group_of_the_folder(small_root, start_gate, place):
    """A Kubernetes emptyDir with fsGroup has mode 2777. It gives the socket its group, and every user may replace it."""
    os.chown(place, 0, GROUP)
    place.chmod(0o2777)
    path = place / "gate.sock"
    gate = start_gate(*options(small_root, path, "--socket-mode=0660"), transport=None)
    assert connects(path, GROUP) and not connects(path)
    warning, = [record for record in gate.records if "folder" in record]
    assert (warning["level"], warning["folder"], warning["mode"]) == ("warning", f"{place}/", "2777")
    assert "chmod +t" in warning["message"]
    place.chmod(0o3777)
    gate = start_gate(*options(small_root, place / "other.sock"), transport=None)
    assert [record for record in gate.records if "folder" in record] == []


def test_mode_in_force(small_root, start_gate, tmp_path):
    """The group is given by name. It is the tests' own."""
    name = grp.getgrgid(os.getegid()).gr_name
    path = tmp_path / "gate.sock"
    gate = start_gate(*options(small_root, path, "--socket-mode=640", f"--socket-group={name}"), transport=None)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640 and path.stat().st_gid == os.getegid()
    assert [record["socket_group"] for record in gate.records if "socket_group" in record] == [name]


def test_nobody_connects_before(small_root, start_gate, tmp_path):
    """Group and mode are set before listen(2), which fails here. Until then the kernel refuses everybody."""
    path = tmp_path / "gate.sock"
    gate = start_gate(*options(small_root, path, "--socket-mode=0660", f"--socket-group={os.getegid()}"),
                      "--confine=off", transport=None, wait=False, variables=WITHOUT_LEAKS,
                      program=under_strace(tmp_path, PROGRAM, "bind,fchownat,chmod:error=EPERM:when=99",
                                           "listen:error=EADDRINUSE"))
    assert gate.wait() == CANNOT_START and not path.exists()
    calls = re.findall(r"\b(bind|fchownat|chmod|listen)\(", (tmp_path / "strace").read_text())
    assert calls == ["bind", "fchownat", "chmod", "listen"]


@pytest.mark.parametrize("more, words", [
    (["--socket-mode=0666"], ["--socket-mode takes", "0660"]),
    (["--socket-mode=4600"], ["--socket-mode takes"]),
    (["--socket-mode=rw"], ["--socket-mode takes"]),
    (["--socket-group=no such group"], ["--socket-group=no such group is not a group here"]),
])
def test_refused(small_root, tmp_path, more, words):
    said = run("serve", *options(small_root, tmp_path / "sock", *more), GIT_GATE_TOKEN=TOKEN)
    assert said.returncode == USAGE and all(word in said.stderr for word in words), said.stderr


@pytest.mark.parametrize("option", ["--socket-mode=0660", "--socket-group=0"])
def test_refused_without_the_socket(small_root, option):
    said = run("serve", f"{small_root}/repo.git", "--listen=127.0.0.1:0", option, GIT_GATE_TOKEN=TOKEN)
    assert said.returncode == USAGE and option.partition("=")[0] in said.stderr and "SocketMode=" in said.stderr
