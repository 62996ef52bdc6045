# SPDX-License-Identifier: Apache-2.0
"""Tests the recipes of docs/rules.md, each by a gate with its file, and the verb that explains such files."""

import re
import shutil
from pathlib import Path

import pytest

from .gate import run
from .repos import git
from .rules import Work

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = PROJECT / "tests" / "data" / "rules"
REFUSED = 1
USAGE = 2

# For each file: the preparation, the refspec, and words of the refusal; None for an allowed push.
RECIPES = {
    "one-branch": [
        (lambda w: w.write("x"), "HEAD:refs/heads/task7", None),
        (lambda w: w.write("x"), "HEAD:refs/heads/task8", "allowed are: refs/heads/task7"),
        (lambda w: w.write("x"), "HEAD:refs/heads/task7/x", "no rule allows"),
        (lambda w: w.write("x"), "HEAD:refs/heads/main", "no rule allows"),
        (None, "HEAD:refs/tags/x", "no rule allows"),
    ],
    "no-force": [
        (lambda w: w.write("x"), "HEAD:refs/heads/main", None),
        (lambda w: w.write("x"), "HEAD:refs/heads/new", None),
        (None, "HEAD:refs/tags/new", None),
        (None, "+HEAD~1:refs/heads/main", "no ancestor"),
        (None, ":refs/heads/old", "to delete it is not allowed"),
        (lambda w: w.write("x"), "+HEAD:refs/tags/v1", "to move it is not allowed"),
        (None, ":refs/tags/v1", "to delete it is not allowed"),
    ],
    "docs-only": [
        (lambda w: w.write("docs/guide/x.md"), "HEAD:refs/heads/docs/x", None),
        (lambda w: w.write("README.md"), "HEAD:refs/heads/docs/x", None),
        (lambda w: w.write("src/x.c"), "HEAD:refs/heads/docs/x", "only: docs/**, README.md"),
        (lambda w: w.link("docs/x", "../src"), "HEAD:refs/heads/docs/x", "a symbolic link"),
        (lambda w: w.write("docs/x"), "HEAD:refs/heads/main", "no rule allows"),
    ],
    "no-ci": [
        (lambda w: w.write("src/y.c"), "HEAD:refs/heads/task/x", None),
        (lambda w: w.write(".github/workflows/x.yml"), "HEAD:refs/heads/task/x", ".github/**"),
        (lambda w: w.write(".GITLAB-CI.yml"), "HEAD:refs/heads/task/x", ".gitlab-ci.yml"),
        (lambda w: w.write("sub/Jenkinsfile"), "HEAD:refs/heads/task/x", "**/Jenkinsfile"),
        (lambda w: w.write(".gitmodules", ""), "HEAD:refs/heads/task/x", "**/.gitmodules"),
        (lambda w: w.name_raw("sub", mode="160000"), "raw:refs/heads/task/x", "a submodule"),
        (lambda w: w.link("x", "docs"), "HEAD:refs/heads/task/x", "a symbolic link"),
    ],
    "small-files": [
        (lambda w: w.write("x", "a" * 1000), "HEAD:refs/heads/main", None),
        (lambda w: w.write("x", b"a" * (10 << 20)), "HEAD:refs/heads/main", None),
        (lambda w: w.write("x", b"a" * ((10 << 20) + 1)), "HEAD:refs/heads/main", "10485761 bytes"),
    ],
    "append-only-tags": [
        (None, "HEAD:refs/tags/v2", None),
        (None, "+HEAD:refs/tags/v1", "to move it is not allowed"),
        (None, ":refs/tags/v1", "to delete it is not allowed"),
        (lambda w: w.write("x"), "HEAD:refs/heads/main", "to move it is not allowed"),
        (None, "HEAD:refs/heads/x", "no rule allows"),
    ],
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("recipes")


@pytest.fixture
def work(mirror_template, root, tmp_path):
    return Work(mirror_template, root, tmp_path)


def test_each_file_is_proved_and_described():
    assert {path.stem for path in FOLDER.glob("*.rules")} == RECIPES.keys()
    page = (PROJECT / "docs" / "rules.md").read_text()
    for path in FOLDER.glob("*.rules"):
        lines = [line for line in path.read_text().splitlines(keepends=True) if not line.startswith("#")]
        assert "".join(lines) in page, f"docs/rules.md does not have what is in {path.name}"


@pytest.mark.parametrize("name", RECIPES)
def test_recipe(name, mirror_template, root, tmp_path, start_gate):
    gate = start_gate(f"--mirror-root={root}", "--scope=*", f"--rules={FOLDER / name}.rules")
    for i, (prepare, spec, words) in enumerate(RECIPES[name]):
        (tmp_path / str(i)).mkdir()
        work = Work(mirror_template, root, tmp_path / str(i))
        if prepare:
            prepare(work)
        before, objects = work.refs, work.objects()
        said = git("push", gate.url(work.name), spec, cwd=work.folder, ok=None)
        if words is None:
            assert said.returncode == 0 and work.refs != before, f"{spec}: {said.stderr}"
        else:
            assert said.returncode != 0 and words in said.stderr, f"{spec}: {said.stderr}"
            assert work.refs == before and work.objects() == objects


@pytest.mark.parametrize("name", RECIPES)
def test_rules_says_what_a_recipe_allows(name):
    said = run("rules", FOLDER / f"{name}.rules")
    assert said.returncode == 0 and said.stderr == ""
    for pattern in re.findall(r'\[refs "(.*)"\]', (FOLDER / f"{name}.rules").read_text()):
        assert f"\n  {pattern}: " in said.stdout
    for value in re.findall(r"(?:deny|allow) = (.*[./].*)", (FOLDER / f"{name}.rules").read_text()):
        assert f"\n  {value}\n" in said.stdout


def test_rules_without_a_section_of_references_refuse_all(tmp_path):
    (tmp_path / "rules").write_text("[push]\nmaxRefs = 3\n")
    said = run("rules", tmp_path / "rules")
    assert said.returncode == 0 and "every push is refused" in said.stdout


@pytest.mark.parametrize(("words", "status", "said"), [
    (("old", "main", "refs/heads/task/x"), 0, "allowed\n"),
    (("main", "main", "refs/heads/task/x"), 0, "allowed\n"),
    (("main", "0", "refs/heads/task/x"), 0, "allowed\n"),
    (("0", "main", "refs/heads/task/x"), REFUSED, "it touches .github/workflows/ci.yml"),
    (("v1", "main", "refs/heads/task/x"), REFUSED, "it touches .github/workflows/ci.yml"),
    (("old", "main", "refs/heads/main"), REFUSED, "allowed are: refs/heads/task/*"),
    (("0", "v1^{tree}", "refs/heads/task/x"), REFUSED, "leads to a tree or a blob"),
])
def test_rules_are_tried_on_commits_that_exist(work, words, status, said):
    for folder in (work.mirror, work.folder):
        result = run("rules", FOLDER / "no-ci.rules", f"--repo={folder}", *words)
        assert result.returncode == status and said in result.stdout, result.stdout + result.stderr
    assert run("rules", f"--repo={work.mirror}", FOLDER / "no-ci.rules", "old", "main", "refs/x").returncode == REFUSED


def test_a_trial_runs_no_command_of_the_repository(work, tmp_path):
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran-$1\n")
    program.chmod(0o755)
    git("config", "core.fsmonitor", program, cwd=work.folder)
    git("update-index", "--fsmonitor", cwd=work.folder)
    for key, value in {"core.repositoryFormatVersion": "1", "extensions.partialClone": "o", "remote.o.promisor": "true",
                       "remote.o.url": f"ext::{program} fetch", "protocol.ext.allow": "always"}.items():
        git("config", key, value, cwd=work.mirror)
    tree = work.id("main:docs")
    (work.mirror / "objects" / tree[:2] / tree[2:]).unlink()
    for ran in tmp_path.glob("ran-*"):
        ran.unlink()
    for folder in (work.folder, work.mirror):
        run("rules", FOLDER / "no-ci.rules", f"--repo={folder}", "old", "main", "refs/heads/task/x")
    assert not list(tmp_path.glob("ran-*"))


@pytest.mark.parametrize(("arguments", "words"), [
    ((), "rules needs the path of a FILE"),
    (("a", "b"), "rules needs the path of a FILE"),
    (("a", "--repo"), "--repo needs the path"),
    (("a", "--repo=."), "--repo needs FILE OLD NEW REF"),
    (("a", "b", "c", "d", "e", "--repo=."), "one argument too many"),
    (("a", "--rep=."), "did you mean '--repo'"),
    (("none",), "--rules=none cannot be read"),
    ((FOLDER / "no-ci.rules", "--repo=.", "none", "HEAD", "refs/heads/x"), "'none' is not a revision"),
    ((FOLDER / "no-ci.rules", "--repo=/nonexistent", "HEAD", "HEAD", "refs/heads/x"), "is not a revision in '/nonexistent'"),
])
def test_rules_refuses_its_arguments(mirror_template, arguments, words):
    said = run("rules", *arguments, cwd=mirror_template[0])
    assert said.returncode == USAGE and said.stdout == "" and words in said.stderr, said.stderr


def test_a_fault_of_the_file_is_named(tmp_path):
    (tmp_path / "rules").write_text("[paths]\ndeni = x\n")
    said = run("rules", tmp_path / "rules")
    assert said.returncode == USAGE and "line 2: paths.deni" in said.stderr


def test_a_trial_changes_nothing(work):
    before = {path: path.stat().st_mtime_ns for path in work.mirror.rglob("*")}
    run("rules", FOLDER / "no-ci.rules", f"--repo={work.mirror}", "v1", "main", "refs/heads/task/x")
    assert before == {path: path.stat().st_mtime_ns for path in work.mirror.rglob("*")}
    shutil.rmtree(work.mirror)
