# SPDX-License-Identifier: Apache-2.0
"""The addresses of repo.git, and heads that are made of bytes as they are. Requests to be refused are in http_files."""

from .http import basic

INFO = "/repo.git/info/refs?service=git-upload-pack"
INFO_PUSH = "/repo.git/info/refs?service=git-receive-pack"
FETCH = "/repo.git/git-upload-pack"
PUSH = "/repo.git/git-receive-pack"

GET = f"GET {INFO} HTTP/1.1".encode()


def raw(line, *fields):
    """A head from bytes as they are, with Host and a good token."""
    return b"\r\n".join([line, b"Host: gate.test", basic().encode(), *fields, b"", b""])
