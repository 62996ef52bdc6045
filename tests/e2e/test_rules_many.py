# SPDX-License-Identifier: Apache-2.0
"""Tests --rules with pushes of many references: what they cost, and that each reference is looked at."""

import pytest

from . import packets
from .backends import real_exec_path
from .repos import git, use_storage
from .rules import BRANCH

MANY = 2000
PROCESSES_MAX = 20  # all that git and git-gate-hook start for one push, however many references it has


@pytest.fixture
def counted(guarded, tmp_path):
    """Starts a gate whose git notes in the repository that it runs; returns it and a work tree for its repository."""
    def start(rules):
        folder = tmp_path / "exec"
        folder.mkdir()
        for program in real_exec_path().iterdir():
            if program.name != "git":
                (folder / program.name).symlink_to(program)
        (folder / "git").write_text(f"""#!/bin/sh
[ -z "$GIT_DIR" ] || echo "$*" >>"$GIT_DIR/runs"
exec {real_exec_path()}/git "$@"
""")
        (folder / "git").chmod(0o755)
        return guarded(rules, {}, variables={"GIT_EXEC_PATH": str(folder)})
    return start


def unband(body):
    """What an answer says to the pusher, and its report behind it."""
    bands = {1: b"", 2: b""}
    while body:
        size = int(body[:4], 16)
        if size:
            bands[body[4]] += body[5:size]
        body = body[size or 4:]
    return (bands[2] + bands[1]).decode()


def create(gate, work, names):
    """Push new references by one request. Return the answer, and what git was started for."""
    tip = work.id("main")
    commands = [(packets.NO_OBJECT, tip, name) for name in names]
    runs = work.mirror / "runs"
    runs.unlink(missing_ok=True)
    answer = gate.ask("POST", f"/{work.name}.git/git-receive-pack", packets.PUSH_TYPE,
                      body=packets.push(commands, capabilities="report-status side-band-64k"))
    assert answer.status == 200
    return unband(answer.body), runs.read_text().splitlines()


@pytest.mark.parametrize("storage", ["files", "reftable"])
def test_many_new_references_take_no_process_each(counted, storage):
    gate, work = counted(BRANCH)
    use_storage(work.mirror, storage)
    said, runs = create(gate, work, [f"refs/heads/task/{i}" for i in range(MANY)])
    assert said.count("ok refs/heads/task/") == MANY
    assert any("rev-list" in run for run in runs) and len(runs) < PROCESSES_MAX, runs


@pytest.mark.parametrize("storage", ["files", "reftable"])
def test_symbolic_references_among_many_are_found(counted, storage):
    """They lead nowhere, are in several tables, and in several blocks of one."""
    gate, work = counted(BRANCH)
    use_storage(work.mirror, storage)
    tip = work.id("main")
    aliases = [f"refs/heads/task/{i}" for i in (0, 999, 1234, MANY - 1)]
    for alias in aliases[:3]:
        git("symbolic-ref", alias, "refs/heads/secret", cwd=work.mirror)
    text = "".join(f"create refs/heads/task/{i}/there {tip}\n" for i in range(3000, 6000))
    git("update-ref", "--stdin", cwd=work.mirror, data=text)
    git("pack-refs", "--all", cwd=work.mirror)
    git("symbolic-ref", aliases[3], "refs/heads/secret", cwd=work.mirror)
    said, runs = create(gate, work, [f"refs/heads/task/{i}" for i in range(MANY)])
    for alias in aliases:
        assert f"refused: {alias}: it is a symbolic reference" in said
    assert said.count("it is a symbolic reference") == len(aliases) and "refs/heads/task/1" not in work.refs
    assert len(runs) < PROCESSES_MAX, runs
    said, _ = create(gate, work, [f"refs/heads/task/{i}" for i in range(MANY) if f"refs/heads/task/{i}" not in aliases])
    assert said.count("ok refs/heads/task/") == MANY - len(aliases)


@pytest.mark.parametrize("storage", ["files", "reftable"])
def test_a_name_that_was_symbolic_may_be_created(counted, storage):
    """reftable keeps in its older tables what a newer one has removed."""
    gate, work = counted(BRANCH)
    use_storage(work.mirror, storage)
    git("symbolic-ref", "refs/heads/task/was", "refs/heads/secret", cwd=work.mirror)
    git("symbolic-ref", "--delete", "refs/heads/task/was", cwd=work.mirror)
    said, _ = create(gate, work, ["refs/heads/task/was"])
    assert said.count("ok refs/heads/task/was") == 1


def test_a_folder_for_reftables_is_left_over(counted):
    """It says of no name that it is symbolic, and git does not look there."""
    gate, work = counted(BRANCH)
    (work.mirror / "reftable").mkdir()
    (work.mirror / "reftable/tables.list").write_text("")
    git("symbolic-ref", "refs/heads/task/alias", "refs/heads/secret", cwd=work.mirror)
    said, _ = create(gate, work, ["refs/heads/task/new", "refs/heads/task/alias"])
    assert "refused: refs/heads/task/alias: it is a symbolic reference" in said
    said, _ = create(gate, work, ["refs/heads/task/new"])
    assert said.count("ok refs/heads/task/new") == 1


@pytest.mark.parametrize("size", [3900, 5000])
def test_a_table_that_is_not_understood(counted, size):
    """A reference may have a name that is longer than any that git-gate-hook reads."""
    gate, work = counted(BRANCH)
    git("config", "reftable.blockSize", "65536", cwd=work.mirror)
    use_storage(work.mirror, "reftable")
    git("update-ref", "refs/heads/task/" + "/".join(["x" * 99] * (size // 100)), "main", cwd=work.mirror)
    git("symbolic-ref", "refs/heads/task/alias", "refs/heads/secret", cwd=work.mirror)
    said, _ = create(gate, work, ["refs/heads/task/new", "refs/heads/task/alias"])
    assert "refused: refs/heads/task/alias: it is a symbolic reference" in said
    said, runs = create(gate, work, ["refs/heads/task/new"])
    assert said.count("ok refs/heads/task/new") == 1
    assert any("symbolic-ref" in run for run in runs) == (size > 4096), runs
