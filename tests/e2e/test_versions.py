# SPDX-License-Identifier: Apache-2.0
"""The version has several homes: the build, the package for Python, Debian's packages, NEWS and each manual page."""

import re
import subprocess
from pathlib import Path

import pytest

from .gate import PROGRAM, run

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(PROGRAM).parent
HOMES = {
    "python/git_gate/__init__.py": r'^__version__ = "(.*)"$',
    "debian/changelog": r"\Agit-gate \((.*)\) ",
    "NEWS": r"\Agit-gate ([^ ,]*)",
    **{str(page.relative_to(ROOT)): r"^\.Os git-gate (.*)$" for page in (ROOT / "man").glob("*.[1-8]*")
       if not page.read_text().startswith(".so ")},
}


@pytest.fixture(scope="module")
def version():
    return re.search(r"^  version: '(.*)',$", (ROOT / "meson.build").read_text(), re.M)[1]


@pytest.mark.parametrize("home", HOMES)
def test_each_home_has_the_version_of_the_build(version, home):
    assert re.findall(HOMES[home], (ROOT / home).read_text(), re.M) == [version]


def test_program(version):
    assert run("--version").stdout == f"git-gate {version}\n"


def test_library(version):
    """The file's name, and what pkg-config says."""
    library = BUILD / "libgitgate.so.0"
    data = BUILD / "meson-private" / "gitgate.pc"
    if not library.exists() or not data.exists():
        pytest.skip("needs the library, as it is built together with the program")
    assert library.resolve().name == f"libgitgate.so.{version}"
    assert re.findall(r"^Version: (.*)$", data.read_text(), re.M) == [version]


def test_symbols_of_the_library(version):
    """debian/libgitgate0.symbols lists the library's exports, and no future version."""
    exported = re.findall(r"^ +(\w+);$", (ROOT / "src/library/libgitgate.map").read_text(), re.M)
    symbols = dict(re.findall(r"^ (\w+)@LIBGITGATE_0 (.*)$", (ROOT / "debian/libgitgate0.symbols").read_text(), re.M))
    assert sorted(symbols) == sorted(["LIBGITGATE_0", *exported])
    for since in symbols.values():
        assert tuple(map(int, since.split("."))) <= tuple(map(int, version.split(".")))


def test_manual_shows_it(version):
    """The footer shows the version, whichever program shows the page."""
    try:
        shown = subprocess.run(["mandoc", "-Tutf8", ROOT / "man" / "git-gate.1"], check=True, capture_output=True,
                               text=True).stdout
    except FileNotFoundError:
        pytest.skip("needs mandoc(1)")
    assert f"git-gate {version}" in shown.splitlines()[-1]
