# SPDX-License-Identifier: Apache-2.0
"""Tests --rules: pushes that each rule allows, and pushes that try to get around it, by the real git."""

import os
import re
import shutil
from pathlib import Path

import pytest

from . import packets
from .gate import PROGRAM, environment, run
from .http import TOKEN
from .repos import git, run_bounded
from .rules import Work, make_template

CONFINE = os.environ.get("GIT_GATE_CONFINE", "auto")
USAGE = 2
START_FAILS = 4

BRANCH = """
[refs "refs/heads/task/*"]
    update = any
    delete = yes
[refs "refs/heads/kept/*"]
    update = none
[refs "refs/heads/ff/*"]
    delete = yes
[refs "refs/tags/"]
    update = fast-forward
[refs "refs/heads/closed"]
    create = no
    update = none
[refs "refs/heads/main"]
    create = no
"""
ANY = """
[refs "*"]
    update = any
    delete = yes
"""
DENY = ANY + """
[paths]
    deny = .github/**
    deny = .gitmodules
    deny = **/Jenkinsfile
    deny = secret*
    deny = a/b/c.txt
    deny = strass/**
"""
ALLOW = ANY + """
[paths]
    allow = docs/**
    allow = README
    allow = notes
"""
FILES = ANY + """
[files]
    maxBytes = 1k
    maxPathBytes = 40
    deny = symlink
    deny = submodule
    deny = executable
"""
COMMITS = ANY + """
[commits]
    maxCount = 5
    author = *@example.org
    author = bot@example.com
    committer = *@EXAMPLE.org
    signedOff = true
"""
MANY = ANY + """
[push]
    maxRefs = 3
"""
SIGNED = "Change\n\nSigned-off-by: Ada <ada@example.org>"
TASK = "HEAD:refs/heads/task/new"


def forced(work):
    work.git("checkout", "--quiet", "--orphan", "lone")
    work.commit("Begin again")


def tag_of(work, name="refs/tags/of"):
    work.git("tag", "-a", "-m", "Tag", "inner")
    return ["inner:" + name]


def tag_of_tag(work):
    work.git("tag", "-a", "-m", "Tag", "inner")
    work.git("tag", "-a", "-m", "Tag", "outer", "inner")
    return ["outer:refs/tags/outer"]


def hidden_by_revert(work):
    work.write(".github/workflows/new.yml")
    work.git("rm", "--quiet", ".github/workflows/new.yml")
    work.commit("Remove it again")


def evil_merge(work, change):
    """A merge whose change neither parent has."""
    work.git("checkout", "--quiet", "-b", "side", "HEAD~1")
    work.write("side")
    work.git("checkout", "--quiet", "main")
    work.write("mine")
    work.git("merge", "--quiet", "--no-commit", "side")
    change()
    work.git("add", "--all")
    work.commit("Merge side")


def honest_merge(work):
    evil_merge(work, lambda: None)


def merged_history(work):
    """The change comes by the second parent of a merge that is itself innocent."""
    work.git("checkout", "--quiet", "-b", "side", "HEAD~1")
    work.write(".github/side.yml")
    work.git("checkout", "--quiet", "main")
    work.git("merge", "--quiet", "-m", "Merge side", "side")


def merge_as(work, tree, *parents):
    """A merge with the tree of one commit. Return: what is pushed."""
    arguments = [argument for parent in parents for argument in ("-p", parent)]
    return [work.git("commit-tree", *arguments, "-m", "Merge", f"{tree}^{{tree}}") + ":refs/heads/task/new"]


def merged_root(work, path):
    """A merge that takes all from a root of its own, and so removes all other paths."""
    new_root(work, path)
    return merge_as(work, "lone", "main", "lone")


def merged_past(work, order=("main", "past")):
    """A merge that takes all from a commit behind a change of what is kept."""
    work.git("checkout", "--quiet", "-b", "past", "v1")
    work.write("past")
    return merge_as(work, "past", *order)


def merged_along(work):
    """The same, hidden behind a third parent that has main behind it."""
    work.write("along")
    return merge_as(work, "v1", "main~1", "v1", "main")


def wide(work, count):
    """A merge of that many commits."""
    tips = []
    for number in range(count):
        work.git("checkout", "--quiet", "--detach", "main")
        tips.append(work.write(f"tips/{number}"))
    return merge_as(work, "main", *tips)


def merged_upstream(work):
    """A branch from before a change of what is kept takes that change by a merge."""
    work.git("checkout", "--quiet", "-b", "past", "v1")
    work.write("past")
    work.git("merge", "--quiet", "-m", "Merge main", "main")


def merged_upstream_of_docs(work):
    work.git("checkout", "--quiet", "-b", "past", "v1")
    work.write("docs/past")
    work.git("merge", "--quiet", "-m", "Merge main", "main")


def octopus(work, change):
    for name in ("one", "two", "three"):
        work.git("checkout", "--quiet", "-b", name, "main")
        work.write(name)
    work.git("checkout", "--quiet", "main")
    work.git("merge", "--quiet", "-m", "Octopus", "one", "two", "three")
    change()
    work.git("add", "--all")
    work.commit("Octopus", "--amend")


def write(work, path, content="new\n", mode=None):
    file = work.folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    if mode:
        file.chmod(mode)


def remove(work, path):
    work.git("rm", "--quiet", path)
    work.commit("Remove")


def move(work, old, new):
    (work.folder / new).parent.mkdir(parents=True, exist_ok=True)
    work.git("mv", old, new)
    work.commit("Move")


def chmod(work, path, sign="+"):
    work.git("update-index", f"--chmod={sign}x", path)
    work.commit("Change the mode")


def new_root(work, path):
    work.git("checkout", "--quiet", "--orphan", "lone")
    work.git("rm", "--quiet", "-r", "--cached", ".")
    work.write(path)


def signed(work, count=1, **variables):
    for _ in range(count):
        work.commit(SIGNED, **variables)


# Rules, the name of the case, what is done before, what is pushed (None when the preparation returns it), and words of the
# refusal; None for a push that is allowed.
CASES = [
    # references
    (BRANCH, "create", lambda w: w.write("x"), [TASK], None),
    (BRANCH, "create deeper", lambda w: w.write("x"), ["HEAD:refs/heads/task/a/b"], None),
    (BRANCH, "update", lambda w: w.write("x"), ["HEAD:refs/heads/task/there"], None),
    (BRANCH, "force", forced, ["+HEAD:refs/heads/task/there"], None),
    (BRANCH, "delete", None, [":refs/heads/task/there"], None),
    (BRANCH, "fast-forward of main", lambda w: w.write("x"), ["HEAD:refs/heads/main"], None),
    (BRANCH, "two that are allowed", lambda w: w.write("x"), [TASK, "HEAD:refs/heads/main"], None),
    (BRANCH, "annotated tag", tag_of, None, None),
    (BRANCH, "other branch", lambda w: w.write("x"), ["HEAD:refs/heads/other"],
     ["refs/heads/other: no rule allows this reference", "refs/heads/task/*"]),
    (BRANCH, "the folder itself", lambda w: w.write("x"), ["HEAD:refs/heads/task"], ["no rule allows"]),
    (BRANCH, "a name that begins alike", lambda w: w.write("x"), ["HEAD:refs/heads/taskforce"], ["no rule allows"]),
    (BRANCH, "another case", lambda w: w.write("x"), ["HEAD:refs/heads/TASK/x"], ["no rule allows"]),
    (BRANCH, "the pattern elsewhere", lambda w: w.write("x"), ["HEAD:refs/x/refs/heads/task/x"], ["no rule allows"]),
    (BRANCH, "another namespace", lambda w: w.write("x"), ["HEAD:refs/replace/" + "1" * 40], ["no rule allows"]),
    (BRANCH, "delete another", None, [":refs/heads/old"], ["refs/heads/old: no rule allows"]),
    (BRANCH, "delete main", None, [":refs/heads/main"], ["to delete it is not allowed", "allows: fast-forward"]),
    (BRANCH, "force main", forced, ["+HEAD:refs/heads/main"], ["refs/heads/main", "behind it", "fast-forward"]),
    (BRANCH, "rewind main", None, ["+HEAD~1:refs/heads/main"], ["refs/heads/main", "behind it"]),
    (BRANCH, "one of two", lambda w: w.write("x"), [TASK, "HEAD:refs/heads/other"],
     ["refs/heads/other", "nothing was taken"]),
    (BRANCH, "one of two, atomic", lambda w: w.write("x"), ["--atomic", TASK, "HEAD:refs/heads/other"],
     ["refs/heads/other: no rule"]),
    (BRANCH, "create what may not be", lambda w: w.write("x"), ["HEAD:refs/heads/closed"],
     ["to create it is not allowed", "allows: nothing"]),
    (BRANCH, "move a tag backwards", forced, ["+HEAD:refs/tags/v1"], ["refs/tags/v1", "behind it"]),
    (BRANCH, "a tag object in place of a tag", lambda w: w.git("tag", "-a", "-m", "T", "t2"), ["+t2:refs/tags/v1"],
     ["refs/tags/v1", "no fast-forward"]),
    (BRANCH, "delete a tag", None, [":refs/tags/v1"], ["to delete it"]),
    (BRANCH, "a control character", lambda w: w.write("x"), ["HEAD:refs/heads/\u0085x"],
     [r"refs/heads/\302\205x: no rule"]),
    ("", "no section at all", lambda w: w.write("x"), [TASK], ["allowed are: nothing"]),
    # paths that are kept
    (DENY, "another path", lambda w: w.write("src/y.c"), [TASK], None),
    (DENY, "a path that begins alike", lambda w: w.write(".githubber/x"), [TASK], None),
    (DENY, "the same name elsewhere", lambda w: w.write("docs/.github/x"), [TASK], None),
    (DENY, "a merge of what is there", honest_merge, [TASK], None),
    (DENY, "a branch at an old commit", None, ["old:refs/heads/task/old"], None),
    (DENY, "a link elsewhere", lambda w: w.link("docs/link", "a.md"), [TASK], None),
    (DENY, "a tilde in a longer name", lambda w: w.write("docs/a.md.~1~"), [TASK], None),
    (DENY, "a new file", lambda w: w.write(".github/x"), [TASK],
     ["refs/heads/task/new: commit ", "it touches .github/x", "fit .github/** are kept"]),
    (DENY, "a changed file", lambda w: w.write(".github/workflows/ci.yml"), [TASK], [".github/workflows/ci.yml"]),
    (DENY, "a removed file", lambda w: remove(w, ".github/workflows/ci.yml"), [TASK], [".github/workflows/ci.yml"]),
    (DENY, "a file moved there", lambda w: move(w, "README", ".github/README"), [TASK], [".github/README"]),
    (DENY, "a file moved from there", lambda w: move(w, ".github/workflows/ci.yml", "ci.yml"), [TASK],
     [".github/work"]),
    (DENY, "only the mode", lambda w: chmod(w, ".github/workflows/ci.yml"), [TASK], [".github/workflows/ci.yml"]),
    (DENY, "another case", lambda w: w.write(".GitHub/workflows/x.yml"), [TASK], [".GitHub/workflows/x.yml"]),
    (DENY, "ignored on HFS+", lambda w: w.name_raw(".git\u200chub", "x"), ["raw:refs/heads/task/raw"],
     [r".git\342\200\214hub/x"]),
    (DENY, "a Kelvin sign", lambda w: w.name_raw("Jen\u212ainsfile"), ["raw:refs/heads/task/raw"],
     ["Jenkinsfile are kept"]),
    (DENY, "a long s", lambda w: w.name_raw("\u017fecret"), ["raw:refs/heads/task/raw"], ["secret* are kept"]),
    (DENY, "a sharp s", lambda w: w.name_raw("stra\u00df", "x"), ["raw:refs/heads/task/raw"], ["strass/** are kept"]),
    (DENY, "a dot behind it", lambda w: w.name_raw(".github.", "x"), ["raw:refs/heads/task/raw"], [".github./x"]),
    (DENY, "a space behind it", lambda w: w.name_raw(".github ", "x"), ["raw:refs/heads/task/raw"], [".github /x"]),
    (DENY, "a stream", lambda w: w.name_raw(".github::$INDEX_ALLOCATION", "x"), ["raw:refs/heads/task/raw"],
     ["are kept"]),
    (DENY, "a backslash", lambda w: w.name_raw(".github\\x"), ["raw:refs/heads/task/raw"], [".github/** are kept"]),
    (DENY, "a short name", lambda w: w.name_raw("GITHUB~1", "x"), ["raw:refs/heads/task/raw"], ["Windows takes"]),
    (DENY, "a way up", lambda w: w.name_raw("docs\\..\\.github", "x"), ["raw:refs/heads/task/raw"], ["Windows takes"]),
    (DENY, "a control character", lambda w: w.name_raw(".github", "a\x1b[2Jb"), ["raw:refs/heads/task/raw"],
     [r"a\033[2Jb"]),
    (DENY, "a file in the folder's place", lambda w: w.raw(w.tree([("100644", "blob", w.blob("x"), ".github")])),
     ["raw:refs/heads/task/raw"], [".github"]),
    (DENY, "a link in the folder's place", lambda w: w.raw(w.tree([("120000", "blob", w.blob("docs"), ".github")])),
     ["raw:refs/heads/task/raw"], [".github"]),
    (DENY, "a link above a file", lambda w: w.link("a", "docs"), [TASK], ["touches a,", "a/b/c.txt are kept"]),
    (DENY, "a submodule above a file", lambda w: w.name_raw("a", "b", mode="160000"), ["raw:refs/heads/task/raw"],
     ["a/b,"]),
    (DENY, "in any folder", lambda w: w.write("x/y/jenkinsfile"), [TASK], ["x/y/jenkinsfile"]),
    (DENY, "at the top", lambda w: w.write("Jenkinsfile"), [TASK], ["touches Jenkinsfile"]),
    (DENY, "below a folder that fits", lambda w: w.write("secrets/deep/x"), [TASK], ["secrets/deep/x"]),
    (DENY, ".gitmodules", lambda w: w.write(".gitmodules", ""), [TASK], [".gitmodules"]),
    (DENY, "added and removed", hidden_by_revert, [TASK], [".github/workflows/new.yml"]),
    (DENY, "in the middle of many", lambda w: [w.write(".github/x"), w.write("y"), w.write("z")], [TASK],
     [".github/x"]),
    (DENY, "a new root", lambda w: new_root(w, ".github/x"), [TASK], [".github/x"]),
    (DENY, "by a merge", lambda w: evil_merge(w, lambda: write(w, ".github/x")), [TASK], [".github/x"]),
    (DENY, "by a merge of three", lambda w: octopus(w, lambda: write(w, ".github/x")), [TASK], [".github/x"]),
    (DENY, "by the second parent", merged_history, [TASK], [".github/side.yml"]),
    (DENY, "dropped by a merge with a new root", lambda w: merged_root(w, "src/z.c"), None, [".github/workflows/ci.yml"]),
    (DENY, "dropped by a merge with the past", merged_past, None, [".github/workflows/ci.yml"]),
    (DENY, "dropped by a merge of the past", lambda w: merged_past(w, ("past", "main")), None,
     [".github/workflows/ci.yml"]),
    (DENY, "dropped by a merge of three", merged_along, None, [".github/workflows/ci.yml"]),
    (DENY, "a merge of 17", lambda w: wide(w, 17), None, ["merges more than 16"]),
    (DENY, "taken by a merge", merged_upstream, [TASK], None),
    (DENY, "by a tag", lambda w: [w.write(".github/x"), tag_of(w)][1], None, ["refs/tags/of: commit", ".github/x"]),
    (DENY, "by a tag of a tag", lambda w: [w.write(".github/x"), tag_of_tag(w)][1], None,
     ["refs/tags/outer", ".github/x"]),
    (DENY, "a tree", lambda w: [f"{w.nested('.github', 'x')}:refs/tags/tree"], None, ["leads to a tree or a blob"]),
    (DENY, "a tag of a tree", lambda w: [w.git("tag", "-a", "-m", "T", "t", w.nested("q")), "t:refs/tags/t"][1:], None,
     ["leads to a tree or a blob"]),
    (DENY, "a blob", lambda w: [f"{w.blob('x')}:refs/tags/blob"], None, ["leads to a tree or a blob"]),
    (DENY, "with an innocent one", lambda w: [w.git("branch", "good"), w.write(".github/x"),
                                              ["good:refs/heads/task/good", TASK]][2], None, ["refs/heads/task/new: commit"]),
    # paths that alone may change
    (ALLOW, "below the folder", lambda w: w.write("docs/deep/x.md"), [TASK], None),
    (ALLOW, "the file", lambda w: w.write("README"), [TASK], None),
    (ALLOW, "below a plain name", lambda w: w.write("notes/x"), [TASK], None),
    (ALLOW, "another file", lambda w: w.write("src/x.c"), [TASK],
     ["it touches src/x.c", "only: docs/**, README, notes"]),
    (ALLOW, "a file that begins alike", lambda w: w.write("docsx/x"), [TASK], ["docsx/x"]),
    (ALLOW, "below another folder", lambda w: w.write("x/docs/y"), [TASK], ["x/docs/y"]),
    (ALLOW, "one of two", lambda w: [write(w, "docs/b"), w.write("src/x.c"), w.git("add", "docs"), w.commit()], [TASK],
     ["src/x.c"]),
    (ALLOW, "dropped by a merge with a new root", lambda w: merged_root(w, "docs/z"), None, ["touches ", "only: docs/**"]),
    (ALLOW, "taken by a merge", merged_upstream_of_docs, [TASK], None),
    (ALLOW, "a file moved out", lambda w: move(w, "docs/a.md", "a.md"), [TASK], ["a.md"]),
    (ALLOW, "a removed file", lambda w: remove(w, "src/x.c"), [TASK], ["src/x.c"]),
    (ALLOW, "a link in the folder's place", lambda w: w.raw(w.tree([("120000", "blob", w.blob("src"), "docs")])),
     ["raw:refs/heads/task/raw"], ["touches docs;"]),
    (ALLOW, "a way out", lambda w: w.name_raw("docs", "..\\src"), ["raw:refs/heads/task/raw"], ["Windows takes"]),
    # files
    (FILES, "small", lambda w: w.write("x", "a" * 1024), [TASK], None),
    (FILES, "a script that is one", lambda w: w.write("tool.sh", "#!/bin/sh\nexit\n"), [TASK], None),
    (FILES, "no script any more", lambda w: chmod(w, "tool.sh", "-"), [TASK], None),
    (FILES, "large", lambda w: w.write("x", "a" * 1025), [TASK], ["the file x has 1025 bytes", "at most 1024"]),
    (FILES, "large and removed", lambda w: [w.write("x", "a" * 9999), remove(w, "x")], [TASK], ["9999 bytes"]),
    (FILES, "large by a merge", lambda w: evil_merge(w, lambda: write(w, "y", "b" * 2000)), [TASK], ["2000 bytes"]),
    (FILES, "a blob alone", lambda w: [f"{w.blob('x' * 5000)}:refs/tags/blob"], None, ["a tree or a blob"]),
    (FILES, "a long path", lambda w: w.write("d/" * 19 + "abc"), [TASK], ["has 41 bytes, and at most 40"]),
    (FILES, "a path of the limit", lambda w: w.write("d/" * 19 + "ab"), [TASK], None),
    (FILES, "a link", lambda w: w.link("docs/link", "/etc/passwd"), [TASK], ["docs/link a symbolic link"]),
    (FILES, "a link in a file's place", lambda w: w.raw(w.tree([("120000", "blob", w.blob("x"), "README")])),
     ["raw:refs/heads/task/raw"], ["README a symbolic link"]),
    (FILES, "a submodule", lambda w: w.name_raw("sub", mode="160000"), ["raw:refs/heads/task/raw"],
     ["sub a submodule"]),
    (FILES, "a new script", lambda w: w.raw(w.tree([("100755", "blob", w.blob("x"), "run")])),
     ["raw:refs/heads/task/raw"], ["run executable"]),
    (FILES, "a file made a script", lambda w: chmod(w, "README"), [TASK], ["README executable"]),
    (FILES, "a script by a merge", lambda w: evil_merge(w, lambda: write(w, "run", mode=0o755)), [TASK],
     ["run executable"]),
    # commits
    (COMMITS, "signed", lambda w: signed(w, 5), [TASK], None),
    (COMMITS, "by the bot", lambda w: w.commit(SIGNED, GIT_AUTHOR_EMAIL="bot@example.com"), [TASK], None),
    (COMMITS, "many that are there", None, ["main:refs/heads/task/new"], None),
    (COMMITS, "too many", lambda w: signed(w, 6), [TASK], ["more than 5 new commits"]),
    (COMMITS, "too many of two", lambda w: [signed(w, 3), w.git("branch", "a"), w.git("checkout", "-q", "main~3"),
                                           signed(w, 3, GIT_AUTHOR_DATE="1600001000 +0000")],
     ["a:refs/heads/task/a", "HEAD:refs/heads/task/b"], ["more than 5 new commits"]),
    (COMMITS, "not signed", lambda w: w.commit("Change"), [TASK], ["no line Signed-off-by"]),
    (COMMITS, "signed by another", lambda w: w.commit("C\n\nSigned-off-by: Bob <bob@example.org>"), [TASK],
     ["Signed-off-by"]),
    (COMMITS, "signed in a sentence", lambda w: w.commit("C\n\nNot Signed-off-by: Ada <ada@example.org>"), [TASK],
     ["Signed-off-by"]),
    (COMMITS, "another author", lambda w: w.commit(SIGNED, GIT_AUTHOR_EMAIL="eve@evil.example"), [TASK],
     ["its author is eve@evil.example", "*@example.org, bot@example.com"]),
    (COMMITS, "an author behind another",
     lambda w: w.commit(SIGNED, GIT_AUTHOR_EMAIL="ada@example.org.evil.example"), [TASK],
     ["its author is"]),
    (COMMITS, "another committer", lambda w: w.commit(SIGNED, GIT_COMMITTER_EMAIL="eve@evil.example"), [TASK],
     ["its committer is eve@evil.example"]),
    (COMMITS, "the first of two", lambda w: [w.commit(SIGNED, GIT_AUTHOR_EMAIL="eve@evil.example"), signed(w)], [TASK],
     ["eve@evil.example"]),
    # pushes
    (MANY, "three", lambda w: w.write("x"), [f"HEAD:refs/heads/b{i}" for i in range(3)], None),
    (MANY, "four", lambda w: w.write("x"), [f"HEAD:refs/heads/b{i}" for i in range(4)],
     ["this push: it moves 4 references, and the rules allow 3"]),
    (MANY, "four with a delete", lambda w: w.write("x"),
     [":refs/heads/old"] + [f"HEAD:refs/heads/b{i}" for i in range(3)],
     ["moves 4 references"]),
]
NAMES = {BRANCH: "refs", "": "none", DENY: "deny", ALLOW: "allow", FILES: "files", COMMITS: "commits", MANY: "push"}

needs_confinement = pytest.mark.needs_confinement


@pytest.fixture(scope="module", params=[pytest.param(("tcp", "require"), marks=needs_confinement),
                                        pytest.param(("remote", "require"), marks=needs_confinement), ("tcp", "off")],
                ids=lambda param: "-".join(param))
def way(request):
    return request.param


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return make_template(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("rules")


@pytest.fixture(scope="module")
def gates(way, root, start_module_gate, tmp_path_factory):
    """The gate for some rules, started when it is first asked for."""
    started = {}

    def of(rules):
        if rules not in started:
            file = tmp_path_factory.mktemp("private") / "operators.rules"
            file.write_text(rules)
            started[rules] = start_module_gate(f"--mirror-root={root}", "--scope=*", f"--rules={file}",
                                               f"--confine={way[1]}", transport=way[0])
        return started[rules]
    return of


@pytest.fixture
def work(template, root, tmp_path):
    return Work(template, root, tmp_path)


def push(gate, work, *specs):
    return git("push", gate.url(work.name), *specs, cwd=work.folder, ok=None)


def check_refused(gate, work, specs, words):
    before, objects = work.refs, work.objects()
    said = push(gate, work, *specs)
    assert said.returncode != 0, said.stderr
    assert work.refs == before
    assert work.objects() == objects, "objects of a refused push"
    assert "pre-receive hook declined" in said.stderr
    lines = [line for line in said.stderr.splitlines() if line.startswith("remote: refused: ")]
    assert lines
    for word in words:
        assert word in said.stderr, said.stderr
    assert "operators.rules" not in said.stderr and str(work.mirror.parent) not in said.stderr
    assert re.fullmatch(r"[ -~\n]*", "\n".join(lines)), lines


@pytest.mark.parametrize(("rules", "prepare", "specs", "words"),
                         [pytest.param(case[0], *case[2:], id=f"{NAMES[case[0]]}: {case[1]}") for case in CASES])
def test_push(gates, work, rules, prepare, specs, words):
    gate = gates(rules)
    prepared = prepare(work) if prepare else None
    specs = specs or prepared
    if words is not None:
        check_refused(gate, work, specs, words)
        return
    said = push(gate, work, *specs)
    assert said.returncode == 0, said.stderr
    assert "refused" not in said.stderr
    for spec in specs:
        source, name = spec.lstrip("+").split(":")
        assert work.refs.get(name) == (work.id(source) if source else None)


def test_the_table_is_large():
    assert len(CASES) >= 100 and sum(case[4] is not None for case in CASES) >= 60
    assert len({(case[0], case[1]) for case in CASES}) == len(CASES)


# ---- the file ----

FAULTS = [
    ("[refs \"refs/heads/x\"]\ncreate = yes\n\n# why\n[paths]\n\tdeni = x\n", "line 6: paths.deni is no key of rules"),
    ("[refs \"refs/heads/x\"]\n\n[paths]\ndeny = x\n", "line 1: a section without a key"),
    ("[refs \"refs/heads/x\"]\ncreate = yes\n[paths]\n", "line 3: a section without a key"),
    ("[refs \"refs/heads/x\"\ncreate = yes\n", "not in the syntax of git-config: bad config line 2"),
    ("[refs \"refs/heads/x\"]\nupdate = force\n", "line 2: refs.refs/heads/x.update takes none, fast-forward or any"),
    ("[refs \"refs/heads/x\"]\ndelete = perhaps\n", "line 2: refs.refs/heads/x.delete takes yes or no"),
    ("[refs \"refs/heads/x\"]\nupdate = any\nUPDATE = none\n", "line 3: refs.refs/heads/x.update is there twice"),
    ("[refs]\ncreate = yes\n", "line 2: refs.create is no key"),
    ("[refs \"heads/x\"]\ncreate = yes\n", "line 2: [refs \"heads/x\"] fits no reference"),
    ("[refs \"refs/heads/[ab]\"]\ncreate = yes\n", "fits no reference: '*' stands for any text"),
    ("[refs \"refs/heads/x\"]\ncreate = yes\n[paths]\ndeny = /etc\n", "line 4: paths.deny: '/etc' begins with '/'"),
    ("[paths]\ndeny = :(icase)x\n", "line 2: paths.deny: ':(icase)x' begins with"),
    ("[paths]\ndeny = [a\n", "line 2: paths.deny: '[a' has a '['"),
    ("[paths]\ndeny = x[[:alpha:]]\n", "line 2: paths.deny: "),
    ("[paths]\ndeny =\n", "line 2: paths.deny: '' is empty"),
    ("[paths]\nallow = \"a\\nb\"\n", "line 2: a key or value has control characters"),
    ("[files]\nmaxBytes = 10X\n", "line 2: files.maxbytes takes a number"),
    ("[files]\nmaxBytes = -1\n", "line 2: files.maxbytes takes a number"),
    ("[files]\nmaxBytes = 99999999999999999999\n", "line 2: files.maxbytes takes a smaller number"),
    ("[files]\nmaxBytes = 18446744073709551615\n", "line 2: files.maxbytes takes a smaller number"),
    ("[files]\ndeny = device\n", "line 2: files.deny takes symlink, submodule or executable"),
    ("[commits]\nsignedOff = signed\n", "line 2: commits.signedoff takes yes or no"),
    ("[include]\npath = /dev/null\n", "line 2: include.path is no key of rules"),
    ("[paths]\n" + "deny = " + "x" * 300 + "\n", "is longer than 254 bytes"),
    ("# " + "x" * (64 << 10), "has more than 64 KiB"),
]


@pytest.mark.parametrize(("text", "words"), FAULTS, ids=[words for _, words in FAULTS])
def test_a_fault_ends_the_start(small_root, tmp_path, text, words):
    file = tmp_path / "rules"
    file.write_text(text)
    said = run("serve", f"--rules={file}", small_root / "repo.git")
    assert said.returncode == USAGE and said.stdout == ""
    assert words in said.stderr and f"--rules={file}" in said.stderr, said.stderr


def test_a_file_that_cannot_be_read_ends_the_start(small_root, tmp_path):
    for path, words in ((tmp_path / "none", "cannot be read"), (tmp_path, "cannot be read")):
        said = run("serve", f"--rules={path}", small_root / "repo.git")
        assert said.returncode == USAGE and words in said.stderr, said.stderr


def test_a_file_that_is_served_ends_the_start(root_of_one, tmp_path):
    """A link does not hide it: a push that has taken over git could change the rules."""
    file = root_of_one / "repo.git" / "rules"
    file.write_text(ANY)
    (tmp_path / "link").symlink_to(file)
    for path in (file, tmp_path / "link"):
        said = run("serve", f"--rules={path}", root_of_one / "repo.git")
        assert said.returncode == USAGE and "--rules=" in said.stderr and "lies inside what is served" in said.stderr


@pytest.mark.parametrize("what, words", [("rules", "--rules="), ("program", "which --rules needs")])
def test_rules_that_hooks_may_write_end_the_start(small_root, tmp_path, what, words):
    rules = tmp_path / "rules"
    rules.write_text(ANY)
    writable = tmp_path if what == "rules" else Path(PROGRAM).parent
    said = run("serve", f"--rules={rules}", f"--allow-path={writable}:rw", small_root / "repo.git")
    assert said.returncode == USAGE and words in said.stderr and ":rw" in said.stderr, said.stderr


@pytest.mark.parametrize("setting", [
    "include.path=/dev/null", "includeIf.gitdir:/.path=/dev/null", "receive.fsckObjects=false", "receive.fsck.hasDotgit=warn",
    "RECEIVE.FSCK.skipList=/dev/null"])
def test_a_setting_that_would_weaken_rules_is_refused(small_root, tmp_path, setting):
    (tmp_path / "rules").write_text(ANY)
    said = run("serve", f"--rules={tmp_path}/rules", f"--git-config={setting}", small_root / "repo.git")
    assert said.returncode == USAGE and f"--git-config={setting} could take away" in said.stderr


@pytest.mark.parametrize("key", ["core.hooksPath", "CORE.hookspath"])
def test_a_setting_that_would_switch_rules_off_is_refused(small_root, tmp_path, key):
    (tmp_path / "rules").write_text(ANY)
    said = run("serve", f"--rules={tmp_path}/rules", f"--git-config={key}=/dev/null", small_root / "repo.git")
    assert said.returncode == USAGE and "--hooks-path" in said.stderr


# ---- beside the operator's hooks ----

LOG = 'echo "$(basename "$0") $* <$(cat | tr "\\n" " ")" >>hooks.log\n'


@pytest.fixture
def root_of_one(template, tmp_path):
    folder = tmp_path / "mirrors"
    folder.mkdir()
    shutil.copytree(template[1], folder / "repo.git")
    return folder


@pytest.fixture
def guarded(template, root_of_one, start_gate, tmp_path):
    """Starts a gate with rules and hooks; returns it and a work tree for its one repository."""
    def start(rules, hooks, *options, **named):
        (tmp_path / "rules").write_text(rules)
        folder = tmp_path / "hooks"
        folder.mkdir()
        for name, text in hooks.items():
            (folder / name).write_text(f"#!/bin/sh\n{text}")
            (folder / name).chmod(0o755)
        work = Work(template, root_of_one, tmp_path)
        gate = start_gate(f"--mirror-root={root_of_one}", f"--scope={work.name}", f"--rules={tmp_path}/rules",
                          *([f"--hooks-path={folder}"] if hooks else []), *options, **named)
        return gate, work
    return start


ALL_HOOKS = {name: LOG for name in ("pre-receive", "update", "post-receive", "post-update", "reference-transaction")}


@pytest.mark.parametrize("backend", ["services", "http-backend"])
def test_operators_hooks_run_behind_the_rules(guarded, backend):
    gate, work = guarded(BRANCH, ALL_HOOKS, f"--backend={backend}")
    old, new = work.id("HEAD"), work.write("x")
    assert push(gate, work, "HEAD:refs/heads/main").returncode == 0
    lines = (work.mirror / "hooks.log").read_text().splitlines()
    change = f"{old} {new} refs/heads/main"
    assert f"pre-receive  <{change} " in lines and f"post-receive  <{change} " in lines
    assert f"update refs/heads/main {old} {new} <" in lines and "post-update refs/heads/main <" in lines
    assert any(re.fullmatch(f"reference-transaction committed <[0-9a-f]+ {new} refs/heads/main .*", line) for line in lines)
    (work.mirror / "hooks.log").unlink()
    check_refused(gate, work, ["HEAD:refs/heads/other"], ["no rule allows"])
    assert not (work.mirror / "hooks.log").exists(), "a hook has run for what the rules refuse"


def test_an_operators_hook_may_refuse_what_the_rules_allow(guarded):
    gate, work = guarded(ANY, {"pre-receive": "echo the hook says no; exit 1\n"})
    said = push(gate, work, TASK)
    assert said.returncode != 0 and "the hook says no" in said.stderr


def test_an_operators_update_refuses_one_of_two(guarded):
    gate, work = guarded(ANY, {"update": "test $1 != refs/heads/b\n"})
    assert push(gate, work, "HEAD:refs/heads/a", "HEAD:refs/heads/b").returncode != 0
    assert "refs/heads/a" in work.refs and "refs/heads/b" not in work.refs


def test_proc_receive(guarded):
    """Without a hook of that name git refuses, and so does the link in its place."""
    gate, work = guarded(ANY, {"pre-receive": "exit 0\n"}, "--git-config=receive.procReceiveRefs=refs/for")
    assert push(gate, work, "HEAD:refs/for/x").returncode != 0
    assert push(gate, work, "HEAD:refs/heads/x").returncode == 0


def test_a_commit_of_millions_of_paths_does_not_take_all_memory(gates, work):
    tree = work.nested("a")
    for _ in range(5):
        tree = work.tree([("040000", "tree", tree, f"{number:02}" + "n" * 240) for number in range(20)], base=None)
    bomb = work.git("commit-tree", "-m", "Bomb", tree)
    before = work.refs
    said = push(gates(DENY), work, f"{bomb}:refs/heads/task/bomb")
    assert said.returncode != 0 and "could not be judged: git has failed, or a commit" in said.stderr
    assert work.refs == before


def brought(work, *oids):
    """A body that creates a branch at v1, which is there, and brings objects that no reference leads to."""
    name = work.git("pack-objects", "--quiet", work.folder / "stray", data="".join(f"{oid}\n" for oid in oids))
    pack = (work.folder / f"stray-{name}.pack").read_bytes()
    return packets.push([(packets.NO_OBJECT, work.id("v1"), "refs/heads/task/new")], pack)


def stray(work, path, content="x"):
    """A commit of one file. Return: what is new in it."""
    work.write(path, content)
    return work.git("rev-list", "--objects", "--no-object-names", "HEAD", "--not", "HEAD~1").split()


@pytest.mark.parametrize(("rules", "prepare", "words"), [
    (FILES, lambda w: [w.blob("x" * 1024)], None),
    (FILES, lambda w: [w.blob("x" * 1025)], "which comes without a commit, has more than the 1024 bytes"),
    (FILES, lambda w: stray(w, "x", "y" * 1025), "the file x has 1025 bytes"),
    (DENY, lambda w: stray(w, ".github/x"), "it touches .github/x"),
    (DENY, lambda w: stray(w, "x"), None),
    (DENY, lambda w: w.git("rev-list", "--objects", "--no-object-names", "main").split(), None),
    (COMMITS, lambda w: stray(w, "x"), "no line Signed-off-by"),
])
def test_objects_to_which_no_reference_leads(guarded, rules, prepare, words):
    gate, work = guarded(rules, {})
    body = brought(work, *prepare(work))
    objects = work.objects()
    said = gate.ask("POST", f"/{work.mirror.name}/git-receive-pack", packets.PUSH_TYPE, body=body)
    assert said.status == 200 and (b"ok refs/heads/task/new" in said.body) == (words is None), said.body
    if words:
        assert work.objects() == objects and "refs/heads/task/new" not in work.refs


def stray_tag(work, oid):
    """A tag of a commit, of which no reference is pushed. Return: what is new in it."""
    text = f"object {oid}\ntype commit\ntag stray\ntagger Ada <ada@example.org> 1 +0000\n\nStray\n"
    return [work.git("hash-object", "-t", "tag", "-w", "--stdin", data=text)]


def test_a_tree_that_came_before_is_judged_with_its_commit(guarded):
    """A tree to which nothing leads has no rules. A commit of it is refused, though its pack has no file."""
    gate, work = guarded(DENY, {})
    tree = work.nested(".github", "x")
    inner = work.git("rev-parse", f"{tree}:.github")
    body = brought(work, tree, inner, work.git("rev-parse", f"{tree}:.github/x"))
    said = gate.ask("POST", f"/{work.mirror.name}/git-receive-pack", packets.PUSH_TYPE, body=body)
    assert b"ok refs/heads/task/new" in said.body, said.body
    assert git("cat-file", "-t", tree, cwd=work.mirror).stdout.strip() == "tree"
    commit = work.raw(tree)
    pack = brought(work, commit).partition(packets.FLUSH + b"PACK")[2]
    body = packets.push([(packets.NO_OBJECT, commit, "refs/heads/task/raw")], b"PACK" + pack)
    before, objects = work.refs, work.objects()
    said = gate.ask("POST", f"/{work.mirror.name}/git-receive-pack", packets.PUSH_TYPE, body=body)
    assert b"ng refs/heads/task/raw pre-receive hook declined" in said.body, said.body
    assert (work.refs, work.objects()) == (before, objects)


@pytest.mark.parametrize("path, words", [("x", None), (".github/x", "it touches .github/x")])
def test_a_tag_to_which_nothing_leads_brings_no_commit(guarded, path, words):
    gate, work = guarded(DENY, {})
    new = stray(work, path)
    body = brought(work, *new, *stray_tag(work, work.id()))
    objects = work.objects()
    said = gate.ask("POST", f"/{work.mirror.name}/git-receive-pack", packets.PUSH_TYPE, body=body)
    assert (b"ok refs/heads/task/new" in said.body) == (words is None), said.body
    assert (work.objects() == objects) == (words is not None)


def test_a_large_file_that_was_there_may_come_again(guarded):
    gate, work = guarded(FILES, {})
    oid = git("hash-object", "-w", "--stdin", cwd=work.mirror, data="z" * 5000).stdout
    body = brought(work, work.blob("z" * 5000))
    said = gate.ask("POST", f"/{work.mirror.name}/git-receive-pack", packets.PUSH_TYPE, body=body)
    assert b"ok refs/heads/task/new" in said.body, (oid, said.body)


def test_a_hook_of_the_repository_does_not_run(guarded):
    gate, work = guarded(ANY, {})
    for name in ("pre-receive", "update", "post-receive", "reference-transaction"):
        hook = work.mirror / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch ran-{name}\n")
        hook.chmod(0o755)
    assert push(gate, work, TASK).returncode == 0
    assert not list(work.mirror.glob("ran-*"))


# ---- a hostile repository ----

def test_a_submodule_that_the_repository_would_have_ignored(guarded):
    """Its own configuration hides changes of a submodule from git diff-tree."""
    gate, work = guarded(FILES, {})
    for key, value in {"submodule.x.path": "sub", "submodule.x.ignore": "all", "submodule.x.url": "x",
                       "diff.ignoreSubmodules": "all"}.items():
        git("config", key, value, cwd=work.mirror)
    work.name_raw("sub", mode="160000")
    check_refused(gate, work, ["raw:refs/heads/task/raw"], ["sub a submodule"])


def test_objects_that_are_replaced(guarded):
    """A replacement that shows an innocent commit in place of the one that is pushed."""
    gate, work = guarded(DENY, {})
    good = work.id()
    bad = work.write(".github/evil.yml")
    assert push(gate, work, f"{good}:refs/replace/{bad}").returncode == 0  # these rules allow it
    check_refused(gate, work, [f"{bad}:refs/heads/task/new"], [".github/evil.yml"])


def test_grafts(guarded):
    """A graft that gives the commit a parent which has the file already."""
    gate, work = guarded(DENY, {})
    (work.mirror / "info").mkdir(exist_ok=True)
    bad = work.write(".github/evil.yml")
    twin = work.raw(work.id("HEAD^{tree}"), None)
    git("push", "--quiet", work.mirror, f"{twin}:refs/heads/twin", cwd=work.folder)
    (work.mirror / "info" / "grafts").write_text(f"{bad} {twin}\n")
    check_refused(gate, work, [f"{bad}:refs/heads/task/new"], [".github/evil.yml"])


@pytest.mark.parametrize("storage", ["files", "reftable"])
def test_a_symbolic_reference_leads_to_no_other_one(guarded, storage):
    gate, work = guarded(BRANCH, {})
    if storage == "reftable" and git("refs", "migrate", "--ref-format=reftable", cwd=work.mirror, ok=None).returncode:
        pytest.skip("needs git 2.46, for reftable")
    git("symbolic-ref", "refs/heads/task/alias", "refs/heads/old", cwd=work.mirror)
    work.write("x")
    check_refused(gate, work, ["+HEAD:refs/heads/task/alias"], ["it is a symbolic reference"])


def use_storage(work, storage):
    if storage == "reftable" and git("refs", "migrate", "--ref-format=reftable", cwd=work.mirror, ok=None).returncode:
        pytest.skip("needs git 2.46, for reftable")


@pytest.mark.parametrize("storage", ["files", "link", "reftable"])
def test_a_symbolic_reference_that_leads_nowhere_creates_nothing(guarded, storage):
    """git would create the reference behind it, on which another rule decides."""
    gate, work = guarded(BRANCH, {})
    use_storage(work, storage)
    if storage == "link" and CONFINE == "off":
        pytest.skip("without Landlock, a repository with such a link is not served")
    if storage == "link":
        (work.mirror / "refs/heads/task").mkdir(parents=True, exist_ok=True)
        (work.mirror / "refs/heads/task/alias").symlink_to("../secret")
    else:
        git("symbolic-ref", "refs/heads/task/alias", "refs/heads/secret", cwd=work.mirror)
    work.write("x")
    check_refused(gate, work, ["HEAD:refs/heads/task/alias"], ["refs/heads/task/alias: it is a symbolic reference"])
    check_refused(gate, work, [TASK, "HEAD:refs/heads/task/alias"], ["nothing was taken"])
    assert push(gate, work, TASK).returncode == 0


@pytest.mark.parametrize("target", ["there", "not-there", ""])
def test_a_name_that_leads_away_is_not_looked_at(guarded, tmp_path, target):
    """git's hooks get names that it has not looked at yet. An answer would tell what files the host has."""
    gate, work = guarded(BRANCH, {})
    (tmp_path / "there").write_text("ref: refs/heads/main\n")
    name = f"refs/heads/task/{'../' * 20}{str(tmp_path)[1:]}/{target}"
    answer = gate.ask("POST", f"/{work.name}.git/git-receive-pack", packets.PUSH_TYPE,
                      body=packets.push([(packets.NO_OBJECT, work.id("main"), name)], packets.empty_pack()))
    assert answer.body.endswith(f"ng {name} funny refname\n0000".encode()), answer.body


@pytest.mark.parametrize("storage", ["files", "reftable"])
@pytest.mark.parametrize("named", [packets.NO_OBJECT, "1" * 40])
def test_a_deletion_that_does_not_say_what_it_deletes(guarded, storage, named):
    """git then deletes whatever there is, also behind a symbolic reference."""
    gate, work = guarded(BRANCH, {})
    use_storage(work, storage)
    git("symbolic-ref", "refs/heads/task/alias", "refs/heads/old", cwd=work.mirror)
    before = work.refs
    body = packets.push([(named, packets.NO_OBJECT, "refs/heads/task/alias")], b"", "report-status delete-refs")
    said = gate.ask("POST", f"/{work.mirror.name}/git-receive-pack", packets.PUSH_TYPE, body=body)
    assert said.status == 200 and b"ng refs/heads/task/alias pre-receive hook declined" in said.body, said.body
    assert work.refs == before


FSCK = {"receive.fsck.fullPathname": "ignore", "receive.fsck.missingEmail": "warn", "RECEIVE.fsck.TREEnotsorted": "ignore"}


@pytest.mark.parametrize("key", FSCK)
def test_a_repository_that_lets_in_malformed_objects_is_not_served(guarded, key):
    """It could have been set since the start."""
    gate, work = guarded(ANY, {})
    assert push(gate, work, "HEAD:refs/heads/a").returncode == 0
    git("config", key, "error", cwd=work.mirror)
    assert push(gate, work, "HEAD:refs/heads/b").returncode == 0
    git("config", key, FSCK[key], cwd=work.mirror)
    said = push(gate, work, "HEAD:refs/heads/c")
    assert said.returncode != 0 and "refs/heads/c" not in work.refs
    assert any(key.lower() in record.get("error", "") for record in gate.records if record["level"] == "error")


def test_a_slash_in_a_name_is_refused(guarded):
    """A path rule could be got around by a tree whose one entry has the name of a path."""
    gate, work = guarded(DENY, {})
    tree = work.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin",
                    data=b"100644 .github/x\0" + bytes.fromhex(work.blob("x")))
    work.raw(tree)
    before, objects = work.refs, work.objects()
    said = push(gate, work, "raw:refs/heads/task/raw")
    assert said.returncode != 0 and "fullPathname" in said.stderr
    assert (work.refs, work.objects()) == (before, objects)


# ---- the program that judges ----

def test_no_rules_no_hook(root_of_one, template, start_gate, tmp_path):
    """Without --rules nothing of it is there: no program, no variable."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "pre-receive").write_text("#!/bin/sh\nenv >environment\n")
    (hooks / "pre-receive").chmod(0o755)
    work = Work(template, root_of_one, tmp_path)
    gate = start_gate(f"--mirror-root={root_of_one}", f"--scope={work.name}", f"--hooks-path={hooks}")
    assert push(gate, work, TASK).returncode == 0
    assert "GIT_GATE_" not in (work.mirror / "environment").read_text()


@pytest.fixture
def moved(tmp_path):
    """A copy of the program with its hooks, whose folder a test may change."""
    folder = tmp_path / "program"
    folder.mkdir(mode=0o755)
    build = Path(PROGRAM).parent
    shutil.copy(PROGRAM, folder)
    shutil.copy(build / "git-gate-hook", folder)
    shutil.copytree(build / "hooks", folder / "hooks", symlinks=True)
    return folder


def test_a_lost_program_refuses_pushes(guarded, moved):
    """git would pass over a hook that is not there, and take the push."""
    gate, work = guarded(ANY, {}, program=(moved / "git-gate",))
    assert push(gate, work, "HEAD:refs/heads/a").returncode == 0
    (moved / "git-gate-hook").chmod(0o644)
    said = push(gate, work, "HEAD:refs/heads/b")
    assert said.returncode != 0 and "500" in said.stderr
    assert "refs/heads/b" not in work.refs
    assert any("git-gate-hook" in record["message"] for record in gate.records if record["level"] == "error")


def test_a_missing_program_ends_the_start(small_root, moved, tmp_path):
    (tmp_path / "rules").write_text(ANY)
    (moved / "git-gate-hook").unlink()
    said = run_bounded([moved / "git-gate", "serve", f"--rules={tmp_path}/rules", small_root / "repo.git"], seconds=30,
                       environment=environment(GIT_GATE_TOKEN=TOKEN))
    if (Path("/usr/local/libexec/git-gate") / "git-gate-hook").exists():
        pytest.skip("git-gate is installed, too, and its hook is found")
    assert said.returncode == START_FAILS and "git-gate-hook" in said.stderr


@pytest.mark.parametrize("variables", [{}, {"GIT_GATE_RULES": "git-gate 0.0.0\n"}, {"GIT_GATE_RULES": ""}])
def test_the_hook_alone_refuses(variables):
    hook = Path(PROGRAM).parent / "hooks" / "0" / "pre-receive"
    said = run_bounded([hook], seconds=10, environment=environment(**variables))
    assert said.returncode == 1 and "could not be judged" in said.stderr


def test_many_files_below_a_small_bound_of_pushes(guarded):
    """The bound is also one on each file that a child writes, and so on what is written to ask for sizes."""
    gate, work = guarded(FILES, {}, "--max-push-bytes=100k")
    for i in range(3000):
        (work.folder / f"file{i:04}").write_text("x")
    work.git("add", ".")
    work.commit()
    said = push(gate, work, TASK)
    assert said.returncode == 0, said.stderr
    (work.folder / "file2999").write_text("x" * 1025)
    work.git("add", ".")
    work.commit()
    check_refused(gate, work, [TASK], ["the file file2999 has 1025 bytes"])
