# SPDX-License-Identifier: Apache-2.0
"""The contenders of bench/run: the gate in its forms, peers, servers that already run, and git with no server."""

import base64
import contextlib
import ipaddress
import pathlib
import shutil
from dataclasses import dataclass
from typing import Optional
from urllib.parse import unquote, urlsplit

import mirrors
import peers
from clients import Http
from measure import Account
from places import Place, output
from program import Failed, say

from e2e.bridge import helper_url
from e2e.http import TOKEN

PATH = "/repo.git"
KEYS = ("gate", "gate-unix", "gate-http-backend", "gate-no-cache", "floor", "cgi")  # of the contenders in every run
FLOOR_TITLES = {"floor": "git alone", "cgi": "git http-backend alone"}
NO_CACHE = "--advertisement-cache=no"
HTTP_BACKEND = "--backend=http-backend"


@dataclass(frozen=True)
class Recipe:
    """
    The way to start a server.

    kind: of its column, see Contender. unix: it gets a Unix socket, and git reaches it through git-remote-gate.
    """
    key: str
    title: str
    kind: str
    server: peers.Server
    options: tuple[str, ...] = ()
    unix: bool = False

    def place(self, folder: pathlib.Path, model: pathlib.Path) -> Place:
        """Make a place for it, with a repository of its own, in a folder that must not exist."""
        folder.mkdir(mode=0o755)
        mirrors.copy(model, folder / "mirror")
        return Place(folder, folder / "mirror", TOKEN, socket=folder / "run" / "gate.sock" if self.unix else None,
                     fast=True)

    def start(self, place: Place) -> float:
        """Start it in a place; return the seconds until it listens."""
        self.server.start(place, *self.options)
        return place.wait()

    def url(self, place: Place) -> str:
        """Return the URL for git."""
        if self.unix:
            return helper_url(place.socket)
        user = "" if self.kind == "daemon" else f"{TOKEN}:@"
        return f"{'http' if user else 'git'}://{user}127.0.0.1:{place.port}{PATH}"


@dataclass
class Contender:
    """
    One column of the tables.

    kind: "gate"; "uncached", a gate that starts git for each advertisement; "peer", the best of which the gate is
    compared with; "other", named by --peer and not compared with; "daemon"; "floor" and "cgi", git alone. url: for git.
    http: its address for HTTP, or None. place: its place, and account: that of its processes; both are None for a
    server that was not started here. root: the folder of its repository, if known.
    """
    key: str
    title: str
    kind: str
    url: str
    http: Optional[Http] = None
    place: Optional[Place] = None
    account: Optional[Account] = None
    root: Optional[pathlib.Path] = None


def basic(user: str, password: str = "") -> str:
    """Return the value of an Authorization field."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def knows(option: str) -> bool:
    """Tell whether this gate has an option."""
    return option.partition("=")[0] in output(peers.GATE, "serve", "--help")


def recipes(names: list[str]) -> list[Recipe]:
    """Return the named servers that can be started here; the gate is always among them."""
    if absent := peers.missing("gate"):
        raise Failed(f"there is no {', '.join(absent)}: script/build makes it")
    gate = peers.SERVERS["gate"]
    title = gate.title()
    found = [Recipe("gate", title, "gate", gate), Recipe("gate-unix", f"{title}, Unix socket", "gate", gate, unix=True)]
    found += [Recipe(key, f"{title}, {option}", kind, gate, (option,)) for key, kind, option in (
        ("gate-http-backend", "gate", HTTP_BACKEND), ("gate-no-cache", "uncached", NO_CACHE)) if knows(option)]
    for name in names:
        if absent := peers.missing(name):
            say(f"{name} is left out, for there is no {', '.join(absent)} (script/bootstrap --bench)")
        else:
            kind = "daemon" if name == "daemon" else "peer"
            found.append(Recipe(name, peers.SERVERS[name].title(), kind, peers.SERVERS[name]))
    return found


def started(recipe: Recipe, folder: pathlib.Path, model: pathlib.Path, stack: contextlib.ExitStack) -> Contender:
    """Start a server that runs until the stack unwinds."""
    place = recipe.place(folder / recipe.key, model)
    account = Account(place, f"{folder.name}-{recipe.key}")
    with contextlib.ExitStack() as own:  # a server that does not start must not stay
        own.callback(shutil.rmtree, place.folder, ignore_errors=True)
        own.callback(account.close)
        own.callback(place.stop)
        recipe.start(place)
        account.open()
        stack.push(own.pop_all())
    http = None if recipe.kind == "daemon" else Http(place.address, PATH, basic(TOKEN))
    return Contender(recipe.key, recipe.title, recipe.kind, recipe.url(place), http, place, account, place.root)


def is_local(url: str) -> bool:
    """Tell whether a URL is one of HTTP on the loopback."""
    try:
        parts = urlsplit(url)
        return parts.port != 0 and parts.scheme == "http" and (parts.hostname == "localhost"
                                           or ipaddress.ip_address(parts.hostname or "").is_loopback)
    except ValueError:
        return False


def running(name: str, url: str, model: pathlib.Path) -> Contender:
    """Return a server that already runs, if it serves the same as the others."""
    parts = urlsplit(url := url.rstrip("/"))
    try:
        served = mirrors.tips(url)
    except AssertionError as error:
        raise Failed(f"--peer {name}: {str(error).strip().splitlines()[-1]}") from None
    if served != mirrors.tips(model / "repo.git"):
        raise Failed(f"--peer {name} does not serve a copy of the repository that --mirror names")
    authorization = basic(unquote(parts.username or ""), unquote(parts.password or ""))
    return Contender(name, name, "other", url, Http((parts.hostname, parts.port or 80), parts.path, authorization))


def floors(folder: pathlib.Path, model: pathlib.Path) -> list[Contender]:
    """
    Return the lower bounds: git alone, on a repository like the others, with no server in front.

    Requests are answered by a program that a loop starts (floors.py): git-upload-pack, and for comparison
    git-http-backend. For a fetch to nowhere it is git-upload-pack into a pipe; for git's commands it is file://.
    """
    root = folder / "floor" / "mirror"
    root.parent.mkdir()
    mirrors.copy(model, root)
    return [Contender(kind, title, kind, f"file://{root}/repo.git", root=root) for kind, title in FLOOR_TITLES.items()]
