# SPDX-License-Identifier: Apache-2.0
"""The project's address and its contact for security: meson.build has them, and everything else takes them from there."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD_FILE = (ROOT / "meson.build").read_text()
VALUES = dict(re.findall(r"^(project_address|security_contact) = '(.*)'$", BUILD_FILE, re.MULTILINE))
ADDRESS, CONTACT = "https://forge.example/git-gate", "security@forge.example"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The manuals and gitgate.pc, built from a tree with other values."""
    if not shutil.which("meson"):
        pytest.skip("needs meson")
    folder = tmp_path_factory.mktemp("address")
    tree = shutil.copytree(ROOT, folder / "tree", ignore=shutil.ignore_patterns(".git", "build*", "tests", "docs"))
    text = BUILD_FILE
    for name, value in {"project_address": ADDRESS, "security_contact": CONTACT}.items():
        text, changes = re.subn(f"^{name} = '.*'$", f"{name} = '{value}'", text, flags=re.MULTILINE)
        assert changes == 1
    (tree / "meson.build").write_text(text)
    subprocess.run(["meson", "setup", "-Dmusl=disabled", "-Dstatic=false", folder / "build", tree], check=True,
                   capture_output=True)
    subprocess.run(["meson", "install", "-C", folder / "build", "--no-rebuild", "--tags=man,devel", "--destdir",
                    folder / "root"], check=True, capture_output=True)
    return folder / "root"


@pytest.mark.parametrize("page", ["git-gate.1", "git-remote-gate.1", "libgitgate.3"])
def test_manual(installed, page):
    path, = installed.glob(f"**/{page}")
    if shutil.which("mandoc"):
        subprocess.run(["mandoc", "-Tlint", "-Wwarning", path], check=True)
    text = path.read_text()
    assert f"\n.Lk {ADDRESS} .\n" in text and f"\n.Aq Mt {CONTACT} .\n" in text


@pytest.mark.skipif(not shutil.which("pkg-config"), reason="needs pkg-config")
def test_pkg_config(installed):
    path, = installed.glob("**/gitgate.pc")
    assert f"\nURL: {ADDRESS}\n" in path.read_text()


def test_pages_of_the_sources():
    """The page for reports names the contact, if there is one."""
    assert set(VALUES) == {"project_address", "security_contact"}
    assert VALUES["security_contact"] in (ROOT / "SECURITY.md").read_text()
