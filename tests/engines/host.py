# SPDX-License-Identifier: Apache-2.0
"""The host's side of a task: its repository, token, settings and gate, made as the pages say."""

import os
import shutil
import subprocess
from pathlib import Path

from e2e.polling import wait_until
from e2e.recipes import at, recipes
from e2e.repos import commit, run_bounded, work_tree

README, PAGE = "README.md", "docs/containers.md"
WORK = Path(os.environ.get("GIT_GATE_WORK", "/nonexistent"))  # of script/test-engines
CLIENTS = Path(os.environ.get("GIT_GATE_CLI", "/nonexistent"), "node_modules", ".bin")
START_SECONDS = 10
END_SECONDS = 15


def environment(user):
    """A user's environment on the host, with nothing for gate://."""
    return {"PATH": f"/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:{CLIENTS}", "HOME": f"{WORK}/home/{user}", "LC_ALL": "C.UTF-8",
            "USER": user, "XDG_RUNTIME_DIR": f"/run/user/{user_id(user)}"}


def user_id(user):
    return int(subprocess.run(["id", "-u", user], capture_output=True, check=True).stdout)


def as_user(user):
    """The words before a command that run it as the user."""
    return [] if user == "root" else ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"]


def shell(script, *, user="root", seconds=60, cwd="/"):
    return run_bounded([*as_user(user), "sh", "-euc", script], seconds=seconds, cwd=cwd, environment=environment(user))


class Task:
    """A task of a user, in a folder that is /run/task7 on the pages. The mirrors are new for each task."""

    def __init__(self, user="root", folder="/run/task7", mirrors="/srv/mirrors"):
        self.folder, self.mirrors = Path(folder), Path(mirrors)
        self.forget()
        work = work_tree(WORK / "worktree")
        commit(work, "file", "text\n")
        subprocess.run(["install", "-d", f"--owner={user}", self.folder, self.mirrors], check=True)
        subprocess.run(["chmod", "-R", "a+rX", work], check=True)
        recipe = recipes(README, "A gate for a container")[0]
        before, serve = at(recipe, {"/path/to/worktree": work, "/run/task7": folder, "/srv/mirrors": mirrors}).split("git-gate serve", 1)
        trust = "git config --global safe.directory '*'\n"  # the work tree is root's
        result = shell(trust + before, user=user)
        assert result.returncode == 0, result
        settings, = recipes(PAGE, "The settings")
        assert shell(at(settings, {"/run/task7": folder}), user=user).returncode == 0
        with open(self.folder / "log", "wb") as log:
            self.gate = subprocess.Popen([*as_user(user), "sh", "-euc", f"exec git-gate serve {serve}"], stdout=log,
                                         stderr=log, env=environment(user))
        wait_until("a gate", lambda: "listening unix:" in self.log() or self.gate.poll() is not None, START_SECONDS)
        assert self.gate.poll() is None, self.log()

    def log(self):
        return (self.folder / "log").read_text()

    def stop(self):
        self.gate.terminate()
        self.gate.wait(END_SECONDS)
        self.forget()

    def forget(self):
        for folder in (self.folder, self.mirrors, WORK / "worktree"):
            shutil.rmtree(folder, ignore_errors=True)

    def refs(self):
        """The references of its repository, by name."""
        listed = subprocess.run(["git", "-c", "safe.directory=*", "-C", self.mirrors / "proj.git", "for-each-ref",
                                 "--format=%(refname) %(objectname)"], capture_output=True, text=True, check=True)
        return dict(line.split() for line in listed.stdout.splitlines())
