# SPDX-License-Identifier: Apache-2.0
"""Clones that borrow the mirror's objects: the commands of docs/containers.md, word by word, in a sandbox."""

import re
from pathlib import Path

import pytest

from .bridge import HELPER
from .http import TOKEN
from .repos import ENVIRONMENT, bare, commit, git, history, out, refs, run_bounded, work_tree
from .sandboxes import SYSTEM, Bubblewrap, system_links

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "containers.md"
COMMITS = 30
MIRROR, VISIBLE = "/srv/mirrors/proj.git", "/srv/visible/proj.git"
HIDDEN = "refs/hidden/secret"


def section():
    """The text of the section, with its subsection."""
    return re.search(r"^## Clones that copy nothing\n(.*?)^## ", DOCUMENT.read_text(), re.M | re.S).group(1)


def block(begin):
    """The one block of commands that begins with these words."""
    blocks = re.findall(r"(?:^    .*\n)+", section(), re.M)
    found, = [text for text in blocks if text.startswith(f"    {begin}")]
    return found.replace("\n    ", "\n").removeprefix("    ")


def mount():
    """The mount as words for bubblewrap: option, folder of the host, folder inside."""
    words = re.search(r"^\| bubblewrap \| `(.*)` \|$", section(), re.M).group(1).split()
    assert words == ["--ro-bind", MIRROR, "/run/mirror"]
    return words


class Site:
    """A host whose /srv and /run/task7 are folders of the test, with a gate; and its sandboxes."""

    def __init__(self, folder, start_gate):
        self.folder = folder
        self.mirror = folder / MIRROR.lstrip("/")
        self.mirror.parent.mkdir(parents=True)
        (folder / VISIBLE.lstrip("/")).parent.mkdir()
        (folder / "token").write_text(TOKEN + "\n")
        self.work = folder / "work"
        self.work.mkdir()
        self.tip = history(bare(self.mirror), COMMITS)[-1]
        self.secret = self.add("secret", HIDDEN)
        self.gate = start_gate(f"--mirror-root={self.mirror.parent}", "--scope=proj", "--hide-refs=refs/hidden",
                               transport="unix")

    def add(self, name, ref):
        """Make a commit on top of main that only this ref of the mirror has. Returns its id."""
        other = work_tree(self.folder / f"of-{name}")
        git("pull", "--quiet", self.mirror, "main", cwd=other)
        oid = commit(other, name, f"{name}\n")
        git("push", "--quiet", self.mirror, f"+HEAD:{ref}", cwd=other)
        return oid

    def on_host(self, script, ok=True):
        """Run a block on the host, which has the paths of the document."""
        result = run_bounded(["bwrap", "--unshare-all", "--die-with-parent", *SYSTEM, *system_links(),
                              "--bind", str(self.folder / "srv"), "/srv",
                              "--ro-bind", str(self.gate.socket_path.parent), "/run/task7/socket",
                              "--ro-bind", str(self.folder / "token"), "/run/task7/token",
                              "--ro-bind", str(HELPER), "/opt/git-gate/git-remote-gate",
                              "--setenv", "PATH", "/opt/git-gate:/usr/bin:/bin", "--unsetenv", "GIT_GATE_TOKEN",
                              "sh", "-euc", script], seconds=60, environment=ENVIRONMENT)
        assert (result.returncode == 0) == ok, result
        return result

    def inside(self, script, source=MIRROR, ok=True):
        """Run a script in a sandbox with the mount of the document; source: what is mounted."""
        option, _, target = mount()
        sandbox = Bubblewrap(self.gate.socket_path, self.work, self.folder)
        sandbox.command += [option, str(self.folder / source.lstrip("/")), target]
        result = sandbox.run(script, 60)
        assert (result.returncode == 0) == ok, result
        return result

    def objects_of(self, clone):
        """The number of objects that a clone has itself."""
        said = out("count-objects", "-v", cwd=self.work / clone)
        return sum(int(number) for number in re.findall(r"^(?:count|in-pack): ([0-9]+)$", said, re.M))


@pytest.fixture
def site(tmp_path, start_gate):
    if Bubblewrap.obstacle():
        pytest.skip(Bubblewrap.obstacle())
    return Site(tmp_path, start_gate)


CLONE = "git clone --reference /run/mirror gate:"
DISSOCIATED = "git clone --reference /run/mirror --dissociate"


def test_clone_copies_nothing(site):
    """Fetches and pushes still go through the gate, in a sandbox without a network."""
    site.inside("touch /run/mirror/HEAD 2>/dev/null && exit 1; grep -c : /proc/net/dev | grep -x 1")
    site.inside(block(CLONE))
    assert site.objects_of("proj") == 0
    assert (site.work / "proj/.git/objects/info/alternates").read_text() == "/run/mirror/objects\n"
    newest = site.add("newer", "refs/heads/main")
    site.inside("""
cd proj && git pull --quiet && git fsck --strict
echo text >new && git add new && git commit --quiet -m 'From the sandbox' && git push --quiet origin HEAD:refs/heads/task7
""")
    pushed = refs(site.mirror)["refs/heads/task7"]
    assert out("rev-parse", f"{pushed}^", cwd=site.mirror) == newest


def test_objects_alone_are_not_enough(site):
    """Without the mirror's refs, git fetches everything."""
    alone = site.folder / "srv/alone"
    alone.mkdir()
    (site.mirror / "objects").rename(alone / "objects")
    (site.mirror / "objects").symlink_to(alone / "objects")
    git("clone", "--quiet", "--bare", "--no-local", site.mirror, site.folder / "copy")
    (site.mirror / "objects").unlink()
    (alone / "objects").rename(site.mirror / "objects")
    (alone / "objects").mkdir()
    (site.folder / "copy/objects/pack").rename(alone / "objects/pack")
    site.inside(block(CLONE), source="/srv/alone")
    assert site.objects_of("proj") > COMMITS


def test_what_a_task_can_see(site):
    """With the mirror mounted, a task sees all of it; with the repository beside it, only what the gate shows."""
    show = f"git -C proj cat-file -p {site.secret}:secret"
    site.inside(block(CLONE))
    assert site.inside(show).stdout == b"secret\n"
    assert site.inside("git --git-dir=/run/mirror for-each-ref --format='%(refname)'").stdout.decode().split() == [
        "refs/heads/main", HIDDEN]
    site.inside("rm -r proj")
    site.on_host(block("export GIT_GATE_SOCKET"))
    assert refs(site.folder / VISIBLE.lstrip("/")) == {"refs/heads/main": site.tip}
    site.inside(block(CLONE), source=VISIBLE)
    assert site.objects_of("proj") == 0
    assert "secret" in site.inside(show, source=VISIBLE, ok=False).stderr


def test_update_of_what_is_visible(site):
    """A mount older than the mirror works. An update brings new refs and removes lost ones."""
    gone = site.add("gone", "refs/heads/gone")
    site.on_host(block("export GIT_GATE_SOCKET"))
    visible = site.folder / VISIBLE.lstrip("/")
    assert refs(visible) == {"refs/heads/main": site.tip, "refs/heads/gone": gone}
    newest = site.add("newer", "refs/heads/main")
    git("update-ref", "-d", "refs/heads/gone", cwd=site.mirror)
    site.inside(block(CLONE), source=VISIBLE)
    assert out("rev-parse", "HEAD", cwd=site.work / "proj") == newest
    assert 0 < site.objects_of("proj") <= 3 + 2, "more than a commit, a tree, a file, and bases of deltas"
    exports = block("export GIT_GATE_SOCKET").split("\n", maxsplit=1)[0]
    site.on_host(f"{exports}\n{block(f'git -C {VISIBLE} fetch --prune')}")
    assert refs(visible) == {"refs/heads/main": newest}
    assert out("cat-file", "-t", gone, cwd=visible) == "commit", "the update removed an object"


def lose_the_tip(site):
    """Move main back, so that nothing in the mirror leads to its old tip."""
    git("update-ref", "refs/heads/main", f"{site.tip}~1", cwd=site.mirror)
    git("update-ref", "-d", HIDDEN, cwd=site.mirror)


@pytest.mark.parametrize("prune", ["gc --prune=now", "prune"])
def test_pruning_breaks_a_clone_that_borrows(site, prune):
    """A clone that was dissociated, at once or later, stays whole."""
    git("repack", "-a", "-d", cwd=site.mirror)
    site.inside(block(CLONE).replace(" proj\n", " later\n"))
    site.inside(block("git -C proj repack").replace("proj", "later"))
    site.inside(block(CLONE))
    site.inside(block(DISSOCIATED))
    assert site.objects_of("own") > COMMITS and not (site.work / "own/.git/objects/info/alternates").exists()
    lose_the_tip(site)
    git("repack", "-A", "-d", "--unpack-unreachable=now", cwd=site.mirror)
    git(*prune.split(), cwd=site.mirror)
    assert re.search("bad object|unable to read", site.inside("git -C proj log", ok=False).stderr)
    for clone in ("own", "later"):
        site.inside(f"git -C {clone} fsck --strict && git -C {clone} log --oneline", source="/srv/visible")


def test_git_refuses_to_remove_precious_objects(site):
    """The mirror is still served, and can still be repacked, as the document says."""
    site.on_host(block(f"git -C {MIRROR} config core.repositoryFormatVersion"))
    site.inside(block(CLONE))
    lose_the_tip(site)
    git("gc", "--prune=now", "--quiet", cwd=site.mirror)
    for command in (["prune"], ["repack", "-a", "-d"]):
        assert "precious-objects repo" in git(*command, cwd=site.mirror, ok=False).stderr
    site.inside("git -C proj fsck --strict && git -C proj push --quiet origin HEAD:refs/heads/task7")
    git("update-ref", "-d", "refs/heads/task7", cwd=site.mirror)
    site.on_host(block(f"git -C {MIRROR} config extensions.preciousObjects false"))
    assert len(list((site.mirror / "objects/pack").glob("*.pack"))) == 1
    site.inside("git -C proj fsck --strict")
    assert "precious-objects repo" in git("prune", cwd=site.mirror, ok=False).stderr
