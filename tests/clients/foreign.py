# SPDX-License-Identifier: Apache-2.0
"""
The clients, each with a driver: a program of tests/clients/drivers, or a few lines here.

A driver takes "clone URL FOLDER", "shallow URL FOLDER", "push FOLDER BRANCH" or "delete FOLDER BRANCH". It ends with a
status other than 0 if the client was refused. A push sends main to the branch at the address of origin.
"""

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path

from e2e.repos import ENVIRONMENT, run_bounded

DRIVERS = Path(__file__).parent / "drivers"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "git-gate" / "clients"  # see script/bootstrap
SECONDS = 60
NO_SHALLOW = "this version makes no shallow clones"
NO_GATE = "it starts no helper for gate://"


class Client:
    """
    A client and its driver.

    command: the driver's words. version_command: prints the version somewhere. cannot: the reason for each thing that is
    not possible. needs: the things to install.
    """

    def __init__(self, name, command, version_command, cannot=None, needs=(), variables=None):
        self.name = name
        self.command = [str(word) for word in command]
        self.version_command = version_command
        self.cannot = cannot or {}
        self.needs = needs
        self.variables = variables or {}

    def __repr__(self):
        return self.name

    @functools.cached_property
    def environment(self):
        return {**ENVIRONMENT, **self.variables}

    @functools.lru_cache
    def obstacle(self):
        """Return the reason why this client cannot run here, or None."""
        missing = [str(need) for need in self.needs if not (Path(need).exists() or shutil.which(str(need)))]
        if not missing and self._says_version() is None:
            missing = [str(self.version_command[0])]
        return f"needs {', '.join(missing)}: script/bootstrap --clients" if missing else None

    @functools.lru_cache
    def _says_version(self):
        try:
            said = subprocess.run(self.version_command, env={**self.environment, "HOME": os.devnull},
                                  capture_output=True, text=True, timeout=SECONDS, check=False)
        except OSError:
            return None
        return re.search(r"[0-9]+(\.[0-9]+)+", said.stdout) if said.returncode == 0 else None

    def version(self):
        return self._says_version()[0]

    def run(self, *arguments, home, **variables):
        """Run the driver. The home is an empty folder, as some clients write there."""
        return run_bounded([*self.command, *map(str, arguments)], seconds=SECONDS, cwd=home,
                           environment={**self.environment, "HOME": str(home), **variables})


# Prints the version of the library below it, if there is one. dulwich has a tuple.
VERSION = """
import importlib, sys
module = importlib.import_module(sys.argv[1])
version = getattr(module, "LIBGIT2_VERSION", module.__version__)
print(version if isinstance(version, str) else ".".join(map(str, version)))
"""


def python(name, module, driver, **named):
    return Client(name, ["/usr/bin/python3", DRIVERS / driver],
                  ["/usr/bin/python3", "-c", VERSION, module],
                  **named)


def jars():
    """The class path of JGit's command line. Debian 12's own script lacks one."""
    names = ["pgm", "http.apache", "lfs", "archive", "ui", ""]
    ours = [f"/usr/share/java/org.eclipse.jgit{'.' * bool(name)}{name}.jar" for name in names]
    others = [f"/usr/share/java/{name}.jar" for name in ("args4j", "slf4j-api", "slf4j-nop", "commons-compress", "jsch",
                                                         "httpclient", "httpcore", "commons-logging", "javaewah",
                                                         "commons-codec", "gson")]
    return ":".join(ours + others)


JGIT = ["java", "-XX:TieredStopAtLevel=1", "-cp", jars(), "org.eclipse.jgit.pgm.Main"]

CLIENTS = [
    Client("git", ["sh", DRIVERS / "git.sh"], ["git", "--version"]),
    python("GitPython", "git", "gitpython.py"),
    python("dulwich", "dulwich", "dulwich_.py", cannot={"gate": NO_GATE}),
    python("libgit2", "pygit2", "pygit2_.py", cannot={"gate": NO_GATE, "test_shallow_clone": NO_SHALLOW}),
    Client("JGit", ["sh", DRIVERS / "jgit.sh"], [*JGIT, "--version"], needs=["/usr/share/java/org.eclipse.jgit.pgm.jar"],
           cannot={"gate": NO_GATE, "test_shallow_clone": NO_SHALLOW}, variables={"JGIT": " ".join(JGIT), "JAVA_TOOL_OPTIONS": "-Djava.awt.headless=true"}),
    Client("go-git", [CACHE / "go-git"], [CACHE / "go-git", "version"], cannot={"gate": NO_GATE}),
    Client("isomorphic-git", ["node", DRIVERS / "isomorphic.cjs"],
           ["node", "-p", "require('isomorphic-git').version()"], needs=["node"], cannot={"gate": NO_GATE},
           variables={"NODE_PATH": str(CACHE / "node_modules")}),
    Client("hg-git of Mercurial", ["sh", DRIVERS / "hg.sh"],
           ["hg", "--config", "extensions.hggit=", "version", "--verbose"],
           cannot={"gate": NO_GATE, "test_shallow_clone": "Mercurial knows no shallow clones",
                   "test_deletion": "it deletes no branches of git"}),
    Client("cargo", ["sh", DRIVERS / "cargo.sh"], ["/usr/bin/cargo", "--version"],
           cannot={"gate": NO_GATE, "push": "it only fetches", "test_shallow_clone": "only with an unstable option"}),
]
