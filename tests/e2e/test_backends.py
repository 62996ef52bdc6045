# SPDX-License-Identifier: Apache-2.0
"""
The same requests to a gate with each --backend, and to git's own CGI program under lighttpd, where that is installed.

Each server has its own copy of the same repositories. Status, fields and body are equal, except for DIFFERENCES.
"""

import contextlib
import fnmatch
import functools
import gzip
import os
import re
import shutil

import pytest

from . import packets
from .backends import BACKENDS
from .lighttpd import Lighttpd, program
from .packets import FETCH_TYPE, FLUSH, NO_OBJECT, PUSH_TYPE, packet, push
from .repos import bare, git, history, out, refs

ALGORITHMS = {40: "sha1", 64: "sha256"}
COMPRESSED = {"ls-refs", "fetch-0-have", "fetch-2", "no-packets"}
FRAMING = {"date", "server", "connection", "transfer-encoding", "content-length", "accept-ranges"}
CAPABILITIES = "side-band-64k ofs-delta no-progress"
PUSH_CAPABILITIES = "report-status side-band-64k"
BANDS = (b"\1", b"\2", b"\3")
REFTABLE = (2, 45)

# git's settings for the stock server. They are those of a gate, so that they make no difference.
SETTINGS = [("core.attributesFile", "/dev/null"), ("core.alternateRefsCommand", "true"), ("receive.fsckObjects", "true"),
            ("receive.autogc", "false"), ("uploadpack.allowFilter", "true"),
            ("uploadpack.allowAnySHA1InWant", "true"), ("transfer.hideRefs", "refs/gate")]

HOOK = """#!/bin/sh
echo "the hook speaks"
while read -r old new name; do
    case $name in refs/heads/forbidden) echo "not $name" >&2; exit 1;; esac
done
"""

# The gate's answer where it differs from the stock server's. The words and fields of a refusal are always the gate's own.
FAILED = "500, as git failed before it said anything; the stock server has sent a 200 by then"
REFUSED = "400, before the gate looks at the repository; the stock server says what git finds first, or 200"
CUT = "the same, not whole, as git failed in the middle; the stock server ends it like a whole one"

# Patterns of repositories, patterns of requests, and the gate's answer to these.
DIFFERENCES = [
    ("*", "no-packets* cut-packet", REFUSED),
    ("*", "no-command push-no-packets", FAILED),
    ("missing-blob broken-blob", "fetch-?* !*-have* !*-unknown !*-filter", CUT),
    ("partial", "fetch-?* !*-have* !*-unknown !*-filter !*-hidden", CUT),
    ("broken-refs", "refs-* !refs-upload--2 !refs-upload--both ls-refs* fetch-[01]* flush-0", FAILED),
    ("broken-refs", "push-delete", CUT),
]

# A push to a partial clone makes receive-pack of git 2.39 loop for ever, whatever program starts it.
LEFT_OUT = [("partial", "push-*")]


OBJECT_INFO_DIES = (2, 40)  # without a word, as 2.47 does; 2.39 answers


def git_version():
    return tuple(map(int, re.match(r"git version (\d+)\.(\d+)", out("version")).groups()))


# ---- repositories ----

def make_plain(path, *options):
    repo = bare(path, *options)
    ids = history(repo, 6)
    history(repo, 2, branch="side", text="side", start=ids[2])
    git("tag", "light", ids[1], cwd=repo)
    git("tag", "-a", "-m", "Annotated", "heavy", ids[3], cwd=repo)
    git("update-ref", "refs/gate/secret", ids[1], cwd=repo)
    return repo


def make_shallow(path):
    source = make_plain(path.with_suffix(".source"))
    git("clone", "--quiet", "--bare", "--depth=2", f"file://{source}", path)


def make_partial(path):
    source = make_plain(path.with_suffix(".source"))
    git("config", "uploadpack.allowFilter", "true", cwd=source)
    git("clone", "--quiet", "--bare", "--filter=blob:none", f"file://{source}", path)


def make_borrowing(path):
    lender = make_plain(path.with_suffix(".lender"))
    repo = bare(path)
    (repo / "objects" / "info" / "alternates").write_text(f"../../{lender.name}/objects\n")
    git("update-ref", "refs/heads/main", refs(lender)["refs/heads/main"], cwd=repo)


def make_detached(path):
    repo = make_plain(path)
    git("update-ref", "--no-deref", "HEAD", refs(repo)["refs/heads/side"], cwd=repo)


def make_unborn(path):
    git("symbolic-ref", "HEAD", "refs/heads/none", cwd=make_plain(path))


def make_linked(path):
    repo = make_plain(path)
    git("symbolic-ref", "refs/heads/alias", "refs/heads/main", cwd=repo)
    git("symbolic-ref", "HEAD", "refs/heads/alias", cwd=repo)


def loose(repo):
    """Take the packs apart, so that one object can be damaged."""
    for pack in list((repo / "objects" / "pack").glob("*.pack")):
        kept = pack.rename(repo / pack.name)
        pack.with_suffix(".idx").unlink()
        git("unpack-objects", "-q", cwd=repo, data=kept.read_bytes())


def object_path(repo, name):
    oid = out("rev-parse", name, cwd=repo)
    return repo / "objects" / oid[:2] / oid[2:]


def make_missing_blob(path):
    repo = make_plain(path)
    loose(repo)
    object_path(repo, "main:dir1/file").unlink()


def make_missing_tip(path):
    repo = make_plain(path)
    loose(repo)
    object_path(repo, "main").unlink()


def make_broken_blob(path):
    repo = make_plain(path)
    loose(repo)
    blob = object_path(repo, "main:dir1/file")
    blob.chmod(0o644)
    blob.write_bytes(b"no object")


def make_broken_refs(path):
    repo = make_plain(path)
    git("pack-refs", "--all", cwd=repo)
    with (repo / "packed-refs").open("a") as packed:
        packed.write("no reference\n")


def make_broken_config(path):
    with (make_plain(path) / "config").open("a") as config:
        config.write("[broken\n")


def make_broken_head(path):
    (make_plain(path) / "HEAD").write_text("no reference\n")


def make_without_objects(path):
    shutil.rmtree(make_plain(path) / "objects")


REPOSITORIES = {
    "plain": make_plain,
    "empty": bare,
    "shallow": make_shallow,
    "partial": make_partial,
    "sha256": lambda path: make_plain(path, "--object-format=sha256"),
    "reftable": lambda path: make_plain(path, "--ref-format=reftable"),
    "borrowing": make_borrowing,
    "detached": make_detached,
    "unborn": make_unborn,
    "linked": make_linked,
    "missing-blob": make_missing_blob,
    "missing-tip": make_missing_tip,
    "broken-blob": make_broken_blob,
    "broken-refs": make_broken_refs,
    "broken-config": make_broken_config,
    "broken-head": make_broken_head,
    "without-objects": make_without_objects,
    "absent": None,
}


# ---- requests ----

class Oids:
    """Ids for requests: those of the repository when it was made. Where it has none, an id that no repository has."""

    def __init__(self, repo):
        found = git("for-each-ref", "--format=%(refname) %(objectname)", cwd=repo, ok=None) if repo.exists() else None
        listing = found.stdout.splitlines() if found and found.returncode == 0 else []
        self.refs = dict(line.split(" ") for line in listing)
        self.size = len(next(iter(self.refs.values()), NO_OBJECT))
        self.unknown = "1234" * (self.size // 4)
        self.zero = "0" * self.size
        self.tip = self.refs.get("refs/heads/main", self.unknown)
        self.side = self.refs.get("refs/heads/side", self.unknown)
        self.hidden = self.refs.get("refs/gate/secret", self.unknown)


def wants(*oids, more=(), done=True):
    """A request of protocol versions 0 and 1."""
    lines = [packet(f"want {oid}{' ' + CAPABILITIES if i == 0 else ''}\n") for i, oid in enumerate(oids)]
    return b"".join(lines) + b"".join(map(packet, more)) + FLUSH + (packet("done\n") if done else b"")


def fetches(oids):
    """Bodies for git-upload-pack: name, protocol version, body."""
    command = functools.partial(packets.command, algorithm=ALGORITHMS[oids.size])
    yield "ls-refs", 2, command("ls-refs", "peel", "symrefs")
    yield "ls-refs-unborn", 2, command("ls-refs", "unborn", "symrefs", "ref-prefix HEAD")
    yield "ls-refs-prefix", 2, command("ls-refs", "ref-prefix refs/tags/", "ref-prefix refs/gate/")
    yield "fetch-2", 2, command("fetch", "ofs-delta", "no-progress", f"want {oids.tip}", "done")
    yield "fetch-2-have", 2, command("fetch", "no-progress", f"want {oids.tip}", f"have {oids.side}", f"have {oids.unknown}")
    yield "fetch-2-depth", 2, command("fetch", "no-progress", f"want {oids.tip}", "deepen 1", "done")
    yield "fetch-2-filter", 2, command("fetch", "no-progress", f"want {oids.tip}", "filter blob:none", "done")
    yield "fetch-2-unknown", 2, command("fetch", "no-progress", f"want {oids.unknown}", "done")
    yield "fetch-2-hidden", 2, command("fetch", "no-progress", f"want {oids.hidden}", "done")
    yield "object-info", 2, command("object-info", "size", f"oid {oids.tip}")
    yield "no-command", 2, command("none")
    yield "flush-2", 2, FLUSH
    for version in (0, 1):
        yield f"fetch-{version}", version, wants(oids.tip, oids.side)
        yield f"fetch-{version}-have", version, wants(oids.tip, done=False) + packet(f"have {oids.side}\n") + FLUSH
        yield f"fetch-{version}-depth", version, wants(oids.tip, more=["deepen 1\n"])
        yield f"fetch-{version}-unknown", version, wants(oids.unknown)
        yield f"fetch-{version}-hidden", version, wants(oids.hidden)
    yield "flush-0", 0, FLUSH
    yield "no-packets", 0, b"no packets at all"
    yield "cut-packet", 0, b"0032want 12"


def pushes(oids):
    """Bodies for git-receive-pack: name, body. Each changes the repository for the next ones."""
    named = {"capabilities": PUSH_CAPABILITIES + (f" object-format={ALGORITHMS[oids.size]}")}
    yield "push-create", push([(oids.zero, oids.tip, "refs/heads/created")], **named)
    yield "push-again", push([(oids.zero, oids.tip, "refs/heads/created")], **named)
    yield "push-update", push([(oids.tip, oids.side, "refs/heads/created")], **named)
    yield "push-refused", push([(oids.zero, oids.tip, "refs/heads/forbidden")], **named)
    yield "push-hidden", push([(oids.zero, oids.tip, "refs/gate/new")], **named)
    yield "push-unknown", push([(oids.zero, oids.unknown, "refs/heads/unknown")], **named)
    yield "push-bad-name", push([(oids.zero, oids.tip, "refs/heads/..")], **named)
    yield "push-no-pack", push([(oids.zero, oids.tip, "refs/heads/other")], pack=b"", **named)
    yield "push-bad-pack", push([(oids.zero, oids.tip, "refs/heads/other")], pack=b"PACK\0\0\0\2\0\0\0\1oops", **named)
    yield "push-delete", push([(oids.side, oids.zero, "refs/heads/created")], pack=b"", **named)
    yield "push-nothing", FLUSH
    yield "push-no-packets", b"no packets at all"


def requests(oids):
    """Requests: name, and the arguments of Gate.ask(), whose target lacks the repository's path."""
    versions = {"": [], "-0": ["Git-Protocol: version=0"], "-1": ["Git-Protocol: version=1"],
                "-2": ["Git-Protocol: version=2"], "-both": ["Git-Protocol: version=1:version=2"],
                "-key": ["Git-Protocol: key"]}
    for service in ("git-upload-pack", "git-receive-pack"):
        for name, fields in versions.items():
            yield f"refs-{service[4:11]}{name}", ("GET", f"/info/refs?service={service}", *fields), {}
    yield "HEAD", ("GET", "/HEAD"), {}
    for name, version, body in fetches(oids):
        arguments = ("POST", "/git-upload-pack", FETCH_TYPE, *versions[f"-{version}"])
        yield name, arguments, {"body": body}
        if name in COMPRESSED:
            yield f"{name}-gzip", (*arguments, "Content-Encoding: gzip"), {"body": gzip.compress(body, mtime=0)}
    for name, body in pushes(oids):
        yield name, ("POST", "/git-receive-pack", PUSH_TYPE), {"body": body}


# ---- the comparison ----

@pytest.fixture(scope="module")
def hooks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hooks")
    folder.chmod(0o755)
    (folder / "pre-receive").write_text(HOOK)
    (folder / "pre-receive").chmod(0o755)
    return folder


class Place:
    """The servers. Each has its own folder for repositories; the names of these folders are equally long."""

    def __init__(self, folder):
        self.folder = folder
        self.servers = {}

    def root(self, server):
        return self.folder / f"{server:-<12}"

    @staticmethod
    def copy(path, target):
        """Copy only new files. Objects of earlier repositories exist already, and only root could overwrite them."""
        if path.is_dir() and not path.is_symlink() and not target.exists():
            shutil.copytree(path, target, symlinks=True)
        elif not os.path.lexists(target):
            shutil.copy2(path, target, follow_symlinks=False)

    def make(self, name):
        """Make the repository for the first server, and copy it for the others."""
        first, *others = self.servers
        if REPOSITORIES[name]:
            REPOSITORIES[name](self.root(first) / f"{name}.git")
            for repo in self.root(first).glob(f"{name}.git"):
                git("config", "--file", repo / "config", "pack.threads", "1", ok=None)
        for other in others:
            for path in self.root(first).iterdir():
                self.copy(path, self.root(other) / path.name)
        return Oids(self.root(first) / f"{name}.git")


@pytest.fixture(scope="module")
def place(tmp_path_factory, start_module_gate, hooks):
    place = Place(tmp_path_factory.mktemp("backends"))
    with contextlib.ExitStack() as stack:
        for backend in BACKENDS:
            place.root(backend).mkdir()
            place.servers[backend] = start_module_gate(f"--mirror-root={place.root(backend)}", "--scope=*",
                                                       f"--hooks-path={hooks}", f"--backend={backend}",
                                                       "--keep-old=no")  # which would refuse pushes that git accepts
        if program():
            place.root("lighttpd").mkdir()
            folder = tmp_path_factory.mktemp("lighttpd")
            place.servers["lighttpd"] = Lighttpd(folder, place.root("lighttpd"), [("core.hooksPath", hooks), *SETTINGS])
            stack.callback(place.servers["lighttpd"].stop)
        if len(place.servers) < 2:
            pytest.skip("there is nothing to compare with: lighttpd is not installed")
        yield place


def merged(body):
    """
    Split a body into packets, and join consecutive packets of one side band, because git cuts a pack or a hook's words
    at random. Bytes that are no packets stay as they are.
    """
    found, at = [], 0
    while at < len(body):
        length = int(body[at:at + 4], 16) if re.fullmatch(b"[0-9a-f]{4}", body[at:at + 4]) else None
        if length is None or (length >= 4 and at + length > len(body)):
            return [*found, body[at:]]
        data = body[at:at + max(length, 4)]
        at += len(data)
        if found and data[4:5] in BANDS and found[-1][4:5] == data[4:5]:
            found[-1] += data[5:]
        else:
            found.append(data if data[4:5] not in BANDS else b"band" + data[4:])
    return found


def answer(place, server, name, arguments, named):
    method, path, *fields = arguments
    response = place.servers[server].ask(method, f"/{name}.git{path}", *fields, **named)
    body = response.body.replace(str(place.root(server)).encode(), b"ROOT")
    kept = {field: value for field, value in response.fields.items() if field not in FRAMING}
    return response.status, response.complete, kept, merged(body)


def fits(word, patterns):
    """Whether some pattern fits, and the last one that fits has no exclamation mark."""
    fitting = [pattern for pattern in patterns.split() if fnmatch.fnmatchcase(word, pattern.removeprefix("!"))]
    return bool(fitting) and not fitting[-1].startswith("!")


def is_explained(kind, gate, stock):
    """Whether a gate's answer is equal to the stock server's, or differs as this kind says."""
    if kind == REFUSED:
        return gate[0] == 400
    if gate == stock or gate[0] == stock[0] >= 400:
        return kind is None or stock[0] >= 400
    if kind == FAILED:
        return gate[0] == 500 and stock[0] == 200
    if kind == CUT:
        return not gate[1] and stock[1] and (gate[0], *gate[2:]) == (stock[0], *stock[2:])
    return False


@pytest.mark.parametrize("repository", REPOSITORIES)
def test_each_server_answers_the_same(place, repository):
    if repository == "reftable" and git_version() < REFTABLE:
        pytest.skip("this git has no reftable")
    oids = place.make(repository)
    *gates, stock = place.servers
    wrong = []
    for name, arguments, named in requests(oids):
        if any(fits(repository, repositories) and fits(name, names) for repositories, names in LEFT_OUT):
            continue
        kinds = [kind for repositories, names, kind in DIFFERENCES if fits(repository, repositories) and fits(name, names)]
        if name == "object-info" and git_version() >= OBJECT_INFO_DIES:
            kinds = [FAILED]
        answers = {server: answer(place, server, repository, arguments, named) for server in place.servers}
        for gate in gates:
            kind = kinds[0] if kinds and stock == "lighttpd" else None
            if not is_explained(kind, answers[gate], answers[stock]):
                wrong += [f"{repository} {name}, which should be {kind or 'equal'}",
                          f"    {gate}: {answers[gate]!r:.900}", f"    {stock}: {answers[stock]!r:.900}"]
    assert not wrong, "\n".join(wrong)
