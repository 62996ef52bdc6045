# SPDX-License-Identifier: Apache-2.0
"""
Makes sandboxes for a task, without network, and with only the gate's socket and git-remote-gate.

By default it is bubblewrap's, with the system's folders to read. GIT_GATE_SANDBOX=runc selects an OCI container, and
nspawn one of systemd's. Their root is the folder in GIT_GATE_ROOT, as script/debian-root makes it. The recipes are
those of docs/containers.md.
"""

import functools
import json
import os
import shutil
import subprocess
from pathlib import Path

from .bridge import HELPER, SANITIZERS
from .http import TOKEN
from .repos import ENVIRONMENT, run_bounded

KIND = os.environ.get("GIT_GATE_SANDBOX", "bwrap")
VARIABLES = {**ENVIRONMENT, **SANITIZERS, "HOME": "/work", "GIT_GATE_TOKEN": TOKEN, "PATH": "/opt/git-gate:/usr/bin:/bin"}
SYSTEM = ["--ro-bind", "/usr", "/usr", "--ro-bind", "/etc", "/etc", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
MOUNT_OPTIONS = ["bind", "nosuid", "nodev"]


def system_links():
    """/bin and others, which are links into /usr on merged systems."""
    names = [name for name in ("bin", "lib", "lib32", "lib64", "sbin") if Path(f"/{name}").is_symlink()]
    return [word for name in names for word in ("--symlink", f"usr/{name}", f"/{name}")]


class Bubblewrap:
    """socket: the gate's, whose folder may be mounted read-only, as connect(2) does not write. work: /work inside."""

    def __init__(self, socket, work, _folder):
        self.command = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", *SYSTEM, *system_links(),
                        "--ro-bind", str(socket.parent), "/run/git-gate",
                        "--ro-bind", str(HELPER), "/opt/git-gate/git-remote-gate",
                        "--bind", str(work), "/work", "--chdir", "/work", "--clearenv",
                        *(word for name, value in VARIABLES.items() for word in ("--setenv", name, value))]

    def run(self, script, seconds):
        return run_bounded([*self.command, "sh", "-euc", script], seconds=seconds, environment=ENVIRONMENT)

    @staticmethod
    @functools.lru_cache
    def obstacle():
        """The reason why there is no sandbox here, or None."""
        if not shutil.which("bwrap"):
            return "needs bwrap(1)"
        attempt = subprocess.run(["bwrap", "--unshare-all", *SYSTEM, *system_links(), "true"], capture_output=True,
                                 text=True, check=False)
        return None if attempt.returncode == 0 else f"bwrap can make no sandbox here: {attempt.stderr.strip()}"


class Runc:
    """An OCI container from a bundle, without control groups, and with the same mounts."""

    def __init__(self, socket, work, folder):
        self.folder = folder / "bundle"
        self.folder.mkdir()
        self.state = folder / "state"
        subprocess.run(["runc", "spec", "--bundle", self.folder], check=True)
        self.config = json.loads((self.folder / "config.json").read_text())
        self.config["root"] = {"path": os.environ["GIT_GATE_ROOT"], "readonly": True}
        linux = self.config["linux"]
        linux.pop("resources", None)
        linux["namespaces"] = [space for space in linux["namespaces"] if space["type"] != "cgroup"]
        mounts = [mount for mount in self.config["mounts"] if mount["type"] != "cgroup"]
        mounts += [{"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev"]}]
        mounts += [{"destination": inside, "type": "none", "source": str(outside), "options": [*MOUNT_OPTIONS, mode]}
                   for inside, outside, mode in (("/run/git-gate", socket.parent, "ro"), ("/work", work, "rw"),
                                                 ("/opt/git-gate/git-remote-gate", HELPER, "ro"))]
        self.config["mounts"] = mounts

    def run(self, script, seconds):
        name = f"git-gate-{os.getpid()}"
        self.config["process"].update(terminal=False, args=["sh", "-euc", script], cwd="/work",
                                      env=[f"{variable}={value}" for variable, value in VARIABLES.items()])
        (self.folder / "config.json").write_text(json.dumps(self.config))
        runc = ["runc", "--root", str(self.state)]
        try:
            return run_bounded([*runc, "run", "--bundle", str(self.folder), name], seconds=seconds,
                               environment=ENVIRONMENT)
        finally:
            subprocess.run([*runc, "delete", "--force", name], capture_output=True, check=False)

    @staticmethod
    def obstacle():
        check_wanted("runc")


class Nspawn:
    """A container of systemd's, whose root forgets all changes."""

    def __init__(self, socket, work, _folder):
        self.command = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--pipe", "--private-network",
                        "--volatile=overlay", f"--directory={os.environ['GIT_GATE_ROOT']}",
                        f"--bind-ro={socket.parent}:/run/git-gate", f"--bind-ro={HELPER}:/opt/git-gate/git-remote-gate",
                        f"--bind={work}:/work", "--chdir=/work",
                        *(f"--setenv={name}={value}" for name, value in VARIABLES.items())]

    def run(self, script, seconds):
        return run_bounded([*self.command, "sh", "-euc", script], seconds=seconds, environment=ENVIRONMENT)

    @staticmethod
    def obstacle():
        check_wanted("systemd-nspawn")


def check_wanted(program):
    """Fail if the requested kind of sandbox is not available."""
    assert shutil.which(program), f"needs {program}: script/bootstrap --bench"
    assert "GIT_GATE_ROOT" in os.environ, "GIT_GATE_ROOT names no folder: see script/test-container"


Sandbox = {"bwrap": Bubblewrap, "runc": Runc, "nspawn": Nspawn}[KIND]
