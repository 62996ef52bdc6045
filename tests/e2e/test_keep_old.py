# SPDX-License-Identifier: Apache-2.0
"""Tests --keep-old: the gate keeps each tip that a push takes from a reference, and nothing else."""

import hashlib
import zlib

import pytest

from . import packets
from .backends import BACKENDS
from .gate import run
from .repos import bare, commit, git, out, refs, use_storage, work_tree
from .rules import ANY, Work

KEPT = "refs/gate/old/"
USAGE = 2
MAIN = "refs/heads/main"


@pytest.fixture
def place(mirror_template, start_gate, tmp_path):
    """Starts a gate for a repository of its own; returns it and a work tree."""
    def start(*options, **named):
        (tmp_path / "mirrors").mkdir()
        work = Work(mirror_template, tmp_path / "mirrors", tmp_path)
        git("config", "receive.denyDeleteCurrent", "ignore", cwd=work.mirror)
        if "storage" in named:
            use_storage(work.mirror, named.pop("storage"))
        return start_gate(f"--mirror-root={tmp_path}/mirrors", f"--scope={work.name}", *options, **named), work
    return start


def push(gate, work, *arguments, ok=True):
    return git("push", "--quiet", gate.url(work.name), *arguments, cwd=work.folder, ok=ok)


def kept(repository):
    """The kept tips in order, as (how, reference, id)."""
    found = [(*name.removeprefix(KEPT).split("/", 2)[1:], oid) for name, oid in refs(repository, KEPT).items()]
    return sorted(found)


def others(repository):
    return {name: oid for name, oid in refs(repository).items() if not name.startswith(KEPT)}


def rewrite(work):
    """A commit in the place of the last one. Return: the old and the new id."""
    old = work.id()
    return old, work.commit("Another", "--amend")


def post(gate, work, commands, pack=None):
    target = f"/{work.name}.git/git-receive-pack"
    return gate.ask("POST", target, packets.PUSH_TYPE, body=packets.push(commands, pack))


# ---- what is kept ----

@pytest.mark.parametrize("storage", ["files", "reftable"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_forced_and_deleted_tips_are_kept(place, storage, backend):
    gate, work = place(f"--backend={backend}", storage=storage)
    old, new = rewrite(work)
    push(gate, work, "--force", "main")
    assert kept(work.mirror) == [("forced", MAIN, old)]
    there = work.git("rev-parse", "task/there")
    push(gate, work, ":task/there")
    assert kept(work.mirror) == [("deleted", "refs/heads/task/there", there), ("forced", MAIN, old)]
    assert others(work.mirror)[MAIN] == new and "refs/heads/task/there" not in others(work.mirror)


def test_one_push_is_one_entry(place):
    gate, work = place()
    old, _ = rewrite(work)
    push(gate, work, "--atomic", "--force", "main", ":old", "v1:refs/tags/new")
    entries = {name.split("/")[3] for name in refs(work.mirror, KEPT)}
    assert len(entries) == 1
    assert kept(work.mirror) == [("deleted", "refs/heads/old", work.id("old")), ("forced", MAIN, old)]


def test_tags_are_kept_with_their_object(place):
    gate, work = place()
    for _ in range(2):
        work.git("tag", "--force", "-a", "-m", f"Tag {_}", "of", f"main~{_}")
        before = others(work.mirror).get("refs/tags/of")
        push(gate, work, "--force", "of", "main")
    assert kept(work.mirror) == [("forced", "refs/tags/of", before)]
    assert out("cat-file", "-t", before, cwd=work.mirror) == "tag"


def test_a_tag_that_moves_beside_a_fast_forward(place):
    """git answers no question about ancestors when an object is a tree. The branch has lost nothing."""
    gate, work = place()
    push(gate, work, "main^{tree}:refs/tags/tree")
    tree = work.id("main^{tree}")
    work.write("more")
    push(gate, work, "--force", "main", "main^{tree}:refs/tags/tree", "main:old")
    assert kept(work.mirror) == [("forced", "refs/tags/tree", tree)]


# ---- what is not ----

RECORD = '#!/bin/sh\necho "${GIT_GATE_KEEP_OLD-no}" >>asked\n'


def many(work):
    for number in range(60):
        work.write(f"file{number}")


def merge(work):
    work.git("checkout", "--quiet", "-b", "side", "HEAD~2")
    work.write("side")
    work.git("checkout", "--quiet", "main")
    work.git("merge", "--quiet", "--no-ff", "-m", "Merge", "side")


@pytest.mark.parametrize(("prepare", "specs", "asks"), [
    (lambda w: w.write("x"), ["main"], False),
    (lambda w: w.write("x", message="long " * 20_000), ["main"], True),
    (many, ["main"], False),
    (merge, ["main"], False),
    (lambda w: None, ["main:refs/heads/new"], False),
    (lambda w: w.write("x"), ["main:refs/heads/new", "main:refs/heads/newer"], False),
    (lambda w: w.write("x"), ["main", "main:refs/heads/newer"], True),
    (lambda w: None, ["main:old"], True),
], ids=["commit", "large", "many", "merge", "branch", "branches", "two", "empty"])
def test_a_fast_forward_keeps_nothing(place, tmp_path, prepare, specs, asks):
    """The gate recognises most of them by their bytes alone, and starts no process."""
    folder = tmp_path / "hooks"
    folder.mkdir()
    (folder / "pre-receive").write_text(RECORD)
    (folder / "pre-receive").chmod(0o755)
    gate, work = place(f"--hooks-path={folder}")
    prepare(work)
    push(gate, work, *specs)
    assert kept(work.mirror) == []
    assert (work.mirror / "asked").read_text() == ("yes\n" if asks else "no\n")


def test_sha256(start_gate, tmp_path):
    mirror = bare(tmp_path / "m" / "repo.git", "--object-format=sha256")
    work = work_tree(tmp_path / "work", "--object-format=sha256")
    gate = start_gate(f"--mirror-root={mirror.parent}", "--scope=repo")
    commit(work, "a", "a")
    git("push", "--quiet", gate.url(), "main", cwd=work)
    old = commit(work, "b", "b")
    git("push", "--quiet", gate.url(), "main", cwd=work)
    assert kept(mirror) == []
    git("commit", "--quiet", "--amend", "-m", "c", cwd=work)
    git("push", "--quiet", "--force", gate.url(), "main", cwd=work)
    assert kept(mirror) == [("forced", MAIN, old)]


def test_off(place):
    gate, work = place("--keep-old=no")
    rewrite(work)
    push(gate, work, "--force", "main", ":old")
    assert kept(work.mirror) == []


# ---- beside rules and hooks ----

@pytest.mark.parametrize("rules", [None, ANY])
def test_what_is_refused_leaves_nothing(place, tmp_path, rules):
    (tmp_path / "hooks").mkdir()
    hook = tmp_path / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\ncat >>seen\ngrep -q task/there seen || exit 0\necho the hook says no\nexit 1\n")
    hook.chmod(0o755)
    if rules:
        (tmp_path / "rules").write_text(rules)
    gate, work = place(f"--hooks-path={hook.parent}", *([f"--rules={tmp_path}/rules"] if rules else []))
    before = refs(work.mirror)
    said = push(gate, work, ":task/there", ok=False)
    assert "the hook says no" in said.stderr and refs(work.mirror) == before
    (work.mirror / "seen").unlink()
    old, new = rewrite(work)
    push(gate, work, "--force", "main")
    assert kept(work.mirror) == [("forced", MAIN, old)]
    assert (work.mirror / "seen").read_text() == f"{old} {new} {MAIN}\n"


def test_what_the_rules_refuse_leaves_nothing(place, tmp_path):
    (tmp_path / "rules").write_text('[refs "refs/heads/*"]\n    update = fast-forward\n')
    gate, work = place(f"--rules={tmp_path}/rules")
    before = refs(work.mirror)
    rewrite(work)
    push(gate, work, "--force", "main", ok=False)
    push(gate, work, ":old", ok=False)
    assert refs(work.mirror) == before


def test_rules_judge_again_what_is_kept(place, tmp_path):
    """Kept commits do not get past the rules: a push that brings them back is refused."""
    rules = tmp_path / "rules"
    rules.write_text(ANY)
    gate, work = place(f"--rules={rules}")
    work.write("secret")
    push(gate, work, "main")
    push(gate, work, "--force", "main~1:main")
    rules.write_text(ANY + "[paths]\n    deny = secret\n")
    gate.reload(("the file of the rules", "the rules stay"), "the file of the rules")
    said = push(gate, work, "main", ok=False)
    assert "it touches secret" in said.stderr


def test_what_git_refuses_later_may_be_kept(place):
    """git may refuse a change after the tip was kept. The reference still has that tip."""
    gate, work = place()
    git("config", "receive.denyDeleteCurrent", "refuse", cwd=work.mirror)
    before = others(work.mirror)
    push(gate, work, ":main", ok=False)
    assert others(work.mirror) == before and kept(work.mirror) == [("deleted", MAIN, before[MAIN])]


# ---- what tries to get around it ----

@pytest.mark.parametrize("claim", ["0" * 40, "1234567890" * 4])
def test_a_deletion_that_does_not_say_what_it_deletes(place, claim):
    """git deletes the reference, whatever it leads to."""
    gate, work = place()
    before = refs(work.mirror)
    answer = post(gate, work, [(claim, packets.NO_OBJECT, MAIN)])
    assert answer.status == 200 and b"ng " + MAIN.encode() in answer.body
    assert refs(work.mirror) == before


def test_a_deletion_that_names_another_tip(place):
    gate, work = place()
    before = refs(work.mirror)
    answer = post(gate, work, [(work.id("old"), packets.NO_OBJECT, MAIN)])
    assert b"ng " + MAIN.encode() in answer.body and others(work.mirror) == before


def pack_of(*objects):
    """A pack of objects (type number, content)."""
    parts = [b"PACK" + (2).to_bytes(4, "big") + len(objects).to_bytes(4, "big")]
    for kind, content in objects:
        entry, rest = [kind << 4 | len(content) & 15], len(content) >> 4
        while rest:
            entry[-1] |= 0x80
            entry.append(rest & 0x7f)
            rest >>= 7
        parts.append(bytes(entry) + zlib.compress(content))
    body = b"".join(parts)
    return body + hashlib.sha1(body).digest()


def id_of(content):
    return hashlib.sha1(b"commit %d\0" % len(content) + content).hexdigest()


def commit_text(work, *parents, message="lies"):
    who = "Ada <ada@example.org> 1600000000 +0000"
    lines = [f"tree {work.id('main^{tree}')}", *(f"parent {oid}" for oid in parents), f"author {who}", f"committer {who}"]
    return ("\n".join(lines) + f"\n\n{message}\n").encode()


def test_a_pack_that_begins_with_a_false_witness(place):
    """The pack's first commit descends from the tip, but the branch's new commit does not."""
    gate, work = place()
    witness, lone = commit_text(work, work.id()), commit_text(work)
    answer = post(gate, work, [(work.id(), id_of(lone), MAIN)], pack_of((1, witness), (1, lone)))
    assert b"ok " + MAIN.encode() in answer.body, answer.body
    assert kept(work.mirror) == [("forced", MAIN, work.id())]


def test_a_parent_in_the_message_is_none(place):
    gate, work = place()
    lone = commit_text(work, message=f"parent {work.id()}\n")
    answer = post(gate, work, [(work.id(), id_of(lone), MAIN)], pack_of((1, lone)))
    assert b"ok " + MAIN.encode() in answer.body, answer.body
    assert kept(work.mirror) == [("forced", MAIN, work.id())]


def test_a_shallow_push_cuts_no_history(place):
    """git would take the new commit for one without parents, so gc would not find the old tip behind it."""
    gate, work = place()
    git("config", "receive.shallowUpdate", "true", cwd=work.mirror)
    new = commit_text(work, work.id())
    body = packets.packet(f"shallow {id_of(new)}") + packets.push([(work.id(), id_of(new), MAIN)], pack_of((1, new)))
    answer = gate.ask("POST", f"/{work.name}.git/git-receive-pack", packets.PUSH_TYPE, body=body)
    assert answer.status == 200
    assert not (work.mirror / "shallow").exists()
    assert work.id() in out("rev-list", "main", cwd=work.mirror).split()


def test_an_object_that_git_cannot_read_for_its_replacement(place):
    """git deletes a reference whatever it holds, if it cannot read the object that the push names as the old one."""
    gate, work = place()
    git("config", "core.useReplaceRefs", "true", cwd=work.mirror)
    tip = work.write("more")
    push(gate, work, "main:refs/heads/victim")
    work.git("checkout", "--quiet", "--orphan", "own")
    first, second = work.write("first"), work.write("second")
    push(gate, work, "own")
    blob = work.blob(b"no commit")
    push(gate, work, f"{blob}:refs/replace/{first}")
    commands = [(second, packets.NO_OBJECT, "refs/heads/own"), (first, packets.NO_OBJECT, "refs/heads/victim")]
    answer = post(gate, work, commands)  # the first command has git take the object for a commit
    assert b"ng refs/heads/victim" in answer.body, answer.body
    assert others(work.mirror)["refs/heads/victim"] == tip


def test_a_shallow_repository(mirror_template, start_gate, tmp_path):
    """A shallow repository is cut at a commit. By its bytes the commit has ancestors, for git it has none."""
    (tmp_path / "mirrors").mkdir()
    mirror = tmp_path / "mirrors" / "repo.git"
    source = tmp_path / "source.git"
    git("clone", "--quiet", "--bare", mirror_template[1], source, cwd=tmp_path)
    old, new = out("rev-parse", "main~1", cwd=source), out("rev-parse", "main", cwd=source)
    git("tag", "tip", old, cwd=source)
    git("clone", "--quiet", "--mirror", "--depth=1", "--no-single-branch", f"file://{source}", mirror, cwd=tmp_path)
    gate = start_gate(f"--mirror-root={mirror.parent}", "--scope=repo")
    text = (out("cat-file", "commit", new, cwd=source) + "\n").encode()
    assert id_of(text) == new
    body = packets.push([(old, new, "refs/tags/tip")], pack_of((1, text)))
    answer = gate.ask("POST", "/repo.git/git-receive-pack", packets.PUSH_TYPE, body=body)
    assert b"ok refs/tags/tip" in answer.body, answer.body
    assert kept(mirror) == [("forced", "refs/tags/tip", old)]


def test_a_symbolic_reference_that_is_moved(place):
    gate, work = place()
    git("symbolic-ref", "refs/heads/alias", MAIN, cwd=work.mirror)
    old, new = rewrite(work)
    push(gate, work, "--force", f"{new}:refs/heads/alias")
    assert others(work.mirror)[MAIN] == new
    assert kept(work.mirror) == [("forced", "refs/heads/alias", old)]


def test_the_setting_that_would_switch_it_off_is_refused(small_root):
    said = run("serve", "--git-config=core.hooksPath=/dev/null", small_root / "repo.git")
    assert said.returncode == USAGE and "--keep-old" in said.stderr and "--hooks-path" in said.stderr


@pytest.mark.parametrize("new", ["zeros", "another"])
def test_a_tip_that_the_reference_does_not_have_is_not_kept(place, new):
    """Otherwise a client could have any object restored as the last tip of a branch."""
    gate, work = place()
    before, other = refs(work.mirror), work.id("main~1")
    to = {"zeros": "0" * len(other), "another": work.id("v1^{commit}")}[new]
    post(gate, work, [(other, to, MAIN)])
    assert refs(work.mirror) == before and kept(work.mirror) == []


# ---- who sees it ----

@pytest.mark.parametrize("options", [[], ["--hide-refs=refs/heads/secret"], ["--hide-refs=refs/gate", "--hide-refs=!refs/gate"]])
@pytest.mark.parametrize("version", [0, 2])
def test_clients_do_not_see_it(place, options, version):
    """Clients see no kept tip, whatever the options and the repository's configuration say."""
    gate, work = place(*options)
    for section in ("transfer", "uploadpack", "receive"):
        git("config", f"{section}.hideRefs", "!refs/gate", cwd=work.mirror)
    old, _ = rewrite(work)
    push(gate, work, "--force", "main")
    name, = refs(work.mirror, KEPT)
    seen = out("-c", f"protocol.version={version}", "ls-remote", gate.url(work.name), cwd=work.folder)
    assert "gate" not in seen and old not in seen
    for spec in (f":{name}", f"main:{name}", f"main:{KEPT}mine"):
        push(gate, work, "--force", spec, ok=False)
    assert list(refs(work.mirror, KEPT)) == [name]


def test_its_objects_can_be_fetched_by_id_like_others(place, tmp_path):
    """As docs/rules.md says: --any-commit decides for versions 0 and 1, and version 2 always serves any id."""
    gate, work = place("--any-commit=no")
    old, _ = rewrite(work)
    push(gate, work, "--force", "main")
    fetcher = work_tree(tmp_path / "fetcher")
    fetch = ("fetch", "--quiet", gate.url(work.name), old)
    git("-c", "protocol.version=0", *fetch, cwd=fetcher, ok=False)
    git("-c", "protocol.version=2", *fetch, cwd=fetcher)


# ---- what ends it ----

def old_verb(*arguments, status=0):
    said = run("old", *arguments)
    assert said.returncode == status, said.stderr
    return said.stdout if status == 0 else said.stderr


def listed(work):
    """The lines of `git-gate old list`, as (entry, how, id, reference)."""
    return [tuple(line.split()) for line in old_verb("list", work.mirror).splitlines()]


def collect(repository):
    """Collect all garbage, as the host may."""
    git("reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all", cwd=repository)
    git("gc", "--quiet", "--prune=now", cwd=repository)
    git("prune", "--expire=now", cwd=repository)


@pytest.mark.parametrize("storage", ["files", "reftable"])
def test_the_hosts_gc_leaves_it_and_old_prune_ends_it(place, storage):
    gate, work = place(storage=storage)
    work.write("lost", "lost\n")
    push(gate, work, "main")
    old = work.id()
    push(gate, work, "--force", "main~1:main")
    collect(work.mirror)
    assert out("show", f"{old}:lost", cwd=work.mirror) == "lost"
    assert old_verb("prune", work.mirror, "--older-than=1h") == "removed 0, kept 1\n"
    assert old_verb("prune", work.mirror, "--older-than=0s") == "removed 1, kept 0\n"
    collect(work.mirror)
    git("cat-file", "-e", old, cwd=work.mirror, ok=False)


@pytest.mark.parametrize("storage", ["files", "reftable"])
def test_restore(place, storage):
    gate, work = place(storage=storage)
    before = others(work.mirror)
    first, second = rewrite(work)
    push(gate, work, "--force", "main", ":task/there")
    (entry, *_), _ = listed(work)
    assert [line[1:] for line in listed(work)] == [
        ("deleted", before["refs/heads/task/there"], "refs/heads/task/there"), ("forced", first, MAIN)]
    assert old_verb("restore", work.mirror, MAIN) == f"{MAIN} leads to {first}\n"
    assert others(work.mirror)[MAIN] == first
    assert ("restored", MAIN, second) in kept(work.mirror), "its own tip was not kept"
    said = old_verb("restore", work.mirror, entry)
    assert f"{MAIN} leads to {first}, as before\n" in said and "refs/heads/task/there leads to" in said
    assert others(work.mirror) == before
    old_verb("restore", work.mirror, MAIN)
    assert others(work.mirror)[MAIN] == second
    old_verb("restore", work.mirror, entry, MAIN)
    assert others(work.mirror)[MAIN] == first


@pytest.mark.parametrize(("arguments", "words"), [
    ([], "say list, restore or prune"),
    (["lists", "REPO"], "say list, restore or prune"),
    (["list"], "takes other arguments"),
    (["list", "REPO", "more"], "takes other arguments"),
    (["restore", "REPO"], "takes other arguments"),
    (["restore", "REPO", "refs/heads/none"], "nothing like that is kept"),
    (["restore", "REPO", "main"], "nothing like that is kept"),
    (["prune", "REPO"], "takes other arguments"),
    (["prune", "REPO", "--older-than=1y"], "is not an age"),
    (["prune", "REPO", "--older-than=-1d"], "is not an age"),
    (["prune", "REPO", "--older-than=999999999999999999d"], "is not an age"),
    (["prune", "REPO", "--older-than"], "needs an age"),
    (["list", "/nonexistent/x.git"], "there is no repository"),
    (["list", "/tmp"], "is not a bare repository"),
    (["list", "--older=1d", "REPO"], "did you mean '--older-than'"),
])
def test_faults_of_the_command_line(small_root, arguments, words):
    named = [str(small_root / "repo.git") if word == "REPO" else word for word in arguments]
    assert words in old_verb(*named, status=USAGE)


def test_old_starts_no_hook_and_nothing_that_the_repository_says(place, tmp_path):
    gate, work = place()
    push(gate, work, ":old")
    hook = work.mirror / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    old_verb("restore", work.mirror, "refs/heads/old")
    assert not (tmp_path / "ran").exists()
    git("config", "hook.mine.command", f"touch {tmp_path}/ran", cwd=work.mirror)
    assert "git is not started" in old_verb("list", work.mirror, status=4)


def test_a_name_for_a_terminal_is_quoted(place):
    gate, work = place()
    push(gate, work, "main:refs/heads/\u009b1m")
    push(gate, work, ":refs/heads/\u009b1m")
    assert "\\302\\233" in old_verb("list", work.mirror)


def test_many_at_once(place):
    gate, work = place()
    tip = work.id()
    push(gate, work, *[f"main:refs/heads/many/{i}" for i in range(300)])
    push(gate, work, *[f":refs/heads/many/{i}" for i in range(300)])
    assert len(kept(work.mirror)) == 300 and {line[2] for line in kept(work.mirror)} == {tip}
    assert old_verb("prune", work.mirror, "--older-than=0d") == "removed 300, kept 0\n"
    assert not list((work.mirror / "refs" / "gate").rglob("*")) or not kept(work.mirror)
