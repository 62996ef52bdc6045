# SPDX-License-Identifier: Apache-2.0
import sys

import pygit2


class Callbacks(pygit2.RemoteCallbacks):
    def push_update_reference(self, name, reason):
        if reason:
            sys.exit(f"{name}: {reason}")


action, *rest = sys.argv[1:]
if action == "clone":
    pygit2.clone_repository(*rest)
else:
    source = "refs/heads/main" if action == "push" else ""
    pygit2.Repository(rest[0]).remotes["origin"].push([f"{source}:refs/heads/{rest[1]}"], callbacks=Callbacks())
