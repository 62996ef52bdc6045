# SPDX-License-Identifier: Apache-2.0
"""
A full disk, and repositories that disappear or break while a gate serves them.

The client gets an error that git shows, never an empty repository, and the gate goes on serving.
"""

import contextlib
import os
import resource
import shutil
import subprocess
from pathlib import Path

import pytest

from .backends import HOLD
from .checks import check_error, check_serves
from .gate import PROGRAM
from .http import head
from .repos import bare, commit, git, history, out, refs
from .targets import INFO, INFO_PUSH

DISK_BYTES = 2 << 20


@pytest.fixture
def root(tmp_path):
    mirror = bare(tmp_path / "root" / "repo.git")
    history(mirror, 30)
    git("repack", "-a", "-d", "-q", cwd=mirror)
    return tmp_path / "root"


# A full disk.

@pytest.fixture
def disk(root, tmp_path):
    """A program that becomes the gate with a small disk under --mirror-root, which nobody else sees."""
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    shutil.copytree(root, tmp_path / "template")
    mount = 'mount -t tmpfs -o size="$1" none "$2" && cp -R "$3/." "$2" && shift 3 && exec "$@"'
    program = [*unshare, "sh", "-c", mount, "sh", str(DISK_BYTES), str(root), str(tmp_path / "template")]
    with contextlib.suppress(FileNotFoundError):
        if subprocess.run([*program, "true"], check=False, capture_output=True).returncode == 0:
            return program
    pytest.skip("a mount namespace with a disk of its own is not to be had here")


def seen_by(gate, path):
    """A path as the gate sees it: its disk is in a namespace of its own."""
    return Path(f"/proc/{gate.pid}/root{path}")


def check_intact(mirror, tmp_path):
    """Check a copy, as git would look for the repository in its own namespace."""
    shutil.rmtree(tmp_path / "copy", ignore_errors=True)
    shutil.copytree(mirror, tmp_path / "copy")
    git("fsck", "--strict", cwd=tmp_path / "copy")
    assert not list(mirror.glob("**/*tmp*")) + list(mirror.glob("**/*.lock"))
    return refs(tmp_path / "copy")


def test_disk_is_full_during_a_push(root, disk, start_gate, tmp_path):
    """The client gets an error. Old data is intact, and partial data is gone. Once there is room, a push succeeds."""
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", program=(*disk, PROGRAM))
    mirror = seen_by(gate, root / "repo.git")
    work = tmp_path / "work"
    git("clone", "--quiet", gate.url(), work)
    before = check_intact(mirror, tmp_path)
    commit(work, "large", os.urandom(2 * DISK_BYTES))
    error = git("push", "origin", "main:large", cwd=work, ok=False).stderr
    assert "No space left on device" in error and ("unpack" in error or "index-pack" in error), error
    assert check_intact(mirror, tmp_path) == before
    filler = seen_by(gate, root / "filler")
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    git("reset", "--quiet", "--hard", "origin/main", cwd=work)
    tip = commit(work, "small", "small\n")
    error = git("push", "origin", "main:small", cwd=work, ok=False).stderr
    assert "No space left on device" in error or "unable to" in error, error
    assert "refs/heads/main" in out("ls-remote", gate.url())
    assert check_intact(mirror, tmp_path) == before
    filler.unlink()
    git("push", "--quiet", "origin", "main:small", cwd=work)
    assert check_intact(mirror, tmp_path) == {**before, "refs/heads/small": tip}
    gate.stop()


def test_file_size_limit_during_a_push(root, start_gate, tmp_path):
    """ulimit -f: a signal kills git in the middle of writing."""
    gate = start_gate(f"--mirror-root={root}", "--scope=repo",
                      preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)))
    before = check_intact(root / "repo.git", tmp_path)
    git("clone", "--quiet", gate.url(), tmp_path / "work")
    commit(tmp_path / "work", "large", os.urandom(3 << 20))
    assert "unpack" in git("push", "origin", "main", cwd=tmp_path / "work", ok=False).stderr
    assert check_intact(root / "repo.git", tmp_path) == before
    check_serves(gate)


def small_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))


@pytest.mark.parametrize("limit", ["disk", "file size"])
def test_log_that_cannot_grow(root, start_gate, tmp_path, limit):
    """The gate loses records then, but no requests."""
    with open("/dev/full" if limit == "disk" else tmp_path / "log", "wb") as log:
        gate = start_gate(f"--mirror-root={root}", "--scope=repo", stderr=log,
                          preexec_fn=small_files if limit == "file size" else None)
    for _ in range(20):
        check_error(gate.ask("GET", "/nothing"), 404)
    if limit == "disk":
        check_serves(gate)


# Repositories.

def write(name, data):
    return lambda mirror: (mirror / name).write_bytes(data)


def cut_to(pattern, size):
    def cut(mirror):
        path, = mirror.glob(pattern)
        path.chmod(0o644)
        os.truncate(path, size)
    return cut


def overwrite(pattern):
    def spoil(mirror):
        path, = mirror.glob(pattern)
        path.chmod(0o644)
        data = path.read_bytes()
        path.write_bytes(data[:100] + bytes(byte ^ 0x55 for byte in data[100:-40]) + data[-40:])
    return spoil


def replace_by(make):
    def replace(mirror):
        mirror.rename(mirror.with_name("away"))
        make(mirror)
    return replace


def spoil_all_refs(mirror):
    (mirror / "refs" / "heads" / "main").unlink()
    (mirror / "packed-refs").write_bytes(b"garbage\n")


# The damage to the repository, and the answer to info/refs. A fetch must fail even where git says 200.
DAMAGE = {
    "removed": (replace_by(lambda path: None), 404),
    "a-file": (replace_by(Path.touch), 500),
    "a-dangling-link": (replace_by(lambda path: path.symlink_to("nowhere")), 404),
    "no-objects": (lambda mirror: shutil.rmtree(mirror / "objects"), 404),
    "no-head": (lambda mirror: (mirror / "HEAD").unlink(), 404),
    "head-garbage": (write("HEAD", b"\0garbage\xff"), 404),
    "config-garbage": (write("config", b"[core\nnonsense ="), 500),
    "packed-refs-garbage": (spoil_all_refs, 500),
    "ref-garbage": (write("refs/heads/main", b"garbage\n"), 200),
    "ref-to-nothing": (write("refs/heads/main", b"1" * 40 + b"\n"), 200),
    "pack-cut-short": (cut_to("objects/pack/*.pack", 500), 200),
    "pack-garbage": (overwrite("objects/pack/*.pack"), 200),
    "no-packs": (lambda mirror: shutil.rmtree(mirror / "objects" / "pack"), 200),
}


def mend(mirror, whole):
    """Undo the damage, and restore the folder itself: a confined gate knows its repository by the folder."""
    if mirror.with_name("away").exists():
        mirror.unlink(missing_ok=True)
        mirror.with_name("away").rename(mirror)
    for path in mirror.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    shutil.copytree(whole, mirror, dirs_exist_ok=True)


def check_clone_fails(gate, tmp_path, version):
    result = git("-c", f"protocol.version={version}", "clone", "--bare", gate.url(), tmp_path / "clone", ok=False)
    assert "empty repository" not in result.stderr


@pytest.fixture(scope="module")
def broken_gate(tmp_path_factory, start_module_gate):
    """A gate and its repository, for damage that is undone again."""
    root = tmp_path_factory.mktemp("broken")
    mirror = bare(root / "repo.git")
    history(mirror, 30)
    git("repack", "-a", "-d", "-q", cwd=mirror)
    shutil.copytree(mirror, root / "whole")
    return start_module_gate(f"--mirror-root={root}", "--scope=repo"), root


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_repository(broken_gate, tmp_path, damage):
    """Clones of every protocol fail, and so does a push. The gate serves the repository again once it is mended."""
    gate, root = broken_gate
    mirror = root / "repo.git"
    spoil, status = DAMAGE[damage]
    spoil(mirror)
    try:
        for target in (INFO, INFO_PUSH):
            response = gate.ask("GET", target)
            assert response.status == status
            assert not response.complete or status != 200 or b"refs/heads/main" in response.body, response
        for version in (0, 2):
            check_clone_fails(gate, tmp_path, version)
        git("push", gate.url(), "main:refs/heads/new", cwd=root / "whole", ok=False)
        gate.wait_no_children()
    finally:
        mend(mirror, root / "whole")
    check_serves(gate)


# A confined gate serves the repository that existed at its start, or any repository in its --mirror-root.
@pytest.mark.parametrize("options", [["--scope=repo", "--confine=off"], ["--scope=*"]])
def test_repository_made_anew(root, start_gate, options):
    """A new folder of the same name, as from a new clone of the mirror, is served without a new start."""
    gate = start_gate(f"--mirror-root={root}", *options)
    check_serves(gate)
    shutil.copytree(root / "repo.git", root / "new")
    shutil.rmtree(root / "repo.git")
    check_error(gate.ask("GET", INFO), 404)
    (root / "new").rename(root / "repo.git")
    check_serves(gate)


@pytest.mark.parametrize("what", ["repo.git", "repo.git/objects", "repo.git/refs/heads/main"])
def test_unreadable_repository(root, start_gate, tmp_path, what):
    """Root can read everything, so the gate runs as root without that capability."""
    history(root / "repo.git", 1, branch="other")
    program = (PROGRAM,)
    if os.geteuid() == 0:
        program = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", PROGRAM)
        if subprocess.run([*program[:-1], "true"], check=False, capture_output=True).returncode != 0:
            pytest.skip("setpriv(1) does not work here")
    gate = start_gate(f"--mirror-root={root}", "--scope=repo", program=program)
    (root / "repo.git" / "refs" / "heads" / "main").write_text(out("rev-parse", "main", cwd=root / "repo.git") + "\n")
    check_serves(gate)
    mode = (root / what).stat().st_mode
    (root / what).chmod(0)
    try:
        for version in (0, 2):
            check_clone_fails(gate, tmp_path, version)
    finally:
        (root / what).chmod(mode)
    check_serves(gate)


def test_repository_removed_under_a_running_request(gate_with, root):
    gate, exec_path = gate_with(f'[ "$QUERY_STRING" ] && {HOLD}')
    mirror = root / "repo.git"
    with gate.connect() as connection:
        connection.send(head("GET", INFO))
        with exec_path.held():
            mirror.rename(f"{mirror}.away")
        try:
            check_error(connection.response(), 404)
        finally:
            Path(f"{mirror}.away").rename(mirror)
    check_serves(gate)
