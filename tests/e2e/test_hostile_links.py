# SPDX-License-Identifier: Apache-2.0
"""
Attempts to get around the gate's check of a repository: links behind links, and names that git tries when a folder is no
repository.
"""

import os

import pytest

from .repos import bare, commit, git, history, out, refs
from .test_hostile_config import REFUSED, confine, mirror  # pylint: disable=unused-import


def neighbour(mirror):
    other = bare(mirror.folder / "other.git")
    history(other, 2, text="other")
    git("repack", "-a", "-d", "-q", cwd=other)
    return other


def behind(mirror, name, target):
    """Replace a name by a link whose text is a branch's name. Another link there leads out of the repository."""
    (mirror.repo / name).rename(mirror.folder / "moved") if (mirror.repo / name).exists() else None
    (mirror.repo / name).symlink_to("refs/heads/away")
    away = (mirror.repo / name).parent / "refs" / "heads" / "away"
    away.parent.mkdir(parents=True, exist_ok=True)
    away.symlink_to(target)


@pytest.mark.parametrize("name", ["objects", "packed-refs", "objects/pack", "objects/info/alternates", "info", "logs", "HEAD"])
def test_a_branchs_name_does_not_hide_where_a_link_leads(mirror, start_gate, confine, name):
    other = neighbour(mirror)
    gate = mirror.start(start_gate, confine)
    if name == "packed-refs":
        git("pack-refs", "--all", cwd=other)
    elif name == "objects/info/alternates":
        (other / name).write_text(f"{other}/objects\n")
    elif name == "logs":
        (other / name).mkdir(exist_ok=True)
    behind(mirror, name, other / name)
    assert str(REFUSED) in mirror.use(gate, ok=False)
    assert f"'{name}'" in mirror.fails_to_start(confine)


@pytest.mark.parametrize("ruin", [lambda repo: (repo / "HEAD").write_text("none\n"),
                                  lambda repo: (repo / "refs").rename(repo / "aside")], ids=["HEAD", "refs"])
def test_git_does_not_try_another_name(mirror, start_gate, confine, ruin):
    """If NAME.git is no repository, git tries NAME.git.git, which is another repository."""
    gate = mirror.start(start_gate, confine)
    other = bare(mirror.root / "repo.git.git")
    history(other, 1, text="other", branch="theirs")
    ruin(mirror.repo)
    said = git("ls-remote", gate.url(), ok=False)
    assert "theirs" not in said.stdout
    assert str(other.parent) in mirror.fails_to_start(confine)


def test_git_does_not_try_another_name_for_one_out_of_reach(mirror, start_gate, confine):
    """The same, where NAME.git is a link to a folder that can no longer be reached. A push can find this, too."""
    away = mirror.folder / "away"
    away.mkdir()
    mirror.repo.rename(away / "repo.git")
    mirror.repo.symlink_to(away / "repo.git")
    gate = mirror.start(start_gate, confine)
    other = bare(mirror.root / "repo.git.git")
    history(other, 1, text="other", branch="theirs")
    away.chmod(0)
    try:
        said = mirror.use(gate, ok=False)
        assert said.count(str(REFUSED)) == 3 and "refs/heads/main" not in refs(other)
    finally:
        away.chmod(0o755)


def test_alternates_with_dots_are_allowed(mirror, start_gate, confine):
    store = neighbour(mirror) / "objects"
    (mirror.repo / "objects" / "info" / "alternates").write_text("../../../mirrors/./../other.git/objects\n")
    git("update-ref", "refs/heads/lent", out("rev-parse", "main", cwd=store.parent), cwd=mirror.repo)
    gate = mirror.start(start_gate, f"--alternates={store}", confine)
    assert "refs/heads/lent" in git("ls-remote", gate.url()).stdout
    mirror.use(gate)


@pytest.mark.parametrize("place", ["refs/heads/away", "refs/heads/deep/er", "logs/refs", "logs/HEAD", "objects/pack/away.pack",
                                   "objects/aa", "worktrees/away/HEAD"])
def test_no_link_further_down_leads_out(mirror, start_gate, place):
    """Landlock keeps git from following links. Without it the gate refuses them, as a push could write there."""
    other = neighbour(mirror)
    gate = mirror.start(start_gate, "--confine=off", "--alternates=no")
    mirror.use(gate)
    link = mirror.repo / place
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(other / ("refs" if "refs" in place else "HEAD"))
    commit(mirror.work, "file", "newer")
    assert str(REFUSED) in mirror.use(gate, ok=False)
    assert str(link) in mirror.fails_to_start("--confine=off", "--alternates=no")
    link.unlink()
    mirror.use(gate)


def test_a_push_would_write_by_such_a_link(mirror):
    """The reason for the test above: git itself follows the link."""
    outside = mirror.folder / "outside"
    outside.mkdir()
    (mirror.repo / "refs" / "heads" / "away").symlink_to(outside)
    git("push", mirror.repo, "HEAD:refs/heads/away/written", cwd=mirror.work)
    assert (outside / "written").exists()


def test_links_within_are_followed(mirror, start_gate):
    (mirror.repo / "refs" / "heads" / "alias").symlink_to("main")
    (mirror.repo / "refs" / "remotes").mkdir()
    (mirror.repo / "refs" / "remotes" / "HEAD").symlink_to("refs/remotes/unborn")
    mirror.use(mirror.start(start_gate, "--confine=off"))


@pytest.mark.parametrize("name", ["HEAD", "packed-refs", "shallow", "info/grafts", "objects/info/alternates"])
def test_nothing_that_makes_git_wait_for_ever(mirror, start_gate, confine, name):
    gate = mirror.start(start_gate, confine)
    (mirror.repo / name).unlink(missing_ok=True)
    os.mkfifo(mirror.repo / name)
    assert str(REFUSED) in mirror.use(gate, ok=False)
    assert f"'{name}'" in mirror.fails_to_start(confine)
