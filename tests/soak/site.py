# SPDX-License-Identifier: Apache-2.0
"""Makes the gate of a soak, and the repository that it serves."""

import itertools
import os
import shutil
import tempfile
from pathlib import Path

from faults import Server

from e2e.gate import Gate
from e2e.repos import bare, commit, git, history, refs, work_tree

HEADER_SECONDS = 3
STALL_SECONDS = 4
IDLE_SECONDS = 5
COMMITS = 200
OLD_COMMITS = 50  # those that a fetch has already
LARGE_BYTES = 8 << 20
# Prefixes of refs for which the hook refuses a push, sleeps, or even ignores SIGTERM.
REFUSED, HANGS, STUBBORN = "refs/heads/refused/", "refs/heads/hangs/", "refs/heads/stubborn/"
HOOK = f"""#!/bin/sh
while read -r _ _ name; do
    case $name in
    {REFUSED}*) echo 'refused by the hook' >&2; exit 1 ;;
    {HANGS}*) exec sleep 600 ;;
    {STUBBORN}*) trap '' TERM; while :; do sleep 600; done ;;
    esac
done
"""


class Site:
    """
    repo.git has many small commits on main and one large file on large, and accepts only fast-forwards.

    copy: the same repository out of the gate's reach, from which clients start. behind: only its first commits.
    """

    def __init__(self, transport):
        self.folder = Path(tempfile.mkdtemp(prefix="soak-"))
        self.root = self.folder / "mirrors"
        self.copy, self.behind = self.folder / "copy.git", self.folder / "behind.git"
        self.scratch = self.folder / "scratch"
        self.scratch.mkdir()
        self.numbers = itertools.count(1)
        self.gate = None
        try:
            self.make_repositories()
            # Only root may look into the memory of a confined gate.
            self.gate = Gate(f"--mirror-root={self.root}", "--scope=repo", f"--header-timeout={HEADER_SECONDS}",
                             f"--confine={'auto' if os.geteuid() == 0 else 'off'}",
                             f"--stall-timeout={STALL_SECONDS}", f"--idle-timeout={IDLE_SECONDS}",
                             f"--hooks-path={self.folder / 'hooks'}", transport=transport, log_level="info")
        except BaseException:
            self.clean_up()
            raise
        self.server = Server(self.gate.address, "/repo.git", self.gate.token, self.gate.url(), self.large)

    def make_repositories(self):
        self.root.mkdir()
        ids = history(bare(self.copy), COMMITS)
        self.main = ids[-1]
        git("clone", "--quiet", "--bare", self.copy, self.behind)
        git("update-ref", "refs/heads/main", ids[OLD_COMMITS - 1], cwd=self.behind)
        git("gc", "--quiet", "--prune=now", cwd=self.behind)
        work = work_tree(self.folder / "large")
        self.large = commit(work, "blob", os.urandom(LARGE_BYTES))
        git("fetch", "--quiet", work, "HEAD:refs/heads/large", cwd=self.copy)
        shutil.rmtree(work)
        git("repack", "-adq", cwd=self.copy)
        git("clone", "--quiet", "--bare", "--no-hardlinks", self.copy, self.repository)
        git("config", "receive.denyNonFastForwards", "true", cwd=self.repository)
        self.refs = refs(self.repository)
        (self.folder / "hooks").mkdir()
        (self.folder / "hooks" / "pre-receive").write_text(HOOK)
        (self.folder / "hooks" / "pre-receive").chmod(0o755)

    @property
    def repository(self):
        return self.root / "repo.git"

    def new_number(self):
        """Return a number for names that nobody else has."""
        return next(self.numbers)

    def new_folder(self):
        """Make a folder for one client, who removes it."""
        return tempfile.TemporaryDirectory(dir=self.scratch, prefix="client-")

    def tidy(self):
        """
        Restore the repository, or it would grow and slow everybody down. No request runs meanwhile.

        Return: the names of refs that no honest client has left there. Refs of killed pushes do not count, as some
        pushes are killed when git has done its work.
        """
        extra = sorted(refs(self.repository).keys() - self.refs.keys())
        for name in extra:
            git("update-ref", "-d", name, cwd=self.repository)
        git("repack", "-adq", cwd=self.repository)
        git("prune", "--expire=now", cwd=self.repository)
        return [name for name in extra if name != "refs/heads/killed"]

    def clean_up(self):
        if self.gate:
            self.gate.clean_up()
        shutil.rmtree(self.folder, ignore_errors=True)
