# SPDX-License-Identifier: Apache-2.0
"""Tells whether the tests of --confine can run here, and builds their probe program."""

import ctypes
import errno
import functools
import os
import platform
import re
import subprocess
from pathlib import Path

import pytest

from .bridge import is_sanitized

ABI_MIN = 2
CREATE_RULESET = 444  # landlock_create_ruleset(2)
CREATE_RULESET_VERSION = 1
PR_SET_SECCOMP = 22
SECCOMP_MODE_FILTER = 2
SOURCES = sorted(Path(__file__).parent.glob("probe*.c"))

# conftest.py skips a test with this mark where no gate can be confined.
needs_confinement = pytest.mark.needs_confinement


def landlock_abi():
    """The kernel's version of Landlock, or 0."""
    libc = ctypes.CDLL(None, use_errno=True)
    return max(libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(CREATE_RULESET_VERSION)), 0)


def has_filters():
    """Tell whether the kernel can filter system calls, by a filter at an invalid address."""
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, None) < 0 and ctypes.get_errno() == errno.EFAULT


def looks_for_leaks():
    """Tell whether the program ends with a search by LeakSanitizer; see script/test."""
    leaks = re.findall(r"\bdetect_leaks=(\w+)", os.environ.get("ASAN_OPTIONS", ""))
    return is_sanitized() and leaks[-1:] not in (["0"], ["false"])


@functools.lru_cache
def obstacle():
    """
    Return the reason why no gate can be confined here, or None.

    It asks the kernel, not the gate: the tests of a gate that wrongly denies it must not be skipped.
    """
    if landlock_abi() < ABI_MIN:
        return f"needs Landlock, ABI {ABI_MIN} or later, which this kernel, or who confines the tests, does not offer"
    if not has_filters():
        return "needs filters of system calls, which this kernel, or who confines the tests, does not offer"
    if looks_for_leaks():
        return "LeakSanitizer needs ptrace(2), which --confine refuses: needs ASAN_OPTIONS=detect_leaks=0"
    return None


def build_probe(path):
    """Build the program that tries everything that a hook must not be able to do."""
    subprocess.run(["cc", "-std=c17", "-D_GNU_SOURCE", "-O1", "-pthread", "-o", path, *SOURCES], check=True)


def outcomes(text):
    """The probe's lines by name: the word, and the name of the errno or, with a minus sign, the signal's number."""
    found = {}
    for line in text.splitlines():
        name, word, number = line.split(" ")
        found[name] = (word, errno.errorcode.get(int(number), number) if number != "0" else "")
    return found


def is_x86_64():
    return platform.machine() == "x86_64"
