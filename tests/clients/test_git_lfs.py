# SPDX-License-Identifier: Apache-2.0
"""git lfs: the gate says that it serves no such objects. A mounted folder has them, as docs/containers.md says."""

import re
import shutil
from pathlib import Path

import pytest
from e2e.repos import bare, git, out

pytestmark = pytest.mark.skipif(not shutil.which("git-lfs"), reason="needs git-lfs: script/bootstrap --clients")
BIG = bytes(range(256)) * 64
PAGE = Path(__file__).resolve().parents[2] / "docs" / "containers.md"


@pytest.fixture
def clone(start_gate, tmp_path):
    """A clone through a gate, in which *.big are objects of LFS."""
    (tmp_path / "mirrors").mkdir()
    bare(tmp_path / "mirrors" / "repo.git")
    gate = start_gate(f"--mirror-root={tmp_path / 'mirrors'}", "--scope=repo")
    clone = tmp_path / "clone"
    git("clone", "--quiet", gate.url(), clone)
    git("lfs", "install", "--local", cwd=clone)
    git("lfs", "track", "*.big", cwd=clone)
    (clone / "a.big").write_bytes(BIG)
    git("add", ".gitattributes", "a.big", cwd=clone)
    git("commit", "--quiet", "-m", "big", cwd=clone)
    return clone


def test_it_is_told_so(clone):
    said = git("push", "origin", "main", cwd=clone, ok=False)
    assert said.returncode != 0 and "no LFS objects" in said.stderr, said.stderr


def test_a_mounted_folder_serves_them(clone, tmp_path, start_gate):
    """The page's line, with a local folder in place of the mounted one."""
    setting, = re.findall(r"git clone --config (lfs\.url=file:\S+) gate://", PAGE.read_text())
    setting = setting.replace("/run/lfs/proj.git", str(bare(tmp_path / "lfs.git")))
    git("-c", setting, "push", "--quiet", "origin", "main", cwd=clone)
    installed = [f"--config=filter.lfs.{name}" for name in ("process=git-lfs filter-process", "required=true")]
    git("clone", "--quiet", *installed, "--config", setting, out("config", "remote.origin.url", cwd=clone),
        tmp_path / "again")
    assert (tmp_path / "again" / "a.big").read_bytes() == BIG
