# SPDX-License-Identifier: Apache-2.0
"""Starts the bridge to a Unix socket, and gives git what it needs to find git-remote-gate."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest

PROGRAM = os.environ.get("GIT_GATE", str(Path(__file__).resolve().parents[2] / "build" / "git-gate"))
HELPER = Path(PROGRAM).parent / "git-remote-gate"
PASSED_ON = ("ASAN_", "UBSAN_", "LSAN_", "LLVM_PROFILE_")
SANITIZERS = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
LISTENING = re.compile(r"listening http://(127\.[0-9.]+|\[::1\]):([0-9]+)\n")
END_SECONDS = 10
WAIT_SECONDS = 10  # for a gate; less than by default


def is_sanitized():
    """Tell whether the program was built with the address sanitizer."""
    return b"__asan_init" in Path(PROGRAM).read_bytes()


def check_static(program):
    """Check that the program is small and needs nothing of its system. test_hardening.py checks its other properties."""
    if not shutil.which("readelf"):
        pytest.skip("needs readelf(1), of the package binutils")
    assert program.stat().st_size < 1 << 20
    parts = subprocess.run(["readelf", "--wide", "--program-headers", "--dynamic", program], capture_output=True,
                           text=True, check=True).stdout
    assert "INTERP" not in parts and "(NEEDED)" not in parts, parts


class Bridge:
    """
    A running `git-gate bridge`, which listens when this returns.

    program: the words before its options. variables: more of its environment.
    """

    def __init__(self, path, listen="127.0.0.1:0", program=(PROGRAM, "bridge"), variables=None, **popen):
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **popen}
        self.process = subprocess.Popen([*program, f"--listen={listen}", f"--socket={path}"],
                                        env={"PATH": os.environ["PATH"], "GIT_GATE_WAIT": str(WAIT_SECONDS),
                                             **SANITIZERS, **(variables or {})}, **streams)
        line = self.process.stdout.readline().decode()
        match = LISTENING.fullmatch(line)
        if not match:
            self.process.kill()
            raise AssertionError(f"not what git-gate(1) says: {line!r}\n{self.process.communicate()[1].decode()}")
        self.address = (match.group(1).strip("[]"), int(match.group(2)))

    @property
    def pid(self):
        return self.process.pid

    @property
    def port(self):
        return self.address[1]

    def stop(self):
        """End the bridge as its owner would; return its standard error."""
        if self.process.poll() is None:
            self.process.terminate()
        _, said = self.process.communicate(timeout=END_SECONDS)
        assert self.process.returncode == 0, f"ended with {self.process.returncode}: {said!r}"
        return said.decode() if said else ""


def helper_url(path, repository="repo"):
    """The URL of a repository, with the path of the gate's socket in it."""
    return f"gate:///{repository}.git?socket={quote(str(path), safe='')}"
