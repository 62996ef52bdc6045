# SPDX-License-Identifier: Apache-2.0
"""Puts programs under test behind filters of system calls, as other sandboxes do: seccomp(2)."""

import ctypes
import errno
import os
import platform
import struct

import pytest

NUMBERS = {
    "x86_64": {"socket": 41, "connect": 42, "bind": 49},
    "aarch64": {"socket": 198, "connect": 203, "bind": 200},
}.get(platform.machine(), {})
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2
LOAD, EQUALS, RETURN = 0x20, 0x15, 0x06  # of bpf(4): a word of the call's data into A; A == k; the verdict
AT_NUMBER, AT_FIRST_ARGUMENT = 0, 16  # in struct seccomp_data, of little-endian machines
ALLOW, ERROR = 0x7fff0000, 0x00050000


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def instruction(code, constant, yes=0, no=0):
    return struct.pack("=HBBI", code, yes, no, constant)


def refusing(call, error, first_argument=None):
    """A preexec_fn for subprocess: it makes a call fail, always or for this first argument. error: a name of errno(3)."""
    if call not in NUMBERS:
        pytest.skip("needs the numbers of this machine's system calls")
    verdict = [instruction(RETURN, ERROR | getattr(errno, error)), instruction(RETURN, ALLOW)]
    argument = [] if first_argument is None else [instruction(LOAD, AT_FIRST_ARGUMENT),
                                                  instruction(EQUALS, first_argument, no=1)]
    code = b"".join([instruction(LOAD, AT_NUMBER), instruction(EQUALS, NUMBERS[call], no=len(argument) + 1), *argument,
                     *verdict])
    program = Program(len(code) // 8, code)

    def install():
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER,
                                                                     ctypes.byref(program), 0, 0):
            os.write(2, b"no filter\n")
            os._exit(1)
    return install
