# SPDX-License-Identifier: Apache-2.0
"""--any-commit: the commits that a client may fetch by id, in each protocol version and with both backends."""

import pytest

from .backends import BACKENDS
from .repos import bare, git, history, out

VERSIONS = [0, 1, 2]


@pytest.fixture(params=BACKENDS)
def mirror(request, tmp_path, start_gate):
    repo = bare(tmp_path / "mirrors" / "repo.git")
    history(repo, 3)

    def start(*options):
        return start_gate(f"--mirror-root={repo.parent}", "--scope=repo", f"--backend={request.param}", *options)

    return repo, start


def ids(repo):
    """A commit below a branch, and one that only a hidden reference reaches."""
    tree = out("rev-parse", "main^{tree}", cwd=repo)
    hidden = out("commit-tree", "-m", "hidden", tree, cwd=repo)
    git("update-ref", "refs/gate/x", hidden, cwd=repo)
    return out("rev-parse", "main~1", cwd=repo), hidden


def fetch(gate, version, place, oid, ok):
    git("init", "--quiet", "--bare", place)
    return git("-c", f"protocol.version={version}", "fetch", "--quiet", gate.url(), f"+{oid}:refs/x", cwd=place, ok=ok)


@pytest.mark.parametrize("version", VERSIONS)
def test_commit_by_its_id(mirror, tmp_path, version):
    repo, start = mirror
    oids = ids(repo)
    gate = start()
    for i, oid in enumerate(oids):
        fetch(gate, version, tmp_path / f"yes{i}", oid, ok=True)
        assert out("rev-parse", "refs/x", cwd=tmp_path / f"yes{i}") == oid
    git("config", "uploadpack.allowReachableSHA1InWant", "true", cwd=repo)  # the operator has the last word
    gate = start("--any-commit=no")
    for i, oid in enumerate(oids):
        said = fetch(gate, version, tmp_path / f"no{i}", oid, ok=version == 2).stderr
        assert version == 2 or "unadvertised object" in said


@pytest.mark.parametrize("version", VERSIONS)
def test_partial_clone(mirror, tmp_path, version):
    _, start = mirror
    speaks = ("-c", f"protocol.version={version}")
    git(*speaks, "clone", "--quiet", "--filter=blob:none", start().url(), tmp_path / "yes")
    assert out(*speaks, "log", "-p", "--all", cwd=tmp_path / "yes")
    said = git(*speaks, "clone", "--filter=blob:none", start("--any-commit=no").url(), tmp_path / "no").stderr
    assert ("filtering not recognized" in said) == (version < 2)
    assert out(*speaks, "log", "-p", "--all", cwd=tmp_path / "no")
