# SPDX-License-Identifier: Apache-2.0
"""What the tests of --confine share: when they can run, and the probe program."""

import ctypes
import errno
import platform
import subprocess
from pathlib import Path

import pytest

from .gate import PROGRAM

ABI_MIN = 2
CREATE_RULESET = 444  # landlock_create_ruleset(2)
CREATE_RULESET_VERSION = 1
SOURCES = sorted(Path(__file__).parent.glob("probe*.c"))


def landlock_abi():
    """The kernel's, or 0."""
    libc = ctypes.CDLL(None, use_errno=True)
    return max(libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(CREATE_RULESET_VERSION)), 0)


def has_sanitizers():
    """LeakSanitizer needs ptrace(2), which the filter of system calls refuses."""
    return b"__asan_init" in Path(PROGRAM).read_bytes()


needs_confinement = [
    pytest.mark.skipif(landlock_abi() < ABI_MIN, reason="needs a kernel with Landlock, ABI 2 or later"),
    pytest.mark.skipif(has_sanitizers(), reason="LeakSanitizer needs ptrace(2), which --confine refuses"),
]


def build_probe(path):
    """The program that tries what a hook must not be able to do."""
    subprocess.run(["cc", "-std=c17", "-D_GNU_SOURCE", "-O1", "-pthread", "-o", path, *SOURCES], check=True)


def outcomes(text):
    """The probe's lines: by name, the word and the name of the errno or, with a minus sign, the signal's number."""
    found = {}
    for line in text.splitlines():
        name, word, number = line.split(" ")
        found[name] = (word, errno.errorcode.get(int(number), number) if number != "0" else "")
    return found


def is_x86_64():
    return platform.machine() == "x86_64"
