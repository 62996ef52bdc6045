# SPDX-License-Identifier: Apache-2.0
"""
Makes the repository that every server of bench/run has a copy of, and the commits that its clients push.

main is a short history of small files; large and huge are random bytes, so that the bench measures the transport and
not git's compression. The repository gives git the gate's own settings, so that git does the same work for all servers.
"""

import contextlib
import math
import os
import pathlib
import shutil
import subprocess
from dataclasses import dataclass, replace

import faults  # noqa: F401  # puts the tests' modules on the path
from program import Failed, bounded, say

from e2e.repos import ENVIRONMENT, bare, git, history, out

COMMITS = 50
MIB = 1 << 20
PIECE_MIB = 4
IMPORT_SECONDS = 600
PACKING_SECONDS = 600
RAW = ("-c", "core.compression=0", "-c", "pack.compression=0", "-c", "core.bigFileThreshold=1m")
SETTINGS = {"receive.fsckObjects": "true", "receive.autogc": "false", "uploadpack.allowFilter": "true",
            "transfer.hideRefs": "refs/gate", "core.hooksPath": "/dev/null", "http.receivepack": "true"}
# Copies of the repository on the disk: imported and packed; later the model, a client's commits to push, a server's
# received commits, and lighttpd's own file of that request.
TIMES_IN_MAKING, TIMES_IN_USE = 2, 4
SPARE_BYTES = 512 * MIB  # for everything smaller
BRANCHES = ("main", "large", "huge")  # from the smallest on


@dataclass(frozen=True)
class Sizes:
    """
    Sizes in MiB, whole pieces: of a clone, of the transfer while memory is measured, of a push.

    A branch of size 0 is not made. huge is made of large and more.
    """
    large: int
    huge: int
    pushed: int

    @property
    def served(self) -> int:
        """The size of the repository."""
        return max(self.large, self.huge)

    def up_to(self, branch: str) -> "Sizes":
        """Return the sizes without the branches that are larger than this one."""
        left_out = BRANCHES[BRANCHES.index(branch) + 1:]
        return replace(self, **{name: 0 for name in left_out})


FULL = Sizes(large=160, huge=512, pushed=32)
QUICK = Sizes(large=16, huge=64, pushed=8)


def add_commit(repository: pathlib.Path, branch: str, parent: str, name: str, mib: float) -> None:
    """Add a commit with files of random bytes to a branch, after parent, or as its first commit."""
    head = f"commit refs/heads/{branch}\ncommitter bench <bench@localhost> 0 +0000\ndata 0\n"
    pieces = math.ceil(mib / PIECE_MIB)
    each = int(mib * MIB / pieces)
    importer = subprocess.Popen(["git", *RAW, "fast-import", "--quiet", "--force"], cwd=repository, env=ENVIRONMENT,
                                stdin=subprocess.PIPE, start_new_session=True)
    with bounded([importer], IMPORT_SECONDS), importer.stdin as stream:
        stream.write(f"{head}{f'from {parent}' if parent else ''}\n".encode())
        for number in range(pieces):
            stream.write(f"M 100644 inline {name}{number}\ndata {each}\n".encode())
            stream.write(os.urandom(each) + b"\n")
        stream.close()
        importer.wait()
    if importer.returncode:
        raise Failed(f"git fast-import ended with {importer.returncode}")


def check_space(folder: pathlib.Path, sizes: Sizes, times: int) -> None:
    """Fail if a folder, which need not exist yet, has no room for so many copies of the repository."""
    needed = times * sizes.served * MIB + SPARE_BYTES
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise Failed(f"{folder} has {free / 1e9:.1f} GB left, and this needs {needed / 1e9:.1f} GB")


def make_once(root: pathlib.Path, sizes: Sizes) -> None:
    """Make repo.git below a folder, unless it exists."""
    if not (root / "repo.git").exists():
        check_space(root, sizes, TIMES_IN_MAKING)
        say(f"making a repository of {sizes.served or 'less than 1'} MiB")
        make(root, sizes)


def make(root: pathlib.Path, sizes: Sizes) -> None:
    """Make repo.git below a folder."""
    repository = bare(root / "repo.git")
    for name, value in SETTINGS.items():
        git("config", name, value, cwd=repository)
    history(repository, COMMITS)
    if sizes.large:
        add_commit(repository, "large", "", "large", sizes.large)
    if sizes.huge:
        add_commit(repository, "huge", "refs/heads/large^0", "huge", sizes.huge - sizes.large)
    git(*RAW, "repack", "-adq", cwd=repository, seconds=PACKING_SECONDS)
    git("pack-refs", "--all", cwd=repository)


def tips(repository) -> dict[str, str]:
    """Return the ids of the branches of a folder or an address."""
    listing = out("ls-remote", repository, *(f"refs/heads/{branch}" for branch in BRANCHES))
    return {name.rpartition("/")[2]: oid for oid, name in (line.split("\t") for line in listing.splitlines())}


def size(repository: pathlib.Path, branch: str) -> int:
    """Return the number of bytes in a branch's files."""
    listing = out("ls-tree", "-r", "-l", branch, cwd=repository)
    return sum(int(line.split()[3]) for line in listing.splitlines())


def link(source: str, target: str) -> None:
    """Copy a file, or share one that git never writes to, so that the page cache has it once for all servers."""
    if "/objects/pack/" in source:
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def copy(model: pathlib.Path, root: pathlib.Path) -> None:
    """Give a server its repository."""
    shutil.copytree(model, root, copy_function=link)


def files_of(root: pathlib.Path) -> set[pathlib.Path]:
    """Return all files below a folder."""
    return {pathlib.Path(folder, name) for folder, _, names in os.walk(root) for name in names}


@contextlib.contextmanager
def restored(root: pathlib.Path):
    """Remove the files that a block creates below a folder, so that nothing of a push stays."""
    before = files_of(root)
    try:
        yield
    finally:
        for path in files_of(root) - before:
            path.unlink(missing_ok=True)


def client(path: pathlib.Path, model: pathlib.Path) -> pathlib.Path:
    """Make a repository with all objects of the servers, without copying them."""
    bare(path)
    (path / "objects" / "info" / "alternates").write_text(f"{model}/repo.git/objects\n")
    git("update-ref", "refs/heads/main", tips(model / "repo.git")["main"], cwd=path)
    return path
