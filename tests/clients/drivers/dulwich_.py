# SPDX-License-Identifier: Apache-2.0
import io
import sys

from dulwich import porcelain
from dulwich.repo import Repo


def url_of(folder):
    return Repo(folder).get_config().get((b"remote", b"origin"), b"url").decode()


action, *rest = sys.argv[1:]
if action in ("clone", "shallow"):
    porcelain.clone(rest[0], rest[1], depth=1 if action == "shallow" else None, errstream=sys.stderr.buffer)
else:
    source = "refs/heads/main" if action == "push" else ""
    said = io.BytesIO()
    porcelain.push(rest[0], url_of(rest[0]), f"{source}:refs/heads/{rest[1]}", errstream=said, outstream=said)
    if b"failed:" in said.getvalue():  # it does not raise an error for that
        sys.exit(said.getvalue().decode())
