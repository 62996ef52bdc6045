# SPDX-License-Identifier: Apache-2.0
"""
Runs git_gate with the library that was built with the program.

Only an interpreter with the sanitizer's runtime can load a library under the address sanitizer. If there is one, a test
marked needs_library runs in such an interpreter, by a second pytest for it alone.
"""

import functools
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .bridge import Bridge
from .gate import PROGRAM
from .http import Connection, request
from .repos import ENVIRONMENT, run_bounded
from .targets import INFO

PROJECT = Path(__file__).resolve().parents[2]
PACKAGE = PROJECT / "python"
LIBRARY = Path(PROGRAM).parent / "libgitgate.so.0"
SECONDS = 120

needs_library = pytest.mark.needs_library


@functools.lru_cache
def runtime():
    """The address sanitizer's library that libgitgate needs, or None. ldd(1) shows no arrow for a preloaded library."""
    without = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    needed = subprocess.run(["ldd", LIBRARY], capture_output=True, text=True, check=True, env=without).stdout
    found = re.search(r"=> (/\S*/libasan\.so\S*)", needed)
    return found and found.group(1)


def variables(**more):
    """The environment in which an interpreter finds the package and its library, and does not look for leaks."""
    whole = {**ENVIRONMENT, "GIT_GATE_LIBRARY": str(LIBRARY), "PYTHONPATH": str(PACKAGE), "PYTHONDONTWRITEBYTECODE": "1"}
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "GIT_GATE", "GIT_GATE_CONFINE"):
        if name in os.environ:
            whole[name] = os.environ[name]
    if runtime():
        whole["LD_PRELOAD"] = runtime()
        whole["ASAN_OPTIONS"] = whole.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    return {name: value for name, value in {**whole, **more}.items() if value is not None}


def python(*arguments, ok=True, seconds=SECONDS, within=(), **more):
    """Run an interpreter in that environment, within another command if given; the result has its output as text."""
    result = run_bounded([*within, sys.executable, "-X", "dev", *map(str, arguments)], seconds=seconds,
                         environment=variables(**more), cwd=PROJECT)
    result.stdout = result.stdout.decode()
    if ok:
        assert result.returncode == 0, result.stdout + result.stderr
    return result


def load():
    """The package, or None in an interpreter that cannot load the library. Such a one runs no test that needs it."""
    if not LIBRARY.exists() or runtime() and runtime() not in os.environ.get("LD_PRELOAD", ""):
        return None
    os.environ["GIT_GATE_LIBRARY"] = str(LIBRARY)
    sys.path.insert(0, str(PACKAGE))
    return importlib.import_module("git_gate")


def run_elsewhere(item):
    """For a test that needs the library: tell whether another interpreter ran it, or skip it if none can."""
    if not item.get_closest_marker("needs_library"):
        return False
    if not LIBRARY.exists():
        pytest.skip(f"needs {LIBRARY}, as it is built together with the program")
    if load():
        return False
    result = python("-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", item.nodeid, ok=False)
    assert result.returncode == 0, result.stdout + result.stderr
    if " skipped" in result.stdout.splitlines()[-1]:
        pytest.skip(result.stdout.splitlines()[-2])
    return True


def place(address):
    """A gate's address as Connection takes it."""
    if address.startswith("unix:"):
        return address[len("unix:"):]
    host, _, port = address[len("http://"):].rpartition(":")
    return host.strip("[]"), int(port)


def ask(address, *arguments, **named):
    """Make one request, by default for the first thing that git asks."""
    with Connection(place(address)) as connection:
        connection.send(request(*(arguments or ("GET", INFO)), **named))
        return connection.response(arguments[0] if arguments else "GET")


def is_served(address):
    try:
        Connection(place(address)).close()
    except OSError:
        return False
    return True


class Url:
    """For a while, the URL for git's client; a Unix socket is reached through a bridge."""

    def __init__(self, address, token):
        self.bridge = Bridge(place(address)) if address.startswith("unix:") else None
        host = f"127.0.0.1:{self.bridge.port}" if self.bridge else address[len("http://"):]
        self.text = f"http://x:{token}@{host}/repo.git"

    def __enter__(self):
        return self.text

    def __exit__(self, *_):
        if self.bridge:
            self.bridge.stop()
