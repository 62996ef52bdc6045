# SPDX-License-Identifier: Apache-2.0
"""script/release without a network: the files of a dry run, the changes of a release, and failures without changes."""

import hashlib
import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from .repos import ENVIRONMENT

ROOT = Path(__file__).resolve().parents[2]
VERSION = re.search(r"^  version: '(.*)',$", (ROOT / "meson.build").read_text(), re.MULTILINE)[1]
TIME = 1_700_000_000
DATE = "2023-11-14"  # of TIME
USAGE = 2
BUILD_SECONDS = 300

pytestmark = pytest.mark.skipif(
    not (ROOT / ".git").exists() or not shutil.which("meson"), reason="needs a checkout, and meson")


def git(folder, *arguments):
    return subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True, text=True,
                          env=ENVIRONMENT).stdout.strip()


def project_files():
    """The files under version control, and new ones, with their present content."""
    listing = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-zco", "--exclude-standard"], cwd=ROOT,
                             check=True, capture_output=True, text=True, env=ENVIRONMENT).stdout
    return [name for name in listing.split("\0") if name and (ROOT / name).exists()]


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A repository of one commit, with NEWS as before a release."""
    folder = tmp_path_factory.mktemp("release") / "project"
    for name in project_files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    news = (folder / "NEWS").read_text().partition("\n")[2]
    (folder / "NEWS").write_text(f"git-gate {VERSION}, unreleased\n{news}")
    git(folder.parent, "init", "--quiet", "--initial-branch=main", "project")
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--message=Everything")
    return folder


@pytest.fixture
def project(template, tmp_path):
    shutil.copytree(template, tmp_path / "project", symlinks=True)
    return tmp_path / "project"


def without_network():
    """The beginning of a command without a network, if user namespaces allow that."""
    command = ["bwrap", "--dev-bind", "/", "/", "--unshare-net", "--die-with-parent", "--"]
    works = shutil.which("bwrap") and subprocess.run([*command, "true"], check=False, capture_output=True).returncode == 0
    return command if works else []


def release(project, *arguments, seconds=BUILD_SECONDS):
    return subprocess.run([*without_network(), project / "script" / "release", *arguments], cwd=project.parent,
                          capture_output=True, text=True, check=False, timeout=seconds,
                          env={**ENVIRONMENT, "SOURCE_DATE_EPOCH": str(TIME)})


def state(project):
    """The parts of a checkout that a release may change."""
    return (git(project, "rev-parse", "HEAD"), git(project, "tag"), git(project, "status", "--porcelain", "--ignored"),
            (project / "NEWS").read_text())


def sums(folder):
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    return {name: checksum for checksum, name in (line.split("  ") for line in lines)}


def replace(project, name, text):
    """Commit another script in a script's place."""
    (project / name).write_text(f"#!/bin/sh\n{text}\n")
    (project / name).chmod(0o755)
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message=Replace")


def has_static_libraries():
    compiler = shutil.which("cc") or shutil.which("gcc")
    return compiler and all(
        "/" in subprocess.run([compiler, f"-print-file-name={name}"], check=True, capture_output=True, text=True).stdout
        for name in ("libc.a", "libllhttp.a", "libseccomp.a", "libz.a"))


@pytest.mark.skipif(not has_static_libraries(), reason="needs the static archives")
def test_dry_run(project, tmp_path):
    before = state(project)
    made = tmp_path / "made"
    result = release(project, VERSION, "--dry-run", "--without=tests", "--without=packages", "--output=made")
    assert (result.returncode, result.stdout) == (0, f"{made}\n"), result.stderr
    assert state(project) == before and "dry run" in result.stderr

    source, bill, note = f"git-gate-{VERSION}.tar.gz", f"git-gate-{VERSION}.spdx.json", f"git-gate-{VERSION}.md"
    static, = made.glob(f"git-gate-{VERSION}-linux-*.tar.gz")
    assert {path.name for path in made.iterdir()} == {source, static.name, bill, note, "SHA256SUMS"}
    assert sums(made) == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in made.iterdir()
                          if path.name != "SHA256SUMS"}

    with tarfile.open(made / source) as tarball:
        names = {name.removeprefix(f"git-gate-{VERSION}/") for name in tarball.getnames()}
        assert {*git(project, "ls-files").split("\n")} <= names and {member.mtime for member in tarball} == {TIME}
        news = tarball.extractfile(f"git-gate-{VERSION}/NEWS").read().decode()
    assert news.startswith(f"git-gate {VERSION}, {DATE}\n")

    items = re.sub(r"\s+", " ", news.split("\n\ngit-gate ")[0].partition("\n")[2])
    text = (made / note).read_text()
    assert items.strip() in re.sub(r"\s+", " ", text) and f"`{static.name}`" in text

    check_static(static, tmp_path)
    check_bill(json.loads((made / bill).read_text()), made, {source, static.name})


def check_static(static, tmp_path):
    """Check that the program runs where it was unpacked, finds git-gate-hook there, and needs no library."""
    (tmp_path / "apart").mkdir()
    subprocess.run(["tar", "-xzf", static, "-C", tmp_path / "apart"], check=True)
    folder = tmp_path / "apart" / static.name.removesuffix(".tar.gz")
    assert subprocess.run([folder / "bin" / "git-gate", "--version"], check=True, capture_output=True,
                          text=True).stdout == f"git-gate {VERSION}\n"
    (tmp_path / "rules").write_text('[refs "*"]\n\tcreate = yes\n')
    subprocess.run([folder / "bin" / "git-gate", "rules", tmp_path / "rules"], check=True, capture_output=True)
    for name in ("bin/git-gate", "bin/git-remote-gate", "libexec/git-gate/git-gate-hook"):
        dynamic = subprocess.run(["readelf", "--wide", "--program-headers", "--dynamic", folder / name], check=True,
                                 capture_output=True, text=True).stdout
        assert "INTERP" not in dynamic and "(NEEDED)" not in dynamic, name
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}
    assert {"share/man/man1/git-gate.1", "share/doc/git-gate/LICENSE", "README", "libexec/git-gate/hooks/0/pre-receive",
            "share/bash-completion/completions/git-gate"} <= files
    assert not [name for name in files if "libgitgate" in name or "python" in name]


def check_bill(bill, made, archives):
    """Check that names, references and checksums of the document agree."""
    assert (bill["spdxVersion"], bill["dataLicense"], bill["SPDXID"]) == ("SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT")
    assert bill["creationInfo"]["created"] == f"{DATE}T22:13:20Z" and bill["creationInfo"]["creators"]
    packages = {package["SPDXID"]: package for package in bill["packages"]}
    assert len(packages) == len(bill["packages"])
    assert all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", name) for name in packages)
    assert {package["packageFileName"]: package["checksums"][0]["checksumValue"] for package in packages.values()
            if "packageFileName" in package} == {name: sums(made)[name] for name in archives}
    for package in packages.values():
        assert {"name", "versionInfo", "downloadLocation", "licenseConcluded", "copyrightText"} <= {*package}
    linked = set()
    for relation in bill["relationships"]:
        assert {relation["spdxElementId"], relation["relatedSpdxElement"]} <= {*packages, "SPDXRef-DOCUMENT"}
        if relation["relationshipType"] == "STATIC_LINK":
            linked.add(packages[relation["relatedSpdxElement"]]["name"])
    if shutil.which("dpkg-query"):
        assert {"glibc", "libseccomp", "llhttp", "zlib"} <= linked


def test_two_dry_runs_are_the_same(project):
    made = []
    for _ in range(2):  # the second one replaces what the first one has made
        result = release(project, VERSION, "--dry-run", "--without=tests", "--without=static", "--without=packages")
        assert result.returncode == 0, result.stderr
        made.append(sums(project / "dist" / f"{VERSION}.dry-run"))
    assert made[0] == made[1] and len(made[0]) == 3
    assert git(project, "status", "--porcelain") == ""


STUBS = {
    "test": "mkdir build-tested",
    "test-static": '[ -e "$1" ]',
    "static-tarball": 'echo static >"$1/static.tar.gz" && echo "$1/static.tar.gz"',
    "package": "[ -e build-tested ] && mkdir -p build-packages/any && echo >build-packages/any/x.deb",
}


def make_release(project, **replaced):
    """Make a release with stand-ins for tests, static programs and packages, which would take minutes."""
    for name, text in {**STUBS, **replaced}.items():
        replace(project, f"script/{name}", text)
    before = state(project)
    return release(project, VERSION), before


def test_release(project):
    result, _ = make_release(project)
    assert result.returncode == 0, result.stderr
    assert git(project, "log", "-1", "--format=%s", "HEAD") == f"git-gate {VERSION}"
    assert git(project, "rev-parse", f"v{VERSION}^{{commit}}") == git(project, "rev-parse", "HEAD")
    assert git(project, "cat-file", "-t", f"v{VERSION}") == "tag" and git(project, "status", "--porcelain") == ""
    assert git(project, "diff", "--name-only", "HEAD~1", "HEAD") in ("NEWS", "NEWS\ndebian/changelog")
    assert (project / "NEWS").read_text().startswith(f"git-gate {VERSION}, {DATE}\n")
    assert {"static.tar.gz", "debian/any/x.deb", f"git-gate-{VERSION}.md"} < {*sums(project / "dist" / VERSION)}
    again = release(project, VERSION)
    assert again.returncode == 1 and "NEWS" in again.stderr


def test_changelog_has_the_items_of_news(project):
    (project / "debian").mkdir(exist_ok=True)
    (project / "debian" / "changelog").write_text(
        "git-gate (0.0.1) unstable; urgency=medium\n\n  * Old.\n\n"
        " -- Ada <ada@example.org>  Thu, 01 Jan 1970 00:00:00 +0000\n")
    (project / "NEWS").write_text(f"git-gate {VERSION}, unreleased\n\n  * New & \\fine/.\n\n"
                                  "git-gate 0.0.1, 1970-01-01\n\n  * Old.\n")
    result, _ = make_release(project)
    assert result.returncode == 0, result.stderr
    assert (project / "debian" / "changelog").read_text() == (
        f"git-gate ({VERSION}) unstable; urgency=medium\n\n  * New & \\fine/.\n\n"
        " -- Ada <ada@example.org>  Tue, 14 Nov 2023 22:13:20 +0000\n\n"
        "git-gate (0.0.1) unstable; urgency=medium\n\n  * Old.\n\n"
        " -- Ada <ada@example.org>  Thu, 01 Jan 1970 00:00:00 +0000\n")
    assert "Old" not in (project / "dist" / VERSION / f"git-gate-{VERSION}.md").read_text()


@pytest.mark.parametrize("script, text, words", [
    ("test", "exit 1", "running every test\n"), ("static-tarball", "exit 1", "making the static tarball\n"),
    ("test-static", "exit 1", "making the static tarball\n"), ("package", "exit 1", "making the packages\n"),
    ("sbom", "exit 1", "making the packages\n"), ("test", "mkdir build-tested; echo >>NEWS", " M NEWS\n"),
    ("test", "mkdir build-tested; touch left", "?? left\n"),
])
def test_failure_changes_nothing(project, script, text, words):
    """A failing step changes nothing, nor do tests that change the sources."""
    result, before = make_release(project, **{script: text})
    assert result.returncode == 1 and result.stderr.endswith(words), result.stderr
    assert state(project) == before and not (project / "dist").exists()


def test_commit_meanwhile(project):
    """No tag goes to a commit that the tests have not seen."""
    commit = f"mkdir build-tested && git -C {project} commit --quiet --allow-empty --message=Meanwhile"
    result, _ = make_release(project, test=commit)
    assert result.returncode != 0 and "fast-forward" in result.stderr
    assert git(project, "tag") == "" and git(project, "log", "-1", "--format=%s") == "Meanwhile"
    assert not list((project / "dist").iterdir())


def edit(project):
    (project / "README.md").write_text("changed")


def add(project):
    (project / "new").write_text("new")


def tag(project):
    git(project, "tag", f"v{VERSION}")


def tag_later(project):
    git(project, "tag", "v99.0.0")


def release_news(project):
    (project / "NEWS").write_text(f"git-gate {VERSION}, {DATE}\n\n  * Something.\n")
    git(project, "commit", "--quiet", "--all", "--message=News")


def empty_news(project):
    (project / "NEWS").write_text(f"git-gate {VERSION}, unreleased\n\n")
    git(project, "commit", "--quiet", "--all", "--message=News")


def other_version(project, name):
    (project / name).write_text((project / name).read_text().replace(VERSION, "0.0.1"))
    git(project, "commit", "--quiet", "--all", "--message=Version")


def other_manual(project):
    other_version(project, "man/git-remote-gate.1")


def other_python(project):
    other_version(project, "python/git_gate/__init__.py")


@pytest.mark.parametrize("prepare, words", [
    (edit, "README.md"), (add, "new"), (tag, f"the tag v{VERSION}"), (tag_later, "v99.0.0"), (release_news, "unreleased"),
    (empty_news, "nothing on"), (other_manual, "man/git-remote-gate.1 has no line"), (other_python, "another __version__"),
])
def test_refusals(project, prepare, words):
    prepare(project)
    before = state(project)
    result = release(project, VERSION, "--dry-run", seconds=30)
    assert (result.returncode, result.stdout) == (1, "") and words in result.stderr
    assert result.stderr.startswith("release: ") and state(project) == before


def test_other_version(project):
    result = release(project, "98.0.0", seconds=30)
    assert result.returncode == 1 and f"'{VERSION}'" in result.stderr


def test_output_is_not_replaced(project, tmp_path):
    (tmp_path / "precious").mkdir()
    result = release(project, VERSION, "--dry-run", "--output=precious", seconds=30)
    assert result.returncode == 1 and "precious is there already" in result.stderr and (tmp_path / "precious").is_dir()
