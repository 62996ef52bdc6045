# SPDX-License-Identifier: Apache-2.0
import sys

import git

action, *rest = sys.argv[1:]
if action in ("clone", "shallow"):
    git.Repo.clone_from(*rest, **({"depth": 1} if action == "shallow" else {}))
else:
    source = "refs/heads/main" if action == "push" else ""
    git.Repo(rest[0]).remotes.origin.push(f"{source}:refs/heads/{rest[1]}").raise_if_error()
