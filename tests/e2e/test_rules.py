# SPDX-License-Identifier: Apache-2.0
"""Tests --rules by a table of pushes by the real git: pushes that each rule allows, and attempts to get around it."""

import pytest

from .rules import ANY, BRANCH, COMMITS, DENY, FILES, TASK, Work, check_refused, push

ALLOW = ANY + """
[paths]
    allow = docs/**
    allow = README
    allow = notes
"""
MANY = ANY + """
[push]
    maxRefs = 3
"""
SIGNED = "Change\n\nSigned-off-by: Ada <ada@example.org>"


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
    """Make a merge with a change that neither parent has."""
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
    """Make an innocent merge whose second parent brings the change."""
    work.git("checkout", "--quiet", "-b", "side", "HEAD~1")
    work.write(".github/side.yml")
    work.git("checkout", "--quiet", "main")
    work.git("merge", "--quiet", "-m", "Merge side", "side")


def merge_as(work, tree, *parents):
    """Make a merge with the tree of one commit. Return the refspec to push."""
    arguments = [argument for parent in parents for argument in ("-p", parent)]
    return [work.git("commit-tree", *arguments, "-m", "Merge", f"{tree}^{{tree}}") + ":refs/heads/task/new"]


def merged_root(work, path):
    """Make a merge that takes all from a new root, and so removes all other paths."""
    new_root(work, path)
    return merge_as(work, "lone", "main", "lone")


def merged_past(work, order=("main", "past")):
    """Make a merge that takes all from a commit older than a change of a kept path."""
    work.git("checkout", "--quiet", "-b", "past", "v1")
    work.write("past")
    return merge_as(work, "past", *order)


def merged_along(work):
    """The same, hidden by a third parent that descends from main."""
    work.write("along")
    return merge_as(work, "v1", "main~1", "v1", "main")


def wide(work, count):
    """Make a merge of that many commits."""
    tips = []
    for number in range(count):
        work.git("checkout", "--quiet", "--detach", "main")
        tips.append(work.write(f"tips/{number}"))
    return merge_as(work, "main", *tips)


def merged_upstream(work):
    """Merge main into a branch that is older than a change of a kept path."""
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


# Rules, the name of the case, the preparation, the refspecs (None when the preparation returns them), and words of the
# refusal; None for an allowed push.
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
    (BRANCH, "force main", forced, ["+HEAD:refs/heads/main"], ["refs/heads/main", "no ancestor", "fast-forward"]),
    (BRANCH, "rewind main", None, ["+HEAD~1:refs/heads/main"], ["refs/heads/main", "no ancestor"]),
    (BRANCH, "one of two", lambda w: w.write("x"), [TASK, "HEAD:refs/heads/other"],
     ["refs/heads/other", "nothing was taken"]),
    (BRANCH, "one of two, atomic", lambda w: w.write("x"), ["--atomic", TASK, "HEAD:refs/heads/other"],
     ["refs/heads/other: no rule"]),
    (BRANCH, "create what may not be", lambda w: w.write("x"), ["HEAD:refs/heads/closed"],
     ["to create it is not allowed", "allows: nothing"]),
    (BRANCH, "move a tag backwards", forced, ["+HEAD:refs/tags/v1"], ["refs/tags/v1", "no ancestor"]),
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
def work(mirror_template, root, tmp_path):
    return Work(mirror_template, root, tmp_path)


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


def test_a_commit_of_millions_of_paths_does_not_take_all_memory(gates, work):
    tree = work.nested("a")
    for _ in range(5):
        tree = work.tree([("040000", "tree", tree, f"{number:02}" + "n" * 240) for number in range(20)], base=None)
    bomb = work.git("commit-tree", "-m", "Bomb", tree)
    before = work.refs
    said = push(gates(DENY), work, f"{bomb}:refs/heads/task/bomb")
    assert said.returncode != 0 and "could not be judged: git has failed, or a commit" in said.stderr
    assert work.refs == before
