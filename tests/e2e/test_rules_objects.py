# SPDX-License-Identifier: Apache-2.0
"""Tests --rules with objects to which no pushed reference leads: they come in the pack, and are judged as well."""

import pytest

from . import packets
from .repos import git
from .rules import COMMITS, DENY, FILES

def brought(work, *oids):
    """A push that creates a branch at the existing v1, and brings objects that no reference leads to."""
    name = work.git("pack-objects", "--quiet", work.folder / "stray", data="".join(f"{oid}\n" for oid in oids))
    pack = (work.folder / f"stray-{name}.pack").read_bytes()
    return packets.push([(packets.NO_OBJECT, work.id("v1"), "refs/heads/task/new")], pack)


def stray(work, path, content="x"):
    """Make a commit of one file. Return its new objects."""
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
    """Make a tag of a commit, without a reference to push. Return its new objects."""
    text = f"object {oid}\ntype commit\ntag stray\ntagger Ada <ada@example.org> 1 +0000\n\nStray\n"
    return [work.git("hash-object", "-t", "tag", "-w", "--stdin", data=text)]


def test_a_tree_that_came_before_is_judged_with_its_commit(guarded):
    """No rule judges a tree to which nothing leads. A later commit of it is refused, though its pack has no file."""
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
