# SPDX-License-Identifier: Apache-2.0
"""
The engines, and the recipe of each as docs/containers.md has it.

A recipe runs word by word, except for the name of the image and the words in `here`, which this machine needs otherwise.
A change breaks one thing: it replaces words of the recipe, as `changes` says. `says` has the message that follows.
"""

import contextlib
import functools
import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

from e2e.polling import wait_until
from e2e.recipes import fenced, recipes
from e2e.repos import run_bounded
from host import PAGE, WORK, environment, shell
from image import IMAGE, archive

ROOT = os.environ.get("GIT_GATE_ROOT", "")
COMMAND = re.compile(r"git clone gate:///proj\.git( /tmp/proj)?$", re.M)
SECONDS = 60
DAEMON_SECONDS = 30
DENIED = "permission denied to connect"


class Engine:
    """An engine whose recipe is one command. Engines with other recipes override some methods."""

    name, title, program = "", "", ""
    heading = ""  # on the page
    user = "root"  # who runs the engine, and the gate
    mount = ""  # the option that mounts {place}
    changes = {}  # "another user" and "network on": the words of the recipe, and others
    says = {}  # of a change: the message in place of the usual one
    here = ()  # (words, others): what this machine needs

    def recipe(self):
        return recipes(PAGE, self.heading)[0]

    def script(self, *changes, command=None, more=""):
        """The recipe, with changes, another command, or more options."""
        text = self.recipe()
        for change in changes:
            text = self.changed(text, change)
        text = self.with_options(text, more)
        assert COMMAND.search(text), text
        if command:
            text = COMMAND.sub(lambda _: f"sh -euc {shlex.quote(command)}", text)
        return self.at_home(text)

    def at_home(self, text):
        """A recipe with an image, and with what this machine needs."""
        for words, others in (*self.here, ("IMAGE", IMAGE)):
            text = text.replace(words, others)
        return text

    def run_recipe(self, text):
        """Run another recipe of the page."""
        return shell(self.at_home(text), user=self.user, seconds=SECONDS)

    def changed(self, text, change):
        if change in self.changes:
            words, others = self.changes[change]
            assert words in text, f"{words!r} is not in the recipe:\n{text}"
            return text.replace(words, others)
        place = {"no mount": "/run/task7/socket", "no token": "/run/task7/token"}[change]
        text, count = re.subn(self.mount.format(place=place), "", text)
        assert count == 1, f"{place} is not mounted once:\n{text}"
        return text

    def with_options(self, text, more):
        """Insert options after the first one about the network."""
        return text.replace("--network=none", f"--network=none {more}", 1) if more else text

    def run(self, *changes, command=None, more="", folder="/run/task7"):
        text = self.script(*changes, command=command, more=more).replace("/run/task7", folder)
        return shell(text, user=self.user, seconds=SECONDS)

    @functools.cached_property
    def obstacle(self):
        """The reason why the engine makes no container here, or None."""
        if not is_installed(self.program):
            return f"{self.program} is not installed"
        try:
            self.prepare()
            checked(self.try_it())
        except NoContainer as obstacle:
            return str(obstacle)
        except AssertionError as error:
            if not re.match("not (done|seen) within", str(error)):
                raise
            return str(error).splitlines()[0]
        return None

    def prepare(self):
        """Start a daemon, and load the image."""

    def try_it(self):
        """Run a container without anything of the gate."""
        text = re.sub(self.mount.format(place="[^ ,:]+"), "", self.script(command="true"))
        return shell(text, user=self.user, seconds=SECONDS)

    def close(self):
        """End what prepare() has started."""

    @functools.lru_cache
    def version(self):
        result = subprocess.run(self.version_command(), capture_output=True, text=True, check=False,
                                env=environment("root")) if is_installed(self.program) else None
        found = re.search(r"\d+(\.\d+)+\S*|\d+", result.stdout) if result else None
        return found[0].rstrip(",") if found else "none"

    def version_command(self):
        return [self.program, "--version"]


class NoContainer(Exception):
    """An engine cannot make any container on this machine."""

    def __init__(self, text):
        """text: what the engine says. Its last line is for a cell of a table."""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        super().__init__(re.sub(r"[|`]", " ", lines[-1])[:160] if lines else "it said nothing")


def checked(result):
    if result.returncode != 0:
        raise NoContainer(result.stderr)


def is_installed(program):
    return shutil.which(program, path=environment("root")["PATH"])


class Bubblewrap(Engine):
    name, title, program, heading = "bubblewrap", "bubblewrap", "bwrap", "bubblewrap"
    mount = r"--ro-bind {place} \S+ "
    # The folder of the socket is the owner's alone, so another user cannot even mount it.
    changes = {"another user": ("bwrap ", "setpriv --reuid=task --regid=task --init-groups bwrap "),
               "network on": ("--unshare-all", "--unshare-all --share-net")}
    says = {"another user": "/run/task7/socket: Permission denied"}

    def with_options(self, text, more):
        return text.replace("--ro-bind /run/task7/socket", f"{more} --ro-bind /run/task7/socket", 1)

    def try_it(self):
        text = re.sub(r"--ro-bind /(run|usr/local)/\S+ \S+ ", "", self.script(command="true"))
        return shell(text, seconds=SECONDS)


class Podman(Engine):
    """The page says that keep-id is only for users other than root."""

    name, title, program, heading = "podman", "Podman, root", "podman", "Podman"
    mount = r"--volume={place}:\S+ "
    changes = {"another user": ("--network=none", "--network=none --user=4712:4712"),
               "network on": ("--network=none", "--network=host")}
    here = (("--userns=keep-id ", ""), ("podman run", "podman run --rm"))

    def prepare(self):
        configuration = Path("/etc/containers/containers.conf")
        configuration.parent.mkdir(exist_ok=True)
        files = int(shell("ulimit -n").stdout)
        # By default Podman takes crun, which needs a single tree of control groups. runc works with others, too.
        configuration.write_text(f'[containers]\ndefault_ulimits = ["nofile={files}:{files}", "nproc=4096:4096"]\n'
                                 '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\n')
        checked(shell(f"podman load --quiet --input={archive()}", user=self.user, seconds=4 * SECONDS))


class RootlessPodman(Podman):
    name, title, user = "podman-rootless", "Podman, rootless", "task"
    changes = {**Podman.changes, "another user": ("--userns=keep-id", "--userns=keep-id --user=1:1")}
    here = (("podman run", "podman run --rm"),)

    def prepare(self):
        storage = Path(environment(self.user)["HOME"], ".config/containers/storage.conf")
        storage.parent.mkdir(parents=True, exist_ok=True)
        storage.write_text('[storage]\ndriver = "overlay"\n')  # Podman's choice without /dev/fuse copies the image for each container
        super().prepare()


class Nspawn(Engine):
    name, title, program, heading = "nspawn", "systemd-nspawn", "systemd-nspawn", "systemd-nspawn"
    mount = r"--bind-ro={place}:\S+ "
    changes = {"another user": ("--private-network", "--private-network --user=nobody"),
               "network on": ("--private-network ", "")}
    # There is no systemd here to tell of the container.
    here = (("systemd-nspawn ", "systemd-nspawn --register=no --keep-unit --pipe "),)

    def with_options(self, text, more):
        return text.replace("--private-network", f"--private-network {more}", 1)


class Bundle(Engine):
    """runc, crun and others: config.json of `runc spec`, changed as the page says."""

    heading = "An OCI bundle"
    number = 0  # of the command, among those on the page
    of = "An OCI bundle"  # where it is

    def recipe(self):
        command, = [line for line in recipes(PAGE, self.of)[0].splitlines() if line.startswith(self.program)]
        return command

    def run(self, *changes, command=None, more="", folder="/run/task7"):
        with self.bundle() as bundle:
            return self.run_in(bundle, changes, command, folder)

    @contextlib.contextmanager
    def bundle(self):
        """A bundle whose root forgets all changes, such as mount points."""
        bundle = WORK / "bundle"
        for part in ("upper", "work", "rootfs"):
            (bundle / part).mkdir(parents=True)
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={ROOT},upperdir={bundle}/upper,workdir={bundle}/work",
                        bundle / "rootfs"], check=True)
        try:
            subprocess.run(["runc", "spec", "--bundle", bundle], check=True)
            yield bundle
        finally:
            subprocess.run(["umount", "--lazy", bundle / "rootfs"], check=True)
            shutil.rmtree(bundle)

    def run_in(self, bundle, changes, command, folder):
        config = self.configured(json.loads((bundle / "config.json").read_text()), changes, folder)
        config["process"]["args"] = ["sh", "-euc", command] if command else "git clone gate:///proj.git /tmp/proj".split()
        (bundle / "config.json").write_text(json.dumps(config))
        text = self.recipe()
        for words, others in (*(self.changes[change] for change in changes if change in self.changes), *self.here):
            text = text.replace(words, others)
        return run_bounded(["sh", "-euc", text], seconds=SECONDS, cwd=bundle, environment=environment("root"))

    def configured(self, config, changes, folder):
        """Change config.json as the page says. A change may set another user, another network or no mount."""
        text = fenced(PAGE, self.heading, "json")[0].replace("/run/task7", folder)
        mounts = json.loads(f"[{text}]")
        gone = {"no mount": f"{folder}/socket", "no token": f"{folder}/token", "no mounts": None}
        sources = [gone[change] for change in changes if change in gone]
        config["mounts"] += [mount for mount in mounts if mount["source"] not in sources and
                             (None not in sources or not mount["source"].startswith("/"))]
        config["process"]["terminal"] = False
        if "another user" in changes:
            config["process"]["user"] = {"uid": 4712, "gid": 4712}
        if "network on" in changes:
            config["linux"]["namespaces"] = [space for space in config["linux"]["namespaces"] if space["type"] != "network"]
        return config

    def try_it(self):
        return self.run("no mounts", command="true")


class Runc(Bundle):
    name, title, program = "runc", "runc", "runc"


class Crun(Bundle):
    """crun refuses a mixture of control groups of versions 1 and 2, which some machines have."""

    name, title, program = "crun", "crun", "crun"
    here = (("crun ", "unshare --mount sh -c 'umount --recursive /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup; "
             "exec crun \"$@\"' sh --cgroup-manager=disabled "),)


class Daemon(Engine):
    """An engine with a daemon, which ends with the tests."""

    daemon = None
    command = ""
    ready = ""

    def prepare(self):
        if self.daemon:
            return
        with open(WORK / f"{self.program}.log", "wb") as log:
            self.daemon = subprocess.Popen(["sh", "-c", f"exec {self.command}"], stdout=log, stderr=log,
                                           env=environment("root"))
        wait_until(f"{self.title} is ready", lambda: shell(self.ready).returncode == 0 or self.daemon.poll() is not None,
                   DAEMON_SECONDS)
        if self.daemon.poll() is not None:
            raise NoContainer((WORK / f"{self.program}.log").read_text())
        self.load()

    def load(self):
        """Give it the image."""

    def close(self):
        if self.daemon:
            self.daemon.terminate()
            self.daemon.wait(DAEMON_SECONDS)


class Docker(Daemon):
    name, title, program, heading = "docker", "Docker", "docker", "Docker"
    mount = r"--mount type=bind,src={place},\S+ "
    changes = {"another user": ('--user "$(id -u):$(id -g)"', "--user=4712:4712"),
               "network on": ("--network=none", "--network=host")}
    here = (("docker run", "docker run --rm"),)
    # Without bridges and rules of its own: no container of the recipes has a network.
    command = ("dockerd --iptables=false --ip6tables=false --bridge=none --ip-forward=false --ip-masq=false "
               "--exec-opt native.cgroupdriver=cgroupfs")
    ready = "docker version"

    def load(self):
        checked(shell(f"docker load --quiet --input={archive()}", seconds=4 * SECONDS))


class Containerd(Daemon):
    name, title, program, heading = "containerd", "containerd", "containerd", "containerd"
    mount = r"--mount type=bind,src={place},\S+ "
    changes = {"another user": ("git clone", "setpriv --reuid=4712 --clear-groups git clone"),
               "network on": ("ctr run", "ctr run --net-host")}
    command = "containerd"
    ready = "ctr version"
    here = (("ctr run", 'ctr run --cgroup ""'),)

    def load(self):
        checked(shell(f"ctr image import {archive()}", seconds=4 * SECONDS))

    def with_options(self, text, more):
        return text.replace("ctr run", f"ctr run {more}", 1)


class Gvisor(Bundle):
    name, title, program, of = "gvisor", "gVisor", "runsc", "gVisor"
    changes = {"network on": ("--network=none", "--network=host"), "sockets closed": ("--host-uds=open", "")}
    here = (("runsc ", "runsc --ignore-cgroups --platform=ptrace "),)


class Devcontainer(Docker):
    """The CLI of devcontainers, which starts a container by Docker and then runs commands in it."""

    name, title, program, heading = "devcontainer", "devcontainer CLI", "devcontainer", "A devcontainer"
    mount = r'    "type=bind,source={place},[^"]+",\n'
    changes = {"another user": ('"updateRemoteUserUID": true', '"containerUser": "nobody"'),
               "network on": ("--network=none", "--network=host")}
    here = ()

    def recipe(self):
        return fenced(PAGE, self.heading, "json")[0] + self.between + recipes(PAGE, self.heading)[-1]

    between = "\n---\n"

    def prepare(self):
        ENGINES["docker"].prepare()

    def close(self):
        """Docker ends its daemon."""

    def run(self, *changes, command=None, more="", folder="/run/task7"):
        text = self.script(*changes, command=command, more=more).replace("/run/task7", folder)
        return self.run_text(text)

    def run_text(self, text):
        settings, commands = text.split(self.between)
        folder = WORK / "devcontainer"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / ".devcontainer").mkdir(parents=True)
        (folder / ".devcontainer" / "devcontainer.json").write_text(settings)
        try:
            return shell(commands, seconds=SECONDS, cwd=folder)
        finally:
            shell(f"docker ps --all --quiet --filter=label=devcontainer.local_folder={folder} | xargs -r docker rm --force")

    def try_it(self):
        text = re.sub(r'    "type=bind,source=[^"]+",?\n', "", self.script(command="true"))
        return self.run_text(text)


ENGINES = {engine.name: engine for engine in (Bubblewrap(), Podman(), RootlessPodman(), Nspawn(), Runc(), Crun(), Docker(),
                                              Containerd(), Gvisor(), Devcontainer())}
