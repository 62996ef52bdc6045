# SPDX-License-Identifier: Apache-2.0
"""git-gate check: its hints on cheaper clones, and the effect of the commands in them."""

import re
import shutil
import subprocess

import pytest

from .gate import run
from .http import TOKEN
from .repos import ENVIRONMENT, bare, git, history, out

COMMITS = 3500  # of up to four objects each, and more than 10,000 in all
NEW_COMMITS = 1200
HINT = "cheaper clones: "


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A large repository that has all it should have."""
    path = bare(tmp_path_factory.mktemp("whole") / "repo.git")
    history(path, COMMITS)
    git("repack", "-a", "-d", "-b", cwd=path)
    git("commit-graph", "write", "--reachable", cwd=path)
    return path


@pytest.fixture
def look(tmp_path, whole, start_gate):
    """Returns a function that lists the hints for a copy of the large repository, as (finding, command)."""
    root = tmp_path / "it's"
    shutil.copytree(whole, root / "repo.git")
    started = []

    def hints():
        if not started:
            started.append(start_gate(f"--mirror-root={root}", "--scope=repo"))
        result = run("check", f"--url={started[0].url(user=None)}", f"--mirror-root={root}", GIT_GATE_TOKEN=TOKEN)
        assert (result.returncode, result.stderr) == (0, ""), "a hint changes no exit status"
        lines = result.stdout.splitlines()
        found = [line for line in lines if line.startswith(HINT)]
        assert lines[len(lines) - len(found):] == found, "they come last"
        return [re.fullmatch(rf"{HINT}(.*): (git -C .*)", line).groups() for line in found]
    hints.repository = root / "repo.git"
    return hints


def follow(command):
    """Run the command of a hint, as if it was pasted into a shell."""
    subprocess.run(["sh", "-c", command], check=True, capture_output=True, timeout=60, env=ENVIRONMENT)


def check_mended(look, finding, options):
    """Check that this is the only hint, and that its command removes it. options: the end of the command."""
    (said, command), = look()
    assert re.match(finding, said) and "measured" in said and command.endswith(f".git' {options}"), (said, command)
    follow(command)
    assert look() == []
    git("fsck", "--strict", cwd=look.repository)


def grow(repository, packs):
    """Add commits that come loose, or in packs; the bitmap and the commit-graph stay."""
    tip = out("rev-parse", "main", cwd=repository)
    more = bare(repository.parent / "more.git")
    git("fetch", "--quiet", repository, "main:main", cwd=more)
    ids = [tip, *history(more, NEW_COMMITS, text="new", start=tip)]
    for begin in range(0, NEW_COMMITS, NEW_COMMITS // packs):
        end = begin + NEW_COMMITS // packs
        pack = subprocess.run(["git", "pack-objects", "--stdout", "--revs", "-q"], cwd=more, env=ENVIRONMENT, check=True,
                              input=f"{ids[end]}\n^{ids[begin]}\n".encode(), stdout=subprocess.PIPE).stdout
        git(*(("unpack-objects", "-q") if packs == 1 else ("index-pack", "--stdin")), cwd=repository, data=pack)
    git("update-ref", "refs/heads/main", ids[-1], cwd=repository)


def test_no_hint_where_all_is_well(look):
    assert look() == []


def test_no_hint_for_a_small_repository(root, start_gate):
    gate = start_gate(f"--mirror-root={root}", "--scope=repo")
    result = run("check", f"--url={gate.url(user=None)}", f"--mirror-root={root}", GIT_GATE_TOKEN=TOKEN)
    assert result.returncode == 0 and HINT not in result.stdout


def test_no_bitmap(look):
    next((look.repository / "objects/pack").glob("*.bitmap")).unlink()
    check_mended(look, "no bitmap; ", "repack -a -d -l -k -b")
    assert list((look.repository / "objects/pack").glob("*.bitmap"))


def test_no_commit_graph(look):
    (look.repository / "objects/info/commit-graph").unlink()
    check_mended(look, "no commit-graph; ", "commit-graph write --reachable")


def test_loose_objects(look):
    grow(look.repository, 1)
    check_mended(look, "about [0-9]+ loose objects; ", "repack -a -d -l -k -b")
    assert "count: 0\n" in out("count-objects", "-v", cwd=look.repository)


def test_packs(look):
    grow(look.repository, 60)
    check_mended(look, "61 packs; ", "repack -a -d -l -k -b")


def test_all_at_once(look):
    """Each has a line of its own; two commands are enough."""
    grow(look.repository, 60)
    next((look.repository / "objects/pack").glob("*.bitmap")).unlink()
    (look.repository / "objects/info/commit-graph").unlink()
    assert [said.split(";")[0] for said, _ in look()] == ["no bitmap", "no commit-graph", "61 packs"]
    for command in {command for _, command in look()}:
        follow(command)
    assert look() == []


def test_commands_keep_what_no_ref_reaches(look):
    """A clone may borrow it."""
    tip = out("rev-parse", "main", cwd=look.repository)
    git("update-ref", "refs/heads/main", "main~5", cwd=look.repository)
    next((look.repository / "objects/pack").glob("*.bitmap")).unlink()
    (_, command), = look()
    follow(command)
    assert out("cat-file", "-t", tip, cwd=look.repository) == "commit" and look() == []


def test_borrowed_objects_have_no_bitmap(look, whole, tmp_path):
    """git cannot write a bitmap there, so no hint asks for one."""
    other = bare(tmp_path / "other.git")
    (other / "objects/info/alternates").write_text(f"{whole}/objects\n")
    (look.repository / "objects/info/alternates").write_text(f"{other}/objects\n")
    next((look.repository / "objects/pack").glob("*.bitmap")).unlink()
    assert look() == []
    grow(look.repository, 1)
    check_mended(look, "about [0-9]+ loose objects; ", "repack -a -d -l -k")


def test_no_command_for_a_repository_that_is_not_safe(look):
    """The command would run git with the settings of the repository."""
    next((look.repository / "objects/pack").glob("*.bitmap")).unlink()
    assert len(look()) == 1
    git("config", "hook.x.command", "true", cwd=look.repository)
    result = run("check", "--url=http://127.0.0.1:1/repo.git", f"--mirror-root={look.repository.parent}",
                 GIT_GATE_TOKEN=TOKEN)
    assert "safe to serve: no" in result.stdout and HINT not in result.stdout
