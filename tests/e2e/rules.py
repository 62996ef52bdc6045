# SPDX-License-Identifier: Apache-2.0
"""Rules for gates, and a work tree from which tests push to a mirror."""

import itertools
import re
import shutil
from pathlib import Path

from .repos import bare, commit, git, out, refs, work_tree

VERSION = (Path(__file__).resolve().parents[2] / "meson.build").read_text().split("version: '")[1].split("'")[0]

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
TASK = "HEAD:refs/heads/task/new"

numbers = itertools.count()


def make_template(folder):
    """
    A bare mirror and a clone of it. main has five commits, and files of several kinds.

    The branch old is the second commit of main, task/there its last but one, and v1 a tag of the first one.
    """
    work = work_tree(folder / "work")
    commit(work, "README", "read me\n")
    git("tag", "v1", cwd=work)
    commit(work, ".github/workflows/ci.yml", "jobs: {}\n")
    git("branch", "old", cwd=work)
    commit(work, "docs/a.md", "a\n")
    tool = work / "tool.sh"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    commit(work, "src/x.c", "int x;\n")
    git("add", "tool.sh", cwd=work)
    git("commit", "--quiet", "-m", "Add a tool", cwd=work)
    git("branch", "task/there", "HEAD~1", cwd=work)
    mirror = bare(folder / "template.git")
    git("push", "--quiet", mirror, "main", "old", "task/there", "v1", cwd=work)
    return work, mirror


class Work:
    """A work tree, and the mirror that it is pushed to."""

    def __init__(self, template, root, folder):
        work, mirror = template
        name = f"repo{next(numbers)}"
        self.mirror = Path(shutil.copytree(mirror, root / f"{name}.git"))
        self.folder = Path(shutil.copytree(work, folder / name, symlinks=True))
        self.name = name

    def git(self, *arguments, **named):
        return out(*arguments, cwd=self.folder, **named)

    def id(self, name="HEAD"):
        return self.git("rev-parse", name)

    def write(self, path, content="new\n", message=None, **variables):
        """Commit one file."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.git("add", "--force", "--", path)
        return self.commit(message or f"Change {path}", **variables)

    def commit(self, message="Change", *arguments, **variables):
        self.git("commit", "--quiet", "--allow-empty", "-m", message, *arguments, **variables)
        return self.id()

    def link(self, path, target):
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.symlink_to(target)
        self.git("add", "--", path)
        return self.commit(f"Link {path}")

    def blob(self, content):
        return self.git("hash-object", "-w", "--stdin", data=content)

    def tree(self, lines, base="HEAD"):
        """Make a tree from base, with these lines (mode, type, id, name) added to it or replacing its entries."""
        replaced = {line[3] for line in lines}
        listing = self.git("ls-tree", base).splitlines() if base else []
        kept = [line for line in listing if line.split("\t")[1] not in replaced]
        added = [f"{mode} {kind} {oid}\t{name}" for mode, kind, oid, name in lines]
        text = "".join(f"{entry}\0" for entry in kept + added)
        return self.git("mktree", "-z", "--missing", data=text)

    def nested(self, *names, content="new\n", mode="100644"):
        """A tree with one file whose path has these names. They may be names that git add refuses."""
        is_submodule = mode == "160000"
        entry = (mode, "commit" if is_submodule else "blob", self.id() if is_submodule else self.blob(content), names[-1])
        for i, name in enumerate(reversed(names[:-1])):
            entry = ("040000", "tree", self.tree([entry], base=None), name)
        return self.tree([entry])

    def raw(self, tree, *parents, message="Raw", **variables):
        """Commit a tree, with HEAD as its parent unless told otherwise, and make it HEAD."""
        arguments = [word for parent in parents or ["HEAD"] if parent for word in ("-p", parent)]
        oid = self.git("commit-tree", "-m", message, *arguments, tree, **variables)
        self.git("update-ref", "refs/heads/raw", oid)
        return oid

    def name_raw(self, *names, **named):
        return self.raw(self.nested(*names, **named))

    @property
    def refs(self):
        return refs(self.mirror)

    def objects(self):
        """All that is below objects/."""
        return sorted(str(path) for path in (self.mirror / "objects").rglob("*") if path.is_file())


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
